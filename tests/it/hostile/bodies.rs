//! Content where none is expected, too much of it, too little.

use std::io::{Read as _, Write as _};
use std::thread;

use super::{Case, Closed, Good, JSON, Open, Problem, case, get, put, right};
use crate::visitor::{Host, Visitor};

pub(super) fn bodies() -> Vec<Case> {
    let with = |method: &str, target: &str, rest: &str| {
        format!("{method} {target} HTTP/1.1\r\nHost: HOST\r\nContent-Length: {}\r\n\r\n{rest}", rest.len())
    };
    let large = "x".repeat(64 * 1024);
    let short = put("Content-Length: 100\r\n", JSON);
    let expecting =
        |what: &str, rest: &str| put(&format!("Expect: {what}\r\nContent-Length: {}\r\n", JSON.len()), rest);
    vec![
        case("RFC 9110, 9.3.1", "GET with a body", with("GET", "/api/messages", "hello"), &[Good(200)], Open),
        case(
            "RFC 9110, 9.3.1",
            "GET with a request in its body",
            with("GET", "/api/messages", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            &[Good(200)],
            Open,
        ),
        case(
            "RFC 9110, 9.3.5",
            "DELETE with a body",
            with("DELETE", "/api/messages/9", "hello"),
            &[Problem(404)],
            Closed,
        ),
        case("RFC 9110, 9.3.7", "OPTIONS * with a body", with("OPTIONS", "*", "hello"), &[Good(204)], Open),
        case(
            "RFC 9110, 9.3.8",
            "TRACE with a body",
            with("TRACE", "/api/messages", "hello"),
            &[Problem(405)],
            Closed,
        ),
        case("RFC 9112, 9.6", "a body where nothing is", with("POST", "/no", JSON), &[Problem(404)], Closed),
        case(
            "RFC 9112, 9.6",
            "a body that is still to come, where nothing is",
            "POST /no HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\n\r\n",
            &[Problem(404)],
            Closed,
        ),
        case(
            "RFC 9112, 9.6",
            "chunks that are still to come, from another origin",
            put("Origin: http://a.example\r\nTransfer-Encoding: chunked\r\n", ""),
            &[Problem(403)],
            Closed,
        ),
        case(
            "RFC 9112, 9.6",
            "chunks that were read to their end",
            put("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
            &[Problem(422)],
            Open,
        ),
        case("RFC 9110, 9.3.4", "PUT without a body", put("", ""), &[Problem(400)], Open),
        case(
            "RFC 9110, 9.3.4",
            "PUT with a body of nothing",
            put("Content-Length: 0\r\n", ""),
            &[Problem(400)],
            Open,
        ),
        case("RFC 9112, 8", "a body that ends too early", short.clone(), &[Problem(400)], Closed).ending(),
        // The rest is taken for a request, which it is not.
        case(
            "RFC 9112, 6.3",
            "a body that is longer than it says",
            put("Content-Length: 23\r\n", &format!("{JSON}}}}}\r\n\r\n")),
            &[Problem(404), super::Bare(400)],
            Closed,
        ),
        case(
            "RFC 9110, 15.5.14",
            "one byte too much, as Content-Length says",
            with("PUT", "/api/messages/9", &format!("{large}x")),
            &[Problem(413)],
            Closed,
        ),
        case(
            "RFC 9110, 15.5.14",
            "one byte too much, as the chunks say",
            put("Transfer-Encoding: chunked\r\n", &format!("10001\r\n{large}x\r\n0\r\n\r\n")),
            &[Problem(413)],
            Closed,
        ),
        case(
            "RFC 9110, 15.5.1",
            "as much as may be, and no JSON",
            with("PUT", "/api/messages/9", &large),
            &[Problem(400)],
            Open,
        ),
        case(
            "RFC 9110, 15.5.1",
            "NUL bytes",
            with("PUT", "/api/messages/9", "\0\0\0"),
            &[Problem(400)],
            Open,
        ),
        case(
            "RFC 8259, 7",
            "JSON with half a pair of surrogates",
            with("PUT", "/api/messages/9", r#"{"from":"a","text":"\ud800"}"#),
            &[Problem(400)],
            Open,
        ),
        case(
            "RFC 8259, 9",
            "JSON that is nested very deeply",
            with("PUT", "/api/messages/9", &"[".repeat(60_000)),
            &[Problem(400)],
            Open,
        ),
        case(
            "RFC 9110, 10.1.1",
            "an expectation that is met",
            expecting("100-continue", JSON),
            &[Good(100), Problem(404)],
            Open,
        ),
        case(
            "RFC 9110, 10.1.1",
            "an expectation in other letters",
            expecting("100-CONTINUE", JSON),
            &[Good(100), Problem(404)],
            Open,
        ),
        case(
            "RFC 9110, 10.1.1",
            "an expectation that cannot be met",
            expecting("the-best", JSON),
            &[Problem(417)],
            Closed,
        ),
        case(
            "RFC 9110, 10.1.1",
            "an expectation without a body",
            get("Expect: 100-continue\r\n"),
            &[Good(200)],
            Open,
        ),
        case(
            "RFC 9110, 10.1.1",
            "the body is not even asked for",
            put("Expect: 100-continue\r\nContent-Length: 100000000\r\n", ""),
            &[Problem(413)],
            Closed,
        ),
        case(
            "RFC 9110, 10.1.1",
            "an expectation in HTTP/1.0",
            format!(
                "PUT /api/messages/9 HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 23\r\n\r\n{JSON}"
            ),
            &[Problem(404)],
            Closed,
        ),
    ]
}

#[test]
fn bodies_are_what_they_say() {
    right(bodies());
}

/// The client sends all of it before it reads anything, and has the answer all the same.
#[test]
fn a_body_of_100_mb_is_refused_and_the_answer_arrives() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    let head = visitor.written("PUT", "/api/messages/9", "Content-Length: 100000000\r\n", "");
    visitor.send(head.as_bytes());
    let piece = vec![b'x'; 1_000_000];
    for _ in 0..100 {
        visitor.send(&piece);
    }
    let refused = visitor.response();
    assert_eq!((refused.status, refused.header("connection")), (413, Some("close")));
    assert_eq!(visitor.read_out().unwrap(), b"");
}

/// No length is told, and it never ends: the answer comes when too much has.
#[test]
fn chunks_without_end_are_refused() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    let head = visitor.written("PUT", "/api/messages/9", "Transfer-Encoding: chunked\r\n", "");
    visitor.send(head.as_bytes());
    let mut sending = visitor.stream.try_clone().unwrap();
    let endless = thread::spawn(move || {
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
        while sending.write_all(chunk.as_bytes()).is_ok() {}
    });
    let mut answer = [0; 12];
    visitor.stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    // It is not listened to for ever.
    endless.join().unwrap();
}
