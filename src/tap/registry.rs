//! Who is connected: numbers the connections, knows the names of clients that announced themselves, and reaches each
//! connection while it is open.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::stream::Counts;
use super::{Gate, Stream, Tap};
use crate::timeline::{Bus, ConnId, Kind, Side};

/// Makes taps. Clones number their connections together.
#[derive(Debug, Clone)]
pub struct Taps {
    bus: Bus,
    shared: Arc<Shared>,
    /// The name of a client that did not announce itself.
    default_name: Option<String>,
    looking: Looking,
}

/// How closely connections are looked at. Looking costs, so it is decided when a connection is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looking {
    /// Every byte is told.
    Observed,
    /// Nothing is told; connections and bytes are counted.
    Counted,
    /// Not at all: the connection is the server's alone. What the others cost is measured against this.
    Bare,
}

#[derive(Debug, Default)]
struct Shared {
    last_conn: AtomicU64,
    names: Mutex<HashMap<SocketAddr, String>>,
    live: Mutex<BTreeMap<ConnId, Arc<Control>>>,
    newest: Mutex<HashMap<SocketAddr, ConnId>>,
    from_client: AtomicU64,
    from_server: AtomicU64,
    plain: Plain,
}

/// Bytes that TLS carried: from clients, and from the server.
#[derive(Debug, Default)]
struct Plain {
    from_client: AtomicU64,
    from_server: AtomicU64,
}

impl Plain {
    fn add(&self, from: Side, len: u64) {
        let count = if from == Side::Client { &self.from_client } else { &self.from_server };
        count.fetch_add(len, Ordering::Relaxed);
    }

    fn get(&self) -> (u64, u64) {
        (self.from_client.load(Ordering::Relaxed), self.from_server.load(Ordering::Relaxed))
    }
}

/// What all connections were together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// How many were opened.
    pub connections: u64,
    /// Bytes from clients, of connections that are over.
    pub from_client: u64,
    /// Bytes from the server, of connections that are over.
    pub from_server: u64,
    /// Of both: the plaintext that TLS carried; nothing without TLS.
    pub plain: (u64, u64),
}

impl Taps {
    /// Taps that tell this timeline.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self { bus, shared: Arc::default(), default_name: None, looking: Looking::Observed }
    }

    /// The same, looking as closely as this.
    #[must_use]
    pub fn looking(&self, looking: Looking) -> Self {
        Self { looking, ..self.clone() }
    }

    /// The same, but clients that did not announce themselves bear this name.
    #[must_use]
    pub fn with_default_name(&self, name: &str) -> Self {
        Self { default_name: Some(name.into()), ..self.clone() }
    }

    /// The timeline that is told.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Announces that the connection from `address`, which is bound and will connect, belongs to `name`.
    pub fn announce(&self, address: SocketAddr, name: &str) {
        if self.knows_names() {
            lock(&self.shared.names).insert(address, name.into());
        }
    }

    /// Whether anybody asks who announced itself: nobody does where nothing is looked at.
    #[must_use]
    pub fn knows_names(&self) -> bool {
        self.looking != Looking::Bare
    }

    /// Whether the connection from `address` was announced, and has not been taken yet.
    #[must_use]
    pub fn is_announced(&self, address: SocketAddr) -> bool {
        lock(&self.shared.names).contains_key(&address)
    }

    /// Takes a connection that was just accepted.
    pub fn accept(&self, stream: TcpStream, client: SocketAddr, server: SocketAddr) -> Stream {
        let conn = ConnId(self.shared.last_conn.fetch_add(1, Ordering::Relaxed) + 1);
        let name = lock(&self.shared.names).remove(&client).or_else(|| self.default_name.clone());
        let mut control = Control::new(conn, client, server, name);
        control.bus = self.is_observing().then(|| self.bus.clone());
        let control = Arc::new(control);
        if self.looking == Looking::Bare {
            return Stream::bare(stream, control);
        }
        lock(&self.shared.newest).insert(server, conn);
        lock(&self.shared.live).insert(conn, Arc::clone(&control));
        let tap = Tap::new(stream, self.clone(), Arc::clone(&control));
        Stream::gated(Gate::new(tap, Arc::clone(&control)), control)
    }

    /// The open connections of a client, or of all.
    #[must_use]
    pub fn live(&self, name: Option<&str>) -> Vec<Arc<Control>> {
        let live = lock(&self.shared.live);
        let wanted = |control: &&Arc<Control>| name.is_none() || control.name.as_deref() == name;
        live.values().filter(wanted).cloned().collect()
    }

    /// The number of the open connection from this address.
    #[must_use]
    pub fn conn_from(&self, client: SocketAddr) -> Option<ConnId> {
        lock(&self.shared.live).values().find(|control| control.client == client).map(|control| control.conn)
    }

    /// The newest connection to this server, open or not.
    #[must_use]
    pub fn newest_conn_to(&self, server: SocketAddr) -> Option<ConnId> {
        lock(&self.shared.newest).get(&server).copied()
    }

    /// What there was so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            connections: self.shared.last_conn.load(Ordering::Relaxed),
            from_client: self.shared.from_client.load(Ordering::Relaxed),
            from_server: self.shared.from_server.load(Ordering::Relaxed),
            plain: self.shared.plain.get(),
        }
    }

    pub(super) fn is_observing(&self) -> bool {
        self.looking == Looking::Observed
    }

    pub(super) fn gone(&self, conn: ConnId, counts: Counts) {
        if let Some(control) = lock(&self.shared.live).remove(&conn) {
            let (from_client, from_server) = control.plain.get();
            self.shared.plain.add(Side::Client, from_client);
            self.shared.plain.add(Side::Server, from_server);
        }
        self.shared.from_client.fetch_add(counts.from_client, Ordering::Relaxed);
        self.shared.from_server.fetch_add(counts.from_server, Ordering::Relaxed);
    }
}

/// A handle to an open connection, from outside of the task that serves it.
#[derive(Debug)]
pub struct Control {
    /// Its number.
    pub conn: ConnId,
    /// The client's address.
    pub client: SocketAddr,
    /// The server's address.
    pub server: SocketAddr,
    /// The client's name.
    pub name: Option<String>,
    /// Where it is observed.
    bus: Option<Bus>,
    /// Whether something may stand in the way: cut or stalled. Looked at with each call, so that open needs no lock.
    barred: AtomicBool,
    cut: AtomicBool,
    stalled_until: Mutex<Option<Instant>>,
    /// What TLS has carried so far.
    plain: Plain,
    /// Since when the kernel has taken nothing of what is to be written.
    waits_since: Mutex<Option<Instant>>,
    pub(super) reader: AtomicWaker,
    pub(super) writer: AtomicWaker,
}

impl Control {
    fn new(conn: ConnId, client: SocketAddr, server: SocketAddr, name: Option<String>) -> Self {
        Self {
            conn,
            client,
            server,
            name,
            bus: None,
            barred: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            stalled_until: Mutex::new(None),
            plain: Plain::default(),
            waits_since: Mutex::new(None),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
        }
    }

    /// Tells why a limit ends the connection: `idle for 75 s`.
    pub fn limit(&self, why: &str) {
        if let Some(bus) = &self.bus {
            bus.append(Kind::World { what: "limit".into(), id: None, text: format!("{}: {why}", self.conn) });
        }
    }

    /// Resets the connection, as a machine does that forgot it.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.bar();
    }

    /// Lets nothing pass for so long, either way; FINs wait as well.
    pub fn stall(&self, time: Duration) {
        let mut stalled_until = lock(&self.stalled_until);
        *stalled_until = Some(Instant::now() + time);
        self.bar();
    }

    /// Ends when a write has waited for so long, or a little longer; stalls do not count.
    pub async fn stuck(&self, patience: Duration) {
        loop {
            let until = lock(&self.waits_since).map(|since| since + patience);
            match until {
                Some(until) if until <= Instant::now() => return,
                Some(until) => tokio::time::sleep_until(until).await,
                None => tokio::time::sleep(patience / 4).await,
            }
        }
    }

    /// TLS carried so many bytes.
    pub(super) fn carried(&self, from: Side, len: usize) {
        self.plain.add(from, len as u64);
    }

    pub(super) fn write_waits(&self, waits: bool) {
        *lock(&self.waits_since) = waits.then(Instant::now);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    pub(super) fn is_barred(&self) -> bool {
        // In one order with the waker that is left before looking once more.
        self.barred.load(Ordering::SeqCst)
    }

    /// Until when nothing passes, while that is not over.
    pub(super) fn stalled_until(&self) -> Option<Instant> {
        let mut stalled_until = lock(&self.stalled_until);
        *stalled_until = stalled_until.filter(|until| *until > Instant::now());
        if stalled_until.is_none() && !self.is_cut() {
            self.barred.store(false, Ordering::SeqCst);
            if self.is_cut() {
                // Cut meanwhile.
                self.barred.store(true, Ordering::SeqCst);
            }
        }
        *stalled_until
    }

    fn bar(&self) {
        self.barred.store(true, Ordering::SeqCst);
        self.reader.wake();
        self.writer.wake();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is one insertion, removal or assignment: a panic elsewhere leaves them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
