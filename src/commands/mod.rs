//! One file per subcommand. Each puts the other rooms together; how a lesson is run is the same for all: `play`.

mod check;
mod compare;
mod from;
mod front;
mod http;
mod interrupt;
mod lesson;
mod load;
mod look;
mod new;
mod pace;
mod play;
mod progress;
mod serve;
mod socket;
mod typed;

use std::io::{self, Write as _};

use crate::cli::{Cli, Command, NetworkFlags};
use crate::failure::Failure;
use crate::tap::{Network, Stall};

/// Does what was typed.
///
/// # Errors
/// Whatever went wrong, ready to be shown.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Http(playing) => http::run(&playing),
        Command::Socket(playing) => socket::run(&playing),
        Command::Compare { playing, workload } => compare::run(&playing, workload),
        Command::Lesson { task, playing } => lesson::run(task, &playing),
        Command::Serve(serving) => serve::run(&serving),
        Command::Load { side } => load::run(side),
    }
}

/// Prints lines that are the result. Whoever stops reading them is not told of it.
fn print(lines: &[String]) -> Result<(), Failure> {
    match write(lines) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write: {error}")))
        }
        Err(_) | Ok(()) => Ok(()),
    }
}

fn write(lines: &[String]) -> io::Result<()> {
    let text: String = lines.iter().map(|line| format!("{}\n", line.trim_end())).collect();
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// One thread: what the server and the clients do is then told in the order in which it was done.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// What is asked to be added to the network.
fn network(flags: &NetworkFlags) -> Network {
    let stall = flags.stall.map(|stall| Stall { time: stall.time, every: stall.every });
    Network { rtt: flags.rtt.unwrap_or_default(), stall, cut: flags.cut }
}

/// Without a runtime, or the TLS that was asked for, nothing can be done.
fn cannot_start(error: impl std::error::Error) -> Failure {
    Failure::new(format!("cannot start: {error}"))
}
