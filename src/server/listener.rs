//! The listener: accepts, caps the number of connections, hands each to a task of its own.
//!
//! A connection keeps its place as long as it is open, also where it says nothing; how long it may do so is in `Limits`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Doors;
use super::context::{Context, Hold, Options};
use super::shutdown::{self, Guard, Shutdown};
use super::socketio::Engine;
use super::store::OnMade;
use super::{Limits, Servers, Store, connection};
use crate::tap::Taps;

/// How many may be told at once that there is no place; who comes then is hung up on without a word. Fewer where
/// descriptors are few: a quarter of them at most.
const REFUSED: usize = 256;

/// How long one that is refused may take to hear it.
const REFUSAL: Duration = Duration::from_secs(3);

/// How long nobody is accepted where the process or the machine has no room: those who wait are kept by the kernel, and to
/// ask again at once would only burn time.
const NO_ROOM: Duration = Duration::from_millis(50);

/// Descriptors that are not for connections: the listener, the runtime, the terminal, files.
const RESERVED: usize = 32;

/// What the kernel may keep of what one stranger is to read, bytes (Linux doubles it for its own accounts). It says that there
/// is room again when a third of it is free: of the megabytes that it would take by itself, one who reads steadily over a slow
/// network needs longer for that than who takes nothing may take.
const UNREAD: usize = 128 * 1024;

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What its doors show.
    pub store: Arc<Store>,
    /// What watches its connections.
    pub taps: Taps,
    /// How many guests it has places for: as many as asked for, or as this process may have descriptors for.
    pub guests: usize,
    engine: Arc<Engine>,
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
        let limits = options.limits.across(options.network);
        prepare(&listener, &options.limits);
        let rooms = Arc::default();
        let engine = Arc::new(Engine::new(&store, &Options { limits, ..options.clone() }));
        let room = descriptors().saturating_sub(RESERVED);
        let refused = REFUSED.min(room / 4);
        let guests = limits.guests.min(room - refused).max(1);
        let context = |limits, places: usize| {
            let options = Options { limits, ..options.clone() };
            Arc::new(Context {
                address,
                store: Arc::clone(&store),
                rooms: Arc::clone(&rooms),
                engine: Arc::clone(&engine),
                sessions: places_for(places),
                options,
                shutdown: shutdown.clone(),
            })
        };
        let entrance = Entrance {
            taps: taps.clone(),
            own: Group::new(limits.own, context(limits.without_times(), limits.own)),
            guests: Group::new(guests, context(limits, guests)),
            refused: Arc::new(Semaphore::new(refused)),
        };
        tokio::spawn(stop(Arc::clone(&engine), shutdown.guard()));
        tokio::spawn(accept(listener, entrance, shutdown.guard()));
        Ok(Self { address, store, taps, guests, engine, shutdown })
    }

    /// How many sessions of Socket.IO there are.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.engine.sessions()
    }

    /// Stops: no more connections, sockets are closed with 1001, what is under way may end within
    /// [`super::shutdown::GRACE`].
    pub async fn stop(&self) {
        shutdown::stop(std::slice::from_ref(&self.shutdown)).await;
    }
}

/// What the connections of strangers inherit. Where the kernel does not let it be set, it has its own.
fn prepare(listener: &TcpListener, limits: &Limits) {
    use rustix::net::sockopt;
    if limits.write_time.is_some() {
        let _ = sockopt::set_socket_send_buffer_size(listener, UNREAD);
    }
    // A machine that is gone acknowledges nothing; the kernel would go on trying for a quarter of an hour.
    #[cfg(target_os = "linux")]
    if let Some(silence) = limits.silence {
        let millis = silence.as_millis().try_into().unwrap_or(u32::MAX);
        let _ = sockopt::set_tcp_user_timeout(listener, millis);
    }
}

/// Ends the sessions of Socket.IO when the server stops.
async fn stop(engine: Arc<Engine>, mut guard: Guard) {
    guard.told().await;
    engine.stop().await;
}

async fn accept(listener: TcpListener, entrance: Entrance, mut guard: Guard) {
    loop {
        let accepted = tokio::select! {
            () = guard.told() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, client)) => entrance.let_in(stream, client),
            // Neither a client that left before it was accepted nor a lack of room ends the server.
            Err(error) if is_the_clients(&error) => {}
            Err(_) => tokio::select! {
                () = guard.told() => return,
                () = tokio::time::sleep(NO_ROOM) => {}
            },
        }
    }
}

/// What happened to one client before it was accepted, and says nothing about the next.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Who may come in, and under which limits.
struct Entrance {
    taps: Taps,
    /// Clients that announced themselves. The teacher talks: nothing that they do is ever late.
    own: Group,
    guests: Group,
    refused: Arc<Semaphore>,
}

struct Group {
    places: Arc<Semaphore>,
    context: Arc<Context>,
}

impl Group {
    fn new(places: usize, context: Arc<Context>) -> Self {
        Self { places: places_for(places), context }
    }
}

impl Entrance {
    fn let_in(&self, stream: TcpStream, client: SocketAddr) {
        let group = if self.taps.is_announced(client) { &self.own } else { &self.guests };
        let context = Arc::clone(&group.context);
        // Answers are small and each is waited for; a failure only makes them slower.
        let _ = stream.set_nodelay(true);
        let server = stream.local_addr().unwrap_or(context.address);
        let stream = self.taps.accept(stream, client, server);
        // From here on, whoever serves the connection holds both: a task that is spawned has not begun yet, and neither
        // the count of places nor whoever waits for the end may miss it meanwhile.
        let hold = |place| Hold { guard: group.context.shutdown.guard(), place: Arc::new(place) };
        if let Some(place) = take(&group.places) {
            tokio::spawn(connection::drive(stream, Doors::open(context), hold(place)));
        } else if let Some(place) = take(&self.refused) {
            let refusing = connection::drive(stream, Doors::full(context), hold(place));
            tokio::spawn(tokio::time::timeout(REFUSAL, refusing));
        }
    }
}

fn places_for(places: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)))
}

fn take(places: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(places).try_acquire_owned().ok()
}

/// How many descriptors this process may have.
fn descriptors() -> usize {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use rustix::net::sockopt;

    use super::*;

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn what_strangers_inherit() {
        let inherited = async |limits| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            prepare(&listener, &limits);
            let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let timeout = sockopt::tcp_user_timeout(&stream).unwrap();
            (timeout, sockopt::socket_send_buffer_size(&stream).unwrap())
        };
        assert_eq!(inherited(Limits::SERVE).await, (60_000, 2 * UNREAD));
        let (timeout, kept) = inherited(Limits::SOLO).await;
        assert!(timeout == 0 && kept > 2 * UNREAD, "as the kernel has it: {kept}");
    }
}
