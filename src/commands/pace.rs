//! The two paces of a lesson: that of whoever sits there, and none.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::front::Asker;
use super::progress::Progress;
use crate::lesson::pace::{Asking, Go, Pacer, Reply, Stop, Working};
use crate::terminal::Status;

/// Asks whoever sits there, and shows what is under way.
pub(super) struct Pacing {
    pub asker: Asker,
    pub status: Status,
}

impl Pacer for Pacing {
    fn pause(&mut self, stop: Stop) -> Pin<Box<dyn Future<Output = Go> + Send + '_>> {
        Box::pin(self.asker.stop(stop))
    }

    fn ask(&mut self, asking: Asking) -> Pin<Box<dyn Future<Output = Reply> + Send + '_>> {
        Box::pin(self.asker.question(asking))
    }

    fn working(&mut self, what: &str, time: Duration) -> Box<dyn Working> {
        Box::new(Progress::start(&self.status, what, time))
    }
}
