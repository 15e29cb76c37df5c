//! `wsdemo compare`: the built-in lesson of that name, or that of all ways where others are chosen, its workload changed by flags.

use clap::ValueEnum as _;

use super::play;
use crate::cli::{Playing, Way, WorkloadFlags};
use crate::failure::Failure;
use crate::lesson::play::{Changes, Flags, Scale};

pub(super) fn run(playing: &Playing, workload: WorkloadFlags) -> Result<(), Failure> {
    // What the one tells is true of its three transports only.
    let lesson = if workload.all || workload.only.is_some() { "ways" } else { "compare" };
    play::lesson(lesson, "compare", playing, Flags { changes: changes(workload), ..Flags::default() })
}

fn changes(flags: WorkloadFlags) -> Changes {
    let WorkloadFlags { all, only, events, every, burst, cheers, size, poll, clients, scale, tls } = flags;
    let chosen = if all { Some(Way::value_variants().to_vec()) } else { only };
    Changes {
        transports: chosen.map(|ways| names(&ways)),
        events,
        every,
        burst,
        cheers,
        size,
        poll,
        clients,
        tls,
        scale: scale.map(|it| Scale { clients: it.clients, time: it.time }),
    }
}

/// Each once, as in the lesson notation.
fn names(ways: &[Way]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for way in ways.iter().filter_map(Way::to_possible_value) {
        if !names.iter().any(|name| name == way.get_name()) {
            names.push(way.get_name().to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::transport;
    use crate::lesson::script::TRANSPORTS;

    #[test]
    fn the_flags_know_every_transport() {
        let all = changes(WorkloadFlags { all: true, ..WorkloadFlags::default() }).transports.unwrap();
        assert_eq!(all, TRANSPORTS);
        for name in all {
            assert_eq!(transport(&name).unwrap().name(), name);
        }
        assert_eq!(names(&[Way::Sse, Way::Websocket, Way::Sse]), ["sse", "websocket"]);
    }
}
