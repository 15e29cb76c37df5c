//! What a compare added up to. `docs/summary.schema.json` documents the same for programs that read it.

use serde::{Deserialize, Serialize};

use super::Elapsed;

/// The end of a compare. Recordings of earlier versions have `seconds` and `transports` only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How long the workload ran, seconds.
    pub seconds: Elapsed,
    /// Clients at once on each transport.
    #[serde(default = "one")]
    pub clients: u64,
    /// Whether it was ended early: everything is as far as it came.
    #[serde(default)]
    pub partial: bool,
    /// One for each, in the order of their lanes.
    pub transports: Vec<Transport>,
    /// What it would be for others: computed, not measured.
    #[serde(default)]
    pub scaled: Option<Scaled>,
}

fn one() -> u64 {
    1
}

/// What a transport's lane added up to, all its clients together. Lengths in bytes of TCP's streams.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Transport {
    /// As in the lesson notation: `close`, `keep-alive`, `long-poll`, `sse`, `websocket`, `socketio`, `socketio-upgrade`.
    pub name: String,
    /// How long it took part, seconds.
    #[serde(default)]
    pub ran: Elapsed,
    /// Messages that the server made; each client is to hear each of them.
    pub events: u64,
    /// From when a message was made until a client had it.
    pub heard_after: Option<Spread>,
    /// All those delays, the shortest first: each with how many messages were heard after about so long.
    #[serde(default)]
    pub delays: Vec<Delays>,
    /// Connections opened.
    pub connections: u64,
    /// Requests sent.
    pub requests: u64,
    /// Responses without news.
    pub empty: u64,
    /// Bytes from the client.
    pub from_client: u64,
    /// Bytes from the server.
    pub from_server: u64,
    /// Of both, what was content: HTTP bodies and WebSocket payloads of data frames.
    pub payload: u64,
    /// What the bytes of each side are made of.
    #[serde(default)]
    pub made_of: MadeOf,
    /// What is needed once for a connection that stays, not again and again: before it brings news, and after the last.
    #[serde(default)]
    pub once: Once,
    /// How often a client did not hear a message.
    pub lost: u64,
    /// How often a client was told a message again that it had.
    #[serde(default)]
    pub doubled: u64,
    /// How a client sends on it.
    pub client_talks_by: String,
    /// Messages that clients sent.
    pub sent: u64,
    /// Messages that clients wanted to send, and that the server never had.
    #[serde(default)]
    pub unreached: u64,
    /// From when a client wanted to say something until the server had it.
    #[serde(default)]
    pub reached_after: Option<Spread>,
    /// How often a client's connection broke that was still needed.
    #[serde(default)]
    pub broken: u64,
    /// How often a client came back by itself after that.
    #[serde(default)]
    pub recovered: u64,
    /// Ends of connections that the kernel still remembers after the run; `None` where it does not show them.
    #[serde(default)]
    pub time_wait: Option<TimeWait>,
    /// The server's processor time for the whole run, seconds; `None` where it was not its own.
    #[serde(default)]
    pub cpu: Option<Elapsed>,
    /// The server's memory for each client, bytes; `None` where it was not its own.
    #[serde(default)]
    pub memory: Option<u64>,
    /// Why it did not take part to the end.
    #[serde(default)]
    pub failed: Option<String>,
}

/// How many messages were heard after about the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delays {
    /// After how long, seconds: what was measured, to four digits, or to two where there are many.
    pub after: Elapsed,
    /// How many.
    pub count: u64,
}

/// What the bytes of each side are made of: the three parts are all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeOf {
    /// Those from clients.
    pub client: Parts,
    /// Those from the server.
    pub server: Parts,
}

/// Of one side, bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// HTTP's heads and the sizes of chunks, the headers of frames, control frames.
    pub headers: u64,
    /// HTTP bodies, and WebSocket payloads of data frames.
    pub messages: u64,
    /// Handshakes of TLS, and what it adds to each record.
    pub tls: u64,
}

impl Parts {
    /// Of so many bytes, where TLS carried `plain` of them, and the content of messages was so many of those.
    #[must_use]
    pub fn of(all: u64, plain: Option<u64>, messages: u64) -> Self {
        let plain = plain.unwrap_or(all);
        Self { headers: plain.saturating_sub(messages), messages, tls: all.saturating_sub(plain) }
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.headers.saturating_add(self.messages).saturating_add(self.tls)
    }
}

/// What is needed once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    /// Connections.
    pub connections: u64,
    /// Requests.
    pub requests: u64,
    /// Bytes, of both sides.
    pub bytes: u64,
    /// The server's processor time, seconds, where it was measured.
    pub cpu: Elapsed,
}

/// Ends of connections in TIME_WAIT (RFC 9293, 3.3.2), by who closed first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeWait {
    /// At the clients.
    pub client: u64,
    /// At the server.
    pub server: u64,
}

/// Of delays, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Half of them were shorter.
    pub median: Elapsed,
    /// 99 of 100 were shorter.
    pub p99: Elapsed,
    /// The longest.
    pub worst: Elapsed,
}

/// What a compare would be for so many clients and so long: computed from what was measured, not measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaled {
    /// Clients at once.
    pub clients: u64,
    /// For how long, seconds.
    pub seconds: Elapsed,
    /// One for each that took part to the end, in the order of their lanes.
    pub transports: Vec<Load>,
}

/// A transport's load, computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The transport.
    pub name: String,
    /// Connections opened.
    pub connections: f64,
    /// Requests.
    pub requests: f64,
    /// Bytes, of both sides.
    pub bytes: f64,
    /// The server's processor time, seconds; `None` where none was measured.
    pub cpu: Option<f64>,
    /// The server's memory, bytes; `None` where none was measured.
    pub memory: Option<f64>,
}
