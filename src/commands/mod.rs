//! One file per subcommand. Each puts the other rooms together; how a lesson is run is the same for all: `play`.

mod compare;
mod front;
mod http;
mod interrupt;
mod lesson;
mod look;
mod pace;
mod play;
mod progress;
mod socket;

use crate::cli::{Cli, Command};
use crate::failure::Failure;

/// Does what was typed.
///
/// # Errors
/// Whatever went wrong, ready to be shown.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Http(playing) => http::run(&playing),
        Command::Socket(playing) => socket::run(&playing),
        Command::Compare { playing, workload } => compare::run(&playing, workload),
        Command::Lesson { lesson, playing } => lesson::run(lesson.as_deref(), &playing),
    }
}
