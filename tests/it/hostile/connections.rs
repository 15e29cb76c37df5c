//! How connections are used: kept, closed, half closed, and requests that come in pieces or all at once.

use super::{Bare, Case, Closed, Good, JSON, Open, Problem, case, get, half_close, next, put_json, right};
use crate::visitor::{Host, Visitor};

pub(super) fn keeping() -> Vec<Case> {
    let old = |headers: &str| format!("GET /api/messages HTTP/1.0\r\n{headers}\r\n");
    vec![
        case("RFC 9112, 9.3", "nothing is said", get(""), &[Good(200)], Open),
        case(
            "RFC 9112, 9.3",
            "keep-alive in HTTP/1.1",
            get("Connection: keep-alive\r\n"),
            &[Good(200)],
            Open,
        ),
        case("RFC 9112, 9.6", "close", get("Connection: close\r\n"), &[Good(200)], Closed),
        case("RFC 9110, 7.6.1", "Close", get("Connection: CLOSE\r\n"), &[Good(200)], Closed),
        case(
            "RFC 9112, 9.3",
            "both, close first",
            get("Connection: close, keep-alive\r\n"),
            &[Good(200)],
            Closed,
        ),
        case(
            "RFC 9112, 9.3",
            "both, close last",
            get("Connection: keep-alive, close\r\n"),
            &[Good(200)],
            Closed,
        ),
        case(
            "RFC 9112, 9.3",
            "both, in two headers",
            get("Connection: close\r\nConnection: keep-alive\r\n"),
            &[Good(200)],
            Closed,
        ),
        case("RFC 9110, 7.6.1", "something else", get("Connection: x, y\r\n"), &[Good(200)], Open),
        case("RFC 9112, 9.3", "HTTP/1.0", old(""), &[Good(200)], Closed),
        case(
            "RFC 9112, 9.3",
            "HTTP/1.0 with keep-alive",
            old("Connection: keep-alive\r\n"),
            &[Good(200)],
            Open,
        ),
        case("RFC 9112, 9.3", "HTTP/1.0 with close", old("Connection: close\r\n"), &[Good(200)], Closed),
        case(
            "RFC 9112, 9.3",
            "HTTP/1.0 with both",
            old("Connection: keep-alive, close\r\n"),
            &[Good(200)],
            Closed,
        ),
        case(
            "RFC 9112, 9.6",
            "close behind an error",
            "GET /no HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
            &[Problem(404)],
            Closed,
        ),
        case(
            "RFC 9110, 7.8",
            "an upgrade to something else",
            get("Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
            &[Good(200)],
            Open,
        ),
        case(
            "RFC 9110, 7.8",
            "an upgrade to TLS",
            get("Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n"),
            &[Good(200)],
            Open,
        ),
        case(
            "RFC 9110, 7.8",
            "an upgrade at a door without one",
            get(
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            ),
            &[Good(200)],
            Open,
        ),
        case(
            "RFC 9110, 7.8",
            "an upgrade in HTTP/1.0",
            old("Connection: Upgrade\r\nUpgrade: websocket\r\n"),
            &[Good(200)],
            Closed,
        ),
        case("RFC 9112, 9.6", "the client ends its sending", get(""), &[Good(200)], Closed).ending(),
        case(
            "RFC 9112, 9.6",
            "the client ends its sending behind a body",
            put_json(),
            &[Problem(404)],
            Closed,
        )
        .ending(),
        case(
            "RFC 9112, 9.6",
            "and behind two requests",
            get("") + &put_json(),
            &[Good(200), Problem(404)],
            Closed,
        )
        .ending(),
        case("RFC 9112, 9.6", "and in the middle of the second", get("") + "GET /", &[Good(200)], Closed)
            .ending(),
        case(
            "RFC 9112, 9.3.2",
            "good, bad, good",
            get("") + "bad\r\n\r\n" + &get(""),
            &[Good(200), Bare(400)],
            Closed,
        ),
    ]
}

#[test]
fn connections_are_kept_and_closed_as_asked() {
    right(keeping());
}

#[test]
fn a_thousand_requests_at_once_are_answered_in_order() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    let mut sending = visitor.stream.try_clone().unwrap();
    let (good, bad) =
        (visitor.written("GET", "/api/messages", "", ""), visitor.written("GET", "/no", "", ""));
    let all: String = (0..1000).map(|n| if n % 3 == 0 { bad.as_str() } else { good.as_str() }).collect();
    let sender = std::thread::spawn(move || std::io::Write::write_all(&mut sending, all.as_bytes()).unwrap());
    for n in 0..1000 {
        assert_eq!(visitor.response().status, if n % 3 == 0 { 404 } else { 200 }, "request {n}");
    }
    sender.join().unwrap();
}

#[test]
fn a_byte_at_a_time_is_a_request_too() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    let request = visitor.written("POST", "/api/messages", "", JSON);
    for round in 0..2 {
        for byte in request.as_bytes() {
            visitor.send(std::slice::from_ref(byte));
        }
        assert_eq!(visitor.response().status, 201, "round {round}");
    }
    let chunks = format!("{:x}\r\n{JSON}\r\n0\r\n\r\n", JSON.len());
    let head = visitor.written("POST", "/api/messages", "Transfer-Encoding: chunked\r\n", "");
    for byte in (head + &chunks).as_bytes() {
        visitor.send(std::slice::from_ref(byte));
    }
    assert_eq!(visitor.response().status, 201);
}

/// Every door, also one that is not there: no content, and the connection goes on behind it.
#[test]
fn head_has_no_content_anywhere() {
    let host = Host::start();
    host.post("Nice!");
    let mut visitor = Visitor::connect(&host);
    for target in ["/", "/api/messages", "/api/messages/1", "/api/messages/9", "/ws", "/no", "/api/echo"] {
        visitor.request("HEAD", target, "", "");
        let response = visitor.response_to("HEAD");
        assert!(response.status != 501 && response.body.is_empty(), "{target}: {response:?}");
    }
    visitor.request("GET", "/api/messages", "", "");
    assert_eq!(visitor.response().json()[0]["text"], "Nice!");
}

/// One that sends its FIN in the middle of a body is told, and one that is reset hurts nobody.
#[test]
fn a_reset_in_the_middle_of_anything_hurts_nobody() {
    let host = Host::start();
    let head = "POST /api/messages HTTP/1.1\r\nHost: HOST\r\nContent-Length: 100\r\n\r\n{";
    for half in ["", "G", "GET / HTTP/1.1\r\nHo", head, &get("")] {
        let mut visitor = Visitor::connect(&host);
        visitor.send(half.replace("HOST", &host.address.to_string()).as_bytes());
        let conn = host.conn(&visitor);
        rustix::net::sockopt::set_socket_linger(&visitor.stream, Some(std::time::Duration::ZERO)).unwrap();
        drop(visitor);
        host.ending(conn);
    }
    let mut visitor = Visitor::connect(&host);
    visitor.send(head.replace("HOST", &host.address.to_string()).as_bytes());
    half_close(&visitor);
    let mut seen = Vec::new();
    next(&mut visitor, &mut seen).unwrap();
    assert_eq!(seen, [Problem(400)]);
    assert_eq!(host.ask("GET", "/api/messages", "", "").status, 200);
}
