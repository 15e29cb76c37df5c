//! Server-Sent Events: one answer that does not end.

use super::transport::{Lane, LaneError, Running, Transport};

/// The transport.
#[derive(Debug)]
pub(super) struct Sse;

impl Transport for Sse {
    fn name(&self) -> &'static str {
        "sse"
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
