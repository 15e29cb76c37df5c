//! A compare while it runs: one lane for each transport, what happens at the same time in the same row.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::labels::nice;
use super::parcels::Parcel;
use super::text::Look;
use super::units;
use crate::terminal::Line;
use crate::timeline::{ConnId, Elapsed, Event, Frame, Kind, Opcode, Side, Slices};

mod cell;
mod rows;
mod sentences;

pub(super) use cell::Cell;

/// What happens within this time shares a row.
const SAME_ROW: Duration = Duration::from_millis(30);
/// More lines than this nobody reads: what follows is only counted.
const MOST: usize = 72;

/// What is known of an exchange.
#[derive(Debug, Default, Clone)]
struct Heads {
    method: String,
    status: u16,
    request_len: u64,
}

/// All lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    look: Look,
    width: usize,
    /// In sentences, not drawn.
    told: bool,
    zero: Option<Elapsed>,
    running: bool,
    lanes: Vec<Lane>,
    conns: HashMap<ConnId, usize>,
    /// Connections whose frames carry packets.
    carry: HashSet<ConnId>,
    exchanges: HashMap<(ConnId, u64), Heads>,
    row: Option<Elapsed>,
    /// What the world did at that time.
    news: Option<String>,
    /// How many lines were drawn.
    drawn: usize,
    slices: Slices,
    /// What each message says, by lane and number.
    words: HashMap<(usize, u64), String>,
}

/// One lane, and what was observed of it.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub name: String,
    pub opened: u64,
    pub closed: u64,
    /// Frames of data, in order.
    pub spoke: Vec<Side>,
    /// What is needed once for a connection, not once for a message: its handshake and its close. Bytes and requests.
    pub once: (u64, u64),
    /// After how long each of the server's messages was heard, in the order in which they were.
    pub delays: Vec<Duration>,
    /// Open connections on which the server may speak unasked.
    sockets: HashSet<ConnId>,
    /// Messages that others than the server made: they are heard, and no news of the server.
    others: HashSet<u64>,
    cells: Vec<Cell>,
}

impl Lanes {
    /// One for each name.
    pub fn new(look: Look, width: usize, names: &[String]) -> Self {
        let lane = |name: &String| Lane { name: name.clone(), ..Lane::default() };
        Self {
            look,
            width,
            told: false,
            zero: None,
            running: true,
            lanes: names.iter().map(lane).collect(),
            conns: HashMap::new(),
            carry: HashSet::new(),
            exchanges: HashMap::new(),
            row: None,
            news: None,
            drawn: 0,
            slices: Slices::default(),
            words: HashMap::new(),
        }
    }

    /// The same in sentences: nothing is cut, and what is said stands in quotes.
    pub fn told(names: &[String]) -> Self {
        Self { told: true, ..Self::new(Look::default(), usize::MAX, names) }
    }

    /// What was observed of a transport.
    pub fn lane(&self, name: &str) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.name == name)
    }

    /// The workload is over. What its connections still do belongs to no ladder.
    pub fn end(&mut self) {
        self.running = false;
    }

    /// Whether this fact is one of a lane, or of the world around all of them.
    pub fn takes(&mut self, event: &Event) -> bool {
        if let Kind::Opened { conn, name: Some(name), .. } = &event.kind
            && self.running
            && let Some(lane) = self.lanes.iter().position(|lane| lane.name == *name)
        {
            self.conns.insert(*conn, lane);
        }
        match (&event.kind, event.kind.conn()) {
            (Kind::World { .. } | Kind::Heard { .. }, _) => self.running,
            (_, Some(conn)) => self.conns.contains_key(&conn),
            (_, None) => false,
        }
    }

    /// Takes a fact: the rows that are complete now, each with its lines.
    pub fn event(&mut self, event: &Event) -> Vec<Vec<Line>> {
        if !self.running {
            return Vec::new();
        }
        self.zero.get_or_insert(event.at);
        let mut rows = Vec::new();
        let over = self.row.is_some_and(|row| event.at.since(row) > SAME_ROW);
        if over || matches!(event.kind, Kind::World { .. }) {
            rows.push(self.flush());
        }
        match &event.kind {
            Kind::World { what, text, .. } => {
                self.row = Some(event.at);
                self.news = Some(text.clone());
                // Of what is not said nobody hears.
                if what != "say" {
                    rows.push(self.flush());
                }
            }
            Kind::Heard { client, id, after, .. } => self.heard(event.at, client, *id, *after),
            _ => self.fact(event),
        }
        if self.news.is_some() && self.all_told() {
            rows.push(self.flush());
        }
        rows.retain(|row| !row.is_empty());
        rows
    }

    /// Whether everybody who may be told unasked has heard the news. It is shown then, and not when something else
    /// happens, which may be seconds later.
    fn all_told(&self) -> bool {
        let mut listening = self.lanes.iter().filter(|lane| !lane.sockets.is_empty());
        listening.all(|lane| lane.cells.iter().any(|cell| !cell.heard.is_empty()))
    }

    /// The row that was held back for what might happen at the same time.
    pub fn flush(&mut self) -> Vec<Line> {
        let Some(at) = self.row.take() else {
            return Vec::new();
        };
        let news = self.news.take();
        let cells: Vec<Vec<Cell>> =
            self.lanes.iter_mut().map(|lane| std::mem::take(&mut lane.cells)).collect();
        let lines = if self.drawn <= MOST { self.rows(at, news.as_deref(), &cells) } else { Vec::new() };
        self.at_most(lines)
    }

    fn rows(&self, at: Elapsed, news: Option<&str>, cells: &[Vec<Cell>]) -> Vec<Line> {
        if self.told {
            return self.sentences(at, news, cells).into_iter().map(Line::plain).collect();
        }
        self.row(at, news, cells)
    }

    /// The lines of one more row, unless there are enough.
    fn at_most(&mut self, lines: Vec<Line>) -> Vec<Line> {
        let before = self.drawn;
        self.drawn = before.saturating_add(lines.len());
        if self.drawn <= MOST {
            return lines;
        }
        // Once is enough, and then nothing more, however few lines there are.
        self.drawn = usize::MAX;
        if before > MOST || lines.is_empty() { Vec::new() } else { vec![self.rest()] }
    }

    fn fact(&mut self, event: &Event) {
        let Some(conn) = event.kind.conn() else {
            return;
        };
        let Some(lane) = self.conns.get(&conn).copied() else {
            return;
        };
        self.listen(lane, event);
        match &event.kind {
            Kind::Opened { .. } => {
                self.lanes[lane].opened += 1;
                self.cell(event.at, lane, Cell::is_used).opened = true;
            }
            Kind::Request { exchange, method, target, .. } => {
                if crate::wire::engineio::is_target(target) {
                    self.carry.insert(conn);
                }
                self.exchanges.entry((conn, *exchange)).or_default().method.clone_from(method);
            }
            Kind::Response { exchange, status, .. } => {
                self.exchanges.entry((conn, *exchange)).or_default().status = *status;
            }
            Kind::MessageEnd { from, exchange, body_len, wire_len, .. } => {
                self.message(event.at, lane, (conn, *exchange), *from, (*body_len, *wire_len));
            }
            Kind::Frame(frame) => self.frame(event.at, lane, frame),
            Kind::Closed { .. } => {
                self.lanes[lane].closed += 1;
                self.lanes[lane].sockets.remove(&conn);
                self.cell(event.at, lane, |cell| cell.closed).closed = true;
            }
            Kind::Upgraded { .. } => {
                self.lanes[lane].sockets.insert(conn);
            }
            // Not to be drawn so small; the rest never has a connection in a lane.
            Kind::Bytes { .. }
            | Kind::Packet { .. }
            | Kind::Fin { .. }
            | Kind::Kernel { .. }
            | Kind::World { .. }
            | Kind::Heard { .. }
            | Kind::Step { .. }
            | Kind::Say { .. }
            | Kind::Predict { .. }
            | Kind::Answer { .. }
            | Kind::Claim(_)
            | Kind::Summary(_) => {}
        }
    }

    fn message(&mut self, at: Elapsed, lane: usize, key: (ConnId, u64), from: Side, lens: (u64, u64)) {
        let (body_len, wire_len) = lens;
        let heads = self.exchanges.entry(key).or_default();
        match from {
            Side::Client => {
                heads.request_len = wire_len;
                let method = heads.method.clone();
                self.cell(at, lane, Cell::is_used).request = Some(method);
            }
            Side::Server => {
                let Heads { status, request_len, .. } = std::mem::take(heads);
                self.exchanges.remove(&key);
                if status == 101 {
                    let (bytes, requests) = self.lanes[lane].once;
                    self.lanes[lane].once =
                        (bytes.saturating_add(request_len).saturating_add(wire_len), requests + 1);
                }
                let answer = if body_len <= 2 && status == 200 { "[]".into() } else { status.to_string() };
                self.cell(at, lane, |cell| cell.has_come() || cell.sent.is_some()).answer = Some(answer);
            }
        }
    }

    fn frame(&mut self, at: Elapsed, lane: usize, frame: &Frame) {
        let words = match frame.opcode {
            Opcode::Text if self.carry.contains(&frame.conn) => {
                let text = frame.text.as_deref().unwrap_or_default();
                let (name, words) = super::parcels::in_short(text);
                // What keeps the session alive is nothing that anybody says.
                self.lanes[lane].spoke.extend(words.is_some().then_some(frame.from));
                words.map_or(name, |words| self.quoted(words))
            }
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                self.lanes[lane].spoke.push(frame.from);
                let words = frame.text.as_deref().and_then(super::labels::event).map(|(_, words)| words);
                words.map_or_else(|| super::labels::frame(frame), |words| self.quoted(words))
            }
            Opcode::Close => {
                // It ends the connection: needed once, as the handshake is.
                let (bytes, requests) = self.lanes[lane].once;
                self.lanes[lane].once = (bytes.saturating_add(frame.wire_len), requests);
                frame.code.map_or("close".into(), |code| format!("close {code}"))
            }
            Opcode::Ping => "ping".into(),
            Opcode::Pong => "pong".into(),
            Opcode::Reserved(bits) => format!("opcode {bits}"),
        };
        match frame.from {
            Side::Client => self.cell(at, lane, Cell::is_used).sent = Some(words),
            // What comes back after the client's own frame stands beside it.
            Side::Server => {
                self.cell(at, lane, |cell| cell.has_come() || cell.request.is_some()).came = Some(words);
            }
        }
    }

    /// Remembers what the messages say that a lane's server sent, so that whoever hears of one can be quoted.
    fn listen(&mut self, lane: usize, event: &Event) {
        if let Kind::Packet { from: Side::Server, .. } = &event.kind {
            let first = Parcel::of(&event.kind).and_then(|parcel| parcel.first());
            return self.remember(lane, &first.unwrap_or_default());
        }
        let Some(slice) = self.slices.event(event).filter(|slice| slice.from == Side::Server) else { return };
        let json = match (&event.kind, slice.bytes.windows(4).position(|it| it == b"\r\n\r\n")) {
            (Kind::Frame(frame), _) => frame.text.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            (_, Some(end)) => serde_json::from_slice(&slice.bytes[end + 4..]).ok(),
            (_, None) => None,
        };
        let json: serde_json::Value = json.unwrap_or_default();
        self.remember(lane, json.get("data").unwrap_or(&json));
    }

    fn remember(&mut self, lane: usize, one: &serde_json::Value) {
        let messages = one.as_array().map_or(std::slice::from_ref(one), Vec::as_slice);
        for message in messages {
            if let Some((id, text)) = super::said::message(message) {
                self.words.insert((lane, id), text.to_owned());
                if message
                    .get("from")
                    .and_then(serde_json::Value::as_str)
                    .is_some_and(|from| from != "server")
                {
                    self.lanes[lane].others.insert(id);
                }
            }
        }
    }

    fn heard(&mut self, at: Elapsed, client: &str, id: u64, after: Elapsed) {
        let Some(lane) = self.lanes.iter().position(|lane| lane.name == client) else {
            return;
        };
        let words = self.words.get(&(lane, id));
        let text = words.map_or_else(|| format!("news {id}"), |words| self.quoted(words.clone()));
        if !self.lanes[lane].others.contains(&id) {
            self.lanes[lane].delays.push(after.0);
        }
        let cells = &mut self.lanes[lane].cells;
        // The frame that says it, else the first thing that came and may have brought it.
        let said = cells.iter().position(|cell| cell.heard.is_empty() && cell.came.as_ref() == Some(&text));
        let brought = |cell: &Cell| match &cell.came {
            Some(_) => cell.heard.is_empty(),
            None => cell.answer.is_some(),
        };
        match said.or_else(|| cells.iter().position(brought)) {
            Some(cell) => cells[cell].heard.push((text, after.0)),
            None => self.cell(at, lane, Cell::is_used).heard.push((text, after.0)),
        }
    }

    /// Words that somebody said: in a sentence they stand in quotes, or they would be taken for the sentence's own.
    fn quoted(&self, words: String) -> String {
        if self.told { format!("\"{words}\"") } else { words }
    }

    /// The cell to draw the next thing into: the last, unless it has no place for it.
    fn cell(&mut self, at: Elapsed, lane: usize, full: impl FnOnce(&Cell) -> bool) -> &mut Cell {
        self.row.get_or_insert(at);
        let cells = &mut self.lanes[lane].cells;
        // What is too much to be drawn need not be kept.
        if cells.len() <= MOST && cells.last().is_none_or(|last| last.closed || full(last)) {
            cells.push(Cell::default());
        }
        let last = cells.len() - 1;
        &mut cells[last]
    }
}
