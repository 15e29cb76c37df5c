//! What a stranger may use at `/socket.io/`.

use std::io::Read as _;
use std::time::Duration;

use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use wsdemo::server::Limits;
use wsdemo::timeline::{Kind, Side, Who};

use super::{Client, HANDSHAKE, POLLING, WEBSOCKET, at, poll, poller, post, strangers};
use crate::harness::ALONE;
use crate::visitor::{Host, Visitor};

/// One who does not read is ended when its queue is full; the others hear everything.
#[test]
fn who_does_not_read_is_ended_alone() {
    let _alone = ALONE.lock();
    let host = strangers(Limits::SERVE);
    let deaf = Client::enter(&host);
    let conn = host.conn_of(&deaf.0);
    let mut anna = Client::enter(&host);
    let text = "x".repeat(60_000);
    for n in 0..200 {
        host.post(&format!("{n} {text}"));
        assert!(anna.event().1["text"].as_str().unwrap().starts_with(&format!("{n} ")));
    }
    let why = host.find(|event| match &event.kind {
        Kind::World { what, text, .. } if what == "limit" => Some(text.clone()),
        _ => None,
    });
    assert!(why.starts_with(&conn.to_string()) && why.contains("does not keep up"), "{why}");
    host.ending(conn);
    anna.say(r#"420["echo","still here"]"#);
    assert_eq!(anna.hear(), r#"430["still here"]"#);
    drop(deaf);
}

/// The same where the kernel takes nothing any more.
#[test]
fn who_takes_nothing_is_cut_off() {
    let patience = Duration::from_millis(300);
    let host = strangers(Limits { write_time: Some(patience), ..Limits::SERVE });
    let mut client = Client::enter(&host);
    let conn = host.conn_of(&client.0);
    let packet = format!(r#"421["echo","{}"]"#, "x".repeat(60_000));
    // Until the server does not listen any more, and then is gone.
    while client.0.ws.send(Message::text(packet.as_str())).is_ok() {}
    let ending = host.ending(conn);
    assert_eq!((ending.first, ending.reset_by), (Who::Reset, Some(Side::Server)));
}

#[test]
fn sessions_have_places_and_give_them_back() {
    let host = strangers(Limits { guests: 2, ..Limits::SERVE });
    // One connection for all of it, so that only the sessions take places.
    let mut visitor = Visitor::connect(&host);
    let mut ask = |method: &str, target: &str, headers: &str, body: &str| {
        visitor.request(method, target, headers, body);
        visitor.response()
    };
    let first = ask("GET", POLLING, "", "");
    let open: Value = serde_json::from_slice(&first.body[1..]).unwrap();
    assert_eq!(ask("GET", POLLING, "", "").status, 200);
    let full = ask("GET", POLLING, "", "");
    assert_eq!(full.status, 503);
    assert!(full.problem().contains("every place for a session is taken"));
    assert_eq!(ask("GET", WEBSOCKET, HANDSHAKE, "").status, 503);
    assert_eq!(ask("POST", &at(open["sid"].as_str().unwrap()), "", "1").body, b"ok");
    assert_eq!(ask("GET", POLLING, "", "").status, 200);
    assert_eq!(host.server.sessions(), 2);
}

/// A session costs no connection, and one connection must not take all of them.
#[test]
fn one_connection_has_few_sessions() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    let mut ask = |method: &str, target: &str, body: &str| {
        visitor.request(method, target, "", body);
        visitor.response()
    };
    let first = ask("GET", POLLING, "");
    let open: Value = serde_json::from_slice(&first.body[1..]).unwrap();
    for _ in 1..16 {
        assert_eq!(ask("GET", POLLING, "").status, 200);
    }
    assert!(ask("GET", POLLING, "").problem().contains("one connection may have 16 sessions"));
    poller(&host).unwrap();
    // Where one has ended, another may begin.
    assert_eq!(ask("POST", &at(open["sid"].as_str().unwrap()), "1").body, b"ok");
    assert_eq!(ask("GET", POLLING, "").status, 200);
}

#[test]
fn who_leaves_during_a_poll_is_seen_to_leave() {
    let host = Host::start();
    let sid = poller(&host).unwrap();
    // The heartbeat that comes at once.
    host.ask("GET", &at(&sid), "", "");
    let mut visitor = Visitor::connect(&host);
    let conn = host.conn(&visitor);
    visitor.request("GET", &at(&sid), "", "");
    host.asked(&visitor);
    visitor.end_sending();
    assert_eq!(visitor.response().status, 200);
    drop(visitor);
    assert_eq!(host.ending(conn).first, Who::Client);
    // Nobody waits for its packets now, so that another may.
    assert_eq!(post(&host, &sid, "40").body, b"ok");
    assert!(poll(&host, &sid)[0].starts_with("40{"));
}

/// A packet that is too long, or no packet at all, ends the connection and nothing else.
#[test]
fn what_is_no_packet_ends_it() {
    let host = Host::start();
    for said in ["x", "9", "42", "4", "42{}", "5", "0{}", &format!("42[\"echo\",\"{}\"]", "x".repeat(70_000))]
    {
        let mut client = Client::enter(&host);
        let conn = host.conn_of(&client.0);
        client.say(said);
        let mut rest = Vec::new();
        let _ = client.0.ws.get_mut().read_to_end(&mut rest);
        drop(client);
        host.ending(conn);
    }
    assert_eq!(host.ask("GET", "/api/messages", "", "").status, 200);
}
