//! The ways in which a server's news can reach a client: one trait, one file each.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;

use super::{Ear, Trust};
use crate::tap::Taps;

/// Why a lane ended early, in words.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// The HTTP client could not be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Http(#[from] reqwest::Error),
    /// It broke, or was refused, and its client does not come back by itself.
    #[error("{0}")]
    Ended(String),
}

/// Something that the client wants to say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Speech {
    /// In whose name.
    pub from: String,
    /// The words.
    pub text: String,
}

/// A text that is at least so many bytes long.
#[must_use]
pub fn filled(mut text: String, size: Option<usize>) -> String {
    if let Some(missing) = size.and_then(|size| size.checked_sub(text.len())).filter(|missing| *missing > 0) {
        text.push(' ');
        text.extend(std::iter::repeat_n('.', missing - 1));
    }
    text
}

/// One client's part of a compare.
#[derive(Debug)]
pub struct Lane {
    /// The lane's own server.
    pub server: SocketAddr,
    /// What watches it, where that is in this process.
    pub taps: Taps,
    /// With it the server speaks TLS, and nothing else.
    pub trust: Option<Trust>,
    /// How often to ask, where one has to.
    pub poll: Duration,
    /// How much later than the run's start to ask first: many clients do not keep step.
    pub phase: Duration,
    /// A round trip's time that is added.
    pub rtt: Duration,
    /// For how long at a time nothing passes.
    pub stall: Duration,
    /// When it begins, and when it ends.
    pub clock: Clock,
    /// Where news is to be told.
    pub ear: Ear,
    /// What the client wants to say.
    pub speech: mpsc::UnboundedReceiver<Speech>,
    /// What it did.
    pub counts: Arc<Counts>,
}

/// What a lane's work is.
pub type Running = Pin<Box<dyn Future<Output = Result<(), LaneError>> + Send>>;

/// A way in which news reaches a client.
pub trait Transport: Send {
    /// As in the lesson notation.
    fn name(&self) -> &'static str;

    /// How the client sends on it.
    fn client_talks_by(&self) -> &'static str;

    /// Whether it asks every so often, whether there is news or not.
    fn polls(&self) -> bool {
        false
    }

    /// Whether its connections stay: then there is something that is needed only once.
    fn stays(&self) -> bool {
        true
    }

    /// Takes part in the run, from its start to its end. What its standard client does where a connection breaks, it does too: where
    /// that comes back by itself, this does; where it does not, this fails, with the reason.
    fn run(self: Box<Self>, lane: Lane) -> Running;
}

/// What all clients of a lane did, as they know it themselves. Where the wire is observed, that must agree.
#[derive(Debug, Default)]
pub struct Counts {
    /// Bytes of TCP's streams, both ways.
    pub bytes: Count,
    /// Requests sent, handshakes among them.
    pub requests: Count,
    /// Responses without news where news were asked for.
    pub empty: Count,
    /// Messages that were said, and are on their way.
    pub sent: Count,
    /// Content sent: HTTP bodies and payloads of data frames, bytes.
    pub content_sent: Count,
    /// The same of what came.
    pub content_heard: Count,
    /// Messages that were told again.
    pub doubled: Count,
    /// Connections on which news came that broke, or ended, while they were still needed. Not those of which, at the end of the
    /// run, nobody knows whether the client would come back, since it has not tried yet.
    pub broken: Count,
    /// How often news came again after that, or could.
    pub recovered: Count,
}

/// A number that grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// So many fewer: it turned out that they are none.
    pub(super) fn take_back(&self, fewer: u64) {
        self.0.fetch_sub(fewer, Ordering::Relaxed);
    }

    /// How many there are.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A run's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When the workload begins.
    pub start: Instant,
    /// When it ends.
    pub until: Instant,
}

/// When a lane's run begins, and when it ends. Both are known at once where there is one client; where there are many, it begins
/// when all are ready. It may end sooner than was said.
#[derive(Debug, Clone)]
pub struct Clock {
    /// When this client may connect, if there is a place for it at the door.
    connects: Instant,
    door: Arc<Door>,
    span: watch::Receiver<Option<Span>>,
    ready: watch::Sender<Ready>,
}

/// Where clients wait that are not ready yet: a crowd that knocks all at once is no crowd that is there.
#[derive(Debug, Default)]
struct Door {
    /// For so many at once; without, for all.
    places: Option<Arc<Semaphore>>,
    /// This client's, until it is ready.
    place: Mutex<Option<OwnedSemaphorePermit>>,
    /// Whether this client is ready.
    passed: AtomicBool,
}

/// Who is ready so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ready {
    /// How many.
    pub clients: usize,
    /// When the last of them was.
    pub last: Option<Instant>,
}

impl Clock {
    /// A clock, and who sets it.
    #[must_use]
    pub fn new(connects: Instant, span: Option<Span>) -> (Self, watch::Sender<Option<Span>>) {
        let (sender, span) = watch::channel(span);
        (Self { connects, door: Arc::default(), span, ready: watch::Sender::default() }, sender)
    }

    /// The same for a client that may connect at another time, with so many places at the door for it and all others.
    #[must_use]
    pub fn connecting(&self, connects: Instant, places: &Arc<Semaphore>) -> Self {
        let door = Door {
            places: Some(Arc::clone(places)),
            place: Mutex::default(),
            passed: AtomicBool::new(false),
        };
        Self { connects, door: Arc::new(door), ..self.clone() }
    }

    /// Waits until this client may connect.
    pub async fn connects(&self) {
        tokio::time::sleep_until(self.connects).await;
        if let Some(places) = &self.door.places {
            // Never closed.
            let place = Arc::clone(places).acquire_owned().await.ok();
            *self.door.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
        }
    }

    /// From here on a client hears whatever is made. Called once by each, also by one that has nothing to get ready.
    pub fn ready(&self) {
        self.door.passed.store(true, Ordering::Relaxed);
        drop(self.door.place.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.ready.send_modify(|ready| {
            *ready = Ready { clients: ready.clients + 1, last: Some(Instant::now()) };
        });
    }

    /// Whether this client is, or was, ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.door.passed.load(Ordering::Relaxed)
    }

    /// How many are ready: changes with each.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<Ready> {
        self.ready.subscribe()
    }

    /// When the workload began; waits until that is known, and for that moment.
    pub async fn started(&mut self) -> Instant {
        loop {
            let span = *self.span.borrow_and_update();
            if let Some(Span { start, .. }) = span {
                tokio::time::sleep_until(start).await;
                return start;
            }
            self.changed().await;
        }
    }

    /// Waits for the end of the run. Can be dropped and called again.
    pub async fn over(&mut self) {
        loop {
            let span = *self.span.borrow_and_update();
            let Some(Span { until, .. }) = span else {
                self.changed().await;
                continue;
            };
            if until <= Instant::now() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                () = self.changed() => {}
            }
        }
    }

    /// Never, where nobody can set it any more.
    async fn changed(&mut self) {
        if self.span.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
