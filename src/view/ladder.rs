//! The ladder's rows, laid out once from the events: what crossed, from whom, when, and what to remark. Pure: how
//! a row is drawn, as text or otherwise, is decided elsewhere.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::said::Said;
use super::{labels, lanes, units};
use crate::timeline::{
    Claim, ConnId, Connection, Elapsed, Event, Frame, Kind, Layer, Opcode, Role, Seq, Side, State, Who,
};

mod streamed;
mod told;
mod within;

use streamed::Streams;
use told::Told;
use within::Within;

/// How long after the start of a transcript its first fact may come for the clock to start with the fact.
const PROMPT: Duration = Duration::from_millis(50);

/// With this close code the server shuts down (RFC 6455, 7.4.1): between transcripts only a lesson's end does that.
const GOING_AWAY: u16 = 1001;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The event that it shows.
    pub seq: Seq,
    /// When, since the start of the transcript.
    pub since: Duration,
    /// On which connection; `None` for what happens in the world.
    pub conn: Option<ConnId>,
    /// The client's name, where the lesson gave one.
    pub client: Option<String>,
    /// The server's port, for the heading.
    pub port: Option<u16>,
    /// What to draw.
    pub shape: Shape,
    /// The words on it; as they were on the wire, not yet safe for a terminal.
    pub label: String,
    /// Fewer and fewer words, for where those do not fit; the last are cut if need be.
    pub briefer: Vec<String>,
    /// What follows the words and must not be cut: `, 82 bytes`.
    pub tail: String,
    /// What to remark.
    pub remark: Option<Remark>,
    /// Whether any connection is open after it.
    pub open: bool,
}

/// What a row looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Inferred work of the kernel, from this side to the other: dotted.
    Dotted(Side),
    /// Seen on the socket, from this side to the other.
    Solid(Side),
    /// This side broke the connection.
    Broken(Side),
    /// Something at this side that does not cross.
    Beside(Side),
    /// Something that concerns both.
    Across,
    /// Inside of what the row above it shows, from this side.
    Within(Side),
}

/// What stands in the margin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The words.
    pub text: String,
    /// Whether the lesson wrote them; else they follow from the facts.
    pub told: bool,
}

/// Makes rows from events.
#[derive(Debug, Default)]
pub struct Ladder {
    state: State,
    zero: Option<Elapsed>,
    /// A transcript began, and no fact of it came yet.
    begun: Option<Elapsed>,
    /// A transcript ended, and none began since.
    over: bool,
    exchanges: HashMap<(ConnId, u64), Heads>,
    unread: HashMap<(ConnId, Side), Unread>,
    told: VecDeque<Told>,
    /// Remarks that were made in this transcript: once is enough.
    made: HashSet<&'static str>,
    /// Whether a client has sent data in this transcript: what comes after it may be an echo.
    client_spoke: bool,
    said: Said,
    within: Within,
    streams: Streams,
}

/// Bytes of which it is not known yet to which message they belong.
#[derive(Debug, Default)]
struct Unread {
    len: u64,
    /// What crosses outside is TLS.
    sealed: bool,
    /// When the last of them came.
    at: Elapsed,
}

#[derive(Debug, Default)]
struct Heads {
    /// Method and target.
    request: Option<(String, String)>,
    status: Option<u16>,
}

impl Ladder {
    /// What the events add up to so far.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Takes the next event: the rows that it adds, mostly none or one.
    pub fn event(&mut self, event: &Event) -> Vec<Row> {
        self.state.event(event);
        self.said.event(event);
        let mut rows = self.waited(event);
        rows.extend(self.rows(event));
        rows
    }

    fn rows(&mut self, event: &Event) -> Vec<Row> {
        match &event.kind {
            Kind::Opened { conn, .. } => self.opened(event, *conn),
            Kind::Bytes { conn, from, len, layer, .. } => {
                self.count(event.at, (*conn, *from), *len, *layer);
                Vec::new()
            }
            Kind::Request { conn, exchange, method, target, .. } => {
                self.heads(*conn, *exchange).request = Some((method.clone(), target.clone()));
                self.within.asked(*conn, target);
                Vec::new()
            }
            Kind::Response { conn, exchange, status, head } => {
                self.heads(*conn, *exchange).status = Some(*status);
                self.response(event, (*conn, *exchange), *status, head)
            }
            Kind::MessageEnd { .. } => self.message(event),
            Kind::Frame(frame) => self.frame(event, frame),
            Kind::Packet { conn, from, layer, packet, event: name, len, .. } => {
                if layer != "sse" {
                    return self.packet(event, *conn, *from);
                }
                self.block(event, *conn, (packet, name.as_deref(), *len))
            }
            Kind::Fin { conn, from } => self.fin(event, *conn, *from),
            Kind::Closed { conn, first, reset_by, .. } => self.closed(event, *conn, *first, *reset_by),
            Kind::Kernel { conn, side, state } => {
                let label = format!("{} holds {state}", side.word());
                let row = self.row(event, Some(*conn), Shape::Beside(*side), label, String::new());
                vec![self.remarked(row, "the kernel remembers it")]
            }
            Kind::World { what, text, .. } => self.world(event, what, text),
            Kind::Heard { client, conn, id, after } => {
                let (label, briefer) = labels::heard(client, self.said.words(*id));
                let row = self.row(event, *conn, Shape::Beside(Side::Client), label, String::new());
                vec![self.remarked(
                    Row { briefer, ..row },
                    &format!("{} after it was said", units::duration(after.0)),
                )]
            }
            Kind::Say { .. } => self.say(event),
            Kind::Claim(claim) => self.silence(event, claim).into_iter().collect(),
            // The 101 itself is a row already; the story is told beside the ladder.
            Kind::Upgraded { .. }
            | Kind::Step { .. }
            | Kind::Predict { .. }
            | Kind::Answer { .. }
            | Kind::Summary(_) => Vec::new(),
        }
    }

    fn say(&mut self, event: &Event) -> Vec<Row> {
        let Kind::Say { role, text, detail, from, packet, .. } = &event.kind else { return Vec::new() };
        match role {
            Role::Wire | Role::Compare => {
                self.over = false;
                self.begun = Some(event.at);
                self.zero = None;
                self.told.clear();
                self.made.clear();
                self.within.begin();
                self.client_spoke = false;
                Vec::new()
            }
            Role::Remark => {
                self.told.push_back(Told {
                    client: detail.clone().unwrap_or_default(),
                    from: *from,
                    packet: packet.clone(),
                    text: text.clone(),
                });
                Vec::new()
            }
            Role::Played => {
                self.over = true;
                self.begun_messages(event)
            }
            Role::Skip => {
                self.over = true;
                Vec::new()
            }
            Role::Title | Role::Prose | Role::Code => Vec::new(),
        }
    }

    fn opened(&mut self, event: &Event, conn: ConnId) -> Vec<Row> {
        let (label, briefer) = labels::connect(self.state.get(conn).map(|it| it.client.port()));
        let row = self.row(event, Some(conn), Shape::Dotted(Side::Client), label, String::new());
        vec![self.once(Row { briefer, ..row }, "TCP opens (kernel, inferred)")]
    }

    fn message(&mut self, event: &Event) -> Vec<Row> {
        let Kind::MessageEnd { conn, from, exchange, body_len, wire_len, complete } = &event.kind else {
            return Vec::new();
        };
        // Of a stream most was told as it came: what is left are the sizes of its chunks.
        let streamed = self.streams.end(*conn, *from);
        let left = wire_len.saturating_sub(streamed.unwrap_or_default());
        self.read(*conn, *from, left);
        let known = self.exchanges.get(&(*conn, *exchange)).is_some_and(|heads| heads.request.is_some());
        // What it answers is not a request: bytes that were there before it.
        let mut rows = match from {
            Side::Server if !known => self.rest(event, *conn, Side::Client, "belongs to no message"),
            Side::Server | Side::Client => Vec::new(),
        };
        let heads = self.heads(*conn, *exchange);
        let (label, briefer, status) = match (from, &heads.request) {
            (Side::Client, Some((method, target))) => {
                (format!("{method} {target}"), labels::paths(method, target), None)
            }
            (Side::Client, None) => ("request".into(), Vec::new(), None),
            (Side::Server, _) => {
                let ends = if streamed.is_some() { " ends" } else { "" };
                let status = heads.status.map_or("response".into(), |it| it.to_string());
                let briefer = streamed.map(|_| vec![status.clone()]).unwrap_or_default();
                (format!("{status}{ends}"), briefer, heads.status)
            }
        };
        if *from == Side::Server {
            self.exchanges.remove(&(*conn, *exchange));
        }
        let cut_off = if *complete { "" } else { ", cut off" };
        let row = self.row(
            event,
            Some(*conn),
            Shape::Solid(*from),
            label,
            format!("{}{cut_off}", labels::tail(left)),
        );
        let row = Row { briefer, ..row };
        rows.push(match (from, status) {
            (Side::Client, _) => self.once(row, "the client must speak first"),
            (Side::Server, Some(101)) => self.remarked(row, "same connection, new rules"),
            (Side::Server, _) if !known => self.remarked(row, "answers what is no request"),
            (Side::Server, _) if streamed.is_some() => self.once(row, "sizes of chunks"),
            (Side::Server, _) => self.once(row, "the server may only answer"),
        });
        rows.extend(self.in_body(event, (*conn, *from), wire_len.saturating_sub(*body_len)));
        rows
    }

    fn frame(&mut self, event: &Event, frame: &Frame) -> Vec<Row> {
        self.read(frame.conn, frame.from, frame.wire_len);
        self.within.frame(frame);
        // A server that gives up on a client answers bytes that made no frame.
        let gives_up = frame.opcode == Opcode::Close && frame.from == Side::Server;
        let rest = gives_up.then(|| self.rest(event, frame.conn, Side::Client, "belongs to no message"));
        let mut rows = rest.unwrap_or_default();
        let row = self.row(
            event,
            Some(frame.conn),
            Shape::Solid(frame.from),
            labels::frame(frame),
            labels::tail(frame.wire_len),
        );
        let row = Row { briefer: labels::briefer(frame), ..row };
        let row = if frame.opcode == Opcode::Close { self.ends(row) } else { row };
        rows.push(match (frame.opcode, frame.from) {
            (Opcode::Pong, _) => self.once(row, "the ping's words come back"),
            (Opcode::Close, Side::Server) if self.over && frame.code == Some(GOING_AWAY) => {
                self.remarked(row, "the lesson is over")
            }
            (Opcode::Text | Opcode::Binary, Side::Server) if !self.client_spoke => {
                self.once(row, "the server may speak unasked")
            }
            (Opcode::Text | Opcode::Binary, Side::Client) => {
                self.client_spoke = true;
                self.once(row, "no new request")
            }
            (Opcode::Text | Opcode::Binary, Side::Server)
            | (Opcode::Close | Opcode::Ping | Opcode::Continuation | Opcode::Reserved(_), _) => {
                self.lesson(row)
            }
        });
        rows
    }

    fn fin(&mut self, event: &Event, conn: ConnId, from: Side) -> Vec<Row> {
        // A server that hangs up has heard what the client said before.
        let mut rows = self.rest(event, conn, Side::Client, "belongs to no message");
        rows.extend(self.rest(event, conn, from, "belongs to no message"));
        let first = self.state.get(conn).is_none_or(|it| it.fins.len() <= 1);
        let row = self.row(event, Some(conn), Shape::Solid(from), "FIN".into(), String::new());
        let row = self.ends(row);
        rows.push(match (first, from) {
            (true, Side::Client) => self.remarked(row, "CLIENT hangs up first"),
            (true, Side::Server) => self.remarked(row, "SERVER hangs up first"),
            (false, Side::Client) => self.remarked(row, "client agrees: closed"),
            (false, Side::Server) => self.remarked(row, "server agrees: closed"),
        });
        rows
    }

    fn closed(&mut self, event: &Event, conn: ConnId, first: Who, reset_by: Option<Side>) -> Vec<Row> {
        let mut rows = self.rest(event, conn, Side::Client, "belongs to no message");
        rows.extend(self.rest(event, conn, Side::Server, "belongs to no message"));
        let connection = self.state.get(conn);
        let silent = connection.is_some_and(|it| it.fins.is_empty());
        let lost = connection.is_some_and(no_close_frame);
        let mut add = |shape, label: &str, remark| {
            let row = self.row(event, Some(conn), shape, label.into(), String::new());
            let row = self.ends(row);
            rows.push(self.remarked(row, remark));
        };
        match (first, reset_by) {
            (_, Some(side)) => add(Shape::Broken(side), "reset (RST)", "nothing more arrives"),
            (Who::Reset, None) => add(Shape::Across, "reset (RST)", "nothing more arrives"),
            (Who::Error, None) => add(Shape::Across, "connection lost", "no FIN: the kernel gave up"),
            (Who::Both, None) => add(Shape::Across, "the FINs crossed", "both hung up at once"),
            (Who::Client | Who::Server, None) if silent => add(Shape::Across, "closed", "no FIN was seen"),
            (Who::Client | Who::Server, None) => {}
        }
        if lost {
            add(Shape::Across, "no close frame", "reported as 1006");
        }
        self.exchanges.retain(|(of, _), _| *of != conn);
        self.unread.retain(|(of, _), _| *of != conn);
        self.within.closed(conn);
        rows
    }

    fn world(&mut self, event: &Event, what: &str, text: &str) -> Vec<Row> {
        // A transport of a compare cannot go on: that is told in words, and is no rung.
        if what == lanes::FAILED {
            return Vec::new();
        }
        let mut rows = self.begun_messages(event);
        let (shape, label) = happening(what, text);
        // What is said is cut at its end, a name so that it leaves room for what happens.
        let briefer = if what == "say" { Vec::new() } else { vec![happening(what, &labels::short(text)).1] };
        let row = Row { briefer, ..self.row(event, None, shape, label, String::new()) };
        let nobody = if self.state.opened() == 0 { "nobody to tell" } else { "nobody left to tell" };
        let alone = what == "say" && self.state.open() == 0;
        rows.push(if alone { self.remarked(row, nobody) } else { self.lesson(row) });
        rows
    }

    /// A silence that held: nothing crossed, and that is to be seen.
    fn silence(&mut self, event: &Event, claim: &Claim) -> Option<Row> {
        let label = labels::silence(&claim.text).filter(|_| claim.held == Some(true))?;
        let row = self.row(event, None, Shape::Across, label, String::new());
        let remark = match (&claim.remark, self.state.open()) {
            (Some(remark), _) => Remark { text: remark.clone(), told: true },
            (None, 0) => Remark { text: "no connection is open".into(), told: false },
            (None, 1) => Remark { text: "the connection stays open".into(), told: false },
            (None, open) => Remark { text: format!("{open} connections stay open"), told: false },
        };
        Some(Row { remark: Some(remark), ..row })
    }

    /// Bytes were read, of which it is not known yet to which message they belong.
    fn count(&mut self, at: Elapsed, key: (ConnId, Side), len: u64, layer: Layer) {
        let unread = self.unread.entry(key).or_default();
        match layer {
            Layer::Tcp if unread.sealed => {}
            Layer::Tcp => *unread = Unread { len: unread.len.saturating_add(len), sealed: false, at },
            // Inside TLS the lengths of messages are those of the plaintext: nothing is left over to tell.
            Layer::Tls => *unread = Unread { len: 0, sealed: true, at },
        }
    }

    /// A message ended: so many of the bytes were its own.
    fn read(&mut self, conn: ConnId, from: Side, len: u64) {
        let unread = self.unread.entry((conn, from)).or_default();
        unread.len = unread.len.saturating_sub(len);
    }

    /// Bytes of this side that no message took.
    fn rest(&mut self, event: &Event, conn: ConnId, from: Side, why: &'static str) -> Vec<Row> {
        let Some(Unread { len: 1.., at, .. }) = self.unread.get(&(conn, from)) else {
            return Vec::new();
        };
        let event = Event { at: *at, ..event.clone() };
        let label =
            self.unread.remove(&(conn, from)).map(|unread| units::bytes(unread.len)).unwrap_or_default();
        let row = self.row(&event, Some(conn), Shape::Solid(from), label, String::new());
        vec![self.remarked(row, why)]
    }

    /// Something else happens, or the transcript is over: bytes whose message has begun and not ended.
    fn begun_messages(&mut self, event: &Event) -> Vec<Row> {
        let streams = &self.streams;
        let mut unread: Vec<_> =
            self.unread.keys().copied().filter(|(conn, from)| !streams.is_open(*conn, *from)).collect();
        unread.sort_unstable();
        let rest = |(conn, from)| self.rest(event, conn, from, "not yet a whole message");
        unread.into_iter().flat_map(rest).collect()
    }

    fn heads(&mut self, conn: ConnId, exchange: u64) -> &mut Heads {
        self.exchanges.entry((conn, exchange)).or_default()
    }

    fn row(&mut self, event: &Event, conn: Option<ConnId>, shape: Shape, label: String, tail: String) -> Row {
        let connection = conn.and_then(|conn| self.state.get(conn));
        let client = connection.and_then(|it| it.name.clone());
        let port = connection.map(|it| it.server.port());
        let since = self.since(event.at);
        let open = self.state.open() > 0;
        Row {
            seq: event.seq,
            since,
            conn,
            client,
            port,
            shape,
            label,
            briefer: Vec::new(),
            tail,
            remark: None,
            open,
        }
    }

    fn since(&mut self, at: Elapsed) -> Duration {
        let begun = self.begun.take();
        let zero = *self.zero.get_or_insert_with(|| match begun {
            Some(begun) if at.since(begun) > PROMPT => begun,
            Some(_) | None => at,
        });
        at.since(zero)
    }

    /// With the lesson's remark, or else this one.
    fn remarked(&mut self, row: Row, text: &str) -> Row {
        let row = self.lesson(row);
        let remark = row.remark.clone().or_else(|| Some(Remark { text: text.into(), told: false }));
        Row { remark, ..row }
    }

    /// With the lesson's remark, or else this one where it was not made yet.
    fn once(&mut self, row: Row, text: &'static str) -> Row {
        let row = self.lesson(row);
        if row.remark.is_none() && self.made.insert(text) {
            return self.remarked(row, text);
        }
        row
    }
}

/// Whether a WebSocket ended without a close frame from either side (RFC 6455, 7.1.5).
fn no_close_frame(connection: &Connection) -> bool {
    connection.upgraded.as_deref() == Some("websocket") && connection.close_frame.is_none()
}

/// What happened, and where.
fn happening(what: &str, text: &str) -> (Shape, String) {
    let whom = if text.is_empty() { "everybody" } else { text };
    match what {
        "say" => (Shape::Beside(Side::Server), text.to_owned()),
        "cut" => (Shape::Beside(Side::Server), format!("the server cuts off {whom}")),
        "vanish" => (Shape::Beside(Side::Client), format!("{whom} is gone: no word")),
        "stall" => (Shape::Across, format!("nothing passes: {text}")),
        other => (Shape::Across, format!("{other} {text}")),
    }
}
