//! `/ws`, as a visitor with a plain socket sees it.

use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use wsdemo::server::Options;
use wsdemo::tap::kernel;
use wsdemo::timeline::{ConnId, Kind, Opcode, Seq, Side, Who};

use crate::harness::state;
use crate::visitor::{Host, Socket, Visitor};

/// A frame of a client's: masked with zeros, so that its payload can be read here.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The code of the only close frame in what a server sent last, and its reason.
fn close_code(bytes: &[u8]) -> (u16, String) {
    let [0x88, len, payload @ ..] = bytes else { panic!("no close frame: {bytes:?}") };
    assert_eq!(usize::from(*len), payload.len(), "a whole frame and nothing after it");
    let (code, reason) = payload.split_at(2);
    (u16::from_be_bytes([code[0], code[1]]), String::from_utf8(reason.to_vec()).unwrap())
}

#[test]
fn a_post_is_heard_on_sockets_and_a_message_on_a_socket_is_in_the_list() {
    let host = Host::start();
    let (mut anna, mut ben) = (Socket::open(&host), Socket::open(&host));
    let posted = host.post("over HTTP");
    for socket in [&mut anna, &mut ben] {
        assert_eq!(socket.event(), ("message".into(), posted.clone()));
    }
    ben.say("over the socket");
    let (name, said) = anna.event();
    assert_eq!((name.as_str(), &said["text"]), ("message", &json!("over the socket")));
    assert_eq!(ben.event().1, said, "who said it hears it as well");
    let list = host.ask("GET", "/api/messages", "", "").json();
    assert_eq!(list, json!([posted, said]));
}

#[test]
fn changes_and_removals_are_heard_too() {
    let host = Host::start();
    host.post("Nice!");
    let mut socket = Socket::open(&host);
    host.ask("PATCH", "/api/messages/1", "", r#"{"text":"So nice!"}"#);
    assert_eq!(socket.event(), ("changed".into(), json!({"id": 1, "from": "anna", "text": "So nice!"})));
    host.ask("PUT", "/api/messages/1", "", r#"{"from":"ben","text":"Mine"}"#);
    assert_eq!(socket.event(), ("changed".into(), json!({"id": 1, "from": "ben", "text": "Mine"})));
    host.ask("DELETE", "/api/messages/1", "", "");
    assert_eq!(socket.event(), ("deleted".into(), json!({"id": 1})));
}

#[test]
fn what_is_no_message_is_answered_and_forgiven() {
    let host = Host::start();
    let mut socket = Socket::open(&host);
    for (text, word) in [
        ("hello", "JSON"),
        (r#"{"event":"shout"}"#, "event"),
        (r#"{"event":"message"}"#, "from"),
        (r#"{"event":"message","data":{"from":"a","text":7}}"#, "text"),
    ] {
        socket.ws.send(Message::text(text)).unwrap();
        let (name, data) = socket.event();
        let detail = data["detail"].as_str().unwrap();
        assert!(name == "error" && detail.contains(word), "{text}: {detail}");
    }
    socket.ws.send(Message::binary(vec![1, 2])).unwrap();
    assert_eq!(socket.event().0, "error");
    socket.say("still here");
    assert_eq!(socket.event().0, "message");
}

#[test]
fn a_frame_right_behind_the_handshake_is_read() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    let text = br#"{"event":"message","data":{"from":"anna","text":"early"}}"#;
    let segment = [visitor.handshake().as_bytes(), &frame(0x81, text), &frame(0x89, b"?")].concat();
    visitor.send(&segment);
    let conn = host.conn(&visitor);
    assert_eq!(visitor.response().status, 101);
    visitor.wait_for(br#""text":"early""#);
    visitor.send(&frame(0x88, &1000_u16.to_be_bytes()));
    let bytes = visitor.read_out().unwrap();
    assert!(bytes.windows(3).any(|bytes| bytes == [0x8a, 1, b'?']), "a pong: {bytes:?}");
    drop(visitor);
    assert_eq!(host.ending(conn).first, Who::Server);
    // The whole of the first segment was one read, and its meaning is known.
    let opcodes: Vec<_> = host
        .bus
        .after(Seq(0))
        .iter()
        .filter_map(|event| match &event.kind {
            Kind::Frame(frame) if frame.from == Side::Client => Some(frame.opcode),
            _ => None,
        })
        .collect();
    assert_eq!(opcodes, [Opcode::Text, Opcode::Ping, Opcode::Close]);
}

/// Each fault with the code that RFC 6455 has for it; the close frame comes before the end, and no reset.
#[test]
fn each_fault_has_its_code() {
    let host = Host::start();
    let unmasked = b"\x81\x05Hello".to_vec();
    let long = vec![b'x'; 64 * 1024 + 1];
    let close = |code: u16| frame(0x88, &code.to_be_bytes());
    let faults: Vec<(&str, Vec<u8>, u16)> = vec![
        ("not masked", unmasked, 1002),
        ("a reserved bit", frame(0xc1, b"x"), 1002),
        ("a reserved opcode", frame(0x83, b"x"), 1002),
        ("a reserved control opcode", frame(0x8b, b""), 1002),
        ("a continuation of nothing", frame(0x80, b"x"), 1002),
        ("a message inside of a message", [frame(0x01, b"a"), frame(0x81, b"b")].concat(), 1002),
        ("a ping in fragments", frame(0x09, b""), 1002),
        ("a ping of 126 bytes", frame(0x89, &[b'x'; 126]), 1002),
        ("a close of one byte", frame(0x88, b"x"), 1002),
        ("a close code that never crosses the wire", close(1006), 1002),
        ("a close code of nobody", close(999), 1002),
        ("no UTF-8", frame(0x81, &[0xc3, 0x28]), 1007),
        ("no UTF-8, over fragments", [frame(0x01, &[0xe2, 0x82]), frame(0x80, &[0x28])].concat(), 1007),
        ("a reason that is no UTF-8", frame(0x88, &[0x03, 0xe8, 0xff]), 1007),
        ("a frame that is too large", frame(0x81, &long), 1009),
        ("a message that is too large", [frame(0x01, &long[1..]), frame(0x80, b"x")].concat(), 1009),
    ];
    for (what, bytes, code) in faults {
        let mut visitor = Visitor::connect(&host);
        let handshake = visitor.handshake();
        visitor.send(handshake.as_bytes());
        assert_eq!(visitor.response().status, 101);
        let conn = host.conn(&visitor);
        visitor.send(&bytes);
        let end = visitor.read_out().unwrap_or_else(|error| panic!("{what}: {error}"));
        let (told, reason) = close_code(&end);
        assert_eq!(told, code, "{what}: {reason}");
        assert!(!reason.is_empty(), "{what}: without a word");
        drop(visitor);
        assert_eq!(host.ending(conn).first, Who::Server, "{what}");
    }
}

#[test]
fn fragments_with_a_ping_between_them_are_one_message() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    let handshake = visitor.handshake();
    visitor.send(handshake.as_bytes());
    assert_eq!(visitor.response().status, 101);
    let text = br#"{"event":"message","data":{"from":"anna","text":"G\u00d6\u00d6L"}}"#;
    visitor.send(&frame(0x01, &text[..9]));
    visitor.send(&frame(0x89, b"between"));
    visitor.send(&frame(0x00, &text[9..40]));
    visitor.send(&frame(0x80, &text[40..]));
    visitor.wait_for("GÖÖL".as_bytes());
    visitor.send(&frame(0x88, &[]));
    let bytes = visitor.read_out().unwrap();
    let pong = [b"\x8a\x07".as_slice(), b"between"].concat();
    assert!(bytes.starts_with(&pong), "{bytes:?}");
    assert!(bytes.ends_with(&[0x88, 0]), "a close without a code is answered by one");
}

#[test]
fn a_close_is_answered_with_its_code_and_nothing_follows() {
    let host = Host::start();
    let mut other = Socket::open(&host);
    let mut visitor = Visitor::connect(&host);
    let handshake = visitor.handshake();
    visitor.send(handshake.as_bytes());
    assert_eq!(visitor.response().status, 101);
    let text = br#"{"event":"message","data":{"from":"anna","text":"and bye"}}"#;
    visitor.send(&[frame(0x88, b"\x0f\xa0bye"), frame(0x81, text)].concat());
    assert_eq!(close_code(&visitor.read_out().unwrap()), (4000, "bye".into()));
    // What came after the close frame was not taken.
    host.post("after");
    assert_eq!(other.event().1["text"], "after");
}

#[test]
fn a_server_that_stops_says_1001_and_closes_first() {
    let host = Host::start();
    let mut sockets: Vec<_> = (0..5).map(|_| Socket::open(&host)).collect();
    let (mut idle, mut fresh) = (Visitor::connect(&host), Visitor::connect(&host));
    idle.request("GET", "/api/messages", "", "");
    assert_eq!(idle.response().status, 200);
    host.conn(&fresh);
    std::thread::scope(|scope| {
        for socket in &mut sockets {
            scope.spawn(|| {
                let Message::Close(Some(CloseFrame { code, .. })) = socket.ws.read().unwrap() else {
                    panic!("no close frame")
                };
                assert_eq!(code, CloseCode::Away);
                // tungstenite answers, then reads to the end.
                assert!(matches!(socket.ws.read(), Err(Error::ConnectionClosed)));
            });
        }
        scope.spawn(|| assert_eq!(idle.read_out().unwrap(), b""));
        scope.spawn(|| assert_eq!(fresh.read_out().unwrap(), b""));
        host.stop();
    });
    drop((sockets, idle, fresh));
    for conn in 1..=7 {
        assert_eq!(host.ending(wsdemo::timeline::ConnId(conn)).first, Who::Server, "{conn}");
    }
    assert!(std::net::TcpStream::connect(host.address).is_err(), "nobody is let in any more");
}

#[test]
fn a_heartbeat_finds_out_who_is_gone() {
    let beat = Duration::from_millis(100);
    let host = Host::with(Options { heartbeat: Some(beat), ..Options::default() });
    let mut here = Socket::open(&host);
    let mut gone = Visitor::connect(&host);
    let handshake = gone.handshake();
    gone.send(handshake.as_bytes());
    assert_eq!(gone.response().status, 101);
    let lost = host.conn(&gone);
    // One answers, the other does not.
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| here.event());
        assert!(gone.read_out().unwrap().starts_with(&[0x89, 0]), "a ping");
        host.post("still here?");
        assert_eq!(reading.join().unwrap().1["text"], "still here?");
    });
    drop(gone);
    assert_eq!(host.ending(lost).first, Who::Server);
}

/// An open socket whose client reads nothing more, with more for it to read than the kernel keeps.
fn deaf(host: &Host) -> Socket {
    let socket = Socket::open(host);
    host.fill(200);
    socket
}

#[test]
fn who_does_not_read_is_cut_off_in_the_end() {
    let host = Host::start();
    let deaf = deaf(&host);
    let ending = host.ending(ConnId(1));
    assert_eq!((ending.first, ending.reset_by), (Who::Reset, Some(Side::Server)));
    let lived = ending.lived.0;
    assert!((Duration::from_secs(10)..Duration::from_secs(20)).contains(&lived), "{lived:?}");
    drop(deaf);
}

#[test]
fn a_server_that_stops_does_not_wait_for_who_does_not_read() {
    let host = Host::start();
    let deaf = deaf(&host);
    std::thread::sleep(Duration::from_millis(300));
    host.stop();
    // Ended when the server has stopped: nobody waits for it here.
    let events = host.bus.after(Seq(0));
    let connection = state(events.iter().map(|event| &**event)).get(ConnId(1)).unwrap().clone();
    assert_eq!(connection.closed.map(|ending| ending.reset_by), Some(Some(Side::Server)), "{connection:?}");
    drop(deaf);
}

#[test]
fn a_fault_after_our_close_frame_is_not_answered_by_another() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    let handshake = visitor.handshake();
    visitor.send(handshake.as_bytes());
    assert_eq!(visitor.response().status, 101);
    let end = std::thread::scope(|scope| {
        scope.spawn(|| host.stop());
        visitor.wait_for(&1001_u16.to_be_bytes());
        visitor.send(b"\x81\x05Hello");
        visitor.read_out().unwrap()
    });
    assert_eq!(close_code(&end).0, 1001);
}

/// A socket counts as long as it is open. Who comes when all places for guests are taken is told so; the lesson's own
/// clients have places of their own.
#[test]
fn sockets_hold_their_places() {
    const PLACES: usize = 200;
    kernel::raise_descriptor_limit();
    let host = Host::start();
    let mut sockets: Vec<_> = (0..PLACES).map(|_| Socket::open(&host)).collect();
    sockets[0].say("everybody is here");
    assert_eq!(sockets[PLACES - 1].event().1["text"], "everybody is here");
    let mut late = Visitor::connect(&host);
    late.request("GET", "/api/messages", "", "");
    let conn = host.conn(&late);
    let refused = late.response();
    assert_eq!((refused.status, refused.header("connection")), (503, Some("close")));
    assert!(refused.problem().contains("every place is taken"));
    assert_eq!(late.read_out().unwrap(), b"");
    drop(late);
    assert_eq!(host.ending(conn).first, Who::Server);
    let own = Visitor::announced(&host, "anna").upgrade();
    let gone = host.conn_of(&sockets.pop().unwrap());
    host.ending(gone);
    // The place is free a moment after the end is told.
    while host.ask("GET", "/api/messages", "", "").status == 503 {}
    drop(own);
}

/// Also where more are refused at once than can be told so.
#[test]
fn silent_guests_keep_nobody_of_the_lesson_out() {
    kernel::raise_descriptor_limit();
    let host = Host::start();
    let silent: Vec<_> = (0..500).map(|_| Visitor::connect(&host)).collect();
    host.conn(silent.last().unwrap());
    let mut own = Visitor::announced(&host, "anna");
    own.request("GET", "/api/messages", "", "");
    assert_eq!(own.response().status, 200);
}
