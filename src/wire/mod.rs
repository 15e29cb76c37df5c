//! Pure decoders: bytes in, what they mean out. Nothing here knows sockets, clocks or screens.
//!
//! [`Conversation`] is the one entrance: it is fed the bytes of one connection, in the order in which they
//! were seen, and answers with [`Meaning`]s. It never panics, whatever the bytes, and holds a bounded amount.

pub mod anatomy;
mod chunked;
pub mod conversation;
pub mod engineio;
pub mod handshake;
mod head;
pub mod http;
mod meaning;
pub mod packet;
mod remarks;
pub mod socketio;
pub mod sse;
mod utf8;
pub mod websocket;

pub use conversation::Conversation;
pub use meaning::Meaning;
pub use websocket::Opcode;

use serde::{Deserialize, Serialize};

/// One end of a connection: who opened it, or who accepted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The end that called `connect()`.
    Client,
    /// The end that called `accept()`.
    Server,
}

impl Side {
    /// The other end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// `client` or `server`, as it stands in the JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}
