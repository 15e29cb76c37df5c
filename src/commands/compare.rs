//! `wsdemo compare`: the built-in lesson of that name, its workload changed by flags.

use super::play;
use crate::cli::{Playing, WorkloadFlags};
use crate::failure::Failure;
use crate::lesson::play::Flags;

pub(super) fn run(playing: &Playing, workload: WorkloadFlags) -> Result<(), Failure> {
    let WorkloadFlags { events, every, poll } = workload;
    play::lesson("compare", "compare", playing, Flags { events, every, poll, ..Flags::default() })
}
