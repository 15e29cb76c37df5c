//! In a transcript: streams of events, and answers that wait. Both are answers.

use wsdemo::timeline::Kind;

use crate::facts;
use crate::harness::Run;
use crate::notation::{Done, STREAM, at_once, broken, played};

/// Each with what proves that it was so.
const WAITING: [Done; 8] = [
    (
        "",
        "> GET /api/events\n< 200\n< content-type: text/event-stream\n< retry 2000\n< id {start}\n! say \"x\"\n\
         < event message {\"text\":\"x\",\"id\":{id}}\n< id {id}\n= response goes on\n= open\n= 1 connection\n> fin\n= closed by client",
        |run| packets(run) == ["setting", "setting", "event"],
    ),
    // Who comes back says how far it was, and gets what it missed.
    (
        "",
        "> GET /api/events\n< 200\n! say \"a\"\n< event message {\"text\":\"a\"}\n< id {seen}\n! cut\n= closed by reset\n\
         ! say \"b\"\n! say \"c\"\n> GET /api/events\n> last-event-id: {seen}\n< 200\n< event message {\"text\":\"b\"}\n\
         < event message {\"text\":\"c\"}\n= new connection\n= response goes on",
        |run| run.kinds().filter(|kind| matches!(kind, Kind::Heard { .. })).count() == 3,
    ),
    // Beside a stream something else is asked, over another connection; in which order what comes over the two is written, is all one.
    (
        "",
        "anna: > GET /api/events\nanna: < 200\nanna: > POST /api/messages\nanna: >\nanna: > {\"from\":\"anna\",\"text\":\"x\"}\n\
         anna: < event message {\"text\":\"x\"}\nanna: < 201\nanna: > POST /api/messages\nanna: >\n\
         anna: > {\"from\":\"anna\",\"text\":\"y\"}\nanna: < 201\nanna: < event message {\"text\":\"y\"}\n= 2 connections\n\
         anna: > GET /api/events\nanna: < 200\nanna: > GET /api/events\nanna: < 200\n= 3 connections\n! say \"z\"\n\
         anna: < event message {\"text\":\"z\"}\nanna: < event message {\"text\":\"z\"}\nanna: < event message {\"text\":\"z\"}\n= response goes on",
        |run| run.state().connections.values().filter(|it| it.requests == 3).count() == 1,
    ),
    (
        "",
        "> GET /api/events\n> accept: text/event-stream\n> connection: close\n< 200\n< retry *\n~ 100ms",
        |_| true,
    ),
    (
        "",
        "> HEAD /api/events\n< 200\n< content-type: text/event-stream\n<\n> GET /api/messages\n< 200\n= same connection",
        |_| true,
    ),
    // An answer that waits for what the world does.
    (
        "",
        "> GET /api/messages?since=0&wait=10\n= silence 300ms\n! say \"x\"\n< 200\n<\n< [{\"text\":\"x\",\"id\":{id}}]\n\
         > GET /api/messages?since={id}&wait=0.3\n< 200\n<\n< []\n= same connection",
        |run| run.longest_wait() >= 0.3,
    ),
    (
        "",
        "anna: > GET /api/messages?since=0&wait=10\nben: > POST /api/messages\nben: >\nben: > {\"from\":\"ben\",\"text\":\"x\"}\n\
         ben: < 201\nanna: < 200\nanna: <\nanna: < [{\"from\":\"ben\"}]\n= 2 connections",
        |_| true,
    ),
    // Her machine is gone, stream and all: the server is told nothing.
    ("", "anna: > GET /api/events\nanna: < 200\nanna: ! vanish\n! say \"x\"\n~ 200ms\nanna: = open", |run| {
        run.kinds().all(|kind| !matches!(kind, Kind::Heard { .. }))
    }),
];

/// The types of the packets that the server sent.
fn packets(run: &Run) -> Vec<&str> {
    let packets = run.kinds().filter_map(|kind| match kind {
        Kind::Packet { packet, .. } => Some(packet.as_str()),
        _ => None,
    });
    packets.collect()
}

impl Run {
    /// The longest time from a request to its response, seconds.
    fn longest_wait(&self) -> f64 {
        let mut asked = None;
        let mut longest: f64 = 0.0;
        for event in &self.events {
            match &event.kind {
                Kind::Request { .. } => asked = Some(event.at),
                Kind::Response { .. } => longest = longest.max(event.at.since(asked.unwrap()).as_secs_f64()),
                _ => {}
            }
        }
        longest
    }
}

#[test]
fn answers_that_wait_and_answers_that_go_on_are_answers() {
    at_once(&WAITING, |(front, transcript, proof)| {
        let run = played(front, transcript);
        facts::sound(&run.events);
        let told = broken(&run);
        if told.is_empty() && run.code == Some(0) && proof(&run) {
            return Ok(());
        }
        Err(format!("{transcript}\n  told {told:?}, exit {:?} {}", run.code, run.stderr))
    });
}

/// What a stream brings and no line expects is told, and so is what does not come.
#[test]
fn what_a_stream_brings_is_compared() {
    let goal = format!("{STREAM}! say \"x\"\n");
    let cases = [
        (format!("{goal}< event message {{\"text\":\"y\"}}"), "< event message", "event message {"),
        (format!("{goal}< event changed *"), "< event changed *", "event message {"),
        (format!("{goal}~ 200ms"), "no message beyond those written", "< event message {"),
        (format!("{goal}< event message *\n< id 99"), "< id 99", "id 1"),
        (
            format!("{goal}< event message *\n< within 300ms event message *"),
            "< within 300ms event message *",
            "nothing within 300ms",
        ),
        (format!("{STREAM}< retry 1000"), "< retry 1000", "retry 2000"),
        (
            "> GET /api/messages?since=0&wait=1\n= response goes on\n< 200".into(),
            "response goes on",
            "no response yet",
        ),
        (format!("{STREAM}< within 300ms 200"), "< within 300ms 200", "nothing within 300ms"),
    ];
    at_once(&cases[..], |(transcript, expected, saw)| {
        let run = played("", transcript);
        match broken(&run).first() {
            Some((wanted, seen))
                if wanted.contains(expected) && seen.contains(saw) && run.code == Some(1) =>
            {
                Ok(())
            }
            told => {
                Err(format!("{transcript}\n  wanted {expected:?}, {saw:?}; told {told:?}, {}", run.stderr))
            }
        }
    });
}
