//! Packets of Engine.IO with what they carry, put together from their events: words for them, and which bytes are whose.

use std::collections::HashMap;

use serde_json::Value;

use super::units;
use crate::timeline::{ConnId, Kind, Side};
use crate::wire::{engineio, socketio};

/// Of one message so many are told one by one.
const MOST: usize = 12;

/// One packet of Engine.IO, and that of Socket.IO in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parcel {
    what: String,
    probe: bool,
    /// As it stands on the wire.
    pub len: u64,
    pub text: Option<String>,
    inner: Option<Inner>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    what: String,
    event: Option<String>,
    namespace: Option<String>,
    ack: Option<u64>,
    len: u64,
}

impl Parcel {
    /// `None` where the event tells of no packet of Engine.IO.
    pub fn of(kind: &Kind) -> Option<Self> {
        let Kind::Packet { layer, packet, event, text, len, .. } = kind else { return None };
        (layer == "engine.io").then(|| Self {
            what: packet.clone(),
            probe: event.is_some(),
            len: *len,
            text: text.clone(),
            inner: None,
        })
    }

    /// Takes the packet of Socket.IO that comes directly after it.
    pub fn carries(&mut self, kind: &Kind) {
        let Kind::Packet { layer, packet, event, namespace, ack, len, .. } = kind else { return };
        if layer == "socket.io" {
            self.inner = Some(Inner {
                what: packet.clone(),
                event: event.clone(),
                namespace: namespace.clone(),
                ack: *ack,
                len: *len,
            });
        }
    }

    /// Whether it is content, of which the next event may tell.
    pub fn is_message(&self) -> bool {
        self.what == engineio::Type::Message.word()
    }

    /// Of Engine.IO: its type.
    pub fn kind(&self) -> &str {
        &self.what
    }

    /// Of Socket.IO: its type.
    pub fn inner(&self) -> Option<&str> {
        self.inner.as_ref().map(|inner| inner.what.as_str())
    }

    /// Of Socket.IO: the namespace.
    pub fn namespace(&self) -> &str {
        let named = self.inner.as_ref().and_then(|inner| inner.namespace.as_deref());
        named.unwrap_or(socketio::MAIN)
    }

    /// Whether it is what a lesson calls so: `connect`, `ack`, `event NAME`.
    pub fn is_called(&self, called: &str) -> bool {
        let event = self.inner.as_ref().and_then(|inner| inner.event.as_deref());
        match (called.split_once(' '), self.inner()) {
            (Some(("event", name)), _) => event == Some(name),
            (None, Some("binary_ack")) => called == "ack",
            (None, Some(inner)) => called == inner,
            (None, None) => called == self.what,
            (Some(_), _) => false,
        }
    }

    /// Whether a WebSocket is used from here on.
    pub fn is_upgrade(&self) -> bool {
        self.what == engineio::Type::Upgrade.word()
    }

    /// Whether the session ends.
    pub fn is_close(&self) -> bool {
        self.what == engineio::Type::Close.word()
    }

    /// `message · event "hello"`, `ping`.
    pub fn label(&self) -> String {
        match &self.inner {
            Some(inner) => format!("{} · {}", self.what, inner.label()),
            None if self.probe => format!("{} \"{}\"", self.what, engineio::PROBE),
            None => self.what.clone(),
        }
    }

    /// The same in fewer words.
    pub fn briefer(&self) -> Option<String> {
        self.inner.as_ref().map(Inner::label)
    }

    /// The packet of Socket.IO as it was written, where it is known to its end.
    fn socket(&self) -> Option<socketio::Packet<'_>> {
        let text = self.text.as_deref().filter(|_| self.is_message())?;
        socketio::Packet::read(text.get(1..)?)
    }

    /// Which layer needs how many bytes; together all of it.
    pub fn parts(&self) -> Vec<(&'static str, u64)> {
        let Some(inner) = &self.inner else { return vec![("Engine.IO", self.len)] };
        let engine = self.len.saturating_sub(inner.len);
        let socket = match self.socket() {
            _ if inner.what == socketio::ATTACHMENT => 0,
            Some(packet) => {
                let content = self.text.as_ref().map_or(0, |text| text.len() as u64 - 1);
                content.saturating_sub(packet.data.len() as u64)
            }
            None => inner.len,
        };
        let parts =
            [("Engine.IO", engine), ("Socket.IO", socket), ("data", inner.len.saturating_sub(socket))];
        parts.into_iter().filter(|(_, len)| *len > 0).collect()
    }

    /// Of an event what it says: our messages' words, else what stands in the array behind the name.
    pub fn words(&self) -> Option<String> {
        let packet = self.socket()?;
        let said = match serde_json::from_str(packet.data).ok()? {
            Value::Array(mut said) => {
                if packet.event().is_some() {
                    said.remove(0);
                }
                said
            }
            // Why somebody is not let in.
            other => other.get("message").cloned().into_iter().collect(),
        };
        let words = said.iter().map(|it| match it.get("text").and_then(Value::as_str) {
            Some(text) => Value::from(text).to_string(),
            None if it.get("_placeholder").is_some() => "(binary)".to_owned(),
            None => it.to_string(),
        });
        Some(words.collect::<Vec<_>>().join(", "))
    }

    /// What the event says first, as JSON.
    pub fn first(&self) -> Option<Value> {
        let said: Vec<Value> = serde_json::from_str(self.socket()?.data).ok()?;
        said.into_iter().nth(1)
    }

    /// `socket.io message "Hi"`, `socket.io ack 1 "Hi"`: in one row, for somebody who watches many.
    pub fn spoken(&self) -> Option<String> {
        let inner = self.inner.as_ref()?;
        let what = inner.event.as_ref().unwrap_or(&inner.what);
        let ack =
            inner.ack.filter(|_| inner.event.is_none()).map(|ack| format!(" {ack}")).unwrap_or_default();
        let words = match inner.what.as_str() {
            socketio::ATTACHMENT => format!(", {}", units::bytes(inner.len)),
            _ => {
                self.words().filter(|words| !words.is_empty()).map(|it| format!(" {it}")).unwrap_or_default()
            }
        };
        let place = inner.namespace.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        let asks = inner
            .ack
            .filter(|_| inner.event.is_some())
            .map(|ack| format!(", asks {ack}"))
            .unwrap_or_default();
        Some(format!("socket.io {what}{ack}{words}{place}{asks}"))
    }

    /// What it is there for; of what is said nothing.
    pub fn remark(&self, from: Side) -> Option<&'static str> {
        match (self.what.as_str(), self.inner(), from) {
            (_, Some("connect"), Side::Client) => Some("asks to be let in"),
            (_, Some("connect"), Side::Server) => Some("let in: connected"),
            (_, Some("connect_error"), _) => Some("not let in"),
            (_, Some("disconnect"), _) => Some("leaves"),
            (_, Some("attachment"), _) => Some("binary, of the packet before"),
            (_, Some(_), _) => None,
            ("open", _, _) => Some("a session begins"),
            ("close", _, _) => Some("the session ends"),
            ("ping", _, _) if self.probe => Some("does the WebSocket work?"),
            ("pong", _, _) if self.probe => Some("it works"),
            ("ping", _, _) => Some("a heartbeat: data, no ping frame"),
            ("pong", _, _) => Some("still there"),
            ("upgrade", _, _) => Some("from here on the WebSocket"),
            ("noop", _, _) => Some("nothing; it ends a request"),
            _ => None,
        }
    }
}

impl Inner {
    fn label(&self) -> String {
        let event = self.event.as_ref().map(|event| format!(" \"{event}\"")).unwrap_or_default();
        let place = self.namespace.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        let ack = match (self.ack, &self.event) {
            (Some(ack), Some(_)) => format!(", ack {ack}"),
            (Some(ack), None) => format!(" {ack}"),
            (None, _) => String::new(),
        };
        format!("{}{event}{ack}{place}", self.what)
    }
}

/// What a packet is, in a word, and where it is an event what it says.
pub(super) fn in_short(text: &str) -> (String, Option<String>) {
    let Some(packet) = engineio::Packet::read(text) else { return (text.to_owned(), None) };
    let inner = socketio::Packet::read(packet.content).filter(|_| packet.what == engineio::Type::Message);
    let Some(inner) = inner else { return (packet.what.word().to_owned(), None) };
    let said: Vec<Value> = serde_json::from_str(inner.data).unwrap_or_default();
    let name = inner.event().unwrap_or_else(|| inner.what.word().to_owned());
    let first = said.get(1).filter(|_| inner.event().is_some());
    let words = first.map(|it| match it.get("text").unwrap_or(it) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    (name, words)
}

/// Whether a text is a packet with JSON in it: that has quotes enough.
pub(super) fn is_json(text: &str) -> bool {
    let content = engineio::Packet::read(text).map_or("", |packet| packet.content);
    let data = socketio::Packet::read(content).map_or(content, |packet| packet.data);
    data.starts_with(['{', '['])
}

/// `header 6 + Engine.IO 1 + data 17`
pub(super) fn sum(parts: &[(&'static str, u64)]) -> String {
    let part = |(name, len): &(&str, u64)| format!("{name} {}", units::grouped(*len));
    parts.iter().map(part).collect::<Vec<_>>().join(" + ")
}

/// All packets of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// The first of them.
    pub parcels: Vec<Parcel>,
    /// How many others there are, and their bytes.
    pub more: (u64, u64),
}

impl Load {
    fn add(&mut self, parcel: Parcel) {
        if self.parcels.len() < MOST {
            self.parcels.push(parcel);
        } else {
            self.more = (self.more.0 + 1, self.more.1.saturating_add(parcel.len));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// Takes a packet, or what the last one carries.
    pub fn event(&mut self, kind: &Kind) {
        match (Parcel::of(kind), self.more.0) {
            (Some(parcel), _) => self.add(parcel),
            (None, 0) => self.parcels.last_mut().into_iter().for_each(|it| it.carries(kind)),
            (None, _) => {}
        }
    }

    /// What stands in front of each: the head of the message, then separators.
    pub fn told(&self, head: u64) -> impl Iterator<Item = (&Parcel, (&'static str, u64))> {
        let before = std::iter::once(("head", head)).chain(std::iter::repeat(("separator", 1)));
        self.parcels.iter().zip(before)
    }

    /// What the body is made of, as far as that is known: `packet 2 + separator 1 + packet 35`.
    pub fn body(&self) -> Vec<(&'static str, u64)> {
        let mut parts = Vec::new();
        for parcel in &self.parcels {
            if !parts.is_empty() {
                parts.push(("separator", 1));
            }
            parts.push(("packet", parcel.len));
        }
        let (count, len) = self.more;
        parts.extend((count > 0).then_some(("others", len + count)));
        parts
    }

    /// `+ 3 packets, 60 bytes`, separators with them.
    pub fn rest(&self) -> Option<String> {
        let (count, len) = self.more;
        (count > 0).then(|| format!("+ {}, {}", units::count(count, "packet"), units::bytes(len + count)))
    }
}

/// Gathers packets until the message that carries them ends.
#[derive(Debug, Default)]
pub(super) struct Loads(HashMap<(ConnId, Side), Load>);

impl Loads {
    /// Takes a packet.
    pub fn event(&mut self, kind: &Kind) {
        if let Kind::Packet { conn, from, .. } = kind {
            self.0.entry((*conn, *from)).or_default().event(kind);
        }
    }

    /// Those of the message that ends.
    pub fn take(&mut self, conn: ConnId, from: Side) -> Load {
        self.0.remove(&(conn, from)).unwrap_or_default()
    }

    /// The connection is over.
    pub fn closed(&mut self, conn: ConnId) {
        self.0.retain(|(of, _), _| *of != conn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(text: &str) -> Parcel {
        let packet = engineio::Packet::read(text).unwrap();
        let inner = socketio::Packet::read(packet.content).filter(|_| packet.what == engineio::Type::Message);
        let inner = inner.map(|inner| Inner {
            what: inner.what.word().to_owned(),
            event: inner.event(),
            namespace: Some(inner.namespace.to_owned()).filter(|it| it != socketio::MAIN),
            ack: inner.ack,
            len: text.len() as u64 - 1,
        });
        let what = packet.what.word().to_owned();
        let probe = packet.content == engineio::PROBE;
        Parcel { what, probe, len: text.len() as u64, text: Some(text.to_owned()), inner }
    }

    #[test]
    fn each_layer_has_its_bytes() {
        for (text, label, parts) in [
            (r#"42["hello","world"]"#, "message · event \"hello\"", "Engine.IO 1 + Socket.IO 1 + data 17"),
            (
                r#"42/class,7["a",1]"#,
                "message · event \"a\", ack 7 in /class",
                "Engine.IO 1 + Socket.IO 9 + data 7",
            ),
            ("43/class,7[]", "message · ack 7 in /class", "Engine.IO 1 + Socket.IO 9 + data 2"),
            ("40", "message · connect", "Engine.IO 1 + Socket.IO 1"),
            ("2probe", "ping \"probe\"", "Engine.IO 6"),
        ] {
            let parcel = parcel(text);
            assert_eq!((parcel.label().as_str(), sum(&parcel.parts()).as_str()), (label, parts));
            assert_eq!(parcel.parts().iter().map(|(_, len)| len).sum::<u64>(), text.len() as u64);
        }
    }

    #[test]
    fn what_is_said_in_one_row() {
        for (text, spoken) in [
            (r#"42["message",{"id":1,"text":"Hi"}]"#, r#"socket.io message "Hi""#),
            (r#"42/class,["hello","a",2]"#, r#"socket.io hello "a", 2 in /class"#),
            (r#"431["Hi"]"#, r#"socket.io ack 1 "Hi""#),
            (r#"421["echo","Hi"]"#, r#"socket.io echo "Hi", asks 1"#),
            (r#"451-["bin",{"_placeholder":true,"num":0}]"#, "socket.io bin (binary)"),
            (
                r#"44/x,{"message":"Invalid namespace"}"#,
                r#"socket.io connect_error "Invalid namespace" in /x"#,
            ),
            ("42[", "socket.io event"),
        ] {
            assert_eq!(parcel(text).spoken().unwrap(), spoken);
        }
    }

    #[test]
    fn what_fits_into_a_lane() {
        let short = |text| in_short(text);
        assert_eq!(short("2"), ("ping".into(), None));
        assert_eq!(short("40"), ("connect".into(), None));
        let said = ("message".to_owned(), Some("GOAL".to_owned()));
        assert_eq!(short(r#"42["message",{"text":"GOAL"}]"#), said);
        assert_eq!(short(r#"42["message","GOAL"]"#), said);
        assert_eq!(short("hello"), ("hello".into(), None));
    }

    #[test]
    fn many_are_counted() {
        let mut load = Load::default();
        (0..20).for_each(|_| load.add(parcel("2")));
        assert_eq!((load.parcels.len(), load.rest().as_deref()), (12, Some("+ 8 packets, 16 bytes")));
    }
}
