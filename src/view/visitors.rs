//! What strangers do at a server, one row for each thing: who connected, asked, spoke, left, and how it ended.
//!
//! What the server says to them is not shown, but for its answers and its goodbyes: what one of them says goes to all others,
//! and would fill the screen.

use std::collections::BTreeMap;
use std::io;

use super::text::Look;
use super::{Options, View, labels, units};
use crate::terminal::{Group, Ink, Line, Out};
use crate::timeline::{ConnId, Elapsed, Event, Frame, Kind, Layer, Opcode, Seq, Side, Who};

/// Where the words begin.
const WORDS: usize = 18;

/// Writes a row for each thing.
#[derive(Debug)]
pub struct Visitors<O> {
    out: O,
    look: Look,
    width: usize,
    last: Seq,
    visits: BTreeMap<ConnId, Visit>,
}

/// What is known of one connection.
#[derive(Debug, Default)]
struct Visit {
    requests: u64,
    socket: bool,
    /// Asked, and not answered yet, in order.
    asked: Vec<Asked>,
}

#[derive(Debug)]
struct Asked {
    exchange: u64,
    at: Elapsed,
    what: String,
    /// A row of its own has said so already.
    shown: bool,
}

impl<O: Out> Visitors<O> {
    /// Rows that are written to `out`.
    pub fn new(out: O, options: Options) -> Self {
        let look = Look { ascii: options.ascii };
        Self { out, look, width: options.width, last: Seq(0), visits: BTreeMap::new() }
    }

    /// `  12.345    #3  C► GET /api/messages`
    fn row(&mut self, at: Elapsed, conn: ConnId, from: Option<Side>, text: &str) -> io::Result<()> {
        let mut line = Line::plain(format!("{:>9.3}  ", at.0.as_secs_f64()));
        line.push(Ink::Dim, format!("{:>5}", conn.to_string()));
        line.pad(WORDS);
        line = self.look.line(line);
        match from {
            Some(Side::Client) => line.push(Ink::ClientTag, self.look.text("C►")),
            Some(Side::Server) => line.push(Ink::ServerTag, self.look.text("◄S")),
            None => {}
        }
        let text = if from.is_some() { format!(" {text}") } else { text.to_owned() };
        let room = self.width.saturating_sub(line.width());
        line.push(Ink::Plain, self.look.cut(&self.look.text(&text), room));
        self.out.show(Group::Row, &[line])
    }

    /// A timeline that is bounded forgets, and numbers go on. What was known may not be so any more.
    fn missed(&mut self, event: &Event) -> io::Result<()> {
        let missed = event.seq.0.saturating_sub(self.last.0 + 1);
        self.last = event.seq;
        if missed == 0 {
            return Ok(());
        }
        self.visits.clear();
        let text = format!("{} too many to show", units::count(missed, "event"));
        let line = Line::plain(" ".repeat(WORDS)).with(Ink::Dim, self.look.text(&text));
        self.out.show(Group::Row, &[line])
    }

    fn asked(&mut self, conn: ConnId, exchange: u64, at: Elapsed, what: String) {
        let visit = self.visits.entry(conn).or_default();
        visit.requests += 1;
        visit.asked.push(Asked { exchange, at, what, shown: false });
    }

    /// `C► GET /api/messages  ◄S 200, after 0.31 ms`
    fn answered(&mut self, conn: ConnId, exchange: u64, at: Elapsed, status: u16) -> io::Result<()> {
        let visit = self.visits.get_mut(&conn);
        let is_known = visit.is_some();
        let asked = visit.and_then(|visit| {
            let place = visit.asked.iter().position(|asked| asked.exchange == exchange)?;
            Some(visit.asked.remove(place))
        });
        let status = match status {
            101 => "101: a WebSocket from here on".to_owned(),
            status => status.to_string(),
        };
        match asked {
            Some(asked) => {
                let after = units::duration(at.since(asked.at));
                let (from, text) = match asked.shown {
                    true => (Side::Server, format!("{status} to {}, after {after}", asked.what)),
                    false => (Side::Client, format!("{} → {status}, after {after}", asked.what)),
                };
                self.row(at, conn, Some(from), &text)
            }
            None if is_known => {
                self.row(at, conn, Some(Side::Server), &format!("{status} to what cannot be read"))
            }
            None => self.row(at, conn, Some(Side::Server), &status),
        }
    }

    fn frame(&mut self, at: Elapsed, frame: &Frame) -> io::Result<()> {
        let shown = match (frame.from, frame.opcode) {
            (_, Opcode::Close) => true,
            (Side::Server, _) | (Side::Client, Opcode::Pong) => false,
            (Side::Client, _) => true,
        };
        if shown { self.row(at, frame.conn, Some(frame.from), &labels::frame(frame)) } else { Ok(()) }
    }

    fn left(&mut self, event: &Event) -> io::Result<()> {
        let Kind::Closed { conn, first, reset_by, from_client, from_server, lived } = &event.kind else {
            return Ok(());
        };
        let visit = self.visits.remove(conn);
        let is_known = visit.is_some();
        let visit = visit.unwrap_or_default();
        let how = match (first, reset_by) {
            (Who::Client, _) => "closed by the client",
            (Who::Server, _) => "closed by the server",
            (Who::Both, _) => "closed by both at once",
            (_, Some(Side::Server)) => "reset by the server",
            (Who::Reset, _) => "reset by the client",
            (Who::Error, _) => "closed by an error",
        };
        let unanswered = match visit.asked.len() {
            0 => String::new(),
            count => format!(", {} without an answer", units::count(count as u64, "request")),
        };
        let what = match (visit.requests, visit.socket) {
            (0, _) if !is_known => "a visit".to_owned(),
            (0, _) => "nothing asked".to_owned(),
            (_, true) => "a WebSocket".to_owned(),
            (requests, false) => units::count(requests, "request"),
        };
        let (lived, client, server) =
            (units::duration(lived.0), units::grouped(*from_client), units::grouped(*from_server));
        let text = format!("{how} after {lived}: {what}{unanswered}; bytes {client} in, {server} out");
        self.row(event.at, *conn, None, &text)
    }
}

impl<O: Out> View for Visitors<O> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.missed(event)?;
        let at = event.at;
        match &event.kind {
            Kind::Opened { conn, client, .. } => {
                self.visits.insert(*conn, Visit::default());
                self.row(at, *conn, None, &format!("connected from {client}"))
            }
            Kind::Request { conn, exchange, method, target, .. } => {
                self.asked(*conn, *exchange, at, format!("{method} {target}"));
                Ok(())
            }
            Kind::Response { conn, exchange, status, .. } => self.answered(*conn, *exchange, at, *status),
            Kind::Upgraded { conn, .. } => {
                self.visits.entry(*conn).or_default().socket = true;
                Ok(())
            }
            Kind::Frame(frame) => self.frame(at, frame),
            Kind::Closed { .. } => self.left(event),
            Kind::World { what, text, .. } => {
                let line = Line::plain(" ".repeat(WORDS));
                let text = self
                    .look
                    .cut(&self.look.text(&format!("{what} {text}")), self.width.saturating_sub(WORDS));
                self.out.show(Group::Row, &[line.with(Ink::Bold, text)])
            }
            // How it ended tells of the FINs, and answers tell of the requests.
            Kind::Bytes { layer: Layer::Tcp | Layer::Tls, .. }
            | Kind::MessageEnd { .. }
            | Kind::Packet { .. }
            | Kind::Fin { .. }
            | Kind::Kernel { .. }
            | Kind::Heard { .. }
            | Kind::Step { .. }
            | Kind::Say { .. }
            | Kind::Predict { .. }
            | Kind::Answer { .. }
            | Kind::Claim(_)
            | Kind::Summary { .. } => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Whoever waits for an answer is shown waiting.
    fn quiet(&mut self) -> io::Result<()> {
        let mut waiting = Vec::new();
        for (conn, visit) in &mut self.visits {
            for asked in visit.asked.iter_mut().filter(|asked| !asked.shown) {
                asked.shown = true;
                waiting.push((asked.at, *conn, asked.what.clone()));
            }
        }
        waiting.sort();
        waiting.iter().try_for_each(|(at, conn, what)| self.row(*at, *conn, Some(Side::Client), what))
    }
}
