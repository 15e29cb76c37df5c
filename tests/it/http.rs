//! `wsdemo http`

use std::collections::BTreeSet;
use std::time::Duration;

use wsdemo::timeline::{Elapsed, Event, Kind, Side, Who};

use crate::harness::{Run, built_in};
use crate::{facts, shape};

fn run() -> &'static Run {
    built_in("http")
}

#[test]
fn its_json_is_the_contract() {
    shape::check(run());
}

#[test]
fn its_facts_add_up_and_its_claims_hold() {
    facts::check(run());
}

/// Those that asked for it; the one that stayed is closed by Anna, who leaves.
#[test]
fn connections_are_closed_by_the_server() {
    let endings = facts::endings(&run().events);
    let (last, first) = endings.split_last().unwrap();
    assert!(first.len() >= 7 && first.iter().all(|first| *first == Some(Who::Server)), "{endings:?}");
    assert_eq!(*last, Some(Who::Client));
}

#[test]
fn four_verbs_and_a_404_are_shown() {
    let methods: BTreeSet<&str> = run().kinds().filter_map(method).collect();
    assert_eq!(methods, BTreeSet::from(["DELETE", "GET", "PATCH", "POST", "PUT"]));
    let statuses: BTreeSet<u16> = run().kinds().filter_map(status).collect();
    assert_eq!(statuses, BTreeSet::from([200, 201, 204, 404]));
}

#[test]
fn who_asks_to_close_is_told_so_and_who_does_not_stays() {
    for connection in run().state().connections.values() {
        let closing = run().kinds().any(|kind| match kind {
            Kind::Request { conn, head, .. } => {
                let close = |(name, value): &(String, String)| name == "connection" && value == "close";
                *conn == connection.id && head.headers.iter().any(close)
            }
            _ => false,
        });
        assert_eq!(closing, connection.requests == 1, "{connection:?}");
        let lived = connection.closed.unwrap().lived;
        // The one that stays outlives a silence of 3 s.
        assert_eq!(closing, lived < Elapsed(Duration::from_secs(3)), "{connection:?}");
    }
}

/// A claim of silence is what it says: recomputed from the facts around it.
#[test]
fn silence_is_silent() {
    let events = &run().events;
    let mut silences = 0;
    for event in events {
        let Kind::Claim(claim) = &event.kind else { continue };
        let Some(time) = claim.text.strip_prefix("silence ") else { continue };
        let time = humantime::parse_duration(time).unwrap();
        let before = Elapsed(event.at.0.saturating_sub(time));
        let crossed: Vec<&Event> = events
            .iter()
            .filter(|it| before <= it.at && it.at <= event.at)
            .filter(|it| matches!(it.kind, Kind::Bytes { .. } | Kind::Fin { .. } | Kind::Opened { .. }))
            .collect();
        assert!(crossed.is_empty(), "{claim:?}: {crossed:?}");
        silences += 1;
    }
    assert_eq!(silences, 3);
}

/// The bytes themselves say what the events say.
#[test]
fn heads_are_those_of_the_bytes() {
    for event in &run().events {
        let (conn, from, first_line, head_len) = match &event.kind {
            Kind::Request { conn, exchange: 1, method, target, head } => {
                (*conn, Side::Client, format!("{method} {target} HTTP/1.1\r\n"), head.head_len)
            }
            Kind::Response { conn, exchange: 1, status, head } => {
                (*conn, Side::Server, format!("HTTP/1.1 {status} "), head.head_len)
            }
            _ => continue,
        };
        let stream = run().stream(conn, from);
        assert!(stream.starts_with(first_line.as_bytes()), "{event:?}");
        let head = &stream[..usize::try_from(head_len).unwrap()];
        assert!(head.ends_with(b"\r\n\r\n"), "{event:?}");
        assert_eq!(head.windows(4).filter(|bytes| *bytes == b"\r\n\r\n").count(), 1, "{event:?}");
    }
}

fn method(kind: &Kind) -> Option<&str> {
    match kind {
        Kind::Request { method, .. } => Some(method),
        _ => None,
    }
}

fn status(kind: &Kind) -> Option<u16> {
    match kind {
        Kind::Response { status, .. } => Some(*status),
        _ => None,
    }
}
