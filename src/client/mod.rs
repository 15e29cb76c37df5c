//! Clients: the named ones of a lesson ([`Person`]), and one file per transport of a compare behind one trait.
//!
//! Adding a transport: a file here that implements [`Transport`], its name in [`transport`] and in the lesson notation's
//! list, its row in README.md.

mod dialer;
mod ear;
mod engine;
mod handshake;
mod http;
mod inbox;
mod key;
mod known;
mod line;
mod link;
mod long_poll;
mod mouth;
mod person;
mod polling;
mod raw;
mod running;
mod socket;
mod socketio;
mod sse;
mod stream;
mod streamed;
mod talk;
mod transport;
mod trust;
mod websocket;

pub use ear::{Ear, Hearing, Made};
pub use engine::{Arg, Emit, Io, Mode};
pub use inbox::{Body, Command, Incoming};
pub use key::new_key;
pub use link::Link;
pub use person::{Channel, Person};
pub use streamed::Streamed;
pub use transport::{Clock, Count, Counts, Lane, LaneError, Ready, Span, Speech, Transport, filled};
pub use trust::Trust;

use long_poll::LongPoll;
use polling::Polling;
use socketio::SocketIo;
use sse::Sse;
use websocket::WebSocket;

/// The transport of this name.
#[must_use]
pub fn transport(name: &str) -> Option<Box<dyn Transport>> {
    match name {
        "close" => Some(Box::new(Polling::closing())),
        "keep-alive" => Some(Box::new(Polling::keeping_alive())),
        "long-poll" => Some(Box::new(LongPoll)),
        "sse" => Some(Box::new(Sse)),
        "socketio" => Some(Box::new(SocketIo::websocket())),
        "socketio-upgrade" => Some(Box::new(SocketIo::upgrading())),
        "websocket" => Some(Box::new(WebSocket)),
        _ => None,
    }
}
