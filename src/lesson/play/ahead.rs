//! What can be known to go wrong in a compare before anything starts.

use super::player::Flags;
use crate::lesson::script::{Lesson, Part, Workload};
use crate::tap::kernel;

/// Descriptors that a process has for other things than its connections.
const RESERVED: u64 = 400;

/// What is wrong, and what could be typed instead: flags.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Hopeless {
    /// In words.
    pub what: String,
    /// Flags that would do.
    pub instead: String,
}

/// Looks at every workload of a lesson as flags change it.
///
/// # Errors
/// The first that cannot go well.
pub fn look_ahead(lesson: &Lesson, flags: &Flags) -> Result<(), Hopeless> {
    let parts = lesson.steps.iter().flat_map(|step| &step.parts);
    for part in parts {
        if let Part::Compare(workload) = part {
            let workload = flags.changes.apply(workload.clone(), flags.network);
            look_at(&workload, kernel::descriptor_limit())?;
        }
    }
    Ok(())
}

fn look_at(workload: &Workload, descriptors: Option<u64>) -> Result<(), Hopeless> {
    let (rtt, last) =
        (workload.network.rtt, workload.events.last().map(|event| event.at).unwrap_or_default());
    if rtt > last {
        let (rtt, last) = (humantime::format_duration(rtt), humantime::format_duration(last));
        return Err(Hopeless {
            what: format!("a round trip of {rtt} is longer than the schedule, which ends after {last}"),
            instead: format!("--rtt {rtt} --every {rtt}"),
        });
    }
    let clients = u64::from(workload.clients);
    let each = workload.transports.iter().map(|name| connections(name)).max().unwrap_or(1);
    if clients > 1
        && let Some(most) = descriptors
        && clients * each + RESERVED > most
    {
        let fit = (most.saturating_sub(RESERVED) / each).max(1);
        return Err(Hopeless {
            what: format!(
                "{clients} clients need {} descriptors at the server, and a process may have {most} here (ulimit -Hn)",
                clients * each + RESERVED
            ),
            instead: format!("--clients {fit}"),
        });
    }
    Ok(())
}

/// How many connections a client may have open at once.
fn connections(transport: &str) -> u64 {
    match transport {
        // What it says goes beside what it hears.
        "long-poll" | "sse" => 2,
        // Two of polling, and the WebSocket that is tried.
        "socketio-upgrade" => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::lesson::script::Planned;
    use crate::tap::Network;

    fn workload(rtt: u64, clients: u32, transport: &str) -> Workload {
        let event = Planned { at: Duration::from_secs(3), client: None, text: "GOAL".into() };
        Workload {
            text: String::new(),
            line: 1,
            transports: vec![transport.into()],
            poll: Duration::from_secs(2),
            network: Network { rtt: Duration::from_secs(rtt), ..Network::default() },
            size: None,
            clients,
            events: vec![event],
        }
    }

    #[test]
    fn a_round_trip_is_no_longer_than_the_schedule() {
        assert_eq!(look_at(&workload(3, 1, "sse"), None), Ok(()));
        let hopeless = look_at(&workload(4, 1, "sse"), None).unwrap_err();
        assert_eq!(hopeless.what, "a round trip of 4s is longer than the schedule, which ends after 3s");
        assert_eq!(hopeless.instead, "--rtt 4s --every 4s");
    }

    #[test]
    fn there_are_no_more_clients_than_descriptors() {
        let look = |clients, transport, most| look_at(&workload(0, clients, transport), Some(most));
        assert_eq!(look(5_000, "websocket", 5_400), Ok(()));
        assert_eq!(look(1, "websocket", 100), Ok(()));
        assert_eq!(look(5_000, "sse", 5_400).unwrap_err().instead, "--clients 2500");
        let hopeless = look(1_000, "socketio-upgrade", 1_024).unwrap_err();
        assert!(hopeless.what.starts_with("1000 clients need 3400 descriptors"), "{hopeless}");
        assert_eq!(hopeless.instead, "--clients 208");
    }
}
