//! One client hurts no other: `scripts/strangers` with fewer of each, so that it takes seconds. The figures that count are
//! those of the script itself.

use std::process::Command;

use crate::harness::{ALONE, output};

#[test]
#[ignore = "needs a machine that is quiet, run by scripts/test"]
fn those_who_misbehave_delay_nobody() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // Built as the tests are: whether somebody is delayed shows there as well. Building takes as long as it takes.
    let bench = || {
        let mut command = Command::new(env!("CARGO"));
        command.args(["bench", "--locked", "--quiet", "--profile", "dev", "--bench", "strangers"]);
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command
    };
    assert!(bench().arg("--no-run").status().unwrap().success());
    let fewer =
        ["--listeners", "50", "--strangers", "50", "--vanishing", "200", "--phase", "2", "--most", "3"];
    let mut command = bench();
    command.arg("--").args(fewer);
    let run = output(command);
    let (table, error) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{table}\n{error}");
    assert_eq!(table.lines().filter(|line| line.contains("do not read their socket")).count(), 2, "{table}");
    assert!(table.contains("after they vanished"), "{table}");
}
