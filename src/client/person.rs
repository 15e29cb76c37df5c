//! A named client of a lesson: at most one HTTP connection and one socket at a time, each owned by a task that always
//! reads, also while a teacher talks. A connection on which a stream of events comes is kept beside them, as a page's is.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::dialer::{Dialer, Links};
use super::engine::{self, Start, Unsaid, Upgraded};
use super::inbox::{self, Body, Command, INBOX, Incoming, Orders, Post, Queue};
use super::link::WeakLink;
use super::{Ear, Emit, Io, Link, Made, Mode, http, raw};
use crate::tap::Taps;
use crate::timeline::{Kind, Seq, State};

/// How long a connection may take to be accepted.
const ACCEPTANCE: Duration = Duration::from_secs(1);

/// A named client.
#[derive(Debug)]
pub struct Person {
    name: String,
    server: SocketAddr,
    taps: Taps,
    ear: Arc<Mutex<Ear>>,
    http: Option<Line>,
    /// Connections that a stream of events takes, behind which something else was asked.
    streams: Vec<Line>,
    socket: Option<Line>,
    /// The Socket.IO session; it is the socket then.
    io: Option<Session>,
    /// Emitted while there is none.
    unsaid: Unsaid,
    /// The number of the next acknowledgement that is asked for.
    asks: u64,
    /// Which was opened last, the HTTP connection or the socket.
    newest_is_socket: bool,
    /// Streams of a machine that is gone: open, and nobody reads or writes.
    vanished: Vec<Link>,
    inbox: mpsc::Receiver<Incoming>,
    /// What came before it was its turn.
    aside: VecDeque<Incoming>,
    post: mpsc::Sender<Incoming>,
}

/// Where something comes from. What comes over two connections has no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A response to a request that is over with it.
    Answers,
    /// A stream of events.
    Stream,
}

impl Channel {
    fn brings(self, incoming: &Incoming) -> bool {
        match incoming {
            Incoming::Response { .. } => self == Self::Answers,
            Incoming::Streamed(_) => self == Self::Stream,
            Incoming::Text(_)
            | Incoming::Binary(_)
            | Incoming::Ping(_)
            | Incoming::Pong(_)
            | Incoming::Close(_)
            | Incoming::Io(_)
            | Incoming::Unsent(_) => true,
        }
    }
}

/// An open connection and the task that owns it.
#[derive(Debug)]
struct Line {
    /// Weak: the stream is closed when its task is done with it.
    link: WeakLink,
    orders: Orders,
    task: JoinHandle<()>,
    /// `Connection: close` was asked for: the next request needs another connection.
    retired: bool,
}

impl Line {
    fn usable(&self) -> bool {
        let open = self.link.upgrade().is_some_and(|link| !link.peer_hung_up());
        open && !self.retired && !self.task.is_finished()
    }

    fn is_streaming(&self) -> bool {
        self.orders.progress.is_streaming() && !self.task.is_finished()
    }

    fn is_all_seen(&self, state: &State) -> bool {
        let ours = state.connections.values().rfind(|connection| connection.client == self.link.local);
        if self.task.is_finished() || ours.is_some_and(|connection| connection.closed.is_some()) {
            return true;
        }
        self.orders.progress.is_all_sent() && is_seen(&self.link, state)
    }
}

/// A Socket.IO session and the task that owns its connections.
#[derive(Debug)]
struct Session {
    links: Links,
    orders: Orders,
    task: JoinHandle<()>,
    upgraded: watch::Receiver<Upgraded>,
}

impl Session {
    fn is_all_seen(&self, state: &State) -> bool {
        let said = self.task.is_finished() || self.orders.progress.is_all_sent();
        said && self.links.all().iter().all(|link| is_seen(link, state))
    }
}

/// Whether all that was written has been seen to arrive.
fn is_seen(link: &WeakLink, state: &State) -> bool {
    let ours = state.connections.values().rfind(|connection| connection.client == link.local);
    let over = ours.is_some_and(|connection| connection.closed.is_some());
    over || ours.map_or(0, |connection| connection.from_client) >= link.written()
}

impl Person {
    /// Nobody has connected yet.
    #[must_use]
    pub fn new(name: &str, server: SocketAddr, taps: Taps, made: Made) -> Self {
        let (post, inbox) = mpsc::channel(INBOX);
        let ear = Arc::new(Mutex::new(Ear::new(name, taps.clone(), made)));
        Self {
            name: name.into(),
            server,
            taps,
            ear,
            http: None,
            streams: Vec::new(),
            socket: None,
            io: None,
            unsaid: Unsaid::default(),
            asks: 0,
            newest_is_socket: false,
            vanished: Vec::new(),
            inbox,
            aside: VecDeque::new(),
            post,
        }
    }

    /// Sends a request: on the open connection, or on a new one; a request to upgrade always on a new one.
    ///
    /// # Errors
    /// Where no connection could be made.
    pub async fn request(&mut self, request: hyper::Request<Body>) -> io::Result<()> {
        let upgrade = http::asks_to_upgrade(&request);
        let retired = http::asks_to_close(&request);
        if !upgrade {
            self.keep_stream();
        }
        let line = if upgrade {
            self.newest_is_socket = true;
            self.io = None;
            self.socket.insert(self.dial().await?)
        } else {
            match self.http.take().filter(Line::usable) {
                Some(line) => self.http.insert(line),
                None => {
                    self.newest_is_socket = false;
                    self.http.insert(self.dial().await?)
                }
            }
        };
        line.retired |= retired;
        // A task that has just ended reports by silence, which the transcript's next line will find.
        let _ = line.orders.give(Command::Request(request));
        Ok(())
    }

    /// Opens a connection and sends nothing.
    ///
    /// # Errors
    /// Where no connection could be made.
    pub async fn connect(&mut self) -> io::Result<()> {
        self.newest_is_socket = false;
        self.keep_stream();
        self.http = Some(self.dial().await?);
        Ok(())
    }

    /// Where a stream of events comes, nothing else can be asked: another connection takes its place.
    fn keep_stream(&mut self) {
        self.streams.retain(|line| !line.task.is_finished());
        self.streams.extend(self.http.take_if(|line| line.is_streaming()));
    }

    /// Begins a Socket.IO session, as `io()` does; what was emitted meanwhile is said when it has connected. Where there is no
    /// connection, the transcript's next line is told.
    pub async fn io(&mut self, mode: Mode, namespace: &str) {
        // Who had one leaves it.
        (self.socket, self.io) = (None, None);
        self.newest_is_socket = true;
        let dialer = Dialer::new(self.server, &self.name, &self.taps);
        let links = dialer.links.clone();
        let before = self.taps.bus().last();
        let first = match dialer.dial().await {
            Ok(first) => first,
            Err(error) => {
                let _ = self.post.try_send(Incoming::Io(Io::Failed(format!("no connection: {error}"))));
                return;
            }
        };
        self.accepted(first.link(), before).await;
        let (orders, queue) = inbox::queue();
        orders.owe();
        let (tell, upgraded) = watch::channel(None);
        let start = Start {
            mode,
            namespace: namespace.into(),
            unsaid: self.unsaid.clone(),
            post: Post { inbox: self.post.clone(), ear: Arc::clone(&self.ear), local: first.link().local },
            first,
            dialer,
            upgraded: tell,
        };
        let task = tokio::spawn(engine::own(start, queue));
        self.io = Some(Session { links, orders, task, upgraded });
    }

    /// Emits an event: now, or when a session has connected.
    pub fn emit(&mut self, mut emit: Emit) {
        if emit.asks {
            emit.number(self.asks);
            self.asks += 1;
        }
        // A session that has ended takes no orders.
        if !self.io.as_ref().is_some_and(|io| io.orders.give(Command::Emit(emit.clone()))) {
            self.unsaid.keep(emit);
        }
    }

    /// Whether the session has changed to a WebSocket, or why it will not. Waits until one of both is so.
    pub async fn upgraded(&mut self) -> Result<(), String> {
        let ended = || Err("there is no session".to_owned());
        let Some(io) = &mut self.io else { return ended() };
        match io.upgraded.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(upgraded)) => upgraded.clone(),
            Ok(None) | Err(_) => ended(),
        }
    }

    /// Does something on the socket; false where there is none.
    pub fn on_socket(&self, command: Command) -> bool {
        match &self.io {
            Some(io) => io.orders.give(command),
            None => self.socket.as_ref().is_some_and(|line| line.orders.give(command)),
        }
    }

    /// Does something on the newest connection, socket or not; false where there is none.
    pub fn on_any(&self, command: Command) -> bool {
        if self.newest_is_socket {
            return self.on_socket(command);
        }
        let newest_first = self.http.iter().chain(self.streams.iter().rev());
        let line = newest_first.clone().find(|line| !line.task.is_finished()).or(self.http.as_ref());
        line.is_some_and(|line| line.orders.give(command))
    }

    /// Whether all that it was told to send has been seen to arrive, as far as the events say.
    #[must_use]
    pub fn is_all_seen(&self, state: &State) -> bool {
        self.lines().all(|line| line.is_all_seen(state)) && self.io.iter().all(|io| io.is_all_seen(state))
    }

    /// Whether every request has its response, or will have none.
    #[must_use]
    pub fn is_all_answered(&self) -> bool {
        self.lines().all(|line| line.task.is_finished() || line.orders.progress.is_all_answered())
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.http.iter().chain(&self.streams).chain(&self.socket)
    }

    /// The machine is gone: nothing is read, nothing is sent, not even a FIN.
    pub fn vanish(&mut self) {
        let streams = std::mem::take(&mut self.streams);
        for line in streams.into_iter().chain(self.http.take()).chain(self.socket.take()) {
            self.vanished.extend(line.link.upgrade());
            line.task.abort();
        }
        if let Some(io) = self.io.take() {
            self.vanished.extend(io.links.all().iter().filter_map(WeakLink::upgrade));
            io.task.abort();
        }
    }

    /// The next thing that arrived.
    pub async fn next(&mut self) -> Incoming {
        self.next_from(None).await
    }

    /// The same. Where a stream of events comes over a connection of its own, and it is said from where, the
    /// next from there: what comes from elsewhere waits.
    pub async fn next_from(&mut self, from: Option<Channel>) -> Incoming {
        let from = from.filter(|_| !self.streams.is_empty());
        let is_meant = |incoming: &Incoming| from.is_none_or(|from| from.brings(incoming));
        let at = self.aside.iter().position(is_meant);
        if let Some(incoming) = at.and_then(|at| self.aside.remove(at)) {
            return incoming;
        }
        loop {
            match self.inbox.recv().await {
                Some(incoming) if is_meant(&incoming) => return incoming,
                Some(incoming) => self.aside.push_back(incoming),
                // The channel cannot end: we hold a sender ourselves.
                None => std::future::pending().await,
            }
        }
    }

    /// The next thing that has arrived already.
    pub fn arrived(&mut self) -> Option<Incoming> {
        self.aside.pop_front().or_else(|| self.inbox.try_recv().ok())
    }

    async fn dial(&self) -> io::Result<Line> {
        let before = self.taps.bus().last();
        let link = Link::connect(self.server, &self.name, &self.taps).await?;
        self.accepted(&link, before).await;
        let (orders, queue) = inbox::queue();
        let post = Post { inbox: self.post.clone(), ear: Arc::clone(&self.ear), local: link.local };
        let weak = link.downgrade();
        let task = tokio::spawn(own(link, queue, post));
        Ok(Line { link: weak, orders, task, retired: false })
    }

    /// The kernel answers before the server accepts. What the lesson says next may be about this connection, so that it must
    /// have been seen to open. A server without a free place leaves it waiting; so do not we.
    async fn accepted(&self, link: &Link, before: Seq) {
        let opened = self.taps.bus().find(before, |event| match &event.kind {
            Kind::Opened { client, .. } if *client == link.local => Some(()),
            _ => None,
        });
        let _ = tokio::time::timeout(ACCEPTANCE, opened).await;
    }
}

/// Owns a connection; what is asked of it first decides what is spoken on it.
async fn own(mut link: Link, mut queue: Queue, post: Post) {
    let mut byte = [0_u8; 1];
    let first = tokio::select! {
        first = queue.next() => first,
        // The server spoke or hung up first.
        _ = link.peek(&mut byte) => return raw::own(link, None, queue, post).await,
    };
    match first {
        Some(Command::Request(request)) => http::own(link, request, queue, post).await,
        Some(command) => raw::own(link, Some(command), queue, post).await,
        None => {
            link.fin();
            link.read_to_end().await;
        }
    }
}
