//! The React page of `examples/`, in Chromium: its own tests, beside `wsdemo serve` and beside the Express server.

use std::process::Command;

use crate::harness::{ALONE, output};

/// Runs `npm test` there, and says how many of its tests passed.
fn passed(variable: &str, server: &str) -> usize {
    // A browser, Vite and two servers keep both processors busy.
    let _alone = ALONE.lock();
    let mut npm = Command::new("npm");
    npm.args(["test", "--prefix", "examples/react-client"]).env_remove("WSDEMO").env_remove("EXPRESS");
    // Whoever runs tests within node's own runner has its results hidden from what is run here.
    npm.env_remove("NODE_TEST_CONTEXT").env(variable, server);
    let output = output(npm);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let count = said.lines().find_map(|line| line.split_once("pass ")?.1.trim().parse().ok());
    count.unwrap_or_else(|| panic!("no count: {said}"))
}

#[test]
#[ignore = "needs Node, Chromium and the example's packages, run by scripts/test"]
fn the_page_works_beside_wsdemo() {
    assert_eq!(passed("WSDEMO", env!("CARGO_BIN_EXE_wsdemo")), 12);
}

#[test]
#[ignore = "needs Node, Chromium and the example's packages, run by scripts/test"]
fn the_page_works_beside_the_express_server() {
    let server = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/express-server/server.js");
    assert_eq!(passed("EXPRESS", server), 10, "all but those of the plain address and of what is refused");
}
