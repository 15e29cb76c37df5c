//! `wsdemo http`: the built-in lesson of that name.

use super::play;
use crate::cli::Playing;
use crate::failure::Failure;
use crate::lesson::play::Flags;

pub(super) fn run(playing: &Playing) -> Result<(), Failure> {
    play::lesson("http", playing, Flags::default())
}
