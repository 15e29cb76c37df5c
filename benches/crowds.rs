//! What each transport costs for 100, 1,000 and 5,000 clients: `wsdemo compare --clients N`, as anybody can type it.
//!
//! An argument names the transports: `cargo bench --bench crowds -- websocket,sse`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and ends where something fails"
)]

use std::process::Command;
use std::time::Instant;

use serde_json::Value;

const CLIENTS: [u64; 3] = [100, 1_000, 5_000];
const ALL: &str = "close,keep-alive,long-poll,sse,websocket,socketio,socketio-upgrade";
/// Six pieces of news in six seconds, and polls each two.
const WORK: [&str; 10] =
    ["--events", "6", "--every", "1s", "--poll", "2s", "--cheers", "0", "--json", "--auto"];

fn main() {
    let chosen = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    println!(
        "6 pieces of news, one a second, polls each 2 s; the server's CPU time and memory, for each client"
    );
    println!(
        "{:<17} {:>7} {:>10} {:>10} {:>12} {:>11} {:>11} {:>9} {:>9} {:>6}",
        "", "clients", "CPU, us", "to begin", "CPU a run", "memory", "median, ms", "p99, ms", "took", "lost"
    );
    for name in chosen.as_deref().unwrap_or(ALL).split(',') {
        for clients in CLIENTS {
            row(name, clients);
        }
    }
}

fn row(name: &str, clients: u64) {
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wsdemo"));
    command.args(["compare", "--only", name, "--clients", &clients.to_string()]).args(WORK);
    let output = command.output().unwrap();
    let took = began.elapsed().as_secs_f64();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let last: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    let it = &last["transports"][0];
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let (cpu, once) = (number(&it["cpu"]) * 1e6, number(&it["once"]["cpu"]) * 1e6);
    let (all, first) = (cpu / clients as f64, once / clients as f64);
    let heard = |name: &str| number(&it["heard_after"][name]) * 1e3;
    println!(
        "{name:<17} {clients:>7} {all:>10.0} {first:>10.0} {:>12.0} {:>7.1} KiB {:>11.2} {:>9.1} {:>8.3}x {:>6}",
        all - first,
        number(&it["memory"]) / 1024.0,
        heard("median"),
        heard("p99"),
        took / number(&it["ran"]),
        it["lost"],
    );
    if let Some(why) = it["failed"].as_str() {
        println!("  {why}");
    }
}
