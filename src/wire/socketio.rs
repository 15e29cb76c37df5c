//! Socket.IO packets, protocol 5 (<https://socket.io/docs/v4/socket-io-protocol/>): what an Engine.IO message carries.
//!
//! `<type>[<attachments>-][<namespace>,][<acknowledgement>][<JSON>]`. A packet with attachments is followed by as many binary
//! messages; `{"_placeholder":true,"num":0}` stands in its JSON where the first of them belongs.

use std::fmt;

/// The namespace where none is named.
pub const MAIN: &str = "/";

/// What the timeline calls a binary message: it belongs to the packet before it, and has no type.
pub const ATTACHMENT: &str = "attachment";

/// What a packet is. In the order of its digits, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A client asks to be let into a namespace; the server says that it is, and under which id.
    Connect,
    /// It leaves the namespace.
    Disconnect,
    /// `emit`: an array, the event's name and what is said with it.
    Event,
    /// The answer to an event that asked for one: an array.
    Ack,
    /// It is not let in.
    ConnectError,
    /// An event with attachments.
    BinaryEvent,
    /// An answer with attachments.
    BinaryAck,
}

impl Type {
    /// All, in the order of their digits.
    pub const ALL: [Self; 7] = [
        Self::Connect,
        Self::Disconnect,
        Self::Event,
        Self::Ack,
        Self::ConnectError,
        Self::BinaryEvent,
        Self::BinaryAck,
    ];

    /// As the timeline names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Disconnect => "disconnect",
            Self::Event => "event",
            Self::Ack => "ack",
            Self::ConnectError => "connect_error",
            Self::BinaryEvent => "binary_event",
            Self::BinaryAck => "binary_ack",
        }
    }

    /// Its digit on the wire.
    #[must_use]
    pub fn digit(self) -> char {
        (b'0' + self as u8) as char
    }

    /// Whether attachments follow.
    #[must_use]
    pub fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }
}

/// The part of a packet that is text. `Display` writes it as it crosses the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is.
    pub what: Type,
    /// How many binary messages follow; 0 where its type has none.
    pub attachments: u32,
    /// Which namespace; [`MAIN`] where none is named.
    pub namespace: &'a str,
    /// The number of the acknowledgement that is asked for, or given.
    pub ack: Option<u64>,
    /// The JSON as it was written; empty where there is none.
    pub data: &'a str,
}

impl<'a> Packet<'a> {
    /// Reads the content of an Engine.IO message; `None` where it is no packet. The JSON is not looked at.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let mut chars = text.chars();
        let digit = chars.next()?;
        let what = Type::ALL.into_iter().find(|what| what.digit() == digit)?;
        let mut rest = chars.as_str();
        let mut attachments = 0;
        if what.is_binary() {
            let (count, behind) = rest.split_once('-')?;
            attachments = count.parse().ok()?;
            rest = behind;
        }
        let mut namespace = MAIN;
        if rest.starts_with('/') {
            (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, data) = rest.split_at(digits);
        let ack = if number.is_empty() { None } else { Some(number.parse().ok()?) };
        Some(Self { what, attachments, namespace, ack, data })
    }

    /// The event's name, where it is an event with one.
    #[must_use]
    pub fn event(&self) -> Option<String> {
        if !matches!(self.what, Type::Event | Type::BinaryEvent) {
            return None;
        }
        let inside = self.data.trim_start().strip_prefix('[')?;
        serde_json::Deserializer::from_str(inside).into_iter().next()?.ok()
    }
}

impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what.digit())?;
        if self.what.is_binary() {
            write!(f, "{}-", self.attachments)?;
        }
        if self.namespace != MAIN {
            write!(f, "{},", self.namespace)?;
        }
        if let Some(ack) = self.ack {
            write!(f, "{ack}")?;
        }
        f.write_str(self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_as_the_protocol_shows_them() {
        let read = |text: &'static str| Packet::read(text).unwrap();
        let hello = read(r#"2["hello","world"]"#);
        assert_eq!((hello.what, hello.namespace, hello.ack), (Type::Event, "/", None));
        assert_eq!(hello.event().as_deref(), Some("hello"));
        let asks = read(r#"2/class,12["echo",{"a":1}]"#);
        assert_eq!((asks.namespace, asks.ack, asks.data), ("/class", Some(12), r#"["echo",{"a":1}]"#));
        let binary = read(r#"51-["baz",{"_placeholder":true,"num":0}]"#);
        assert_eq!((binary.what, binary.attachments), (Type::BinaryEvent, 1));
        assert_eq!(binary.event().as_deref(), Some("baz"));
        assert_eq!(
            (read("0").what, read("0/admin,").namespace, read("1/admin").namespace),
            (Type::Connect, "/admin", "/admin")
        );
        assert_eq!(read("312[]").event(), None);
    }

    #[test]
    fn what_is_read_is_written_again() {
        for text in [
            r#"2["hello","world"]"#,
            "0/class,",
            r#"51-/x,3["a",{"_placeholder":true,"num":0}]"#,
            "31[]",
            "1",
        ] {
            assert_eq!(Packet::read(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_packet() {
        for text in ["", "9", "x", "5", "5x-[]", "299999999999999999999[]"] {
            assert_eq!(Packet::read(text), None, "{text}");
        }
        assert_eq!(Packet::read("2[").unwrap().event(), None);
        assert_eq!(Packet::read(r#"2["\ud800"]"#).unwrap().event(), None);
    }
}
