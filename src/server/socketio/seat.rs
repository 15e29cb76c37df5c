//! A socket of a namespace: takes what its client says in order, and emits what it hears as fast as the client takes it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmpv::Value;
use serde_json::value::RawValue;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::{AckSender, Data, Event, SocketRef};
use socketioxide::handler::{self, FromMessageParts as _, MessageHandler};
use socketioxide::socket::{DisconnectReason, Socket};
use socketioxide::{ParserError, SendError};
use tokio::sync::Notify;

use super::events::{self, Args};
use super::session::{EACH, Session};
use crate::server::store::POSTS;
use crate::server::subscription::{Over, Subscription};
use crate::server::{News, NewsId, Store};

/// How much may wait for one socket, bytes.
const WAITING: usize = 1024 * 1024;

/// How much of what the client said is done before others have their turn; of what goes to the list, [`POSTS`].
const TURN: usize = 64;

/// Why a session ends whose client lets more wait.
const BEHIND: &str = "the client does not keep up";

/// What a client said.
struct Said {
    event: String,
    /// What was said with it, or what is wrong with that.
    args: Result<Vec<Value>, String>,
    /// Where an acknowledgement is asked for.
    answer: Option<AckSender>,
    len: usize,
}

/// Something that was said in a room.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub payload: Arc<Value>,
    /// Where the list was: what happened to it before is heard before.
    pub at: NewsId,
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said").field("event", &self.event).finish_non_exhaustive()
    }
}

/// A socket of a namespace, as others reach it.
#[derive(Debug)]
pub(super) struct Seat {
    session: Arc<Session>,
    waiting: Mutex<Waiting>,
    /// Something waits, or the socket is gone.
    stirred: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// What was said in its rooms.
    rooms: VecDeque<Room>,
    /// What happened to the list, as far as its worker has heard of it.
    news: VecDeque<News>,
    /// Of both, about as many bytes.
    bytes: usize,
    /// What the client said. Its session says how much that may be.
    said: VecDeque<Said>,
    /// The socket left its namespace.
    gone: bool,
    /// Nobody takes anything any more.
    over: bool,
}

impl Seat {
    pub fn new(session: Arc<Session>) -> Self {
        Self { session, waiting: Mutex::default(), stirred: Notify::new() }
    }

    /// Lets the socket hear what was said in a room.
    pub fn hear(&self, room: Room) {
        let mut waiting = self.waiting();
        if self.fits(&mut waiting, room.len()) {
            waiting.rooms.push_back(room);
        }
        drop(waiting);
        self.stirred.notify_one();
    }

    fn learn(&self, news: News) {
        let mut waiting = self.waiting();
        if self.fits(&mut waiting, news.len()) {
            waiting.news.push_back(news);
        }
    }

    /// Counts what is to wait. Who lets too much wait is ended.
    fn fits(&self, waiting: &mut Waiting, len: usize) -> bool {
        waiting.bytes += len;
        if waiting.bytes > WAITING {
            self.session.end(BEHIND);
        }
        waiting.bytes <= WAITING
    }

    /// The client said something.
    fn said(&self, said: Said) {
        let mut waiting = self.waiting();
        if !waiting.over {
            self.session.said(said.len);
            waiting.said.push_back(said);
        }
        drop(waiting);
        self.stirred.notify_one();
    }

    /// What it says from now on is nobody's business, nor what it said and nobody took: its client may have another socket, and
    /// is not kept waiting.
    fn end(&self) {
        let mut waiting = self.waiting();
        waiting.over = true;
        let said = std::mem::take(&mut waiting.said);
        drop(waiting);
        said.iter().for_each(|said| self.session.dealt(said.len));
    }

    /// The socket left its namespace, or lost it.
    pub fn left(&self, why: DisconnectReason) {
        match why {
            DisconnectReason::HeartbeatTimeout => self.session.tell("a heartbeat was not answered"),
            DisconnectReason::PacketParsingError => self.session.tell("what came is no packet"),
            DisconnectReason::TransportClose
            | DisconnectReason::MultipleHttpPollingError
            | DisconnectReason::TransportError
            | DisconnectReason::ClientNSDisconnect
            | DisconnectReason::ServerNSDisconnect
            | DisconnectReason::ClosingServer => {}
        }
        self.leave();
    }

    /// Its worker has nothing more to do.
    fn leave(&self) {
        self.waiting().gone = true;
        self.stirred.notify_one();
    }

    /// What is to be emitted next, in the order in which it was said. `known` is how far the worker has heard of the list.
    fn next(&self, known: NewsId) -> Option<Next> {
        let mut waiting = self.waiting();
        let news = waiting.news.front().map(|news| news.id);
        let next = match waiting.rooms.front().map(|room| room.at) {
            Some(at) if news.is_none_or(|news| news > at) => {
                // Where something happened before it that is not heard of yet, that comes first.
                if known < at { None } else { waiting.rooms.pop_front().map(Next::Room) }
            }
            Some(_) | None => waiting.news.pop_front().map(Next::News),
        }?;
        waiting.bytes -= match &next {
            Next::News(news) => news.len(),
            Next::Room(room) => room.len(),
        };
        Some(next)
    }

    fn has_waiting(&self) -> bool {
        let waiting = self.waiting();
        !(waiting.rooms.is_empty() && waiting.news.is_empty())
    }

    fn is_gone(&self) -> bool {
        self.waiting().gone || self.session.ended().is_some()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A panic elsewhere leaves it whole: the sum is changed with the queue.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is emitted.
enum Next {
    News(News),
    Room(Room),
}

/// What something takes while it waits, bytes, about.
trait Len {
    fn len(&self) -> usize;
}

impl Len for News {
    fn len(&self) -> usize {
        EACH + self.data().len()
    }
}

impl Len for Room {
    fn len(&self) -> usize {
        EACH + events::len(&self.payload)
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
        let args = Data::from_message_parts(&socket, &mut value, &ack);
        let args = args.map(|Data(Args(args))| args).map_err(|error: ParserError| error.to_string());
        let answer = AckSender::from_message_parts(&socket, &mut value, &ack).ok().filter(|_| ack.is_some());
        self.0.said(Said { event, args, answer, len });
    }
}

/// Serves one socket to its end.
pub(super) struct Worker {
    pub seat: Arc<Seat>,
    pub socket: SocketRef,
    pub news: Subscription,
    pub store: Arc<Store>,
}

impl Worker {
    pub async fn run(mut self) {
        self.serve().await;
        self.seat.end();
    }

    async fn serve(&mut self) {
        let seat = Arc::clone(&self.seat);
        loop {
            let mut taken = std::pin::pin!(seat.session.taken());
            taken.as_mut().enable();
            self.hear();
            if seat.is_gone() || self.give().is_err() {
                return;
            }
            let Ok(more) = self.listen().await else { return };
            if more {
                // The others' turn, before so much is said that they cannot follow.
                tokio::task::yield_now().await;
                continue;
            }
            let waits = !seat.session.has_room() || seat.has_waiting();
            tokio::select! {
                biased;
                news = self.news.next() => self.learn(news),
                () = seat.stirred.notified() => {}
                () = taken, if waits => {}
            }
        }
    }

    /// Takes all that happened to the list.
    fn hear(&mut self) {
        while let Some(news) = self.news.take() {
            let over = news.is_err();
            self.learn(news);
            if over {
                return;
            }
        }
    }

    fn learn(&self, news: Result<News, Over>) {
        match news {
            Ok(news) => self.seat.learn(news),
            Err(Over::Lost) => self.seat.session.end(BEHIND),
            Err(Over::Stopped) => self.seat.leave(),
        }
    }

    /// Does what the client says, as long as there is room for answers. Whether there may be more.
    async fn listen(&self) -> Result<bool, SendError> {
        let mut posts = 0;
        for _ in 0..TURN {
            if posts == POSTS {
                break;
            }
            if !self.seat.session.has_room() {
                return Ok(false);
            }
            let Some(said) = self.seat.waiting().said.pop_front() else { return Ok(false) };
            posts += usize::from(said.event == "message");
            let len = said.len;
            // In a box, so that it takes no room while the client says nothing.
            let done = Box::pin(self.take(said)).await;
            self.seat.session.dealt(len);
            done?;
        }
        Ok(true)
    }

    /// Emits what waits, as long as there is room.
    fn give(&self) -> Result<(), SendError> {
        while self.seat.session.has_room() {
            let Some(heard) = self.seat.next(self.news.known()) else { break };
            match heard {
                Next::News(news) => self.tell(&news)?,
                Next::Room(room) => self.emit("message", &room.payload)?,
            }
        }
        Ok(())
    }

    /// As it is encoded already.
    fn tell(&self, news: &News) -> Result<(), SendError> {
        // It is JSON that we wrote.
        let Ok(data) = serde_json::from_str::<&RawValue>(news.data()) else { return Ok(()) };
        // Before it is emitted: it may have left as soon as it is.
        self.seat.session.owes(news.data().len() + EACH);
        self.socket.emit(news.event, data)
    }

    fn emit(&self, event: &str, payload: &Value) -> Result<(), SendError> {
        self.owes(payload);
        self.socket.emit(event, payload)
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
        let done = match (event.as_str(), args) {
            (_, Err(problem)) => Err(problem),
            ("message", Ok(args)) => events::post(args, &self.store).await.map(Some),
            ("echo", Ok(args)) => Ok(Some(args.into_iter().next().unwrap_or(Value::Nil))),
            ("join", Ok(args)) => events::join(&self.socket, args).map(Some),
            ("leave", Ok(args)) => events::leave(&self.socket, args).map(Some),
            ("room-message", Ok(args)) => events::say(&self.socket, args, self.store.at()).map(|()| None),
            // As with every server of Socket.IO: nobody listens for it.
            (_, Ok(_)) => return Ok(()),
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
            self.owes(&reply);
            answer.send(&reply)?;
        }
        Ok(())
    }
}
