//! The added network: what is put between a client and the server beyond what there is. Labelled *added* wherever it is shown.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How the network is changed. It is never called packet loss: user space cannot lose TCP's packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// A round trip's time that is added; a new connection pays one whole round trip for its handshake.
    pub rtt: Duration,
    /// Nothing passes for so long, again and again.
    pub stall: Option<Stall>,
    /// Every connection is reset when it has been open for so long.
    pub cut: Option<Duration>,
}

/// A network that stalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// For how long nothing passes, either way.
    pub time: Duration,
    /// How long after a connection opened, and how long after each stall began, the next begins.
    pub every: Duration,
}

impl Network {
    /// How much later what is sent may arrive, there and back.
    #[must_use]
    pub fn crossing(&self) -> Duration {
        self.rtt + self.stall.map_or(Duration::ZERO, |stall| stall.time)
    }

    /// Whether anything is added at all.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        *self != Self::default()
    }
}

/// `80 ms added to each round trip, nothing passes for 3 s each 10 s, cut after 30 s`
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_changed() {
            return f.write_str("no added delay");
        }
        let rtt = (!self.rtt.is_zero()).then(|| format!("{} added to each round trip", time(self.rtt)));
        let stall =
            self.stall.map(|it| format!("nothing passes for {} each {}", time(it.time), time(it.every)));
        let cut = self.cut.map(|age| format!("cut after {}", time(age)));
        let parts: Vec<String> = [rtt, stall, cut].into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}

/// `80 ms`, `1.5 s`
fn time(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 1000.0 { format!("{ms} ms") } else { format!("{} s", ms / 1e3) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_said() {
        let ms = Duration::from_millis;
        assert_eq!(Network::default().to_string(), "no added delay");
        let far = Network { rtt: ms(80), ..Network::default() };
        assert_eq!(far.to_string(), "80 ms added to each round trip");
        let stall = Some(Stall { time: ms(1500), every: ms(10_000) });
        let bad = Network { stall, cut: Some(ms(30_000)), ..Network::default() };
        assert_eq!(bad.to_string(), "nothing passes for 1.5 s each 10 s, cut after 30 s");
    }
}
