//! What a stranger may use: sizes, counts, times. What is `None` has no limit.

use std::time::Duration;

/// The limits of a server. Those that every server has are constants beside what they limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once of clients that announced themselves, the lesson's own.
    pub own: usize,
    /// Connections at once of all others. They have places of their own, so that they can never take all of a lesson's.
    pub guests: usize,
    /// The longest message, and the longest frame, on a socket, bytes.
    pub message: usize,
    /// How long a head may take from its first byte.
    pub head_time: Option<Duration>,
    /// How long a body may bring nothing.
    pub body_time: Option<Duration>,
    /// How long a connection may be open between two requests.
    pub idle: Option<Duration>,
    /// How long a socket may be silent.
    pub silence: Option<Duration>,
}

impl Limits {
    /// Of a command that plays a lesson: nothing ends because a teacher talks.
    pub const SOLO: Self = Self {
        own: 200,
        guests: 200,
        message: 64 * 1024,
        head_time: None,
        body_time: None,
        idle: None,
        silence: None,
    };

    /// Of a server that strangers meet.
    pub const SERVE: Self = Self {
        own: 0,
        guests: 1024,
        message: 64 * 1024,
        head_time: Some(Duration::from_secs(10)),
        body_time: Some(Duration::from_secs(10)),
        idle: Some(Duration::from_secs(75)),
        silence: Some(Duration::from_secs(60)),
    };
}
