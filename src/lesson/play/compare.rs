//! Runs one workload on several transports at once, each with a server, a store and a port of its own, so that lanes
//! cannot hear each other.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::player::{PlayError, Player, patience};
use super::stage::Stage;
use super::tally::Tally;
use crate::client::{Clock, Counts, Ear, Lane, LaneError, Span, Speech, transport};
use crate::lesson::script::{Planned, Workload};
use crate::server::{Draft, Options};
use crate::timeline::{Claim, Connection, Elapsed, Kind, Role, Summary};

/// From when the lanes are made until the first of them may speak.
const LEAD: Duration = Duration::from_millis(20);

/// How long connections may take to end after the run.
const PATIENCE: Duration = Duration::from_secs(3);

/// A lane while it runs.
struct Running {
    name: String,
    talks_by: &'static str,
    stage: Stage,
    speech: mpsc::UnboundedSender<Speech>,
    task: JoinHandle<Result<(), LaneError>>,
    tally: Tally,
    /// The server's messages.
    news: Arc<Mutex<HashSet<u64>>>,
}

/// How long a workload runs: to the first poll that can bring the last of its events, and a moment for the answer. Where a
/// round trip is added: to the first after an answer that just missed it, and two round trips for a new connection's answer.
#[must_use]
fn length(workload: &Workload) -> Duration {
    let last = workload.events.last().map_or(Duration::ZERO, |event| event.at) + 2 * workload.network.rtt;
    let polls = last.as_nanos() / workload.poll.as_nanos().max(1) + 1;
    let polls = u32::try_from(polls).unwrap_or(u32::MAX);
    workload.poll.saturating_mul(polls)
        + workload.poll.min(Duration::from_secs(1)) / 2
        + 2 * workload.network.rtt
}

impl Player<'_> {
    /// Runs it as the flags change it, and shows how far it is.
    pub(super) async fn workload(&mut self, workload: &Workload) -> Result<(), PlayError> {
        let workload = self.flags.changes.apply(workload.clone(), self.flags.network);
        let length = length(&workload);
        let working = self.working("comparing", length);
        let compared = self.compare(&workload).await;
        drop(working);
        compared
    }

    /// Runs it, and tells what it added up to.
    async fn compare(&mut self, workload: &Workload) -> Result<(), PlayError> {
        let network = workload.network;
        let since = self.taps.bus().append(Kind::Say {
            lesson: self.lesson.name.clone(),
            role: Role::Compare,
            text: workload.text.clone(),
            // The title has told what the flags add.
            detail: (network != self.flags.network).then(|| network.to_string()),
            show: None,
            from: None,
            packet: None,
            lanes: workload.transports.clone(),
        });
        let start = Instant::now() + LEAD;
        let until = start + length(workload);
        let mut lanes = Vec::new();
        for name in &workload.transports {
            lanes.push(self.lane(name, workload, (start, until))?);
        }
        for event in &workload.events {
            sleep_until(start + event.at).await;
            self.happen(event, &mut lanes).await;
        }
        let mut transports = Vec::new();
        let mut finished = Vec::new();
        for mut lane in lanes {
            let failure = match (&mut lane.task).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => Some(error.to_string()),
            };
            if let Some(saw) = failure {
                self.failed(&lane.name, workload.line, saw);
            }
            finished.push(lane);
        }
        let servers: Vec<_> = finished.iter().map(|lane| lane.stage.server.address).collect();
        self.all_closed(&servers, patience(network, PATIENCE)).await;
        join_all(finished.iter().map(|lane| lane.stage.server.stop())).await;
        let events = self.taps.bus().after(since);
        let heard = heard(&events);
        for mut lane in finished {
            events.iter().for_each(|event| lane.tally.event(event));
            let news = lane.news.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let of_lane = heard.get(lane.name.as_str()).cloned().unwrap_or_default();
            let delays = of_lane.into_iter().filter(|(id, _)| news.contains(id)).map(|(_, after)| after.0);
            let made = news.len() as u64;
            transports.push(lane.tally.finish(made, delays.collect(), lane.talks_by));
        }
        let seconds = Elapsed(until - start);
        self.taps.bus().append(Kind::Summary(Box::new(Summary {
            seconds,
            clients: 1,
            partial: false,
            transports,
            scaled: None,
        })));
        self.tell(Role::Played, "", None);
        Ok(())
    }

    fn lane(
        &mut self,
        name: &str,
        workload: &Workload,
        (start, until): (Instant, Instant),
    ) -> Result<Running, PlayError> {
        let unknown = || PlayError::Line { line: workload.line, what: format!("no transport {name}") };
        let transport = transport(name).ok_or_else(unknown)?;
        let taps = self.taps.with_default_name(name);
        let options = Options { network: workload.network, ..Options::default() };
        let stage = Stage::open(&taps, &self.servers, &mut self.ports, options)?;
        let server = stage.server.address;
        let (speech, listen) = mpsc::unbounded_channel();
        let speakers = workload.events.iter().filter_map(|event| event.client.as_deref());
        let ear = Ear::new(name, taps.clone(), stage.made().clone()).speaking_as(speakers);
        let (clock, _ends) = Clock::new(start, Some(Span { start, until }));
        let lane = Lane {
            server,
            taps,
            trust: None,
            poll: workload.poll,
            phase: Duration::ZERO,
            rtt: workload.network.rtt,
            clock,
            ear,
            speech: listen,
            counts: Arc::<Counts>::default(),
        };
        let talks_by = transport.client_talks_by();
        let task = tokio::spawn(transport.run(lane));
        let tally = Tally::new(name, server);
        Ok(Running { name: name.into(), talks_by, stage, speech, task, tally, news: Arc::default() })
    }

    /// One line of the workload, in every lane. The news is told once: it is the same for all.
    async fn happen(&mut self, event: &Planned, lanes: &mut [Running]) {
        if let Some(client) = &event.client {
            for lane in lanes {
                // A lane that has failed hears nothing more; it says so at the end.
                let _ = lane.speech.send(Speech { from: client.clone(), text: event.text.clone() });
            }
            return;
        }
        let mut told = false;
        for lane in lanes {
            let bus = self.taps.bus().clone();
            let news = Arc::clone(&lane.news);
            let text = event.text.clone();
            let draft = Draft { from: "server".into(), text: text.clone() };
            let made = |message: &crate::server::Message| {
                news.lock().unwrap_or_else(PoisonError::into_inner).insert(message.id);
                if !told {
                    bus.append(Kind::World { what: "say".into(), id: Some(message.id), text });
                }
            };
            let posted = lane.stage.server.store.post_with(draft, made).await;
            told |= posted.is_ok();
        }
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

    fn failed(&mut self, name: &str, line: usize, saw: String) {
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

/// What each client heard, and after how long.
fn heard(events: &[Arc<crate::timeline::Event>]) -> HashMap<&str, Vec<(u64, Elapsed)>> {
    let mut heard: HashMap<&str, Vec<_>> = HashMap::new();
    for event in events {
        if let Kind::Heard { client, id, after, .. } = &event.kind {
            heard.entry(client.as_str()).or_default().push((*id, *after));
        }
    }
    heard
}
