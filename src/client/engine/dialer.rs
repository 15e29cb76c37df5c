//! Opens the connections of one session, and knows them all.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::client::Link;
use crate::client::link::WeakLink;
use crate::tap::Taps;

/// The connections of a session, the newest last, without keeping them open.
#[derive(Debug, Clone, Default)]
pub(in crate::client) struct Links(Arc<Mutex<Vec<WeakLink>>>);

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
pub(in crate::client) struct Dialer {
    pub server: SocketAddr,
    pub name: String,
    pub taps: Taps,
    pub links: Links,
}

impl Dialer {
    pub async fn dial(&self) -> io::Result<Link> {
        let link = Link::connect(self.server, &self.name, &self.taps).await?;
        self.links.add(&link);
        Ok(link)
    }
}
