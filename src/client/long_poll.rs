//! Long polling: each answer waits until there is news.

use super::transport::{Lane, LaneError, Running, Transport};

/// The transport.
#[derive(Debug)]
pub(super) struct LongPoll;

impl Transport for LongPoll {
    fn name(&self) -> &'static str {
        "long-poll"
    }

    fn client_talks_by(&self) -> &'static str {
        "new request"
    }

    fn run(self: Box<Self>, lane: Lane) -> Running {
        Box::pin(run(lane))
    }
}

async fn run(_lane: Lane) -> Result<(), LaneError> {
    Err(LaneError::Socket("not built yet".into()))
}
