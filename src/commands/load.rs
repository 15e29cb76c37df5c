//! `wsdemo load`, which nobody types: one side of a compare with many clients.

use super::{cannot_start, runtime};
use crate::cli::LoadSide;
use crate::failure::Failure;
use crate::load;

pub(super) fn run(side: LoadSide) -> Result<(), Failure> {
    let runtime = runtime().map_err(cannot_start)?;
    let done = runtime.block_on(async {
        match side {
            LoadSide::Server => load::serve().await,
            LoadSide::Clients => load::visit().await,
        }
    });
    // A thread of it may still wait for a line that does not come.
    runtime.shutdown_background();
    done.map_err(|error| Failure::new(error.to_string()))
}
