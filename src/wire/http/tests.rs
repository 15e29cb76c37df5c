use proptest::prelude::*;

use super::*;

/// All events of a stream that comes in the pieces given, and then ends; `Err` with what came before it.
fn read<'a>(
    from: Side,
    asked: Asked,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Event>, (Vec<Event>, &'static str)> {
    let mut decoder = Decoder::new(from);
    let mut events = Vec::new();
    for mut piece in pieces {
        loop {
            match decoder.next(&mut piece, asked) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(why) => return Err((events, why)),
            }
        }
        assert!(piece.is_empty(), "all is taken");
        assert!(decoder.held() <= 2 * head::LIMIT, "{} held", decoder.held());
    }
    events.extend(decoder.end().map(Event::End));
    assert_eq!(decoder.end(), None, "it ends once");
    Ok(events)
}

fn ends(from: Side, bytes: &[u8]) -> Vec<(u64, u64, bool)> {
    let events = read(from, Asked::Other, [bytes]).expect("HTTP");
    let ends = events.into_iter().filter_map(|event| match event {
        Event::Head(_) | Event::Packet(_) => None,
        Event::End(End { body_len, wire_len, complete }) => Some((body_len, wire_len, complete)),
    });
    ends.collect()
}

fn why(from: Side, bytes: &[u8]) -> &'static str {
    read(from, Asked::Other, [bytes]).expect_err("not HTTP").1
}

#[test]
fn a_request_and_what_it_says() {
    let bytes = b"POST /a?b HTTP/1.1\r\nHost: x\r\nX-Latin:  caf\xe9 \r\nContent-Length: 2\r\n\r\nhi";
    let events = read(Side::Client, Asked::Other, [&bytes[..]]).expect("HTTP");
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let head = Head {
        start: Start::Request { method: "POST".into(), target: "/a?b".into() },
        headers: vec![header("Host", "x"), header("X-Latin", "caf\u{fffd}"), header("Content-Length", "2")],
        len: bytes.len() as u64 - 2,
    };
    let end = End { body_len: 2, wire_len: bytes.len() as u64, complete: true };
    assert_eq!(events, [Event::Head(head), Event::End(end)]);
}

#[test]
fn each_byte_belongs_to_one_message() {
    let pipelined = b"\r\nGET / HTTP/1.1\r\n\r\n\n\r\nGET /b HTTP/1.1\n\nPOST / HTTP/1.1\r\n\
        Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n";
    assert_eq!(ends(Side::Client, pipelined), [(0, 20, true), (0, 20, true), (3, 70, true)]);
    let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody";
    assert_eq!(ends(Side::Server, interim), [(4, interim.len() as u64, true)]);
}

#[test]
fn what_ends_too_early_is_incomplete() {
    for (bytes, body) in [
        (&b"GET / HT"[..], 0),
        (b"\r\nG", 0),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc", 3),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", 3),
    ] {
        assert_eq!(
            ends(Side::Client, bytes),
            [(body, bytes.len() as u64, false)],
            "{}",
            bytes.escape_ascii()
        );
    }
    assert_eq!(ends(Side::Client, b"\r\n\r\n\r"), [], "empty lines are no message");
    assert_eq!(ends(Side::Server, b"HTTP/1.1 100 Continue\r\n\r\n"), [(0, 25, false)]);
}

#[test]
fn what_is_not_http_is_told_at_once() {
    for (from, bytes, expected) in [
        (Side::Client, &b"\x16\x03\x01"[..], "a TLS handshake, not HTTP"),
        (Side::Client, b"\x81", "a first line that is not HTTP"),
        (Side::Server, b"SSH-2.0", "a first line that is not HTTP"),
        (Side::Client, b"GET /\r\n", "a first line that is not HTTP"),
        (Side::Client, b"PRI * HTTP/2.0\r\n", "a version that is neither HTTP/1.1 nor HTTP/1.0"),
        (Side::Client, b"\rG", "a line that does not end as it should"),
        (Side::Server, b"HTTP/1.1 2x0 OK\r\n", "a status line whose status is not three digits"),
        (Side::Client, b"GET / HTTP/1.1\r\na b: c\r\n\r\n", "a header line whose name is not one"),
    ] {
        assert_eq!(why(from, bytes), expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_head_has_its_limits() {
    let with = |line: &str, count| format!("GET / HTTP/1.1\r\n{}\r\n", line.repeat(count));
    assert_eq!(ends(Side::Client, with("a: b\r\n", 128).as_bytes()).len(), 1);
    assert_eq!(why(Side::Client, with("a: b\r\n", 129).as_bytes()), "more than 128 header lines");
    let long = format!("a: {}\r\n", "x".repeat(head::LIMIT - 23));
    assert_eq!(ends(Side::Client, with(&long, 1).as_bytes()), [(0, head::LIMIT as u64, true)]);
    let longer = with(&long.replace("a:", "aa:"), 1);
    assert_eq!(why(Side::Client, longer.as_bytes()), "a head longer than 64 KiB");
    for size in [1, 1000, 65536] {
        let (events, why) =
            read(Side::Client, Asked::Other, longer.as_bytes().chunks(size)).expect_err("too long");
        assert_eq!((events.len(), why), (0, "a head longer than 64 KiB"), "by {size}");
    }
}

/// A message to be made: what it is to say, and its bytes.
#[derive(Debug, Clone)]
struct Made {
    bytes: Vec<u8>,
    headers: Headers,
    body_len: u64,
}

/// Messages of one direction; those of a server are asked for with a GET.
fn made(from: Side) -> impl Strategy<Value = Made> {
    let name = "[A-Za-z][A-Za-z0-9-]{0,10}".prop_filter("framing is made below", |name| {
        !["content-length", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str())
    });
    let headers = prop::collection::vec((name, "[!-~]([ -~é]{0,12}[!-~])?"), 0..6);
    let chunks = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..4);
    (headers, chunks, any::<bool>(), 0usize..3).prop_map(move |(mut headers, chunks, chunked, blank)| {
        let body = chunks.concat();
        headers.push(match chunked {
            true => ("Transfer-Encoding".into(), "chunked".into()),
            false => ("Content-Length".into(), body.len().to_string()),
        });
        let start = match from {
            Side::Client => "PUT /x HTTP/1.1",
            Side::Server => "HTTP/1.1 200 OK",
        };
        let mut bytes = format!("{}{start}\r\n", "\r\n".repeat(blank)).into_bytes();
        for (name, value) in &headers {
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        bytes.extend(b"\r\n");
        if chunked {
            for chunk in &chunks {
                bytes.extend(format!("{:x};ext=1\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\nTrailer: x\r\n\r\n");
        } else {
            bytes.extend(&body);
        }
        Made { bytes, headers, body_len: body.len() as u64 }
    })
}

/// Bytes that are near enough to HTTP to get far.
fn nearly_http() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        &b"GET / HTTP/1.1\r\n"[..],
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.0 101 X\r\n",
        b"GET / HT",
        b"Content-Length: 3\r\n",
        b"Content-Length: 18446744073709551615\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"ffffffffffffffff\r\n",
        b"\x00",
        b"x: y\r\n",
        b" ",
        b":",
    ]);
    let piece = prop_oneof![
        8 => words.prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(bytes in nearly_http(), sizes in prop::collection::vec(1usize..9, 1..8), server: bool, head: bool) {
        let from = if server { Side::Server } else { Side::Client };
        let asked = if head { Asked::Head } else { Asked::Other };
        let whole = read(from, asked, [&bytes[..]]);
        let mut rest = &bytes[..];
        let pieces = sizes.iter().cycle().map_while(|size| {
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        });
        prop_assert_eq!(&read(from, asked, pieces), &whole);
        prop_assert_eq!(&read(from, asked, bytes.chunks(1)), &whole);
        if let Ok(events) = whole {
            let wire: u64 = events.iter().map(|event| match event {
                Event::Head(_) | Event::Packet(_) => 0,
                Event::End(end) => end.wire_len,
            }).sum();
            prop_assert!(bytes.len() as u64 - wire <= bytes.iter().rev().take_while(|byte| b"\r\n".contains(byte)).count() as u64);
        }
    }

    #[test]
    fn what_was_made_is_what_is_read(messages in prop_oneof![
        prop::collection::vec(made(Side::Client), 1..4).prop_map(|it| (Side::Client, it)),
        prop::collection::vec(made(Side::Server), 1..4).prop_map(|it| (Side::Server, it)),
    ], size in 1usize..64) {
        let (from, messages) = messages;
        let bytes: Vec<u8> = messages.iter().flat_map(|it| it.bytes.clone()).collect();
        let events = read(from, Asked::Other, bytes.chunks(size)).expect("HTTP");
        prop_assert_eq!(events.len(), 2 * messages.len());
        for (made, events) in messages.iter().zip(events.chunks(2)) {
            let [Event::Head(head), Event::End(end)] = events else { panic!("{events:?}") };
            prop_assert_eq!(&head.headers, &made.headers);
            let wire_len = made.bytes.len() as u64;
            prop_assert_eq!(*end, End { body_len: made.body_len, wire_len, complete: true });
        }
    }
}
