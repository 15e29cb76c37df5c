//! Programs that others wrote: curl, wscat, Python's `websockets`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};
use wsdemo::timeline::{ConnId, Kind, Side, Who};

use crate::harness::{LIMIT, output};
use crate::visitor::Host;

/// A program that runs; what it says, line by line.
struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl Peer {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; scripts/test installs it"));
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { stdin: child.stdin.take(), child, lines }
    }

    /// The first line that contains this.
    fn wait_for(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(LIMIT).unwrap_or_else(|error| panic!("{text}: {error}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits until it has ended, and says whether all went well.
    fn ended(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn curl(host: &Host, target: &str, args: &[&str]) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--noproxy", "*"]).args(args).arg(format!("http://{}{target}", host.address));
    curl
}

fn asked(curl: Command) -> String {
    let output = output(curl);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs curl, run by scripts/test"]
fn curl_asks_posts_and_echoes() {
    let host = Host::start();
    let status = &["-w", " %{http_code} %{num_connects}"];
    assert_eq!(asked(curl(&host, "/api/messages", status)), "[] 200 1");
    let post = ["--json", r#"{"from":"cara","text":"GOAL! 1-0"}"#];
    let made: Value = serde_json::from_str(&asked(curl(&host, "/api/messages", &post))).unwrap();
    assert_eq!(made, json!({"id": 1, "from": "cara", "text": "GOAL! 1-0"}));
    let head = asked(curl(&host, "/api/messages/1", &["--head"]));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let form = ["-F", "file=@Cargo.toml;type=text/plain", "-w", "%{content_type}"];
    let echo = asked(curl(&host, "/api/echo", &form));
    assert!(echo.contains("name = \"wsdemo\"") && echo.contains("multipart/form-data; boundary="), "{echo}");
    // Longer than curl sends without `100 Continue` (RFC 9110, 10.1.1).
    let long = "x".repeat(60_000);
    let expect = ["-H", "Expect: 100-continue", "-d", &long];
    assert_eq!(asked(curl(&host, "/api/echo", &expect)), long);
    // It keeps the connection until it has all, and leaves first.
    assert_eq!(host.ending(ConnId(1)).first, Who::Client);
}

#[test]
#[ignore = "needs curl, run by scripts/test"]
fn curl_waits_for_news() {
    let host = Host::start();
    let mut poll = Peer::start(curl(&host, "/api/messages?since=0&wait=30", &["-w", "\n%{http_code}\n"]));
    host.find(|event| matches!(event.kind, Kind::Request { .. }).then_some(()));
    let made = host.post("GOAL! 1-0");
    assert_eq!(serde_json::from_str::<Value>(&poll.wait_for("GOAL")).unwrap(), json!([made]));
    assert_eq!(poll.wait_for(""), "200");
    assert!(poll.ended());
}

#[test]
#[ignore = "needs curl, run by scripts/test"]
fn curl_listens_to_events() {
    let host = Host::start();
    let mut listener = Peer::start(curl(&host, "/api/events", &["-N"]));
    assert_eq!(listener.wait_for("id:"), "id: 0");
    host.post("GOAL! 1-0");
    listener.wait_for("event: message");
    assert_eq!(listener.wait_for("data:"), r#"data: {"id":1,"from":"anna","text":"GOAL! 1-0"}"#);
    host.stop();
    // curl looks whether the last chunk is there.
    assert!(listener.ended(), "the stream ended in order");
    let host = Host::start();
    host.post("missed");
    let again = Peer::start(curl(&host, "/api/events", &["-N", "-H", "Last-Event-ID: 0"]));
    assert!(again.wait_for("data:").contains("missed"));
}

#[test]
#[ignore = "needs wscat, run by scripts/test"]
fn wscat_speaks_and_hears() {
    let host = Host::start();
    let mut command = Command::new("target/node/node_modules/.bin/wscat");
    command.args(["--no-color", "--slash", "-P", "-c", &format!("ws://{}/ws", host.address)]);
    let mut wscat = Peer::start(command);
    host.find(|event| matches!(event.kind, Kind::Upgraded { .. }).then_some(()));
    // Into no terminal it does not say that it is connected; it says what it hears.
    host.post("unasked");
    wscat.wait_for(r#"{"event":"message","data":{"id":1,"from":"anna","text":"unasked"}}"#);
    wscat.say(r#"{"event":"message","data":{"from":"wscat","text":"Hello"}}"#);
    wscat.wait_for(r#"{"event":"message","data":{"id":2,"from":"wscat","text":"Hello"}}"#);
    wscat.say("/ping there?");
    wscat.wait_for("Received pong (data: \"there?\")");
    wscat.say("/close 1000, bye");
    assert!(wscat.ended());
    assert_eq!(host.ending(ConnId(1)).first, Who::Server);
    let mut codes = Vec::new();
    host.find(|event| {
        if let Kind::Frame(frame) = &event.kind {
            codes.extend(frame.code.map(|code| (frame.from, code)));
        }
        (codes.len() == 2).then_some(())
    });
    assert_eq!(codes, [(Side::Client, 1000), (Side::Server, 1000)]);
}

#[test]
#[ignore = "needs Python's websockets, run by scripts/test"]
fn pythons_websockets_speaks_and_hears() {
    let host = Host::start();
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", "target/websockets").env("PYTHONUNBUFFERED", "1");
    command.args(["-c", include_str!("peers/client.py"), &format!("ws://{}/ws", host.address)]);
    let mut python = Peer::start(command);
    assert_eq!(python.wait_for("open"), "open websocket");
    assert!(python.wait_for("heard").contains(r#""text":"from Python""#));
    python.wait_for("pong");
    assert!(python.wait_for("heard").contains(r#""text":"in pieces""#));
    python.wait_for("waiting");
    host.post("unasked");
    assert!(python.wait_for("heard").contains(r#""text":"unasked""#));
    assert_eq!(python.wait_for("closed"), "closed 1000 done");
    assert_eq!(python.wait_for("too large"), "too large 1009");
    assert!(python.ended());
    let fragments = host.find(|event| match &event.kind {
        Kind::Frame(frame) if frame.from == Side::Client && !frame.fin => Some(frame.len),
        _ => None,
    });
    assert_eq!(fragments, 10);
}
