//! What all lanes have in common while they run: the end of the run, and how a client is doing.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::transport::LaneError;
use super::{Clock, Counts, Lane};

/// How long the server may take to agree to the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The end of the run, which the clock is asked for once: to ask again with each message costs a timer each time.
pub(super) struct Ending {
    over: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// How long what is under way then may still take.
    pub grace: Duration,
}

impl Ending {
    pub fn of(lane: &Lane) -> Self {
        let over = async |mut clock: Clock| clock.over().await;
        // Leaving is a round trip, and the end of TCP another half.
        Self { over: Some(Box::pin(over(lane.clock.clone()))), grace: PATIENCE + 2 * lane.rtt }
    }

    pub fn is_over(&self) -> bool {
        self.over.is_none()
    }

    /// Waits for it. Can be dropped and called again.
    pub async fn wait(&mut self) {
        if let Some(over) = &mut self.over {
            over.await;
            self.over = None;
        }
    }

    /// Does the work; `None` where the run is over first.
    pub async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.wait() => None,
            done = work => Some(done),
        }
    }

    /// Does the work, which may still take a while when the run is over.
    pub async fn or_soon<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        if let Some(done) = self.or(work.as_mut()).await {
            return Some(done);
        }
        timeout(self.grace, work).await.ok()
    }
}

/// Whether a client is in touch with its server.
pub(super) struct Health {
    counts: Arc<Counts>,
    /// Why it is not.
    down: Option<String>,
    /// Not even a connection can be made.
    unreachable: bool,
}

impl Health {
    pub fn new(counts: &Arc<Counts>) -> Self {
        Self { counts: Arc::clone(counts), down: None, unreachable: false }
    }

    /// It is.
    pub fn works(&mut self) {
        if self.down.take().is_some() {
            self.counts.recovered.add(1);
        }
        self.unreachable = false;
    }

    /// A connection broke that was needed. Until it works again, that is told once.
    pub fn broke(&mut self, why: String) {
        if self.down.replace(why).is_none() {
            self.counts.broken.add(1);
        }
        self.unreachable = false;
    }

    /// No connection could be made.
    pub fn unreachable(&mut self, why: String) {
        self.broke(why);
        self.unreachable = true;
    }

    /// When the run is over: who is between two tries, has taken part; who finds no server any more, has not.
    pub fn verdict(self) -> Result<(), LaneError> {
        match self.down {
            Some(why) if self.unreachable => Err(LaneError::Ended(why)),
            Some(_) | None => Ok(()),
        }
    }
}
