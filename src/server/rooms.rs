//! The rooms of `/ws/room/{name}`: what one member says goes to all of them.
//!
//! Each member has a queue of its own, of a bounded size. Who does not read overflows it, and is told so by its socket; whoever
//! speaks never waits. What a member says in one turn is encoded once, and goes to all of them as one piece, which wakes each once.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use hyper::StatusCode;
use percent_encoding::percent_decode_str;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::problem::Problem;

/// The longest name of a room, bytes.
const NAME: usize = 64;

/// How much may wait for one member, bytes. One piece may, however long its one message is.
const QUEUE: usize = 1024 * 1024;

/// What a piece in a queue takes beside its bytes, about.
const EACH: usize = 256;

/// How much one member may say before it goes out, bytes.
const PIECE: usize = 64 * 1024;

/// Every room that somebody is in. A room ends with its last member, so that there are never more than connections.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: Mutex<HashMap<String, Arc<Room>>>,
}

#[derive(Debug, Default)]
struct Room {
    members: Mutex<Vec<Arc<Queue>>>,
}

/// What a member has not been sent yet.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Waiting {
    pieces: VecDeque<Bytes>,
    /// Of all of them.
    bytes: usize,
    /// More came than it may hold: it holds nothing any more.
    overflowed: bool,
}

/// Somebody's place in a room, which is left when this is dropped.
#[derive(Debug)]
pub(super) struct Member {
    rooms: Arc<Rooms>,
    name: String,
    room: Arc<Room>,
    queue: Arc<Queue>,
    /// Said, and not sent to the others yet: whole frames.
    said: Vec<u8>,
}

/// The name of a room as it stands in a target, decoded.
pub(super) fn name(segment: &str) -> Result<String, Problem> {
    let bad = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, detail);
    if segment.is_empty() || segment.contains('/') {
        return Err(Problem::new(StatusCode::NOT_FOUND, "a room has a name of one segment: /ws/room/lobby"));
    }
    let escapes = segment.split('%').skip(1);
    if !escapes.into_iter().all(|it| it.len() >= 2 && it.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
    {
        return Err(bad("a % in the name of a room is followed by two hexadecimal digits"));
    }
    let name = percent_decode_str(segment).decode_utf8();
    let name = name.map_err(|_| bad("the name of the room is not UTF-8"))?;
    if name.len() > NAME {
        return Err(bad("the name of a room has at most 64 bytes"));
    }
    if name.chars().any(char::is_control) {
        return Err(bad("the name of a room has no control characters"));
    }
    Ok(name.into_owned())
}

impl Rooms {
    /// Enters a room; it is made where nobody is in it.
    pub fn join(self: &Arc<Self>, name: String) -> Member {
        let queue = Arc::new(Queue::default());
        let mut rooms = lock(&self.rooms);
        let room = Arc::clone(rooms.entry(name.clone()).or_default());
        lock(&room.members).push(Arc::clone(&queue));
        drop(rooms);
        Member { rooms: Arc::clone(self), name, room, queue, said: Vec::new() }
    }
}

impl Member {
    /// Goes to every member, this one too, with [`Member::spread`].
    pub fn say(&mut self, message: Message) {
        let opcode = if message.is_text() { Data::Text } else { Data::Binary };
        // A vector takes all that is written.
        let _ = Frame::message(message.into_data(), OpCode::Data(opcode), true).format(&mut self.said);
        if self.said.len() > PIECE {
            self.spread();
        }
    }

    /// Sends what was said. Under the lock, so that all hear everything in one order.
    pub fn spread(&mut self) {
        if !self.said.is_empty() {
            let piece = Bytes::from(std::mem::take(&mut self.said));
            for member in lock(&self.room.members).iter() {
                member.push(piece.clone());
            }
        }
    }

    /// The next piece; `None` when more came than may wait.
    pub async fn next(&self) -> Option<Bytes> {
        poll_fn(|cx| {
            // Before looking, so that what comes in between is not lost.
            self.queue.waker.register(cx.waker());
            self.take().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// The same where there is one.
    pub fn take(&self) -> Option<Option<Bytes>> {
        let mut waiting = lock(&self.queue.waiting);
        if waiting.overflowed {
            return Some(None);
        }
        let piece = waiting.pieces.pop_front()?;
        waiting.bytes -= piece.len() + EACH;
        if waiting.pieces.is_empty() {
            waiting.pieces.shrink_to(16);
        }
        Some(Some(piece))
    }

    /// Whether more came than may wait.
    pub fn is_behind(&self) -> bool {
        lock(&self.queue.waiting).overflowed
    }
}

impl Queue {
    fn push(&self, piece: Bytes) {
        let mut waiting = lock(&self.waiting);
        let bytes = waiting.bytes + piece.len() + EACH;
        let full = !waiting.pieces.is_empty() && bytes > QUEUE;
        if waiting.overflowed || full {
            *waiting = Waiting { overflowed: true, ..Waiting::default() };
        } else {
            waiting.pieces.push_back(piece);
            waiting.bytes = bytes;
        }
        drop(waiting);
        self.waker.wake();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Of all rooms first, as in `join`: nobody may enter a room while it ends.
        let mut rooms = lock(&self.rooms.rooms);
        let mut members = lock(&self.room.members);
        members.retain(|member| !Arc::ptr_eq(member, &self.queue));
        if members.is_empty() {
            rooms.remove(&self.name);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn status(segment: &str) -> Option<u16> {
        let problem = name(segment).err()?;
        Some(hyper::Response::<super::super::context::Body>::from(problem).status().as_u16())
    }

    #[test]
    fn names_are_decoded_and_have_limits() {
        assert_eq!(name("caf%C3%A9%2F1").unwrap(), "café/1");
        assert_eq!(status(&"x".repeat(NAME)), None);
        assert_eq!(status(&"%41".repeat(NAME)), None);
        for (segment, expected) in
            [("", 404), ("a/b", 404), ("a/", 404), ("%ff", 400), ("a%00", 400), ("%0a", 400)]
        {
            assert_eq!(status(segment), Some(expected), "{segment}");
        }
        assert_eq!(status(&"x".repeat(NAME + 1)), Some(400));
    }

    fn say(member: &mut Member, words: &str) {
        member.say(Message::text(words));
    }

    /// The next piece, where one has come.
    fn heard(member: &Member) -> Option<Bytes> {
        member.next().now_or_never().flatten()
    }

    #[test]
    fn all_members_hear_in_order_and_an_empty_room_ends() {
        let rooms = Arc::new(Rooms::default());
        let [mut anna, mut ben, other] = ["a", "a", "b"].map(|name| rooms.join(name.into()));
        say(&mut anna, "1");
        say(&mut anna, "2");
        anna.spread();
        say(&mut ben, "3");
        ben.spread();
        for member in [&anna, &ben] {
            assert_eq!(heard(member).as_deref(), Some(&b"\x81\x011\x81\x012"[..]));
            assert_eq!(heard(member).as_deref(), Some(&b"\x81\x013"[..]));
            assert_eq!(heard(member), None);
        }
        assert_eq!(heard(&other), None);
        drop(anna);
        assert_eq!(lock(&rooms.rooms).len(), 2);
        drop((ben, other));
        assert!(lock(&rooms.rooms).is_empty());
    }

    #[test]
    fn who_does_not_read_overflows_alone() {
        let rooms = Arc::new(Rooms::default());
        let [deaf, mut reads] = ["a", "a"].map(|name| rooms.join(name.into()));
        for _ in 0..2 {
            say(&mut reads, &"x".repeat(QUEUE));
            assert_eq!(heard(&reads).map(|piece| piece.len()), Some(QUEUE + 10));
        }
        assert!(deaf.is_behind() && !reads.is_behind());
        assert_eq!(deaf.next().now_or_never(), Some(None));
        // Small pieces have their number.
        let mut alone = rooms.join("b".into());
        for count in 1.. {
            say(&mut alone, "");
            alone.spread();
            if alone.is_behind() {
                assert_eq!(count, 1 + QUEUE / (EACH + 2));
                break;
            }
        }
    }
}
