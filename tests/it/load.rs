//! `wsdemo compare --clients N`: two processes, what they count, and what becomes of them when something goes wrong.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use wsdemo::timeline::{Kind, Summary};

use crate::harness::{ALONE, LIMIT, Run, json, output, wsdemo};
use crate::shape;

/// A short match.
const SHORT: [&str; 6] = ["--events", "4", "--every", "300ms", "--poll", "300ms"];

fn run(args: &[&str]) -> Run {
    let _alone = ALONE.lock();
    json(&[&["compare"], &SHORT[..], args].concat())
}

fn summary(run: &Run) -> &Summary {
    match &run.events.last().unwrap().kind {
        Kind::Summary(summary) => summary,
        other => panic!("the last is no summary: {other:?}"),
    }
}

#[test]
fn every_transport_carries_all_to_all() {
    let run = run(&["--all", "--clients", "20", "--cheers", "5"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    shape::check(&run);
    let summary = summary(&run);
    assert_eq!((summary.clients, summary.partial, summary.transports.len()), (20, false, 7));
    for it in &summary.transports {
        assert_eq!((it.events, it.lost, it.doubled, it.broken), (4, 0, 0, 0), "{it:?}");
        assert_eq!((it.sent, it.unreached, &it.failed), (5, 0, &None), "{it:?}");
        let heard: u64 = it.delays.iter().map(|delays| delays.count).sum();
        assert_eq!(heard, 80, "{it:?}");
        assert!(it.connections >= 20 && it.requests >= 20, "{it:?}");
        let (client, server) = (it.made_of.client, it.made_of.server);
        assert_eq!((client.total(), server.total()), (it.from_client, it.from_server), "{it:?}");
        assert_eq!(client.messages + server.messages, it.payload, "{it:?}");
        assert!(client.headers > 0 && server.headers > 0 && server.messages > 0, "{it:?}");
        assert_eq!((client.tls, server.tls), (0, 0), "{it:?}");
        assert!(it.once.bytes < it.from_client + it.from_server, "{it:?}");
        assert!(it.reached_after.is_some() && it.heard_after.is_some(), "{it:?}");
        assert!(it.cpu.unwrap().seconds() > 0.0, "{it:?}");
        if cfg!(target_os = "linux") {
            let waits = it.time_wait.unwrap();
            assert!(it.memory.is_some() && waits.client + waits.server <= it.connections, "{it:?}");
        }
    }
    let of = |name: &str| summary.transports.iter().find(|it| it.name == name).unwrap();
    assert_eq!((of("websocket").connections, of("websocket").requests), (20, 20));
    assert_eq!(of("close").connections, of("close").requests);
    assert_eq!(of("websocket").once.connections, 20);
    assert_eq!(of("close").once.connections, 0);
    let scaled = summary.scaled.as_ref().unwrap();
    assert!((scaled.transports[4].connections - 10_000.0).abs() < 1.0, "{scaled:?}");
}

/// Far away, one client and many have the same: nothing is made before all are there.
#[test]
fn a_crowd_and_one_client_agree() {
    let far = ["--all", "--rtt", "200ms", "--cheers", "0"];
    let (one, three) = (run(&far), run(&[&far[..], &["--clients", "3"]].concat()));
    for (one, three) in summary(&one).transports.iter().zip(&summary(&three).transports) {
        assert_eq!((one.lost, three.lost), (0, 0), "{one:?} {three:?}");
        let once = (one.once.connections * 3, one.once.requests * 3);
        assert_eq!(once, (three.once.connections, three.once.requests), "{} {:?}", one.name, three.once);
        if one.name != "close" && one.name != "keep-alive" {
            let counted = (one.connections * 3, one.requests * 3);
            assert_eq!(counted, (three.connections, three.requests), "{}", one.name);
        }
    }
}

#[test]
fn over_tls_its_bytes_are_told_apart() {
    let run = run(&["--only", "keep-alive,websocket,sse", "--clients", "10", "--tls"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for it in &summary(&run).transports {
        let parts = [it.made_of.client, it.made_of.server];
        assert!(parts.iter().all(|it| it.tls > 100 && it.headers > 0), "{it:?}");
        assert_eq!((parts[0].total(), parts[1].total()), (it.from_client, it.from_server), "{it:?}");
        assert_eq!((it.lost, &it.failed), (0, &None), "{it:?}");
    }
}

/// A long run, of which the lines are read as they come.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut command = wsdemo(&[&["compare", "--json"], args].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        for line in self.lines.by_ref() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if wanted(&line) {
                return line;
            }
        }
        panic!("it never came");
    }

    /// The processes that it has started, once there are so many: each with what it was told to be.
    fn sides(&self, count: usize) -> Vec<(u32, String)> {
        let began = Instant::now();
        loop {
            let found = children(self.child.id());
            if found.len() == count {
                return found;
            }
            assert!(began.elapsed() < LIMIT, "{found:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn ended(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

/// Of each child of a process: its number, and the last word of its command line.
fn children(parent: u32) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        if fields.get(1).and_then(|it| it.parse().ok()) == Some(parent) && fields[0] != "Z" {
            let line = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            found.push((pid, line.trim_end_matches('\0').rsplit('\0').next().unwrap_or_default().to_owned()));
        }
    }
    found
}

fn kill(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

fn is_there(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

const LONG: [&str; 6] = ["--events", "600", "--every", "200ms", "--poll", "200ms"];

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_ends_early_with_what_there_is() {
    // Also where all are still connecting.
    for clients in [&["--clients", "10"][..], &["--clients", "5000", "--rtt", "1s"], &[]] {
        let mut running = Running::start(&[&LONG[..], clients, &["--only", "keep-alive,websocket"]].concat());
        if clients.is_empty() {
            running.until(|line| line["kind"] == "heard" && line["client"] == "keep-alive");
        } else {
            running.sides(2);
        }
        kill(running.child.id(), Signal::INT);
        let summary = running.until(|line| line["kind"] == "summary");
        assert_eq!(summary["partial"], true, "{summary}");
        let first = &summary["transports"][0];
        assert!(first["failed"].is_null() && first["events"].as_u64() < Some(600), "{summary}");
        for it in summary["transports"].as_array().unwrap() {
            assert_eq!((it["lost"].as_u64(), it["unreached"].as_u64()), (Some(0), Some(0)), "{it}");
        }
        assert_eq!(running.ended(), Some(130));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn one_that_fails_is_reported_and_the_others_finish() {
    let args = ["--clients", "5", "--only", "websocket,keep-alive"];
    let mut running = Running::start(&[&SHORT[..], &args].concat());
    let sides = running.sides(2);
    let server = sides.iter().find(|(_, side)| side == "server").unwrap().0;
    kill(server, Signal::KILL);
    let failed = running.until(|line| line["kind"] == "world");
    assert_eq!(failed["what"], "failed");
    let text = failed["text"].as_str().unwrap();
    assert!(text.starts_with("websocket: the process of the server ended: "), "{text}");
    let summary = running.until(|line| line["kind"] == "summary");
    let [first, second] = [0, 1].map(|n| summary["transports"][n].clone());
    assert!(first["failed"].is_string() && first["heard_after"].is_null(), "{first}");
    assert!(second["failed"].is_null() && second["lost"] == 0, "{second}");
    assert_eq!(running.ended(), Some(1));
}

/// Whoever started them may be gone without a word.
#[test]
#[cfg(target_os = "linux")]
fn no_process_is_left_behind() {
    let running = Running::start(&[&LONG[..], &["--clients", "5", "--only", "sse"]].concat());
    let sides = running.sides(2);
    kill(running.child.id(), Signal::KILL);
    running.ended();
    let began = Instant::now();
    while sides.iter().any(|(pid, _)| is_there(*pid)) {
        assert!(began.elapsed() < LIMIT, "{sides:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_cannot_go_well_is_said_before_anything_starts() {
    let wrong = [
        (&["--only", "websockt"][..], "try: wsdemo compare --only websocket"),
        (&["--only", "polling"], "(did you mean keep-alive, or close?)"),
        (&["--only", ""], "a transport is missing; there are close, "),
        (&["--only", "sse,sse"], "sse is there twice"),
        (&["--rtt", "9s", "--events", "1"], "a round trip of 9 s is longer than the schedule"),
        (
            &["--rtt", "5s", "--events", "2", "--every", "500ms"],
            "try: wsdemo compare --rtt 5s --events 2 --every 5s",
        ),
        (&["--all", "--events", "1800", "--size", "32KiB"], "--all --events 1800 --size 5KiB"),
        (&["--clients", "5000", "--events", "1700"], "--clients 5000 --events 998"),
        (&["--events", "10000"], "try: wsdemo compare --events 10000 --every 360ms"),
        (&["--clients", "5001"], "must be from 1 to 5,000"),
        (&["--scale", "10000"], "clients and a time, such as 10000x1h"),
        (&["--size", "33KiB"], "must be from 1 byte to 32KiB"),
        (&["--size", "100MB"], "a size such as 200 or 2KiB"),
        (&["--events", "0"], "must be from 1 to 10,000"),
    ];
    for (args, words) in wrong {
        let told = output(wsdemo(&[&["compare"], args].concat()));
        let stderr = String::from_utf8(told.stderr).unwrap();
        assert_eq!((told.status.code(), told.stdout.len()), (Some(2), 0), "{args:?}: {stderr}");
        assert!(stderr.contains(words), "{args:?}: {stderr}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn there_are_no_more_clients_than_descriptors() {
    let mut limited = std::process::Command::new("prlimit");
    limited.args([
        "--nofile=1000:1000",
        env!("CARGO_BIN_EXE_wsdemo"),
        "compare",
        "--clients",
        "2000",
        "--only",
        "sse",
    ]);
    let told = output(limited);
    let stderr = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("2,000 clients need 4,400 descriptors")
            && stderr.contains("compare --only sse --clients 300"),
        "{stderr}"
    );
}
