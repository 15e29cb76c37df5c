//! Autobahn's suite against `/ws/echo`: <https://github.com/crossbario/autobahn-testsuite>.
//!
//! It is written in Python 2.7, which Debian no longer has; `scripts/test` says where it looks for one, and puts the suite into
//! `target/autobahn`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use wsdemo::server::{Limits, Options};
use wsdemo::timeline::{Kind, Seq};

use crate::harness::{ALONE, output, state};
use crate::visitor::Host;

/// The longest message of the suite, bytes (cases 9.1.6 and 9.2.6).
const LONGEST: usize = 16 << 20;

/// As many cases as sections 1 to 10 have: the suite says nothing of those that it leaves out.
const CASES: usize = 301;

/// Runs the suite as its own command does, with the folder that it was put into.
const RUN: &str =
    "import site, sys; site.addsitedir(sys.argv.pop(1)); from autobahntestsuite.wstest import run; run()";

fn fuzz(address: &str, folder: &Path) -> Value {
    let spec = json!({
        "outdir": folder.join("reports"),
        "servers": [{ "agent": "wsdemo", "url": format!("ws://{address}/ws/echo") }],
        "cases": (1..=10).map(|section| format!("{section}.*")).collect::<Vec<_>>(),
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    let file = folder.join("spec.json");
    fs::write(&file, spec.to_string()).unwrap();
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/autobahn");
    let python = std::env::var("PYTHON2").unwrap_or_else(|_| "python2.7".into());
    let mut command = Command::new(python);
    command.args(["-c", RUN]).arg(suite).args(["-m", "fuzzingclient", "-s"]).arg(file);
    let ran = output(command);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let report = fs::read(folder.join("reports/index.json")).unwrap();
    serde_json::from_slice::<Value>(&report).unwrap()["wsdemo"].take()
}

#[test]
#[ignore = "needs Python 2.7 and Autobahn's suite, run by scripts/test"]
fn the_suite_finds_nothing_wrong_and_nothing_is_reset() {
    let _alone = ALONE.lock();
    let limits = Limits { message: LONGEST, ..Limits::SERVE };
    let host = Host::with(Options { limits, ..Options::default() });
    let folder = tempfile::tempdir().unwrap();
    let report = fuzz(&host.address.to_string(), folder.path());
    let cases = report.as_object().unwrap();
    assert_eq!(cases.len(), CASES);
    let mut wrong = Vec::new();
    for (case, result) in cases {
        // What is informational may be done in several ways. In 6.4 a text is wrong before its end, and tungstenite looks at it
        // when its frame has ended: right, and not as early as could be.
        let late = |what: Option<&str>| what == Some("NON-STRICT") && case.starts_with("6.4.");
        let fine = |what: &str| matches!(result[what].as_str(), Some("OK" | "INFORMATIONAL"));
        if !fine("behaviorClose") || !(fine("behavior") || late(result["behavior"].as_str())) {
            wrong.push(format!("{case}: {result}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {CASES}:\n{}", wrong.len(), wrong.join("\n"));
    host.stop();
    let events = host.bus.after(Seq(0));
    let reset = |event: &Kind| matches!(event, Kind::Closed { reset_by: Some(_), .. });
    let resets = events.iter().filter(|event| reset(&event.kind)).count();
    assert_eq!(resets, 0);
    let state = state(events.iter().map(|event| &**event));
    // One a case, and two with which the suite asks who we are.
    assert!(state.connections.len() >= CASES, "{}", state.connections.len());
    assert!(state.connections.values().all(|connection| connection.closed.is_some()));
}
