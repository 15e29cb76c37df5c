use serde_json::json;

use super::super::packet::Arg;
use super::*;

const OPEN: &str =
    r#"0{"sid":"x","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":28}"#;

fn text(text: &str) -> Packet {
    Packet::Text(text.into())
}

fn session(mode: Mode, namespace: &str) -> Session {
    Session::new(mode, namespace, Unsaid::default())
}

/// A session that was let in, with nothing left to say.
fn joined(mode: Mode) -> Session {
    let mut session = session(mode, "/");
    session.take(text(OPEN));
    said(&mut session);
    assert_eq!(session.take(text(r#"40{"sid":"s"}"#)), Some(Io::Connect(json!({"sid": "s"}))));
    session
}

/// What it says now, as it crosses.
fn said(session: &mut Session) -> Vec<String> {
    let mut packets = session.batch();
    packets.extend(std::iter::from_fn(|| session.frame()));
    packets.iter().map(Packet::in_body).collect()
}

fn hello(asks: bool) -> Emit {
    let mut emit = Emit::json("hello", vec![json!("world"), json!({"b": 1, "a": 2})]).asking(asks);
    if asks {
        emit.number(0);
    }
    emit
}

#[test]
fn a_session_begins_and_changes_to_a_websocket() {
    let mut session = session(Mode::Upgrade, "/");
    assert_eq!(session.target("polling"), "/socket.io/?EIO=4&transport=polling");
    assert!(session.may_poll() && !session.begins_probe() && said(&mut session).is_empty());
    assert_eq!(session.take(text(OPEN)), None);
    assert_eq!(session.beat, Some(Duration::from_secs(45)));
    assert_eq!(session.target("websocket"), "/socket.io/?EIO=4&transport=websocket&sid=x");
    assert_eq!(said(&mut session), ["40"]);
    assert!(session.begins_probe() && !session.begins_probe(), "it is tried once");
    // Meanwhile polling goes on.
    assert!(session.may_poll() && session.switch().is_none());
    session.take(text(r#"40{"sid":"s"}"#));
    session.emit(hello(false));
    assert_eq!(said(&mut session), [r#"42["hello","world",{"b":1,"a":2}]"#]);
    assert!(!session.is_settled());
    session.probed(true);
    session.emit(hello(true));
    assert!(!session.may_poll() && said(&mut session).is_empty(), "polling is paused");
    assert_eq!(session.switch(), Some(text("5")));
    assert_eq!(said(&mut session), [r#"420["hello","world",{"b":1,"a":2}]"#]);
    assert!(session.is_settled() && session.is_on_websocket());
}

#[test]
fn a_websocket_that_does_not_work_leaves_it_polling() {
    let mut session = joined(Mode::Upgrade);
    assert!(session.begins_probe());
    session.probed(false);
    assert!(session.may_poll() && session.switch().is_none() && session.is_settled());
    // Polling alone never tries, also where it could.
    assert!(!joined(Mode::Polling).begins_probe() && !joined(Mode::WebSocket).may_poll());
}

#[test]
fn what_is_emitted_too_early_waits_also_for_the_next_session() {
    let unsaid = Unsaid::default();
    let mut first = Session::new(Mode::Polling, "/class", unsaid.clone());
    first.emit(hello(false));
    first.take(text(OPEN));
    assert_eq!(said(&mut first), ["40/class,"]);
    assert_eq!(first.over("gone"), Some(Io::Failed("gone".into())));
    first.emit(Emit::json("bye", vec![]));
    let mut second = Session::new(Mode::WebSocket, "/class", unsaid);
    second.take(text(OPEN));
    assert_eq!(said(&mut second), ["40/class,"]);
    assert_eq!(second.take(text(r#"40{"sid":"main"}"#)), None, "another namespace's");
    second.take(text(r#"40/class,{"sid":"s"}"#));
    assert_eq!(said(&mut second), [r#"42/class,["hello","world",{"b":1,"a":2}]"#, r#"42/class,["bye"]"#]);
}

#[test]
fn events_and_answers_with_and_without_attachments() {
    let mut session = joined(Mode::WebSocket);
    let event = session.take(text(r#"42["message",{"id":1},"x"]"#));
    let args = vec![Arg::Json(json!({"id": 1})), Arg::Json(json!("x"))];
    assert_eq!(event, Some(Io::Event { name: "message".into(), args }));
    let bytes = Bytes::from_static(&[1, 2, 255]);
    let mut emit = Emit::new("echo", vec![Arg::Binary(bytes.clone())]).asking(true);
    emit.number(7);
    session.emit(emit);
    assert_eq!(said(&mut session), [r#"451-7["echo",{"_placeholder":true,"num":0}]"#, "bAQL/"]);
    assert_eq!(session.take(text(r#"461-7[{"_placeholder":true,"num":0}]"#)), None);
    assert_eq!(session.take(text("2")), None, "a heartbeat may stand between");
    let ack = session.take(Packet::Binary(bytes.clone()));
    assert_eq!(ack, Some(Io::Ack { id: 7, args: vec![Arg::Binary(bytes)] }));
    assert_eq!(said(&mut session), ["3"]);
}

#[test]
fn attachments_are_numbered_in_order() {
    let mut session = joined(Mode::WebSocket);
    let binary = |byte: u8| Arg::Binary(Bytes::from(vec![byte]));
    session.emit(Emit::new("x", vec![binary(1), Arg::Json(json!("red")), binary(2)]));
    let placeholder = |num: u8| format!(r#"{{"_placeholder":true,"num":{num}}}"#);
    let head = format!(r#"452-["x",{},"red",{}]"#, placeholder(0), placeholder(1));
    assert_eq!(said(&mut session), [head, "bAQ==".into(), "bAg==".into()]);
}

#[test]
fn a_websocket_that_ends_before_polling_has_stopped_leaves_it_polling() {
    let mut session = joined(Mode::Upgrade);
    assert!(session.begins_probe());
    session.probed(true);
    session.probed(false);
    assert!(session.may_poll() && session.switch().is_none() && session.is_settled());
    // Once it is in use there is no way back.
    let mut on = joined(Mode::WebSocket);
    on.probed(false);
    assert!(on.is_on_websocket());
}

#[test]
fn heartbeats_are_answered_and_bodies_are_as_long_as_they_may_be() {
    let mut session = joined(Mode::Polling);
    session.take(text("2"));
    session.take(text("6"));
    assert_eq!(said(&mut session), ["3"]);
    for _ in 0..3 {
        session.emit(Emit::json("a", vec![json!(1)]));
    }
    assert_eq!(said(&mut session).len(), 2);
    assert_eq!(said(&mut session).len(), 1);
    session.emit(Emit::json("a", vec![json!("more than a body may hold, and alone")]));
    assert_eq!(said(&mut session).len(), 1);
}

#[test]
fn who_leaves_says_so_on_both_transports() {
    let mut session = joined(Mode::WebSocket);
    session.leave();
    assert!(!session.has_left());
    assert_eq!(said(&mut session), ["41"]);
    assert!(session.has_left());
    assert_eq!(session.over("the end"), None, "who left knows it");
    let mut polls = joined(Mode::Polling);
    polls.leave();
    assert_eq!((said(&mut polls), polls.has_left()), (vec!["41".to_owned()], false));
    assert_eq!((said(&mut polls), polls.has_left()), (vec!["1".to_owned()], true));
    // Who has not begun has nothing to say; a change that was begun is ended first.
    let mut fresh = self::session(Mode::Polling, "/");
    fresh.leave();
    assert!(fresh.has_left() && said(&mut fresh).is_empty());
    let mut changing = joined(Mode::Upgrade);
    changing.begins_probe();
    changing.probed(true);
    changing.leave();
    assert!(!changing.has_left());
    assert_eq!(changing.switch(), Some(text("5")));
    assert_eq!((said(&mut changing), changing.has_left()), (vec!["41".to_owned()], true));
}

#[test]
fn the_server_may_refuse_and_may_end_it() {
    let mut refused = session(Mode::WebSocket, "/nowhere");
    refused.take(text(OPEN));
    said(&mut refused);
    let error = refused.take(text(r#"44/nowhere,{"message":"Invalid namespace"}"#));
    assert_eq!(error, Some(Io::ConnectError(json!({"message": "Invalid namespace"}))));
    assert!(refused.has_left(), "the connection is of no use then");
    let mut ended = joined(Mode::WebSocket);
    assert_eq!((ended.take(text("41")), ended.has_left()), (Some(Io::Disconnect), true));
    let mut closed = joined(Mode::Polling);
    assert_eq!(closed.take(text("1")), Some(Io::Ended("the server closed the session".into())));
    assert!(closed.is_over());
}

#[test]
fn what_is_no_packet_ends_it() {
    for (packet, word) in [
        ("x", "no packet"),
        ("", "no packet"),
        ("49", "no packet"),
        ("42{}", "no packet"),
        ("42[1]", "no packet"),
        ("435[1]", "did not ask"),
        ("4599-[\"a\"]", "99 attachments"),
        (r#"451-["a",{"_placeholder":true,"num":0}]"#, ""),
    ] {
        let mut session = joined(Mode::WebSocket);
        let ended = session.take(text(packet));
        match ended {
            Some(Io::Ended(why)) => assert!(why.contains(word) && session.is_over(), "{packet}: {why}"),
            other => assert!(other.is_none() && word.is_empty(), "{packet}: {other:?}"),
        }
    }
    let mut session = session(Mode::WebSocket, "/");
    assert!(matches!(session.take(text("42[\"early\"]")), Some(Io::Failed(_))));
    let mut session = joined(Mode::WebSocket);
    assert!(matches!(session.take(Packet::Binary(Bytes::new())), Some(Io::Ended(_))));
    let mut half = joined(Mode::WebSocket);
    half.take(text(r#"451-["a",{"_placeholder":true,"num":4}]"#));
    assert!(matches!(half.take(Packet::Binary(Bytes::new())), Some(Io::Ended(_))), "no such attachment");
}

proptest::proptest! {
    #[test]
    fn nothing_that_comes_breaks_it(bodies in proptest::collection::vec("[0-6]{0,3}(/x,)?[0-9]{0,2}-?\\PC{0,12}", 0..8)) {
        let mut session = joined(Mode::WebSocket);
        for body in &bodies {
            Packet::split(body).into_iter().for_each(|packet| drop(session.take(packet)));
            session.take(Packet::Binary(Bytes::new()));
        }
    }
}
