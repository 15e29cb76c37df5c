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
        // Leaving is a round trip, and the end of TCP another half. It may begin when nothing passes.
        Self { over: Some(Box::pin(over(lane.clock.clone()))), grace: PATIENCE + 2 * lane.rtt + lane.stall }
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
    /// It is not.
    down: Option<Down>,
}

struct Down {
    why: String,
    /// It has tried to come back since, in vain.
    tried: bool,
    /// Not even a connection can be made.
    unreachable: bool,
}

impl Health {
    pub fn new(counts: &Arc<Counts>) -> Self {
        Self { counts: Arc::clone(counts), down: None }
    }

    /// It is.
    pub fn works(&mut self) {
        if self.down.take().is_some() {
            self.counts.recovered.add(1);
        }
    }

    /// A connection broke that was needed. Until it works again, that is told once.
    pub fn broke(&mut self, why: String) {
        self.goes_down(why, false);
    }

    /// No connection could be made.
    pub fn unreachable(&mut self, why: String) {
        self.goes_down(why, true);
    }

    fn goes_down(&mut self, why: String, unreachable: bool) {
        let tried = self.down.is_some();
        if !tried {
            self.counts.broken.add(1);
        }
        self.down = Some(Down { why, tried, unreachable });
    }

    /// When the run is over: who is between two tries, has taken part; who finds no server any more, has not. Whether one would
    /// have come back who has not tried yet, nobody knows: such a break is not counted.
    pub fn verdict(self) -> Result<(), LaneError> {
        match self.down {
            Some(Down { why, unreachable: true, .. }) => Err(LaneError::Ended(why)),
            Some(Down { tried: false, .. }) => {
                self.counts.broken.take_back(1);
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(happens: impl FnOnce(&mut Health)) -> (u64, u64, bool) {
        let counts = Arc::<Counts>::default();
        let mut health = Health::new(&counts);
        happens(&mut health);
        let took_part = health.verdict().is_ok();
        (counts.broken.get(), counts.recovered.get(), took_part)
    }

    #[test]
    fn a_break_that_nobody_has_tried_to_mend_is_not_counted() {
        let why = || "the connection was reset".to_owned();
        assert_eq!(counted(|it| it.broke(why())), (0, 0, true));
        assert_eq!(counted(|it| (it.broke(why()), it.works()).1), (1, 1, true));
        assert_eq!(counted(|it| (it.broke(why()), it.works(), it.broke(why())).2), (1, 1, true));
        assert_eq!(counted(|it| (it.broke(why()), it.broke(why())).1), (1, 0, true));
        assert_eq!(counted(|it| (it.broke(why()), it.unreachable(why())).1), (1, 0, false));
        assert_eq!(counted(|it| it.unreachable(why())), (1, 0, false));
    }
}
