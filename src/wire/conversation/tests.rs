use proptest::prelude::*;

use super::Side::{Client, Server};
use super::*;

const ASK: &[u8] = b"GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const YES: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n";
const NO: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno";
const GET: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
const NEWS: &[u8] = b"\x81\x04news";

const FEED: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
    a\r\ndata: a\n\n:\r\n8\r\n\n\ndata:b\r\n2\r\n\n\n\r\n0\r\n\r\n";

/// One line for each meaning.
fn short(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Request { exchange, method, target, .. } => format!("{exchange} > {method} {target}"),
        Meaning::Response { exchange, status, .. } => format!("{exchange} < {status}"),
        Meaning::MessageEnd { from, exchange, body_len, wire_len, complete } => {
            let cut = if *complete { "" } else { ", cut off" };
            format!("{exchange} {} ends: {body_len} of {wire_len}{cut}", from.word())
        }
        Meaning::Upgraded { protocol } => format!("upgraded to {protocol}"),
        Meaning::Frame { from, opcode, text, .. } => format!("{} {opcode:?} {text:?}", from.word()),
        Meaning::Packet { packet, event, len, .. } => format!("{packet} {event:?}, {len}"),
        Meaning::Broken { from, why } => format!("{} broken: {why}", from.word()),
    }
}

/// What one conversation says to all this; `None` for bytes ends that side.
fn heard(parts: &[(Side, Option<&[u8]>)]) -> Vec<String> {
    let mut conversation = Conversation::new();
    let mut out = Vec::new();
    for (from, bytes) in parts {
        out.extend(match bytes {
            Some(bytes) => conversation.feed(*from, bytes),
            None => conversation.end(*from),
        });
    }
    out.iter().map(short).collect()
}

#[test]
fn events_in_a_body_are_told_before_its_end() {
    assert_eq!(
        heard(&[(Client, Some(GET)), (Server, Some(FEED))])[2..],
        [
            "1 < 200",
            "event Some(\"message\"), 9",
            "comment None, 3",
            "event Some(\"message\"), 8",
            format!("1 server ends: 20 of {}", FEED.len()).as_str()
        ]
    );
}

#[test]
fn a_request_and_its_response() {
    let heard = heard(&[(Client, Some(GET)), (Server, Some(OK)), (Server, None), (Client, None)]);
    assert_eq!(heard, ["1 > GET /", "1 client ends: 0 of 18", "1 < 200", "1 server ends: 2 of 40"]);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let asks = b"HEAD /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
    let answers = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nto the end";
    let heard = heard(&[(Client, Some(asks)), (Server, Some(answers)), (Server, None)]);
    assert_eq!(
        heard,
        [
            "1 > HEAD /a",
            "1 client ends: 0 of 20",
            "2 > GET /b",
            "2 client ends: 0 of 19",
            "1 < 200",
            "1 server ends: 0 of 38",
            "2 < 100",
            "2 < 200",
            "2 server ends: 10 of 54",
        ]
    );
}

#[test]
fn an_upgrade_and_frames_both_ways() {
    let answer = [YES, NEWS].concat();
    let heard = heard(&[
        (Client, Some(ASK)),
        (Server, Some(&answer)),
        (Client, Some(HELLO)),
        (Client, Some(b"\x88")),
        (Client, None),
        (Server, Some(b"\x88\x02\x03\xe8")),
    ]);
    assert_eq!(
        heard,
        [
            "1 > GET /ws",
            "1 client ends: 0 of 61",
            "1 < 101",
            "1 server ends: 0 of 56",
            "upgraded to websocket",
            "server Text Some(\"news\")",
            "client Text Some(\"Hello\")",
            "client broken: the connection ended in the middle of a frame",
            "server Close None",
        ]
    );
}

#[test]
fn what_comes_before_the_101_waits_for_it() {
    let eager = [ASK, HELLO].concat();
    let answer = [YES, NEWS].concat();
    let last = ["upgraded to websocket", "client Text Some(\"Hello\")", "server Text Some(\"news\")"];
    let heard_now = heard(&[(Client, Some(&eager)), (Client, None), (Server, Some(&answer)), (Server, None)]);
    assert_eq!(heard_now[4..], last);
    // Or for another answer: then it is HTTP.
    let eager = [ASK, GET, ASK, HELLO].concat();
    let heard_now =
        heard(&[(Client, Some(&eager)), (Server, Some(NO)), (Server, Some(OK)), (Server, Some(YES))]);
    assert_eq!(
        heard_now,
        [
            "1 > GET /ws",
            "1 client ends: 0 of 61",
            "1 < 426",
            "2 > GET /",
            "2 client ends: 0 of 18",
            "3 > GET /ws",
            "3 client ends: 0 of 61",
            "1 server ends: 2 of 54",
            "2 < 200",
            "2 server ends: 2 of 40",
            "3 < 101",
            "3 server ends: 0 of 56",
            "upgraded to websocket",
            "client Text Some(\"Hello\")",
        ]
    );
    // Or for none at all.
    let eager = [ASK, GET].concat();
    let heard_now = heard(&[(Client, Some(&eager)), (Client, None), (Server, None)]);
    assert_eq!(heard_now[2..], ["2 > GET /", "2 client ends: 0 of 18"]);
}

#[test]
fn what_waits_is_bounded() {
    let mut conversation = Conversation::new();
    conversation.feed(Client, ASK);
    for _ in 0..64 {
        assert_eq!(conversation.feed(Client, &[0; 1024]), []);
    }
    assert!(matches!(conversation.feed(Client, b"x")[..], [Meaning::Broken { from: Client, .. }]));
    assert_eq!(conversation.feed(Client, &[0; 1024]), []);
    assert_eq!(conversation.feed(Server, YES).len(), 3, "the other direction goes on");
    let mut conversation = Conversation::new();
    let asks: Vec<_> = (0..=WAITING).flat_map(|_| conversation.feed(Client, GET)).collect();
    assert_eq!(asks.len(), 2 * WAITING + 1);
    assert_eq!(short(&asks[2 * WAITING]), "client broken: more than 4096 requests that wait for an answer");
}

#[test]
fn a_request_with_content_ends_before_the_frames_begin() {
    let ask = b"POST /ws HTTP/1.1\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\na";
    let rest = [b"bc", HELLO].concat();
    let heard = heard(&[(Client, Some(ask)), (Server, Some(YES)), (Client, Some(&rest))]);
    assert_eq!(
        heard[3..],
        ["upgraded to websocket", "1 client ends: 3 of 63", "client Text Some(\"Hello\")"]
    );
}

#[test]
fn other_protocols_and_tunnels_are_only_counted() {
    let h2c = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\x00\x00";
    let heard_now =
        heard(&[(Client, Some(ASK)), (Server, Some(h2c)), (Client, Some(b"PRI * HTTP/2.0\r\n\r\n"))]);
    assert_eq!(heard_now[2..], ["1 < 101", "1 server ends: 0 of 50", "upgraded to h2c"]);
    let connect = b"CONNECT a:1 HTTP/1.1\r\n\r\nraw";
    let yes = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nraw";
    let heard_now = heard(&[(Client, Some(connect)), (Server, Some(yes)), (Client, Some(b"raw"))]);
    assert_eq!(heard_now[2..], ["1 < 200", "1 server ends: 0 of 38"]);
    let unasked = heard(&[(Client, Some(GET)), (Server, Some(YES)), (Client, Some(HELLO))]);
    assert_eq!(unasked[4..], ["upgraded to websocket", "client Text Some(\"Hello\")"]);
}

#[test]
fn an_answer_that_nobody_asked_for_has_an_exchange_of_its_own() {
    let late = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(
        heard(&[(Server, Some(late)), (Client, Some(GET)), (Server, Some(OK))]),
        [
            "1 < 408",
            "1 server ends: 0 of 51",
            "2 > GET /",
            "2 client ends: 0 of 18",
            "2 < 200",
            "2 server ends: 2 of 40"
        ]
    );
    // Half a request was there: it is what the answer is about.
    assert_eq!(
        heard(&[(Client, Some(b"GET / HT")), (Server, Some(late)), (Client, None), (Server, None)]),
        ["1 < 408", "1 server ends: 0 of 51", "1 client ends: 0 of 8, cut off"]
    );
    assert_eq!(
        heard(&[(Client, Some(b"GET / HT")), (Client, None), (Server, Some(late)), (Server, None)]),
        ["1 client ends: 0 of 8, cut off", "1 < 408", "1 server ends: 0 of 51"]
    );
}

#[test]
fn what_is_cut_off_is_incomplete() {
    let part = &OK[..OK.len() - 1];
    let heard_now = heard(&[(Client, Some(GET)), (Server, Some(part)), (Server, None), (Server, None)]);
    assert_eq!(heard_now[2..], ["1 < 200", "1 server ends: 1 of 39, cut off"]);
    let heard_now = heard(&[(Client, Some(GET)), (Server, Some(b"HTTP/1.1 2")), (Server, None)]);
    assert_eq!(heard_now[2..], ["1 server ends: 0 of 10, cut off"]);
}

#[test]
fn a_broken_direction_is_silent_and_the_other_goes_on() {
    let heard = heard(&[
        (Client, Some(b"\x16\x03\x01\x02\x00")),
        (Client, Some(GET)),
        (Client, None),
        (Server, Some(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        (Server, None),
    ]);
    assert_eq!(heard, ["client broken: a TLS handshake, not HTTP", "1 < 400", "1 server ends: 0 of 28"]);
}

/// Turns of a conversation that is near enough to a real one to get far.
fn turns() -> impl Strategy<Value = Vec<(Side, Option<Vec<u8>>)>> {
    let chunked = &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"[..];
    let known = prop::sample::select(vec![
        (Client, ASK),
        (Client, GET),
        (Client, HELLO),
        (Client, b"HEAD / HTTP/1.1\r\n\r\n"),
        (Client, b"CONNECT a:1 HTTP/1.1\r\n\r\n"),
        (Client, b"POST / HTTP/1.1\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nab"),
        (Client, b"GET / HT"),
        (Client, b"c\r\n"),
        (Server, YES),
        (Server, NO),
        (Server, OK),
        (Server, NEWS),
        (Server, chunked),
        (Server, b"HTTP/1.1 100 Continue\r\n\r\n"),
        (Server, b"HTTP/1.1 200 OK\r\n\r\n"),
        (Server, b"HTTP/1.1 2"),
        (Server, FEED),
        (Server, b"8\r\nid: 1\r\n\r\r\n"),
    ]);
    let side = prop::sample::select(vec![Client, Server]);
    let turn = prop_oneof![
        20 => known.prop_map(|(side, bytes)| (side, Some(bytes.to_vec()))),
        1 => (side.clone(), prop::collection::vec(any::<u8>(), 0..8)).prop_map(|(side, bytes)| (side, Some(bytes))),
        1 => side.prop_map(|side| (side, None)),
    ];
    prop::collection::vec(turn, 0..14)
}

/// Everything that is heard when each turn comes in pieces of `size`, and then both sides end.
fn in_pieces(turns: &[(Side, Option<Vec<u8>>)], size: usize) -> Vec<Meaning> {
    let mut conversation = Conversation::new();
    let mut out = Vec::new();
    for (from, bytes) in turns {
        match bytes {
            Some(bytes) => bytes.chunks(size).for_each(|piece| out.extend(conversation.feed(*from, piece))),
            None => out.extend(conversation.end(*from)),
        }
        assert!(conversation.held() < 2 * (HELD + 2 * 64 * 1024), "{} held", conversation.held());
    }
    out.extend(conversation.end(Client));
    out.extend(conversation.end(Server));
    out
}

proptest! {
    #[test]
    fn any_split_gives_the_same_meanings(turns in turns(), size in 1usize..30) {
        let whole = in_pieces(&turns, usize::MAX);
        prop_assert_eq!(&in_pieces(&turns, size), &whole);
        prop_assert_eq!(&in_pieces(&turns, 1), &whole);
        for side in [Client, Server] {
            // What is broken says so once, and then nothing.
            let mine = whole.iter().filter(|it| match it {
                Meaning::Request { .. } => side == Client,
                Meaning::Response { .. } | Meaning::Upgraded { .. } | Meaning::Packet { .. } => side == Server,
                Meaning::MessageEnd { from, .. } | Meaning::Frame { from, .. } | Meaning::Broken { from, .. } => *from == side,
            });
            let broken = mine.clone().position(|it| matches!(it, Meaning::Broken { .. }));
            prop_assert!(broken.is_none_or(|at| at + 1 == mine.clone().count()), "{:?}", whole);
            // What was cut adds up to what came; to all of it where nothing kept the reader from reading.
            let cut: u64 = mine.map(|it| match it {
                Meaning::MessageEnd { wire_len, .. } | Meaning::Frame { wire_len, .. } => *wire_len,
                Meaning::Request { .. } | Meaning::Response { .. } | Meaning::Upgraded { .. } | Meaning::Broken { .. } => 0,
                Meaning::Packet { .. } => 0,
            }).sum();
            let over = turns.iter().position(|(from, bytes)| *from == side && bytes.is_none()).unwrap_or(turns.len());
            let came: Vec<u8> = turns[..over].iter().filter(|it| it.0 == side).flat_map(|it| it.1.clone().unwrap_or_default()).collect();
            prop_assert!(cut <= came.len() as u64);
            let tunnel = came_to_a_tunnel(&whole);
            if broken.is_none() && !tunnel {
                let blank = came.iter().rev().take_while(|byte| b"\r\n".contains(byte)).count() as u64;
                prop_assert!(came.len() as u64 - cut <= blank, "{} of {} from {side:?}: {whole:?}", cut, came.len());
            }
        }
        // Each exchange has one request and one final response at most.
        for exchange in 1..30 {
            let requests = whole.iter().filter(|it| matches!(it, Meaning::Request { exchange: e, .. } if *e == exchange));
            let ends = whole.iter().filter(|it| matches!(it, Meaning::MessageEnd { exchange: e, .. } if *e == exchange));
            prop_assert!(requests.count() <= 1 && ends.count() <= 2, "{:?}", whole);
        }
    }
}

/// Whether a part of this may only have been counted.
fn came_to_a_tunnel(meanings: &[Meaning]) -> bool {
    meanings.iter().any(|it| match it {
        Meaning::Upgraded { protocol } => protocol != "websocket",
        Meaning::Request { method, .. } => method == "CONNECT",
        Meaning::Response { .. }
        | Meaning::MessageEnd { .. }
        | Meaning::Frame { .. }
        | Meaning::Packet { .. }
        | Meaning::Broken { .. } => false,
    })
}
