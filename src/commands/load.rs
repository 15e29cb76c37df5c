//! `wsdemo load`, which nobody types: one side of a compare with many clients.

use crate::cli::LoadSide;
use crate::failure::Failure;

pub(super) fn run(_side: LoadSide) -> Result<(), Failure> {
    Err(Failure::new("not built yet"))
}
