//! A socket of a namespace: takes what its client says in order, and emits what it hears as fast as the client takes it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmpv::Value;
use serde_json::value::RawValue;
use socketioxide::SendError;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::{AckSender, Data, Event, SocketRef};
use socketioxide::handler::{self, FromMessageParts as _, MessageHandler};
use socketioxide::socket::Socket;
use tokio::sync::{Notify, broadcast, mpsc};

use super::events::{self, Args};
use super::session::{EACH, Session};
use crate::server::{News, Store};

/// How much may wait for one socket, bytes.
const WAITING: usize = 1024 * 1024;

/// Why a session ends whose client lets more wait.
const BEHIND: &str = "the client does not keep up";

/// What a client said.
pub(super) struct Said {
    pub event: String,
    pub args: Vec<Value>,
    /// Where an acknowledgement is asked for.
    pub answer: Option<AckSender>,
    len: usize,
}

/// What a socket hears.
#[derive(Debug, Clone)]
pub(super) enum Heard {
    /// Something happened to the list.
    News(News),
    /// Something was said in a room.
    Room(Arc<Value>),
}

/// A socket of a namespace, as others reach it.
#[derive(Debug)]
pub(super) struct Seat {
    session: Arc<Session>,
    said: mpsc::UnboundedSender<Said>,
    waiting: Mutex<Waiting>,
    /// Something waits, or the socket is gone.
    stirred: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    heard: VecDeque<Heard>,
    /// About as many bytes.
    bytes: usize,
    gone: bool,
}

/// Where what the client says comes in, until its worker takes it.
pub(super) type Inbox = mpsc::UnboundedReceiver<Said>;

impl Seat {
    pub fn new(session: Arc<Session>) -> (Arc<Self>, Inbox) {
        let (said, inbox) = mpsc::unbounded_channel();
        (Arc::new(Self { session, said, waiting: Mutex::default(), stirred: Notify::new() }), inbox)
    }

    /// Lets the socket hear something. Who lets too much wait is ended.
    pub fn hear(&self, heard: Heard) {
        let mut waiting = self.waiting();
        waiting.bytes += heard.len();
        if waiting.bytes > WAITING {
            waiting.heard.clear();
            self.session.end(BEHIND);
        } else {
            waiting.heard.push_back(heard);
        }
        drop(waiting);
        self.stirred.notify_one();
    }

    /// The socket left its namespace.
    pub fn leave(&self) {
        self.waiting().gone = true;
        self.stirred.notify_one();
    }

    fn next(&self) -> Option<Heard> {
        let mut waiting = self.waiting();
        let heard = waiting.heard.pop_front()?;
        waiting.bytes -= heard.len();
        Some(heard)
    }

    fn is_gone(&self) -> bool {
        self.waiting().gone || self.session.ended().is_some()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A panic elsewhere leaves it whole: the sum is changed with the queue.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    /// What it takes while it waits, bytes, about.
    fn len(&self) -> usize {
        EACH + match self {
            Self::News(news) => news.data().len(),
            Self::Room(payload) => events::len(payload),
        }
    }
}

/// Takes every event at once and in order: as a closure it would be a task for each, and they overtake each other.
pub(super) struct Ear(pub Arc<Seat>);

impl MessageHandler<LocalAdapter, Ear> for Ear {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, mut value: handler::Value, ack: Option<i64>) {
        let len = EACH
            + match &value {
                handler::Value::Str(text, attachments) => {
                    text.len() + attachments.iter().flatten().map(bytes::Bytes::len).sum::<usize>()
                }
                handler::Value::Bytes(bytes) => bytes.len(),
            };
        // The event has a name: or else it would not have come here.
        let Ok(Event(event)) = Event::from_message_parts(&socket, &mut value, &ack) else { return };
        let Ok(Data(Args(args))) = Data::from_message_parts(&socket, &mut value, &ack) else { return };
        let answer = AckSender::from_message_parts(&socket, &mut value, &ack).ok().filter(|_| ack.is_some());
        self.0.session.said(len);
        if self.0.said.send(Said { event, args, answer, len }).is_err() {
            self.0.session.dealt(len);
        }
    }
}

/// Serves one socket to its end.
pub(super) struct Worker {
    pub seat: Arc<Seat>,
    pub socket: SocketRef,
    pub inbox: Inbox,
    pub news: broadcast::Receiver<News>,
    pub store: Arc<Store>,
}

impl Worker {
    pub async fn run(mut self) {
        self.serve().await;
        // What it said and nobody took does not keep its client waiting, which may have another socket.
        self.inbox.close();
        while let Some(said) = self.inbox.recv().await {
            self.seat.session.dealt(said.len);
        }
        if !self.seat.waiting().gone {
            // Where its queue is full, its session ends anyway.
            let _ = self.socket.disconnect();
        }
    }

    async fn serve(&mut self) {
        let seat = Arc::clone(&self.seat);
        loop {
            let mut taken = std::pin::pin!(seat.session.taken());
            taken.as_mut().enable();
            if seat.is_gone() || self.give().is_err() {
                return;
            }
            let room = seat.session.has_room();
            tokio::select! {
                biased;
                () = seat.stirred.notified() => {}
                news = self.news.recv() => match news {
                    Ok(news) => seat.hear(Heard::News(news)),
                    Err(broadcast::error::RecvError::Lagged(_)) => return seat.session.end(BEHIND),
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                () = taken, if !room => {}
                said = self.inbox.recv(), if room => {
                    let Some(said) = said else { return };
                    let len = said.len;
                    let done = self.take(said).await;
                    seat.session.dealt(len);
                    if done.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Emits what waits, as long as there is room.
    fn give(&self) -> Result<(), SendError> {
        while self.seat.session.has_room() {
            let Some(heard) = self.seat.next() else { break };
            match heard {
                Heard::News(news) => self.tell(&news)?,
                Heard::Room(payload) => self.emit("message", &payload)?,
            }
        }
        Ok(())
    }

    /// As it is encoded already.
    fn tell(&self, news: &News) -> Result<(), SendError> {
        // It is JSON that we wrote.
        let Ok(data) = serde_json::from_str::<&RawValue>(news.data()) else { return Ok(()) };
        self.socket.emit(news.event, data)?;
        self.seat.session.owes(news.data().len() + EACH);
        Ok(())
    }

    fn emit(&self, event: &str, payload: &Value) -> Result<(), SendError> {
        self.socket.emit(event, payload)?;
        self.owes(payload);
        Ok(())
    }

    fn owes(&self, payload: &Value) {
        self.seat.session.owes(events::len(payload) + EACH);
        // Each attachment is a packet of its own; its bytes are counted with the first.
        for _ in 0..events::attachments(payload) {
            self.seat.session.owes(0);
        }
    }

    async fn take(&self, said: Said) -> Result<(), SendError> {
        let Said { event, args, answer, .. } = said;
        let done = match event.as_str() {
            "message" => events::post(args, &self.store).await.map(Some),
            "echo" => Ok(Some(args.into_iter().next().unwrap_or(Value::Nil))),
            "join" => events::join(&self.socket, args).map(Some),
            "leave" => events::leave(&self.socket, args).map(Some),
            "room-message" => events::say(&self.socket, args).map(|()| None),
            // As with every server of Socket.IO: nobody listens for it.
            _ => return Ok(()),
        };
        let reply = match done {
            Ok(reply) => reply,
            Err(detail) => {
                let problem = Value::Map(vec![("detail".into(), detail.into())]);
                if answer.is_none() {
                    return self.emit("error", &problem);
                }
                Some(Value::Map(vec![("error".into(), problem)]))
            }
        };
        if let Some((answer, reply)) = answer.zip(reply.or(Some(Value::Nil))) {
            answer.send(&reply)?;
            self.owes(&reply);
        }
        Ok(())
    }
}
