//! Clients: the named ones of a lesson ([`Person`]), and one file per transport of a compare behind one trait.
//!
//! Adding a transport: a file here that implements [`Transport`], its name in [`transport`] and in the lesson notation's
//! list, its row in README.md.

mod ear;
mod http;
mod key;
mod link;
mod person;
mod polling;
mod raw;
mod socket;
mod transport;
mod websocket;

pub use ear::{Ear, Made};
pub use http::Body;
pub use key::new_key;
pub use link::Link;
pub use person::{Command, Incoming, Person};
pub use transport::{Lane, LaneError, Transport, transport};
