//! What must be true of every timeline, whatever was played: its order, its sums, its evidence.

use std::collections::{BTreeMap, BTreeSet};

use wsdemo::timeline::{ConnId, Elapsed, Event, Kind, Seq, Side, Who};

use crate::harness::{Run, state};

/// A run that went well: sound, and every claim held.
pub fn check(run: &Run) {
    assert_eq!(run.broken(), Vec::<String>::new());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    sound(&run.events);
}

/// In order, adding up, and proved.
pub fn sound(events: &[Event]) {
    in_order(events);
    proved(events);
    let mut conns: BTreeMap<ConnId, Told> = BTreeMap::new();
    for event in events {
        one(event, &mut conns);
    }
    for (conn, told) in &conns {
        assert!(told.closed.is_some(), "{conn} was opened and not closed");
    }
    // Numbered from 1, in the order in which they were accepted.
    let numbers: Vec<u64> = conns.keys().map(|conn| conn.0).collect();
    assert_eq!(numbers, (1..=conns.len() as u64).collect::<Vec<_>>());
}

pub fn in_order(events: &[Event]) {
    for (event, n) in events.iter().zip(1..) {
        assert_eq!(event.seq, Seq(n));
    }
    for pair in events.windows(2) {
        assert!(pair[0].at <= pair[1].at, "{pair:?}");
    }
}

/// The evidence of each claim lies before it.
fn proved(events: &[Event]) {
    for event in events {
        if let Kind::Claim(claim) = &event.kind {
            assert!(!claim.evidence.is_empty(), "{claim:?}");
            assert!(claim.evidence.iter().all(|seq| Seq(1) <= *seq && *seq < event.seq), "{event:?}");
            let sorted: BTreeSet<_> = claim.evidence.iter().collect();
            assert_eq!(sorted.len(), claim.evidence.len(), "told twice: {claim:?}");
        }
    }
}

/// What was told of one connection so far.
#[derive(Default)]
struct Told {
    opened: Elapsed,
    /// From client and server: all bytes, and those whose meaning was told.
    bytes: [u64; 2],
    meant: [u64; 2],
    fins: Vec<Side>,
    exchanges: [u64; 2],
    closed: Option<Who>,
}

fn one(event: &Event, conns: &mut BTreeMap<ConnId, Told>) {
    let Some(conn) = conn_of(&event.kind) else { return };
    if let Kind::Opened { .. } = &event.kind {
        let before = conns.insert(conn, Told { opened: event.at, ..Told::default() });
        assert!(before.is_none(), "opened twice: {event:?}");
        return;
    }
    let told = conns.get_mut(&conn).unwrap_or_else(|| panic!("before it was opened: {event:?}"));
    let is_late = matches!(&event.kind, Kind::Kernel { .. } | Kind::Heard { .. });
    assert!(told.closed.is_none() || is_late, "after its end: {event:?}");
    match &event.kind {
        Kind::Bytes { from, len, data, .. } => {
            assert_eq!(*len, data.0.len() as u64);
            assert!(*len > 0 && !told.fins.contains(from), "{event:?}");
            told.bytes[*from as usize] += len;
        }
        Kind::Request { exchange, .. } => {
            told.exchanges[0] += 1;
            assert_eq!(*exchange, told.exchanges[0]);
        }
        Kind::Response { exchange, .. } => {
            told.exchanges[1] += 1;
            assert_eq!(*exchange, told.exchanges[1]);
            // What is no request is answered as well, with a 400.
            assert!(told.exchanges[1] <= told.exchanges[0] || told.bytes[0] > 0, "not asked: {event:?}");
        }
        Kind::MessageEnd { from, wire_len, .. } => told.meant[*from as usize] += wire_len,
        Kind::Frame(frame) => {
            assert_eq!(frame.masked, frame.from == Side::Client, "{frame:?}");
            told.meant[frame.from as usize] += frame.wire_len;
        }
        Kind::Fin { from, .. } => {
            assert!(!told.fins.contains(from), "two FINs: {event:?}");
            told.fins.push(*from);
        }
        Kind::Closed { first, reset_by, from_client, from_server, lived, .. } => {
            told.closed = Some(*first);
            assert_eq!([*from_client, *from_server], told.bytes, "{event:?}");
            let measured = event.at.since(told.opened);
            assert!(measured.abs_diff(lived.0).as_millis() < 1, "{event:?}");
            assert_eq!(reset_by.is_some(), *first == Who::Reset, "{event:?}");
            assert!(!told.fins.is_empty() || *first == Who::Reset || *first == Who::Error, "{event:?}");
            match first {
                // The other side's FIN follows, unless its machine is gone.
                Who::Client => assert!([Side::Client, Side::Server].starts_with(&told.fins), "{event:?}"),
                Who::Server => assert!([Side::Server, Side::Client].starts_with(&told.fins), "{event:?}"),
                Who::Both => assert_eq!(told.fins.len(), 2),
                Who::Reset | Who::Error => {}
            }
        }
        _ => {}
    }
    // Nothing is left over where a connection ended in order, and all that was asked was a request.
    let understood = told.exchanges[1] <= told.exchanges[0];
    if matches!(told.closed, Some(Who::Client | Who::Server | Who::Both)) && understood && !is_late {
        assert_eq!(told.meant, told.bytes, "{event:?}");
    }
}

/// The connection that a fact is about.
pub fn conn_of(kind: &Kind) -> Option<ConnId> {
    match kind {
        Kind::Opened { conn, .. }
        | Kind::Bytes { conn, .. }
        | Kind::Request { conn, .. }
        | Kind::Response { conn, .. }
        | Kind::MessageEnd { conn, .. }
        | Kind::Upgraded { conn, .. }
        | Kind::Packet { conn, .. }
        | Kind::Fin { conn, .. }
        | Kind::Closed { conn, .. }
        | Kind::Kernel { conn, .. } => Some(*conn),
        Kind::Frame(frame) => Some(frame.conn),
        Kind::Heard { conn, .. } => *conn,
        _ => None,
    }
}

/// Each connection's end, in the order of their numbers.
pub fn endings(events: &[Event]) -> Vec<Option<Who>> {
    state(events).connections.values().map(|it| it.closed.map(|ending| ending.first)).collect()
}
