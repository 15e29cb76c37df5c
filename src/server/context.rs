//! What the rooms of the server pass to each other.

use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(super) use super::body::Body;
use super::presence::Presence;
use super::rooms::Rooms;
use super::shutdown::{Guard, Shutdown};
use super::socket::Talk;
use super::socketio::{Engine, Handshake};
use super::{Limits, Store, Tls};
use crate::tap::Network;

/// What a server may be told.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often it pings its sockets; never without.
    pub heartbeat: Option<Duration>,
    /// What strangers may use.
    pub limits: Limits,
    /// Pages of these origins are let in too, at every door, with CORS: `http://localhost:3000`.
    pub origins: Arc<[String]>,
    /// What is added to the network.
    pub network: Network,
    /// With it the server speaks TLS, and nothing else.
    pub tls: Option<Tls>,
}

impl Default for Options {
    /// As a lesson has it.
    fn default() -> Self {
        Self {
            heartbeat: None,
            limits: Limits::SOLO,
            origins: Arc::default(),
            network: Network::default(),
            tls: None,
        }
    }
}

/// What every task of a server shares.
#[derive(Debug)]
pub(super) struct Context {
    pub address: SocketAddr,
    pub store: Arc<Store>,
    pub rooms: Arc<Rooms>,
    pub engine: Arc<Engine>,
    /// Places for the sessions of Socket.IO.
    pub sessions: Arc<Semaphore>,
    pub options: Options,
    pub shutdown: Shutdown,
}

impl Context {
    /// What our own addresses begin with.
    pub fn scheme(&self) -> &'static str {
        if self.options.tls.is_some() { "https" } else { "http" }
    }
}

/// What a connection holds until its stream is closed.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    /// Tells when the server stops, which waits for it.
    pub guard: Guard,
    /// Its place among those that the server has for connections; free when nobody holds it any more.
    #[expect(dead_code, reason = "held, and never looked at")]
    pub place: Arc<OwnedSemaphorePermit>,
}

/// What a door may know of the connection that a request came on.
#[derive(Debug, Clone, Default)]
pub(super) struct Visit {
    pub upgrade: Upgrade,
    /// How many sessions of Socket.IO it has begun that have not ended.
    pub sessions: Arc<AtomicUsize>,
    pub presence: Presence,
}

/// Left by the door that agreed to the handshake: what comes after it. Begun before the 101 is sent, so that nothing is missed
/// between the two.
pub(super) type Upgrade = Arc<Mutex<Option<Next>>>;

/// What is spoken on a socket.
#[derive(Debug)]
pub(super) enum Next {
    /// One of our doors.
    Talk(Talk),
    /// Socket.IO.
    Engine(Handshake),
}
