//! Where a request ends: what two readers could understand differently is refused, or the connection ends behind it.

use super::{Bare, Case, Closed, Good, JSON, Open, Problem, case, get, put, put_json, right};

/// What an attacker hopes to have answered as a second request.
const SMUGGLED: &str = "GET /api/messages HTTP/1.1\r\nHost: HOST\r\n\r\n";

pub(super) fn lengths() -> Vec<Case> {
    let length = |value: &str| put(&format!("Content-Length: {value}\r\n"), JSON);
    let twice = |first: &str, second: &str| {
        put(&format!("Content-Length: {first}\r\nContent-Length: {second}\r\n"), JSON)
    };
    vec![
        case("RFC 9112, 6.2", "a length that is right", put_json(), &[Problem(404)], Open),
        case("RFC 9110, 8.6", "a negative length", length("-1"), &[Bare(400)], Closed),
        case("RFC 9110, 8.6", "a length with a plus", length("+23"), &[Bare(400)], Closed),
        case("RFC 9110, 8.6", "a length in hex", length("0x17"), &[Bare(400)], Closed),
        case("RFC 9110, 8.6", "a length with a point", length("23.0"), &[Bare(400)], Closed),
        case("RFC 9110, 8.6", "a length with a space in it", length("2 3"), &[Bare(400)], Closed),
        case("RFC 9110, 8.6", "an empty length", length(""), &[Bare(400)], Closed),
        case("RFC 9110, 8.6", "a length in words", length("many"), &[Bare(400)], Closed),
        // U+0662 U+0663, digits elsewhere.
        case("RFC 9110, 8.6", "a length in other digits", length("\u{662}\u{663}"), &[Bare(400)], Closed),
        case(
            "RFC 9110, 8.6",
            "a length beyond 64 bits",
            length("99999999999999999999"),
            &[Bare(400)],
            Closed,
        ),
        // hyper keeps the two largest numbers for itself.
        case("RFC 9110, 8.6", "the largest number", length("18446744073709551615"), &[Bare(431)], Closed),
        case("RFC 9110, 15.5.14", "a huge length", length("9223372036854775807"), &[Problem(413)], Closed),
        case("RFC 9110, 8.6", "a list of two equal lengths", length("23, 23"), &[Bare(400)], Closed),
        // May be taken for one (RFC 9110, 8.6), and is.
        case("RFC 9110, 8.6", "two equal lengths", twice("23", "23"), &[Problem(404)], Open),
        case("RFC 9112, 6.3", "two different lengths", twice("23", "5"), &[Bare(400)], Closed),
        case("RFC 9112, 6.3", "two lengths, one malformed", twice("23", "x"), &[Bare(400)], Closed),
        case("RFC 9110, 8.6", "leading zeros", length("0000000000023"), &[Problem(404)], Open),
    ]
}

pub(super) fn codings() -> Vec<Case> {
    let chunks = format!("{:x}\r\n{JSON}\r\n0\r\n\r\n", JSON.len());
    let coding =
        |value: &str| put(&format!("Transfer-Encoding: {value}\r\n"), &format!("{chunks}{SMUGGLED}"));
    let plain = |value: &str| put(&format!("Transfer-Encoding: {value}\r\n"), &chunks);
    let both =
        |first: &str, second: &str| put(&format!("{first}\r\n{second}\r\n"), &format!("{chunks}{SMUGGLED}"));
    let (cl, te) = ("Content-Length: 4", "Transfer-Encoding: chunked");
    vec![
        case("RFC 9112, 7.1", "chunks", plain("chunked"), &[Problem(404)], Open),
        case("RFC 9112, 7", "codings are not case-sensitive", plain("CHUNKED"), &[Problem(404)], Open),
        // It might be refused as well. hyper reads the chunks, and what follows is never answered (RFC 9112, 6.1): nothing
        // can be smuggled. It does not tell us that there was a length.
        case("RFC 9112, 6.1", "a length, then chunks", both(cl, te), &[Problem(404)], Closed),
        case("RFC 9112, 6.1", "chunks, then a length", both(te, cl), &[Problem(404)], Closed),
        case(
            "RFC 9112, 6.1",
            "chunks, then no length",
            both(te, "Content-Length: x"),
            &[Problem(404)],
            Closed,
        ),
        case("RFC 9112, 6.1", "an unknown coding", coding("snappy"), &[Bare(400)], Closed),
        case("RFC 9112, 6.1", "an unknown coding before", coding("gzip, chunked"), &[Problem(501)], Closed),
        case("RFC 9112, 6.3", "chunked is not last", coding("chunked, gzip"), &[Bare(400)], Closed),
        case("RFC 9112, 6.1", "chunked twice", coding("chunked, chunked"), &[Problem(400)], Closed),
        case("RFC 9112, 6.1", "chunked twice in two headers", both(te, te), &[Problem(400)], Closed),
        case(
            "RFC 9112, 6.1",
            "another in a second header",
            both(te, "Transfer-Encoding: x"),
            &[Bare(400)],
            Closed,
        ),
        case("RFC 9112, 7", "identity is no coding any more", coding("identity"), &[Bare(400)], Closed),
        case("RFC 9112, 6.1", "an empty coding", coding(""), &[Bare(400)], Closed),
        case("RFC 9112, 7", "a parameter", coding("chunked;a=b"), &[Bare(400)], Closed),
        case("RFC 9112, 7", "a vertical tab before", coding("\u{b}chunked"), &[Bare(400)], Closed),
        case(
            "RFC 9112, 5.1",
            "a space before the colon",
            both("Transfer-Encoding : chunked", cl),
            &[Bare(400)],
            Closed,
        ),
        case(
            "RFC 9112, 6.1",
            "chunks in HTTP/1.0",
            format!("PUT /api/messages/9 HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{SMUGGLED}"),
            &[Bare(400)],
            Closed,
        ),
    ]
}

pub(super) fn chunks() -> Vec<Case> {
    let chunked = |rest: &str| put("Transfer-Encoding: chunked\r\n", rest);
    let long = "x".repeat(20_000);
    let size = JSON.len();
    vec![
        case(
            "RFC 9112, 7.1",
            "a size beyond 64 bits",
            chunked("10000000000000000\r\n"),
            &[Problem(400)],
            Closed,
        ),
        case(
            "RFC 9112, 7.1",
            "the largest size",
            chunked("ffffffffffffffff\r\nabc"),
            &[Problem(400)],
            Closed,
        )
        .ending(),
        case("RFC 9112, 7.1", "a size of minus one", chunked("-1\r\n"), &[Problem(400)], Closed),
        case("RFC 9112, 7.1", "a size with 0x", chunked("0x17\r\n"), &[Problem(400)], Closed),
        case("RFC 9112, 7.1", "no size", chunked("\r\n"), &[Problem(400)], Closed),
        case("RFC 9112, 7.1", "a size with a space in it", chunked("1 7\r\n"), &[Problem(400)], Closed),
        case("RFC 9112, 7.1", "a space before the size", chunked(" 17\r\n"), &[Problem(400)], Closed),
        case(
            "RFC 9112, 2.2",
            "LF alone behind a size",
            chunked(&format!("17\n{JSON}\r\n")),
            &[Problem(400)],
            Closed,
        ),
        case("RFC 9112, 2.2", "CR alone behind a size", chunked("17\rx"), &[Problem(400)], Closed),
        case(
            "RFC 9112, 7.1",
            "a chunk that is longer than it says",
            chunked(&format!("5\r\n{JSON}\r\n")),
            &[Problem(400)],
            Closed,
        ),
        case(
            "RFC 9112, 7.1",
            "LF alone behind a chunk",
            chunked(&format!("17\r\n{JSON}\n0\r\n\r\n")),
            &[Problem(400)],
            Closed,
        ),
        case(
            "RFC 9112, 7.1",
            "no last chunk",
            chunked(&format!("17\r\n{JSON}\r\n")),
            &[Problem(400)],
            Closed,
        )
        .ending(),
        case(
            "RFC 9112, 7.1.1",
            "an extension",
            chunked(&format!("17;a=\"b\"\r\n{JSON}\r\n0\r\n\r\n")),
            &[Problem(404)],
            Open,
        ),
        case(
            "RFC 9112, 7.1.1",
            "an extension without end",
            chunked(&format!("17;{long}")),
            &[Problem(400)],
            Closed,
        ),
        case("RFC 9112, 7.1.1", "an extension with LF", chunked("17;a\nb\r\n"), &[Problem(400)], Closed),
        case(
            "RFC 9112, 7.1",
            "leading zeros",
            chunked(&format!("{size:016x}\r\n{JSON}\r\n0\r\n\r\n")),
            &[Problem(404)],
            Open,
        ),
        case(
            "RFC 9112, 7.1",
            "a size in capitals",
            chunked("A\r\n{\"from\":\"\"\r\nD\r\n,\"text\":\"b\"}\n\r\n0\r\n\r\n"),
            &[Problem(404)],
            Open,
        ),
        case(
            "RFC 9112, 7.1.2",
            "trailers are ignored",
            chunked(&format!("17\r\n{JSON}\r\n0\r\nA: b\r\nContent-Length: 5\r\n\r\n")),
            &[Problem(404)],
            Open,
        ),
        case(
            "RFC 9112, 7.1.2",
            "trailers too long",
            chunked(&format!("17\r\n{JSON}\r\n0\r\nA: {long}\r\n\r\n")),
            &[Problem(400)],
            Closed,
        ),
        case(
            "RFC 9112, 7.1.2",
            "a trailer without a colon",
            chunked(&format!("17\r\n{JSON}\r\n0\r\nA\r\n\r\n")),
            &[Problem(400)],
            Closed,
        ),
        case(
            "RFC 9112, 7.1.2",
            "a trailer with NUL",
            chunked(&format!("17\r\n{JSON}\r\n0\r\nA: \0\r\n\r\n")),
            &[Problem(400)],
            Closed,
        ),
    ]
}

/// Behind an error nothing is answered: where the next request would begin is not known.
pub(super) fn behind_errors() -> Vec<Case> {
    let then = |first: String| first + SMUGGLED + SMUGGLED;
    vec![
        case("RFC 9112, 9.3.2", "a request behind a good one", then(get("")), &[Good(200); 3], Open),
        case(
            "RFC 9112, 9.3.2",
            "behind one that is not found",
            then(put_json()),
            &[Problem(404), Good(200), Good(200)],
            Open,
        ),
        case("RFC 9112, 9.3.2", "behind no request", then("no request\r\n\r\n".into()), &[Bare(400)], Closed),
        case(
            "RFC 9112, 9.3.2",
            "behind a bad length",
            then(put("Content-Length: x\r\n", "")),
            &[Bare(400)],
            Closed,
        ),
        case(
            "RFC 9112, 9.3.2",
            "behind a bad chunk",
            then(put("Transfer-Encoding: chunked\r\n", "x\r\n")),
            &[Problem(400)],
            Closed,
        ),
        case(
            "RFC 9112, 9.6",
            "behind Connection: close",
            then(get("Connection: close\r\n")),
            &[Good(200)],
            Closed,
        ),
        case(
            "RFC 9112, 9.6",
            "behind a body too large",
            then(put("Content-Length: 70000\r\n", "")),
            &[Problem(413)],
            Closed,
        ),
    ]
}

#[test]
fn lengths_are_digits_and_only_one() {
    right(lengths());
}

#[test]
fn there_is_one_coding_once() {
    right(codings());
}

#[test]
fn chunks_are_read_to_the_letter() {
    right(chunks());
}

#[test]
fn nothing_is_smuggled_in_behind_an_error() {
    right(behind_errors());
}
