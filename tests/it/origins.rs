//! Pages of other origins, and OPTIONS: at every door the same.

use std::collections::BTreeSet;

use wsdemo::server::{DOORS, Options};

use crate::visitor::{Host, Response, Visitor};

const PAGE: &str = "http://localhost:5173";

fn open() -> Host {
    Host::with(Options { origins: [PAGE.to_owned()].into(), ..Options::default() })
}

/// Something that can be asked for at each door, and at none.
fn targets() -> Vec<String> {
    let doors = DOORS.iter().map(|door| door.path.split('{').next().unwrap());
    let targets =
        doors.map(|path| if path.ends_with("messages/") { format!("{path}1") } else { path.to_owned() });
    targets.chain(["/nothing".to_owned(), "/api/messages/x".to_owned()]).collect()
}

fn from(origin: &str, host: &Host, method: &str, target: &str) -> Response {
    let mut visitor = Visitor::connect(host);
    visitor.request(method, target, &format!("Origin: {origin}\r\n"), "");
    visitor.response_to(method)
}

#[test]
fn a_page_that_is_let_in_may_read_every_answer() {
    let host = open();
    host.post("Nice!");
    for target in targets() {
        for method in ["GET", "POST", "TRACE", "OPTIONS"] {
            let answer = from(PAGE, &host, method, &target);
            let what = format!("{method} {target}: {}", answer.status);
            assert_ne!(answer.status, 403, "{what}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE), "{what}");
            assert_eq!(answer.header("access-control-expose-headers"), Some("Location"), "{what}");
            assert_eq!(answer.header("vary"), Some("Origin"), "{what}");
        }
    }
}

#[test]
fn a_page_that_is_not_is_refused_everywhere_and_told_what_would_help() {
    let host = open();
    for target in targets() {
        for origin in ["http://evil.example", "null", "http://localhost:51730"] {
            for method in ["GET", "POST", "OPTIONS"] {
                let refused = from(origin, &host, method, &target);
                assert_eq!(refused.status, 403, "{method} {target}");
                let hint =
                    if origin == "null" { String::new() } else { format!("; try --allow-origin {origin}") };
                assert_eq!(refused.problem(), format!("refused Origin {origin}{hint}"));
                assert_eq!(refused.header("access-control-allow-origin"), None);
                assert_eq!(refused.header("vary"), Some("Origin"));
            }
        }
    }
}

#[test]
fn a_socket_is_opened_by_pages_that_are_let_in() {
    let host = open();
    for (origin, status) in [(PAGE, 101), ("http://evil.example", 403)] {
        let mut visitor = Visitor::connect(&host);
        let handshake = visitor.handshake().replace("\r\n\r\n", &format!("\r\nOrigin: {origin}\r\n\r\n"));
        visitor.send(handshake.as_bytes());
        assert_eq!(visitor.response().status, status, "{origin}");
    }
}

#[test]
fn who_is_no_page_sees_nothing_of_it() {
    // As a lesson has it: nobody is let in but our own pages.
    let host = Host::start();
    for target in targets() {
        let answer = host.ask("GET", &target, "", "");
        if target == "/api/events" {
            continue;
        }
        for name in ["vary", "access-control-allow-origin", "access-control-expose-headers"] {
            assert_eq!(answer.header(name), None, "{target}");
        }
    }
    let port = host.address.port();
    let own = format!("http://localhost:{port}");
    let answer = from(&own, &host, "GET", "/api/messages");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(own.as_str())));
    assert_eq!(from(&format!("https://localhost:{port}"), &host, "GET", "/").status, 403, "another scheme");
}

#[test]
fn a_browser_that_asks_first_is_told_what_is_allowed() {
    let host = open();
    for door in DOORS {
        let target = door.path.split('{').next().unwrap();
        let ours: BTreeSet<&str> = door.methods.iter().copied().chain(["OPTIONS"]).collect();
        let methods = |answer: &Response, name| -> BTreeSet<String> {
            answer
                .header(name)
                .unwrap_or_else(|| panic!("{target}: {answer:?}"))
                .split(", ")
                .map(str::to_owned)
                .collect()
        };
        let headers = format!(
            "Origin: {PAGE}\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: content-type\r\n"
        );
        let preflight = host.ask("OPTIONS", target, &headers, "");
        assert_eq!((preflight.status, preflight.body.len()), (204, 0), "{target}");
        assert_eq!(
            methods(&preflight, "access-control-allow-methods"),
            ours.iter().map(|&m| m.into()).collect()
        );
        assert_eq!(preflight.header("access-control-allow-headers"), Some("content-type, last-event-id"));
        assert_eq!(preflight.header("access-control-max-age"), Some("600"));
        assert_eq!(preflight.header("access-control-allow-origin"), Some(PAGE));
        // Anybody else who asks what works here.
        let plain = host.ask("OPTIONS", target, "", "");
        assert_eq!((plain.status, plain.header("access-control-allow-methods")), (204, None), "{target}");
        assert_eq!(methods(&plain, "allow"), ours.iter().map(|&m| m.into()).collect());
        // And what works is what is not refused as wrong.
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"] {
            if target == "/api/events" && method == "GET" {
                continue;
            }
            let refused = host.ask(method, target, "", "").status == 405;
            assert_eq!(refused, !ours.contains(method), "{method} {target}");
        }
    }
    assert_eq!(host.ask("OPTIONS", "/nothing", "", "").status, 404);
    let all = host.ask("OPTIONS", "*", "", "");
    assert_eq!(
        (all.status, all.header("allow")),
        (204, Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"))
    );
}
