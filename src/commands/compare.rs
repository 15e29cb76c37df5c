//! `wsdemo compare`: the built-in lesson of that name, its workload changed by flags.

use super::play;
use crate::cli::{Playing, WorkloadFlags};
use crate::failure::Failure;
use crate::lesson::play::{Changes, Flags};

pub(super) fn run(playing: &Playing, workload: WorkloadFlags) -> Result<(), Failure> {
    let WorkloadFlags { events, every, poll } = workload;
    let changes = Changes { events, every, poll, ..Changes::default() };
    play::lesson("compare", "compare", playing, Flags { changes, ..Flags::default() })
}
