//! Runs the built program and reads what it tells.
//!
//! Waits are for events, with limits that only a broken program reaches.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, Once, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use wsdemo::timeline::{ConnId, Event, Kind, Side, State};

/// What only a broken program takes.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Held by tests that keep both processors busy, and by those that measure short times: one after the other.
pub static ALONE: Mutex<()> = Mutex::new(());

/// A run with `--json`, read.
#[derive(Debug)]
pub struct Run {
    /// The first line.
    pub header: Value,
    /// The others, as they were printed.
    pub lines: Vec<Value>,
    /// The same, understood.
    pub events: Vec<Event>,
    pub code: Option<i32>,
    pub stderr: String,
}

/// The built program, in an environment that changes nothing about it.
pub fn wsdemo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wsdemo"));
    command.args(args).stdin(Stdio::null()).env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color");
    for variable in
        ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "ACCESSIBLE", "COLUMNS", "WSDEMO_LESSONS"]
    {
        command.env_remove(variable);
    }
    command
}

/// Runs a command to its end; kills it and fails where that does not come.
pub fn output(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let stdout = thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).map(|_| bytes)
    });
    let stderr = thread::spawn(move || {
        let mut bytes = Vec::new();
        err.read_to_end(&mut bytes).map(|_| bytes)
    });
    let began = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if began.elapsed() > LIMIT => {
                child.kill().unwrap();
                panic!("{command:?} does not end");
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    Output { status, stdout: stdout.join().unwrap().unwrap(), stderr: stderr.join().unwrap().unwrap() }
}

/// Runs with `--json`, and reads all of it.
pub fn json(args: &[&str]) -> Run {
    Run::read(&output(wsdemo(&[args, &["--json"]].concat())))
}

impl Run {
    pub fn read(output: &Output) -> Self {
        let stdout = std::str::from_utf8(&output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr.clone()).unwrap();
        let mut lines =
            stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")));
        let header = lines.next().unwrap_or_else(|| panic!("nothing was printed; stderr: {stderr}"));
        let lines: Vec<Value> = lines.collect();
        let events = lines
            .iter()
            .map(|line| serde_json::from_value(line.clone()).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect();
        Self { header, lines, events, code: output.status.code(), stderr }
    }

    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.events.iter().map(|event| &event.kind)
    }

    /// What all events add up to.
    pub fn state(&self) -> State {
        state(&self.events)
    }

    /// Every byte that one side sent on a connection.
    pub fn stream(&self, conn: ConnId, from: Side) -> Vec<u8> {
        let ours = self.kinds().filter_map(|kind| match kind {
            Kind::Bytes { conn: seen, from: side, data, .. } if *seen == conn && *side == from => {
                Some(&data.0[..])
            }
            _ => None,
        });
        ours.flatten().copied().collect()
    }

    /// The texts of the claims that did not hold.
    pub fn broken(&self) -> Vec<String> {
        let broken = self.kinds().filter_map(|kind| match kind {
            Kind::Claim(claim) if claim.held != Some(true) => Some(format!("{claim:?}")),
            _ => None,
        });
        broken.collect()
    }
}

pub fn state<'a>(events: impl IntoIterator<Item = &'a Event>) -> State {
    let mut state = State::default();
    events.into_iter().for_each(|event| state.event(event));
    state
}

/// The three built-in lessons take their time, which is real: each is played once, all at once, for all tests.
static BUILT_IN: [(&str, OnceLock<Run>); 3] =
    [("http", OnceLock::new()), ("socket", OnceLock::new()), ("compare", OnceLock::new())];

/// A built-in lesson, played.
pub fn built_in(name: &str) -> &'static Run {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        for (name, run) in &BUILT_IN {
            thread::spawn(|| run.get_or_init(|| json(&[name])));
        }
    });
    let (name, run) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name).unwrap();
    run.get_or_init(|| json(&[name]))
}

/// The first of so many consecutive ports that nobody listens on: below those that the kernel hands out itself, and a
/// different answer each time.
pub fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = (std::process::id() % 100) as u16 * 100;
    for _ in 0..500 {
        let first = 20_000 + (offset + NEXT.fetch_add(count, Ordering::Relaxed)) % 12_000;
        let bound: Result<Vec<_>, _> =
            (first..first + count).map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port))).collect();
        if bound.is_ok() {
            return first;
        }
    }
    panic!("no {count} consecutive ports are free");
}
