//! The server: one listener, one port, all doors.
//!
//! A connection goes `listener` → `connection` → `router` → a door in `doors/`. Every door shows the same list, kept by the
//! [`Store`], and delivers only what its subscription to the store brings.
//!
//! Adding a door: a file in `doors/`, its path in `router.rs`, its row in README.md.

mod body;
mod connection;
mod content;
mod context;
mod doors;
mod guard;
mod hang_up;
mod limits;
mod listener;
mod problem;
mod rooms;
mod router;
mod shutdown;
mod socket;
mod store;

pub use context::Options;
pub use limits::Limits;
pub use listener::Server;
pub use shutdown::Servers;
pub use store::{Draft, Message, News, Store, StoreError};
