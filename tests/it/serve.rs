//! `wsdemo serve`, from outside: what it says, what it shows of strangers, how it ends.

use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio_tungstenite::tungstenite::Message;
use wsdemo::timeline::{Event, Kind, Started};

use crate::harness::{LIMIT, output, wsdemo};
use crate::visitor::Visitor;

/// A running `wsdemo serve`.
pub struct Serving {
    pub address: SocketAddr,
    /// What it said at its start.
    pub greeting: Vec<String>,
    child: Child,
    shown: Option<Lines<BufReader<ChildStdout>>>,
}

impl Serving {
    /// At any free port, which it says itself.
    pub fn start(flags: &[&str]) -> Self {
        let mut command = wsdemo(&[&["serve", "--port", "0"], flags].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut shown = BufReader::new(child.stdout.take().unwrap()).lines();
        let greeting: Box<dyn Iterator<Item = _>> = if flags.contains(&"--json") {
            Box::new(BufReader::new(child.stderr.take().unwrap()).lines())
        } else {
            Box::new(shown.by_ref())
        };
        let greeting: Vec<String> =
            greeting.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        let page = greeting.iter().find_map(|line| Some(line.split_once("://")?.1.trim_end_matches('/')));
        Self { address: page.unwrap().parse().unwrap(), greeting, child, shown: Some(shown) }
    }

    /// The next row with these words.
    fn row(&mut self, words: &str) -> String {
        let row = self.shown.as_mut().unwrap().map(Result::unwrap).find(|row| row.contains(words));
        row.unwrap_or_else(|| panic!("never shown: {words}"))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The rest of what it showed, and how it ended.
    fn ends(mut self) -> (ExitStatus, String) {
        let rest: Vec<String> = self.shown.take().unwrap().map(Result::unwrap).collect();
        (self.child.wait().unwrap(), rest.join("\n"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Ended already, unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_thing_that_strangers_do_is_shown_when_they_do_it() {
    let mut serving = Serving::start(&[]);
    let mut visitor = Visitor::to(serving.address);
    serving.row("#1  connected from 127.0.0.1:");
    visitor.request("GET", "/api/messages", "Connection: close\r\n", "");
    assert_eq!(visitor.response().status, 200);
    serving.row("#1  C► GET /api/messages → 200, after ");
    assert!(visitor.read_out().unwrap().is_empty());
    drop(visitor);
    assert!(serving.row("#1  closed by the server").contains(": 1 request; "));
    let mut socket = Visitor::to(serving.address).upgrade();
    serving.row("#2  C► GET /ws → 101, a WebSocket, after ");
    socket.say("hello");
    assert!(serving.row("#2  C► text").contains("hello"));
    assert_eq!(socket.event().1["text"], "hello");
    socket.ws.close(None).unwrap();
    while socket.ws.read().is_ok() {}
    serving.row("#2  C► close");
    serving.row("#2  ◄S close");
    assert!(serving.row("#2  closed by the server").contains(": a WebSocket, no code (1005); "));
    serving.signal(Signal::TERM);
    let (status, rest) = serving.ends();
    assert_eq!(status.code(), Some(0));
    assert!(rest.starts_with(" 2 connections; "), "{rest}");
}

/// As socket.io-client does over Node.
#[test]
fn who_takes_a_connection_for_each_poll_does_not_fill_the_screen() {
    const TARGET: &str = "/socket.io/?EIO=4&transport=polling";
    let serving = Serving::start(&[]);
    let ask = |method: &str, target: &str, body: &str| {
        let mut visitor = Visitor::to(serving.address);
        visitor.request(method, target, "Connection: close\r\n", body);
        let answer = visitor.response();
        assert_eq!(answer.status, 200, "{target}");
        visitor.read_out().unwrap();
        String::from_utf8(answer.body).unwrap()
    };
    let open = ask("GET", TARGET, "");
    let session = open.split('"').nth(3).unwrap();
    let target = format!("{TARGET}&sid={session}");
    ask("POST", &target, "40");
    ask("POST", &target, "40/class,");
    assert!(ask("GET", &target, "").starts_with("40{"));
    serving.signal(Signal::TERM);
    let (_, shown) = serving.ends();
    for row in ["#1  closed by", "#4  connected from", "#4  Client connected", "#4  closed by"] {
        assert!(shown.contains(row), "{row}: {shown}");
    }
    // Who is slow to ask is shown; not both are.
    assert!(!(shown.contains("#2  ") && shown.contains("#3  ")), "{shown}");
    assert!(shown.lines().last().unwrap().starts_with(" 4 connections; "), "{shown}");
}

#[test]
fn whoever_ends_it_closes_every_socket_with_1001_within_two_seconds() {
    for signal in [Signal::INT, Signal::TERM] {
        for flags in [&[][..], &["--quiet"], &["--json"]] {
            let serving = Serving::start(flags);
            let mut sockets: Vec<_> = (0..20).map(|_| Visitor::to(serving.address).upgrade()).collect();
            // One that does not answer a close, one that says nothing, one in the middle of a request.
            let _mute = Visitor::to(serving.address).upgrade();
            let _silent = Visitor::to(serving.address);
            Visitor::to(serving.address).send(b"GET / HT");
            let began = Instant::now();
            serving.signal(signal);
            for socket in &mut sockets {
                let Message::Close(Some(close)) = socket.ws.read().unwrap() else { panic!("no close") };
                assert_eq!(u16::from(close.code), 1001);
                while socket.ws.read().is_ok() {}
            }
            let (status, _) = serving.ends();
            assert_eq!(status.code(), Some(0), "{signal:?} {flags:?}");
            // 1.5 s, and what a machine adds that is busy with other tests.
            assert!(began.elapsed() < Duration::from_secs(3), "{signal:?} {flags:?} {:?}", began.elapsed());
        }
    }
}

#[test]
fn json_is_the_timeline_and_nothing_else() {
    let serving = Serving::start(&["--json"]);
    // One that does not agree to the end.
    let _mute = Visitor::to(serving.address).upgrade();
    let mut visitor = Visitor::to(serving.address);
    visitor.request("POST", "/api/messages", "", r#"{"from":"anna","text":"hi"}"#);
    assert_eq!(visitor.response().status, 201);
    visitor.request("GET", "/\u{9b}2J", "", "");
    visitor.response();
    visitor.end_sending();
    visitor.read_out().unwrap();
    serving.signal(Signal::INT);
    let (status, shown) = serving.ends();
    assert_eq!(status.code(), Some(0));
    assert!(!shown.contains('\u{9b}') && shown.contains("\\u009b"), "a terminal would obey it: {shown}");
    let mut lines = shown.lines();
    serde_json::from_str::<Started>(lines.next().unwrap()).unwrap();
    let events: Vec<Event> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    crate::facts::sound(&events);
    let closed = events.iter().filter(|event| matches!(event.kind, Kind::Closed { .. }));
    assert_eq!(closed.count(), 2, "all is told before the end");
    assert!(
        events.iter().any(|event| matches!(&event.kind, Kind::Request { method, .. } if method == "POST"))
    );
}

#[test]
fn quiet_shows_nothing_and_counts() {
    let serving = Serving::start(&["--quiet"]);
    for _ in 0..3 {
        let mut visitor = Visitor::to(serving.address);
        visitor.request("GET", "/api/messages", "Connection: close\r\n", "");
        visitor.read_out().unwrap();
    }
    serving.signal(Signal::INT);
    let (status, shown) = serving.ends();
    assert_eq!(status.code(), Some(0));
    assert!(shown.trim().starts_with("3 connections"), "{shown}");
}

/// Also of those that do not agree to the end, and of sockets.
#[test]
fn all_is_told_at_the_end() {
    for flags in [&[][..], &["--quiet"]] {
        let serving = Serving::start(flags);
        let mut silent = Visitor::to(serving.address);
        silent.send(b"GET / HT");
        let _mute = Visitor::to(serving.address).upgrade();
        // Connections are accepted in their order: with this answer all are there.
        let mut visitor = Visitor::to(serving.address);
        visitor.request("GET", "/api/messages", "", "");
        let answer = visitor.response();
        serving.signal(Signal::INT);
        let (status, shown) = serving.ends();
        assert_eq!(status.code(), Some(0));
        let last = shown.lines().last().unwrap();
        assert!(last.starts_with(" 3 connections; ") && answer.status == 200, "{last}");
        let sums = sums(&shown);
        let [client, server] = counts(last);
        assert!(client > 100 && server > 200, "those that were open are counted too: {last}");
        if flags.is_empty() {
            assert!(shown.contains("◄S close 1001 the server stops"), "{shown}");
            assert!(
                shown.contains(": a WebSocket, 1001; ") && shown.contains(": no whole request; "),
                "{shown}"
            );
            assert_eq!(sums, client + server, "{shown}");
        }
    }
}

/// `…; 3,456 bytes in, 7,890 out`
fn counts(row: &str) -> [u64; 2] {
    let (client, server) = row.rsplit_once("; ").unwrap().1.split_once(" in, ").unwrap();
    [client, server].map(|words| words.split(' ').next().unwrap().replace(',', "").parse().unwrap())
}

/// All bytes of those that closed.
fn sums(shown: &str) -> u64 {
    let ends = shown.lines().filter(|row| row.contains("  closed by ") || row.contains("  reset by "));
    ends.map(|row| counts(row).iter().sum::<u64>()).sum()
}

#[test]
fn a_port_in_use_is_told_with_what_to_type() {
    let serving = Serving::start(&["--quiet"]);
    let port = serving.address.port();
    let second = output(wsdemo(&["serve", "--port", &port.to_string()]));
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    let expected = format!("error: port {port} is already in use\n  try: wsdemo serve --port {}\n", port + 1);
    assert_eq!(error, expected);
}

#[test]
fn what_cannot_be_is_refused_with_what_can() {
    for (flags, words) in [
        (&["--max-message", "64"][..], "from 125 bytes to 64MiB"),
        (&["--max-message", "lots"], "64KiB or 16MiB"),
        (&["--max-connections", "0"], "must be from 1 to 1,000,000"),
        (&["--allow-origin", "localhost:8080"], "http://localhost:8080"),
        (&["--allow-origin", "http://localhost:8080/"], "no slash"),
        (&["--json", "--quiet"], "cannot be used with"),
        (&["--max-message", "99GiB"], "from 125 bytes to 64MiB"),
        (&["--rtt", "soon"], "500ms or 2s"),
        (&["--rtt", "80"], "80ms or 80s"),
    ] {
        let refused = output(wsdemo(&[&["serve"], flags].concat()));
        assert_eq!(refused.status.code(), Some(2), "{flags:?}");
        let error = String::from_utf8(refused.stderr).unwrap();
        assert!(error.contains(words), "{flags:?}: {error}");
    }
}

/// As with `| head -1`.
#[test]
fn a_closed_pipe_ends_it_silently() {
    let mut serving = Serving::start(&[]);
    let mut errors = serving.child.stderr.take().unwrap();
    serving.shown = None;
    drop(Visitor::to(serving.address));
    let began = Instant::now();
    let status = loop {
        if let Some(status) = serving.child.try_wait().unwrap() {
            break status;
        }
        assert!(began.elapsed() < LIMIT);
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut text = String::new();
    errors.read_to_string(&mut text).unwrap();
    assert_eq!((status.code(), text.as_str()), (Some(0), ""));
}
