//! What a lesson is played on: its server, and the clients that were named so far.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::client::{Made, Person};
use crate::server::{OnMade, Options, Server, Servers};
use crate::tap::Taps;
use crate::timeline::Bus;

/// The ports that a lesson listens on: consecutive from the first, or any that are free. All are bound before the lesson
/// begins, so that one that is in use is told at once.
#[derive(Debug)]
pub struct Ports {
    first: u16,
    /// Those that an earlier run had, and that are to be had again if nobody took them meanwhile.
    again: VecDeque<u16>,
    bound: VecDeque<TcpListener>,
}

/// A port that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("port {port}: {source}")]
pub struct PortError {
    /// Which.
    pub port: u32,
    /// Why.
    pub source: io::Error,
}

impl Ports {
    /// From `first` on; 0: any.
    #[must_use]
    pub fn from(first: u16) -> Self {
        Self { first, again: VecDeque::new(), bound: VecDeque::new() }
    }

    /// The same once more.
    #[must_use]
    pub fn again(self, ports: &[u16]) -> Self {
        Self { again: ports.iter().copied().collect(), ..self }
    }

    /// Whether they are those of an earlier run.
    pub(super) fn is_again(&self) -> bool {
        !self.again.is_empty()
    }

    /// Binds so many, on loopback.
    ///
    /// # Errors
    /// Where one of them is in use, or there is no such port.
    pub(super) async fn bind(&mut self, count: usize) -> Result<(), PortError> {
        for n in (0_u32..).take(count) {
            if let Some(port) = self.again.get(n as usize)
                && let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).await
            {
                self.bound.push_back(listener);
                continue;
            }
            let port = if self.first == 0 { 0 } else { u32::from(self.first) + n };
            let failed = |source| PortError { port, source };
            let number = u16::try_from(port).map_err(|error| failed(io::Error::other(error)))?;
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, number));
            self.bound.push_back(TcpListener::bind(address).await.map_err(failed)?);
        }
        Ok(())
    }

    /// The next of them.
    fn take(&mut self) -> Result<TcpListener, PortError> {
        let none =
            || PortError { port: 0, source: io::Error::other("more ports are needed than were bound") };
        self.bound.pop_front().ok_or_else(none)
    }

    /// For a server that binds it itself, later: the nth from the first; 0 where any will do.
    pub(super) fn later(&self, n: usize) -> u16 {
        u16::try_from(n).ok().filter(|_| self.first > 0).map_or(0, |n| self.first.saturating_add(n))
    }

    /// Those that nobody took yet.
    pub(super) fn numbers(&self) -> Vec<u16> {
        self.bound.iter().filter_map(|it| it.local_addr().ok()).map(|address| address.port()).collect()
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
    pub fn open(
        taps: &Taps,
        servers: &Servers,
        ports: &mut Ports,
        options: Options,
    ) -> Result<Self, PortError> {
        Self::open_noting(taps, servers, ports, options, Box::new(|_| ()))
    }

    /// The same; `also` is called with every message that is made.
    ///
    /// # Errors
    /// As [`Stage::open`].
    pub fn open_noting(
        taps: &Taps,
        servers: &Servers,
        ports: &mut Ports,
        options: Options,
        also: OnMade,
    ) -> Result<Self, PortError> {
        let listener = ports.take()?;
        let made = Made::default();
        let note = noter(&made, taps.bus(), also);
        let server = Server::start(listener, taps.clone(), servers, options, note)
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
fn noter(made: &Made, bus: &Bus, also: OnMade) -> OnMade {
    let (made, bus) = (made.clone(), bus.clone());
    Box::new(move |message| {
        made.note(message.id, bus.now());
        also(message);
    })
}
