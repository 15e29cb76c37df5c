//! How the server is told to stop, and how one knows that it has.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// How long the other sides may take to agree to the end: whoever ends the program waits 2 s at most.
pub(super) const GRACE: Duration = Duration::from_millis(1500);

/// Tells every task of a server to stop. Clones tell the same tasks.
#[derive(Debug, Clone)]
pub(super) struct Shutdown {
    stop: Arc<watch::Sender<bool>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { stop: Arc::new(watch::Sender::new(false)) }
    }
}

impl Shutdown {
    /// Tells them.
    pub fn start(&self) {
        self.stop.send_replace(true);
    }

    /// For a task that is to be told. As long as it holds this, [`Shutdown::finished`] waits for it.
    #[must_use]
    pub fn guard(&self) -> Guard {
        Guard { stop: self.stop.subscribe() }
    }

    /// Ends when no task holds a guard any more.
    pub async fn finished(&self) {
        self.stop.closed().await;
    }
}

/// A task's end of it.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    stop: watch::Receiver<bool>,
}

impl Guard {
    /// Whether it is time to stop.
    pub fn is_told(&self) -> bool {
        *self.stop.borrow()
    }

    /// Ends when it is time to stop.
    pub async fn told(&mut self) {
        // An error means that the server is gone, which is to stop as well.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }
}

/// Every server of a run, so that all can be stopped at once.
#[derive(Debug, Clone, Default)]
pub struct Servers {
    shutdowns: Arc<Mutex<Vec<Shutdown>>>,
}

impl Servers {
    pub(super) fn add(&self, shutdown: Shutdown) {
        self.lock().push(shutdown);
    }

    /// Stops them all, and waits until their connections have ended, [`GRACE`] at most.
    pub async fn stop(&self) {
        let all = self.lock().clone();
        stop(&all).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Shutdown>> {
        self.shutdowns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells all of them, and waits until everybody is done, [`GRACE`] at most.
pub(super) async fn stop(all: &[Shutdown]) {
    all.iter().for_each(Shutdown::start);
    let ended = async {
        for shutdown in all {
            shutdown.finished().await;
        }
    };
    // What is still there after the grace goes with the process.
    let _ = tokio::time::timeout(GRACE, ended).await;
}
