//! The server: one listener, one port, all doors.
//!
//! A connection goes `listener` → `connection` → `router` → a door in `doors/`. Every door shows the same list, kept by the
//! [`Store`], and delivers only what its subscription to the store brings.
//!
//! Adding a door: a file in `doors/`, its row in `router.rs`, in `docs/doors.md` and on the page.

mod body;
mod connection;
mod content;
mod context;
mod cors;
mod doors;
mod framing;
mod guard;
mod hang_up;
mod last_word;
mod layers;
mod limits;
mod listener;
mod pace;
mod presence;
mod problem;
mod rooms;
mod router;
mod shutdown;
mod socket;
mod socketio;
mod store;
mod subscription;
mod tls;

pub use context::Options;
pub use limits::Limits;
pub use listener::Server;
pub use router::{DOORS, Door};
pub use shutdown::Servers;
pub use store::{Draft, Following, Message, News, NewsId, OnMade, Store, StoreError};
pub use tls::{Tls, TlsError};
