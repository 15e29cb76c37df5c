//! One client's session, over whichever transport: what it was sent and has not taken, and what it said and nobody has dealt with.
//!
//! socketioxide queues what is emitted, and drops it without a word where its queue is full; and it reads on, however much was
//! said. Here both are counted, so that who emits can wait, and so can the client.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OwnedSemaphorePermit};

use crate::tap::Control;

/// How many packets may wait to be taken by the client: less than socketioxide's own queue holds.
const PACKETS: usize = 1024;

/// How much may, bytes, about; one more packet may, however long it is.
const BYTES: usize = 256 * 1024;

/// The room in socketioxide's queue, packets: for those that are counted here, and for its own heartbeats and answers.
pub(super) const QUEUE: usize = PACKETS + 1024;

/// How much of what the client said may wait before it is not listened to any more, bytes.
const SAID: usize = 64 * 1024;

/// What one packet takes beside its bytes, about.
pub(super) const EACH: usize = 256;

/// Every session, by the id that Engine.IO gave it.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    by_id: Mutex<HashMap<String, Weak<Session>>>,
}

impl Sessions {
    /// Takes a place. `begun` counts the sessions that the connection has.
    pub fn begin(self: &Arc<Self>, place: OwnedSemaphorePermit, begun: &Arc<AtomicUsize>) -> Arc<Session> {
        begun.fetch_add(1, Ordering::Relaxed);
        Arc::new(Session {
            place: Mutex::new(Some(place)),
            all: Arc::clone(self),
            id: OnceLock::new(),
            state: Mutex::default(),
            taken: Notify::new(),
            calm: Notify::new(),
            released: Notify::new(),
            begun: Arc::clone(begun),
            carried: AtomicBool::new(false),
        })
    }

    pub fn count(&self) -> usize {
        lock(&self.by_id).len()
    }

    pub fn get(&self, id: &str) -> Option<Arc<Session>> {
        lock(&self.by_id).get(id).and_then(Weak::upgrade)
    }
}

/// One client's session.
#[derive(Debug)]
pub(in crate::server) struct Session {
    /// Until it is over.
    place: Mutex<Option<OwnedSemaphorePermit>>,
    all: Arc<Sessions>,
    id: OnceLock<String>,
    state: Mutex<State>,
    /// The client took something.
    taken: Notify,
    /// What it said is dealt with.
    calm: Notify,
    /// Whoever polls for it may stop.
    released: Notify,
    /// How many the connection has that it began on, this one among them.
    begun: Arc<AtomicUsize>,
    /// Whether a WebSocket carries it.
    carried: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// What each packet takes that was emitted and not sent yet, bytes; in order.
    owed: VecDeque<usize>,
    /// All of them.
    bytes: usize,
    /// How much of what was said waits, bytes.
    said: usize,
    /// Wakes whoever reads from the client.
    reader: Option<Waker>,
    /// Why it has to end.
    ended: Option<&'static str>,
    /// Its WebSocket, where who has one is told why it ends.
    control: Option<Arc<Control>>,
}

impl State {
    fn is_calm(&self) -> bool {
        self.said < SAID || self.ended.is_some()
    }
}

impl Session {
    /// It can be found by this id from now on.
    pub fn is(self: &Arc<Self>, id: &str) {
        if self.id.set(id.to_owned()).is_ok() {
            lock(&self.all.by_id).insert(id.to_owned(), Arc::downgrade(self));
        }
    }

    /// Whether more may be emitted.
    pub fn has_room(&self) -> bool {
        let state = self.state();
        state.owed.len() < PACKETS && state.bytes < BYTES
    }

    /// A packet of so many bytes is emitted.
    pub fn owes(&self, len: usize) {
        let mut state = self.state();
        state.owed.push_back(len);
        state.bytes += len;
    }

    /// So many packets left, the oldest first. Those that nobody counted, heartbeats and the like, are taken for some that were:
    /// then a few more may wait.
    pub fn left(&self, packets: usize) {
        if packets == 0 {
            return;
        }
        let mut state = self.state();
        for _ in 0..packets.min(state.owed.len()) {
            let len = state.owed.pop_front().unwrap_or_default();
            state.bytes -= len;
        }
        drop(state);
        self.taken.notify_waiters();
    }

    /// Ends when the client has taken something, from when this is first polled or enabled.
    pub fn taken(&self) -> Notified<'_> {
        self.taken.notified()
    }

    /// The client said so much, which waits.
    pub fn said(&self, len: usize) {
        self.state().said += len;
    }

    /// So much of it is dealt with.
    pub fn dealt(&self, len: usize) {
        let mut state = self.state();
        state.said -= len;
        if state.said < SAID {
            let reader = state.reader.take();
            drop(state);
            self.calm.notify_waiters();
            reader.into_iter().for_each(Waker::wake);
        }
    }

    /// Whether the client may be listened to. Where not, the reader is woken when it may.
    pub fn listens(&self, reader: &Waker) -> bool {
        let mut state = self.state();
        let listens = state.is_calm();
        // Also where it does: the end wakes it.
        if !state.reader.as_ref().is_some_and(|waker| waker.will_wake(reader)) {
            state.reader = Some(reader.clone());
        }
        listens
    }

    /// Ends when the client may be listened to.
    pub async fn calm(&self) {
        loop {
            let mut calm = std::pin::pin!(self.calm.notified());
            calm.as_mut().enable();
            if self.state().is_calm() {
                return;
            }
            calm.await;
        }
    }

    /// Lets whoever polls for it now stop: the client changes to a WebSocket.
    pub fn release(&self) {
        self.released.notify_waiters();
    }

    /// Ends when a poll may stop.
    pub async fn released(&self) {
        self.released.notified().await;
    }

    /// A WebSocket carries it from now on. False where one does already: a session has one at most.
    pub fn claim(&self) -> bool {
        !self.carried.swap(true, Ordering::Relaxed)
    }

    /// Whether a WebSocket carries it.
    pub fn is_claimed(&self) -> bool {
        self.carried.load(Ordering::Relaxed)
    }

    /// It is on this WebSocket, of a server with limits, which says why it ends.
    pub fn is_on(&self, control: &Arc<Control>) {
        self.state().control = Some(Arc::clone(control));
    }

    /// Tells why its WebSocket ends.
    pub fn tell(&self, why: &str) {
        if let Some(control) = self.state().control.clone() {
            control.limit(why);
        }
    }

    /// It has to end, for this reason; its transport finds that out.
    pub fn end(&self, why: &'static str) {
        let mut state = self.state();
        state.ended.get_or_insert(why);
        let reader = state.reader.take();
        drop(state);
        self.calm.notify_waiters();
        reader.into_iter().for_each(Waker::wake);
    }

    /// It has ended, and another may have its place. socketioxide may hold on to what is left of it for some time.
    pub fn over(&self) {
        if lock(&self.place).take().is_some() {
            self.begun.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(id) = self.id.get() {
            lock(&self.all.by_id).remove(id);
        }
    }

    /// Why it has to end, where it has.
    pub fn ended(&self) -> Option<&'static str> {
        self.state().ended
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.over();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves it whole: sums and queues are changed together, and nothing in between can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
