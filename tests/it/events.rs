//! `/api/events`, as a visitor with a plain socket sees it.

use std::thread;

use wsdemo::server::{Limits, Options};
use wsdemo::timeline::{Seq, Side, Who};

use crate::harness::state;
use crate::visitor::{Host, Visitor};

const EVENTS: &str = "/api/events";

/// An open stream; what is to come comes.
fn listen(host: &Host, headers: &str) -> Visitor {
    let mut visitor = Visitor::connect(host);
    visitor.request("GET", EVENTS, headers, "");
    let response = visitor.response();
    assert_eq!(response.status, 200);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("transfer-encoding", "chunked"),
    ] {
        assert_eq!(response.header(name), Some(value));
    }
    visitor
}

/// Reads chunks until the text ends so.
fn until(visitor: &mut Visitor, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        text += &visitor.chunk().unwrap_or_else(|| panic!("the stream ended after {text:?}"));
    }
    text
}

fn message(id: u64, text: &str) -> String {
    format!("event: message\nid: {id}\ndata: {{\"id\":{id},\"from\":\"anna\",\"text\":\"{text}\"}}\n\n")
}

#[test]
fn what_happens_is_heard_with_the_data_of_the_socket() {
    let host = Host::start();
    let mut reader = listen(&host, "");
    assert_eq!(until(&mut reader, "id: 0\n\n"), "retry: 2000\n\nid: 0\n\n");
    host.post("Nice!");
    assert_eq!(until(&mut reader, "\n\n"), message(1, "Nice!"));
    host.ask("PATCH", "/api/messages/1", "", r#"{"text":"So\nnice!"}"#);
    assert_eq!(
        until(&mut reader, "\n\n"),
        "event: changed\nid: 1.1\ndata: {\"id\":1,\"from\":\"anna\",\"text\":\"So\\nnice!\"}\n\n"
    );
    host.ask("DELETE", "/api/messages/1", "", "");
    assert_eq!(until(&mut reader, "\n\n"), "event: deleted\nid: 1.2\ndata: {\"id\":1}\n\n");
    host.post("again");
    assert_eq!(until(&mut reader, "\n\n"), message(2, "again"));
}

#[test]
fn who_comes_back_hears_what_was_missed_and_nothing_twice() {
    let host = Host::start();
    for text in ["a", "b", "c"] {
        host.post(text);
    }
    host.ask("DELETE", "/api/messages/1", "", "");
    let deleted = "event: deleted\nid: 3.1\ndata: {\"id\":1}\n\n".to_owned();
    let all = [message(2, "b"), message(3, "c"), deleted];
    for (last, missed) in [("1", &all[..]), ("2", &all[1..]), ("3", &all[2..])] {
        let mut reader = listen(&host, &format!("Last-Event-ID: {last}\r\n"));
        let expected = format!("retry: 2000\n\n{}", missed.concat());
        assert_eq!(until(&mut reader, "id: 3.1\ndata: {\"id\":1}\n\n"), expected, "{last}");
    }
    // Nothing was missed; what is no id is as none.
    for last in ["3.1", "x", "", "1; 2", "-1", "01"] {
        let mut reader = listen(&host, &format!("Last-Event-ID: {last}\r\n"));
        assert_eq!(until(&mut reader, "id: 3.1\n\n"), "retry: 2000\n\nid: 3.1\n\n", "{last}");
    }
    // An id in the query is nobody's business.
    let mut visitor = Visitor::connect(&host);
    visitor.request("GET", "/api/events?lastEventId=1", "", "");
    visitor.response();
    assert_eq!(until(&mut visitor, "id: 3.1\n\n"), "retry: 2000\n\nid: 3.1\n\n");
}

#[test]
fn who_comes_back_much_later_hears_the_messages() {
    let host = Host::start();
    for n in 1..=300 {
        host.post(&n.to_string());
    }
    // Older than what is kept of what happened, but the list has it.
    let mut reader = listen(&host, "Last-Event-ID: 2\r\n");
    let text = until(&mut reader, "\"text\":\"300\"}\n\n");
    let expected: String = (3..=300).map(|n| message(n, &n.to_string())).collect();
    assert_eq!(text, format!("retry: 2000\n\n{expected}"));
    // Of a server that ran here before: all of this is news.
    let mut reader = listen(&host, "Last-Event-ID: 5000\r\n");
    assert!(until(&mut reader, "\"text\":\"300\"}\n\n").contains(&message(1, "1")));
}

#[test]
fn head_has_the_headers_and_ends() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    visitor.request("HEAD", EVENTS, "", "");
    let head = visitor.response_to("HEAD");
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    visitor.request("GET", "/api/messages", "", "");
    assert_eq!(visitor.response().status, 200, "the connection is free for the next request");
}

#[test]
fn a_server_that_stops_ends_the_stream_in_order() {
    let host = Host::start();
    let mut readers: Vec<_> = (0..3).map(|_| listen(&host, "")).collect();
    let conns: Vec<_> = readers.iter().map(|reader| host.conn(reader)).collect();
    thread::scope(|scope| {
        for reader in &mut readers {
            scope.spawn(|| {
                until(reader, "id: 0\n\n");
                assert_eq!(reader.chunk(), None, "the last chunk is there");
                assert_eq!(reader.read_out().unwrap(), b"");
            });
        }
        host.stop();
    });
    drop(readers);
    for conn in conns {
        assert_eq!(host.ending(conn).first, Who::Server);
    }
}

/// It reads nothing while more happens than is kept for anybody. What it finds then ends in order, and it can come back.
#[test]
fn who_falls_too_far_behind_is_ended_in_order() {
    let host = Host::start();
    let mut slow = listen(&host, "");
    host.fill(400);
    host.post("last");
    let mut text = String::new();
    while let Some(chunk) = slow.chunk() {
        text += &chunk;
    }
    assert!(text.ends_with("\n\n"), "whole events only");
    let last: u64 =
        text.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap().parse().unwrap();
    assert!(last < 401, "it did fall behind: {last}");
    // On the same connection it comes back, and has everything.
    slow.request("GET", EVENTS, &format!("Last-Event-ID: {last}\r\n"), "");
    assert_eq!(slow.response().status, 200);
    let rest = until(&mut slow, "\"text\":\"last\"}\n\n");
    let ids: Vec<u64> = rest.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect();
    assert_eq!(ids, (last + 1..=401).collect::<Vec<_>>());
}

/// In a lesson nothing is sent because time passes; a server with limits says each 15 s that it is still there.
#[test]
#[ignore = "takes 16 s, run by scripts/test"]
fn silence_is_kept_in_a_lesson_only() {
    let solo = Host::start();
    let served = Host::with(Options { limits: Limits { own: 10, ..Limits::SERVE }, ..Options::default() });
    let (mut silent, mut alive) = (listen(&solo, ""), listen(&served, ""));
    until(&mut silent, "id: 0\n\n");
    until(&mut alive, "id: 0\n\n");
    assert_eq!(alive.chunk().unwrap(), ":\n\n", "a comment");
    solo.post("at last");
    assert_eq!(silent.chunk().unwrap(), message(1, "at last"), "and nothing before it");
}

#[test]
fn a_reader_is_one_connection_that_stays_open() {
    let host = Host::start();
    let mut reader = listen(&host, "");
    for n in 1..=5 {
        host.post(&n.to_string());
        until(&mut reader, &message(n, &n.to_string()));
    }
    let conn = host.conn(&reader);
    let state = state(host.bus.after(Seq(0)).iter().map(|event| &**event));
    let reader = state.get(conn).unwrap();
    assert!(reader.closed.is_none() && reader.fins.is_empty(), "{reader:?}");
}

#[test]
fn a_reader_that_leaves_is_known_at_once() {
    let host = Host::start();
    let mut reader = listen(&host, "");
    let conn = host.conn(&reader);
    // Nothing is left unread: closing is no reset.
    until(&mut reader, "id: 0\n\n");
    drop(reader);
    // The end of our stream met nobody, which is a reset; but the client's end was seen when it came.
    let ending = host.ending(conn);
    let events = host.bus.after(Seq(0));
    let state = state(events.iter().map(|event| &**event));
    assert_eq!(state.get(conn).unwrap().fins[0].0, Side::Client, "{ending:?}");
}
