//! What the bytes of a connection turned out to mean.

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
        /// The whole message on the wire: head, content, chunk sizes, trailers; and what stands in front of it:
        /// interim responses, empty lines (RFC 9112, 2.2).
        wire_len: u64,
        /// False where the connection ended in the middle of it.
        complete: bool,
    },
    /// The server answered 101 (RFC 9110, 15.2.2): from here on another protocol is spoken.
    Upgraded {
        /// From the response's `Upgrade`, lower case; empty where it has none.
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
        /// Whether `text` or `reason` was cut.
        truncated: bool,
        /// Of a close frame with a payload (RFC 6455, 5.5.1).
        code: Option<u16>,
        /// Of a close frame with a payload; bytes that are not UTF-8 replaced.
        reason: Option<String>,
    },
    /// A packet of a protocol inside HTTP or WebSocket ended. What an Engine.IO message carries comes directly after it.
    Packet {
        /// Who sent it.
        from: Side,
        /// Which protocol: `sse`, `engine.io`, `socket.io`.
        layer: &'static str,
        /// Its type, as that protocol names it.
        packet: &'static str,
        /// The event's name, where it is one; of a ping or pong that asks for a change to a WebSocket `probe`.
        event: Option<String>,
        /// Of Socket.IO: the namespace, where it is not `/`.
        namespace: Option<String>,
        /// Of Socket.IO: the number of the acknowledgement that is asked for, or given.
        ack: Option<u64>,
        /// Of Engine.IO, where it is text: all of it as it stands on the wire, at most the first 4 KiB.
        text: Option<String>,
        /// All of it, bytes; without the framing of the body or frame that carries it.
        len: u64,
    },
    /// These bytes are not what they should be, or end within a frame; this direction is counted from here on,
    /// no longer read. Said once.
    Broken {
        /// Who sent it.
        from: Side,
        /// What is wrong with it.
        why: String,
    },
}
