//! The added network: what is put between a client and the server beyond what there is. Labelled *added* wherever it is shown.

use std::time::Duration;

/// How the network is changed. It is never called packet loss: user space cannot lose TCP's packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Network {
    /// A round trip's time that is added; a new connection pays one whole round trip for its handshake.
    pub rtt: Duration,
    /// Nothing passes for so long, again and again.
    pub stall: Option<Stall>,
    /// Every connection is reset when it has been open for so long.
    pub cut: Option<Duration>,
}

/// A network that stalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// For how long nothing passes, either way.
    pub time: Duration,
    /// How long after a connection opened, and how long after each stall began, the next begins.
    pub every: Duration,
}

impl Network {
    /// Whether anything is added at all.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        *self != Self::default()
    }
}
