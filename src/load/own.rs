//! What a process knows of itself: the time, its processor time, its memory.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// The machine's monotonic clock, nanoseconds: the same in every process.
pub(super) fn now() -> u64 {
    nanos(ClockId::Monotonic)
}

/// The moment at which that clock shows, or showed, this.
pub(super) fn instant(at: u64) -> Instant {
    let (now, clock) = (Instant::now(), now());
    let ahead = Duration::from_nanos(at.saturating_sub(clock));
    let behind = Duration::from_nanos(clock.saturating_sub(at));
    now.checked_sub(behind).unwrap_or(now) + ahead
}

/// Waits for a moment; never ends where there is none.
pub(super) async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Processor time of this process, of the program and of the kernel for it.
pub(super) fn cpu() -> Duration {
    Duration::from_nanos(nanos(ClockId::ProcessCPUTime))
}

fn nanos(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or_default() * 1_000_000_000 + nanos.unwrap_or_default()
}

/// Memory of this process that is its own and not a file's, bytes (Linux: `RssAnon`). What a connection makes the program load
/// for the first time, its own code, does not count.
pub(super) fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_found_again() {
        let at = now() + 5_000_000_000;
        let ahead = instant(at).duration_since(Instant::now());
        assert!(ahead > Duration::from_secs(4) && ahead <= Duration::from_secs(5), "{ahead:?}");
        assert!(instant(now() - 1_000_000_000) < Instant::now());
        assert!(cpu() > Duration::ZERO);
    }
}
