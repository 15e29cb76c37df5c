//! What a lesson is played on: its server, and the clients that were named so far.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;

use crate::client::{Made, Person};
use crate::server::{Options, Server, Servers};
use crate::tap::Taps;
use crate::timeline::Bus;

/// Hands out the ports that a command listens on: consecutive from the first, or any that are free.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    next: u16,
}

/// A port that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("port {port}: {source}")]
pub struct PortError {
    /// Which.
    pub port: u16,
    /// Why.
    pub source: io::Error,
}

impl Ports {
    /// From `first` on; 0: any.
    #[must_use]
    pub fn from(first: u16) -> Self {
        Self { next: first }
    }

    /// Binds the next one, on loopback.
    ///
    /// # Errors
    /// Where it is in use, or there are no more.
    pub async fn bind(&mut self) -> Result<TcpListener, PortError> {
        let port = self.next;
        if port != 0 {
            // After 65535 comes 0: any.
            self.next = port.wrapping_add(1);
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        TcpListener::bind(address).await.map_err(|source| PortError { port, source })
    }
}

/// A server and the people who visit it.
#[derive(Debug)]
pub struct Stage {
    /// The server.
    pub server: Server,
    made: Made,
    people: BTreeMap<String, Person>,
}

impl Stage {
    /// Starts a server.
    ///
    /// # Errors
    /// Where its port cannot be had.
    pub async fn open(
        taps: &Taps,
        servers: &Servers,
        ports: &mut Ports,
        heartbeat: Option<Duration>,
    ) -> Result<Self, PortError> {
        let listener = ports.bind().await?;
        let made = Made::default();
        let note = noter(&made, taps.bus());
        let server = Server::start(listener, taps.clone(), servers, Options { heartbeat }, note)
            .map_err(|source| PortError { port: 0, source })?;
        Ok(Self { server, made, people: BTreeMap::new() })
    }

    /// The client of this name; new, if it was not named before.
    pub fn person(&mut self, name: &str) -> &mut Person {
        let (server, taps, made) = (self.server.address, self.server.taps.clone(), self.made.clone());
        self.people.entry(name.into()).or_insert_with(|| Person::new(name, server, taps, made))
    }

    /// When the messages of this server were made.
    #[must_use]
    pub fn made(&self) -> &Made {
        &self.made
    }

    /// Every client that was named so far.
    pub fn people(&mut self) -> impl Iterator<Item = (&String, &mut Person)> {
        self.people.iter_mut()
    }
}

/// Notes when each message is made.
fn noter(made: &Made, bus: &Bus) -> Box<dyn Fn(&crate::server::Message) + Send + Sync> {
    let (made, bus) = (made.clone(), bus.clone());
    Box::new(move |message| made.note(message.id, bus.now()))
}
