//! The listener: accepts, caps the number of connections, hands each to a task of its own.
//!
//! A connection keeps its place as long as it is open, also where it says nothing: nothing limits yet how long a head and
//! a body may take.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Doors;
use super::context::{Context, Hold, Options};
use super::shutdown::{self, Shutdown};
use super::store::OnMade;
use super::{Limits, Servers, Store, connection};
use crate::tap::Taps;

/// How many may be told at once that there is no place; who comes then is hung up on without a word.
const REFUSED: usize = 32;

/// How long one that is refused may take to hear it.
const REFUSAL: Duration = Duration::from_secs(3);

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What its doors show.
    pub store: Arc<Store>,
    /// What watches its connections.
    pub taps: Taps,
    shutdown: Shutdown,
}

impl Server {
    /// Serves what a bound listener accepts, until told to stop.
    ///
    /// # Errors
    /// Where the listener's address cannot be read.
    pub fn start(
        listener: TcpListener,
        taps: Taps,
        servers: &Servers,
        options: Options,
        on_made: OnMade,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let store = Arc::new(Store::new(on_made));
        let shutdown = Shutdown::default();
        servers.add(shutdown.clone());
        let context = Arc::new(Context {
            address,
            store: Arc::clone(&store),
            rooms: Arc::default(),
            options,
            shutdown: shutdown.clone(),
        });
        tokio::spawn(accept(listener, taps.clone(), context));
        Ok(Self { address, store, taps, shutdown })
    }

    /// Stops: no more connections, sockets are closed with 1001, what is under way may end within
    /// [`super::shutdown::GRACE`].
    pub async fn stop(&self) {
        shutdown::stop(std::slice::from_ref(&self.shutdown)).await;
    }
}

async fn accept(listener: TcpListener, taps: Taps, context: Arc<Context>) {
    let places = Places::new(&context.options.limits);
    let mut guard = context.shutdown.guard();
    loop {
        let (stream, client) = tokio::select! {
            () = guard.told() => return,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // A client that left before it was accepted, or no descriptor left: neither ends the server.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            },
        };
        // Answers are small and each is waited for; a failure only makes them slower.
        let _ = stream.set_nodelay(true);
        let server = stream.local_addr().unwrap_or(context.address);
        let own = taps.is_announced(client);
        let stream = taps.accept(stream, client, server);
        // From here on, whoever serves the connection holds both: a task that is spawned has not begun yet, and neither
        // the count of places nor whoever waits for the end may miss it meanwhile.
        let hold = |place| Hold { guard: guard.clone(), place };
        let context = Arc::clone(&context);
        if let Some(place) = places.take(own) {
            tokio::spawn(connection::drive(stream, Doors::open(context), hold(place)));
        } else if let Some(place) = take(&places.refused) {
            let refusing = connection::drive(stream, Doors::full(context), hold(place));
            tokio::spawn(tokio::time::timeout(REFUSAL, refusing));
        }
    }
}

struct Places {
    own: Arc<Semaphore>,
    guests: Arc<Semaphore>,
    refused: Arc<Semaphore>,
}

impl Places {
    fn new(limits: &Limits) -> Self {
        let of = |count| Arc::new(Semaphore::new(count));
        Self { own: of(limits.own), guests: of(limits.guests), refused: of(REFUSED) }
    }

    fn take(&self, own: bool) -> Option<OwnedSemaphorePermit> {
        take(if own { &self.own } else { &self.guests })
    }
}

fn take(places: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(places).try_acquire_owned().ok()
}
