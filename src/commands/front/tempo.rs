//! How fast it goes.

use std::time::Duration;

/// Between two rows, and for each word.
const STEP: Duration = Duration::from_millis(400);
/// At each stop, besides.
const STOP: Duration = Duration::from_secs(2);
/// The slowest and the fastest that keys make it.
const SPEEDS: (f64, f64) = (0.25, 16.0);

/// How fast it goes. Kept when a lesson is run again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::commands) struct Tempo {
    /// Without keys.
    pub auto: bool,
    /// So many times faster. The network's times are not scaled.
    pub speed: f64,
    /// Rows one by one, and page by page; else all at once.
    pub slowly: bool,
}

impl Tempo {
    /// Between two rows.
    pub fn between_rows(self) -> Duration {
        STEP.div_f64(self.speed)
    }

    /// How long one reads so many words.
    pub fn time_to_read(self, words: usize) -> Duration {
        let words = u32::try_from(words).unwrap_or(u32::MAX);
        (STOP + STEP.saturating_mul(words)).div_f64(self.speed)
    }

    /// A key's step.
    pub fn faster(&mut self) {
        self.scale(2.0);
    }

    /// A key's step back.
    pub fn slower(&mut self) {
        self.scale(0.5);
    }

    /// What a flag asked for beyond what keys can is kept.
    fn scale(&mut self, by: f64) {
        let (slowest, fastest) = (SPEEDS.0.min(self.speed), SPEEDS.1.max(self.speed));
        self.speed = (self.speed * by).clamp(slowest, fastest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_within_what_one_can_follow() {
        let mut tempo = Tempo { auto: true, speed: 8.0, slowly: true };
        tempo.faster();
        tempo.faster();
        assert_eq!(tempo.speed, 16.0);
        (0..9).for_each(|_| tempo.slower());
        assert_eq!(tempo.speed, 0.25);
        tempo.speed = 100.0;
        tempo.faster();
        assert_eq!(tempo.speed, 100.0);
        assert_eq!(tempo.time_to_read(10), Duration::from_millis(60));
    }
}
