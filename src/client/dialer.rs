//! Opens the connections of one client, and knows them all.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::link::WeakLink;
use super::stream::Stream;
use super::{Counts, Lane, Link, Trust};
use crate::tap::Taps;

/// The connections of a client, the newest last, without keeping them open.
#[derive(Debug, Clone, Default)]
pub(super) struct Links(Arc<Mutex<Vec<WeakLink>>>);

impl Links {
    fn add(&self, link: &Link) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(link.downgrade());
    }

    pub fn all(&self) -> Vec<WeakLink> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest that is open.
    pub fn newest(&self) -> Option<Link> {
        self.all().iter().rev().find_map(WeakLink::upgrade)
    }
}

/// Opens connections under one client's name.
#[derive(Debug, Clone)]
pub(super) struct Dialer {
    pub server: SocketAddr,
    name: String,
    taps: Taps,
    pub links: Links,
    trust: Option<Trust>,
    /// Where it is counted what they carry.
    pub counts: Arc<Counts>,
    /// For how long at a time nothing passes.
    pub stall: Duration,
}

impl Dialer {
    /// Of a lesson's client.
    pub fn new(server: SocketAddr, name: &str, taps: &Taps) -> Self {
        let (name, taps) = (name.to_owned(), taps.clone());
        Self {
            server,
            name,
            taps,
            links: Links::default(),
            trust: None,
            counts: Arc::default(),
            stall: Duration::ZERO,
        }
    }

    /// Of a lane's client.
    pub fn of(lane: &Lane, name: &str) -> Self {
        let (trust, counts) = (lane.trust.as_ref().map(Trust::of_its_own), Arc::clone(&lane.counts));
        Self { trust, counts, stall: lane.stall, ..Self::new(lane.server, name, &lane.taps) }
    }

    /// The same, and what it opens is known apart.
    pub fn afresh(&self) -> Self {
        Self { links: Links::default(), ..self.clone() }
    }

    pub async fn dial(&self) -> io::Result<Stream> {
        let link = Link::connect(self.server, &self.name, &self.taps).await?.counting(&self.counts);
        self.links.add(&link);
        match &self.trust {
            None => Ok(Stream::plain(link)),
            Some(trust) => Stream::secure(link, trust, self.server.ip()).await,
        }
    }

    /// As requests name the server.
    pub fn host(&self) -> String {
        self.server.to_string()
    }
}
