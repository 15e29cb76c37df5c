//! The real socket.io-client: the same script against `wsdemo serve` and against the lecture's Express server, which must
//! have equal results.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::harness::output;

/// What the script saw at a server that it started with this command, case by case.
fn seen_at(server: &[&str]) -> BTreeMap<String, Value> {
    let mut node = Command::new("node");
    node.args(["tests/it/peers/socketio.mjs", "http://127.0.0.1:0"]).args(server);
    let output = output(node);
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let failed = said.lines().any(|line| line.starts_with("not ok"));
    assert!(output.status.success() && !failed, "{server:?}\n{}\n{errors}", brief(&said));
    serde_json::from_str(said.lines().last().unwrap()).unwrap()
}

/// Without the results, which are long.
fn brief(said: &str) -> String {
    said.lines().filter(|line| !line.starts_with('{')).collect::<Vec<_>>().join("\n")
}

#[test]
#[ignore = "needs Node and socket.io-client, run by scripts/test"]
fn both_servers_are_the_same_to_the_real_client() {
    let express = seen_at(&["node", "examples/express-server/server.js"]);
    let wsdemo = seen_at(&[env!("CARGO_BIN_EXE_wsdemo"), "serve", "--port", "{port}"]);
    assert!(express.len() > 30, "{express:?}");
    assert!(express.keys().eq(wsdemo.keys()), "{:?}\n{:?}", express.keys(), wsdemo.keys());
    for (case, seen) in &express {
        assert_eq!(seen, &wsdemo[case], "{case}: Express on the left, wsdemo on the right");
    }
}
