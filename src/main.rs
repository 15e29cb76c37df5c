//! Parse, run, exit code.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use wsdemo::{cli::Cli, commands, terminal};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = commands::run(cli);
    terminal::restore();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where stderr is gone there is nobody to tell.
            let _ = write!(std::io::stderr(), "{failure}");
            failure.exit_code()
        }
    }
}
