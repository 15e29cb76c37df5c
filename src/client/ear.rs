//! Who learned of which message when.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::known::Known;
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

/// A message, as far as an ear needs to understand it: there may be thousands of clients, and each hears all of them.
#[derive(Debug, Deserialize)]
struct Message {
    id: u64,
    #[serde(default)]
    from: Value,
    #[serde(rename = "text")]
    _text: IgnoredAny,
}

/// What a socket brings.
#[derive(Debug, Deserialize)]
struct Pushed<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// What is no object is none of these, though serde would take a list for one.
fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    json.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(json).ok()).flatten()
}

/// One client's ear: tells the timeline each message that it had not heard before.
#[derive(Debug)]
pub struct Ear {
    told: Told,
    /// Under which names it speaks itself.
    own: HashSet<String>,
    known: Known,
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
        Self { told, own, known: Known::default(), last: None, counts: Arc::default() }
    }

    /// Of one of many clients: what it hears goes to no timeline.
    #[must_use]
    pub fn counted(hearing: Arc<dyn Hearing>) -> Self {
        let told = Told::Counted(hearing);
        Self { told, own: HashSet::new(), known: Known::default(), last: None, counts: Arc::default() }
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
        match serde_json::from_slice::<Vec<&RawValue>>(body) {
            Ok(list) => list.iter().for_each(|message| self.json(message.get().as_bytes(), conn)),
            Err(_) => self.json(body, conn),
        }
    }

    fn json(&mut self, message: &[u8], conn: Option<ConnId>) {
        if let Some(message) = object(message) {
            self.message(&message, conn);
        }
    }

    /// Takes the answer to what this client changed itself: it knows that message now, and it is no news.
    pub fn confirmation(&mut self, body: &[u8]) {
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        if let Some(id) = message.get("id").and_then(Value::as_u64) {
            self.known.insert(id);
        }
    }

    /// Takes what a socket brought: `{"event":"message","data":{…}}`.
    pub fn event(&mut self, text: &str, conn: Option<ConnId>) {
        if let Some(Pushed { event, data }) = object(text.as_bytes())
            && event == "message"
        {
            self.json(data.get().as_bytes(), conn);
        }
    }

    /// Takes an event of Socket.IO's: `message`, and the stored message as its first value.
    pub fn io(&mut self, name: &str, args: &[Arg], conn: Option<ConnId>) {
        if name == "message"
            && let Some(Arg::Json(message)) = args.first()
            && message.is_object()
            && let Ok(message) = Message::deserialize(message)
        {
            self.message(&message, conn);
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

    fn message(&mut self, message: &Message, conn: Option<ConnId>) {
        let (id, from) = (message.id, message.from.as_str());
        if !self.known.insert(id) {
            return self.counts.doubled.add(1);
        }
        self.last = self.last.max(Some(id));
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// The sum of what was heard.
    #[derive(Debug, Default)]
    struct Sum(AtomicU64);

    impl Hearing for Sum {
        fn heard(&self, id: u64) {
            self.0.fetch_add(id, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_message_is_heard_once_however_it_comes() {
        let (sum, counts) = (Arc::<Sum>::default(), Arc::<Counts>::default());
        let mut ear = Ear::counted(Arc::<Sum>::clone(&sum)).counting(Arc::clone(&counts));
        let message = |id| format!(r#"{{"id":{id},"from":"server","text":"GOAL","more":[1,"\u00e4"]}}"#);
        ear.answer(message(1).as_bytes(), None);
        // What is no message does not hide those beside it.
        let list =
            format!(r#" [{}, 7, ["id"], {{"id":"x","text":""}}, {{"id":9}}, {}]"#, message(2), message(1));
        ear.answer(list.as_bytes(), None);
        ear.event(&format!(r#"{{"event":"message","data":{}}}"#, message(4)), None);
        for other in [
            format!(r#"{{"event":"changed","data":{}}}"#, message(8)),
            format!(r#"["message",{}]"#, message(8)),
            "message".into(),
        ] {
            ear.event(&other, None);
        }
        ear.io("message", &[Arg::Json(serde_json::from_str(&message(16)).unwrap())], None);
        ear.io("room-message", &[Arg::Json(serde_json::from_str(&message(32)).unwrap())], None);
        // Of somebody else: known, and no news of the server's.
        ear.answer(br#"{"id":64,"from":"ben","text":"Hi"}"#, None);
        assert_eq!((sum.0.load(Ordering::Relaxed), counts.doubled.get()), (1 + 2 + 4 + 16, 1));
        assert_eq!(ear.last(), Some(64));
    }
}
