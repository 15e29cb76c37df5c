//! One client hurts no other: `scripts/strangers` with fewer of each, so that it takes seconds. The figures that count are
//! those of the script itself.

use std::process::Command;

use crate::harness::{ALONE, output};

#[test]
#[ignore = "needs a release build and a machine that is quiet, run by scripts/test"]
fn those_who_misbehave_delay_nobody() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut command = Command::new(env!("CARGO"));
    command.args(["bench", "--locked", "--quiet", "--bench", "strangers", "--"]).args([
        "--listeners",
        "50",
        "--strangers",
        "50",
        "--vanishing",
        "200",
        "--phase",
        "2",
        "--most",
        "3",
    ]);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let run = output(command);
    let (table, error) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{table}\n{error}");
    assert_eq!(table.lines().filter(|line| line.contains("do not read their socket")).count(), 2, "{table}");
    assert!(table.contains("after they vanished"), "{table}");
}
