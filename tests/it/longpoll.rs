//! `?since&wait`: an answer as soon as there is something to answer.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use wsdemo::timeline::{Kind, Side, Who};

use crate::visitor::{Host, Visitor};

const WAIT: &str = "/api/messages?since=1&wait=30";

/// A poll that the server has: what it waits for, it waits for from now on.
fn waiting(host: &Host, target: &str) -> Visitor {
    let mut visitor = Visitor::connect(host);
    visitor.request("GET", target, "", "");
    host.asked(&visitor);
    visitor
}

#[test]
fn what_is_there_already_is_answered_at_once() {
    let host = Host::start();
    host.post("first");
    let second = host.post("second");
    assert_eq!(host.ask("GET", WAIT, "", "").json(), json!([second]));
    // Without `since`, everything is newer.
    assert_eq!(host.ask("GET", "/api/messages?wait=30", "", "").json()[0]["text"], "first");
    // Who may not wait does not.
    assert_eq!(host.ask("GET", "/api/messages?since=2&wait=0", "", "").json(), json!([]));
}

#[test]
fn a_message_is_answered_when_it_is_made_and_to_everybody() {
    let host = Host::start();
    host.post("first");
    let mut polls: Vec<_> = (0..20).map(|_| waiting(&host, WAIT)).collect();
    let made = Instant::now();
    let second = host.post("second");
    for poll in &mut polls {
        assert_eq!(poll.response().json(), json!([second]));
    }
    assert!(made.elapsed() < Duration::from_secs(20), "not when the time was over");
    // The connection is as it was: the next poll goes over it.
    polls[0].request("GET", "/api/messages?since=2&wait=30", "", "");
    host.post("third");
    assert_eq!(polls[0].response().json()[0]["text"], "third");
}

#[test]
fn nothing_is_answered_when_the_time_is_over() {
    let host = Host::start();
    for (target, least) in [("/api/messages?wait=0.3", 300), ("/api/messages?since=0&wait=1", 1_000)] {
        let began = Instant::now();
        let answer = host.ask("GET", target, "", "");
        assert_eq!((answer.status, answer.json()), (200, json!([])));
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(least) && took < Duration::from_secs(25), "{target}: {took:?}");
    }
    let head = host.ask("HEAD", "/api/messages?since=0&wait=0.1", "", "");
    assert_eq!((head.status, head.header("content-length")), (200, Some("2")));
}

#[test]
fn changes_and_removals_are_not_what_one_waits_for() {
    let host = Host::start();
    host.post("first");
    let mut poll = waiting(&host, WAIT);
    assert_eq!(host.ask("PATCH", "/api/messages/1", "", r#"{"text":"changed"}"#).status, 200);
    assert_eq!(host.ask("DELETE", "/api/messages/1", "", "").status, 204);
    let second = host.post("second");
    assert_eq!(poll.response().json(), json!([second]), "one answer, and that is the message");
}

#[test]
fn waiting_is_bounded_and_written_as_a_number() {
    let host = Host::start();
    for (wait, word) in
        [("31", "30 seconds at most"), ("1e9", "must be seconds"), ("-1", "must be seconds"), ("", "must be")]
    {
        let refused = host.ask("GET", &format!("/api/messages?since=0&wait={wait}"), "", "");
        assert_eq!(refused.status, 400, "{wait}");
        let problem = refused.problem();
        assert!(problem.contains("`wait`") && problem.contains(word), "{problem}");
    }
}

#[test]
fn a_server_that_stops_answers_who_waits() {
    let host = Host::start();
    let mut polls: Vec<_> = (0..3).map(|_| waiting(&host, "/api/messages?since=0&wait=30")).collect();
    let conns: Vec<_> = polls.iter().map(|poll| host.conn(poll)).collect();
    // The visitors hang up when the server has: read while it stops.
    thread::scope(|scope| {
        for poll in &mut polls {
            scope.spawn(|| {
                let answer = poll.response();
                assert_eq!((answer.status, answer.json()), (200, json!([])));
                assert_eq!(poll.read_out().unwrap(), b"");
            });
        }
        let began = Instant::now();
        host.stop();
        assert!(began.elapsed() < Duration::from_secs(10), "it did not wait for the time to be over");
    });
    drop(polls);
    for conn in conns {
        assert_eq!(host.ending(conn).first, Who::Server);
    }
}

#[test]
fn who_leaves_is_known_at_once_and_waits_no_longer() {
    let host = Host::start();
    let began = Instant::now();
    for half_closed in [false, true] {
        let mut poll = waiting(&host, "/api/messages?since=0&wait=30");
        let conn = host.conn(&poll);
        if half_closed {
            // It still gets an answer.
            poll.end_sending();
            assert_eq!(poll.response().json(), json!([]));
        }
        drop(poll);
        // Our answer may have met nobody, which is a reset; but the client's end was seen when it came.
        host.find(|event| {
            let fin = matches!(event.kind, Kind::Fin { conn: whose, from: Side::Client } if whose == conn);
            fin.then_some(())
        });
        host.ending(conn);
    }
    assert!(began.elapsed() < Duration::from_secs(25), "not when the time was over");
}

#[test]
fn what_is_said_while_one_waits_is_answered_afterwards() {
    let host = Host::start();
    let mut poll = waiting(&host, "/api/messages?since=0&wait=30");
    // More than is read ahead, and another request behind it.
    let long = "x".repeat(6_000);
    poll.request("POST", "/api/echo", "", &long);
    poll.request("GET", "/api/messages", "", "");
    let first = host.post("first");
    assert_eq!(poll.response().json(), json!([first]));
    assert_eq!(poll.response().body, long.as_bytes());
    assert_eq!(poll.response().json(), json!([first]));
}

/// The handshake, and what is said before its answer comes, may be read while another answer is waited for.
#[test]
fn a_socket_may_be_asked_for_while_one_waits() {
    let host = Host::start();
    let mut poll = waiting(&host, "/api/messages?since=0&wait=30");
    let handshake = poll.handshake();
    // A text of one byte, masked with zeros.
    let text = [&[0x81, 0x80 | 5, 0, 0, 0, 0], &b"hello"[..]].concat();
    poll.send(&[handshake.replace("/ws ", "/ws/echo ").as_bytes(), &text].concat());
    host.post("first");
    assert_eq!(poll.response().status, 200);
    assert_eq!(poll.response().status, 101);
    poll.wait_for(b"\x81\x05hello");
}
