use proptest::prelude::*;

use super::*;
use crate::wire::{Conversation, Meaning, Side};

const ASK: &str = "GET /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\n\r\n";
const SOCKET: &str = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
const YES: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

/// `engine.io message, 23`, `socket.io event "hello" /class 12, 22`.
fn short(meaning: &Meaning) -> Option<String> {
    let Meaning::Packet { layer, packet, event, namespace, ack, text, len, .. } = meaning else {
        return None;
    };
    let event = event.as_ref().map(|it| format!(" {it:?}")).unwrap_or_default();
    let namespace = namespace.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
    let ack = ack.map(|it| format!(" {it}")).unwrap_or_default();
    assert!(text.as_ref().is_none_or(|text| text.len() as u64 == *len || text.len() <= HELD));
    Some(format!("{layer} {packet}{event}{namespace}{ack}, {len}"))
}

fn packets(meanings: &[Meaning]) -> Vec<String> {
    meanings.iter().filter_map(short).collect()
}

/// What a response with this body carries, fed so many bytes at once.
fn in_body(body: &[u8], size: usize) -> Vec<String> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    after(ASK, [head.as_bytes(), body].concat().as_slice(), size)
}

fn after(request: &str, response: &[u8], size: usize) -> Vec<String> {
    let mut conversation = Conversation::new();
    conversation.feed(Side::Client, request.as_bytes());
    let told = response.chunks(size).flat_map(|piece| conversation.feed(Side::Server, piece));
    packets(&told.collect::<Vec<_>>())
}

/// A frame as a server sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(len) if len < 126 => frame.push(len as u8),
        Ok(len) => {
            frame.push(126);
            frame.extend(len.to_be_bytes());
        }
        Err(_) => panic!("too long for a test"),
    }
    frame.extend(payload);
    frame
}

fn in_frames(frames: &[Vec<u8>], size: usize) -> Vec<String> {
    after(SOCKET, &[YES.as_bytes(), &frames.concat()].concat(), size)
}

#[test]
fn a_body_holds_several_packets() {
    let body = "2\u{1e}42[\"hello\",\"w\u{f6}rld\"]\u{1e}451-/class,7[\"b\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQID\u{1e}bAQIDBA==\u{1e}6";
    let told = [
        "engine.io ping, 1",
        "engine.io message, 20",
        "socket.io event \"hello\", 19",
        "engine.io message, 47",
        "socket.io binary_event \"b\" /class 7, 46",
        "engine.io message, 5",
        "socket.io attachment, 3",
        "engine.io message, 9",
        "socket.io attachment, 4",
        "engine.io noop, 1",
    ];
    for size in [1, 2, 3, 7, 4096] {
        assert_eq!(in_body(body.as_bytes(), size), told, "{size}");
    }
}

#[test]
fn what_opens_a_session_and_changes_to_a_websocket() {
    let open = r#"0{"sid":"x","upgrades":["websocket"],"pingInterval":25000}"#;
    assert_eq!(in_body(open.as_bytes(), 5), [format!("engine.io open, {}", open.len())]);
    assert_eq!(in_body(br#"40{"sid":"y"}"#, 9), ["engine.io message, 13", "socket.io connect, 12"]);
    let frames = [frame(0x81, b"3probe"), frame(0x81, b"2"), frame(0x81, b"5"), frame(0x81, b"41")];
    let told = [
        "engine.io pong \"probe\", 6",
        "engine.io ping, 1",
        "engine.io upgrade, 1",
        "engine.io message, 2",
        "socket.io disconnect, 1",
    ];
    assert_eq!(in_frames(&frames, 3), told);
}

#[test]
fn a_message_in_fragments_is_a_packet_when_it_ends() {
    let (start, rest) = "42[\"h\u{e9}llo\",\"world\"]".as_bytes().split_at(5);
    let frames = [
        frame(0x01, start),
        frame(0x89, b"ping"),
        frame(0x80, rest),
        frame(0x02, &[1, 2]),
        frame(0x80, &[3]),
    ];
    let told = [
        "engine.io message, 20",
        "socket.io event \"h\u{e9}llo\", 19",
        "engine.io message, 3",
        "socket.io attachment, 3",
    ];
    assert_eq!(in_frames(&frames, 1), told);
    assert_eq!(in_frames(&frames, 4096), told);
}

#[test]
fn what_is_compressed_or_no_packet_is_not_read() {
    let none: [&str; 0] = [];
    let squeezed = [frame(0x41, b"4"), frame(0x80, b"2[\"a\"]"), frame(0xc1, b"2"), frame(0x81, b"hello")];
    assert_eq!(in_frames(&squeezed, 4096), none);
    let gzip = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\n2";
    assert_eq!(after(ASK, gzip.as_bytes(), 4096), none);
    let refused = "HTTP/1.1 400 Bad Request\r\nContent-Length: 1\r\n\r\n2";
    assert_eq!(after(ASK, refused.as_bytes(), 4096), none);
    assert_eq!(
        after("GET /?EIO=3 HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2", 9),
        none
    );
    assert_eq!(
        after(&ASK.replace("GET", "POST"), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 9),
        none
    );
    assert_eq!(in_body(b"", 9), none);
    assert_eq!(in_body("hello\u{1e}\u{1e}9\u{1e}4x".as_bytes(), 9), ["engine.io message, 2"]);
}

#[test]
fn what_a_client_posts_is_read() {
    let mut conversation = Conversation::new();
    let body = "40\u{1e}3";
    let post = ASK.replace("GET", "POST").replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n");
    let post = format!("{post}1\r\n4\r\n3\r\n0\u{1e}3\r\n0\r\n\r\n");
    assert_eq!(body.len(), 4);
    let told = conversation.feed(Side::Client, post.as_bytes());
    assert_eq!(packets(&told), ["engine.io message, 2", "socket.io connect, 1", "engine.io pong, 1"]);
    assert!(matches!(told.last(), Some(Meaning::MessageEnd { body_len: 4, .. })), "before the end: {told:?}");
}

/// Where nothing says how long a body is, its last packet ends with the connection.
#[test]
fn a_body_that_ends_with_the_connection() {
    let mut conversation = Conversation::new();
    conversation.feed(Side::Client, ASK.as_bytes());
    let told = conversation.feed(Side::Server, "HTTP/1.1 200 OK\r\n\r\n2\u{1e}6".as_bytes());
    assert_eq!(packets(&told), ["engine.io ping, 1"]);
    assert_eq!(packets(&conversation.end(Side::Server)), ["engine.io noop, 1"]);
}

#[test]
fn a_long_packet_is_not_held() {
    let mut decoder = Decoder::default();
    decoder.feed(b"42[\"hello\",\"");
    (0..256).for_each(|_| decoder.feed(&[b'x'; 4096]));
    assert!(decoder.coming.held.capacity() <= 2 * HELD);
    decoder.feed(b"\"]\x1e");
    let (engine, event) = (decoder.next().unwrap(), decoder.next().unwrap());
    assert_eq!((engine.len, engine.text.map(|it| it.len())), ((1 << 20) + 14, Some(HELD)));
    assert_eq!((event.len, event.event.as_deref()), ((1 << 20) + 13, Some("hello")));
}

proptest! {
    #[test]
    fn pieces_make_no_difference(
        body in proptest::collection::vec(prop_oneof![Just(0x1e_u8), any::<u8>(), Just(b'4'), Just(b'2'), Just(b'b')], 0..200),
        size in 1_usize..50,
    ) {
        let whole = in_body(&body, 4096);
        prop_assert_eq!(in_body(&body, size), whole.clone());
        // What is told is no more than what came.
        let engine = whole.iter().filter(|it| it.starts_with("engine"));
        let sum: u64 = engine.map(|it| it.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
        prop_assert!(sum <= body.len() as u64);
    }

    #[test]
    fn frames_in_pieces_make_no_difference(
        frames in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..9),
        size in 1_usize..50,
    ) {
        let frames: Vec<_> = frames.iter().map(|(first, payload)| frame(*first, payload)).collect();
        prop_assert_eq!(in_frames(&frames, size), in_frames(&frames, 1 << 16));
    }
}
