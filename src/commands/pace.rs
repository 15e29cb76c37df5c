//! The two paces of a lesson: that of whoever sits there, and none.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;

use super::front::{self, Asked};
use super::progress::Progress;
use crate::lesson::pace::{Asking, Go, Pacer, Reply, Stop, Working};
use crate::terminal::Status;

/// Asks whoever sits there; where nobody does, goes on.
pub(super) struct Pacing {
    pub front: Option<mpsc::UnboundedSender<Asked>>,
    pub status: Status,
}

impl Pacer for Pacing {
    fn pause(&mut self, stop: Stop) -> Pin<Box<dyn Future<Output = Go> + Send + '_>> {
        Box::pin(async move {
            match &self.front {
                Some(front) => front::stop(front, stop).await,
                None => Go::On,
            }
        })
    }

    fn ask(&mut self, asking: Asking) -> Pin<Box<dyn Future<Output = Reply> + Send + '_>> {
        Box::pin(async move {
            match &self.front {
                Some(front) => front::question(front, asking).await,
                None => Reply::Skipped,
            }
        })
    }

    fn working(&mut self, what: &str, time: Duration) -> Box<dyn Working> {
        Box::new(Progress::start(&self.status, what, time))
    }
}
