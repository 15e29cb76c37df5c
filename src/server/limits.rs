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
    /// How long a client may take nothing of an answer that is sent to it.
    pub write_time: Option<Duration>,
    /// How long a connection may be open between two requests.
    pub idle: Option<Duration>,
    /// How long a socket may be silent.
    pub silence: Option<Duration>,
}

/// How long something may make no progress that a client began itself.
const PATIENCE: Duration = Duration::from_secs(10);

impl Limits {
    /// Of a command that plays a lesson: nothing ends because a teacher talks. A guest who begins something has to go on
    /// with it; the lesson's own clients have all the time, see [`Limits::without_times`].
    pub const SOLO: Self = Self {
        own: 200,
        guests: 200,
        message: 64 * 1024,
        head_time: Some(PATIENCE),
        body_time: Some(PATIENCE),
        write_time: Some(PATIENCE),
        idle: None,
        silence: None,
    };

    /// Of a server that strangers meet.
    pub const SERVE: Self = Self {
        own: 0,
        guests: 1024,
        idle: Some(Duration::from_secs(75)),
        silence: Some(Duration::from_secs(60)),
        ..Self::SOLO
    };

    /// The same for a client that announced itself: what it does is the lesson's business.
    #[must_use]
    pub const fn without_times(self) -> Self {
        Self { head_time: None, body_time: None, write_time: None, idle: None, silence: None, ..self }
    }
}
