//! What a lesson needs before it begins, and who speaks in it.

use std::collections::HashSet;

use super::player::Flags;
use super::transcript::REFEREE;
use crate::lesson::script::{Lesson, Part};

pub(super) fn parts(lesson: &Lesson) -> impl Iterator<Item = &Part> {
    lesson.steps.iter().flat_map(|step| &step.parts)
}

pub(super) fn has_transcripts(lesson: &Lesson) -> bool {
    parts(lesson).any(|part| matches!(part, Part::Wire(_)))
}

/// One for the lesson's own server, and one for each lane of each compare.
pub(super) fn ports_needed(lesson: &Lesson, flags: &Flags) -> usize {
    let lanes = parts(lesson).map(|part| match part {
        Part::Compare(workload) => {
            let workload = flags.changes.apply(workload.clone(), flags.network);
            // Many clients are served by another process.
            if workload.clients > 1 { 0 } else { workload.transports.len() }
        }
        Part::Prose(_) | Part::Code { .. } | Part::Wire(_) | Part::Predict(_) | Part::Note { .. } => 0,
    });
    lanes.sum::<usize>() + usize::from(has_transcripts(lesson))
}

/// The last line that anything could still be said of.
pub(super) fn lesson_end(lesson: &Lesson) -> usize {
    lesson.steps.last().map_or(1, |step| step.line)
}

/// Who says something over Socket.IO without a name.
const SOMEONE: &str = "someone";

/// The referee, every name after a `"from":` in what the lesson sends, and who has no name where the lesson emits messages.
pub(super) fn speakers(lesson: &Lesson) -> HashSet<String> {
    let wires = parts(lesson).filter_map(|part| match part {
        Part::Wire(wire) => Some(wire.text.as_str()),
        Part::Prose(_) | Part::Code { .. } | Part::Compare(_) | Part::Predict(_) | Part::Note { .. } => None,
    });
    let wires: Vec<_> = wires.collect();
    let someone = wires.iter().any(|text| text.contains("> emit message ")).then_some(SOMEONE);
    let names = wires
        .iter()
        .flat_map(|text| text.split("\"from\":").skip(1))
        .filter_map(|rest| rest.split('"').nth(1));
    names.chain([REFEREE]).chain(someone).map(ToOwned::to_owned).collect()
}
