//! `wsdemo socket`

use wsdemo::timeline::{Connection, Elapsed, Frame, Kind, Opcode, Side, Who};
use wsdemo::wire::handshake::accept_key;

use crate::harness::{Run, built_in};
use crate::{facts, shape};

fn run() -> &'static Run {
    built_in("socket")
}

fn frames() -> impl Iterator<Item = &'static Frame> {
    run().kinds().filter_map(|kind| match kind {
        Kind::Frame(frame) => Some(frame),
        _ => None,
    })
}

fn connections_of(name: &str) -> Vec<Connection> {
    let state = run().state();
    state.connections.into_values().filter(|it| it.name.as_deref() == Some(name)).collect()
}

#[test]
fn its_json_is_the_contract() {
    shape::check(run());
}

#[test]
fn its_facts_add_up_and_its_claims_hold() {
    facts::check(run());
}

#[test]
fn http_ends_with_the_101_and_the_connection_stays() {
    let mut upgrades = 0;
    for connection in run().state().connections.values().filter(|it| it.upgraded.is_some()) {
        upgrades += 1;
        assert_eq!(connection.upgraded.as_deref(), Some("websocket"));
        assert_eq!(connection.requests, 1);
        let ours = |kind: &&Kind| facts::conn_of(kind) == Some(connection.id);
        let key = run().kinds().filter(ours).find_map(|kind| match kind {
            Kind::Request { head, .. } => header(&head.headers, "sec-websocket-key"),
            _ => None,
        });
        let accept = run().kinds().filter(ours).find_map(|kind| match kind {
            Kind::Response { status: 101, head, .. } => header(&head.headers, "sec-websocket-accept"),
            _ => None,
        });
        assert_eq!(accept, key.map(|key| accept_key(&key)));
        let frame = run().kinds().filter(ours).position(|kind| matches!(kind, Kind::Frame(_)));
        let upgraded = run().kinds().filter(ours).position(|kind| matches!(kind, Kind::Upgraded { .. }));
        assert!(upgraded < frame, "frames on the same connection, after the 101");
    }
    assert_eq!(upgrades, 3);
}

#[test]
fn it_stays_open_through_ten_seconds_of_silence() {
    let first = &connections_of("anna")[0];
    assert!(first.closed.unwrap().lived > Elapsed(std::time::Duration::from_secs(10)), "{first:?}");
}

#[test]
fn two_ways_to_leave() {
    let anna = connections_of("anna");
    assert_eq!(anna.iter().map(Connection::close_code).collect::<Vec<_>>(), [Some(1000), Some(1000)]);
    assert!(anna.iter().all(|it| it.closed.unwrap().first == Who::Server), "{anna:?}");
    let ben = connections_of("ben");
    assert_eq!(ben.iter().map(Connection::close_code).collect::<Vec<_>>(), [Some(1006)]);
    assert_eq!(ben[0].close_frame, None, "no close frame crossed");
    assert_eq!(ben[0].closed.unwrap().first, Who::Client);
}

#[test]
fn both_sides_speak_unasked() {
    // A frame of the server's without one of the client's since the last: nobody asked for it.
    let mut unasked = 0;
    let mut asked = false;
    for frame in frames().filter(|frame| frame.opcode == Opcode::Text) {
        unasked += usize::from(frame.from == Side::Server && !asked);
        asked = frame.from == Side::Client;
    }
    assert!(unasked >= 2, "{unasked}");
    assert!(frames().any(|frame| frame.from == Side::Client && frame.opcode == Opcode::Text));
}

#[test]
fn a_pong_brings_the_ping_back() {
    let ping = frames().position(|frame| frame.opcode == Opcode::Ping).unwrap();
    let frames: Vec<_> = frames().collect();
    let pong = frames[ping..].iter().find(|frame| frame.opcode == Opcode::Pong).unwrap();
    assert_eq!((frames[ping].from, pong.from), (Side::Client, Side::Server));
    assert_eq!(frames[ping].text, pong.text);
}

#[test]
#[cfg(target_os = "linux")]
fn the_kernel_holds_time_wait_at_the_end_that_closed_first() {
    let held: Vec<_> = run().kinds().filter(|kind| matches!(kind, Kind::Kernel { .. })).collect();
    let [Kind::Kernel { conn, side: Side::Server, state }] = held[..] else { panic!("{held:?}") };
    assert_eq!(state, "TIME_WAIT");
    assert_eq!(run().state().get(*conn).unwrap().closed.unwrap().first, Who::Server);
}

/// The payload of each frame is that of the bytes, unmasked here once more.
#[test]
fn frames_are_those_of_the_bytes() {
    for connection in run().state().connections.values().filter(|it| it.upgraded.is_some()) {
        for side in [Side::Client, Side::Server] {
            let stream = run().stream(connection.id, side);
            let head = stream.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
            let mut rest = &stream[head..];
            for frame in frames().filter(|frame| (frame.conn, frame.from) == (connection.id, side)) {
                let (bytes, after) = rest.split_at(usize::try_from(frame.wire_len).unwrap());
                rest = after;
                assert_eq!(bytes[0] >> 7 == 1, frame.fin);
                let len = usize::try_from(frame.len).unwrap();
                let mut payload = bytes[bytes.len() - len..].to_vec();
                if frame.masked {
                    let key = &bytes[bytes.len() - len - 4..][..4];
                    payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
                }
                match (frame.opcode, frame.code) {
                    (Opcode::Close, Some(code)) => assert_eq!(payload[..2], code.to_be_bytes()),
                    _ => assert_eq!(frame.text.as_deref(), std::str::from_utf8(&payload).ok()),
                }
            }
            assert!(rest.is_empty());
        }
    }
}

fn header(headers: &[(String, String)], name: &str) -> Option<String> {
    headers.iter().find(|(seen, _)| seen.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
}
