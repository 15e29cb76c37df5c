//! The events: one JSON object a line, a contract with programs outside this one.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ConnId, Elapsed, Opcode, Seq, Side, Summary};

/// The first line of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The version of the format: 1.
    pub wsdemo: u32,
    /// The version of the program.
    pub version: String,
    /// When the run began, RFC 3339.
    pub started: String,
}

/// Something that happened, or was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the timeline.
    pub seq: Seq,
    /// When it was appended.
    pub at: Elapsed,
    /// What it was.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What happened. From `Opened` to `Heard`: facts, observed. From `Step` on: the story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A connection was accepted.
    Opened {
        /// Which.
        conn: ConnId,
        /// The client's address.
        client: SocketAddr,
        /// The server's address.
        server: SocketAddr,
        /// Where the lesson named the client: that name; in a compare, the transport's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Bytes were read from the kernel (from the client) or accepted by it (from the server).
    Bytes {
        /// Which connection.
        conn: ConnId,
        /// Who sent them.
        from: Side,
        /// How many.
        len: u64,
        /// Where they were seen.
        layer: Layer,
        /// Themselves.
        data: Data,
    },
    /// The head of a request ended.
    Request {
        /// Which connection.
        conn: ConnId,
        /// From 1 within the connection.
        exchange: u64,
        /// As on the wire.
        method: String,
        /// As on the wire.
        target: String,
        /// The rest of its head.
        #[serde(flatten)]
        head: Head,
    },
    /// The head of a response ended.
    Response {
        /// Which connection.
        conn: ConnId,
        /// The exchange that it answers.
        exchange: u64,
        /// The status code.
        status: u16,
        /// The rest of its head.
        #[serde(flatten)]
        head: Head,
    },
    /// A request or a response ended.
    MessageEnd {
        /// Which connection.
        conn: ConnId,
        /// Who sent it.
        from: Side,
        /// Its exchange.
        exchange: u64,
        /// Content, bytes.
        body_len: u64,
        /// The whole message on the wire, head and chunk framing with it, bytes.
        wire_len: u64,
        /// False where the connection ended in the middle of it.
        complete: bool,
    },
    /// HTTP ended on this connection with a 101, and another protocol began.
    Upgraded {
        /// Which connection.
        conn: ConnId,
        /// Which protocol.
        protocol: String,
    },
    /// A WebSocket frame ended.
    Frame(Frame),
    /// A packet of a protocol inside HTTP or WebSocket ended. One of Engine.IO or Socket.IO stands after the frame that carried it,
    /// or before the `message_end`; what an Engine.IO message carries stands directly after it.
    Packet {
        /// Which connection.
        conn: ConnId,
        /// Who sent it.
        from: Side,
        /// `sse`, `engine.io`, `socket.io`.
        layer: String,
        /// Its type, as that protocol names it; `attachment` for a binary message that belongs to the packet before it.
        #[serde(rename = "type")]
        packet: String,
        /// The event's name, where it has one; `probe` of an Engine.IO ping or pong that asks for a change to a WebSocket.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<String>,
        /// The Socket.IO namespace, where it is not `/`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// The acknowledgement's number, where it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ack: Option<u64>,
        /// Of Engine.IO, where it is text: the packet as it stands on the wire, at most 4 KiB of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// Bytes: of Engine.IO as it stands on the wire, of Socket.IO without what Engine.IO adds.
        len: u64,
    },
    /// A side ended its sending: its FIN was sent, or was received.
    Fin {
        /// Which connection.
        conn: ConnId,
        /// Whose.
        from: Side,
    },
    /// The connection is over.
    Closed {
        /// Which connection.
        conn: ConnId,
        /// Who hung up first.
        first: Who,
        /// Who reset it, where it was reset.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reset_by: Option<Side>,
        /// Bytes from the client.
        from_client: u64,
        /// Bytes from the server.
        from_server: u64,
        /// Seconds since it was opened.
        lived: Elapsed,
    },
    /// What the kernel says of a connection that is closed.
    Kernel {
        /// Which connection.
        conn: ConnId,
        /// Whose end of it.
        side: Side,
        /// `TIME_WAIT`.
        state: String,
    },
    /// Something that no client asked for.
    World {
        /// `say`, `cut`, `stall`, `vanish`; `limit` where a limit of the server ends a connection.
        what: String,
        /// The message that it made, where it made one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        /// What was said, or to whom it happened; of a limit `#3: ` and why.
        text: String,
    },
    /// A client of ours learned of a message.
    Heard {
        /// Its name; in a compare, the transport's.
        client: String,
        /// Over which connection, where that can be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conn: Option<ConnId>,
        /// Which message.
        id: u64,
        /// Seconds since it was made.
        after: Elapsed,
    },
    /// A step of a lesson begins.
    Step {
        /// The lesson's name.
        lesson: String,
        /// From 1.
        n: u64,
        /// How many there are.
        of: u64,
        /// Its heading.
        title: String,
    },
    /// Something is told or shown.
    Say {
        /// The lesson's name.
        lesson: String,
        /// What kind of telling it is.
        role: Role,
        /// The words.
        text: String,
        /// What stands beside it: for `title` where the server listens, for `code` the language, for `remark`
        /// the client's name, for `compare` what is added to the network, where the title did not say so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        /// For `wire`: how its bytes are to be shown. For `compare`: never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        show: Option<Show>,
        /// For `remark`: whose row it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Side>,
        /// For `remark`: the packet that it belongs to, by its type; `event NAME` of an event.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        packet: Option<String>,
        /// For `compare`: the transports, in the order of their lanes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lanes: Vec<String>,
    },
    /// A question, put before the run that answers it.
    Predict {
        /// The lesson's name.
        lesson: String,
        /// The question.
        text: String,
        /// What one can answer.
        choices: Vec<Choice>,
    },
    /// The answer, after the run.
    Answer {
        /// The lesson's name.
        lesson: String,
        /// The right choice, from 1, and its words.
        right: u64,
        /// Its words, or several joined by "; ".
        text: String,
        /// The explanation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
        /// What was chosen, from 1, where somebody chose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chosen: Option<u64>,
    },
    /// A statement about the wire, checked against the facts.
    Claim(Claim),
    /// The end of a compare.
    Summary(Box<Summary>),
}

impl Kind {
    /// The connection that a fact is about.
    #[must_use]
    pub fn conn(&self) -> Option<ConnId> {
        match self {
            Self::Opened { conn, .. }
            | Self::Bytes { conn, .. }
            | Self::Request { conn, .. }
            | Self::Response { conn, .. }
            | Self::MessageEnd { conn, .. }
            | Self::Upgraded { conn, .. }
            | Self::Frame(Frame { conn, .. })
            | Self::Packet { conn, .. }
            | Self::Fin { conn, .. }
            | Self::Closed { conn, .. }
            | Self::Kernel { conn, .. } => Some(*conn),
            Self::Heard { conn, .. } => *conn,
            Self::World { .. }
            | Self::Step { .. }
            | Self::Say { .. }
            | Self::Predict { .. }
            | Self::Answer { .. }
            | Self::Claim(_)
            | Self::Summary(_) => None,
        }
    }
}

/// What the heads of requests and responses have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// In order, names as written.
    pub headers: Vec<(String, String)>,
    /// Bytes, with the empty line.
    pub head_len: u64,
}

/// A WebSocket frame (RFC 6455, 5.2). Lengths in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Which connection.
    pub conn: ConnId,
    /// Who sent it.
    pub from: Side,
    /// Whether it ends its message.
    pub fin: bool,
    /// What it is.
    pub opcode: Opcode,
    /// Whether it was masked.
    pub masked: bool,
    /// The payload.
    pub len: u64,
    /// With its header.
    pub wire_len: u64,
    /// The payload, where this frame alone is UTF-8 text; at most 4 KiB of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether `text` was cut.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Of a close frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// Of a close frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A statement about the wire, and whether the wire bears it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The statement, as the lesson has it.
    pub text: String,
    /// `None`: not visible here.
    pub held: Option<bool>,
    /// The events that prove or disprove it. Never empty.
    pub evidence: Vec<Seq>,
    /// In the lesson's file, from 1.
    pub line: u64,
    /// The remark in the margin of the claim's line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// What was expected, where it did not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was seen, where it did not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saw: Option<String>,
}

/// Where bytes were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// As the kernel carries them.
    Tcp,
    /// The plaintext inside TLS; never summed with `Tcp`.
    Tls,
}

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// The client's FIN came first.
    Client,
    /// The server's FIN came first.
    Server,
    /// They crossed.
    Both,
    /// It was reset.
    Reset,
    /// The kernel gave another error.
    Error,
}

/// What kind of telling a `say` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A lesson begins.
    Title,
    /// What follows until the first step only happens so that the lesson can begin later than at its beginning:
    /// it is not told.
    Skip,
    /// Prose, Markdown's inline marks with it.
    Prose,
    /// Code of the client's or server's side, shown and not run.
    Code,
    /// A transcript is about to be played: what follows until `played` is what it caused.
    Wire,
    /// A workload is about to be run on several transports, until `played`.
    Compare,
    /// A remark in the margin of the next row of that client and direction.
    Remark,
    /// The transcript or workload ended.
    Played,
}

/// How the bytes of a transcript are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// The ladder, and the lines of what was said.
    #[default]
    Heads,
    /// The ladder only.
    Ladder,
    /// Handshakes worked out, frames bit by bit.
    Bits,
}

/// One answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Its words.
    pub text: String,
    /// Whether it is right.
    pub right: bool,
}

/// Bytes, base64 in the JSON.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Data(pub Bytes);

impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map(|bytes| Self(bytes.into())).map_err(serde::de::Error::custom)
    }
}
