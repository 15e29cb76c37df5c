//! Who learned of which message when.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::{Arg, Counts};
use crate::tap::Taps;
use crate::timeline::{ConnId, Elapsed, Kind};

/// In whose name a server's own news are.
const SERVER: &str = "server";

/// When each message of a server was made. Clones are handles to the same record.
#[derive(Debug, Clone, Default)]
pub struct Made {
    times: Arc<Mutex<HashMap<u64, Elapsed>>>,
}

impl Made {
    /// The message was made now.
    pub fn note(&self, id: u64, now: Elapsed) {
        self.lock().insert(id, now);
    }

    fn get(&self, id: u64) -> Option<Elapsed> {
        self.lock().get(&id).copied()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Elapsed>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who is told what a client hears, where that is not the timeline.
pub trait Hearing: std::fmt::Debug + Send + Sync {
    /// A client heard this message of the server's for the first time, just now.
    fn heard(&self, id: u64);
}

/// Where it is told.
#[derive(Debug)]
enum Told {
    Timeline { name: String, taps: Taps, made: Made },
    Counted(Arc<dyn Hearing>),
}

/// One client's ear: tells the timeline each message that it had not heard before.
#[derive(Debug)]
pub struct Ear {
    told: Told,
    /// Under which names it speaks itself.
    own: HashSet<String>,
    known: HashSet<u64>,
    /// The greatest id that was heard.
    last: Option<u64>,
    counts: Arc<Counts>,
}

impl Ear {
    /// Of a client that knows nothing yet.
    #[must_use]
    pub fn new(name: &str, taps: Taps, made: Made) -> Self {
        let own = HashSet::from([name.to_owned()]);
        let told = Told::Timeline { name: name.into(), taps, made };
        Self { told, own, known: HashSet::new(), last: None, counts: Arc::default() }
    }

    /// Of one of many clients: what it hears goes to no timeline.
    #[must_use]
    pub fn counted(hearing: Arc<dyn Hearing>) -> Self {
        let told = Told::Counted(hearing);
        Self { told, own: HashSet::new(), known: HashSet::new(), last: None, counts: Arc::default() }
    }

    /// The same, counting here what it is told again.
    #[must_use]
    pub fn counting(self, counts: Arc<Counts>) -> Self {
        Self { counts, ..self }
    }

    /// The same for a client that speaks under these names too: what it said itself is no news to it.
    #[must_use]
    pub fn speaking_as<'a>(mut self, names: impl Iterator<Item = &'a str>) -> Self {
        self.own.extend(names.map(ToOwned::to_owned));
        self
    }

    /// What to ask for next: messages newer than this.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// Takes an answer's content: a message, or a list of them.
    pub fn answer(&mut self, body: &[u8], conn: Option<ConnId>) {
        match serde_json::from_slice(body) {
            Ok(Value::Array(list)) => list.iter().for_each(|message| self.message(message, conn)),
            Ok(message @ Value::Object(_)) => self.message(&message, conn),
            Ok(_) | Err(_) => {}
        }
    }

    /// Takes the answer to what this client changed itself: it knows that message now, and it is no news.
    pub fn confirmation(&mut self, body: &[u8]) {
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        self.known.extend(message.get("id").and_then(Value::as_u64));
    }

    /// Takes what a socket brought: `{"event":"message","data":{…}}`.
    pub fn event(&mut self, text: &str, conn: Option<ConnId>) {
        let Ok(event) = serde_json::from_str::<Value>(text) else { return };
        if event.get("event").and_then(Value::as_str) == Some("message")
            && let Some(message) = event.get("data")
        {
            self.message(message, conn);
        }
    }

    /// Takes an event of Socket.IO's: `message`, and the stored message as its first value.
    pub fn io(&mut self, name: &str, args: &[Arg], conn: Option<ConnId>) {
        if name == "message"
            && let Some(Arg::Json(message)) = args.first()
        {
            self.message(message, conn);
        }
    }

    /// The connection from this address of ours.
    #[must_use]
    pub fn conn_from(&self, local: SocketAddr) -> Option<ConnId> {
        match &self.told {
            Told::Timeline { taps, .. } => taps.conn_from(local),
            Told::Counted(_) => None,
        }
    }

    /// The newest connection to this server.
    #[must_use]
    pub fn newest_conn_to(&self, server: SocketAddr) -> Option<ConnId> {
        match &self.told {
            Told::Timeline { taps, .. } => taps.newest_conn_to(server),
            Told::Counted(_) => None,
        }
    }

    fn message(&mut self, message: &Value, conn: Option<ConnId>) {
        let Some(id) = message.get("id").and_then(Value::as_u64) else { return };
        if message.get("text").is_none() {
            return;
        }
        if !self.known.insert(id) {
            return self.counts.doubled.add(1);
        }
        self.last = self.last.max(Some(id));
        let from = message.get("from").and_then(Value::as_str);
        if from.is_some_and(|from| self.own.contains(from)) {
            return;
        }
        match &self.told {
            Told::Timeline { name, taps, made } => {
                // A message that another server made is no news of ours.
                let Some(made) = made.get(id) else { return };
                let client = name.clone();
                let heard = |now: Elapsed| Kind::Heard { client, conn, id, after: Elapsed(now.since(made)) };
                taps.bus().append_with(heard);
            }
            Told::Counted(hearing) if from == Some(SERVER) => hearing.heard(id),
            Told::Counted(_) => {}
        }
    }
}
