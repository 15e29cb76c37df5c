//! Engine.IO packets, protocol 4 (<https://socket.io/docs/v4/engine-io-protocol/>): what carries Socket.IO.
//!
//! On a WebSocket a packet is a message: a text that begins with its type, or a binary message, which is content and has no
//! type. In the body of a request or response several stand in a row, split by [`SEPARATOR`]; a binary one is base64 behind a `b`.

/// Stands between two packets in a body.
pub const SEPARATOR: char = '\u{1e}';

/// What a packet is. In the order of its digits, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// The session's settings, from the server.
    Open,
    /// The session ends.
    Close,
    /// Are you there? From the server; with `probe`, from a client that would like to change to a WebSocket.
    Ping,
    /// Yes.
    Pong,
    /// Content: a packet of Socket.IO.
    Message,
    /// From here on the WebSocket is used, and no body any more.
    Upgrade,
    /// Nothing; it ends a request that waits.
    Noop,
}

impl Type {
    /// All, in the order of their digits.
    pub const ALL: [Self; 7] =
        [Self::Open, Self::Close, Self::Ping, Self::Pong, Self::Message, Self::Upgrade, Self::Noop];

    /// As the timeline names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Message => "message",
            Self::Upgrade => "upgrade",
            Self::Noop => "noop",
        }
    }

    /// Its digit on the wire.
    #[must_use]
    pub fn digit(self) -> char {
        (b'0' + self as u8) as char
    }
}

/// A packet that is text: its type, and what stands behind the digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is.
    pub what: Type,
    /// What stands behind the digit.
    pub content: &'a str,
}

impl<'a> Packet<'a> {
    /// Reads one packet; `None` where it begins with no digit of a type.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let mut chars = text.chars();
        let digit = chars.next()?;
        let what = Type::ALL.into_iter().find(|what| what.digit() == digit)?;
        Some(Self { what, content: chars.as_str() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_as_the_protocol_shows_them() {
        let read = |text| Packet::read(text).map(|packet| (packet.what, packet.content));
        assert_eq!(read("4hello"), Some((Type::Message, "hello")));
        assert_eq!(read("2probe"), Some((Type::Ping, "probe")));
        assert_eq!(read("6"), Some((Type::Noop, "")));
        assert_eq!(read("0{\"sid\":\"x\"}"), Some((Type::Open, "{\"sid\":\"x\"}")));
        assert_eq!(["", "7", "x", "é"].map(read), [None; 4]);
    }
}
