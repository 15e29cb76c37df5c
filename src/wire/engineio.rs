//! Engine.IO packets, protocol 4 (<https://socket.io/docs/v4/engine-io-protocol/>): what carries Socket.IO.
//!
//! On a WebSocket a packet is a message: a text that begins with its type, or a binary message, which is content and has no
//! type. In the body of a request or response several stand in a row, split by [`SEPARATOR`]; a binary one is base64 behind a `b`.

/// Stands between two packets in a body.
pub const SEPARATOR: char = '\u{1e}';

/// What a ping or pong carries while a client tries whether a WebSocket works.
pub const PROBE: &str = "probe";

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

/// Whether what a request to this target carries is read as packets: it goes to `/socket.io/`, and names no other version or
/// transport.
#[must_use]
pub fn is_target(target: &str) -> bool {
    let is_path = target.split('?').next().is_some_and(|path| path.ends_with("/socket.io/"));
    is_path
        && match parameter(target, "EIO") {
            Some(version) => {
                version == "4" && matches!(parameter(target, "transport"), Some("polling" | "websocket"))
            }
            None => true,
        }
}

/// The session that a request to this target belongs to; `None` where it begins one.
#[must_use]
pub fn session(target: &str) -> Option<&str> {
    parameter(target, "sid").filter(|_| is_target(target))
}

fn parameter<'a>(target: &'a str, wanted: &str) -> Option<&'a str> {
    let pairs = target.split_once('?')?.1.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(name, _)| *name == wanted).map(|(_, value)| value)
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
    fn which_requests_carry_packets() {
        for target in [
            "/socket.io/?EIO=4&transport=polling&t=a1",
            "/socket.io/?transport=websocket&EIO=4&sid=x",
            "http://127.0.0.1:3001/socket.io/?EIO=4&transport=polling",
            "/socket.io/",
        ] {
            assert!(is_target(target), "{target}");
        }
        for target in [
            "/",
            "/socket.io/?EIO=3&transport=polling",
            "/?EIO=4",
            "/api/messages?EIO=4&transport=polling&sid=x",
            "/elsewhere?EIO=4&transport=polling",
            "/ws?next=/socket.io/",
            "/socket.io/socket.io.js",
        ] {
            assert!(!is_target(target), "{target}");
        }
        assert_eq!(session("/socket.io/?EIO=4&transport=polling&sid=x1&t=2"), Some("x1"));
        assert_eq!(session("/socket.io/?EIO=4&transport=polling"), None);
    }

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
