//! The ways in which a server's news can reach a client: one trait, one file each.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Ear, Link};
use crate::tap::Taps;

/// Why a lane ended early, in words.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// The HTTP client failed.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    /// The stream failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The handshake was refused, or the socket failed.
    #[error("{0}")]
    Socket(String),
}

/// One transport's part of a compare.
#[derive(Debug)]
pub struct Lane {
    /// This lane's own server.
    pub server: SocketAddr,
    /// What watches it.
    pub taps: Taps,
    /// How often to ask, where one has to.
    pub poll: Duration,
    /// A round trip's time that is added.
    pub rtt: Duration,
    /// When the run begins.
    pub start: Instant,
    /// When it ends.
    pub until: Instant,
    /// Where news is to be told.
    pub ear: Ear,
    /// What the client wants to say: name and words.
    pub speech: mpsc::UnboundedReceiver<(String, String)>,
}

/// What a lane's work is.
pub type Running = Pin<Box<dyn Future<Output = Result<(), LaneError>> + Send>>;

/// A way in which news reaches a client.
pub trait Transport: Send {
    /// As in the lesson notation.
    fn name(&self) -> &'static str;

    /// How the client sends on it.
    fn client_talks_by(&self) -> &'static str;

    /// Takes part in the run, from its start to its end.
    fn run(self: Box<Self>, lane: Lane) -> Running;
}

impl Lane {
    /// Connects a stream of our own, named after the transport.
    pub(super) async fn connect(&self, name: &str) -> Result<Link, LaneError> {
        Ok(Link::connect(self.server, name, &self.taps).await?)
    }
}
