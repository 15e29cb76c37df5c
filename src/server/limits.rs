//! What a stranger may use: sizes, counts, times. What is `None` has no limit.

use std::time::Duration;

use crate::tap::Network;

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
    /// How long a body may bring nothing, and how long all of it may take, with a second more for each KiB that came.
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
    /// Of a command that plays a lesson: nothing ends because a teacher talks, nor because somebody types a request by hand.
    /// Guests cannot take a lesson's places, however long they stay.
    pub const SOLO: Self = Self {
        own: 200,
        guests: 200,
        message: 64 * 1024,
        head_time: None,
        body_time: None,
        write_time: None,
        idle: None,
        silence: None,
    };

    /// Of a server that strangers meet.
    pub const SERVE: Self = Self {
        own: 0,
        guests: 1024,
        head_time: Some(PATIENCE),
        body_time: Some(PATIENCE),
        write_time: Some(PATIENCE),
        idle: Some(Duration::from_secs(75)),
        silence: Some(Duration::from_secs(60)),
        ..Self::SOLO
    };

    /// The same for a client that announced itself: what it does is the lesson's business.
    #[must_use]
    pub const fn without_times(self) -> Self {
        Self { head_time: None, body_time: None, write_time: None, idle: None, silence: None, ..self }
    }

    /// The same where a network is added: what waits in it is nobody's fault. Where the client may have to hear from the
    /// server first, it is crossed twice.
    #[must_use]
    pub fn across(self, network: Network) -> Self {
        let once = network.crossing();
        let longer = |time: Option<Duration>, crossed| time.map(|time| time + crossed * once);
        Self {
            head_time: longer(self.head_time, 1),
            // The client may wait for `100 Continue`.
            body_time: longer(self.body_time, 2),
            write_time: longer(self.write_time, 1),
            // The answer goes there, and the next request comes back; so do a ping and its pong.
            idle: longer(self.idle, 2),
            silence: longer(self.silence, 2),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tap::Stall;

    #[test]
    fn a_lesson_has_no_times() {
        assert_eq!(Limits::SOLO, Limits::SOLO.without_times());
    }

    #[test]
    fn an_added_network_has_its_time_beside_the_limits() {
        let s = Duration::from_secs;
        let stall = Some(Stall { time: s(3), every: s(60) });
        let network = Network { rtt: s(4), stall, cut: Some(s(1)) };
        let far = Limits {
            head_time: Some(s(17)),
            body_time: Some(s(24)),
            write_time: Some(s(17)),
            idle: Some(s(89)),
            silence: Some(s(74)),
            ..Limits::SERVE
        };
        assert_eq!(Limits::SERVE.across(network), far);
        assert_eq!(Limits::SOLO.across(network), Limits::SOLO);
        assert_eq!(Limits::SERVE.across(Network::default()), Limits::SERVE);
    }
}
