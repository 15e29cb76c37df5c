//! Whether the client is still there: pings, silence, and messages that take for ever. One timer a socket.

use std::time::Duration;

use tokio::time::Instant;

/// What a message that has begun may take beside the time of a silence: a second more for so many bytes that came.
const PACE: u64 = 1024;

/// What a client's control frame takes beside its payload, bytes: a header of two and the mask (RFC 6455, 5.2).
const CONTROL: usize = 6;

/// A client's signs of life.
#[derive(Debug)]
pub(super) struct Pulse {
    /// How often it is pinged.
    every: Option<Duration>,
    /// How long it may be silent.
    silence: Option<Duration>,
    ping_at: Instant,
    /// When the last bytes came.
    heard: Instant,
    /// A ping was sent, and nothing has come since.
    unanswered: bool,
    /// Since when a message has been coming, and how much has come since, bytes, control frames not counted.
    message: Option<(Instant, u64)>,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing.
    Wait,
    Ping,
    /// Nobody is there.
    Gone,
    /// A message has been coming for too long.
    Dawdles,
}

impl Pulse {
    pub fn new(every: Option<Duration>, silence: Option<Duration>, now: Instant) -> Self {
        Self {
            every,
            silence,
            ping_at: every.map_or(now, |every| now + every),
            heard: now,
            unanswered: false,
            message: None,
        }
    }

    /// So many bytes came.
    pub fn heard(&mut self, bytes: usize, now: Instant) {
        self.heard = now;
        self.unanswered = false;
        self.message.get_or_insert((now, 0)).1 += bytes as u64;
    }

    /// A message is whole. What came of the next one together with it counts from when more comes.
    pub fn ended(&mut self) {
        self.message = None;
    }

    /// A control frame with so many bytes of payload is whole. It may stand in the middle of a message.
    pub fn control(&mut self, payload: usize) {
        let frame = (CONTROL + payload) as u64;
        let rest =
            |(since, came): (Instant, u64)| Some((since, came.checked_sub(frame).filter(|rest| *rest > 0)?));
        self.message = self.message.and_then(rest);
    }

    /// When something is to be done next, if nothing comes.
    pub fn next(&self) -> Option<Instant> {
        let ping = self.every.map(|_| self.ping_at);
        [ping, self.silent_at(), self.late_at()].into_iter().flatten().min()
    }

    /// What is to be done now. Any bytes are a sign of life. Where no silence is limited, as in a lesson, a ping that nothing
    /// came after is one too few at the next.
    pub fn beat(&mut self, now: Instant) -> Beat {
        if self.silent_at().is_some_and(|at| at <= now) {
            return Beat::Gone;
        }
        if self.late_at().is_some_and(|at| at <= now) {
            return Beat::Dawdles;
        }
        match self.every {
            Some(every) if self.ping_at <= now => {
                if self.unanswered && self.silence.is_none() {
                    return Beat::Gone;
                }
                // Pings that were missed must not follow each other at once: nobody could answer in between.
                self.ping_at = now + every;
                self.unanswered = true;
                Beat::Ping
            }
            _ => Beat::Wait,
        }
    }

    fn silent_at(&self) -> Option<Instant> {
        self.silence.map(|silence| self.heard + silence)
    }

    fn late_at(&self) -> Option<Instant> {
        let ((since, came), silence) = (self.message?, self.silence?);
        Some(since + silence + Duration::from_secs(came / PACE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEAT: Duration = Duration::from_secs(20);
    const SILENCE: Duration = Duration::from_secs(60);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_lesson_ends_at_the_ping_after_one_that_was_not_answered() {
        let mut now = Instant::now();
        let mut pulse = Pulse::new(Some(BEAT), None, now);
        assert_eq!((pulse.beat(now), pulse.next()), (Beat::Wait, Some(now + BEAT)));
        for _ in 0..3 {
            now += BEAT;
            assert_eq!(pulse.beat(now), Beat::Ping);
            pulse.heard(2, now);
        }
        assert_eq!(pulse.beat(now + BEAT), Beat::Ping);
        assert_eq!(pulse.beat(now + 2 * BEAT), Beat::Gone);
    }

    #[test]
    fn after_a_stall_there_is_time_to_answer() {
        let now = Instant::now();
        let mut pulse = Pulse::new(Some(BEAT), None, now);
        let late = now + 5 * BEAT;
        assert_eq!((pulse.beat(late), pulse.beat(late)), (Beat::Ping, Beat::Wait));
    }

    #[test]
    fn silence_ends_it_whatever_was_pinged() {
        let mut now = Instant::now();
        let mut pulse = Pulse::new(Some(BEAT), Some(SILENCE), now);
        for _ in 0..2 {
            now += BEAT;
            assert_eq!(pulse.beat(now), Beat::Ping);
        }
        pulse.heard(1, now);
        assert_eq!(pulse.beat(now + SILENCE - SECOND), Beat::Ping);
        assert_eq!(pulse.next(), Some(now + SILENCE));
        assert_eq!(pulse.beat(now + SILENCE), Beat::Gone);
    }

    /// How long a message may come in pieces of so many bytes each 5 s.
    fn dawdle(bytes: usize) -> Option<u64> {
        let began = Instant::now();
        let mut pulse = Pulse::new(None, Some(SILENCE), began);
        (0..200_u64).map(|piece| 5 * piece).find(|after| {
            let now = began + Duration::from_secs(*after);
            let late = pulse.beat(now) == Beat::Dawdles;
            pulse.heard(bytes, now);
            late
        })
    }

    #[test]
    fn a_message_may_be_slow_but_not_for_ever() {
        assert_eq!(dawdle(1), Some(60));
        assert_eq!(dawdle(2048), Some(100));
        assert_eq!(dawdle(5 * 1024), None);
    }

    #[test]
    fn control_frames_neither_begin_a_message_nor_end_one() {
        let mut now = Instant::now();
        let mut pulse = Pulse::new(None, Some(SILENCE), now);
        for fragment in [0, 7] {
            let began = now;
            while now < began + SILENCE {
                assert_eq!(pulse.beat(now), Beat::Wait);
                pulse.heard(fragment + CONTROL + 4, now);
                pulse.control(4);
                now += SILENCE / 4;
            }
            let late = if fragment == 0 { Beat::Wait } else { Beat::Dawdles };
            assert_eq!(pulse.beat(now), late);
        }
        pulse.ended();
        assert_eq!(pulse.beat(now), Beat::Wait);
    }

    #[test]
    fn without_limits_nothing_is_to_be_done() {
        let now = Instant::now();
        let mut pulse = Pulse::new(None, None, now);
        pulse.heard(1, now);
        assert_eq!((pulse.beat(now + 100 * SILENCE), pulse.next()), (Beat::Wait, None));
    }
}
