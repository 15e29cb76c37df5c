//! `wsdemo compare`: the built-in lesson of that name, that of all ways, or that of chosen ones; its workload changed by flags.

use clap::ValueEnum as _;

use super::{play, typed};
use crate::cli::{Playing, Way, WorkloadFlags};
use crate::failure::Failure;
use crate::lesson::parse::likely_transport;
use crate::lesson::play::{Changes, Flags, Scale};
use crate::lesson::script::TRANSPORTS;
use crate::terminal::safe;

pub(super) fn run(playing: &Playing, workload: WorkloadFlags) -> Result<(), Failure> {
    // What a lesson tells before the run is to be true of the run: of chosen transports, little can be told.
    let lesson = match (workload.all, &workload.only) {
        (true, _) => "ways",
        (false, Some(_)) => "only",
        (false, None) => "compare",
    };
    play::lesson(lesson, playing, Flags { changes: changes(workload)?, ..Flags::default() })
}

fn changes(flags: WorkloadFlags) -> Result<Changes, Failure> {
    let WorkloadFlags { all, only, events, every, burst, cheers, size, poll, clients, scale, tls } = flags;
    let every_way = || Way::value_variants().iter().map(|way| name(*way)).collect();
    let chosen = only.map(|list| chosen(&list)).transpose()?;
    Ok(Changes {
        transports: if all { Some(every_way()) } else { chosen },
        events,
        every,
        burst,
        cheers,
        size,
        poll,
        clients,
        tls,
        scale: scale.map(|it| Scale { clients: it.clients, time: it.time }),
    })
}

/// As in the lesson notation.
fn name(way: Way) -> String {
    way.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Each of a list as in the lesson notation, in its order.
fn chosen(list: &[String]) -> Result<Vec<String>, Failure> {
    let (mut names, mut twice, mut meant) = (Vec::new(), None, Vec::new());
    let mut unknown = None;
    for word in list.iter().map(|word| word.trim()) {
        let name = match Way::from_str(word, true) {
            Ok(way) => name(way),
            Err(_) => {
                let likely = likely_transport(word);
                unknown = unknown.or(Some((word, likely)));
                // Of several that may be meant, the first.
                likely.unwrap_or_default().split(',').next().unwrap_or_default().to_owned()
            }
        };
        if meant.contains(&name) {
            twice = twice.or(Some(name.clone()));
        } else if !name.is_empty() {
            meant.push(name.clone());
        }
        names.push(name);
    }
    let what = match (unknown, twice) {
        (None, None) => return Ok(names),
        (Some((word, likely)), _) => no_transport(word, likely),
        (None, Some(name)) => format!("{name} is there twice"),
    };
    let meant = if meant.is_empty() { "sse,websocket".to_owned() } else { meant.join(",") };
    Err(Failure::usage(what).with_hint(typed::with(&[("--only", meant)])))
}

fn no_transport(word: &str, likely: Option<&str>) -> String {
    if word.is_empty() {
        return format!("a transport is missing; there are {}", TRANSPORTS.join(", "));
    }
    let likely = likely.map(|likely| format!(" (did you mean {likely}?)")).unwrap_or_default();
    format!("no transport is named \"{}\"{likely}; there are {}", safe(word), TRANSPORTS.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::transport;

    #[test]
    fn the_flags_know_every_transport() {
        let all =
            changes(WorkloadFlags { all: true, ..WorkloadFlags::default() }).unwrap().transports.unwrap();
        assert_eq!(all, TRANSPORTS);
        for name in all {
            assert_eq!(transport(&name).unwrap().name(), name);
        }
    }

    #[test]
    fn chosen_ones_are_known_and_there_once() {
        let chosen = |list: &str| {
            let list: Vec<String> = list.split(',').map(str::to_owned).collect();
            chosen(&list).map_err(|failure| failure.to_string().lines().next().unwrap_or_default().to_owned())
        };
        assert_eq!(chosen("websocket,sse"), Ok(["websocket", "sse"].map(str::to_owned).to_vec()));
        assert_eq!(chosen("ws, LongPoll").unwrap(), ["websocket", "long-poll"]);
        assert_eq!(chosen("sse,sse").unwrap_err(), "error: sse is there twice");
        assert_eq!(chosen("websocket,ws").unwrap_err(), "error: websocket is there twice");
        let told = |list: &str| chosen(list).unwrap_err();
        assert!(
            told("polling").contains("\"polling\" (did you mean keep-alive, or close?); there are close, ")
        );
        assert!(told("sse,server-sent-events").contains("(did you mean sse?)"));
        assert!(told("pigeon").contains("no transport is named \"pigeon\"; there are close, "));
        assert!(told("sse,").contains("a transport is missing"));
    }
}
