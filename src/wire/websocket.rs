//! WebSocket frames (RFC 6455, section 5).

use serde::{Deserialize, Serialize};

/// What a frame is (RFC 6455, 5.2). Written by name in the JSON: `text`, `close`, `reserved 3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Opcode {
    /// The next fragment of a message, 0.
    Continuation,
    /// Text, 1.
    Text,
    /// Binary, 2.
    Binary,
    /// Close, 8.
    Close,
    /// Ping, 9.
    Ping,
    /// Pong, 10.
    Pong,
    /// One that the RFC keeps for later: 3 to 7 and 11 to 15.
    Reserved(u8),
}

impl Opcode {
    /// From the low four bits of a frame's first byte.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        match bits & 0x0f {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            other => Self::Reserved(other),
        }
    }

    /// Whether it is a control frame (RFC 6455, 5.5): opcode 8 and above.
    #[must_use]
    pub fn is_control(self) -> bool {
        match self {
            Self::Close | Self::Ping | Self::Pong => true,
            Self::Continuation | Self::Text | Self::Binary => false,
            Self::Reserved(bits) => bits >= 8,
        }
    }
}

impl From<Opcode> for String {
    fn from(opcode: Opcode) -> Self {
        match opcode {
            Opcode::Continuation => "continuation".into(),
            Opcode::Text => "text".into(),
            Opcode::Binary => "binary".into(),
            Opcode::Close => "close".into(),
            Opcode::Ping => "ping".into(),
            Opcode::Pong => "pong".into(),
            Opcode::Reserved(bits) => format!("reserved {bits}"),
        }
    }
}

impl TryFrom<String> for Opcode {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Ok(match name.as_str() {
            "continuation" => Self::Continuation,
            "text" => Self::Text,
            "binary" => Self::Binary,
            "close" => Self::Close,
            "ping" => Self::Ping,
            "pong" => Self::Pong,
            other => Self::Reserved(
                other
                    .strip_prefix("reserved ")
                    .and_then(|bits| bits.parse().ok())
                    .ok_or_else(|| format!("no such opcode: {name}"))?,
            ),
        })
    }
}
