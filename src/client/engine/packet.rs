//! What a Socket.IO client says and hears: its events as packets, and packets as what they mean.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::wire::engineio::{self, SEPARATOR};
use crate::wire::socketio;

/// The most attachments that are waited for.
const ATTACHMENTS: u32 = 64;

/// A value that came with an event or an acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// JSON.
    Json(Value),
    /// A binary one, which crossed as an attachment.
    Binary(Bytes),
}

/// What reached a Socket.IO client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Io {
    /// It is let into its namespace; with what came along.
    Connect(Value),
    /// It is not let in.
    ConnectError(Value),
    /// An event.
    Event {
        /// Its name.
        name: String,
        /// Its values.
        args: Vec<Arg>,
    },
    /// The answer to an event that asked for one.
    Ack {
        /// The number of the question.
        id: u64,
        /// Its values.
        args: Vec<Arg>,
    },
    /// The server said that it is over.
    Disconnect,
    /// The connection of a client that was let in has ended, in these words.
    Ended(String),
    /// The client has left, as it was told to.
    Left,
    /// It never came so far, and this is why.
    Failed(String),
}

/// An event that a client emits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emit {
    name: String,
    values: Vec<Arg>,
    /// The number of the acknowledgement that is asked for.
    pub(super) ack: Option<u64>,
    /// Whether one is asked for.
    pub asks: bool,
}

impl Emit {
    /// With values that are JSON.
    #[must_use]
    pub fn json(name: &str, values: Vec<Value>) -> Self {
        Self::new(name, values.into_iter().map(Arg::Json).collect())
    }

    /// With values of both kinds.
    #[must_use]
    pub fn new(name: &str, values: Vec<Arg>) -> Self {
        Self { name: name.into(), values, ack: None, asks: false }
    }

    /// The same, and its answer is waited for.
    #[must_use]
    pub fn asking(self, asks: bool) -> Self {
        Self { asks, ..self }
    }

    /// Under this number its answer comes.
    pub(in crate::client) fn number(&mut self, ack: u64) {
        self.ack = Some(ack);
    }

    /// As it crosses the wire.
    pub(super) fn packets(self, namespace: &str) -> Vec<Packet> {
        let mut attachments = Vec::new();
        let mut values = vec![Value::from(self.name)];
        for value in self.values {
            values.push(match value {
                Arg::Json(value) => value,
                Arg::Binary(data) => {
                    attachments.push(Packet::Binary(data));
                    json!({ "_placeholder": true, "num": attachments.len() - 1 })
                }
            });
        }
        let what = if attachments.is_empty() { socketio::Type::Event } else { socketio::Type::BinaryEvent };
        let count = u32::try_from(attachments.len()).unwrap_or(u32::MAX);
        let data = Value::Array(values).to_string();
        let packet = socketio::Packet { what, attachments: count, namespace, ack: self.ack, data: &data };
        std::iter::once(Packet::message(packet)).chain(attachments).collect()
    }
}

/// A packet of Engine.IO's. On a WebSocket each is a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Packet {
    /// Its digit, and what stands behind it.
    Text(String),
    /// Content without a type.
    Binary(Bytes),
}

impl Packet {
    pub fn text(what: engineio::Type, content: &str) -> Self {
        Self::Text(format!("{}{content}", what.digit()))
    }

    pub fn message(packet: socketio::Packet<'_>) -> Self {
        Self::text(engineio::Type::Message, &packet.to_string())
    }

    /// As it stands in a body.
    pub fn in_body(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Binary(data) => format!("b{}", BASE64.encode(data)),
        }
    }

    /// The packets in a body. What is no base64 is handed on as it is, and is no packet then.
    pub fn split(body: &str) -> Vec<Self> {
        let packet = |text: &str| {
            let data = text.strip_prefix('b').and_then(|data| BASE64.decode(data).ok());
            data.map_or_else(|| Self::Text(text.into()), |data| Self::Binary(data.into()))
        };
        body.split(SEPARATOR).map(packet).collect()
    }
}

/// A packet whose attachments have not all come.
#[derive(Debug)]
pub(super) struct Half {
    text: String,
    missing: u32,
    attachments: Vec<Bytes>,
}

impl Half {
    /// One more; all of it, where that was the last.
    pub fn add(mut self, data: Bytes) -> Result<(String, Vec<Bytes>), Self> {
        self.attachments.push(data);
        self.missing -= 1;
        if self.missing == 0 { Ok((self.text, self.attachments)) } else { Err(self) }
    }
}

/// What waits for attachments, where the packet names some; an error where it names too many.
pub(super) fn half(packet: &socketio::Packet<'_>, text: &str) -> Result<Option<Half>, String> {
    match packet.attachments {
        0 => Ok(None),
        missing @ 1..=ATTACHMENTS => Ok(Some(Half { text: text.into(), missing, attachments: Vec::new() })),
        many => Err(format!("a packet with {many} attachments")),
    }
}

/// The name and the values of an event.
pub(super) fn event(data: &str, attachments: &[Bytes]) -> Option<Io> {
    let Ok(Value::Array(values)) = serde_json::from_str(data) else { return None };
    let mut values = values.into_iter();
    let Some(Value::String(name)) = values.next() else { return None };
    Some(Io::Event { name, args: args(values, attachments)? })
}

/// The values of an acknowledgement.
pub(super) fn ack(id: u64, data: &str, attachments: &[Bytes]) -> Option<Io> {
    let Ok(Value::Array(values)) = serde_json::from_str(data) else { return None };
    Some(Io::Ack { id, args: args(values.into_iter(), attachments)? })
}

/// Attachments stand where their placeholders did; inside of an object they stay placeholders.
fn args(values: impl Iterator<Item = Value>, attachments: &[Bytes]) -> Option<Vec<Arg>> {
    let arg = |value: Value| {
        if value.get("_placeholder") != Some(&Value::Bool(true)) || attachments.is_empty() {
            return Some(Arg::Json(value));
        }
        let num = usize::try_from(value.get("num")?.as_u64()?).ok()?;
        attachments.get(num).cloned().map(Arg::Binary)
    };
    values.map(arg).collect()
}
