//! The notation of a transcript: every statement once true and once false, and everything that can be done. Each is a
//! lesson of its own, played by the program; all at once, since they wait more than they work.

use std::fmt::Write as _;
use std::thread;

use wsdemo::timeline::{Kind, Opcode, Side};

use crate::facts;
use crate::harness::{Run, json};

const GET: &str = "> GET /api/messages\n< 200\n";
const CLOSE: &str = "> GET /api/messages\n> connection: close\n< 200\n";
const SOCKET: &str = "> GET /ws\n> upgrade: websocket\n< 101\n";
pub const STREAM: &str = "> GET /api/events\n< 200\n";
const BYE: &str = "> close 1000 bye\n< close 1000 bye\n";

/// A lesson of one transcript and one more step, played.
pub fn played(front: &str, transcript: &str) -> Run {
    let mut text = format!("---\ntitle: One\nsummary: One\n{front}---\n\n## One\n\n```wire\n");
    write!(text, "{transcript}\n```\n\n## Two\n\nTo the end.\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.md");
    std::fs::write(&file, text).unwrap();
    json(&["lesson", file.to_str().unwrap()])
}

/// Claims that did not hold: what was expected, and what was seen.
pub fn broken(run: &Run) -> Vec<(String, String)> {
    let broken = run.kinds().filter_map(|kind| match kind {
        Kind::Claim(claim) if claim.held == Some(false) => {
            Some((claim.expected.clone().unwrap(), claim.saw.clone().unwrap()))
        }
        _ => None,
    });
    broken.collect()
}

/// Plays all at once; what each says is wrong.
pub fn at_once<T: Sync>(cases: &[T], check: impl Fn(&T) -> Result<(), String> + Sync) {
    let check = &check;
    let wrong: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = cases.iter().map(|case| scope.spawn(move || check(case))).collect();
        running.into_iter().filter_map(|case| case.join().unwrap().err()).collect()
    });
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// What comes before, the statement, and what is seen instead where it is false.
fn statements() -> Vec<(String, &'static str, Option<&'static str>)> {
    let twice = format!("{GET}{GET}");
    let anew = format!("{CLOSE}= closed by server\n{GET}");
    let fin = format!("{GET}> fin\n");
    let vanished = format!("{SOCKET}> fin\n");
    let bye = format!("{SOCKET}{BYE}");
    let said = "! say \"x\"\n".to_owned();
    let mut all = vec![
        (GET.into(), "open", None),
        (SOCKET.into(), "open", None),
        ("> connect\n".into(), "open", None),
        (fin.clone(), "closed by client", None),
        (fin.clone(), "closed by server", Some("closed by client")),
        (CLOSE.into(), "closed by server", None),
        (CLOSE.into(), "closed by client", Some("closed by server")),
        (CLOSE.into(), "closed by reset", Some("closed by server")),
        (GET.into(), "closed by server", Some("#1 is still open")),
        (said.clone(), "closed by server", Some("no connection")),
        (format!("{CLOSE}= closed by server\n"), "open", Some("#1 was closed by server")),
        (format!("{SOCKET}> reset\n"), "closed by reset", None),
        (format!("{SOCKET}> reset\n"), "closed by client", Some("closed by reset")),
        (format!("{SOCKET}! cut\n"), "closed by reset", None),
        (bye.clone(), "closed with 1000", None),
        (bye.clone(), "closed with 1006", Some("closed with 1000")),
        (vanished.clone(), "closed with 1006", None),
        (vanished, "closed with 1000", Some("closed with 1006")),
        (format!("{SOCKET}> close\n< close\n"), "closed with 1005", None),
        (CLOSE.into(), "closed with 1000", Some("no WebSocket")),
        (twice.clone(), "same connection", None),
        (twice, "new connection", Some("#1, then #1")),
        (anew.clone(), "new connection", None),
        (anew, "same connection", Some("#1, then #2")),
        (GET.into(), "same connection", Some("fewer than two requests")),
        (GET.into(), "1 connection", None),
        (said, "0 connections", None),
        (GET.into(), "2 connections", Some("1 opened")),
        (GET.into(), "silence 300ms", None),
        (STREAM.into(), "response goes on", None),
        (STREAM.into(), "open", None),
        (STREAM.into(), "silence 300ms", None),
        (format!("{STREAM}> fin\n"), "closed by client", None),
        (format!("{STREAM}> fin\n= closed by client\n"), "response goes on", Some("the response has ended")),
        (format!("{STREAM}! cut\n= closed by reset\n"), "response goes on", Some("the response has ended")),
        (GET.into(), "response goes on", Some("the response has ended")),
        ("> connect\n".into(), "response goes on", Some("no request")),
        (format!("{STREAM}{GET}"), "new connection", None),
        (GET.into(), "under 1000 bytes from server", None),
        (GET.into(), "under 20 bytes from server", Some("bytes from server")),
        (GET.into(), "under 1000 bytes from client", None),
        (GET.into(), "under 20 bytes from client", Some("bytes from client")),
    ];
    if cfg!(target_os = "linux") {
        all.extend([
            (CLOSE.into(), "server holds TIME_WAIT", None),
            (CLOSE.into(), "client holds TIME_WAIT", Some("no trace of it in the kernel")),
            (fin.clone(), "client holds TIME_WAIT", None),
            (fin, "server holds TIME_WAIT", Some("no trace of it in the kernel")),
        ]);
    }
    all
}

#[test]
fn every_statement_is_told_true_and_false() {
    at_once(&statements(), |(before, statement, saw)| {
        let run = played("", &format!("{before}= {statement}"));
        facts::sound(&run.events);
        let told = broken(&run);
        let right = match (saw, &told[..]) {
            (None, []) => run.code == Some(0) && run.stderr.is_empty(),
            (Some(saw), [(expected, seen)]) => {
                expected == statement
                    && seen.contains(saw)
                    && run.code == Some(1)
                    && run.stderr == "error: 1 claim did not hold\n"
            }
            _ => false,
        };
        let to_the_end = run.kinds().any(|kind| matches!(kind, Kind::Step { n: 2, .. }));
        if right && to_the_end {
            return Ok(());
        }
        Err(format!(
            "{before}= {statement}\n  wanted {saw:?}, told {told:?}, exit {:?} {}",
            run.code, run.stderr
        ))
    });
}

/// What can be done, each with what proves that it was: the transcript holds, and the facts show it.
pub type Done = (&'static str, &'static str, fn(&Run) -> bool);

fn frames(run: &Run, from: Side) -> Vec<(Opcode, bool, u64)> {
    let frames = run.kinds().filter_map(|kind| match kind {
        Kind::Frame(frame) if frame.from == from => Some((frame.opcode, frame.fin, frame.len)),
        _ => None,
    });
    frames.collect()
}

const ACTS: [Done; 17] = [
    (
        "",
        "> GET /ws\n> upgrade: websocket\n< 101\n\
         > text+ {\"event\":\"message\",\n> cont+  \"\\\"data\\\":{\\\"from\\\":\\\"a\\\",\"\n> ping mid\n\
         > cont \"\\\"text\\\":\\\"x\\\"}}\"\n< event message {\"text\":\"x\"}",
        |run| {
            let sent = frames(run, Side::Client);
            let kinds: Vec<_> = sent.iter().map(|(opcode, fin, _)| (*opcode, *fin)).collect();
            let expected = [
                (Opcode::Text, false),
                (Opcode::Continuation, false),
                (Opcode::Ping, true),
                (Opcode::Continuation, true),
            ];
            kinds.starts_with(&expected)
        },
    ),
    (
        "",
        "> GET /ws\n> upgrade: websocket\n< 101\n> binary+ 01 02\n> cont x\n< event error *\n> binary 0a0b0c\n< event error *",
        |run| {
            frames(run, Side::Client).starts_with(&[
                (Opcode::Binary, false, 2),
                (Opcode::Continuation, true, 1),
                (Opcode::Binary, true, 3),
            ])
        },
    ),
    (
        "",
        "> GET /ws\n> upgrade: websocket\n< 101\n> ping hello\n< pong hello\n> pong unasked\n= open\n> close 3001 \"a b\"\n< close 3001 a b\n= closed with 3001",
        |run| frames(run, Side::Client)[..2] == [(Opcode::Ping, true, 5), (Opcode::Pong, true, 7)],
    ),
    // A frame that is not masked, past the library: refused with 1002.
    (
        "",
        "> GET /ws\n> upgrade: websocket\n< 101\n> raw 81 02 68 69\n< close 1002\n= closed by server",
        |run| {
            run.kinds()
                .any(|kind| matches!(kind, Kind::Frame(frame) if frame.from == Side::Client && !frame.masked))
        },
    ),
    // A request in HEX.
    ("", "> connect\n> raw 47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a 0d 0a\n< 400\n= open", |run| {
        run.kinds().any(|kind| matches!(kind, Kind::Request { target, .. } if target == "/"))
    }),
    ("", "> connect\n= open\n= 1 connection\n> fin\n= closed by client", |run| run.state().requests() == 0),
    ("", "> connect\n> reset\n= closed by reset", |run| run.state().reset_by(Side::Client)),
    ("", "anna: > connect\nben: > connect\nanna: ! cut\nanna: = closed by reset\nben: = open", |run| {
        run.state().reset_by(Side::Server)
    }),
    ("", "anna: > connect\nben: > connect\n! cut\nanna: = closed by reset\nben: = closed by reset", |run| {
        run.state().reset_by(Side::Server)
    }),
    (
        "",
        "> GET /api/messages\n< 200\n! stall 700ms\n= silence 300ms\n> GET /api/messages\n< within 3s 200\n= same connection",
        |run| run.longest_answer() > 0.2,
    ),
    // Gone without a word: the server's heartbeat finds out.
    (
        "heartbeat: 200ms\n",
        "anna: > GET /ws\nanna: > upgrade: websocket\nanna: < 101\nben: > GET /ws\nben: > upgrade: websocket\nben: < 101\n\
         anna: ! vanish\nanna: = closed with 1006\nanna: = closed by server\nben: < ping *\nben: = open",
        |run| frames(run, Side::Client).iter().any(|(opcode, ..)| *opcode == Opcode::Pong),
    ),
    (
        "heartbeat: 100ms\n",
        "> GET /ws\n> upgrade: websocket\n< 101\n~ 500ms\n! say \"x\"\n< event message {\"text\":\"x\"}",
        |run| frames(run, Side::Server).iter().filter(|(opcode, ..)| *opcode == Opcode::Ping).count() >= 3,
    ),
    (
        "",
        "> POST /api/messages\n> content-type: application/json\n>\n> {\"from\":\"a\",\"text\":\"one\"}\n< 201\n\
         < location: /api/messages/{id}\n> GET /api/messages/{id}\n< 200\n<\n< {\"id\":{id},\"text\":\"{words}\"}\n\
         > POST /api/messages\n> content-type: application/json\n>\n> {\"from\":\"a\",\"text\":\"{words} more\"}\n< 201\n<\n< {\"text\":\"one more\"}",
        |run| {
            run.kinds()
                .any(|kind| matches!(kind, Kind::Request { target, .. } if target == "/api/messages/1"))
        },
    ),
    (
        "",
        "> GET http://{host}:{port}/api/messages\n> host: {host}:{port}\n< 200\n< content-type: *\n<\n< *",
        |_| true,
    ),
    (
        "",
        "> HEAD /api/messages\n< 200\n<\n> OPTIONS /api/messages\n< 204\n< allow: *\n> TRACE /api/messages\n< 405\n> GET /api/messages\n< *\n= 1 connection",
        |_| true,
    ),
    (
        "",
        "> GET /api/messages\n> host: evil.example\n< 421\n> GET /api/messages\n> origin: http://evil.example\n< 403",
        |_| true,
    ),
    (
        "",
        "a: > GET /api/messages\nb: > GET /api/messages\nb: < 200\na: < 200\n~ 100ms\n= 2 connections",
        |_| true,
    ),
];

#[test]
fn everything_that_can_be_done_is_done() {
    at_once(&ACTS, |(front, transcript, proof)| {
        let run = played(front, transcript);
        facts_of(&run, transcript);
        let told = broken(&run);
        if told.is_empty() && run.code == Some(0) && proof(&run) {
            return Ok(());
        }
        Err(format!("{transcript}\n  told {told:?}, exit {:?} {}", run.code, run.stderr))
    });
}

/// What a client breaks on purpose is not held against the facts.
fn facts_of(run: &Run, transcript: &str) {
    if !transcript.contains("raw 81") {
        facts::sound(&run.events);
    }
}

#[test]
fn what_was_expected_and_did_not_come_is_told() {
    let socket = |rest: &str| format!("{SOCKET}{rest}");
    let message = "> text {\"event\":\"message\",\"data\":{\"from\":\"a\",\"text\":\"x\"}}\n";
    let cases = [
        ("", "> GET /api/messages\n< 404".to_owned(), "< 404", "response 200"),
        ("", "> GET /api/messages\n< 200\n< x-mine: *".into(), "x-mine: *", "no such header"),
        ("", "> GET /api/messages\n< 200\n< content-type: text/html".into(), "text/html", "application/json"),
        ("", "> GET /api/messages\n< 200\n<\n< [{\"id\":7}]".into(), "[{\"id\":7}]", "[]"),
        ("", socket("< within 300ms text *"), "< within 300ms text *", "nothing within 300ms"),
        ("", socket("> close 1000\n< close 1001"), "< close 1001", "close 1000"),
        (
            "",
            socket(&format!("{message}< event changed *")),
            "< event changed *",
            "text {\"event\":\"message\"",
        ),
        (
            "",
            socket(&format!("{message}~ 300ms")),
            "no message beyond those written",
            "< text {\"event\":\"message\"",
        ),
        ("heartbeat: 100ms\n", socket("= silence 500ms"), "silence 500ms", "something crossed"),
        ("", format!("{CLOSE}= closed by server\n> fin"), "an open connection", "client has none"),
    ];
    at_once(&cases, |(front, transcript, expected, saw)| {
        let run = played(front, transcript);
        let told = broken(&run);
        match &told[..] {
            [(wanted, seen)] if wanted.contains(expected) && seen.contains(saw) && run.code == Some(1) => {
                Ok(())
            }
            _ => Err(format!("{transcript}\n  wanted {expected:?}, {saw:?}; told {told:?}, {}", run.stderr)),
        }
    });
}

/// What the proofs ask.
trait Asked {
    fn requests(&self) -> u64;
    fn reset_by(&self, side: Side) -> bool;
}

impl Asked for wsdemo::timeline::State {
    fn requests(&self) -> u64 {
        self.connections.values().map(|it| it.requests).sum()
    }

    fn reset_by(&self, side: Side) -> bool {
        self.connections.values().any(|it| it.closed.is_some_and(|ending| ending.reset_by == Some(side)))
    }
}

impl Run {
    /// The longest time from a request to its response, seconds, as its client saw it: from when it was sent on.
    fn longest_answer(&self) -> f64 {
        let stalled = self.events.iter().find_map(|event| match &event.kind {
            Kind::World { what, .. } if what == "stall" => Some(event.at),
            _ => None,
        });
        let answered = self.events.iter().rev().find_map(|event| match &event.kind {
            Kind::Response { .. } => Some(event.at),
            _ => None,
        });
        answered.unwrap().since(stalled.unwrap()).as_secs_f64() - 0.3
    }
}

/// What is sent does not wait; but what a line claims is about all that was sent before it. And nothing that arrives late
/// is overlooked. What comes, and a piece of the first thing that is told to be wrong.
#[test]
fn nothing_is_judged_before_it_has_happened() {
    let cases = [
        (format!("{GET}> GET /api/messages\n= new connection\n< 200"), "new connection"),
        (format!("{SOCKET}> close 1000\n= open\n< close 1000"), "open"),
        (format!("{SOCKET}> connect\n> fin\n= open"), "open"),
        ("> GET /api/messages\n= under 1 bytes from client\n< 200".into(), "under 1 bytes from client"),
        (format!("{SOCKET}! cut\n= silence 300ms"), "silence 300ms"),
        ("> GET /nope".into(), "no message beyond those written"),
        ("> connect\n> raw 47\n> GET /api/messages".into(), "no message beyond those written"),
    ];
    at_once(&cases, |(transcript, expected)| {
        let run = played("", transcript);
        match broken(&run).first() {
            Some((told, _)) if told.contains(expected) => Ok(()),
            told => Err(format!("{transcript:?}: {told:?}, {}", run.stderr)),
        }
    });
}

#[test]
fn a_half_close_does_not_wait_for_the_answer() {
    let run = played("", "> connect\n! stall 400ms\n> GET /api/messages\n> fin\n< 200\n= closed by client");
    assert_eq!((broken(&run), run.code), (Vec::new(), Some(0)), "{}", run.stderr);
}

/// What a guest says on the list is news to the lesson's sockets, and no business of its transcripts.
#[test]
fn a_guests_news_breaks_no_transcript() {
    let guest =
        "> POST /api/messages\n> connection: close\n>\n> {\"from\":\"g\\u0075est\",\"text\":\"hi\"}\n< 201\n";
    let run = played(
        "",
        &format!("anna: > GET /ws\nanna: > upgrade: websocket\nanna: < 101\n{guest}= closed by server"),
    );
    assert_eq!((broken(&run), run.code), (Vec::new(), Some(0)), "{}", run.stderr);
}
