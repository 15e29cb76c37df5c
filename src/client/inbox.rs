//! What passes between a client and the tasks that own its connections: orders one way, what arrived the other.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use tokio::sync::mpsc;

use super::{Ear, Emit, Io, Streamed};

/// The most messages that a client holds until somebody asks for them.
pub(super) const INBOX: usize = 4_096;

/// Where a Socket.IO client's words are not understood.
pub(super) const NO_SESSION: &str = "this connection is no Socket.IO session";

/// What a request carries.
pub type Body = Full<Bytes>;

/// Something that arrived at a client, whole. Of a stream of events: the head of its answer, then piece by piece what it brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// An HTTP response.
    Response {
        /// Its status code.
        status: u16,
        /// In order.
        headers: Vec<(String, String)>,
        /// Its content; none of a stream of events, which is on its way.
        body: Bytes,
    },
    /// What the answer that does not end has brought.
    Streamed(Streamed),
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// A ping; tungstenite has answered it.
    Ping(Bytes),
    /// A pong.
    Pong(Bytes),
    /// A close frame, with its code and reason where it carries them.
    Close(Option<(u16, String)>),
    /// What reached a Socket.IO client.
    Io(Io),
    /// Nothing arrived: something could not be sent, and this is why.
    Unsent(String),
}

/// What a client is to do on a connection, in order.
#[derive(Debug)]
pub enum Command {
    /// Send this request and read its response.
    Request(hyper::Request<Body>),
    /// Send this message or frame.
    Message(tokio_tungstenite::tungstenite::Message),
    /// Emit this event.
    Emit(Emit),
    /// Leave the Socket.IO session.
    Leave,
    /// Write these bytes, whatever they mean.
    Raw(Vec<u8>),
    /// End our sending.
    Fin,
    /// Reset the connection.
    Reset,
}

/// How far a connection's task has come with what it was told to do.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Commands that it was given and has not carried out yet; of a request: that is not on its way.
    unsent: AtomicUsize,
    /// Requests without a response.
    unanswered: AtomicUsize,
    /// The response that is being read has no end: nothing else can be asked on this connection.
    streaming: AtomicBool,
}

impl Progress {
    pub fn is_all_sent(&self) -> bool {
        self.unsent.load(Ordering::Relaxed) == 0
    }

    pub fn is_all_answered(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) == 0
    }

    pub fn is_streaming(&self) -> bool {
        self.streaming.load(Ordering::Relaxed)
    }
}

/// Both ends of what a connection's task is told to do.
pub(super) fn queue() -> (Orders, Queue) {
    let (sender, commands) = mpsc::unbounded_channel();
    let progress = Arc::<Progress>::default();
    (Orders { sender, progress: Arc::clone(&progress) }, Queue { commands, progress })
}

/// The end that gives orders.
#[derive(Debug)]
pub(super) struct Orders {
    sender: mpsc::UnboundedSender<Command>,
    pub progress: Arc<Progress>,
}

impl Orders {
    /// Never waits. False where the task has ended.
    pub fn give(&self, command: Command) -> bool {
        self.progress.unsent.fetch_add(1, Ordering::Relaxed);
        if matches!(command, Command::Request(_)) {
            self.progress.unanswered.fetch_add(1, Ordering::Relaxed);
        }
        self.sender.send(command).is_ok()
    }

    /// The task has something to do from the start.
    pub fn owe(&self) {
        self.progress.unsent.fetch_add(1, Ordering::Relaxed);
    }
}

/// The task's end.
#[derive(Debug)]
pub(super) struct Queue {
    commands: mpsc::UnboundedReceiver<Command>,
    progress: Arc<Progress>,
}

impl Queue {
    /// The next order; `None` when there will be none any more.
    pub async fn next(&mut self) -> Option<Command> {
        self.commands.recv().await
    }

    /// Takes no more orders, and hands back those that nobody took.
    pub fn close(&mut self) -> Vec<Command> {
        self.commands.close();
        std::iter::from_fn(|| self.commands.try_recv().ok()).collect()
    }

    /// Whether the client left of its own accord.
    pub fn is_closed(&self) -> bool {
        self.commands.is_closed()
    }

    /// The last order is carried out; of a request: it is on its way.
    pub fn sent(&self) {
        self.progress.unsent.fetch_sub(1, Ordering::Relaxed);
    }

    /// A stream of events begins, or is over.
    pub fn streams(&self, streaming: bool) {
        self.progress.streaming.store(streaming, Ordering::Relaxed);
    }

    /// A request has its response, or will have none.
    pub fn answered(&self) {
        self.progress.unanswered.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a connection's task needs to hand on what it reads.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub inbox: mpsc::Sender<Incoming>,
    pub ear: Arc<Mutex<Ear>>,
    /// Our own address.
    pub local: SocketAddr,
}

impl Post {
    /// Hands on what a request of one's own brought that changed something: no news to whoever asked for it.
    pub fn deliver_confirmation(&self, incoming: Incoming) {
        if let Incoming::Response { body, .. } = &incoming {
            self.ear.lock().unwrap_or_else(PoisonError::into_inner).confirmation(body);
        }
        let _ = self.inbox.try_send(incoming);
    }

    /// Hands it on; where nobody has asked for thousands of messages, the newest are dropped.
    pub fn deliver(&self, incoming: Incoming) {
        let mut ear = self.ear.lock().unwrap_or_else(PoisonError::into_inner);
        let conn = ear.conn_from(self.local);
        match &incoming {
            Incoming::Response { status, body, .. } if *status < 300 => ear.answer(body, conn),
            Incoming::Text(text) => ear.event(text, conn),
            Incoming::Io(Io::Event { name, args }) => ear.io(name, args, conn),
            Incoming::Streamed(Streamed::Event { name, data }) if name == "message" => {
                ear.answer(data.as_bytes(), conn);
            }
            Incoming::Response { .. }
            | Incoming::Streamed(_)
            | Incoming::Unsent(_)
            | Incoming::Io(_)
            | Incoming::Binary(_)
            | Incoming::Ping(_)
            | Incoming::Pong(_)
            | Incoming::Close(_) => {}
        }
        let _ = self.inbox.try_send(incoming);
    }
}
