//! What can be known to go wrong in a compare before anything starts.

use std::time::Duration;

use super::changes::{Changes, EVERY};
use super::player::Flags;
use crate::lesson::script::{Lesson, MAX_RUN, Part, Workload};
use crate::tap::kernel;

/// Descriptors that a process has for other things than its connections.
const RESERVED: u64 = 400;

/// The most that a compare's texts may come to, bytes: in the story the timeline holds them, once for each lane; with many
/// clients the server does.
const MOST_TEXT: usize = 64 << 20;

/// The most that may be told to clients, one by one, on one transport.
const MOST_TOLD: usize = 5_000_000;

/// What is wrong, and what could be done instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Hopeless {
    /// In words.
    pub what: String,
    /// Of whoever asks for it.
    pub instead: Instead,
}

/// What would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// These flags, beside the others that were given: each with its value.
    Flags(Vec<(&'static str, String)>),
    /// Something else in the fence, in words.
    Fence(String),
}

impl Instead {
    fn flag(name: &'static str, value: impl ToString) -> Self {
        Self::Flags(vec![(name, value.to_string())])
    }
}

/// Looks at every workload of a lesson as flags change it.
///
/// # Errors
/// The first that cannot go well.
pub fn look_ahead(lesson: &Lesson, flags: &Flags) -> Result<(), Hopeless> {
    let parts = lesson.steps.iter().flat_map(|step| &step.parts);
    for part in parts {
        if let Part::Compare(workload) = part {
            fits_the_hour(&flags.changes)?;
            let workload = flags.changes.apply(workload.clone(), flags.network);
            look_at(&workload, &flags.changes, kernel::descriptor_limit())?;
        }
    }
    Ok(())
}

/// What would not be said within the longest run would be left out.
fn fits_the_hour(changes: &Changes) -> Result<(), Hopeless> {
    let Some(events) = changes.events else { return Ok(()) };
    let every = changes.every.unwrap_or(EVERY);
    let bursts = events.div_ceil(changes.burst.unwrap_or(1).max(1));
    if every.checked_mul(bursts).is_some_and(|all| all <= MAX_RUN) {
        return Ok(());
    }
    let shorter = Duration::from_millis((MAX_RUN.as_millis() / u128::from(bursts.max(1))) as u64);
    Err(Hopeless {
        what: format!("{} events, {} apart, take longer than an hour", grouped(events), told(every)),
        instead: Instead::flag("--every", typed(shorter)),
    })
}

fn look_at(workload: &Workload, changes: &Changes, descriptors: Option<u64>) -> Result<(), Hopeless> {
    round_trip(workload, changes)?;
    if workload.clients > 1 {
        descriptors.map_or(Ok(()), |most| enough_descriptors(workload, changes, most))?;
        not_too_much_told(workload, changes)?;
    }
    not_too_much_text(workload, changes)
}

fn round_trip(workload: &Workload, changes: &Changes) -> Result<(), Hopeless> {
    let (rtt, last) =
        (workload.network.rtt, workload.events.last().map(|event| event.at).unwrap_or_default());
    if rtt <= last {
        return Ok(());
    }
    // So far apart, even one event alone falls after it.
    let timed = changes.events.is_some() || changes.every.is_some() || changes.burst.is_some();
    let instead = if timed {
        Instead::flag("--every", typed(rtt))
    } else {
        Instead::flag("--rtt", typed(Duration::from_millis(last.as_millis() as u64)))
    };
    let what =
        format!("a round trip of {} is longer than the schedule, which ends after {}", told(rtt), told(last));
    Err(Hopeless { what, instead })
}

fn enough_descriptors(workload: &Workload, changes: &Changes, most: u64) -> Result<(), Hopeless> {
    let clients = u64::from(workload.clients);
    let is_far = !workload.network.crossing().is_zero();
    let each = workload.transports.iter().map(|name| connections(name, is_far)).max().unwrap_or(1);
    let needed = clients * each + RESERVED;
    if needed <= most {
        return Ok(());
    }
    let fit = (most.saturating_sub(RESERVED) / each).max(1);
    let what = format!(
        "{} clients need {} descriptors at the server, and a process may have {} here (ulimit -Hn)",
        grouped(clients),
        grouped(needed),
        grouped(most)
    );
    let instead = match changes.clients {
        Some(_) => Instead::flag("--clients", fit),
        None => Instead::Fence(format!("clients: {fit}")),
    };
    Err(Hopeless { what, instead })
}

fn not_too_much_told(workload: &Workload, changes: &Changes) -> Result<(), Hopeless> {
    let clients = workload.clients as usize;
    let all = workload.events.len();
    if all.saturating_mul(clients) <= MOST_TOLD {
        return Ok(());
    }
    let what = format!(
        "{} messages to each of {} clients are {}; {} are the most",
        grouped(all),
        grouped(clients),
        grouped(all.saturating_mul(clients)),
        grouped(MOST_TOLD)
    );
    let fit = MOST_TOLD / clients;
    let said = workload.events.iter().filter(|event| event.client.is_some()).count();
    let news = all - said;
    if changes.clients.is_none() {
        return Err(Hopeless { what, instead: Instead::Fence("fewer of them, or fewer clients".into()) });
    }
    let instead = if said * 2 <= fit {
        vec![("--events", (fit - said).to_string())]
    } else if news * 2 <= fit {
        vec![("--cheers", (fit - news).to_string())]
    } else {
        vec![("--events", (fit / 2).to_string()), ("--cheers", (fit / 2).to_string())]
    };
    Err(Hopeless { what, instead: Instead::Flags(instead) })
}

fn not_too_much_text(workload: &Workload, changes: &Changes) -> Result<(), Hopeless> {
    let lanes = if workload.clients > 1 { 1 } else { workload.transports.len().max(1) };
    let all: usize = workload
        .events
        .iter()
        .map(|event| event.text.len().max(workload.size.unwrap_or_default()))
        .sum::<usize>()
        .saturating_mul(lanes);
    if all <= MOST_TEXT {
        return Ok(());
    }
    let on = if lanes > 1 { format!(", on {lanes} transports,") } else { String::new() };
    let what = format!(
        "{} texts{on} come to {} MiB, which are held in memory; {} are the most",
        grouped(workload.events.len()),
        grouped(all.div_ceil(1 << 20)),
        MOST_TEXT >> 20
    );
    let fit = MOST_TEXT / workload.events.len().max(1) / lanes;
    let fit = if fit >= 1024 { format!("{}KiB", fit / 1024) } else { fit.to_string() };
    let instead = match (changes.size, workload.size) {
        (Some(_), _) => Instead::flag("--size", fit),
        (None, Some(_)) => Instead::Fence(format!("size: {fit}")),
        (None, None) => Instead::Fence("fewer of them".into()),
    };
    Err(Hopeless { what, instead })
}

/// How many connections a client may have open at once.
fn connections(transport: &str, is_far: bool) -> u64 {
    match transport {
        // The next is opened while the end of the one before is still on its way.
        "close" if is_far => 2,
        // What it says goes beside what it hears.
        "long-poll" | "sse" => 2,
        // Two of polling, and the WebSocket that is tried.
        "socketio-upgrade" => 3,
        _ => 1,
    }
}

/// `80 ms`, `3.97 s`, `2 min 5 s`
fn told(time: Duration) -> String {
    let ms = time.as_millis();
    if ms < 1000 {
        return format!("{ms} ms");
    }
    let hundredths = ms / 10;
    if hundredths < 12_000 {
        let decimal = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        return format!("{} s", decimal.trim_end_matches('0').trim_end_matches('.'));
    }
    match (time.as_secs() / 60, time.as_secs() % 60) {
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// As a flag takes it: `1s500ms`
fn typed(time: Duration) -> String {
    humantime::format_duration(time).to_string().replace(' ', "")
}

/// `10,000`
pub(super) fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
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

    fn look(workload: &Workload, descriptors: Option<u64>) -> Result<(), Hopeless> {
        let changes = Changes { clients: Some(workload.clients), size: workload.size, ..Changes::default() };
        look_at(workload, &changes, descriptors)
    }

    #[test]
    fn a_round_trip_is_no_longer_than_the_schedule() {
        assert_eq!(look(&workload(3, 1, "sse"), None), Ok(()));
        let hopeless = look(&workload(4, 1, "sse"), None).unwrap_err();
        assert_eq!(hopeless.what, "a round trip of 4 s is longer than the schedule, which ends after 3 s");
        assert_eq!(hopeless.instead, Instead::flag("--rtt", "3s"));
        // Where the schedule is one of flags, what was asked of the network stays.
        let changes = Changes { events: Some(2), ..Changes::default() };
        let hopeless = look_at(&workload(4, 1, "sse"), &changes, None).unwrap_err();
        assert_eq!(hopeless.instead, Instead::flag("--every", "4s"));
        for (events, burst) in [(1, 1), (2, 1), (3, 5), (50, 7)] {
            let every = Some(Duration::from_secs(4));
            let changes = Changes { events: Some(events), burst: Some(burst), every, ..Changes::default() };
            let mended = changes.apply(workload(4, 1, "sse"), Network::default());
            assert_eq!(look_at(&mended, &changes, None), Ok(()), "{events}, {burst}");
        }
    }

    #[test]
    fn there_are_no_more_clients_than_descriptors() {
        let look = |clients, transport, most| look(&workload(0, clients, transport), Some(most));
        assert_eq!(look(5_000, "websocket", 5_400), Ok(()));
        assert_eq!(look(5_000, "close", 5_400), Ok(()));
        assert_eq!(look(1, "websocket", 100), Ok(()));
        assert_eq!(look(5_000, "sse", 5_400).unwrap_err().instead, Instead::flag("--clients", 2500));
        let hopeless = look(1_000, "socketio-upgrade", 1_024).unwrap_err();
        assert!(hopeless.what.starts_with("1,000 clients need 3,400 descriptors"), "{hopeless}");
        assert_eq!(hopeless.instead, Instead::flag("--clients", 208));
        let far = look_at(&workload(1, 5_000, "close"), &Changes::default(), Some(5_400)).unwrap_err();
        assert_eq!(far.instead, Instead::Fence("clients: 2500".into()));
    }

    #[test]
    fn there_is_no_more_text_than_memory_should_hold() {
        let mut long = workload(0, 1, "sse");
        let event = Planned { text: "x".repeat(16 << 10), ..long.events[0].clone() };
        (long.size, long.events) = (Some(16 << 10), vec![event; 4096]);
        assert_eq!(look(&long, None), Ok(()));
        long.transports = ["sse", "websocket"].map(str::to_owned).to_vec();
        let hopeless = look(&long, None).unwrap_err();
        assert_eq!(
            hopeless.what,
            "4,096 texts, on 2 transports, come to 128 MiB, which are held in memory; 64 are the most"
        );
        assert_eq!(hopeless.instead, Instead::flag("--size", "8KiB"));
        // One after the other, in a process of their own.
        long.clients = 2;
        assert_eq!(look(&long, None), Ok(()));
        let fence = look_at(&Workload { clients: 1, ..long }, &Changes::default(), None).unwrap_err();
        assert_eq!(fence.instead, Instead::Fence("size: 8KiB".into()));
    }

    #[test]
    fn so_many_are_told_and_no_more() {
        let many = |news, said, clients| {
            let mut many = workload(0, clients, "sse");
            let speech = Planned { client: Some("anna".into()), ..many.events[0].clone() };
            many.events = [vec![many.events[0].clone(); news], vec![speech; said]].concat();
            look(&many, None).map_err(|hopeless| hopeless.instead)
        };
        let flags = |flags: &[(&'static str, &str)]| {
            Err(Instead::Flags(flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()))
        };
        assert_eq!(many(1_000, 0, 5_000), Ok(()));
        assert_eq!(many(10_000, 0, 500), Ok(()));
        assert_eq!(many(5_000, 10, 5_000), flags(&[("--events", "990")]));
        assert_eq!(many(6, 5_000, 5_000), flags(&[("--cheers", "994")]));
        assert_eq!(many(5_000, 5_000, 5_000), flags(&[("--events", "500"), ("--cheers", "500")]));
    }

    #[test]
    fn nothing_is_left_out_for_want_of_time() {
        let asked = |events, every: u64, burst| {
            let every = Some(Duration::from_millis(every));
            let changes = Changes { events: Some(events), every, burst: Some(burst), ..Changes::default() };
            fits_the_hour(&changes)
        };
        assert_eq!(asked(3_600, 1_000, 1), Ok(()));
        assert_eq!(asked(10_000, 2_000, 10), Ok(()));
        let hopeless = asked(10_000, 2_000, 1).unwrap_err();
        assert_eq!(hopeless.what, "10,000 events, 2 s apart, take longer than an hour");
        assert_eq!(hopeless.instead, Instead::flag("--every", "360ms"));
        assert_eq!(asked(10_000, 360, 1), Ok(()));
    }

    #[test]
    fn times_are_told_as_people_write_them() {
        let told = |ms| told(Duration::from_millis(ms));
        assert_eq!([told(80), told(3_972), told(4_500)], ["80 ms", "3.97 s", "4.5 s"]);
        assert_eq!([told(119_990), told(120_000), told(125_000)], ["119.99 s", "2 min", "2 min 5 s"]);
    }
}
