//! A packet capture says the same as our events: of every command, and of every way in which a connection ends.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::thread;
use std::time::UNIX_EPOCH;

use wsdemo::timeline::{Connection, Kind, Opcode, Side, Who};

use crate::facts;
use crate::harness::{ALONE, Run, free_ports, json};
use crate::tshark::{self, Capture, Stream};

/// How many ports each run may use.
const PORTS: u16 = 6;

const ENDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/lessons/endings.md");

/// What is played, all at once under one capture.
const PLAYED: [(&str, &[&str]); 6] = [
    ("http", &["http"]),
    ("socket", &["socket"]),
    ("compare", &["compare"]),
    ("endings", &["lesson", ENDINGS]),
    ("socketio", &["lesson", "socketio"]),
    ("react", &["lesson", "react"]),
];

struct Captured {
    runs: BTreeMap<&'static str, Run>,
    streams: Vec<Stream>,
}

fn captured() -> &'static Captured {
    static CAPTURED: OnceLock<Captured> = OnceLock::new();
    CAPTURED.get_or_init(|| {
        let _alone = ALONE.lock();
        let count = PORTS * PLAYED.len() as u16 + 1;
        let first = free_ports(count);
        let folder = tempfile::tempdir().unwrap();
        let capture = Capture::start(first, count, folder.path().join("lo.pcapng"));
        let played = |(name, args): (&'static str, &[&str]), first: u16| {
            (name, json(&[args, &["--port", &first.to_string()]].concat()))
        };
        let runs = thread::scope(|scope| {
            let begin = |(what, n)| scope.spawn(move || played(what, first + n * PORTS));
            let running: Vec<_> = PLAYED.into_iter().zip(0..).map(begin).collect();
            running.into_iter().map(|run| run.join().unwrap()).collect()
        });
        Captured { runs, streams: capture.finish() }
    })
}

fn run(name: &str) -> &'static Run {
    &captured().runs[name]
}

/// Each connection of a run beside what was captured of it.
fn pairs(name: &str) -> Vec<(Connection, &'static Stream)> {
    let connections = run(name).state().connections;
    assert!(!connections.is_empty());
    let pair = |connection: Connection| {
        let (client, server) = (connection.client.port(), connection.server.port());
        let stream = captured().streams.iter().find(|it| (it.client, it.server) == (client, server));
        (connection, stream.unwrap_or_else(|| panic!("not captured: {client} to {server}")))
    };
    connections.into_values().map(pair).collect()
}

fn checked(name: &str) {
    facts::check(run(name));
    for (connection, stream) in pairs(name) {
        ends(&connection, stream);
        bytes(name, &connection, stream);
        exchanges(name, &connection, stream);
        frames(name, &connection, stream);
    }
    times(name);
}

#[test]
#[ignore = "needs tshark and the right to capture, run by scripts/test"]
fn http_is_what_a_capture_shows() {
    checked("http");
}

#[test]
#[ignore = "needs tshark and the right to capture, run by scripts/test"]
fn socket_is_what_a_capture_shows() {
    checked("socket");
}

#[test]
#[ignore = "needs tshark and the right to capture, run by scripts/test"]
fn compare_is_what_a_capture_shows() {
    checked("compare");
}

#[test]
#[ignore = "needs tshark and the right to capture, run by scripts/test"]
fn the_lessons_of_socket_io_are_what_a_capture_shows() {
    checked("socketio");
    checked("react");
}

#[test]
#[ignore = "needs tshark and the right to capture, run by scripts/test"]
fn every_ending_is_what_a_capture_shows() {
    checked("endings");
    let seen: Vec<_> = pairs("endings").iter().map(|(it, _)| it.closed.unwrap().first).collect();
    for first in [Who::Client, Who::Server, Who::Reset] {
        assert!(seen.contains(&first), "{seen:?}");
    }
}

/// No connection was captured that we do not know.
#[test]
#[ignore = "needs tshark and the right to capture, run by scripts/test"]
fn nothing_else_crossed() {
    let known: usize = captured().runs.values().map(|run| run.state().opened()).sum();
    assert_eq!(captured().streams.len(), known);
}

/// Who ended it.
fn ends(connection: &Connection, stream: &Stream) {
    let told = connection.closed.unwrap();
    let expected = if told.reset_by.is_some() { Who::Reset } else { stream.first() };
    assert_eq!(told.first, expected, "{connection:?}\n{stream:?}");
    match told.reset_by {
        Some(side) => assert!(stream.resets.contains(&side), "{connection:?}\n{stream:?}"),
        None => assert_eq!(stream.resets, [], "{connection:?}\n{stream:?}"),
    }
}

fn bytes(name: &str, connection: &Connection, stream: &Stream) {
    let whole = connection.closed.unwrap().reset_by.is_none();
    for side in [Side::Client, Side::Server] {
        let half = &stream.sides[side as usize];
        let told = [connection.from_client, connection.from_server][side as usize];
        assert_eq!(told, half.bytes(), "{name} {side:?} {connection:?}");
        if whole {
            assert_eq!(half.bytes(), half.sent(), "{name} {side:?} {connection:?}");
        }
    }
}

fn exchanges(name: &str, connection: &Connection, stream: &Stream) {
    let (mut methods, mut statuses) = (Vec::new(), Vec::new());
    for kind in run(name).kinds() {
        match kind {
            Kind::Request { conn, method, .. } if *conn == connection.id => methods.push(method.clone()),
            Kind::Response { conn, status, .. } if *conn == connection.id => statuses.push(*status),
            _ => {}
        }
    }
    assert_eq!((methods, statuses), (stream.methods.clone(), stream.statuses.clone()), "{connection:?}");
}

fn frames(name: &str, connection: &Connection, stream: &Stream) {
    for side in [Side::Client, Side::Server] {
        let told: Vec<tshark::Frame> = run(name)
            .kinds()
            .filter_map(|kind| match kind {
                Kind::Frame(frame) if (frame.conn, frame.from) == (connection.id, side) => {
                    Some(tshark::Frame {
                        from: side,
                        fin: frame.fin,
                        opcode: number(frame.opcode),
                        masked: frame.masked,
                        len: frame.len,
                        code: frame.code,
                    })
                }
                _ => None,
            })
            .collect();
        let seen: Vec<_> = stream.frames.iter().filter(|frame| frame.from == side).cloned().collect();
        assert_eq!(told, seen, "{name} {connection:?}");
    }
}

/// RFC 6455, 5.2
fn number(opcode: Opcode) -> u8 {
    match opcode {
        Opcode::Continuation => 0,
        Opcode::Text => 1,
        Opcode::Binary => 2,
        Opcode::Close => 8,
        Opcode::Ping => 9,
        Opcode::Pong => 10,
        Opcode::Reserved(number) => number,
    }
}

/// What the server sent is told when it is sent.
fn times(name: &str) {
    let run = run(name);
    let started = humantime::parse_rfc3339(run.header["started"].as_str().unwrap()).unwrap();
    let started = started.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let mut apart = Vec::new();
    for (connection, stream) in pairs(name) {
        let mut place = 0;
        for event in &run.events {
            let Kind::Bytes { conn, from: Side::Server, len, .. } = &event.kind else { continue };
            if *conn != connection.id {
                continue;
            }
            let segments = &stream.sides[Side::Server as usize].segments;
            if let Some((.., at)) = segments.iter().find(|(begin, ..)| *begin == place) {
                apart.push((started + event.at.seconds() - at).abs());
            }
            place += len;
        }
    }
    apart.sort_by(f64::total_cmp);
    let median = apart[apart.len() / 2];
    assert!(median < 0.005, "{name}: {median} s apart; {apart:?}");
}
