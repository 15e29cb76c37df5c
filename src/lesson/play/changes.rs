//! What flags change in a workload.

use std::time::Duration;

use crate::lesson::script::{MAX_EVENTS, MAX_RUN, Planned, Workload};
use crate::tap::Network;

/// How far apart events are where only their number is given.
pub(super) const EVERY: Duration = Duration::from_secs(2);

/// Who says what `cheers` asks for.
const CHEERING: &str = "anna";

/// What the command line asks of every workload; what is `None` stays as the fence has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// On these, in this order.
    pub transports: Option<Vec<String>>,
    /// How many events the server makes.
    pub events: Option<u32>,
    /// How far apart.
    pub every: Option<Duration>,
    /// How many of them at once.
    pub burst: Option<u32>,
    /// How many messages clients send.
    pub cheers: Option<u32>,
    /// What each text is filled up to, bytes.
    pub size: Option<usize>,
    /// How often polling transports ask.
    pub poll: Option<Duration>,
    /// Clients at once on each transport.
    pub clients: Option<u32>,
    /// Over TLS.
    pub tls: bool,
    /// For how many clients and how long the load is computed.
    pub scale: Option<Scale>,
}

/// For how many clients, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Clients at once.
    pub clients: u64,
    /// For how long.
    pub time: Duration,
}

impl Default for Scale {
    /// A crowd, and a match with its break.
    fn default() -> Self {
        Self { clients: 10_000, time: Duration::from_secs(3600) }
    }
}

impl Changes {
    /// The workload as the flags change it. With `events`, `every` or `burst`, so many goals (as many as the server had
    /// events), about so far apart (2 s), take the place of what the server says; with `cheers`, so many take the place of
    /// what clients say, spread over the run; without, that stays as far as it falls within it. Goals are moved a little, by up
    /// to half a poll or half of `every`: goals that keep step with the polls would all be heard at once, or all as late as
    /// can be. All is kept within [`MAX_EVENTS`] and [`MAX_RUN`]; there is always one event of the server.
    #[must_use]
    pub fn apply(&self, mut workload: Workload, network: Network) -> Workload {
        workload.transports = self.transports.clone().unwrap_or(workload.transports);
        workload.poll = self.poll.map_or(workload.poll, |poll| poll.clamp(Duration::from_millis(1), MAX_RUN));
        workload.size = self.size.or(workload.size);
        workload.clients = self.clients.unwrap_or(workload.clients);
        workload.network = over(workload.network, network);
        let (mut clients, mut server): (Vec<_>, Vec<_>) =
            std::mem::take(&mut workload.events).into_iter().partition(|event| event.client.is_some());
        if self.events.is_some() || self.every.is_some() || self.burst.is_some() {
            let end;
            (server, end) = self.goals(server.len(), workload.poll);
            clients.retain(|event| event.at <= end);
        }
        if let Some(count) = self.cheers {
            clients = cheers(count, server.iter().map(|event| event.at).max().unwrap_or_default());
        }
        workload.events = server.into_iter().chain(clients).take(MAX_EVENTS).collect();
        workload.events.sort_by_key(|event| event.at);
        workload
    }

    /// What the server says, and when the last of it would fall.
    fn goals(&self, had: usize, poll: Duration) -> (Vec<Planned>, Duration) {
        let every = self.every.unwrap_or(EVERY).min(MAX_RUN);
        let burst = self.burst.unwrap_or(1).max(1);
        let bursts = MAX_RUN.as_nanos().checked_div(every.as_nanos()).unwrap_or(u128::MAX).max(1);
        let most = bursts.saturating_mul(u128::from(burst)).min(MAX_EVENTS as u128);
        let count = self.events.map_or(had as u128, u128::from).clamp(1, most) as u32;
        let goal = |n: u32| {
            let at = spread(n.div_ceil(burst), every, poll);
            Planned { at, client: None, text: format!("GOAL {n}-0") }
        };
        ((1..=count).map(goal).collect(), every * count.div_ceil(burst))
    }
}

/// What flags add to the network comes before what the workload adds.
fn over(workload: Network, flags: Network) -> Network {
    Network {
        rtt: if flags.rtt.is_zero() { workload.rtt } else { flags.rtt },
        stall: flags.stall.or(workload.stall),
        cut: flags.cut.or(workload.cut),
    }
}

/// When the nth goal falls: `every * n`, moved by a fraction of the poll that differs each time. The fractions are
/// those of the multiples of the golden ratio, which fill an interval evenly however many there are.
fn spread(n: u32, every: Duration, poll: Duration) -> Duration {
    let width = every.min(poll);
    let fraction = u64::from(n) * 618 % 1000;
    let moved = width.mul_f64(fraction as f64 / 1000.0);
    (every * n + moved).saturating_sub(width / 2)
}

/// So many, evenly spread until then.
fn cheers(count: u32, until: Duration) -> Vec<Planned> {
    let count = count.min(MAX_EVENTS as u32);
    let cheer = |n: u32| {
        let at = until.mul_f64(f64::from(n) / f64::from(count + 1));
        Planned { at, client: Some(CHEERING.into()), text: format!("cheer {n}") }
    };
    (1..=count).map(cheer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(at: u64, client: Option<&str>, text: &str) -> Planned {
        Planned { at: Duration::from_secs(at), client: client.map(str::to_owned), text: text.into() }
    }

    fn workload() -> Workload {
        let events = [(1, None, "a"), (2, None, "b"), (3, Some("anna"), "c"), (9, Some("ben"), "d")];
        Workload {
            text: String::new(),
            line: 1,
            transports: vec!["websocket".into()],
            poll: Duration::from_secs(2),
            network: Network::default(),
            size: None,
            clients: 1,
            events: events.into_iter().map(|(at, client, text)| planned(at, client, text)).collect(),
        }
    }

    fn said(workload: &Workload) -> Vec<(u128, &str, &str)> {
        let said = |it: &Planned| it.at.as_millis();
        workload
            .events
            .iter()
            .map(|it| (said(it), it.client.as_deref().unwrap_or("server"), it.text.as_str()))
            .collect()
    }

    fn changed(changes: Changes) -> Workload {
        changes.apply(workload(), Network::default())
    }

    #[test]
    fn flags_replace_what_the_server_says() {
        let second = Duration::from_secs(1);
        let flags = |events, every| changed(Changes { events, every, ..Changes::default() });
        assert_eq!(flags(None, None), workload());
        assert_eq!(changed(Changes { poll: Some(second), ..Changes::default() }).poll, second);
        assert_eq!(
            said(&flags(None, Some(2 * second))),
            [(2236, "server", "GOAL 1-0"), (3000, "anna", "c"), (3472, "server", "GOAL 2-0")]
        );
        assert_eq!(said(&flags(Some(1), None)), [(2236, "server", "GOAL 1-0")]);
        assert_eq!(flags(Some(u32::MAX), Some(Duration::ZERO)).events.len(), 10_000);
        let hour = flags(Some(u32::MAX), Some(second)).events.len();
        assert_eq!(hour, 3602, "an hour of goals and what clients say");
        assert_eq!(said(&flags(Some(0), Some(Duration::MAX))).len(), 3);
    }

    #[test]
    fn goals_do_not_keep_step_with_the_polls() {
        let (second, poll) = (Duration::from_secs(1), Duration::from_millis(500));
        let changes = Changes {
            events: Some(100),
            every: Some(second),
            poll: Some(poll),
            cheers: Some(0),
            ..Changes::default()
        };
        let planned = changed(changes);
        let mut phases: Vec<_> = planned.events.iter().map(|event| event.at.as_millis() % 500).collect();
        phases.sort_unstable();
        // A hundred goals leave no fiftieth part of the interval empty.
        assert!((0..50).all(|part| phases.iter().any(|phase| phase / 10 == part)), "{phases:?}");
    }

    #[test]
    fn bursts_cheers_and_sizes() {
        let changes = Changes {
            events: Some(5),
            burst: Some(2),
            cheers: Some(3),
            size: Some(12),
            ..Changes::default()
        };
        let planned = changed(changes);
        let texts: Vec<_> = said(&planned);
        let at = |text: &str| texts.iter().find(|it| it.2.starts_with(text)).map(|it| it.0);
        assert_eq!(at("GOAL 1-0"), at("GOAL 2-0"));
        assert!(at("GOAL 3-0") > at("GOAL 2-0"));
        assert_eq!(texts.iter().filter(|it| it.1 == "anna").count(), 3);
        assert_eq!(planned.size, Some(12));
    }

    #[test]
    fn flags_of_the_network_come_first() {
        let ms = Duration::from_millis;
        let mut fence = workload();
        fence.network = Network { rtt: ms(80), stall: None, cut: Some(ms(900)) };
        let flags = Network { rtt: ms(10), ..Network::default() };
        let network = Changes::default().apply(fence, flags).network;
        assert_eq!(network, Network { rtt: ms(10), stall: None, cut: Some(ms(900)) });
    }
}
