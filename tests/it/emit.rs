//! Socket.IO in a transcript: a lesson's clients at our own door, and what they say of a server that misbehaves.

mod unwilling;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use wsdemo::client::{Incoming, Io, Made, Mode, Person};
use wsdemo::tap::Taps;
use wsdemo::timeline::{Bus, Kind, Side};

use crate::facts;
use crate::harness::{LIMIT, Run, json};
use crate::notation::{at_once, broken, played};
use crate::shape;

/// What a transcript does, and what the wire must show of it.
type Case = (&'static str, &'static str, fn(&Run) -> bool);

/// What one side said on WebSockets, in order.
fn texts(run: &Run, from: Side) -> Vec<String> {
    let frames = run.kinds().filter_map(|kind| match kind {
        Kind::Frame(frame) if frame.from == from && !frame.opcode.is_control() => {
            Some(frame.text.clone().unwrap_or_else(|| "binary".into()))
        }
        _ => None,
    });
    frames.collect()
}

/// What was asked for, in order.
fn requests(run: &Run) -> Vec<String> {
    let requests = run.kinds().filter_map(|kind| match kind {
        Kind::Request { method, target, .. } => {
            Some(format!("{method} {}", target.split("&sid").next().unwrap()))
        }
        _ => None,
    });
    requests.collect()
}

/// All that one side sent, on all connections.
fn said(run: &Run, from: Side) -> String {
    let conns = run.state().connections.keys().copied().collect::<Vec<_>>();
    conns.iter().map(|conn| String::from_utf8_lossy(&run.stream(*conn, from)).into_owned()).collect()
}

fn heard(run: &Run) -> Vec<String> {
    let heard = run.kinds().filter_map(|kind| match kind {
        Kind::Heard { client, id, .. } => Some(format!("{client} {id}")),
        _ => None,
    });
    heard.collect()
}

const CASES: [Case; 15] = [
    // What is emitted before the session has begun waits for it, in order.
    (
        "",
        "anna: > io websocket\nanna: > emit hello\nanna: > emit echo {\"b\": 1, \"a\": [2]}\n\
         anna: < connect {\"sid\":\"{sid}\"}\nanna: < ack {\"b\":1}\n= 1 connection\nanna: = open\n\
         anna: > emit echo \"{sid}\"\nanna: < ack \"{sid}\"\nanna: > disconnect\nanna: = closed by server\n= closed with 1005",
        |run| {
            let said = texts(run, Side::Client);
            let early = [r#"42["hello"]"#, r#"420["echo",{"b":1,"a":[2]}]"#];
            said[0] == "40"
                && said.iter().filter(|text| *text != "3").skip(1).take(2).eq(early.iter())
                && said.last().unwrap() == "41"
        },
    ),
    (
        "",
        "anna: > io polling\nanna: < connect\nanna: > emit echo 1\nanna: < ack 1\nanna: > emit echo binary 00 ff\n\
         anna: < ack binary 00ff\n= 2 connections\nanna: = open\nanna: > disconnect\nanna: = closed by client",
        |run| {
            requests(run)[..2]
                == ["GET /socket.io/?EIO=4&transport=polling", "POST /socket.io/?EIO=4&transport=polling"]
                && texts(run, Side::Client).is_empty()
                && said(run, Side::Client)
                    .contains("451-1[\"echo\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAP8=")
        },
    ),
    // Polling first, then the WebSocket beside it, and polling stops before it is used.
    (
        "",
        "anna: > io\nanna: < connect\nanna: < upgrade\n= 3 connections\nanna: > emit echo \"up\"\nanna: < ack \"up\"\nanna: = open\nanna: > disconnect\nanna: = closed by server",
        |run| {
            let asked = requests(run);
            let sent = texts(run, Side::Client);
            asked[..2]
                == ["GET /socket.io/?EIO=4&transport=polling", "POST /socket.io/?EIO=4&transport=polling"]
                && asked.contains(&"GET /socket.io/?EIO=4&transport=websocket".to_owned())
                && sent[..2] == ["2probe", "5"]
                && texts(run, Side::Server)[0] == "3probe"
                && sent.contains(&r#"420["echo","up"]"#.to_owned())
        },
    ),
    (
        "",
        "anna: > io websocket\nanna: < connect\nben: > io polling\nben: < connect\ncaro: > io\ncaro: < connect\ncaro: < upgrade\n\
         anna: > emit join \"red\"\nanna: < ack \"red\"\nben: > emit join \"red\"\nben: < ack \"red\"\n\
         caro: > emit room-message \"red\", {\"goal\":1}\nanna: < event message {\"goal\":1}\nben: < event message {\"goal\":1}\n\
         anna: > emit leave \"red\"\nanna: < ack *\nanna: > emit room-message \"red\", \"bare\"\nben: < event message \"bare\"\n\
         = 6 connections",
        |_| true,
    ),
    // A stored message is heard by all, also by who hears it from elsewhere; who said it under its name learns nothing new.
    (
        "",
        "anna: > io websocket\nanna: < connect\nben: > io polling\nben: < connect\n\
         anna: > emit message {\"from\":\"anna\",\"text\":\"hi\"}\nanna: < ack {\"id\":{id}}\nanna: < event message {\"id\":{id},\"text\":\"hi\"}\n\
         ben: < event message {\"id\":{id}}\n! say \"GOAL\"\nanna: < event message {\"text\":\"GOAL\"}\nben: < event message {\"text\":\"GOAL\"}",
        |run| {
            let mut heard = heard(run);
            heard.sort();
            heard == ["anna 2", "ben 1", "ben 2"]
        },
    ),
    (
        "",
        "anna: > io websocket /class\nanna: < connect\nanna: > emit echo 1\nanna: < ack 1\nben: > io /nowhere\n\
         ben: < connect_error {\"message\":\"Invalid namespace\"}\nanna: > disconnect",
        |run| {
            let sent = texts(run, Side::Client);
            sent.contains(&r#"42/class,0["echo",1]"#.to_owned()) && sent.contains(&"41/class,".to_owned())
        },
    ),
    // What is emitted while there is no connection is said by the next session.
    (
        "",
        "anna: > io websocket\nanna: < connect\n! cut\nanna: = closed by reset\nanna: < disconnect\nanna: > emit echo \"off\"\n\
         anna: > emit echo \"line\"\nanna: > io\nanna: < connect\nanna: < ack \"line\"\nanna: < upgrade\nanna: ! cut\nanna: < disconnect\n\
         anna: > io polling\nanna: < connect\nanna: ! cut\nanna: < disconnect\nanna: > emit echo 3\nanna: > io polling\n\
         anna: < connect\nanna: < ack 3",
        |run| {
            let said = said(run, Side::Client);
            said.contains(r#"422["echo",3]"#) || said.contains(r#"421["echo",3]"#)
        },
    ),
    (
        "heartbeat: 200ms\n",
        "anna: > io websocket\nanna: < connect\nben: > io polling\nben: < connect\n~ 900ms\nanna: = open\nben: = open\n\
         anna: > emit echo 1\nanna: < ack 1\nben: > emit echo 1\nben: < ack 1\nanna: ! vanish\nanna: = open",
        |run| texts(run, Side::Client).iter().filter(|text| *text == "3").count() >= 3,
    ),
    // What is no socket: a leftover of a session that was cut is no answer to the next.
    (
        "",
        "anna: > io websocket\nanna: < connect\n! cut\nanna: > io websocket\nanna: < connect\nanna: > emit echo 1\nanna: < ack 1",
        |_| true,
    ),
    (
        "",
        "anna: > io websocket\nanna: < connect\nanna: > close 1000 bye\nanna: < disconnect\nanna: = closed with 1000",
        |_| true,
    ),
    (
        "",
        "anna: > io websocket\nanna: < connect\nanna: > GET /api/messages\nanna: < 200\nanna: > emit echo 1\nanna: < ack 1\n= 2 connections",
        |_| true,
    ),
    // Bytes beside other values, each with its number; and who leaves may say so.
    (
        "",
        "anna: > io websocket\nanna: < connect\nanna: > emit join \"red\"\nanna: < ack \"red\"\nben: > io polling\nben: < connect\n\
         ben: > emit room-message \"red\", binary 0102\nanna: < event message binary 01 02\n\
         ben: > emit echo binary 03, \"b\", binary 04\nben: < ack binary 03\n\
         anna: > disconnect\nanna: < disconnect\nanna: = closed by server\nben: > disconnect\nben: < disconnect\nben: = closed by client",
        |run| {
            let placeholder = |num: u8| format!(r#"{{"_placeholder":true,"num":{num}}}"#);
            let said = said(run, Side::Client);
            said.contains(&format!(r#"451-["room-message","red",{}]"#, placeholder(0)))
                && said.contains(&format!(r#"452-0["echo",{},"b",{}]"#, placeholder(0), placeholder(1)))
        },
    ),
    // One's own leaving is no answer to anything else.
    (
        "",
        "anna: > io websocket\nanna: < connect\nanna: > disconnect\nanna: = closed by server\nanna: > GET /api/messages\nanna: < 200\n\
         anna: > io polling\nanna: > disconnect\nanna: > io polling\nanna: < connect\nanna: > emit echo 1\nanna: < ack 1",
        |_| true,
    ),
    // By hand.
    (
        "",
        "anna: > GET /socket.io/?EIO=4&transport=websocket\nanna: > upgrade: websocket\nanna: < 101\n\
         anna: < text 0{\"sid\":\"{engine}\",*\nanna: > text 40\nanna: < *\nanna: < *\nanna: > text 3\n\
         anna: > text 420[\"echo\",\"hi\"]\nanna: < text 430[\"hi\"]\n\
         anna: > text 42[\"message\",{\"from\":\"anna\",\"text\":\"hi\"}]\nanna: < text 42[\"message\",{\"id\":{id},*\nanna: > text 41",
        |_| true,
    ),
    (
        "",
        "anna: > GET /socket.io/?EIO=4&transport=polling\nanna: < 200\nanna: <\nanna: < 0{\"sid\":\"{engine}\",*\n\
         anna: > POST /socket.io/?EIO=4&transport=polling&sid={engine}\nanna: >\nanna: > 40\nanna: < 200\nanna: <\nanna: < ok\n\
         anna: > GET /socket.io/?EIO=4&transport=polling&sid={engine}\nanna: < 200\nanna: <\nanna: < *\n= 1 connection",
        |_| true,
    ),
];

/// What the two lessons print is in the table as well.
#[test]
fn the_lessons_json_is_the_contract() {
    for name in ["socketio", "react"] {
        let run = json(&["lesson", name]);
        shape::check(&run);
        facts::check(&run);
    }
}

#[test]
fn a_client_speaks_as_the_real_one_does() {
    at_once(&CASES, |(front, transcript, proof)| {
        let run = played(front, transcript);
        facts::sound(&run.events);
        let told = broken(&run);
        if told.is_empty() && run.code == Some(0) && proof(&run) {
            return Ok(());
        }
        let (asked, texts) = (requests(&run), texts(&run, Side::Client));
        Err(format!(
            "{transcript}\n  told {told:?}, exit {:?} {}\n  {asked:?}\n  {texts:?}",
            run.code, run.stderr
        ))
    });
}

#[test]
fn what_did_not_come_true_is_told() {
    let io = "> io websocket\n< connect\n";
    let cases = [
        (format!("{io}> emit echo 1\n< ack 2"), "< ack 2", "ack 1"),
        (format!("{io}> emit echo {{\"a\":1}}\n< ack {{\"a\":2}}"), "< ack", "ack {\"a\":1}"),
        (format!("{io}> emit echo binary 01\n< ack binary 02"), "< ack binary 02", "ack binary, 1 bytes"),
        (
            format!("{io}> emit message \"x\"\n< event changed *"),
            "< event changed *",
            "event message {\"id\":1",
        ),
        (format!("{io}> emit message \"x\"\n~ 300ms"), "no message beyond", "client: < event message"),
        ("> io /nowhere\n< connect".into(), "< connect", "connect_error {\"message\":\"Invalid namespace\"}"),
        ("> io\n~ 300ms".into(), "no message beyond", "client: < connect"),
        (
            format!("{io}! cut\n< event message *"),
            "< event message *",
            "disconnect: the connection was reset",
        ),
        (format!("{io}< within 300ms disconnect"), "< within 300ms disconnect", "nothing within 300ms"),
        (
            format!("{io}> emit echo \"a\", binary 01\n< ack \"a\", binary 01"),
            "< ack \"a\", binary 01",
            "ack \"a\"",
        ),
        (format!("{io}> emit room-message binary 01\n< event x binary 01, \"b\""), "< event x", "event "),
        (
            format!("{io}> disconnect\n= closed by server\n> disconnect"),
            "an open connection",
            "client has none",
        ),
    ];
    at_once(&cases, |(transcript, expected, saw)| {
        let run = played("", transcript);
        let told = broken(&run);
        match &told[..] {
            [(wanted, seen)] if wanted.contains(expected) && seen.contains(saw) && run.code == Some(1) => {
                Ok(())
            }
            _ => Err(format!("{transcript}\n  wanted {expected:?}, {saw:?}; told {told:?}, {}", run.stderr)),
        }
    });
}

/// A server that says this to the first request, and hangs up.
fn saying(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buf = [0; 4096];
        let _ = stream.read(&mut buf);
        let _ = stream.write_all(answer);
    });
    address
}

/// Why no session came of it.
fn failure(server: SocketAddr, mode: Mode) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut person = Person::new("anna", server, Taps::new(Bus::default()), Made::default());
        person.io(mode, "/").await;
        match tokio::time::timeout(LIMIT, person.next()).await.unwrap() {
            Incoming::Io(Io::Failed(why)) => why,
            other => panic!("{other:?}"),
        }
    })
}

#[test]
fn why_there_is_no_session_is_said_plainly() {
    const UNKNOWN: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 41\r\n\r\n{\"code\":1,\"message\":\"Session ID unknown\"}";
    const PROBLEM: &[u8] =
        b"HTTP/1.1 503 Busy\r\ncontent-length: 29\r\n\r\n{\"detail\":\"no place is free\"}";
    const NO_PACKET: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    const NOBODY: &[u8] = b"";
    let cases = [
        (UNKNOWN, "the server answered 400: Session ID unknown"),
        (PROBLEM, "the server answered 503: no place is free"),
        (b"HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno", "the server answered 403"),
        (NOBODY, "the connection has ended"),
    ];
    for (answer, why) in cases {
        for mode in [Mode::Upgrade, Mode::Polling, Mode::WebSocket] {
            assert_eq!(failure(saying(answer), mode), why, "{mode:?}");
        }
    }
    assert_eq!(failure(saying(NO_PACKET), Mode::Polling), "the server sent what is no packet: hello");
    assert_eq!(failure(saying(NO_PACKET), Mode::WebSocket), "the server answered 200");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = failure(nobody, Mode::Upgrade);
    assert!(refused.starts_with("no connection: Connection refused"), "{refused}");
}
