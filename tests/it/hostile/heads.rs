//! The lines of a head: what stands in them, and what ends them.

use super::{Bare, Case, Closed, Good, Open, Problem, asking, case, get, right};

pub(super) fn lines() -> Vec<Case> {
    let raw = |bytes: &str| bytes.replace('~', "\r\n");
    vec![
        case(
            "RFC 9112, 2.2",
            "LF alone ends a line as well",
            "GET /api/messages HTTP/1.1\nHost: HOST\n\n",
            &[Good(200)],
            Open,
        ),
        case(
            "RFC 9112, 2.2",
            "empty lines before a request",
            format!("\r\n\r\n{}", get("")),
            &[Good(200)],
            Open,
        ),
        case("RFC 9112, 2.2", "CR alone in a value", get("A: b\rc\r\n"), &[Bare(400)], Closed),
        case(
            "RFC 9112, 2.2",
            "CR alone ends no line",
            "GET /api/messages HTTP/1.1\rHost: HOST\r\r",
            &[Bare(400)],
            Closed,
        ),
        case(
            "RFC 9112, 2.2",
            "a space before the first header",
            raw("GET / HTTP/1.1~ Host: HOST~~"),
            &[Bare(400)],
            Closed,
        ),
        case("RFC 9112, 5.2", "a folded line", get("A: b\r\n c\r\n"), &[Bare(400)], Closed),
        case("RFC 9112, 5.2", "a line folded by a tab", get("A: b\r\n\tc\r\n"), &[Bare(400)], Closed),
        case("RFC 9112, 5.1", "a space before a colon", get("A : b\r\n"), &[Bare(400)], Closed),
        case(
            "RFC 9112, 5.1",
            "a space before Host's colon",
            raw("GET / HTTP/1.1~Host : HOST~~"),
            &[Bare(400)],
            Closed,
        ),
        case("RFC 9110, 5.5", "NUL in a value", get("A: b\0c\r\n"), &[Bare(400)], Closed),
        case("RFC 9110, 5.5", "a control character in a value", get("A: b\u{1}c\r\n"), &[Bare(400)], Closed),
        case("RFC 9110, 5.5", "DEL in a value", get("A: b\u{7f}c\r\n"), &[Bare(400)], Closed),
        case("RFC 9110, 5.5", "a tab in a value", get("A: b\tc\r\n"), &[Good(200)], Open),
        case("RFC 9110, 5.5", "UTF-8 in a value", get("A: Grüße\r\n"), &[Good(200)], Open),
        case(
            "RFC 9110, 5.5",
            "bytes that are no UTF-8",
            [get("").trim_end().as_bytes(), b"\r\nA: \xff\xfe\r\n\r\n"].concat(),
            &[Good(200)],
            Open,
        ),
        case("RFC 9110, 5.1", "no colon", get("A\r\n"), &[Bare(400)], Closed),
        case("RFC 9110, 5.1", "no name", get(": b\r\n"), &[Bare(400)], Closed),
        case("RFC 9110, 5.1", "NUL in a name", get("A\0: b\r\n"), &[Bare(400)], Closed),
        case("RFC 9110, 5.1", "a brace in a name", get("{A}: b\r\n"), &[Bare(400)], Closed),
        case("RFC 9110, 5.1", "UTF-8 in a name", get("Grüße: b\r\n"), &[Bare(400)], Closed),
        case("RFC 9110, 5.5", "no value", get("A:\r\n"), &[Good(200)], Open),
        case("RFC 9110, 5.4", "a hundred headers", get(&"A: b\r\n".repeat(99)), &[Good(200)], Open),
        case(
            "RFC 6585, 5",
            "more than a hundred headers",
            get(&"A: b\r\n".repeat(100)),
            &[Bare(431)],
            Closed,
        ),
        case(
            "RFC 6585, 5",
            "a value of 15 KiB",
            get(&format!("A: {}\r\n", "b".repeat(15 * 1024))),
            &[Good(200)],
            Open,
        ),
        case(
            "RFC 6585, 5",
            "a head of more than 16 KiB",
            get(&format!("A: {}\r\n", "b".repeat(16 * 1024))),
            &[Bare(431)],
            Closed,
        ),
        case(
            "RFC 6585, 5",
            "a head without end",
            get("").trim_end().to_owned() + &"\r\nA: b".repeat(10_000),
            &[Bare(431)],
            Closed,
        ),
        case("RFC 6585, 5", "empty lines without end", "\r\n".repeat(20_000), &[Bare(431)], Closed),
        case("RFC 9112, 3", "half a head, and the client goes", "GET / HT", &[], Closed).ending(),
        case("RFC 9112, 9.3", "no byte, and the client goes", "", &[], Closed).ending(),
    ]
}

pub(super) fn first_lines() -> Vec<Case> {
    let version = |version: &str| asking(&format!("GET /api/messages {version}"));
    vec![
        case("RFC 9112, 3", "no request at all", "hello\r\n\r\n", &[Bare(400)], Closed),
        case("RFC 9112, 3", "no target", asking("GET HTTP/1.1"), &[Bare(400)], Closed),
        case("RFC 9112, 3", "two spaces", asking("GET  /api/messages HTTP/1.1"), &[Bare(400)], Closed),
        case(
            "RFC 9112, 3",
            "a tab instead of a space",
            asking("GET\t/api/messages HTTP/1.1"),
            &[Bare(400)],
            Closed,
        ),
        case(
            "RFC 9112, 3",
            "a space in the target",
            asking("GET /api/ messages HTTP/1.1"),
            &[Bare(400)],
            Closed,
        ),
        case(
            "RFC 9112, 3",
            "a space behind the version",
            asking("GET /api/messages HTTP/1.1 "),
            &[Bare(400)],
            Closed,
        ),
        case(
            "RFC 9112, 3",
            "a space before the method",
            asking(" GET /api/messages HTTP/1.1"),
            &[Bare(400)],
            Closed,
        ),
        case("RFC 9110, 9.1", "a method with a slash", asking("G/ET / HTTP/1.1"), &[Bare(400)], Closed),
        case("RFC 9110, 9.1", "a method in small letters", asking("get / HTTP/1.1"), &[Problem(501)], Open),
        case("RFC 9110, 9.1", "a method that nobody knows", asking("BREW / HTTP/1.1"), &[Problem(501)], Open),
        case(
            "RFC 9110, 9.1",
            "a very long method",
            asking(&format!("{} / HTTP/1.1", "A".repeat(9000))),
            &[Problem(501)],
            Open,
        ),
        case("RFC 9110, 9.3.8", "TRACE", asking("TRACE /api/messages HTTP/1.1"), &[Problem(405)], Open),
        case("RFC 9110, 9.3.6", "CONNECT to us", asking("CONNECT HOST HTTP/1.1"), &[Problem(501)], Open),
        case(
            "RFC 9110, 9.3.6",
            "CONNECT to another",
            asking("CONNECT example.com:443 HTTP/1.1"),
            &[Problem(501)],
            Open,
        ),
        // No version is HTTP/0.9, which nobody has to speak (RFC 9112, 2.3).
        case("RFC 9112, 2.3", "HTTP/0.9", "GET /api/messages\r\n", &[Bare(400)], Closed),
        // 1.2 could be answered as 1.1 (RFC 9110, 2.5), and 505 be said to the others: hyper says 400 to all of them.
        case("RFC 9110, 2.5", "HTTP/1.2", version("HTTP/1.2"), &[Bare(400)], Closed),
        case("RFC 9110, 2.5", "HTTP/2.0", version("HTTP/2.0"), &[Bare(400)], Closed),
        case("RFC 9110, 2.5", "HTTP/3.0", version("HTTP/3.0"), &[Bare(400)], Closed),
        case("RFC 9112, 2.3", "http in small letters", version("http/1.1"), &[Bare(400)], Closed),
        case("RFC 9112, 2.3", "a version of two digits", version("HTTP/1.10"), &[Bare(400)], Closed),
        case("RFC 9112, 2.3", "another protocol", version("RTSP/1.0"), &[Bare(400)], Closed),
        case(
            "RFC 9113, 3.4",
            "the preface of HTTP/2",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
            &[Problem(505)],
            Closed,
        ),
        case(
            "RFC 8446, 4.1.2",
            "TLS",
            b"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03".to_vec(),
            &[Bare(400)],
            Closed,
        ),
        case("RFC 4253, 4.2", "SSH", "SSH-2.0-OpenSSH_9.2\r\n", &[Bare(400)], Closed),
        case("RFC 9112, 3", "NUL bytes", vec![0; 64], &[Bare(400)], Closed),
    ]
}

#[test]
fn lines_are_read_to_the_letter() {
    right(lines());
}

#[test]
fn first_lines_are_read_to_the_letter() {
    right(first_lines());
}
