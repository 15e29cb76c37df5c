//! What the rooms of the server pass to each other.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use tokio::sync::{OwnedSemaphorePermit, broadcast};

use super::shutdown::{Guard, Shutdown};
use super::{News, Store};

/// What a server may be told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// How often it pings its sockets; never without.
    pub heartbeat: Option<Duration>,
}

/// What every task of a server shares.
#[derive(Debug)]
pub(super) struct Context {
    pub address: SocketAddr,
    pub store: Arc<Store>,
    pub options: Options,
    pub shutdown: Shutdown,
}

/// What a connection holds until its stream is closed.
#[derive(Debug)]
pub(super) struct Hold {
    /// Tells when the server stops, which waits for it.
    pub guard: Guard,
    /// Its place among those that the server has for connections.
    #[expect(dead_code, reason = "held, and never looked at")]
    pub place: OwnedSemaphorePermit,
}

/// What an answer consists of.
pub(super) type Body = Full<Bytes>;

/// Left by the door that upgraded the connection: its subscription, begun before the 101 was sent, so that nothing is
/// missed between the two.
pub(super) type Upgrade = Arc<Mutex<Option<broadcast::Receiver<News>>>>;
