//! One connection, both directions: HTTP/1.1 exchanges, the upgrade, then frames.

use super::{Opcode, Side};

/// What the bytes of a connection turned out to mean. Lengths are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// The head of a request ended (RFC 9112, 3).
    Request {
        /// From 1 within the connection.
        exchange: u64,
        /// As it stands on the wire.
        method: String,
        /// As it stands on the wire (RFC 9112, 3.2).
        target: String,
        /// In order; names as written; bytes that are not UTF-8 replaced.
        headers: Vec<(String, String)>,
        /// With the empty line.
        head_len: u64,
    },
    /// The head of a response ended (RFC 9112, 4). A 1xx other than 101 is one, and its exchange goes on.
    Response {
        /// The exchange that it answers.
        exchange: u64,
        /// The status code.
        status: u16,
        /// In order; names as written.
        headers: Vec<(String, String)>,
        /// With the empty line.
        head_len: u64,
    },
    /// A request or a response ended.
    MessageEnd {
        /// Who sent it.
        from: Side,
        /// Its exchange.
        exchange: u64,
        /// The content, without framing.
        body_len: u64,
        /// The whole message on the wire: head, content, chunk sizes, trailers.
        wire_len: u64,
        /// False where the connection ended in the middle of it.
        complete: bool,
    },
    /// The server answered 101 (RFC 9110, 15.2.2): from here on another protocol is spoken.
    Upgraded {
        /// From the response's `Upgrade`, lower case.
        protocol: String,
    },
    /// A WebSocket frame ended (RFC 6455, 5.2).
    Frame {
        /// Who sent it.
        from: Side,
        /// Whether it is the last fragment of its message.
        fin: bool,
        /// What it is.
        opcode: Opcode,
        /// Whether it carried a masking key.
        masked: bool,
        /// The payload.
        len: u64,
        /// With its header.
        wire_len: u64,
        /// The payload, unmasked, where this frame alone is UTF-8: of text, of a text's continuation, of ping
        /// and pong. At most the first 4 KiB.
        text: Option<String>,
        /// Whether `text` was cut.
        truncated: bool,
        /// Of a close frame with a payload (RFC 6455, 5.5.1).
        code: Option<u16>,
        /// Of a close frame with a payload.
        reason: Option<String>,
    },
    /// These bytes are not what they should be; this direction is counted from here on, no longer read.
    Broken {
        /// Who sent it.
        from: Side,
        /// What is wrong with it.
        why: String,
    },
}

/// Reads both directions of one connection.
#[derive(Debug, Default)]
pub struct Conversation {}

impl Conversation {
    /// A connection of which nothing was seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of one direction.
    pub fn feed(&mut self, _from: Side, _bytes: &[u8]) -> Vec<Meaning> {
        Vec::new()
    }

    /// That direction is over: what was begun and not ended is incomplete.
    pub fn end(&mut self, _from: Side) -> Vec<Meaning> {
        Vec::new()
    }
}
