//! A named client of a lesson: at most one HTTP connection and one socket at a time, each owned by a task that always
//! reads, also while a teacher talks.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::inbox::{self, Body, Command, INBOX, Incoming, Orders, Post, Queue};
use super::link::WeakLink;
use super::{Ear, Link, Made, http, raw};
use crate::tap::Taps;
use crate::timeline::{Kind, State};

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
    socket: Option<Line>,
    /// Which of the two was opened last.
    newest_is_socket: bool,
    /// Streams of a machine that is gone: open, and nobody reads or writes.
    vanished: Vec<Link>,
    inbox: mpsc::Receiver<Incoming>,
    post: mpsc::Sender<Incoming>,
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

    fn is_all_seen(&self, state: &State) -> bool {
        let ours = state.connections.values().rfind(|connection| connection.client == self.link.local);
        if self.task.is_finished() || ours.is_some_and(|connection| connection.closed.is_some()) {
            return true;
        }
        let seen = ours.map_or(0, |connection| connection.from_client);
        self.orders.progress.is_all_sent() && seen >= self.link.written()
    }
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
            socket: None,
            newest_is_socket: false,
            vanished: Vec::new(),
            inbox,
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
        let line = if upgrade {
            self.newest_is_socket = true;
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
        self.http = Some(self.dial().await?);
        Ok(())
    }

    /// Does something on the socket; false where there is none.
    pub fn on_socket(&self, command: Command) -> bool {
        self.socket.as_ref().is_some_and(|line| line.orders.give(command))
    }

    /// Does something on the newest connection, socket or not; false where there is none.
    pub fn on_any(&self, command: Command) -> bool {
        let line = if self.newest_is_socket { &self.socket } else { &self.http };
        line.as_ref().is_some_and(|line| line.orders.give(command))
    }

    /// Whether all that it was told to send has been seen to arrive, as far as the events say.
    #[must_use]
    pub fn is_all_seen(&self, state: &State) -> bool {
        self.lines().all(|line| line.is_all_seen(state))
    }

    /// Whether every request has its response, or will have none.
    #[must_use]
    pub fn is_all_answered(&self) -> bool {
        self.lines().all(|line| line.task.is_finished() || line.orders.progress.is_all_answered())
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.http.iter().chain(&self.socket)
    }

    /// The machine is gone: nothing is read, nothing is sent, not even a FIN.
    pub fn vanish(&mut self) {
        for line in [self.http.take(), self.socket.take()].into_iter().flatten() {
            self.vanished.extend(line.link.upgrade());
            line.task.abort();
        }
    }

    /// The next thing that arrived.
    pub async fn next(&mut self) -> Incoming {
        // The channel cannot end: we hold a sender ourselves.
        match self.inbox.recv().await {
            Some(incoming) => incoming,
            None => std::future::pending().await,
        }
    }

    /// The next thing that has arrived already.
    pub fn arrived(&mut self) -> Option<Incoming> {
        self.inbox.try_recv().ok()
    }

    async fn dial(&self) -> io::Result<Line> {
        let before = self.taps.bus().last();
        let link = Link::connect(self.server, &self.name, &self.taps).await?;
        // The kernel answers before the server accepts. What the lesson says next may be about this connection, so that
        // it must have been seen to open. A server without a free place leaves it waiting; so do not we.
        let opened = self.taps.bus().find(before, |event| match &event.kind {
            Kind::Opened { client, .. } if *client == link.local => Some(()),
            _ => None,
        });
        let _ = tokio::time::timeout(ACCEPTANCE, opened).await;
        let (orders, queue) = inbox::queue();
        let post = Post { inbox: self.post.clone(), ear: Arc::clone(&self.ear), local: link.local };
        let weak = link.downgrade();
        let task = tokio::spawn(own(link, queue, post));
        Ok(Line { link: weak, orders, task, retired: false })
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
