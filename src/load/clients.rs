//! The process that visits: many clients on one transport.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{BufReader, stdin, stdout};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Histogram;
use super::lines;
use super::own;
use super::words::{ClientsSpec, Made, Order, Told, Visited};
use crate::client::{Clock, Counts, Ear, Hearing, Lane, LaneError, Span, Speech, Trust, filled, transport};
use crate::tap::{Looking, Taps, kernel};
use crate::timeline::{Bus, Keep};

/// So many connect at once: what a crowd costs that is there is not to be mixed up with what it costs to let it in all at once.
const AT_THE_DOOR: usize = 32;

/// For each such time that is added to a round trip, so many more.
const NEAR: Duration = Duration::from_millis(10);

/// And they come one after another.
const APART: Duration = Duration::from_micros(200);

/// How long all of them may take until they are ready, beside what the network takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was said last may take so long until the server has it.
const MOMENT: Duration = Duration::from_secs(1);

/// What they may take to leave.
const GOODBYE: Duration = Duration::from_secs(10);

/// Visits as it is told by the lines of stdin, and tells on stdout.
///
/// # Errors
/// Where whoever started it is gone.
pub async fn visit() -> io::Result<()> {
    kernel::raise_descriptor_limit();
    let mut orders = lines::listen(BufReader::new(stdin()));
    let Some(Order::Visit(spec)) = orders.recv().await.transpose()? else { return Ok(()) };
    let mut out = stdout();
    let mut crowd = match Crowd::gather(spec) {
        Ok(crowd) => crowd,
        Err(why) => return lines::write(&mut out, &Told::Failed(why)).await,
    };
    if !crowd.get_ready(&mut orders).await? {
        return Ok(());
    }
    lines::write(&mut out, &Told::Ready).await?;
    if crowd.run(&mut orders).await? {
        lines::write(&mut out, &Told::Visited(crowd.visited())).await?;
    }
    Ok(())
}

/// What became of a client.
struct Ended {
    how: Result<(), LaneError>,
    was_ready: bool,
}

/// All clients.
struct Crowd {
    spec: ClientsSpec,
    clock: Clock,
    span: watch::Sender<Option<Span>>,
    tasks: JoinSet<Ended>,
    /// How many ended that never were ready.
    never: usize,
    /// From when to when it runs, once that is known.
    run: Option<(Instant, Instant)>,
    speech: Vec<mpsc::UnboundedSender<Speech>>,
    counts: Arc<Counts>,
    heard: Arc<Heard>,
    /// What was said and not had yet, and when.
    said: HashMap<Speech, Vec<u64>>,
    wanted: u64,
    reached: Histogram,
    failed: Option<(u64, String)>,
    /// Bytes and requests when all were ready, and bytes at the end.
    before: (u64, u64),
    after: Option<u64>,
}

impl Crowd {
    fn gather(spec: ClientsSpec) -> Result<Self, String> {
        let trust = spec.certificate.as_deref().map(Trust::new).transpose();
        let trust = trust.map_err(|error| error.to_string())?;
        let taps = Taps::new(Bus::bounded(Keep { events: 0, bytes: 0 })).looking(Looking::Bare);
        let begin = Instant::now();
        let (clock, span) = Clock::new(begin, None);
        let (counts, heard) = (Arc::<Counts>::default(), Arc::<Heard>::default());
        // Who is far away stands there longer.
        let longer = 1 + spec.network.rtt.as_millis() / NEAR.as_millis();
        let places = AT_THE_DOOR.saturating_mul(usize::try_from(longer).unwrap_or(usize::MAX));
        let door = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        let (mut tasks, mut speech) = (JoinSet::new(), Vec::new());
        for n in 0..spec.clients {
            let transport =
                transport(&spec.transport).ok_or_else(|| format!("no transport {}", spec.transport))?;
            let (says, listen) = mpsc::unbounded_channel();
            let hearing: Arc<dyn Hearing> = Arc::clone(&heard) as Arc<dyn Hearing>;
            let lane = Lane {
                server: spec.server,
                taps: taps.clone(),
                trust: trust.clone(),
                poll: spec.poll,
                phase: spec.poll.mul_f64(f64::from(n) / f64::from(spec.clients)),
                rtt: spec.network.rtt,
                stall: spec.network.stall.map_or(Duration::ZERO, |stall| stall.time),
                clock: clock.connecting(begin + APART * n, &door),
                ear: Ear::counted(hearing).counting(Arc::clone(&counts)),
                speech: listen,
                counts: Arc::clone(&counts),
            };
            speech.push(says);
            let clock = lane.clock.clone();
            let running = transport.run(lane);
            tasks.spawn(async move { Ended { how: running.await, was_ready: clock.is_ready() } });
        }
        Ok(Self {
            spec,
            clock,
            span,
            tasks,
            never: 0,
            run: None,
            speech,
            counts,
            heard,
            said: HashMap::new(),
            wanted: 0,
            reached: Histogram::default(),
            failed: None,
            before: (0, 0),
            after: None,
        })
    }

    /// Waits until each of them is ready, or will never be; or nobody wants to wait. False: whoever started it is gone.
    async fn get_ready(&mut self, orders: &mut mpsc::Receiver<io::Result<Order>>) -> io::Result<bool> {
        let mut readiness = self.clock.readiness();
        let until = Instant::now() + PATIENCE + APART * self.spec.clients + 8 * self.spec.network.rtt;
        while self.run.is_none() {
            let ready = readiness.borrow_and_update().clients + self.never;
            if ready >= self.spec.clients as usize {
                break;
            }
            tokio::select! {
                _ = readiness.changed() => {}
                Some(ended) = self.tasks.join_next() => self.ended(ended),
                order = orders.recv() => match order.transpose()? {
                    Some(order) => self.obey(order),
                    None => return Ok(false),
                },
                () = sleep_until(until) => break,
            }
        }
        self.before = (self.counts.bytes.get(), self.counts.requests.get());
        Ok(true)
    }

    fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        let (how, was_ready) = match ended {
            Ok(Ended { how, was_ready }) => (how.map_err(|error| error.to_string()), was_ready),
            Err(error) => (Err(error.to_string()), false),
        };
        self.never += usize::from(!was_ready);
        if let Err(why) = how {
            self.failed.get_or_insert((0, why)).0 += 1;
        }
    }

    fn obey(&mut self, order: Order) {
        let span = match order {
            Order::Run { start, until } => (own::instant(start), own::instant(until)),
            Order::Enough => {
                let now = Instant::now();
                (self.run.map_or(now, |(start, _)| start.min(now)), now)
            }
            Order::Made(made) => return self.made(made),
            Order::Serve(_) | Order::Visit(_) | Order::Stop => return,
        };
        self.run = Some(span);
        self.span.send_replace(Some(Span { start: span.0, until: span.1 }));
    }

    /// From the start to the end. False: whoever started it is gone.
    async fn run(&mut self, orders: &mut mpsc::Receiver<io::Result<Order>>) -> io::Result<bool> {
        let mut speeches = std::mem::take(&mut self.spec.speeches).into_iter().peekable();
        loop {
            if self.is_over() {
                return Ok(true);
            }
            let (start, until) = (self.run.map(|(start, _)| start), self.run.map(|(_, until)| until));
            // What would come after the end is not said any more.
            let next =
                start.and_then(|start| Some(start + speeches.peek()?.0)).filter(|next| Some(*next) <= until);
            let end = until.filter(|_| self.after.is_none());
            // Words that are on their way have a moment, clients that leave have some time.
            let last = until.map(|until| until + if self.tasks.is_empty() { MOMENT } else { GOODBYE });
            tokio::select! {
                order = orders.recv() => match order.transpose()? {
                    Some(order) => self.obey(order),
                    None => return Ok(false),
                },
                Some(ended) = self.tasks.join_next() => self.ended(ended),
                () = own::at(next) => {
                    if let Some((_, speech)) = speeches.next() {
                        self.say(speech);
                    }
                }
                () = own::at(end) => self.after = Some(self.counts.bytes.get()),
                () = own::at(last.filter(|_| self.after.is_some())) => return Ok(true),
            }
        }
    }

    /// Whether all have left when it was time. What was made last may still be on its way here, and what it was heard after is not
    /// known before.
    fn is_over(&self) -> bool {
        let late = self.run.is_some_and(|(_, until)| until <= Instant::now());
        let had = || self.said.values().all(Vec::is_empty);
        late && self.after.is_some() && self.tasks.is_empty() && had() && self.heard.knows_all()
    }

    /// Each thing is said by another of them.
    fn say(&mut self, Speech { from, text }: Speech) {
        let speech = Speech { from, text: filled(text, self.spec.size) };
        let speaker =
            self.speech.get(usize::try_from(self.wanted).unwrap_or_default() % self.speech.len().max(1));
        self.wanted += 1;
        self.said.entry(speech.clone()).or_default().push(own::now());
        // One that has failed says nothing.
        let _ = speaker.map(|speaker| speaker.send(speech));
    }

    fn made(&mut self, made: Made) {
        match made.speech {
            None => self.heard.made(made.id, made.at),
            Some(speech) => {
                if let Some(said) = self.said.get_mut(&speech).filter(|said| !said.is_empty()) {
                    let after = made.at.saturating_sub(said.remove(0));
                    self.reached.record(Duration::from_nanos(after));
                }
            }
        }
    }

    fn visited(&self) -> Visited {
        let counts = &self.counts;
        let after = self.after.map_or(0, |after| counts.bytes.get().saturating_sub(after));
        Visited {
            heard: self.heard.lock().delays.counted(),
            reached: self.reached.counted(),
            wanted: self.wanted,
            sent: counts.sent.get(),
            requests: (counts.requests.get(), self.before.1),
            empty: counts.empty.get(),
            content_sent: counts.content_sent.get(),
            content_heard: counts.content_heard.get(),
            bytes_once: self.before.0 + after,
            doubled: counts.doubled.get(),
            broken: counts.broken.get(),
            recovered: counts.recovered.get(),
            failed: self.failed.clone(),
        }
    }
}

/// After how long they hear what.
#[derive(Debug, Default)]
struct Heard(Mutex<Delays>);

#[derive(Debug, Default)]
struct Delays {
    /// When each message was made, as far as that is known here.
    made: HashMap<u64, u64>,
    /// Heard before that was known: when.
    early: HashMap<u64, Vec<u64>>,
    delays: Histogram,
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Delays> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn made(&self, id: u64, at: u64) {
        let mut all = self.lock();
        all.made.insert(id, at);
        for heard in all.early.remove(&id).unwrap_or_default() {
            all.delays.record(Duration::from_nanos(heard.saturating_sub(at)));
        }
    }

    fn knows_all(&self) -> bool {
        self.lock().early.is_empty()
    }
}

impl Hearing for Heard {
    fn heard(&self, id: u64) {
        let now = own::now();
        let mut all = self.lock();
        match all.made.get(&id).copied() {
            Some(made) => all.delays.record(Duration::from_nanos(now.saturating_sub(made))),
            None => all.early.entry(id).or_default().push(now),
        }
    }
}
