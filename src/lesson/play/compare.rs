//! Runs one workload on several transports at once, each with a server, a store and a port of its own, so that lanes
//! cannot hear each other.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::player::{PlayError, Player, patience};
use super::scale::scaled;
use super::stage::Stage;
use super::tally::{Tally, Words, polls};
use crate::client::{Clock, Counts, Ear, Lane, LaneError, Ready, Span, Speech, Trust, filled, transport};
use crate::lesson::script::{Planned, Workload};
use crate::server::{Draft, Message, Options, Tls};
use crate::tap::kernel::Waits;
use crate::timeline::{Bus, Claim, Connection, Elapsed, Kind, Role, Seq, Summary, TimeWait, Transport};

/// From when the lanes are made until the first of them may speak.
const LEAD: Duration = Duration::from_millis(20);

/// How long connections may take to end after the run.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long whoever comes back by itself may take for it: no longer than a browser's EventSource waits.
const RECOVERY: Duration = Duration::from_secs(3);

/// The shortest time for an answer.
const SHORT_MOMENT: Duration = Duration::from_millis(100);

/// For whatever is on its way.
const MOMENT: Duration = Duration::from_millis(500);

/// A lane while it runs.
struct Running {
    name: String,
    talks_by: &'static str,
    stage: Stage,
    speech: mpsc::UnboundedSender<Speech>,
    task: JoinHandle<Result<(), LaneError>>,
    /// Whether it has ended.
    over: watch::Receiver<bool>,
    clock: Clock,
    span: watch::Sender<Option<Span>>,
    counts: Arc<Counts>,
    /// The server's messages.
    news: Vec<u64>,
    /// What the client wanted to say, and what of it the server had.
    said: Words,
    /// Ends in TIME_WAIT at the server's port, of the server and of clients, before the first came.
    waits: Option<Waits>,
    had: Arc<Mutex<Words>>,
}

/// How long a workload runs: to the first poll that can bring the last of its events, and a moment for the answer. Where a
/// round trip is added: to the first after an answer that just missed it, and two round trips for a new connection's answer.
/// Where connections are cut or stalled, so long that who comes back by itself has heard what it missed.
pub(super) fn length(workload: &Workload) -> Duration {
    let network = workload.network;
    let last = workload.events.last().map_or(Duration::ZERO, |event| event.at) + 2 * network.rtt;
    let polls = last.as_nanos() / workload.poll.as_nanos().max(1) + 1;
    let polls = u32::try_from(polls).unwrap_or(u32::MAX);
    let moment = (workload.poll.min(Duration::from_secs(1)) / 2).max(SHORT_MOMENT) + 2 * network.rtt;
    workload.poll.saturating_mul(polls) + moment + trouble(workload)
}

/// How long it runs on a transport where nobody asks every so often: to the last event, and a moment.
pub(super) fn length_unasked(workload: &Workload) -> Duration {
    let last = workload.events.last().map_or(Duration::ZERO, |event| event.at);
    last + MOMENT + 4 * workload.network.rtt + trouble(workload)
}

/// What broken and stalled connections may take longer.
fn trouble(workload: &Workload) -> Duration {
    let recovery = workload.network.cut.map_or(Duration::ZERO, |_| RECOVERY);
    recovery + workload.network.stall.map_or(Duration::ZERO, |stall| stall.time)
}

impl Player<'_> {
    /// Runs it as the flags change it, answers what was predicted, and says what it added up to.
    pub(super) async fn workload(&mut self, workload: &Workload) -> Result<(), PlayError> {
        let workload = self.flags.changes.apply(workload.clone(), self.flags.network);
        let mut haste = self.haste.listen();
        let summary = if workload.clients > 1 {
            self.crowds(&workload, &mut haste).await?
        } else {
            self.story(&workload, &mut haste).await?
        };
        drop(haste);
        self.tell(Role::Played, "", None);
        self.answer();
        self.cut_short = summary.partial;
        self.taps.bus().append(Kind::Summary(Box::new(summary)));
        Ok(())
    }

    async fn story(
        &mut self,
        workload: &Workload,
        haste: &mut super::Listening,
    ) -> Result<Summary, PlayError> {
        let working = self.working("comparing", length(workload));
        let since = self.begins(workload, None, workload.transports.clone());
        let compared = self.compare(workload, since, haste).await;
        drop(working);
        compared
    }

    /// Says that it begins, and what is different where the title has not told it.
    pub(super) fn begins(&self, workload: &Workload, what: Option<String>, lanes: Vec<String>) -> Seq {
        let network = workload.network;
        // A crowd has no title that says where it listens, and over what.
        let untold = network != self.flags.network || workload.clients > 1;
        let added = (untold && network.is_changed()).then(|| network.to_string());
        let tls = self.flags.changes.tls.then(|| "over TLS".to_owned());
        let detail: Vec<String> = [what, added, tls].into_iter().flatten().collect();
        self.taps.bus().append(Kind::Say {
            lesson: self.lesson.name.clone(),
            role: Role::Compare,
            text: workload.text.clone(),
            detail: (!detail.is_empty()).then(|| detail.join(", ")),
            show: None,
            from: None,
            packet: None,
            lanes,
        })
    }

    /// Runs it on all transports at once.
    async fn compare(
        &mut self,
        workload: &Workload,
        since: Seq,
        haste: &mut super::Listening,
    ) -> Result<Summary, PlayError> {
        let start = Instant::now() + LEAD;
        let mut span = Span { start, until: start + length(workload) };
        let mut lanes = Vec::new();
        for name in &workload.transports {
            lanes.push(self.lane(name, workload, span)?);
        }
        let mut settled = self.taps.bus().now();
        let partial = tokio::select! {
            () = self.events(workload, &mut lanes, &mut span, &mut settled) => false,
            () = haste.asked() => true,
        };
        span.until = Instant::now().min(span.until);
        if partial {
            lanes.iter().for_each(|lane| lane.ends(span));
        }
        let ended = Elapsed(self.taps.bus().now().0.saturating_sub(span.until.elapsed()));
        let finished = self.finished(lanes, workload).await;
        let events = self.taps.bus().after(since);
        let seconds = Elapsed(span.until.saturating_duration_since(start));
        let transports = finished.into_iter().map(|(lane, failed)| {
            // Who polls is settled from the first; what others need to begin with, they need before there are news.
            let steady = if polls(&lane.name) { lane.ready(self.taps.bus()) } else { settled };
            let mut tally = Tally::new(&lane.name, lane.stage.server.address, (steady, ended));
            events.iter().for_each(|event| tally.event(event));
            // What was on its way when nobody wanted to wait any more is not lost.
            let whole = !partial || failed.is_some();
            Transport { failed, ran: seconds, ..lane.finish(tally, whole) }
        });
        let transports: Vec<Transport> = transports.collect();
        let scaled = scaled(self.flags.changes.scale.unwrap_or_default(), 1, &transports);
        Ok(Summary { seconds, clients: 1, partial, transports, scaled })
    }

    /// Waits until all have left: each with the reason, where it did not take part to the end.
    async fn finished(&mut self, lanes: Vec<Running>, workload: &Workload) -> Vec<(Running, Option<String>)> {
        let mut finished = Vec::new();
        for mut lane in lanes {
            let failure = match (&mut lane.task).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => Some(error.to_string()),
            };
            // Who asks for broken connections has them.
            if let Some(saw) = &failure
                && workload.network.cut.is_none()
            {
                self.failed(&lane.name, workload.line, saw.clone());
            }
            finished.push((lane, failure));
        }
        self.ended(&finished, workload).await;
        finished
    }

    /// Waits until every connection of these lanes is over, and stops their servers.
    async fn ended(&mut self, finished: &[(Running, Option<String>)], workload: &Workload) {
        let servers: Vec<_> = finished.iter().map(|(lane, _)| lane.stage.server.address).collect();
        self.all_closed(&servers, patience(workload.network, PATIENCE)).await;
        join_all(finished.iter().map(|(lane, _)| lane.stage.server.stop())).await;
    }

    fn lane(&mut self, name: &str, workload: &Workload, span: Span) -> Result<Running, PlayError> {
        let wrong = |what: String| PlayError::Line { line: workload.line, what };
        let transport = transport(name).ok_or_else(|| wrong(format!("no transport {name}")))?;
        let taps = self.taps.with_default_name(name);
        let tls =
            self.flags.changes.tls.then(Tls::new).transpose().map_err(|error| wrong(error.to_string()))?;
        let trust = tls.as_ref().map(|tls| Trust::new(tls.certificate())).transpose();
        let trust = trust.map_err(|error| wrong(error.to_string()))?;
        let options = Options { network: workload.network, tls, ..Options::default() };
        let had = Arc::<Mutex<Words>>::default();
        let note = noter(&had, self.taps.bus());
        let stage = Stage::open_noting(&taps, &self.servers, &mut self.ports, options, note)?;
        let server = stage.server.address;
        let (speech, listen) = mpsc::unbounded_channel();
        let speakers = workload.events.iter().filter_map(|event| event.client.as_deref());
        let counts = Arc::<Counts>::default();
        let ear = Ear::new(name, taps.clone(), stage.made().clone())
            .speaking_as(speakers)
            .counting(Arc::clone(&counts));
        let (clock, set) = Clock::new(span.start, Some(span));
        let lane = Lane {
            server,
            taps,
            trust,
            poll: workload.poll,
            phase: Duration::ZERO,
            rtt: workload.network.rtt,
            stall: workload.network.stall.map_or(Duration::ZERO, |stall| stall.time),
            clock: clock.clone(),
            ear,
            speech: listen,
            counts: Arc::clone(&counts),
        };
        let talks_by = transport.client_talks_by();
        let (bus, running) = (self.taps.bus().clone(), transport.run(lane));
        let lane = name.to_owned();
        let (tell, over) = watch::channel(false);
        let task = tokio::spawn(async move {
            let ended = running.await;
            tell.send_replace(true);
            if let Err(error) = &ended {
                // At once: what the others still do comes after it.
                bus.append(Kind::World { what: "failed".into(), id: None, text: format!("{lane}: {error}") });
            }
            ended
        });
        let (said, news) = (Words::new(), Vec::new());
        let waits = Waits::of(server);
        Ok(Running {
            name: name.into(),
            talks_by,
            stage,
            speech,
            task,
            over,
            clock,
            span: set,
            counts,
            news,
            said,
            waits,
            had,
        })
    }

    /// All that is said, in every lane; then waits for the end. Nothing is said before all are ready: where that takes longer than the
    /// first of it, all is that much later, and so is the end. `settled` is when they were.
    async fn events(
        &self,
        workload: &Workload,
        lanes: &mut [Running],
        span: &mut Span,
        settled: &mut Elapsed,
    ) {
        let first = workload.events.first().map_or(Duration::ZERO, |event| event.at);
        let ready = join_all(lanes.iter_mut().map(Running::settles));
        let _ = tokio::time::timeout(patience(workload.network, PATIENCE) + 8 * workload.network.rtt, ready)
            .await;
        let late = Instant::now().saturating_duration_since(span.start + first);
        if !late.is_zero() {
            span.until += late;
            lanes.iter().for_each(|lane| lane.ends(*span));
        }
        for event in &workload.events {
            sleep_until(span.start + late + event.at).await;
            if event.at == first {
                *settled = self.taps.bus().now();
            }
            happen(self.taps.bus(), event, workload.size, lanes).await;
        }
        sleep_until(span.until).await;
    }

    /// Waits until every connection to these servers is over, so that its bytes and its end are all told.
    async fn all_closed(&mut self, servers: &[SocketAddr], patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            self.catch_up();
            let open = |it: &Connection| it.closed.is_none() && servers.contains(&it.server);
            if !self.state.connections.values().any(open) {
                return;
            }
            let bus = self.taps.bus().clone();
            let read = self.read;
            let closed = bus.find(read, |event| matches!(event.kind, Kind::Closed { .. }).then_some(()));
            if tokio::time::timeout_at(deadline, closed).await.is_err() {
                return;
            }
        }
    }

    pub(super) fn failed(&mut self, name: &str, line: usize, saw: String) {
        self.claim(Claim {
            text: format!("{name} took part to the end"),
            held: Some(false),
            evidence: vec![self.taps.bus().last()],
            line: line as u64,
            remark: None,
            expected: Some(format!("{name} to take part to the end")),
            saw: Some(saw),
        });
    }
}

impl Running {
    /// When the client was ready; never, where it was not.
    fn ready(&self, bus: &Bus) -> Elapsed {
        match *self.clock.readiness().borrow() {
            Ready { last: Some(at), .. } => Elapsed(bus.now().0.saturating_sub(at.elapsed())),
            Ready { last: None, .. } => Elapsed::default(),
        }
    }

    /// Waits until it is ready, or will never be.
    async fn settles(&mut self) {
        let mut readiness = self.clock.readiness();
        tokio::select! {
            _ = readiness.wait_for(|ready| ready.clients > 0) => {}
            // Also where it is gone without having said so.
            _ = self.over.wait_for(|over| *over) => {}
        }
    }

    /// Its run is from here to there.
    fn ends(&self, span: Span) {
        self.span.send_replace(Some(span));
    }

    /// `whole`: what the client did not hear, it will never hear.
    fn finish(self, tally: Tally, whole: bool) -> Transport {
        let had = std::mem::take(&mut *self.had.lock().unwrap_or_else(PoisonError::into_inner));
        let transport = tally.finish(&self.news, whole, &self.counts, (self.said, had));
        let waits = Waits::of(self.stage.server.address);
        let waits = waits.map(|now| now.since(self.waits.as_ref()));
        Transport {
            client_talks_by: self.talks_by.into(),
            time_wait: waits.map(|(server, client)| TimeWait { client, server }),
            ..transport
        }
    }
}

/// One line of the workload, in every lane. The news is told once: it is the same for all.
async fn happen(bus: &Bus, event: &Planned, size: Option<usize>, lanes: &mut [Running]) {
    if let Some(client) = &event.client {
        for lane in lanes {
            let speech = Speech { from: client.clone(), text: filled(event.text.clone(), size) };
            lane.said.push((speech.clone(), bus.now()));
            // A lane that has failed hears nothing more; it says so at the end.
            let _ = lane.speech.send(speech);
        }
        return;
    }
    let mut told = false;
    for lane in lanes {
        let text = filled(event.text.clone(), size);
        let draft = Draft { from: "server".into(), text: text.clone() };
        let news = &mut lane.news;
        let made = |message: &Message| {
            news.push(message.id);
            if !told {
                bus.append(Kind::World { what: "say".into(), id: Some(message.id), text });
            }
        };
        let posted = lane.stage.server.store.post_with(draft, made).await;
        told |= posted.is_ok();
    }
}

/// Notes what clients say, and when the server has it.
fn noter(had: &Arc<Mutex<Words>>, bus: &Bus) -> Box<dyn Fn(&Message) + Send + Sync> {
    let (had, bus) = (Arc::clone(had), bus.clone());
    Box::new(move |message| {
        let speech = Speech { from: message.from.clone(), text: message.text.clone() };
        had.lock().unwrap_or_else(PoisonError::into_inner).push((speech, bus.now()));
    })
}
