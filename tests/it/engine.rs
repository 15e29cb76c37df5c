//! `/socket.io/`, spoken by hand: what it refuses, what it keeps in order, and what a stranger may use.

mod limits;

use std::io::Write as _;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use wsdemo::server::{Limits, Options};
use wsdemo::timeline::{Kind, Who};

use crate::visitor::{Host, Response, Socket, Visitor};

const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A client over a WebSocket.
struct Client(Socket);

impl Client {
    /// In the main namespace.
    fn enter(host: &Host) -> Self {
        let mut client = Self::open(host);
        client.say("40");
        assert!(client.hear().starts_with(r#"40{"sid":""#));
        client
    }

    fn open(host: &Host) -> Self {
        let mut client = Self(Visitor::connect(host).upgrade_at(WEBSOCKET));
        assert!(client.hear().starts_with(r#"0{"sid":""#));
        client
    }

    fn say(&mut self, packet: &str) {
        self.0.ws.send(Message::text(packet)).unwrap();
    }

    /// All in one piece.
    fn say_at_once(&mut self, packets: &[String]) {
        let frame = |packet: &String| {
            let len = u8::try_from(packet.len()).unwrap();
            [&[0x81, 0x80 | len, 0, 0, 0, 0], packet.as_bytes()].concat()
        };
        let frames: Vec<u8> = packets.iter().flat_map(frame).collect();
        self.0.ws.get_mut().write_all(&frames).unwrap();
    }

    /// The next packet that is no heartbeat.
    fn hear(&mut self) -> String {
        loop {
            match self.0.ws.read().unwrap() {
                Message::Text(text) if text == "2" => self.say("3"),
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) => {}
                other => panic!("no packet: {other:?}"),
            }
        }
    }

    /// The next event's name and what is said with it.
    fn event(&mut self) -> (String, Value) {
        let packet = self.hear();
        let event: Value = serde_json::from_str(packet.strip_prefix("42").unwrap()).unwrap();
        (event[0].as_str().unwrap().to_owned(), event[1].clone())
    }
}

/// A session over HTTP, and its id.
fn poller(host: &Host) -> Result<String, Response> {
    let response = host.ask("GET", POLLING, "", "");
    if response.status != 200 {
        return Err(response);
    }
    let open: Value = serde_json::from_slice(&response.body[1..]).unwrap();
    assert_eq!((response.body[0], &open["maxPayload"]), (b'0', &json!(60_000)));
    Ok(open["sid"].as_str().unwrap().to_owned())
}

fn at(sid: &str) -> String {
    format!("{POLLING}&sid={sid}")
}

fn post(host: &Host, sid: &str, packets: &str) -> Response {
    host.ask("POST", &at(sid), "Content-Type: text/plain;charset=UTF-8\r\n", packets)
}

/// What a poll brings, heartbeats left out.
fn poll(host: &Host, sid: &str) -> Vec<String> {
    loop {
        let response = host.ask("GET", &at(sid), "", "");
        assert_eq!(response.status, 200, "{response:?}");
        let body = String::from_utf8(response.body).unwrap();
        let packets: Vec<_> = body.split('\u{1e}').filter(|&it| it != "2").map(str::to_owned).collect();
        if !packets.is_empty() {
            return packets;
        }
        assert_eq!(post(host, sid, "3").body, b"ok");
    }
}

fn strangers(limits: Limits) -> Host {
    Host::with(Options { limits, heartbeat: Some(Duration::from_secs(20)), ..Options::default() })
}

#[test]
fn the_handshake_is_checked_as_at_every_door() {
    let host = Host::start();
    let version =
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let key = HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short");
    let cases = [
        (WEBSOCKET, "", 426),
        (WEBSOCKET, version, 426),
        (WEBSOCKET, &HANDSHAKE.replace("13", "12"), 426),
        (WEBSOCKET, &HANDSHAKE.replace("Upgrade: websocket", "Upgrade: h2c"), 426),
        (WEBSOCKET, &key, 400),
        (WEBSOCKET, &format!("{HANDSHAKE}Origin: http://evil.example\r\n"), 403),
        (POLLING, "Origin: http://evil.example\r\n", 403),
        (POLLING, "Host: evil.example\r\n", 421),
    ];
    for (target, headers, status) in cases {
        assert_eq!(host.ask("GET", target, headers, "").status, status, "{target} {headers}");
    }
    assert_eq!(host.ask("PUT", POLLING, "", "").header("allow"), Some("GET, POST, OPTIONS"));
    assert_eq!(
        Visitor::connect(&host).upgrade_at(WEBSOCKET).ws.read().unwrap().to_text().unwrap().as_bytes()[0],
        b'0'
    );
}

/// As a client of Socket.IO expects it.
#[test]
fn what_engine_io_refuses_it_says_in_its_own_words() {
    let host = Host::start();
    for (method, target, headers, code) in [
        ("GET", "/socket.io/", "", 0),
        ("GET", "/socket.io/?EIO=4&transport=pigeon", "", 0),
        ("GET", "/socket.io/?EIO=3&transport=polling", "", 5),
        ("GET", "/socket.io/?EIO=3&transport=websocket", HANDSHAKE, 5),
        ("POST", POLLING, "", 2),
        ("GET", &at("AAAAAAAAAAAAAAHs"), "", 1),
        ("GET", &at("?"), "", 1),
        ("GET", "/socket.io/?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAHs", HANDSHAKE, 1),
    ] {
        let refused = host.ask(method, target, headers, "");
        assert_eq!(refused.status, 400, "{method} {target}");
        let said = refused.json();
        assert_eq!(said["code"], code, "{method} {target}: {said}");
    }
}

#[test]
fn one_list_at_every_door() {
    let host = Host::start();
    let mut client = Client::enter(&host);
    let mut socket = Socket::open(&host);
    client.say(r#"42["message","hello"]"#);
    let stored = json!({ "id": 1, "from": "someone", "text": "hello" });
    assert_eq!(client.event(), ("message".into(), stored.clone()));
    assert_eq!(socket.event(), ("message".into(), stored.clone()));
    assert_eq!(host.ask("GET", "/api/messages", "", "").json(), json!([stored]));
    client.say(r#"420["message",{"from":"anna","text":"Nice!"}]"#);
    let nice = json!({ "id": 2, "from": "anna", "text": "Nice!" });
    let mut heard = [client.hear(), client.hear()];
    heard.sort();
    assert_eq!(heard, [format!(r#"42["message",{nice}]"#), format!("430[{nice}]")]);
    client.say(r#"42["message",{"goals":[1,0]}]"#);
    assert_eq!(client.event().1["text"], r#"{"goals":[1,0]}"#);
    let posted = host.post("by HTTP");
    assert_eq!(client.event(), ("message".into(), posted));
    host.ask("PATCH", "/api/messages/1", "", r#"{"text":"bye"}"#);
    assert_eq!(client.event(), ("changed".into(), json!({ "id": 1, "from": "someone", "text": "bye" })));
    host.ask("DELETE", "/api/messages/1", "", "");
    assert_eq!(client.event(), ("deleted".into(), json!({ "id": 1 })));
}

#[test]
fn namespaces_and_what_is_wrong_with_an_event() {
    let host = Host::start();
    let mut client = Client::enter(&host);
    client.say("40/nope,");
    assert_eq!(client.hear(), r#"44/nope,{"message":"Invalid namespace"}"#);
    client.say("40/class,");
    assert!(client.hear().starts_with("40/class,{"));
    client.say(r#"42/class,1["join","red"]"#);
    assert_eq!(client.hear(), r#"43/class,1["red"]"#);
    // The room of the same name in the main namespace is another.
    client.say(r#"42["room-message","red","nobody"]"#);
    client.say(r#"42/class,["room-message","red",{"a":1}]"#);
    assert_eq!(client.hear(), r#"42/class,["message",{"a":1}]"#);
    let long = "x".repeat(65);
    for (said, detail) in [
        (format!(r#"["message",{{"from":"{long}","text":""}}]"#), "`from` may have at most 64 bytes"),
        (format!(r#"["join","{long}"]"#), "the name of a room has 1 to 64 bytes"),
        (r#"["join"]"#.into(), "name the room, as a text"),
    ] {
        client.say(&format!("427{said}"));
        assert_eq!(client.hear(), format!("437{}", json!([{ "error": { "detail": detail } }])));
        client.say(&format!("42{said}"));
        assert_eq!(client.event(), ("error".into(), json!({ "detail": detail })));
    }
    client.say(r#"421["echo",1e999]"#);
    assert!(client.hear().starts_with(r#"431[{"error":{"detail":"#));
    for n in 0..64 {
        client.say(&format!(r#"42["join","{n}"]"#));
    }
    client.say(r#"42["join","one more"]"#);
    assert_eq!(client.event().1["detail"], "one socket may be in 64 rooms");
    client.say(r#"42["nobody listens"]"#);
    client.say(r#"420["echo"]"#);
    assert_eq!(client.hear(), "430[null]");
    // It left by itself, and is not told so.
    client.say("41");
    client.say(r#"42/class,2["echo",2]"#);
    assert_eq!(client.hear(), "43/class,2[2]");
}

/// All of it is sent before any answer is read: more than is listened to at once, and more than may wait for a client.
#[test]
fn a_flood_is_answered_in_order_and_whole() {
    const MANY: usize = 20_000;
    let host = Host::start();
    let mut client = Client::enter(&host);
    let mut speaker = client.0.ws.get_ref().try_clone().unwrap();
    let flood = thread::spawn(move || {
        for n in 0..MANY {
            let packet = format!(r#"421["echo",{n},"and what is said more"]"#);
            let header = [0x81, 0x80 | u8::try_from(packet.len()).unwrap(), 0, 0, 0, 0];
            speaker.write_all(&[&header, packet.as_bytes()].concat()).unwrap();
        }
    });
    for n in 0..MANY {
        assert_eq!(client.hear(), format!("431[{n}]"));
    }
    flood.join().unwrap();
}

#[test]
fn a_thousand_over_http_in_order() {
    let host = Host::start();
    let sid = poller(&host).unwrap();
    assert_eq!(post(&host, &sid, "40").body, b"ok");
    assert!(poll(&host, &sid)[0].starts_with("40{"));
    let packets: Vec<_> = (0..1000).map(|n| format!(r#"42["message","{n}"]"#)).collect();
    assert_eq!(post(&host, &sid, &packets.join("\u{1e}")).body, b"ok");
    let mut heard = Vec::new();
    while heard.len() < 1000 {
        heard.extend(poll(&host, &sid));
    }
    for (n, packet) in heard.iter().enumerate() {
        let event: Value = serde_json::from_str(packet.strip_prefix("42").unwrap()).unwrap();
        assert_eq!(event[1]["text"], n.to_string());
    }
    assert_eq!(heard.len(), 1000);
    // Too long for one body: refused, and the session is as it was.
    assert_eq!(post(&host, &sid, &"x".repeat(70_000)).status, 413);
    assert_eq!(post(&host, &sid, r#"425["echo",5]"#).body, b"ok");
    assert_eq!(poll(&host, &sid), ["435[5]"]);
}

/// What goes to the list takes another way than what goes to a room, and yet one does not overtake the other.
#[test]
fn the_list_and_a_room_are_heard_in_the_order_of_their_speaker() {
    let host = Host::start();
    let (mut anna, mut ben) = (Client::enter(&host), Client::enter(&host));
    for client in [&mut anna, &mut ben] {
        client.say(r#"420["join","red"]"#);
        assert_eq!(client.hear(), r#"430["red"]"#);
    }
    let packets: Vec<_> = (0..300)
        .flat_map(|n| [format!(r#"42["message","{n}"]"#), format!(r#"42["room-message","red",{n}]"#)])
        .collect();
    anna.say_at_once(&packets);
    for client in [&mut anna, &mut ben] {
        for n in 0..300 {
            assert_eq!(client.event().1["text"], n.to_string());
            assert_eq!(client.event().1, n);
        }
    }
}

/// Many more speak in one turn than a subscription can hold.
#[test]
fn a_crowd_is_heard_whole() {
    const EACH: usize = 100;
    let host = Host::start();
    let mut listener = Client::enter(&host);
    let mut other = Socket::open(&host);
    let mut crowd: Vec<_> = (0..20).map(|_| Client::enter(&host)).collect();
    for (who, client) in crowd.iter_mut().enumerate() {
        let said: Vec<_> = (0..EACH).map(|n| format!(r#"42["message","{who} {n}"]"#)).collect();
        client.say_at_once(&said);
    }
    let mut next = [0; 20];
    for id in 1..=20 * EACH {
        let (_, message) = listener.event();
        assert_eq!((&message["id"], &other.event().1), (&json!(id), &message));
        let (who, n) = message["text"].as_str().unwrap().split_once(' ').unwrap();
        let next = &mut next[who.parse::<usize>().unwrap()];
        assert_eq!(n, next.to_string());
        *next += 1;
    }
}

/// A socket can be reached alone.
#[test]
fn its_id_is_a_room_of_its_own() {
    let host = Host::start();
    let mut anna = Client::open(&host);
    anna.say("40");
    let connected: Value = serde_json::from_str(&anna.hear()[2..]).unwrap();
    let mut ben = Client::enter(&host);
    ben.say(&format!(r#"42["room-message",{},"psst"]"#, connected["sid"]));
    assert_eq!(anna.event(), ("message".into(), json!("psst")));
    ben.say(r#"420["echo"]"#);
    assert_eq!(ben.hear(), "430[null]");
}

/// The client tries a WebSocket, and goes on polling where that dies.
#[test]
fn a_probe_that_fails_changes_nothing() {
    let host = Host::start();
    let sid = poller(&host).unwrap();
    assert_eq!(post(&host, &sid, "40").body, b"ok");
    assert!(poll(&host, &sid)[0].starts_with("40{"));
    for said in [&["2probe"][..], &[], &["2probe", "4"], &["5"], &["3probe"]] {
        let mut socket = Visitor::connect(&host).upgrade_at(&format!("{WEBSOCKET}&sid={sid}"));
        let conn = host.conn_of(&socket);
        for (n, said) in said.iter().enumerate() {
            socket.ws.send(Message::text(*said)).unwrap();
            if n == 0 && *said == "2probe" {
                assert_eq!(socket.ws.read().unwrap().to_text().unwrap(), "3probe");
            }
        }
        drop(socket);
        host.ending(conn);
        assert_eq!(post(&host, &sid, r#"423["echo","polling"]"#).body, b"ok");
        assert_eq!(poll(&host, &sid), [r#"433["polling"]"#], "{said:?}");
    }
}

/// The poll that waits ends, and what the client says right behind its decision is heard.
#[test]
fn a_probe_that_works_changes_the_transport() {
    let host = Host::start();
    let sid = poller(&host).unwrap();
    assert_eq!(post(&host, &sid, "40").body, b"ok");
    assert!(poll(&host, &sid)[0].starts_with("40{"));
    let mut waiting = Visitor::connect(&host);
    waiting.request("GET", &at(&sid), "", "");
    host.asked(&waiting);
    let mut client = Client(Visitor::connect(&host).upgrade_at(&format!("{WEBSOCKET}&sid={sid}")));
    client.say("2probe");
    assert_eq!(client.hear(), "3probe");
    let mut released = waiting.response();
    if released.body == b"2" {
        // The first heartbeat came before.
        waiting.request("GET", &at(&sid), "", "");
        released = waiting.response();
    }
    assert_eq!(released.body, b"6");
    client.say_at_once(&["5".to_owned(), r#"420["echo","at once"]"#.to_owned()]);
    assert_eq!(client.hear(), r#"430["at once"]"#);
    // It polls no more, and has one WebSocket only: another one changes nothing.
    assert_eq!(host.ask("GET", &at(&sid), "", "").status, 400);
    let second = host.ask("GET", &format!("{WEBSOCKET}&sid={sid}"), HANDSHAKE, "");
    assert_eq!((second.status, second.json()["code"].as_u64()), (400, Some(3)));
    assert_eq!(host.server.sessions(), 1);
    client.say(r#"421["echo","still here"]"#);
    assert_eq!(client.hear(), r#"431["still here"]"#);
}

#[test]
fn all_are_told_when_the_server_stops() {
    let host = Host::start();
    let mut client = Client::enter(&host);
    let sid = poller(&host).unwrap();
    host.ask("GET", &at(&sid), "", "");
    let mut waiting = Visitor::connect(&host);
    waiting.request("GET", &at(&sid), "", "");
    host.asked(&waiting);
    let ended = thread::spawn(move || {
        let told = waiting.response();
        assert_eq!((told.status, &told.body[..]), (200, &b"1"[..]));
        let close = loop {
            match client.0.ws.read() {
                Ok(Message::Close(close)) => break close.unwrap(),
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(u16::from(close.code), 1001);
    });
    host.stop();
    ended.join().unwrap();
}

/// A WebSocket closes in order, whoever begins.
#[test]
fn the_end_is_orderly() {
    let host = Host::start();
    let mut client = Client::enter(&host);
    let conn = host.conn_of(&client.0);
    client.0.ws.close(None).unwrap();
    while client.0.ws.read().is_ok() {}
    assert_eq!(host.ending(conn).first, Who::Server);
    // The engine's own end.
    let mut client = Client::enter(&host);
    let conn = host.conn_of(&client.0);
    client.say("1");
    while client.0.ws.read().is_ok() {}
    drop(client);
    assert_eq!(host.ending(conn).first, Who::Server);
    // Packets right behind the handshake, before its answer is read.
    let mut visitor = Visitor::connect(&host);
    let all = [visitor.written("GET", WEBSOCKET, HANDSHAKE, "").as_bytes(), b"\x81\x82\0\0\0\x0040"].concat();
    visitor.send(&all);
    visitor.wait_for(br#"40{"sid":"#);
    // The first heartbeat comes before the first answer.
    let conn = host.conn(&visitor);
    let mut texts = Vec::new();
    host.find(|event| {
        if let Kind::Frame(frame) = &event.kind
            && frame.conn == conn
            && let Some(text) = &frame.text
        {
            texts.push(text[..text.len().min(2)].to_owned());
        }
        (texts.len() == 4).then_some(())
    });
    assert_eq!(texts, ["40", "0{", "2", "40"]);
}
