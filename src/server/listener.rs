//! The listener: accepts, caps the number of connections, hands each to a task of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::context::{Context, Hold, Options};
use super::store::OnMade;
use super::{Servers, Shutdown, Store, connection};
use crate::tap::Taps;

/// The most connections that a server holds at once. Two descriptors each in a solo run.
const MAX_CONNECTIONS: usize = 400;

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
        let context =
            Arc::new(Context { address, store: Arc::clone(&store), options, shutdown: shutdown.clone() });
        tokio::spawn(accept(listener, taps.clone(), context));
        Ok(Self { address, store, taps, shutdown })
    }

    /// Stops: no more connections, sockets are closed with 1001, what is under way may end within
    /// [`super::shutdown::GRACE`].
    pub async fn stop(&self) {
        self.shutdown.start();
        // Connections that are still there after the grace go with the process.
        let _ = tokio::time::timeout(super::shutdown::GRACE, self.shutdown.finished()).await;
    }
}

async fn accept(listener: TcpListener, taps: Taps, context: Arc<Context>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut guard = context.shutdown.guard();
    loop {
        // Taken before accepting: who finds no place waits in the kernel's queue.
        let place = tokio::select! {
            () = guard.told() => return,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        // Nobody closes the semaphore.
        let Ok(place) = place else { return };
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
        let gate = taps.accept(stream, client, server);
        // From here on, whoever serves the connection holds both: a task that is spawned has not begun yet, and neither
        // the count of places nor whoever waits for the end may miss it meanwhile.
        let hold = Hold { guard: guard.clone(), place };
        tokio::spawn(connection::drive(gate, Arc::clone(&context), hold));
    }
}
