//! The web page: as it is served, and in a real browser.

use std::process::Command;

use wsdemo::server::{DOORS, Options};
use wsdemo::timeline::Kind;

use crate::browser::Browser;
use crate::harness::output;
use crate::visitor::Host;

#[test]
fn every_file_comes_with_its_type_and_a_strict_policy() {
    let host = Host::start();
    for (target, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/ask.js", "text/javascript; charset=utf-8"),
        ("/socket.js", "text/javascript; charset=utf-8"),
        ("/show.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let file = host.ask("GET", target, "", "");
        assert_eq!((file.status, file.header("content-type")), (200, Some(kind)), "{target}");
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(file.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(file.header("cache-control"), Some("no-store"));
        let policy = file.header("content-security-policy").unwrap();
        let socket = format!("connect-src 'self' ws://{};", host.address);
        for part in ["default-src 'none';", "script-src 'self';", &socket, "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{target}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        let text = String::from_utf8(file.body).unwrap();
        assert!(!text.contains("innerHTML") && !text.contains("{host}"), "{target}");
        let elsewhere =
            text.replace(&format!("http://{}", host.address), "").replace("http://www.w3.org/2000/svg", "");
        assert!(
            !elsewhere.contains("http://") && !elsewhere.contains("https://"),
            "{target}: nothing from elsewhere"
        );
    }
}

/// The table on the page, as in `src/server/router.rs`.
#[test]
fn the_page_lists_every_door() {
    let html = include_str!("../../web/index.html");
    for door in DOORS.iter().filter(|door| !door.path.contains('.')) {
        let row = format!("<tr><td><code>{}</code></td><td>{}</td>", door.path, door.methods.join(", "));
        assert!(html.contains(&row), "{row}");
    }
}

/// What stands on the page is where one has asked for it.
#[test]
fn the_page_has_the_address_that_it_was_asked_for() {
    let host = Host::start();
    let port = host.address.port();
    let page = host.ask("GET", "/", &format!("Host: localhost:{port}\r\n"), "");
    let text = String::from_utf8(page.body.clone()).unwrap();
    assert!(text.contains(&format!("curl http://localhost:{port}/api/messages<")), "{text}");
    assert!(text.contains(&format!("ws://localhost:{port}/ws")));
    assert!(page.header("content-security-policy").unwrap().contains(&format!("ws://localhost:{port};")));
    let head = host.ask("HEAD", "/", &format!("Host: localhost:{port}\r\n"), "");
    assert_eq!(head.header("content-length"), page.header("content-length"));
}

fn opened(host: &Host) -> Browser {
    let mut browser = Browser::start();
    browser.resize(1200, 900);
    browser.open(&format!("http://{}/", host.address));
    browser
}

#[test]
#[ignore = "needs Chromium and curl, run by scripts/test"]
fn both_kinds_are_live_in_a_browser() {
    let host = Host::start();
    host.post("Kick-off");
    let mut browser = opened(&host);
    assert!(browser.text("#http-lamp").starts_with("○ nothing asked"));
    browser.press("#ask button");
    browser.wait_for_text("#exchange", "That request is over");
    let exchange = browser.text("#exchange");
    for part in ["C► asks: GET /api/messages", "◄S answers: 200 OK", "Kick-off"] {
        assert!(exchange.contains(part), "{part}: {exchange}");
    }
    browser.wait_for("/^○ answered [1-9]\\d* s ago$/.test(document.querySelector('#http-lamp').textContent)");
    browser.write("#post [name=text]", "<b>GOAL!</b> 1-0");
    browser.press("#post button");
    browser.wait_for_text("#exchange", "◄S answers: 201 Created");
    assert_eq!(host.server.store.get(2).unwrap().text, "<b>GOAL!</b> 1-0");

    browser.press("#dial button");
    browser.wait_for("/^● open \\d+:\\d\\d$/.test(document.querySelector('#socket-lamp').textContent)");
    assert_eq!(browser.text("#dial button"), "Disconnect");
    browser.write("#say [name=text]", "Nice!");
    browser.press("#say button");
    browser.wait_for_text(
        "#frames",
        "◄S {\"event\":\"message\",\"data\":{\"id\":3,\"from\":\"ben\",\"text\":\"Nice!\"}}",
    );
    assert!(
        browser
            .text("#frames")
            .contains("C► {\"event\":\"message\",\"data\":{\"from\":\"ben\",\"text\":\"Nice!\"}}")
    );
    // Somebody else, elsewhere, and nobody asked; what looks like HTML is only text.
    let mut curl = Command::new("curl");
    curl.args([
        "-sS",
        "--noproxy",
        "*",
        "--json",
        r#"{"from":"cara","text":"<img src=x onerror=alert(1)>"}"#,
    ])
    .arg(format!("http://{}/api/messages", host.address));
    assert!(output(curl).status.success());
    browser.wait_for_text("#frames", "<img src=x onerror=alert(1)>");
    assert_eq!(browser.eval("document.querySelectorAll('main img, .log b').length"), 0);
    browser.wait_for_text("#summary", "The server says: cara");

    pictures(&mut browser);
    browser.press("#dial button");
    browser.wait_for(
        "/^○ closed \\d+ s ago \\(1000\\)$/.test(document.querySelector('#socket-lamp').textContent)",
    );
    assert_eq!(browser.text("#dial button"), "Connect");
    assert_eq!(browser.complaints(), [""; 0]);
    // The close frame was the page's own.
    host.find(|event| match &event.kind {
        Kind::Frame(frame) if frame.code == Some(1000) => Some(()),
        _ => None,
    });
}

/// As it looks, on a desktop and on a phone, in light and in dark; and nothing sticks out sideways.
fn pictures(browser: &mut Browser) {
    for (name, width, height) in [("desktop", 1200, 1500), ("phone", 360, 2600)] {
        browser.resize(width, height);
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            browser.picture(&format!("page-{name}-{scheme}"));
        }
        let widest = browser.eval("document.documentElement.scrollWidth");
        assert!(widest.as_u64().unwrap() <= u64::from(width), "{name}: {widest}");
    }
    browser.resize(1200, 900);
}

/// Tab reaches everything in order and gets out again; Enter does what it says. Everything has a name.
#[test]
#[ignore = "needs Chromium, run by scripts/test"]
fn the_keyboard_and_a_screen_reader_reach_everything() {
    let host = Host::start();
    let mut browser = opened(&host);
    let focused =
        "document.activeElement.textContent.trim().slice(0, 12) || document.activeElement.name || ''";
    let mut seen = Vec::new();
    for _ in 0..12 {
        browser.key("Tab", 9, "");
        seen.push(browser.eval(focused).as_str().unwrap().to_owned());
        if seen.last().unwrap() == "Connect" {
            break;
        }
    }
    assert_eq!(seen, ["Ask", "from", "text", "Post", "Press Ask.", "Connect"]);
    browser.key("Enter", 13, "\r");
    browser.wait_for_text("#socket-lamp", "● open");
    // The button has its focus still, and the field after it can be reached now.
    browser.key("Tab", 9, "");
    browser.key("Tab", 9, "");
    browser.key("Enter", 13, "\r");
    browser.wait_for_text("#frames", "◄S");
    browser.wait_for_text("#summary", "The server says: ben: Nice!");
    browser.call("Accessibility.enable", serde_json::json!({}));
    let tree = browser.call("Accessibility.getFullAXTree", serde_json::json!({}));
    for node in tree["nodes"].as_array().unwrap() {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        if ["button", "textbox", "region", "heading"].contains(&role) {
            let name = node["name"]["value"].as_str().unwrap_or_default();
            assert!(!name.is_empty(), "without a name: {node}");
        }
    }
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
#[ignore = "needs Chromium, run by scripts/test"]
fn the_page_tells_when_the_server_is_gone() {
    let host = Host::start();
    let mut browser = opened(&host);
    browser.press("#dial button");
    browser.wait_for_text("#socket-lamp", "● open");
    host.stop();
    browser.wait_for_text("#socket-lamp", "○ closed");
    assert!(browser.text("#frames").contains("Closed with 1001: the server stops."));
    browser.press("#ask button");
    browser.wait_for_text("#http-lamp", "○ failed");
    browser.press("#dial button");
    browser.wait_for_text("#socket-lamp", "○ not opened");
    assert_eq!(browser.text("#dial button"), "Connect", "by hand, not by itself");
}

/// What its `EventSource` says on coming back is enough to miss nothing, also before the first event.
#[test]
#[ignore = "needs Chromium, run by scripts/test"]
fn a_browser_comes_back_and_has_missed_nothing() {
    let host = Host::start();
    host.post("before");
    let mut browser = opened(&host);
    browser.eval(
        "const heard = [], events = new EventSource('/api/events');
         const tell = (line) => { heard.push(line); document.title = heard.join('; '); };
         events.onopen = () => tell('open');
         for (const name of ['message', 'changed', 'deleted'])
             events.addEventListener(name, (e) => tell(`${e.lastEventId} ${name} ${e.data}`));",
    );
    let cut = || host.server.taps.live(None).iter().for_each(|control| control.cut());
    browser.wait_for("document.title.endsWith('open')");
    cut();
    host.post("missed");
    browser.wait_for("document.title.includes('missed')");
    cut();
    assert_eq!(host.ask("DELETE", "/api/messages/1", "", "").status, 204);
    host.ask("PATCH", "/api/messages/2", "", r#"{"text":"and this"}"#);
    host.post("the last");
    browser.wait_for("document.title.includes('the last')");
    assert_eq!(
        browser.eval("heard"),
        serde_json::json!([
            "open",
            "open",
            r#"2 message {"id":2,"from":"anna","text":"missed"}"#,
            "open",
            r#"2.1 deleted {"id":1}"#,
            r#"2.2 changed {"id":2,"from":"anna","text":"and this"}"#,
            r#"3 message {"id":3,"from":"anna","text":"the last"}"#,
        ])
    );
}

/// A page of another origin, in a browser that keeps the rules: everything where it is let in, nothing where it is not.
#[test]
#[ignore = "needs Chromium, run by scripts/test"]
fn a_page_of_another_origin_speaks_where_it_is_let_in() {
    let page = Host::start();
    let origin = format!("http://{}", page.address);
    let open = Host::with(Options { origins: [origin.clone()].into(), ..Options::default() });
    let closed = Host::start();
    let mut browser = Browser::start();
    // Its own policy would keep the page from asking anybody else at all.
    browser.call("Page.setBypassCSP", serde_json::json!({ "enabled": true }));
    browser.open(&origin);
    browser.eval(
        "async function everything(host) {
             const json = { 'content-type': 'application/json' }, at = 'http://' + host;
             const body = JSON.stringify({ from: 'anna', text: 'Hi' });
             const ask = (path, options) => fetch(at + path, options).then(
                 async (answer) => `${answer.status} ${answer.headers.get('location') ?? ''}${(await answer.text()).length > 0}`,
                 () => 'refused');
             const opens = (thing) => new Promise((done) => {
                 thing.onopen = () => { thing.close(); done('open'); };
                 thing.onerror = () => { thing.close(); done('refused'); };
             });
             return [
                 await ask('/api/messages', { method: 'POST', headers: json, body }),
                 await ask('/api/messages/1', { method: 'PUT', headers: json, body }),
                 await ask('/api/messages/1', { method: 'DELETE' }),
                 await ask('/nothing'),
                 await ask('/api/events', { method: 'POST' }),
                 await opens(new EventSource(at + '/api/events')),
                 await opens(new WebSocket('ws://' + host + '/ws')),
             ];
         }",
    );
    let mut told = |host: &Host| browser.eval(&format!("everything('{}')", host.address));
    let all = ["201 /api/messages/1true", "200 true", "204 false", "404 true", "405 true", "open", "open"];
    assert_eq!(told(&open), serde_json::json!(all));
    assert_eq!(told(&closed), serde_json::json!(vec!["refused"; 7]));
    assert!(closed.server.store.newer(None).is_empty(), "nor was anything done");
}

#[test]
#[ignore = "needs Chromium, run by scripts/test"]
fn what_comes_never_moves_what_somebody_reads() {
    let host = Host::start();
    let mut browser = opened(&host);
    browser.press("#dial button");
    browser.wait_for_text("#socket-lamp", "● open");
    for n in 1..=40 {
        host.post(&format!("number {n}"));
    }
    browser.wait_for_text("#frames", "number 40");
    let at = "document.querySelector('#frames').scrollTop";
    assert!(browser.eval(at).as_f64().unwrap() > 0.0, "at its end it follows");
    browser.eval(&format!("{at} = 100; new Promise(requestAnimationFrame)"));
    host.post("number 41");
    browser.wait_for_text("#newer", "↓ 1 new");
    assert_eq!(browser.eval(at), 100);
    assert_eq!(browser.eval("document.querySelector('#newer').hidden"), false);
    browser.press("#newer");
    browser.wait_for("document.querySelector('#newer').hidden");
    host.post("number 42");
    browser.wait_for_text("#frames", "number 42");
    let left = "(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)";
    let left = browser.eval(&format!("{left}(document.querySelector('#frames'))"));
    assert!(left.as_f64().unwrap() < 8.0, "it follows again: {left}");
}
