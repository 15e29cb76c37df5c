//! The bus: the one place where time and order are stamped, under one lock.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use super::{Elapsed, Event, Kind, Seq, Started};

/// The timeline while it grows. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Bus {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    origin: Instant,
    started: SystemTime,
    journal: Mutex<Journal>,
    /// For readers on threads of their own.
    grown: Condvar,
    /// For readers in tasks: the length of the journal.
    length: watch::Sender<Seq>,
}

#[derive(Debug, Default)]
struct Journal {
    events: VecDeque<Arc<Event>>,
    /// How many came before the first of these, and are not kept any more.
    gone: u64,
    /// Bytes that these carry.
    bytes: u64,
    keep: Option<Keep>,
    ended: bool,
}

/// The most that a bounded timeline keeps; the oldest go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Events.
    pub events: usize,
    /// Bytes of connections that they carry.
    pub bytes: u64,
}

impl Journal {
    fn push(&mut self, at: Elapsed, kind: Kind) -> Arc<Event> {
        let seq = Seq(self.gone + self.events.len() as u64 + 1);
        let event = Arc::new(Event { seq, at, kind });
        self.bytes += carried(&event);
        self.events.push_back(Arc::clone(&event));
        while self.keep.is_some_and(|keep| self.events.len() > keep.events || self.bytes > keep.bytes)
            && let Some(oldest) = self.events.pop_front()
        {
            self.gone += 1;
            self.bytes -= carried(&oldest);
        }
        event
    }

    /// Those after `seq` that are still there.
    fn after(&self, seq: Seq) -> Vec<Arc<Event>> {
        let from = usize::try_from(seq.0.saturating_sub(self.gone)).unwrap_or(usize::MAX);
        self.events.range(from.min(self.events.len())..).cloned().collect()
    }

    fn last(&self) -> Seq {
        Seq(self.gone + self.events.len() as u64)
    }
}

fn carried(event: &Event) -> u64 {
    if let Kind::Bytes { len, .. } = &event.kind { *len } else { 0 }
}

impl Default for Bus {
    fn default() -> Self {
        Self::new()
    }
}

impl Bus {
    /// An empty timeline that begins now, and keeps everything.
    #[must_use]
    pub fn new() -> Self {
        Self::keeping(None)
    }

    /// The same for a server that runs for ever: what is too old is forgotten.
    #[must_use]
    pub fn bounded(keep: Keep) -> Self {
        Self::keeping(Some(keep))
    }

    fn keeping(keep: Option<Keep>) -> Self {
        Self {
            inner: Arc::new(Inner {
                origin: Instant::now(),
                started: SystemTime::now(),
                journal: Mutex::new(Journal { keep, ..Journal::default() }),
                grown: Condvar::new(),
                length: watch::Sender::new(Seq(0)),
            }),
        }
    }

    /// The header of a recording of this timeline.
    #[must_use]
    pub fn started(&self) -> Started {
        Started {
            wsdemo: 1,
            version: env!("CARGO_PKG_VERSION").into(),
            started: humantime::format_rfc3339_micros(self.inner.started).to_string(),
        }
    }

    /// Time since the start, now.
    #[must_use]
    pub fn now(&self) -> Elapsed {
        Elapsed(self.inner.origin.elapsed())
    }

    /// Appends what just happened.
    pub fn append(&self, kind: Kind) -> Seq {
        self.append_with(|_| kind).seq
    }

    /// Appends what just happened, where that needs to know when it did.
    pub fn append_with(&self, make: impl FnOnce(Elapsed) -> Kind) -> Arc<Event> {
        let mut journal = self.lock();
        let event = self.push(&mut journal, make);
        drop(journal);
        self.wake(event.seq);
        event
    }

    /// Appends several that belong together, with nothing between them.
    pub fn append_all(&self, kinds: impl IntoIterator<Item = Kind>) {
        let mut journal = self.lock();
        let mut last = None;
        for kind in kinds {
            last = Some(self.push(&mut journal, |_| kind).seq);
        }
        drop(journal);
        if let Some(seq) = last {
            self.wake(seq);
        }
    }

    /// The last event's place; 0 before the first.
    #[must_use]
    pub fn last(&self) -> Seq {
        *self.inner.length.borrow()
    }

    /// The events after `seq`; of a bounded timeline those that are still kept.
    #[must_use]
    pub fn after(&self, seq: Seq) -> Vec<Arc<Event>> {
        self.lock().after(seq)
    }

    /// The first event after `after` that `wanted` takes, as soon as there is one.
    pub async fn find<T>(&self, after: Seq, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        let mut length = self.inner.length.subscribe();
        let mut seen = after;
        loop {
            length.borrow_and_update();
            for event in self.after(seen) {
                seen = event.seq;
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
            if length.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// A reader that starts with the first event.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader { bus: self.clone(), seen: Seq(0) }
    }

    /// Changes with every event, and once more at the end: for those who wait in a task for several things at once.
    #[must_use]
    pub fn growth(&self) -> watch::Receiver<Seq> {
        self.inner.length.subscribe()
    }

    /// Whether nothing more will come.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// Says that nothing more will come: readers end when they have read all.
    pub fn end(&self) {
        self.lock().ended = true;
        self.inner.grown.notify_all();
        self.inner.length.send_modify(|_| {});
    }

    fn push(&self, journal: &mut Journal, make: impl FnOnce(Elapsed) -> Kind) -> Arc<Event> {
        let at = self.now();
        journal.push(at, make(at))
    }

    fn wake(&self, seq: Seq) {
        self.inner.length.send_if_modified(|length| {
            let grew = seq > *length;
            *length = seq.max(*length);
            grew
        });
        self.inner.grown.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Journal> {
        // A panic elsewhere leaves the journal whole: every push is whole before the next.
        self.inner.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a timeline from its beginning, on a thread that may block.
#[derive(Debug)]
pub struct Reader {
    bus: Bus,
    seen: Seq,
}

impl Reader {
    /// All events that came since the last call; waits until there is one. Empty when the timeline ended.
    pub fn next_batch(&mut self) -> Vec<Arc<Event>> {
        self.next_batch_within(Duration::MAX).unwrap_or_default()
    }

    /// The same, but waits no longer than this: `None` where nothing came.
    pub fn next_batch_within(&mut self, time: Duration) -> Option<Vec<Arc<Event>>> {
        let journal = self.bus.lock();
        let seen = self.seen;
        let nothing = |journal: &mut Journal| journal.last() <= seen && !journal.ended;
        let grown = &self.bus.inner.grown;
        let (journal, _) =
            grown.wait_timeout_while(journal, time, nothing).unwrap_or_else(PoisonError::into_inner);
        let batch = journal.after(seen);
        self.seen = journal.last().max(seen);
        (!batch.is_empty() || journal.ended).then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(text: &str) -> Kind {
        Kind::World { what: "say".into(), id: None, text: text.into() }
    }

    #[test]
    fn order_and_time_agree() {
        let bus = Bus::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        bus.append(world("x"));
                    }
                });
            }
        });
        let events = bus.after(Seq(0));
        assert_eq!(events.len(), 2000);
        assert!(events.windows(2).all(|pair| pair[0].seq.0 + 1 == pair[1].seq.0));
        assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }

    #[test]
    fn a_reader_gets_everything_and_then_the_end() {
        let bus = Bus::new();
        let mut reader = bus.reader();
        bus.append(world("a"));
        assert_eq!(reader.next_batch().len(), 1);
        bus.append(world("b"));
        bus.end();
        assert_eq!(reader.next_batch().len(), 1);
        assert!(reader.next_batch().is_empty());
    }

    #[test]
    fn a_bounded_timeline_forgets_what_is_old() {
        let bus = Bus::bounded(Keep { events: 3, bytes: 10 });
        let mut reader = bus.reader();
        for n in 1..=5 {
            bus.append(world(&n.to_string()));
        }
        let kept: Vec<u64> = reader.next_batch().iter().map(|event| event.seq.0).collect();
        assert_eq!((kept, bus.last()), (vec![3, 4, 5], Seq(5)));
        assert_eq!(bus.after(Seq(4)).len(), 1);
        assert!(reader.next_batch_within(Duration::from_millis(1)).is_none());
        let bytes = |len| {
            let data = super::super::Data(vec![0; len as usize].into());
            let (conn, from, layer) =
                (super::super::ConnId(1), super::super::Side::Client, super::super::Layer::Tcp);
            Kind::Bytes { conn, from, len, layer, data }
        };
        bus.append(bytes(6));
        bus.append(bytes(6));
        assert_eq!(bus.after(Seq(0)).iter().map(|event| event.seq.0).collect::<Vec<_>>(), [7]);
    }

    #[tokio::test]
    async fn find_waits_for_what_is_yet_to_come() {
        let bus = Bus::new();
        let later = bus.clone();
        let found = bus.find(Seq(0), |event| match &event.kind {
            Kind::World { text, .. } if text == "b" => Some(event.seq),
            _ => None,
        });
        let append = async {
            later.append(world("a"));
            tokio::task::yield_now().await;
            later.append(world("b"));
        };
        let (found, ()) = tokio::join!(found, append);
        assert_eq!(found, Seq(2));
    }
}
