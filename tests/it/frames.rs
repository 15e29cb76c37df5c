//! What may not come on a socket, and what may though it looks odd: each with the section of RFC 6455 that says so, and with
//! what must come back before TCP ends with a FIN of the server's, never with a reset.

use std::time::Duration;

use wsdemo::server::{Limits, Options};
use wsdemo::timeline::Who;

use crate::visitor::{Host, Visitor};

/// The longest message, bytes.
const LIMIT: usize = 64 * 1024;

const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What must come back.
enum Back {
    /// A close frame with this code and a reason, and nothing else.
    Close(u16),
    /// Exactly this.
    Bytes(Vec<u8>),
    /// This, then a close frame with this code and a reason.
    Then(Vec<u8>, u16),
}

use Back::{Bytes, Close, Then};

/// What it is, where RFC 6455 speaks of it, what the client sends, what must come back.
type Case = (&'static str, &'static str, Vec<u8>, Back);

/// A client's frame with the shortest length, masked with zeros so that its payload can be read here.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [length(first, 0x80, payload.len()), vec![0; 4], payload.to_vec()].concat()
}

/// A server's.
fn answer(first: u8, payload: &[u8]) -> Vec<u8> {
    [length(first, 0, payload.len()), payload.to_vec()].concat()
}

fn length(first: u8, mask: u8, len: usize) -> Vec<u8> {
    match len {
        0..126 => vec![first, mask | len as u8],
        126..65_536 => [&[first, mask | 126], &(len as u16).to_be_bytes()[..]].concat(),
        _ => [&[first, mask | 127], &(len as u64).to_be_bytes()[..]].concat(),
    }
}

/// With a length of eight bytes, whatever it takes.
fn long_length(first: u8, len: u64, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | 127], &len.to_be_bytes()[..], &[0; 4], payload].concat()
}

/// With a length of two bytes.
fn two_byte_length(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | 126], &(payload.len() as u16).to_be_bytes()[..], &[0; 4], payload].concat()
}

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes(), reason].concat())
}

/// The frames, then a close by the client, which is answered as it is.
fn then_close(frames: &[Vec<u8>]) -> Vec<u8> {
    [frames.concat(), close(1000, b"")].concat()
}

/// What comes back where all is well.
fn well(frames: &[Vec<u8>]) -> Back {
    Bytes([frames.concat(), answer(0x88, &1000_u16.to_be_bytes())].concat())
}

fn headers() -> Vec<Case> {
    vec![
        ("RSV1 is set", "5.2", frame(0xc1, b"x"), Close(1002)),
        ("RSV2 is set", "5.2", frame(0xa1, b"x"), Close(1002)),
        ("RSV3 is set", "5.2", frame(0x91, b"x"), Close(1002)),
        ("all reserved bits are set", "5.2", frame(0xf2, b"x"), Close(1002)),
        ("RSV1 on a ping", "5.2", frame(0xc9, b""), Close(1002)),
        ("RSV1 on a close", "5.2", frame(0xc8, b"\x03\xe8"), Close(1002)),
        ("RSV1 on a continuation", "5.2", [frame(0x01, b"a"), frame(0xc0, b"b")].concat(), Close(1002)),
        ("opcode 3", "5.2", frame(0x83, b"x"), Close(1002)),
        ("opcode 4", "5.2", frame(0x84, b""), Close(1002)),
        ("opcode 5", "5.2", frame(0x85, b"x"), Close(1002)),
        ("opcode 6", "5.2", frame(0x86, b""), Close(1002)),
        ("opcode 7", "5.2", frame(0x87, b"x"), Close(1002)),
        ("opcode 11", "5.2", frame(0x8b, b""), Close(1002)),
        ("opcode 12", "5.2", frame(0x8c, b"x"), Close(1002)),
        ("opcode 13", "5.2", frame(0x8d, b""), Close(1002)),
        ("opcode 14", "5.2", frame(0x8e, b"x"), Close(1002)),
        ("opcode 15", "5.2", frame(0x8f, b""), Close(1002)),
        ("opcode 3 in a fragment", "5.2", frame(0x03, b"x"), Close(1002)),
        ("a text that is not masked", "5.1", answer(0x81, b"Hello"), Close(1002)),
        ("an empty text that is not masked", "5.1", answer(0x81, b""), Close(1002)),
        ("a ping that is not masked", "5.1", answer(0x89, b""), Close(1002)),
        ("a close that is not masked", "5.1", answer(0x88, b"\x03\xe8"), Close(1002)),
        ("HTTP instead of frames", "5.2", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), Close(1002)),
    ]
}

/// Lengths that RFC 6455 forbids and tungstenite lets pass: "the minimal number of bytes MUST be used" (5.2). What they say is
/// not in doubt, and they are answered as if they were right.
fn long_lengths() -> Vec<Case> {
    vec![
        (
            "two bytes for a length of 125",
            "5.2",
            then_close(&[two_byte_length(0x82, &[7; 125])]),
            well(&[answer(0x82, &[7; 125])]),
        ),
        (
            "two bytes for a length of 0",
            "5.2",
            then_close(&[two_byte_length(0x81, b"")]),
            well(&[answer(0x81, b"")]),
        ),
        (
            "eight bytes for a length of 1",
            "5.2",
            then_close(&[long_length(0x81, 1, b"x")]),
            well(&[answer(0x81, b"x")]),
        ),
        (
            "eight bytes for a length of 65535",
            "5.2",
            then_close(&[long_length(0x82, 65_535, &[7; 65_535])]),
            well(&[answer(0x82, &[7; 65_535])]),
        ),
        // "The most significant bit MUST be 0" (5.2): to tungstenite it is a length, and too much.
        ("the top bit of the length", "5.2", long_length(0x82, 1 << 63, b""), Close(1009)),
        ("every bit of the length", "5.2", long_length(0x82, u64::MAX, b""), Close(1009)),
        ("every bit of a ping's length", "5.2", long_length(0x89, u64::MAX, b""), Close(1009)),
    ]
}

fn fragments() -> Vec<Case> {
    vec![
        ("a continuation of nothing", "5.4", frame(0x80, b"x"), Close(1002)),
        ("a continuation of nothing that goes on", "5.4", frame(0x00, b"x"), Close(1002)),
        ("an empty continuation of nothing", "5.4", frame(0x80, b""), Close(1002)),
        (
            "a continuation after the message ended",
            "5.4",
            [frame(0x81, b"a"), frame(0x80, b"b")].concat(),
            Then(answer(0x81, b"a"), 1002),
        ),
        ("a text inside of a text", "5.4", [frame(0x01, b"a"), frame(0x81, b"b")].concat(), Close(1002)),
        ("a binary inside of a text", "5.4", [frame(0x01, b"a"), frame(0x82, b"b")].concat(), Close(1002)),
        (
            "a fragment of text inside of a text",
            "5.4",
            [frame(0x01, b"a"), frame(0x01, b"b")].concat(),
            Close(1002),
        ),
        (
            "a text inside of a message, after a ping",
            "5.4",
            [frame(0x01, b"a"), frame(0x89, b"p"), frame(0x81, b"b")].concat(),
            Then(answer(0x8a, b"p"), 1002),
        ),
        ("a ping in fragments", "5.5", frame(0x09, b"x"), Close(1002)),
        ("a pong in fragments", "5.5", frame(0x0a, b""), Close(1002)),
        ("a close in fragments", "5.5", frame(0x08, b"\x03\xe8"), Close(1002)),
        ("a ping of 126 bytes", "5.5", frame(0x89, &[b'x'; 126]), Close(1002)),
        ("a pong of 126 bytes", "5.5", frame(0x8a, &[b'x'; 126]), Close(1002)),
        ("a pong of 64 KiB", "5.5", frame(0x8a, &[b'x'; LIMIT]), Close(1002)),
        ("a close of 126 bytes", "5.5", close(1000, &[b'x'; 124]), Close(1002)),
        (
            "empty fragments",
            "5.4",
            then_close(&[frame(0x01, b""), frame(0x00, b""), frame(0x80, b"")]),
            well(&[answer(0x81, b"")]),
        ),
        (
            "fragments with a ping between them",
            "5.4",
            then_close(&[frame(0x02, b"a"), frame(0x89, b"p"), frame(0x80, b"b")]),
            well(&[answer(0x8a, b"p"), answer(0x82, b"ab")]),
        ),
        (
            "a close between fragments",
            "5.4",
            [frame(0x01, b"a"), close(1000, b"")].concat(),
            Bytes(answer(0x88, b"\x03\xe8")),
        ),
        ("a pong that nobody asked for", "5.5.3", then_close(&[frame(0x8a, b"x")]), well(&[])),
        (
            "a ping of 125 bytes",
            "5.5.2",
            then_close(&[frame(0x89, &[b'x'; 125])]),
            well(&[answer(0x8a, &[b'x'; 125])]),
        ),
    ]
}

fn closes() -> Vec<Case> {
    let refused = [
        ("close code 0", 0),
        ("close code 999", 999),
        ("close code 1004", 1004),
        ("close code 1005", 1005),
        ("close code 1006", 1006),
        ("close code 1015", 1015),
        ("close code 1016", 1016),
        ("close code 2999", 2999),
        ("close code 5000", 5000),
        ("close code 65535", 65_535),
    ];
    let refused = refused.map(|(name, code)| (name, "7.4", close(code, b"bye"), Close(1002)));
    let mut cases: Vec<Case> = refused.into();
    for code in [1000_u16, 1001, 1003, 1009, 1011, 1013, 3000, 4999] {
        let back = answer(0x88, &[&code.to_be_bytes(), &b"bye"[..]].concat());
        cases.push(("a close code that may be sent", "7.4", close(code, b"bye"), Bytes(back)));
    }
    cases.extend([
        ("a close of one byte", "5.5.1", frame(0x88, b"\x03"), Close(1002)),
        ("a reason that is not UTF-8", "5.5.1", close(1000, b"\xff"), Close(1007)),
        ("a reason cut inside of a character", "5.5.1", close(1000, b"\xe2\x82"), Close(1007)),
        ("a close without a code", "5.5.1", frame(0x88, b""), Bytes(answer(0x88, b""))),
        (
            "a close of 125 bytes",
            "5.5.1",
            close(1000, &[b'x'; 123]),
            Bytes(answer(0x88, &[&b"\x03\xe8"[..], &[b'x'; 123]].concat())),
        ),
        (
            "a text after the close",
            "5.5.1",
            [close(1000, b""), frame(0x81, b"late")].concat(),
            Bytes(answer(0x88, b"\x03\xe8")),
        ),
        (
            "nonsense after the close",
            "5.5.1",
            [close(1000, b""), b"\xff\xff\xff".to_vec()].concat(),
            Bytes(answer(0x88, b"\x03\xe8")),
        ),
        (
            "two closes",
            "5.5.1",
            [close(1000, b""), close(1001, b"")].concat(),
            Bytes(answer(0x88, b"\x03\xe8")),
        ),
    ]);
    cases
}

fn texts_and_sizes() -> Vec<Case> {
    let long = vec![b'x'; LIMIT + 1];
    vec![
        ("a byte that is no UTF-8", "8.1", frame(0x81, b"\xff"), Close(1007)),
        ("a continuation byte alone", "8.1", frame(0x81, b"a\x80b"), Close(1007)),
        ("two bytes, the second wrong", "8.1", frame(0x81, &[0xc3, 0x28]), Close(1007)),
        ("an overlong slash", "8.1", frame(0x81, b"\xc0\xaf"), Close(1007)),
        ("half of a surrogate pair", "8.1", frame(0x81, b"\xed\xa0\x80"), Close(1007)),
        ("beyond U+10FFFF", "8.1", frame(0x81, b"\xf4\x90\x80\x80"), Close(1007)),
        ("a text cut inside of a character", "8.1", frame(0x81, b"\xe2\x82"), Close(1007)),
        (
            "a character over fragments, its end wrong",
            "8.1",
            [frame(0x01, b"\xe2\x82"), frame(0x80, b"\x28")].concat(),
            Close(1007),
        ),
        // tungstenite looks at a text when its frame has ended, and not before (RFC 6455, 8.1, asks for no more).
        (
            "wrong from the third byte of a long frame",
            "8.1",
            frame(0x81, &[b"ab\xff", &long[4..]].concat()),
            Close(1007),
        ),
        ("wrong in the first of two fragments", "8.1", frame(0x01, b"ab\xff"), Close(1007)),
        (
            "a character over fragments",
            "8.1",
            then_close(&[frame(0x01, b"\xe2\x82"), frame(0x80, b"\xac")]),
            well(&[answer(0x81, "€".as_bytes())]),
        ),
        (
            "what is no text in a binary",
            "5.6",
            then_close(&[frame(0x82, b"\xff")]),
            well(&[answer(0x82, b"\xff")]),
        ),
        ("a NUL in a text", "8.1", then_close(&[frame(0x81, b"\0")]), well(&[answer(0x81, b"\0")])),
        ("a frame of a byte too many", "7.4.1", frame(0x82, &long), Close(1009)),
        ("the header of 1 TiB", "7.4.1", long_length(0x82, 1 << 40, b"x"), Close(1009)),
        (
            "a message of a byte too many",
            "7.4.1",
            [frame(0x02, &long[1..]), frame(0x80, b"x")].concat(),
            Close(1009),
        ),
        (
            "a message as long as may be",
            "5.4",
            then_close(&[frame(0x01, b"x"), frame(0x80, &long[2..])]),
            well(&[answer(0x81, &long[1..])]),
        ),
    ]
}

fn check(host: &Host, case: &Case, at_once: bool) {
    let (name, section, bytes, back) = case;
    let name = format!("{name} (RFC 6455, {section}), with the handshake: {at_once}");
    let mut visitor = Visitor::connect(host);
    let handshake = visitor.written("GET", "/ws/echo", HANDSHAKE, "").into_bytes();
    if at_once {
        visitor.send(&[handshake, bytes.clone()].concat());
        assert_eq!(visitor.response().status, 101, "{name}");
    } else {
        visitor.send(&handshake);
        assert_eq!(visitor.response().status, 101, "{name}");
        visitor.send(bytes);
    }
    let conn = host.conn(&visitor);
    // To the FIN; a reset would be an error.
    let read = visitor.read_out().unwrap_or_else(|error| panic!("{name}: {error}"));
    let (before, code) = match back {
        Bytes(expected) => {
            assert_eq!(&read, expected, "{name}");
            (read.as_slice(), None)
        }
        Close(code) => (&[][..], Some(*code)),
        Then(before, code) => (before.as_slice(), Some(*code)),
    };
    if let Some(code) = code {
        let closing = read.strip_prefix(before).unwrap_or_else(|| panic!("{name}: {read:?}"));
        let [0x88, len, high, low, reason @ ..] = closing else { panic!("{name}: {closing:?}") };
        assert_eq!(u16::from_be_bytes([*high, *low]), code, "{name}");
        assert_eq!(usize::from(*len), reason.len() + 2, "{name}: a whole frame and nothing after it");
        assert!(!reason.is_empty() && std::str::from_utf8(reason).is_ok(), "{name}: {reason:?}");
    }
    drop(visitor);
    let ending = host.ending(conn);
    assert_eq!((ending.first, ending.reset_by), (Who::Server, None), "{name}");
}

#[test]
fn each_frame_has_its_answer_and_no_reset() {
    let host = Host::start();
    let cases: Vec<Case> =
        [headers(), long_lengths(), fragments(), closes(), texts_and_sizes()].into_iter().flatten().collect();
    assert!(cases.len() >= 60, "{}", cases.len());
    for case in &cases {
        for at_once in [false, true] {
            check(&host, case, at_once);
        }
    }
}

/// Byte by byte, as the slowest network brings them.
#[test]
fn frames_may_come_in_any_pieces() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    visitor.send(visitor.written("GET", "/ws/echo", HANDSHAKE, "").as_bytes());
    assert_eq!(visitor.response().status, 101);
    let long = vec![b'y'; 200];
    let sent = then_close(&[frame(0x01, "G€".as_bytes()), frame(0x89, b"p"), frame(0x80, &long)]);
    for byte in sent {
        visitor.send(&[byte]);
    }
    let text = ["G€".as_bytes(), &long].concat();
    let Bytes(expected) = well(&[answer(0x8a, b"p"), answer(0x81, &text)]) else { unreachable!() };
    assert_eq!(visitor.read_out().unwrap(), expected);
}

/// A client that sends all of its message before it reads gets the 1009, and no reset on the way.
#[test]
fn who_is_sending_too_much_hears_of_it() {
    let host = Host::with(Options { limits: Limits::SERVE, ..Options::default() });
    let mut visitor = Visitor::connect(&host);
    visitor.send(visitor.written("GET", "/ws/echo", HANDSHAKE, "").as_bytes());
    assert_eq!(visitor.response().status, 101);
    let conn = host.conn(&visitor);
    visitor.send(&frame(0x82, &vec![7; 16 << 20]));
    let read = visitor.read_out().unwrap();
    assert_eq!(&read[2..4], 1009_u16.to_be_bytes());
    drop(visitor);
    assert_eq!(host.ending(conn).reset_by, None);
}

/// With `--max-message 16MiB` messages and frames of exactly so many bytes pass.
#[test]
fn as_much_as_is_let_through_passes() {
    const LONG: usize = 16 << 20;
    let host =
        Host::with(Options { limits: Limits { message: LONG, ..Limits::SERVE }, ..Options::default() });
    let payload = vec![7; LONG];
    for frames in
        [vec![frame(0x82, &payload)], vec![frame(0x02, &payload[..LONG - 1]), frame(0x80, &payload[..1])]]
    {
        let mut visitor = Visitor::connect(&host);
        visitor.send(visitor.written("GET", "/ws/echo", HANDSHAKE, "").as_bytes());
        assert_eq!(visitor.response().status, 101);
        visitor.stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
        visitor.send(&then_close(&frames));
        let Bytes(expected) = well(&[answer(0x82, &payload)]) else { unreachable!() };
        assert!(visitor.read_out().unwrap() == expected);
    }
}
