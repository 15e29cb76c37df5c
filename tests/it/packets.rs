//! Packets on the timeline: of sessions at the door itself, by polling and on a WebSocket, each inside what carried it; and a capture
//! that finds the same lengths.

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use wsdemo::server::Options;
use wsdemo::timeline::{ConnId, Event, Kind, Opcode, Seq, Side};

use crate::harness::{ALONE, free_ports};
use crate::tshark::{Capture, Stream};
use crate::visitor::{Host, Socket, Visitor};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const SOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// One GET of a session, and what it brought.
fn get(visitor: &mut Visitor, session: &str) -> String {
    visitor.request("GET", &format!("{POLLING}{session}"), "", "");
    let response = visitor.response();
    assert_eq!(response.status, 200, "{response:?}");
    String::from_utf8(response.body).unwrap()
}

fn post(visitor: &mut Visitor, session: &str, body: &str) {
    let text = "Content-Type: text/plain;charset=UTF-8\r\n";
    visitor.request("POST", &format!("{POLLING}{session}"), text, body);
    assert_eq!(visitor.response().status, 200);
}

/// Polls until this has come.
fn hears(visitor: &mut Visitor, session: &str, wanted: &str) {
    while !get(visitor, session).contains(wanted) {}
}

/// Asks to be let in, has something acknowledged, and leaves: two packets in one body, one of them binary.
fn polls(host: &Host) -> ConnId {
    let mut visitor = Visitor::connect(host);
    let open = get(&mut visitor, "");
    let settings: serde_json::Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
    let session = format!("&sid={}", settings["sid"].as_str().unwrap());
    post(&mut visitor, &session, "40");
    hears(&mut visitor, &session, "40{");
    post(&mut visitor, &session, "420[\"echo\",\"gööl\"]\u{1e}421[\"echo\",[1,2]]");
    hears(&mut visitor, &session, "431[[1,2]]");
    post(&mut visitor, &session, "451-2[\"echo\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQIDBA==");
    hears(&mut visitor, &session, "bAQIDBA==");
    post(&mut visitor, &session, "41");
    let conn = host.conn(&visitor);
    drop(visitor);
    host.ending(conn);
    conn
}

/// Reads until a text with this in it.
fn reads(socket: &mut Socket, wanted: &str) {
    loop {
        match socket.ws.read().unwrap() {
            Message::Text(text) if text.contains(wanted) => return,
            Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("no {wanted}: {other:?}"),
        }
    }
}

/// The same on a WebSocket, and an event in two frames.
fn talks(host: &Host) -> ConnId {
    let mut socket = Visitor::connect(host).upgrade_at(SOCKET);
    let conn = host.conn_of(&socket);
    reads(&mut socket, "0{");
    socket.ws.send(Message::text("40/class,")).unwrap();
    reads(&mut socket, "40/class,");
    let parts = [
        ("42/class,7[\"ec", OpCode::Data(Data::Text), false),
        ("ho\",\"Hi\"]", OpCode::Data(Data::Continue), true),
    ];
    for (text, opcode, fin) in parts {
        socket.ws.send(Message::Frame(Frame::message(text, opcode, fin))).unwrap();
    }
    reads(&mut socket, "43/class,7[\"Hi\"]");
    socket.ws.send(Message::text("451-/class,[\"message\",{\"_placeholder\":true,\"num\":0}]")).unwrap();
    socket.ws.send(Message::binary(vec![7; 300])).unwrap();
    socket.ws.send(Message::text("42/class,8[\"echo\",2]")).unwrap();
    reads(&mut socket, "43/class,8[2]");
    socket.ws.send(Message::text("41/class,")).unwrap();
    socket.ws.close(None).unwrap();
    while socket.ws.read().is_ok() {}
    drop(socket);
    host.ending(conn);
    conn
}

/// What was told of a connection.
fn told(host: &Host, conn: ConnId) -> Vec<Event> {
    let events = host.bus.after(Seq(0));
    events.iter().filter(|event| event.kind.conn() == Some(conn)).map(|event| (**event).clone()).collect()
}

/// `client socket.io event echo 0 /class`, without heartbeats, which come when they like.
fn words(events: &[Event]) -> Vec<String> {
    let word = |event: &Event| match &event.kind {
        Kind::Packet { packet, event: None, .. } if ["ping", "pong", "noop"].contains(&packet.as_str()) => {
            None
        }
        Kind::Packet { layer, packet, .. } if layer == "engine.io" && packet == "message" => None,
        Kind::Packet { from, layer, packet, event, namespace, ack, .. } => {
            let ack = ack.map(|ack| ack.to_string());
            let parts = [
                Some(from.word()),
                Some(layer),
                Some(packet),
                event.as_deref(),
                ack.as_deref(),
                namespace.as_deref(),
            ];
            Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
        }
        _ => None,
    };
    events.iter().filter_map(word).collect()
}

/// The lengths of the packets in each body, and in each message of a WebSocket: what carried them is as long. Of a body with how many
/// separators, of a message with none.
fn carried(events: &[Event], side: Side) -> Vec<u64> {
    let (mut carried, mut body, mut message) = (Vec::new(), Vec::new(), 0);
    let mut outer: Option<u64> = None;
    for event in events {
        match &event.kind {
            Kind::Frame(frame) if frame.from == side => match frame.opcode {
                Opcode::Text | Opcode::Binary => message = frame.len,
                Opcode::Continuation => message += frame.len,
                Opcode::Close | Opcode::Ping | Opcode::Pong | Opcode::Reserved(_) => {}
            },
            Kind::Packet { from, layer, packet, len, .. } if *from == side && layer == "engine.io" => {
                body.push(*len);
                outer = Some(*len).filter(|_| packet == "message");
                if message > 0 {
                    assert_eq!(*len, message, "{event:?}");
                    carried.push(*len);
                    body.clear();
                }
            }
            Kind::Packet { from, packet, len, .. } if *from == side => {
                let outer = outer.take().unwrap_or_else(|| panic!("not inside of a message: {event:?}"));
                let is_inside = if packet == "attachment" { *len <= outer } else { *len + 1 == outer };
                assert!(is_inside, "{outer}: {event:?}");
            }
            Kind::MessageEnd { from, body_len, .. } if *from == side => {
                if !body.is_empty() {
                    let separators = body.len() as u64 - 1;
                    assert_eq!(body.iter().sum::<u64>() + separators, *body_len, "{event:?}");
                    carried.push(*body_len);
                }
                body.clear();
            }
            _ => {}
        }
    }
    carried
}

#[test]
fn a_session_by_polling_is_told_packet_by_packet() {
    let host = Host::start();
    let events = told(&host, polls(&host));
    assert_eq!(
        words(&events),
        [
            "server engine.io open",
            "client socket.io connect",
            "server socket.io connect",
            "client socket.io event echo 0",
            "client socket.io event echo 1",
            "server socket.io ack 0",
            "server socket.io ack 1",
            "client socket.io binary_event echo 2",
            "client socket.io attachment",
            "server socket.io binary_ack 2",
            "server socket.io attachment",
            "client socket.io disconnect",
        ]
    );
    assert_eq!(carried(&events, Side::Client)[..2], [2, 38]);
    assert!(carried(&events, Side::Server).len() >= 4);
}

#[test]
fn a_session_on_a_websocket_is_told_packet_by_packet() {
    let host = Host::start();
    let events = told(&host, talks(&host));
    let words = words(&events);
    let said: Vec<&str> = words.iter().filter_map(|it| it.strip_prefix("client ")).collect();
    assert_eq!(
        said,
        [
            "socket.io connect /class",
            "socket.io event echo 7 /class",
            "socket.io binary_event message /class",
            "socket.io attachment",
            "socket.io event echo 8 /class",
            "socket.io disconnect /class",
        ]
    );
    for heard in
        ["engine.io open", "socket.io connect /class", "socket.io ack 7 /class", "socket.io ack 8 /class"]
    {
        assert!(words.contains(&format!("server {heard}")), "{heard}: {words:?}");
    }
    assert!(carried(&events, Side::Client).contains(&300));
    assert!(carried(&events, Side::Server).len() >= 4);
}

/// A plain client of another door says what looks like packets, and is not taken for one of Socket.IO.
#[test]
fn only_at_its_door_are_texts_packets() {
    let host = Host::start();
    let mut socket = Visitor::connect(&host).upgrade_at("/ws/echo");
    let conn = host.conn_of(&socket);
    socket.ws.send(Message::text("42[\"hello\",\"world\"]")).unwrap();
    reads(&mut socket, "42[");
    drop(socket);
    host.ending(conn);
    assert!(!told(&host, conn).iter().any(|event| matches!(event.kind, Kind::Packet { .. })));
}

/// The lengths of bodies and of messages with packets, as a capture has them.
fn captured(stream: &Stream, side: Side) -> Vec<u64> {
    let mut lens: Vec<u64> =
        stream.contents.iter().filter(|(from, _)| *from == side).map(|(_, len)| *len).collect();
    let mut message = 0;
    for frame in stream.frames.iter().filter(|frame| frame.from == side && frame.opcode < 8) {
        message += frame.len;
        if frame.fin {
            lens.push(std::mem::take(&mut message));
        }
    }
    lens
}

#[test]
#[ignore = "needs tshark and the right to capture, run by scripts/test"]
fn packets_are_as_long_as_a_capture_shows() {
    let _alone = ALONE.lock();
    let port = free_ports(2);
    let folder = tempfile::tempdir().unwrap();
    let capture = Capture::start(port, 2, folder.path().join("lo.pcapng"));
    let host = Host::at(port, Options::default());
    let conns = [polls(&host), talks(&host)];
    let events = host.bus.after(Seq(0));
    let streams = capture.finish();
    for conn in conns {
        let client = events.iter().find_map(|event| match &event.kind {
            Kind::Opened { conn: opened, client, .. } if *opened == conn => Some(client.port()),
            _ => None,
        });
        let stream = streams.iter().find(|stream| Some(stream.client) == client).unwrap();
        for side in [Side::Client, Side::Server] {
            let told = carried(&told(&host, conn), side);
            // The plain `ok` to a POST is no packet, and as long as the `40` of another side: told apart by its side.
            let seen: Vec<u64> =
                captured(stream, side).into_iter().filter(|len| side == Side::Client || *len != 2).collect();
            assert!(told.len() >= 4, "{told:?}");
            assert_eq!(told, seen, "{side:?} of {conn}: {stream:?}");
        }
    }
}
