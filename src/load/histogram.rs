//! Delays, many or few, in a histogram (HdrHistogram) of nanoseconds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::timeline::{Delays, Elapsed, Spread};

/// How many digits of each delay are kept.
const DIGITS: u8 = 4;

/// How many digits are told where there are many.
const FEW_DIGITS: u8 = 2;

/// So many delays are many.
const MANY: u64 = 200;

/// What a number has at most that a histogram can hold: some days, in nanoseconds.
const LONGEST: u64 = 1 << 50;

/// Delays.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// Made with the first delay: a lane that hears nothing needs none.
    counts: Option<hdrhistogram::Histogram<u64>>,
    worst: Duration,
}

/// What crosses from one process to another: each delay that was counted, nanoseconds, and how often; and the longest, exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    counts: Vec<(u64, u64)>,
    worst: u64,
}

impl Histogram {
    /// Counts a delay.
    pub fn record(&mut self, delay: Duration) {
        self.record_many(nanos(delay), 1);
        self.worst = self.worst.max(delay);
    }

    fn record_many(&mut self, nanos: u64, count: u64) {
        if self.counts.is_none() {
            self.counts = hdrhistogram::Histogram::new(DIGITS).ok();
        }
        if let Some(counts) = &mut self.counts {
            // It grows as it has to: nothing is longer than it can hold.
            let _ = counts.record_n(nanos.clamp(1, LONGEST), count);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.counts.as_ref().map_or(0, hdrhistogram::Histogram::len)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Half of them, 99 of 100, and all of them are no longer than this. The median of an even number is the middle of the two
    /// in the middle.
    #[must_use]
    pub fn spread(&self) -> Option<Spread> {
        let counts = self.counts.as_ref()?;
        let len = counts.len();
        // The nth of them, from 1. Asked for by halves of a rank, so that no rounding leads to another one.
        let nth = |n: u64| {
            let nanos = counts.value_at_quantile((n as f64 - 0.5) / len as f64);
            Duration::from_nanos(counts.median_equivalent(nanos)).min(self.worst)
        };
        let spread = || Spread {
            median: Elapsed((nth(len.div_ceil(2)) + nth(len / 2 + 1)) / 2),
            // The nearest rank: the shortest that 99 of 100 do not exceed.
            p99: Elapsed(nth((len * 99).div_ceil(100))),
            worst: Elapsed(self.worst),
        };
        (len > 0).then(spread)
    }

    /// All of them, the shortest first, those that are about the same together.
    #[must_use]
    pub fn delays(&self) -> Vec<Delays> {
        let Some(counts) = &self.counts else { return Vec::new() };
        let coarse = hdrhistogram::Histogram::<u64>::new(FEW_DIGITS).ok().filter(|_| counts.len() > MANY);
        let counts = match coarse {
            Some(mut coarse) => {
                for one in counts.iter_recorded() {
                    let _ = coarse.record_n(one.value_iterated_to(), one.count_at_value());
                }
                coarse
            }
            None => counts.clone(),
        };
        let after = |nanos| Elapsed(Duration::from_nanos(counts.median_equivalent(nanos)).min(self.worst));
        let delays = counts
            .iter_recorded()
            .map(|one| Delays { after: after(one.value_iterated_to()), count: one.count_at_value() });
        delays.collect()
    }

    /// For another process.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let counts = self.counts.iter().flat_map(hdrhistogram::Histogram::iter_recorded);
        Counted {
            counts: counts.map(|one| (one.value_iterated_to(), one.count_at_value())).collect(),
            worst: nanos(self.worst),
        }
    }
}

impl From<Counted> for Histogram {
    fn from(counted: Counted) -> Self {
        let mut histogram = Self { counts: None, worst: Duration::from_nanos(counted.worst) };
        counted.counts.into_iter().for_each(|(nanos, count)| histogram.record_many(nanos, count));
        histogram
    }
}

impl Extend<Duration> for Histogram {
    fn extend<T: IntoIterator<Item = Duration>>(&mut self, delays: T) {
        delays.into_iter().for_each(|delay| self.record(delay));
    }
}

impl FromIterator<Duration> for Histogram {
    fn from_iter<T: IntoIterator<Item = Duration>>(delays: T) -> Self {
        let mut histogram = Self::default();
        histogram.extend(delays);
        histogram
    }
}

fn nanos(delay: Duration) -> u64 {
    u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(delays: impl IntoIterator<Item = u64>) -> Histogram {
        delays.into_iter().map(Duration::from_millis).collect()
    }

    /// To a ten-thousandth.
    fn is(found: Elapsed, ms: f64) -> bool {
        (found.seconds() * 1e3 / ms - 1.0).abs() < 1e-4
    }

    #[test]
    fn a_spread_is_of_delays_that_were_measured() {
        let spread = of((1..=6).map(|n| n * 1000)).spread().unwrap();
        assert!(is(spread.median, 3500.0) && is(spread.p99, 6000.0), "{spread:?}");
        assert_eq!(spread.worst.0, Duration::from_secs(6));
        assert!(is(of([1000, 2000, 3000]).spread().unwrap().median, 2000.0));
        let many = of(1..=1000).spread().unwrap();
        assert!(is(many.median, 500.5) && is(many.p99, 990.0), "{many:?}");
        assert_eq!(Histogram::default().spread(), None);
        let one = of([7]).spread().unwrap();
        assert!(is(one.median, 7.0) && one.worst.0 == Duration::from_millis(7));
    }

    #[test]
    fn a_rank_is_that_of_the_sorted_list() {
        for len in (1..300).chain([1275, 2549, 20_000]) {
            // Far apart, so that a neighbour is told from it.
            let sorted: Vec<f64> = (0..len).map(|n| 1000.0 + f64::from(n) * 7.0).collect();
            let spread = of(sorted.iter().map(|ms| *ms as u64)).spread().unwrap();
            let count = sorted.len();
            let median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2.0;
            let p99 = sorted[(count * 99).div_ceil(100) - 1];
            assert!(is(spread.median, median) && is(spread.p99, p99), "{len}: {spread:?}");
        }
    }

    #[test]
    fn another_process_has_the_same() {
        let histogram = of((1..=1000).map(|n| n * n));
        let json = serde_json::to_string(&histogram.counted()).unwrap();
        let there = Histogram::from(serde_json::from_str::<Counted>(&json).unwrap());
        assert_eq!((there.len(), there.spread()), (1000, histogram.spread()));
        assert_eq!(there.delays(), histogram.delays());
        assert_eq!(Histogram::from(Counted::default()).spread(), None);
    }

    #[test]
    fn all_are_told_and_many_of_them_together() {
        let few = of([5, 3, 3]).delays();
        assert_eq!(few.iter().map(|it| it.count).collect::<Vec<_>>(), [2, 1]);
        assert!(is(few[0].after, 3.0) && is(few[1].after, 5.0));
        let many = of(1..=10_000).delays();
        assert_eq!(many.iter().map(|it| it.count).sum::<u64>(), 10_000);
        assert!(many.len() < 1000 && many.windows(2).all(|pair| pair[0].after < pair[1].after));
    }
}
