//! Socket.IO: a session that begins with a WebSocket, or by polling and then changes to one.

use super::transport::{Lane, LaneError, Running, Transport};

/// The transport.
#[derive(Debug)]
pub(super) struct SocketIo {
    upgrades: bool,
}

impl SocketIo {
    /// A WebSocket from the first.
    pub fn websocket() -> Self {
        Self { upgrades: false }
    }

    /// As socket.io-client does unless it is told otherwise.
    pub fn upgrading() -> Self {
        Self { upgrades: true }
    }
}

impl Transport for SocketIo {
    fn name(&self) -> &'static str {
        if self.upgrades { "socketio-upgrade" } else { "socketio" }
    }

    fn client_talks_by(&self) -> &'static str {
        "same connection"
    }

    fn run(self: Box<Self>, lane: Lane) -> Running {
        Box::pin(run(lane, self.upgrades))
    }
}

async fn run(_lane: Lane, _upgrades: bool) -> Result<(), LaneError> {
    Err(LaneError::Socket("not built yet".into()))
}
