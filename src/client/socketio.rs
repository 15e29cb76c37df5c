//! Socket.IO: a session that begins with a WebSocket, or by polling and then changes to one.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::dialer::Dialer;
use super::engine::{self, Start, Unsaid};
use super::inbox::{self, Command, INBOX, Incoming, Post};
use super::line::no_connection;
use super::running::{Ending, Health};
use super::stream::Stream;
use super::transport::{Lane, LaneError, Running, Speech, Transport};
use super::{Clock, Ear, Emit, Io, Mode};

/// `reconnectionDelay` of socket.io-client.
const DELAY: Duration = Duration::from_secs(1);

/// Its `reconnectionDelayMax`.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// Its `randomizationFactor`.
const RANDOM: f64 = 0.5;

/// How long a session that broke may take to end: by then a client may be on its way back.
const SOON: Duration = Duration::from_millis(500);

/// The transport.
#[derive(Debug)]
pub(super) struct SocketIo {
    upgrades: bool,
}

impl SocketIo {
    /// A WebSocket from the first.
    pub fn websocket() -> Self {
        Self { upgrades: false }
    }

    /// As socket.io-client does unless it is told otherwise.
    pub fn upgrading() -> Self {
        Self { upgrades: true }
    }
}

impl Transport for SocketIo {
    fn name(&self) -> &'static str {
        if self.upgrades { "socketio-upgrade" } else { "socketio" }
    }

    fn client_talks_by(&self) -> &'static str {
        "same connection"
    }

    fn run(self: Box<Self>, lane: Lane) -> Running {
        Box::pin(run(lane, self.name(), if self.upgrades { Mode::Upgrade } else { Mode::WebSocket }))
    }
}

/// What a client of Socket.IO keeps from one session to the next.
struct Client {
    mode: Mode,
    dialer: Dialer,
    ear: Arc<Mutex<Ear>>,
    speech: mpsc::UnboundedReceiver<Speech>,
    /// What was emitted without a session: the next one says it.
    unsaid: Unsaid,
    clock: Clock,
    ready: bool,
    health: Health,
    backoff: Backoff,
}

/// How a session ended.
enum Ended {
    /// The client left.
    Left,
    /// It broke: the client comes back.
    Broke(String),
    /// The server does not want it: the client does not come back by itself.
    Refused(String),
}

async fn run(lane: Lane, name: &str, mode: Mode) -> Result<(), LaneError> {
    let mut ending = Ending::of(&lane);
    let dialer = Dialer::of(&lane, name);
    let health = Health::new(&lane.counts);
    let Lane { clock, ear, speech, .. } = lane;
    if ending.or(clock.connects()).await.is_none() {
        return Ok(());
    }
    let (ear, unsaid, backoff) = (Arc::new(Mutex::new(ear)), Unsaid::default(), Backoff::default());
    let mut client = Client { mode, dialer, ear, speech, unsaid, clock, ready: false, health, backoff };
    loop {
        let dialer = client.dialer.afresh();
        let Some(first) = ending.or(dialer.dial()).await else { break };
        match first {
            Ok(first) => match client.session(first, dialer, &mut ending).await {
                Ended::Left => break,
                Ended::Refused(why) => return Err(LaneError::Ended(why)),
                Ended::Broke(why) => client.health.broke(why),
            },
            Err(error) if !client.ready => return Err(LaneError::Ended(no_connection(&error))),
            Err(error) => client.health.unreachable(no_connection(&error)),
        }
        let delay = client.backoff.next(&random());
        if client.away(delay, &mut ending).await.is_none() {
            break;
        }
    }
    client.health.verdict()
}

impl Client {
    /// One session, to its end.
    async fn session(&mut self, first: Stream, dialer: Dialer, ending: &mut Ending) -> Ended {
        let (orders, queue) = inbox::queue();
        orders.owe();
        let (post, mut inbox) = mpsc::channel(INBOX);
        let (tell, mut upgraded) = watch::channel(None);
        let post = Post { inbox: post, ear: Arc::clone(&self.ear), local: first.link().local };
        let (mode, unsaid, namespace) = (self.mode, self.unsaid.clone(), "/".to_owned());
        let start = Start { mode, namespace, unsaid, post, first, dialer, upgraded: tell };
        let mut engine = pin!(engine::own(start, queue));
        let mut orders = Some(orders);
        let (mut joined, mut ended) = (false, None);
        // From when on the session is given up.
        let mut until = None;
        loop {
            let changed = async { drop(upgraded.wait_for(Option::is_some).await) };
            tokio::select! {
                biased;
                () = ending.wait(), if orders.is_some() => {
                    orders = None;
                    until = until.or(Some(Instant::now() + ending.grace));
                }
                Some(incoming) = inbox.recv() => match incoming {
                    Incoming::Io(Io::Connect(_)) => {
                        joined = true;
                        self.health.works();
                        self.backoff = Backoff::default();
                    }
                    incoming => if let Some(how) = how(incoming) {
                        until = until.or(Some(Instant::now() + SOON));
                        ended = ended.or(Some(how));
                    }
                },
                // It hears from where it is let in, by polling too; but until it has changed, it takes part in nothing else.
                () = changed, if joined && !self.ready => {
                    self.ready = true;
                    self.clock.ready();
                }
                () = &mut engine => break,
                Some(speech) = self.speech.recv(), if orders.is_some() => {
                    let emit = emit(speech);
                    let given = orders.as_ref().is_some_and(|it| it.give(Command::Emit(emit.clone())));
                    if !given {
                        self.unsaid.keep(emit);
                    }
                }
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => break,
            }
        }
        let rest = std::iter::from_fn(|| inbox.try_recv().ok()).find_map(how);
        match ended.or(rest) {
            _ if orders.is_none() && ending.is_over() => Ended::Left,
            Some(ended) => ended,
            None => Ended::Broke("the session has ended".into()),
        }
    }

    /// Waits; what is emitted meanwhile, the next session says. `None` where the run is over first.
    async fn away(&mut self, delay: Duration, ending: &mut Ending) -> Option<()> {
        let mut back = pin!(sleep(delay));
        loop {
            tokio::select! {
                biased;
                () = ending.wait() => return None,
                () = &mut back => return Some(()),
                Some(speech) = self.speech.recv() => self.unsaid.keep(emit(speech)),
            }
        }
    }
}

/// `emit("message", { from, text })`
fn emit(Speech { from, text }: Speech) -> Emit {
    Emit::json("message", vec![json!({ "from": from, "text": text })])
}

/// How the session ended, where this says that it did.
fn how(incoming: Incoming) -> Option<Ended> {
    let Incoming::Io(io) = incoming else { return None };
    match io {
        Io::Ended(why) | Io::Failed(why) => Some(Ended::Broke(why)),
        Io::ConnectError(error) => {
            let why = error.get("message").and_then(Value::as_str).unwrap_or("no reason");
            Some(Ended::Refused(format!("the server did not let it in: {why}")))
        }
        Io::Disconnect => Some(Ended::Refused("the server said that it is over".into())),
        Io::Connect(_) | Io::Event { .. } | Io::Ack { .. } | Io::Left => None,
    }
}

/// How long socket.io-client waits before it comes back: longer each time, and never just so long as the others.
#[derive(Debug, Default)]
struct Backoff {
    tries: u32,
}

impl Backoff {
    /// `random` are two numbers from 0 to 1: how far from the middle, and to which side.
    fn next(&mut self, random: &[f64; 2]) -> Duration {
        let middle = DELAY.as_secs_f64() * f64::from(1_u32 << self.tries.min(16));
        self.tries += 1;
        let off = random[0] * RANDOM * middle;
        let delay = if random[1] < 0.5 { middle - off } else { middle + off };
        Duration::from_secs_f64(delay).min(MAX_DELAY)
    }
}

/// Two numbers from 0 to 1.
fn random() -> [f64; 2] {
    let mut bytes = [[0_u8; 4]; 2];
    // A system without randomness waits a little less evenly.
    for bytes in &mut bytes {
        let _ = getrandom::fill(bytes);
    }
    bytes.map(|bytes| f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_socket_io_client_does() {
        let delays = |random| {
            let mut backoff = Backoff::default();
            [0; 5].map(|_| backoff.next(&random).as_secs_f64())
        };
        assert_eq!(delays([0.0, 0.0]), [1.0, 2.0, 4.0, 5.0, 5.0]);
        assert_eq!(delays([1.0, 0.0]), [0.5, 1.0, 2.0, 4.0, 5.0]);
        assert_eq!(delays([1.0, 1.0]), [1.5, 3.0, 5.0, 5.0, 5.0]);
        assert_ne!(random(), random());
    }
}
