//! What strangers send, malformed or meant to hurt, and the right answer to each: over raw sockets, in tables.
//!
//! Every case names the rule, says what is sent and what comes back, and whether the connection goes on. Where it ends, it
//! ends in order: reading to the end of the stream is no error, and the timeline tells no reset.

mod bodies;
mod connections;
mod framing;
mod heads;
mod targets;

use std::io::{Read as _, Write as _};
use std::net::Shutdown;

use wsdemo::server::{Limits, Options};
use wsdemo::timeline::Who;

use crate::visitor::{Host, Visitor};

/// A message as the list takes it.
const JSON: &str = r#"{"from":"a","text":"b"}"#;

/// What is sent, and what is right.
struct Case {
    /// The section that says so.
    rule: &'static str,
    name: &'static str,
    /// `HOST` stands for the server's address.
    bytes: Vec<u8>,
    answers: Vec<Answer>,
    then: Then,
    /// The client ends its sending with these bytes.
    ends: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Not an error.
    Good(u16),
    /// With a JSON problem that says what is wrong.
    Problem(u16),
    /// Without one: hyper answers so by itself where it cannot make out a request at all, and never asks us.
    Bare(u16),
}

use Answer::{Bare, Good, Problem};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Another request on the same connection is answered.
    Open,
    /// The server ends it.
    Closed,
}

use Then::{Closed, Open};

fn case(
    rule: &'static str,
    name: &'static str,
    bytes: impl Into<Vec<u8>>,
    answers: &[Answer],
    then: Then,
) -> Case {
    Case { rule, name, bytes: bytes.into(), answers: answers.to_vec(), then, ends: false }
}

impl Case {
    fn ending(self) -> Self {
        Self { ends: true, ..self }
    }

    fn run(&self, host: &Host) -> Result<(), String> {
        let mut visitor = Visitor::connect(host);
        let address = host.address.to_string();
        let bytes = replace(&self.bytes, b"HOST", address.as_bytes());
        visitor.stream.write_all(&bytes).map_err(|error| format!("sending: {error}"))?;
        if self.ends {
            visitor.end_sending();
        }
        let mut seen = Vec::new();
        if self.then == Open {
            for _ in &self.answers {
                let answer = next(&mut visitor, &mut seen)?;
                answer.ok_or("the connection ended too early")?;
            }
            let probe = format!("GET /api/messages HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            visitor.stream.write_all(probe.as_bytes()).map_err(|error| format!("still open: {error}"))?;
        }
        let mut ends = true;
        while let Some(answer) = next(&mut visitor, &mut seen)? {
            ends = answer.ends;
        }
        // RFC 9112, 9.6: whoever ends a connection says so; in HTTP/1.0 that is how it is.
        if !ends && !self.ends && !bytes.windows(8).any(|seen| seen == b"HTTP/1.0") {
            return Err("it ended without `Connection: close`".into());
        }
        let mut right = self.answers.clone();
        right.extend((self.then == Open).then_some(Good(200)));
        if seen != right {
            return Err(format!("{seen:?}, and right is {right:?}"));
        }
        let conn = host.conn(&visitor);
        drop(visitor);
        match host.ending(conn).first {
            Who::Server | Who::Client | Who::Both => Ok(()),
            other => Err(format!("ended with {other:?}")),
        }
    }
}

fn replace(bytes: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut made = Vec::with_capacity(bytes.len() + with.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(what.len()).position(|seen| seen == what) {
        made.extend_from_slice(&rest[..at]);
        made.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    made.extend_from_slice(rest);
    made
}

/// Reads one more answer; `None` at the end of the stream.
fn next(visitor: &mut Visitor, seen: &mut Vec<Answer>) -> Result<Option<Whole>, String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(answer) = answer(&bytes)? {
            let len = answer.len;
            if bytes.len() >= len {
                seen.push(answer.answer);
                return Ok(Some(answer));
            }
            // The rest of the content.
            let mut content = vec![0; len - bytes.len()];
            visitor.stream.read_exact(&mut content).map_err(|error| format!("content: {error}"))?;
            bytes.extend(content);
            continue;
        }
        let mut byte = [0];
        // One by one: what follows belongs to the next.
        match visitor.stream.read(&mut byte) {
            Ok(0) if bytes.is_empty() => return Ok(None),
            Ok(0) => return Err(format!("half an answer: {:?}", String::from_utf8_lossy(&bytes))),
            Ok(_) => bytes.push(byte[0]),
            Err(error) => return Err(format!("no end in order: {error}, after {seen:?}")),
        }
    }
}

/// An answer with its content.
struct Whole {
    answer: Answer,
    len: usize,
    /// It says that the connection ends behind it.
    ends: bool,
}

/// The answer that these bytes begin.
fn answer(bytes: &[u8]) -> Result<Option<Whole>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let wrong = || format!("no answer: {:?}", String::from_utf8_lossy(bytes));
    let Ok(parsed) = response.parse(bytes) else { return Err(wrong()) };
    let httparse::Status::Complete(head) = parsed else { return Ok(None) };
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value).into_owned())
    };
    let code = response.code.ok_or_else(wrong)?;
    let len = header("content-length").map_or(0, |len| len.parse().unwrap());
    let answer = match code {
        ..400 => Good(code),
        _ if header("content-type").as_deref() == Some("application/problem+json") => Problem(code),
        _ if len == 0 => Bare(code),
        _ => return Err(wrong()),
    };
    let ends = header("connection").is_some_and(|said| said.eq_ignore_ascii_case("close"));
    Ok(Some(Whole { answer, len: head + len, ends }))
}

#[test]
fn there_are_many() {
    let count: usize = [
        bodies::bodies(),
        connections::keeping(),
        framing::lengths(),
        framing::codings(),
        framing::chunks(),
        framing::behind_errors(),
        heads::lines(),
        heads::first_lines(),
        targets::targets(),
        targets::hosts(),
    ]
    .iter()
    .map(Vec::len)
    .sum();
    assert!(count >= 150, "{count}");
}

/// Runs them all against one server, which is as good as new afterwards.
fn right(cases: Vec<Case>) {
    // Nothing here waits for a limit, and so a connection that hangs fails the test.
    let limits = Limits { idle: None, ..Limits::SERVE };
    let host = Host::with(Options { limits, ..Options::default() });
    let count = cases.len();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let wrong = case.run(&host).err()?;
            Some(format!("{} ({}): {wrong}", case.name, case.rule))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(host.ask("GET", "/api/messages/1", "", "").status, 404);
    host.post("as ever");
}

/// A request for the list with these header lines.
fn get(headers: &str) -> String {
    format!("GET /api/messages HTTP/1.1\r\nHost: HOST\r\n{headers}\r\n")
}

/// A message is changed that is not there, so that the list stays as it is; header lines, then whatever is behind the head.
fn put(headers: &str, rest: &str) -> String {
    format!("PUT /api/messages/9 HTTP/1.1\r\nHost: HOST\r\n{headers}\r\n{rest}")
}

/// The same with a Content-Length that is right.
fn put_json() -> String {
    put(&format!("Content-Length: {}\r\n", JSON.len()), JSON)
}

/// The first line for a target.
fn asking(line: &str) -> String {
    format!("{line}\r\nHost: HOST\r\n\r\n")
}

/// Ends the sending of one that is in the middle of something.
fn half_close(visitor: &Visitor) {
    visitor.stream.shutdown(Shutdown::Write).unwrap();
}
