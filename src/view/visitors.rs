//! What strangers do at a server, one row for each thing: who connected, asked, spoke, left, and how it ended.
//!
//! What the server says to them unasked is one row, however many hear it: what one of them says goes to all others, and would
//! fill the screen.

mod chorus;
mod held;
mod hello;
mod row;
mod session;
mod visit;

use std::collections::BTreeMap;
use std::io;

use self::chorus::{Chorus, Said};
use self::held::Held;
use self::row::Row;
use self::session::{Session, Sessions, Waiting};
use self::visit::{Asked, Visit};
use super::text::Look;
use super::{Options, View, labels, units};
use crate::terminal::{Group, Ink, Line, Out};
use crate::timeline::{ConnId, Elapsed, Event, Frame, Kind, Opcode, Seq, Side};
use crate::wire::engineio;

/// Writes a row for each thing.
#[derive(Debug)]
pub struct Visitors<O> {
    out: O,
    look: Look,
    width: usize,
    secure: bool,
    /// The heading is there.
    begun: bool,
    last: Seq,
    visits: BTreeMap<ConnId, Visit>,
    /// What the server says, held back because more may hear the same.
    chorus: Chorus,
    held: Held,
    sessions: Sessions,
    waiting: Option<Waiting>,
}

/// `12 connections; 3,456 bytes in, 7,890 out`: what all were together.
#[must_use]
pub fn together(connections: u64, from_client: u64, from_server: u64) -> String {
    let (connections, client) = (units::count(connections, "connection"), units::bytes(from_client));
    format!("{connections}; {client} in, {} out", units::grouped(from_server))
}

impl<O: Out> Visitors<O> {
    /// Rows that are written to `out`.
    pub fn new(out: O, options: Options) -> Self {
        Self {
            out,
            look: Look { ascii: options.ascii },
            width: options.width,
            secure: false,
            begun: false,
            last: Seq(0),
            visits: BTreeMap::new(),
            chorus: Chorus::default(),
            held: Held::default(),
            sessions: Sessions::default(),
            waiting: None,
        }
    }

    /// The same, of a server that speaks TLS: who asks nothing there may not have come so far.
    #[must_use]
    pub fn over_tls(self, secure: bool) -> Self {
        Self { secure, ..self }
    }

    /// Writes a row, after what was said before it.
    fn row(&mut self, row: &Row) -> io::Result<()> {
        self.speak()?;
        self.put(row)
    }

    /// The beginning of its connection comes first.
    fn put(&mut self, row: &Row) -> io::Result<()> {
        let visit = row.conn.and_then(|conn| self.visits.get_mut(&conn));
        if let Some(opening) = visit.and_then(|visit| visit.opening.take()) {
            self.write(&opening)?;
        }
        self.write(row)
    }

    fn write(&mut self, row: &Row) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            self.out.show(Group::Row, &[Line::default().with(Ink::Dim, row::HEADING)])?;
        }
        self.out.show(Group::Row, &row.lines(self.look, self.width))
    }

    /// What the server said is not held back any longer.
    fn speak(&mut self) -> io::Result<()> {
        self.said().iter().try_for_each(|row| self.put(row))
    }

    /// The server says something, perhaps to many.
    fn hear(
        &mut self,
        at: Elapsed,
        conn: ConnId,
        said: Said,
        label: impl FnOnce() -> String,
    ) -> io::Result<()> {
        if !self.chorus.add(conn, &said) {
            if !self.chorus.has_room(conn, &said) {
                self.speak()?;
            }
            self.chorus.begin(at, conn, said, label());
        }
        Ok(())
    }

    /// A timeline that is bounded forgets, and numbers go on. What was known may not be so any more.
    fn missed(&mut self, event: &Event) -> io::Result<()> {
        let missed = event.seq.0.saturating_sub(self.last.0 + 1);
        self.last = event.seq;
        if missed == 0 {
            return Ok(());
        }
        for opening in std::mem::take(&mut self.visits).into_values().filter_map(|visit| visit.opening) {
            self.row(&opening)?;
        }
        self.sessions.forget();
        let text = format!("{} too many to show", units::count(missed, "event"));
        self.row(&Row { ink: Ink::Dim, ..Row::of(event.at, None, text) })
    }

    fn asked(&mut self, conn: ConnId, exchange: u64, at: Elapsed, method: &str, target: &str) {
        let visit = self.visits.entry(conn).or_default();
        visit.requests += 1;
        visit.carries = engineio::is_target(target);
        visit.session = engineio::session(target).map(str::to_owned);
        if visit.early != Some(exchange) {
            let (what, poll) = (format!("{method} {target}"), visit.session.clone());
            visit.asked.push(Asked { exchange, at, what, shown: false, poll, carried: false });
        }
    }

    /// `C► GET /api/messages → 200, after 0.31 ms`
    fn answered(&mut self, conn: ConnId, exchange: u64, at: Elapsed, status: u16) -> io::Result<()> {
        if (100..=199).contains(&status) && status != 101 {
            // On the way to the answer.
            return Ok(());
        }
        let visit = self.visits.get_mut(&conn);
        let is_known = visit.as_ref().is_some_and(|visit| visit.whole);
        let asked = visit.and_then(|visit| {
            let place = visit.asked.iter().position(|asked| asked.exchange == exchange);
            if place.is_none() {
                visit.early = Some(exchange);
            }
            let asked = visit.asked.remove(place?);
            visit.answering.clone_from(&asked.poll);
            Some(asked)
        });
        let poll = asked.as_ref().and_then(|asked| asked.poll.clone());
        if status == 200 && poll.is_some() && asked.as_ref().is_some_and(|asked| asked.carried) {
            return Ok(());
        }
        let is_unknown = self.visits.get(&conn).is_some_and(|visit| visit.unknown);
        let is_good = status == 200;
        let status = if status == 101 { "101, a WebSocket".to_owned() } else { status.to_string() };
        let row = match asked {
            Some(Asked { at: began, what, shown, .. }) => {
                let after = units::duration(at.since(began));
                match shown {
                    true => Row {
                        from: Some(Side::Server),
                        text: format!("{status} to {what}"),
                        ..Row::of(at, Some(conn), format!(", after {after}"))
                    },
                    false => Row {
                        from: Some(Side::Client),
                        text: what,
                        ..Row::of(at, Some(conn), format!(" → {status}, after {after}"))
                    },
                }
            }
            None => {
                let to = if is_known { " to no whole request" } else { "" };
                Row { from: Some(Side::Server), ..Row::of(at, Some(conn), format!("{status}{to}")) }
            }
        };
        match poll {
            // Its row is that of its packets, where there are any.
            Some(_) if is_good => {
                self.visits.entry(conn).or_default().empty = Some(row);
                Ok(())
            }
            Some(id) if is_unknown => {
                self.row(&row)?;
                self.ended(at, conn, &Session::Id(id))
            }
            Some(_) | None => self.row(&row),
        }
    }

    /// An answer that ended without any packet is a row after all.
    fn empty(&mut self, conn: ConnId) -> io::Result<()> {
        let row = self.visits.get_mut(&conn).and_then(|visit| visit.empty.take());
        row.map_or(Ok(()), |row| self.row(&row))
    }

    fn frame(&mut self, at: Elapsed, frame: &Frame) -> io::Result<()> {
        if frame.opcode == Opcode::Close
            && let Some(visit) = self.visits.get_mut(&frame.conn)
        {
            visit.goodbye.get_or_insert(frame.code);
        }
        if self.holds(at, frame) { Ok(()) } else { self.framed(at, frame) }
    }

    fn framed(&mut self, at: Elapsed, frame: &Frame) -> io::Result<()> {
        match (frame.from, frame.opcode) {
            (_, Opcode::Pong) | (Side::Server, Opcode::Ping) => Ok(()),
            (Side::Client, _) | (_, Opcode::Close) => self.row(&Row {
                from: Some(frame.from),
                text: labels::frame(frame),
                ..Row::of(at, Some(frame.conn), String::new())
            }),
            (Side::Server, _) => self.hear(at, frame.conn, Said::of(frame), || labels::frame(frame)),
        }
    }

    /// Everybody's requests that wait for an answer, or one's own, and are not shown yet.
    fn waiting(&mut self, whose: Option<ConnId>) -> Vec<Row> {
        let mut waiting = Vec::new();
        for (conn, visit) in self.visits.iter_mut().filter(|(conn, _)| whose.is_none_or(|it| it == **conn)) {
            for asked in visit.asked.iter_mut().filter(|asked| !asked.shown && asked.poll.is_none()) {
                asked.shown = true;
                waiting.push(Row {
                    from: Some(Side::Client),
                    text: asked.what.clone(),
                    ..Row::of(asked.at, Some(*conn), String::new())
                });
            }
        }
        waiting.sort_by_key(|row| row.at);
        waiting
    }

    fn left(&mut self, event: &Event, conn: ConnId) -> io::Result<()> {
        for row in self.waiting(Some(conn)) {
            self.row(&row)?;
        }
        self.gone(event.at, conn)?;
        let visit = self.visits.remove(&conn).unwrap_or_default();
        let ending = visit.ending(&event.kind, self.secure);
        self.end(conn, visit, Row::of(event.at, Some(conn), ending))
    }

    /// Something that no client asked for; of a limit one says for whom it was too much.
    fn world(&mut self, at: Elapsed, what: &str, text: &str) -> io::Result<()> {
        let limit = text.split_once(": ").filter(|_| what == "limit");
        let conn = limit.and_then(|(conn, why)| Some((conn.trim_start_matches('#').parse().ok()?, why)));
        match conn {
            Some((conn, why)) => self.row(&Row::of(at, Some(ConnId(conn)), why.to_owned())),
            None => self.row(&Row { ink: Ink::Bold, ..Row::of(at, None, format!("{what} {text}")) }),
        }
    }
}

impl<O: Out> View for Visitors<O> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.missed(event)?;
        let at = event.at;
        self.waited(Some(event))?;
        self.overdue(at)?;
        if self.chorus.is_over(at) {
            // Also where it is never quiet.
            self.speak()?;
        }
        match &event.kind {
            Kind::Opened { conn, client, .. } => {
                self.opened(*conn, Row::of(at, Some(*conn), format!("connected from {client}")));
                Ok(())
            }
            Kind::Bytes { conn, from, layer, data, .. } => {
                if let Some(visit) = self.visits.get_mut(conn) {
                    visit.bytes(*from, *layer, &data.0);
                }
                Ok(())
            }
            Kind::Request { conn, exchange, method, target, .. } => {
                self.asked(*conn, *exchange, at, method, target);
                Ok(())
            }
            Kind::Response { conn, exchange, status, .. } => self.answered(*conn, *exchange, at, *status),
            Kind::Upgraded { conn, .. } => {
                self.visits.entry(*conn).or_default().socket = true;
                Ok(())
            }
            Kind::Frame(frame) => self.frame(at, frame),
            Kind::Packet { conn, from, layer, .. } if layer != "sse" => self.packet(event, *conn, *from),
            // The others of a stream of events only keep it alive.
            Kind::Packet { conn, from: Side::Server, layer, packet, event, .. } if packet == "event" => {
                let label = labels::packet(layer, packet, event.as_deref());
                self.hear(at, *conn, Said::Packet(label.clone()), || label)
            }
            Kind::Closed { conn, .. } => self.left(event, *conn),
            Kind::World { what, text, .. } => self.world(at, what, text),
            Kind::MessageEnd { conn, from: Side::Server, .. } => self.empty(*conn),
            // How it ended tells of the FINs, and answers tell of the requests.
            Kind::MessageEnd { .. }
            | Kind::Packet { .. }
            | Kind::Fin { .. }
            | Kind::Kernel { .. }
            | Kind::Heard { .. }
            | Kind::Step { .. }
            | Kind::Say { .. }
            | Kind::Predict { .. }
            | Kind::Answer { .. }
            | Kind::Claim(_)
            | Kind::Summary(_) => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.quiet()
    }

    /// Whoever waits for an answer is shown waiting, and what was said is said.
    fn quiet(&mut self) -> io::Result<()> {
        self.waited(None)?;
        let mut rows = self.waiting(None);
        rows.extend(self.said());
        rows.extend(self.unasked());
        rows.sort_by_key(|row| row.at);
        rows.iter().try_for_each(|row| self.put(row))
    }
}
