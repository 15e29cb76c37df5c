//! `/ws/echo` and `/ws/room/{name}`, who does not read, and who says nothing.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, WebSocket};
use wsdemo::server::{Limits, Options};
use wsdemo::timeline::{Kind, Seq, Side, Who};

use crate::harness::ALONE;
use crate::visitor::{Host, Socket, Visitor};

const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A plain connection after the handshake at this door.
fn raw(host: &Host, target: &str) -> Visitor {
    let mut visitor = Visitor::connect(host);
    visitor.request("GET", target, HANDSHAKE, "");
    assert_eq!(visitor.response().status, 101, "{target}");
    visitor
}

fn open(host: &Host, target: &str) -> Socket {
    Socket { ws: WebSocket::from_raw_socket(raw(host, target).stream, Role::Client, None) }
}

/// A server for strangers, with limits that a test can wait for.
fn strict(limits: Limits, heartbeat: Option<Duration>) -> Host {
    Host::with(Options { limits, heartbeat, ..Options::default() })
}

#[test]
fn echo_gives_back_what_came_as_it_was() {
    let host = Host::start();
    let mut socket = open(&host, "/ws/echo");
    for message in [
        Message::text("GÖÖL"),
        Message::text(""),
        Message::binary(vec![0, 255]),
        Message::binary(vec![7; 64 * 1024]),
    ] {
        socket.ws.send(message.clone()).unwrap();
        assert_eq!(socket.ws.read().unwrap(), message);
    }
    assert_eq!(host.ask("GET", "/api/messages", "", "").json(), serde_json::json!([]));
}

#[test]
fn what_a_member_says_goes_to_all_members_of_that_room() {
    let host = Host::start();
    let [mut anna, mut ben] = ["/ws/room/caf%C3%A9", "/ws/room/caf%c3%a9"].map(|room| open(&host, room));
    let mut other = open(&host, "/ws/room/Caf%C3%A9");
    let said = [Message::text("hi"), Message::binary(vec![0, 255]), Message::text("x".repeat(60_000))];
    for message in &said {
        anna.ws.send(message.clone()).unwrap();
    }
    ben.ws.send(Message::text("ben")).unwrap();
    let mut heard = Vec::new();
    for socket in [&mut anna, &mut ben] {
        heard.push((0..4).map(|_| socket.ws.read().unwrap()).collect::<Vec<_>>());
    }
    assert_eq!(heard[0], heard[1], "all hear everything in one order");
    let of_anna: Vec<_> = heard[0].iter().filter(|message| **message != Message::text("ben")).collect();
    assert_eq!(of_anna, said.iter().collect::<Vec<_>>());
    other.ws.send(Message::text("alone")).unwrap();
    assert_eq!(other.ws.read().unwrap(), Message::text("alone"), "nothing of another room");
}

#[test]
fn a_room_has_a_good_name() {
    let host = Host::start();
    let long = "x".repeat(65);
    for (name, status, word) in [
        ("", 404, "segment"),
        ("a/b", 404, "segment"),
        ("%ff", 400, "UTF-8"),
        ("a%00b", 400, "control"),
        (long.as_str(), 400, "64 bytes"),
    ] {
        let response = host.ask("GET", &format!("/ws/room/{name}"), HANDSHAKE, "");
        assert_eq!(response.status, status, "{name}");
        assert!(response.problem().contains(word), "{name}: {}", response.problem());
    }
    let response = host.ask("GET", "/ws/room/lobby", "", "");
    assert_eq!((response.status, response.header("upgrade")), (426, Some("websocket")));
}

/// Handshakes as RFC 6455, 4.2.1, has them, and others: the request line, the headers beside Host, the status.
#[test]
fn a_handshake_is_right_or_told_what_is_wrong() {
    const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    const VERSION: &str = "Sec-WebSocket-Version: 13";
    const UPGRADE: &str = "Upgrade: websocket";
    const CONNECTION: &str = "Connection: Upgrade";
    let host = Host::start();
    let get = "GET /ws/echo HTTP/1.1";
    let cases: &[(&str, &[&str], u16)] = &[
        (get, &[UPGRADE, CONNECTION, VERSION, KEY], 101),
        (get, &["UPGRADE: WebSocket", "connection: keep-alive, UPGRADE", VERSION, KEY], 101),
        (get, &[UPGRADE, "Connection: keep-alive", CONNECTION, VERSION, KEY], 101),
        (get, &["Upgrade: h2c, websocket", CONNECTION, VERSION, KEY], 101),
        (get, &[UPGRADE, CONNECTION, VERSION, KEY, "Content-Length: 0"], 101),
        (get, &[UPGRADE, CONNECTION, VERSION, "Sec-WebSocket-Key:   dGhlIHNhbXBsZSBub25jZQ==  "], 101),
        (get, &[UPGRADE, CONNECTION, VERSION], 400),
        (get, &[UPGRADE, CONNECTION, VERSION, KEY, KEY], 400),
        (get, &[UPGRADE, CONNECTION, VERSION, "Sec-WebSocket-Key: c2hvcnQ="], 400),
        (get, &[UPGRADE, CONNECTION, VERSION, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"], 400),
        (get, &[UPGRADE, CONNECTION, VERSION, "Sec-WebSocket-Key:"], 400),
        (get, &[UPGRADE, CONNECTION, KEY], 426),
        (get, &[UPGRADE, CONNECTION, KEY, "Sec-WebSocket-Version: 12"], 426),
        (get, &[UPGRADE, CONNECTION, KEY, "Sec-WebSocket-Version: 13, 8"], 426),
        (get, &[UPGRADE, CONNECTION, KEY, VERSION, "Sec-WebSocket-Version: 8"], 400),
        (get, &[CONNECTION, VERSION, KEY], 426),
        (get, &["Upgrade: h2c", CONNECTION, VERSION, KEY], 426),
        (get, &["Upgrade: websockets", CONNECTION, VERSION, KEY], 426),
        (get, &[UPGRADE, VERSION, KEY], 400),
        (get, &[UPGRADE, "Connection: close", VERSION, KEY], 400),
        ("POST /ws/echo HTTP/1.1", &[UPGRADE, CONNECTION, VERSION, KEY], 405),
        ("HEAD /ws/echo HTTP/1.1", &[UPGRADE, CONNECTION, VERSION, KEY], 405),
        ("GET /ws/room/a HTTP/1.1", &[UPGRADE, CONNECTION, VERSION], 400),
    ];
    for (line, headers, status) in cases {
        let mut visitor = Visitor::connect(&host);
        let head = format!("{line}\r\nHost: {}\r\n{}\r\n\r\n", host.address, headers.join("\r\n"));
        visitor.send(head.as_bytes());
        let response = visitor.response_to(line.split(' ').next().unwrap());
        assert_eq!(response.status, *status, "{head}");
        let version = headers.iter().any(|header| header.contains("12")).then_some("13");
        assert!(version.is_none() || response.header("sec-websocket-version") == version, "{head}");
    }
    // Content would be taken for frames.
    let mut visitor = Visitor::connect(&host);
    visitor.request("GET", "/ws/echo", HANDSHAKE, "hello");
    assert!(visitor.response().problem().contains("no content"));
    assert_eq!(visitor.read_out().unwrap(), b"");
    // HTTP/1.0 knows no upgrade (RFC 9110, 7.8).
    let mut visitor = Visitor::connect(&host);
    visitor.send(format!("GET /ws/echo HTTP/1.0\r\nHost: {}\r\n{HANDSHAKE}\r\n", host.address).as_bytes());
    let answer = String::from_utf8(visitor.read_out().unwrap()).unwrap();
    assert!(answer.starts_with("HTTP/1.0 426") || answer.starts_with("HTTP/1.1 426"), "{answer}");
}

/// Offers of subprotocols and extensions are not taken up (RFC 6455, 4.2.2).
#[test]
fn nothing_is_negotiated() {
    let host = Host::start();
    let offers = "Sec-WebSocket-Protocol: chat, soap\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
    let mut visitor = Visitor::connect(&host);
    visitor.request("GET", "/ws/echo", &format!("{HANDSHAKE}{offers}"), "");
    let response = visitor.response();
    assert_eq!(response.status, 101);
    assert_eq!(response.header("sec-websocket-protocol"), None);
    assert_eq!(response.header("sec-websocket-extensions"), None);
}

/// One who does not read gets 1013 behind what was on its way, and a reset a second later; the others hear everything.
#[test]
fn a_full_queue_ends_one_socket_and_hurts_no_other() {
    let _alone = ALONE.lock();
    let host = strict(Limits::SERVE, None);
    let deaf = raw(&host, "/ws/room/a");
    let conn = host.conn(&deaf);
    let (mut anna, mut ben) = (open(&host, "/ws/room/a"), open(&host, "/ws/room/a"));
    let text = "x".repeat(60_000);
    let mut worst = Duration::ZERO;
    // More than kernels keep, and the queue besides.
    for n in 0..400 {
        let message = Message::text(format!("{n} {text}"));
        let began = Instant::now();
        anna.ws.send(message.clone()).unwrap();
        for socket in [&mut anna, &mut ben] {
            assert_eq!(socket.ws.read().unwrap(), message);
        }
        worst = worst.max(began.elapsed());
    }
    assert!(worst < Duration::from_secs(1), "{worst:?}");
    let ending = host.ending(conn);
    assert_eq!((ending.first, ending.reset_by), (Who::Reset, Some(Side::Server)));
    drop(deaf);
}

/// One who reads again within the second gets all that was on its way, then 1013, and no reset.
#[test]
fn who_reads_again_in_time_is_told_1013() {
    let _alone = ALONE.lock();
    let host = strict(Limits::SERVE, None);
    let mut slow = raw(&host, "/ws/room/a");
    let conn = host.conn(&slow);
    let mut anna = open(&host, "/ws/room/a");
    let message = Message::text("x".repeat(60_000));
    let written = || {
        let events = host.bus.after(Seq(0));
        let from_server = |kind: &Kind| match kind {
            Kind::Bytes { conn: seen, from: Side::Server, len, .. } if *seen == conn => *len,
            _ => 0,
        };
        events.iter().map(|event| from_server(&event.kind)).sum::<u64>()
    };
    // As soon as nothing more goes out to it, as much again as its queue holds, and a little.
    let mut before = 0;
    let mut unmoved = 0;
    while unmoved < 25 {
        anna.ws.send(message.clone()).unwrap();
        assert_eq!(anna.ws.read().unwrap(), message);
        let now = written();
        unmoved = if now == before { unmoved + 1 } else { 0 };
        before = now;
    }
    let read = slow.stream.try_clone().map(|mut stream| {
        // The client's side of the close handshake, when the server's part of it is seen.
        let mut bytes = Vec::new();
        let mut room = vec![0; 1 << 20];
        loop {
            let len = stream.read(&mut room).unwrap();
            bytes.extend_from_slice(&room[..len]);
            if bytes.ends_with(b"you read too slowly") {
                stream.write_all(&[&[0x88, 0x82, 0, 0, 0, 0][..], &1013_u16.to_be_bytes()].concat()).unwrap();
                return bytes;
            }
            assert!(len > 0, "ended after {} bytes without a close frame", bytes.len());
        }
    });
    let read = read.unwrap();
    assert_eq!(read[read.len() - 21..read.len() - 19], 1013_u16.to_be_bytes());
    assert_eq!(slow.read_out().unwrap(), b"");
    drop(slow);
    assert_eq!(host.ending(conn).reset_by, None);
}

/// Who does not read its own echoes is not read from either, and counts as one who does not read.
#[test]
fn who_does_not_read_its_echoes_is_cut_off_in_the_end() {
    let host = strict(Limits::SERVE, None);
    let mut deaf = raw(&host, "/ws/echo");
    let conn = host.conn(&deaf);
    let frame = [&[0x82, 0xfe, 0xea, 0x60, 0, 0, 0, 0][..], &[7; 60_000]].concat();
    let began = Instant::now();
    // Backpressure first, then the end.
    while deaf.stream.write_all(&frame).is_ok() {}
    let ending = host.ending(conn);
    assert_eq!((ending.first, ending.reset_by), (Who::Reset, Some(Side::Server)));
    let lived = began.elapsed();
    assert!((Duration::from_secs(10)..Duration::from_secs(25)).contains(&lived), "{lived:?}");
}

#[test]
fn who_is_silent_is_dropped_and_who_answers_pings_is_not() {
    let silence = Duration::from_millis(900);
    let limits = Limits { silence: Some(silence), ..Limits::SERVE };
    let host = strict(limits, Some(silence / 3));
    let mut here = open(&host, "/ws/echo");
    let mut gone = raw(&host, "/ws/echo");
    let (kept, lost) = (host.conn_of(&here), host.conn(&gone));
    let began = Instant::now();
    std::thread::scope(|scope| {
        // tungstenite answers pings where somebody reads.
        let reading = scope.spawn(|| {
            while began.elapsed() < 4 * silence {
                assert!(matches!(here.ws.read().unwrap(), Message::Ping(_)));
                here.ws.flush().unwrap();
            }
        });
        assert_eq!(gone.read_out().unwrap(), [0x89, 0, 0x89, 0], "two pings, then the end");
        reading.join().unwrap();
    });
    drop(gone);
    assert_eq!(host.ending(lost).first, Who::Server);
    here.ws.send(Message::text("still here")).unwrap();
    while here.ws.read().unwrap() != Message::text("still here") {}
    assert_ne!(kept, lost);
}

/// Each byte is a sign of life; but a message must end some time.
#[test]
fn a_message_that_takes_for_ever_is_1008() {
    let silence = Duration::from_millis(700);
    let host = strict(Limits { silence: Some(silence), ..Limits::SERVE }, None);
    let mut slow = raw(&host, "/ws/echo");
    let conn = host.conn(&slow);
    slow.send(&[0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0]);
    slow.stream.set_nonblocking(true).unwrap();
    let mut came = Vec::new();
    let began = Instant::now();
    while came.is_empty() {
        slow.send(&[7]);
        let _ = slow.stream.read_to_end(&mut came);
        std::thread::sleep(silence / 10);
    }
    slow.stream.set_nonblocking(false).unwrap();
    came.extend(slow.read_out().unwrap());
    assert_eq!(came[2..4], 1008_u16.to_be_bytes(), "{came:?}");
    assert!((silence..5 * silence).contains(&began.elapsed()), "{:?}", began.elapsed());
    drop(slow);
    assert_eq!(host.ending(conn).first, Who::Server);
}
