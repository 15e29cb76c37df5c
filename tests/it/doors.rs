//! The API, as a visitor with a plain socket sees it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wsdemo::server::DOORS;
use wsdemo::timeline::{Kind, Seq, Who};

use crate::harness::state;
use crate::visitor::{Host, Visitor};

const LIST: &str = "/api/messages";

#[test]
fn the_list_is_made_read_changed_and_emptied() {
    let host = Host::start();
    assert_eq!(host.ask("GET", LIST, "", "").json(), json!([]));
    let made = host.ask("POST", LIST, "", r#"{"from":"anna","text":"Nice!"}"#);
    assert_eq!((made.status, made.header("location")), (201, Some("/api/messages/1")));
    assert_eq!(made.header("content-type"), Some("application/json"));
    assert_eq!(made.json(), json!({"id": 1, "from": "anna", "text": "Nice!"}));
    let one = made.header("location").unwrap();
    assert_eq!(host.ask("GET", one, "", "").json(), made.json());
    let put = host.ask("PUT", one, "", r#"{"from":"ben","text":"So nice!"}"#);
    assert_eq!((put.status, put.json()), (200, json!({"id": 1, "from": "ben", "text": "So nice!"})));
    let patch = host.ask("PATCH", one, "", r#"{"text":"What a goal!"}"#);
    assert_eq!((patch.status, patch.json()), (200, json!({"id": 1, "from": "ben", "text": "What a goal!"})));
    assert_eq!(host.ask("GET", LIST, "", "").json(), json!([patch.json()]));
    let gone = host.ask("DELETE", one, "", "");
    assert_eq!((gone.status, gone.body.len(), gone.header("content-length")), (204, 0, None));
    for method in ["GET", "DELETE"] {
        let missing = host.ask(method, one, "", "");
        assert_eq!((missing.status, missing.problem().as_str()), (404, "there is no message 1"));
    }
    for method in ["PUT", "PATCH"] {
        assert_eq!(host.ask(method, one, "", r#"{"from":"a","text":"b"}"#).status, 404);
    }
    // An id is never given twice.
    assert_eq!(host.post("again")["id"], 2);
}

#[test]
fn head_is_get_without_the_content() {
    let host = Host::start();
    host.post("Nice!");
    for target in [LIST, "/api/messages/1", "/api/messages/9", "/nothing"] {
        let (get, head) = (host.ask("GET", target, "", ""), host.ask("HEAD", target, "", ""));
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{target}");
        for name in ["content-length", "content-type"] {
            assert_eq!(head.header(name), get.header(name), "{target}");
        }
    }
}

#[test]
fn since_is_only_what_is_newer() {
    let host = Host::start();
    (1..=3).for_each(|n| drop(host.post(&n.to_string())));
    let ids = |target: &str| -> Vec<u64> {
        let list = host.ask("GET", target, "", "").json();
        list.as_array().unwrap().iter().map(|message| message["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(ids(LIST), [1, 2, 3]);
    assert_eq!(ids("/api/messages?since=1"), [2, 3]);
    assert_eq!(ids("/api/messages?other=x&since=3"), [0_u64; 0]);
    assert_eq!(ids("/api/messages?since=18446744073709551615"), [0_u64; 0]);
    let bad = host.ask("GET", "/api/messages?since=monday", "", "");
    assert_eq!(bad.status, 400);
    assert!(bad.problem().contains("since") && bad.problem().contains("monday"), "{bad:?}");
}

#[test]
fn an_id_is_written_in_one_way_only() {
    let host = Host::start();
    (1..=7).for_each(|n| drop(host.post(&n.to_string())));
    assert_eq!(host.ask("GET", "/api/messages/7", "", "").status, 200);
    for id in ["+7", "-7", "007", "7.0", "%37", "18446744073709551616"] {
        assert_eq!(host.ask("GET", &format!("/api/messages/{id}"), "", "").status, 404, "{id}");
        assert_eq!(host.ask("GET", &format!("/api/messages?since={id}"), "", "").status, 400, "{id}");
    }
    assert_eq!(host.ask("GET", "/api/messages?since=0", "", "").json().as_array().unwrap().len(), 7);
}

#[test]
fn what_is_not_there_is_404() {
    let host = Host::start();
    for target in ["/index.html", "/api", "/api/goals", "/api/messages/x", "/api/messages/", "/ws/nowhere"] {
        let missing = host.ask("GET", target, "", "");
        assert_eq!(missing.status, 404, "{target}");
        missing.problem();
    }
}

#[test]
fn a_wrong_method_is_told_which_are_right() {
    let host = Host::start();
    host.post("Nice!");
    for (method, target, allowed) in [
        ("DELETE", LIST, "GET HEAD POST OPTIONS"),
        ("PUT", LIST, "GET HEAD POST OPTIONS"),
        ("POST", "/api/messages/1", "GET HEAD PUT PATCH DELETE OPTIONS"),
        ("TRACE", "/api/messages/1", "GET HEAD PUT PATCH DELETE OPTIONS"),
        ("POST", "/ws", "GET OPTIONS"),
        ("GET", "/api/echo", "POST OPTIONS"),
        ("POST", "/api/events", "GET HEAD OPTIONS"),
        ("PUT", "/", "GET HEAD OPTIONS"),
    ] {
        let refused = host.ask(method, target, "", "{}");
        assert_eq!(refused.status, 405, "{method} {target}");
        let told: BTreeSet<_> = refused.header("allow").unwrap().split(", ").collect();
        assert_eq!(told, allowed.split(' ').collect(), "{method} {target}");
        refused.problem();
    }
}

#[test]
fn a_bad_body_is_told_what_is_wrong_and_where() {
    let host = Host::start();
    let list: &[(&str, u16, &[&str])] = &[
        ("", 400, &["line 1 column 0"]),
        (r#"{"from":"anna","text":}"#, 400, &["line 1 column 23"]),
        ("{\n\"from\":\"anna\",\n\"text\"}", 400, &["line 3"]),
        ("[]", 422, &["object"]),
        (r#"{"from":"anna"}"#, 422, &["`text`", "missing"]),
        (r#"{"text":"Nice!"}"#, 422, &["`from`", "missing"]),
        (r#"{"from":"anna","text":7}"#, 422, &["`text`", "string"]),
    ];
    for (body, status, words) in list {
        let refused = host.ask("POST", LIST, "", body);
        assert_eq!(refused.status, *status, "{body}");
        let problem = refused.problem();
        assert!(words.iter().all(|word| problem.contains(word)), "{body}: {problem}");
    }
    let long = format!(r#"{{"from":"{}","text":""}}"#, "x".repeat(65));
    assert_eq!(host.ask("POST", LIST, "", &long).status, 422);
    assert_eq!(host.ask("GET", LIST, "", "").json(), json!([]), "nothing of it was taken");
}

#[test]
fn too_large_is_413_and_the_answer_arrives() {
    let host = Host::start();
    let body = |len: usize| format!(r#"{{"from":"anna","text":"{}"}}"#, "x".repeat(len - 25));
    assert_eq!(body(100).len(), 100);
    assert_eq!(host.ask("POST", LIST, "", &body(64 * 1024)).status, 201);
    for len in [64 * 1024 + 1, 512 * 1024] {
        let mut visitor = Visitor::connect(&host);
        visitor.request("POST", LIST, "", &body(len));
        let refused = visitor.response();
        assert_eq!(refused.status, 413, "{len}");
        assert!(refused.problem().contains("65536"));
    }
}

#[test]
fn an_echo_is_what_came_and_harmless() {
    let host = Host::start();
    let html = "Content-Type: text/html; charset=utf-8\r\n";
    let echo = host.ask("POST", "/api/echo", html, "<script>alert(1)</script>");
    assert_eq!((echo.status, echo.body.as_slice()), (200, &b"<script>alert(1)</script>"[..]));
    assert_eq!(echo.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(echo.header("content-security-policy"), Some("sandbox; default-src 'none'"));
    assert_eq!(echo.header("x-content-type-options"), Some("nosniff"));
    let bare = host.ask("POST", "/api/echo", "", "\u{0}\u{1}");
    assert_eq!((bare.body.as_slice(), bare.header("content-type")), (&b"\0\x01"[..], None));
    let nothing = host.ask("POST", "/api/echo", "", "");
    assert_eq!((nothing.status, nothing.header("content-length")), (200, Some("0")));
    assert_eq!(host.ask("POST", "/api/echo", "", &"x".repeat(64 * 1024)).body.len(), 64 * 1024);
    assert_eq!(host.ask("POST", "/api/echo", "", &"x".repeat(64 * 1024 + 1)).status, 413);
}

#[test]
fn a_head_without_end_is_refused() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    let headers = format!("x: {}\r\n", "y".repeat(40 * 1024));
    visitor.request("GET", LIST, &headers, "");
    assert_eq!(visitor.response().status, 431);
}

#[test]
fn only_our_names_and_pages_are_let_in() {
    let host = Host::start();
    let port = host.address.port();
    let status = |headers: &str| host.ask("GET", LIST, headers, "").status;
    for own in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"] {
        assert_eq!(status(&format!("Host: {own}:{port}\r\n")), 200, "{own}");
    }
    assert_eq!(status("Host: evil.example\r\n"), 421);
    assert_eq!(status(&format!("Host: evil.example:{port}\r\n")), 421);
    assert_eq!(status("Host: localhost:1\r\n"), 421);
    assert_eq!(status(&format!("Host: localhost:{port}\r\nHost: localhost:{port}\r\n")), 400);
    assert_eq!(status("Host:\r\n"), 400);
    assert_eq!(status("Origin: http://evil.example\r\n"), 403);
    assert_eq!(status("Origin: null\r\n"), 403);
    assert_eq!(status(&format!("Origin: http://localhost:{port}\r\n")), 200);
    let refused = host.ask("GET", LIST, "Host: evil.example\r\n", "");
    assert!(refused.problem().contains(&host.address.to_string()), "what to type: {refused:?}");
    // A target in absolute form says itself whose it is.
    let absolute = |name: &str| host.ask("GET", &format!("http://{name}:{port}{LIST}"), "", "").status;
    assert_eq!((absolute("localhost"), absolute("evil.example")), (200, 421));
    // Without Host at all.
    let mut visitor = Visitor::connect(&host);
    visitor.send(b"GET /api/messages HTTP/1.1\r\n\r\n");
    assert_eq!(visitor.response().status, 400);
    // A page elsewhere must not open a socket either.
    let mut visitor = Visitor::connect(&host);
    let handshake = visitor.handshake().replace("\r\n\r\n", "\r\nOrigin: http://evil.example\r\n\r\n");
    visitor.send(handshake.as_bytes());
    assert_eq!(visitor.response().status, 403);
}

#[test]
fn a_websocket_door_without_a_handshake_is_426() {
    let host = Host::start();
    let refused = host.ask("GET", "/ws", "", "");
    assert_eq!((refused.status, refused.header("upgrade")), (426, Some("websocket")));
    refused.problem();
    let old = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\
               Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let refused = host.ask("GET", "/ws", old, "");
    assert_eq!((refused.status, refused.header("sec-websocket-version")), (426, Some("13")));
}

#[test]
fn a_connection_stays_open_by_default() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    for n in 1..=3 {
        visitor.request("GET", LIST, "", "");
        let response = visitor.response();
        assert_eq!((response.status, response.header("connection")), (200, None), "{n}");
    }
    // An error is an answer like any other.
    visitor.request("GET", "/nothing", "", "");
    assert_eq!(visitor.response().status, 404);
    visitor.request("POST", LIST, "", "not JSON");
    assert_eq!(visitor.response().status, 400);
    visitor.request("GET", LIST, "", "");
    assert_eq!(visitor.response().status, 200);
    let conn = host.conn(&visitor);
    let state = state(host.bus.after(Seq(0)).iter().map(|event| &**event));
    assert_eq!((state.opened(), state.open()), (1, 1));
    assert!(state.get(conn).unwrap().fins.is_empty());
}

#[test]
fn who_asks_for_it_is_closed_by_the_server() {
    let host = Host::start();
    for headers in ["Connection: close\r\n", "connection: x, Close\r\n"] {
        let mut visitor = Visitor::connect(&host);
        visitor.request("GET", LIST, headers, "");
        let conn = host.conn(&visitor);
        assert_eq!(visitor.response().header("connection"), Some("close"));
        assert_eq!(visitor.read_out().unwrap(), b"");
        drop(visitor);
        assert_eq!(host.ending(conn).first, Who::Server);
    }
    // HTTP/1.0 closes by default.
    let mut visitor = Visitor::connect(&host);
    visitor.send(b"GET /api/messages HTTP/1.0\r\n\r\n");
    let conn = host.conn(&visitor);
    assert!(visitor.read_out().unwrap().ends_with(b"[]"));
    drop(visitor);
    assert_eq!(host.ending(conn).first, Who::Server);
}

#[test]
fn who_ends_its_sending_still_gets_the_answer() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    visitor.request("POST", LIST, "", r#"{"from":"anna","text":"Nice!"}"#);
    visitor.end_sending();
    let conn = host.conn(&visitor);
    assert_eq!(visitor.response().status, 201);
    assert_eq!(visitor.read_out().unwrap(), b"");
    assert_eq!(host.ending(conn).first, Who::Client);
}

/// Reading has ended in the middle of a body; the answer is longer than the kernel takes at once.
#[test]
fn an_answer_is_whole_also_where_nothing_more_is_read() {
    let host = Host::start();
    host.fill(200);
    let mut visitor = Visitor::connect(&host);
    visitor.request("GET", LIST, "Content-Length: 10\r\n", "");
    visitor.end_sending();
    std::thread::sleep(Duration::from_millis(300));
    let answer = visitor.response();
    assert_eq!(answer.json().as_array().unwrap().len(), 200);
    assert_eq!(visitor.read_out().unwrap(), b"");
}

#[test]
fn several_requests_in_one_segment_are_answered_in_order() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    let one = |text: &str| visitor.written("POST", LIST, "", &json!({"from": "a", "text": text}).to_string());
    let all = one("first") + &one("second") + &visitor.written("GET", "/api/messages?since=1", "", "");
    visitor.send(all.as_bytes());
    assert_eq!(visitor.response().json()["text"], "first");
    assert_eq!(visitor.response().json()["id"], 2);
    assert_eq!(visitor.response().json()[0]["text"], "second");
    // Told when the kernel has it, which may be when the visitor has it already.
    let mut exchanges = Vec::new();
    host.find(|event| match event.kind {
        Kind::Response { exchange, .. } => {
            exchanges.push(exchange);
            (exchanges.len() == 3).then_some(())
        }
        _ => None,
    });
    assert_eq!(exchanges, [1, 2, 3]);
}

#[test]
fn a_body_in_chunks_is_a_body() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    visitor.request("POST", LIST, "Transfer-Encoding: chunked\r\n", "");
    visitor.send(b"f\r\n{\"from\":\"anna\",\r\n");
    visitor.send(b"f;x=y\r\n\"text\":\"Nice!\"}\r\n0\r\n\r\n");
    assert_eq!(visitor.response().json()["text"], "Nice!");
    let conn = host.conn(&visitor);
    let lens = host.find(|event| match event.kind {
        Kind::MessageEnd { conn: seen, body_len, wire_len, exchange: 1, .. } if seen == conn => {
            Some((body_len, wire_len))
        }
        _ => None,
    });
    assert_eq!(lens.0, 30);
}

#[test]
fn no_request_at_all_is_answered_400_and_closed() {
    let host = Host::start();
    let mut visitor = Visitor::connect(&host);
    visitor.send(b"\x16\x03\x01\x02\x00\x01\x00 no HTTP\r\n\r\n");
    let conn = host.conn(&visitor);
    assert_eq!(visitor.response().status, 400);
    assert_eq!(visitor.read_out().unwrap(), b"");
    drop(visitor);
    assert_eq!(host.ending(conn).first, Who::Server);
}

#[test]
fn an_ordinary_client_is_served_and_not_hung_up_on() {
    let host = Host::start();
    // It brings no TLS of its own, and asks for some even where none is spoken.
    let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap();
    let url = format!("http://{}{LIST}", host.address);
    host.block_on(async {
        let made = client.post(&url).json(&json!({"from": "anna", "text": "Nice!"})).send().await.unwrap();
        assert_eq!(made.status(), 201);
        made.bytes().await.unwrap();
        let list: serde_json::Value = client.get(&url).send().await.unwrap().json().await.unwrap();
        assert_eq!(list[0]["text"], "Nice!");
    });
    // Its pool may open a second one beside the first, when it is in luck or not.
    let state = state(host.bus.after(Seq(0)).iter().map(|event| &**event));
    assert!(state.opened() >= 1 && state.closed() == 0, "{state:?}");
}

/// `docs/doors.md` has each door, with its methods, and says something about it.
#[test]
fn every_door_is_described() {
    let text = include_str!("../../docs/doors.md");
    let rows = text.lines().skip_while(|line| !line.starts_with("| door |")).skip(2);
    let described: Vec<(&str, &str)> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            (cells[0].split('`').nth(1).unwrap(), cells[1])
        })
        .collect();
    let doors: Vec<_> = DOORS.iter().map(|door| (door.path, door.methods.join(", "))).collect();
    assert_eq!(described, doors.iter().map(|(path, methods)| (*path, methods.as_str())).collect::<Vec<_>>());
    for (path, _) in described.iter().filter(|(path, _)| !path.contains('.') && *path != "/") {
        let about =
            text.split(&format!("\n## `{path}`\n")).nth(1).unwrap_or_else(|| panic!("nothing about {path}"));
        let about = about.split("\n## ").next().unwrap();
        assert!(about.contains("```sh\n") && about.contains("```js\n"), "{path}: curl and console");
    }
}

/// A list that is longer than what is copied for everybody who asks.
#[test]
fn a_long_list_is_whole_and_its_length_is_said() {
    let host = Host::start();
    host.fill(3);
    host.post("the last");
    for _ in 0..2 {
        let response = host.ask("GET", LIST, "", "");
        let list = response.json();
        let texts: Vec<_> =
            list.as_array().unwrap().iter().map(|it| it["text"].as_str().unwrap().len()).collect();
        assert_eq!(texts, [60_000, 60_000, 60_000, 8]);
        assert_eq!(response.header("content-length"), Some(response.body.len().to_string().as_str()));
    }
    let head = host.ask("HEAD", LIST, "", "");
    assert_eq!(
        head.header("content-length"),
        Some(host.ask("GET", LIST, "", "").body.len().to_string().as_str())
    );
}
