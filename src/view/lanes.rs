//! A compare while it runs: one lane for each transport, what happens at the same time in the same row.

use std::collections::HashMap;
use std::time::Duration;

use super::labels::nice;
use super::text::Look;
use super::units;
use crate::terminal::{Ink, Line};
use crate::timeline::{ConnId, Elapsed, Event, Frame, Kind, Opcode, Side, Slices};

mod cell;

pub(super) use cell::Cell;

/// What happens within this time shares a row.
const SAME_ROW: Duration = Duration::from_millis(30);
/// Of the time, with the space after it.
const TIME: usize = 8;
/// More lines than this nobody reads: what follows is only counted.
const MOST: usize = 72;
/// Between two lanes.
const GAP: usize = 1;
/// A lane that is narrower cannot say what it heard.
const NARROWEST: usize = 20;

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
    zero: Option<Elapsed>,
    running: bool,
    lanes: Vec<Lane>,
    conns: HashMap<ConnId, usize>,
    exchanges: HashMap<(ConnId, u64), Heads>,
    row: Option<Elapsed>,
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
    /// What is needed once for a connection, not once for a message: the handshake. Bytes and requests.
    pub once: (u64, u64),
    cells: Vec<Cell>,
}

impl Lanes {
    /// One for each name.
    pub fn new(look: Look, width: usize, names: &[String]) -> Self {
        let lane = |name: &String| Lane { name: name.clone(), ..Lane::default() };
        Self {
            look,
            width,
            zero: None,
            running: true,
            lanes: names.iter().map(lane).collect(),
            conns: HashMap::new(),
            exchanges: HashMap::new(),
            row: None,
            drawn: 0,
            slices: Slices::default(),
            words: HashMap::new(),
        }
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

    /// The names above the lanes.
    pub fn heading(&self) -> Vec<Line> {
        let legend = "+ opens   × closes   late: after it was said";
        let legend = Line::plain(" ").with(Ink::Dim, self.look.cut(legend, self.width.saturating_sub(1)));
        let Some(width) = self.columns() else {
            return vec![legend, Line::plain(" ".repeat(TIME - 2)).with(Ink::Dim, "s")];
        };
        let mut names = Line::plain(" ".repeat(TIME - 2)).with(Ink::Dim, "s");
        let mut sides = Line::default();
        for (n, lane) in self.lanes.iter().enumerate() {
            let start = TIME + n * (width + GAP);
            names.pad(start);
            names.push(Ink::Bold, self.look.cut(&self.look.text(nice(&lane.name)), width));
            sides.pad(start);
            sides.push(Ink::ClientTag, "C");
            sides.pad(start + width - 1);
            sides.push(Ink::ServerTag, "S");
        }
        vec![legend, names, sides]
    }

    /// Takes a fact: the rows that are complete now.
    pub fn event(&mut self, event: &Event) -> Vec<Line> {
        if !self.running {
            return Vec::new();
        }
        self.zero.get_or_insert(event.at);
        let over = self.row.is_some_and(|row| event.at.since(row) > SAME_ROW);
        let mut lines = if over { self.flush() } else { Vec::new() };
        match &event.kind {
            Kind::World { text, .. } => {
                lines.extend(self.flush());
                let across = vec![self.across(event.at, text)];
                lines.extend(self.at_most(across));
            }
            Kind::Heard { client, id, after, .. } => self.heard(event.at, client, *id, *after),
            _ => self.fact(event),
        }
        lines
    }

    /// The row that was held back for what might happen at the same time.
    pub fn flush(&mut self) -> Vec<Line> {
        let Some(at) = self.row.take() else {
            return Vec::new();
        };
        let cells: Vec<Vec<Cell>> =
            self.lanes.iter_mut().map(|lane| std::mem::take(&mut lane.cells)).collect();
        let lines = match self.columns() {
            Some(width) => self.side_by_side(at, &cells, width),
            None => self.listed(at, &cells),
        };
        self.at_most(lines)
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
        if before > MOST || lines.is_empty() {
            return Vec::new();
        }
        let rest = self.look.text("… the rest is counted below");
        vec![Line::plain(" ".repeat(TIME)).with(Ink::Dim, rest)]
    }

    fn side_by_side(&self, at: Elapsed, cells: &[Vec<Cell>], width: usize) -> Vec<Line> {
        let rows = cells.iter().map(Vec::len).max().unwrap_or_default();
        let row = |n: usize| {
            let mut line = self.time(at, n == 0);
            for (lane, cells) in self.lanes.iter().zip(cells) {
                match cells.get(n) {
                    Some(cell) => cell.draw(self.look, width, &mut line),
                    None if lane.opened > lane.closed => {
                        line.push(Ink::Plain, format!("│{}│", " ".repeat(width - 2)));
                    }
                    None => line.push(Ink::Plain, " ".repeat(width)),
                }
                line.push(Ink::Plain, " ".repeat(GAP));
            }
            line
        };
        (0..rows).map(row).collect()
    }

    /// Where the lanes do not fit beside each other: a line for each thing, with the lane's name.
    fn listed(&self, at: Elapsed, cells: &[Vec<Cell>]) -> Vec<Line> {
        let mut lines = Vec::new();
        for (lane, cells) in self.lanes.iter().zip(cells) {
            for cell in cells {
                let mut line = self.time(at, lines.is_empty());
                line.push(Ink::Plain, self.look.cut(&self.look.text(nice(&lane.name)), 17));
                line.pad(TIME + 18);
                cell.draw(self.look, self.width.saturating_sub(TIME + 18).max(NARROWEST), &mut line);
                lines.push(line);
            }
        }
        lines
    }

    /// News, across all lanes.
    fn across(&mut self, at: Elapsed, text: &str) -> Line {
        let mut line = self.time(at, true);
        let room = match self.columns() {
            Some(width) => self.lanes.len() * (width + GAP) - GAP,
            None => self.width - TIME,
        };
        let text = self.look.cut(&self.look.text(text), room.saturating_sub(8));
        let free = room.saturating_sub(Line::plain(&*text).width() + 4);
        let dots = |columns: usize| "· ".repeat(columns / 2);
        line.push(Ink::Plain, dots(free / 2));
        line.push(Ink::Bold, format!(" {text} "));
        line.push(Ink::Plain, format!(" {}", dots(free - free / 2)));
        line
    }

    fn time(&self, at: Elapsed, shown: bool) -> Line {
        let zero = self.zero.unwrap_or_default();
        let time = if shown { format!("{:>7.2} ", at.since(zero).as_secs_f64()) } else { String::new() };
        let mut line = Line::plain(self.look.cut(&time, TIME));
        line.pad(TIME);
        line
    }

    /// The width of a lane; `None` where they do not fit beside each other.
    fn columns(&self) -> Option<usize> {
        let lanes = self.lanes.len().max(1);
        let width = self.width.saturating_sub(TIME + (lanes - 1) * GAP) / lanes;
        (width >= NARROWEST).then_some(width.min(40))
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
            Kind::Request { exchange, method, .. } => {
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
                self.cell(event.at, lane, |cell| cell.closed).closed = true;
            }
            // Not to be drawn so small; the rest never has a connection in a lane.
            Kind::Bytes { .. }
            | Kind::Upgraded { .. }
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
            | Kind::Summary { .. } => {}
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
                self.cell(at, lane, |cell| cell.answer.is_some() || cell.frame.is_some()).answer =
                    Some(answer);
            }
        }
    }

    fn frame(&mut self, at: Elapsed, lane: usize, frame: &Frame) {
        let words = match frame.opcode {
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                self.lanes[lane].spoke.push(frame.from);
                said(frame)
            }
            Opcode::Close => frame.code.map_or("close".into(), |code| format!("close {code}")),
            Opcode::Ping => "ping".into(),
            Opcode::Pong => "pong".into(),
            Opcode::Reserved(bits) => format!("opcode {bits}"),
        };
        self.cell(at, lane, Cell::is_used).frame = Some((frame.from, words));
    }

    /// Remembers what the messages say that a lane's server sent, so that whoever hears of one can be quoted.
    fn listen(&mut self, lane: usize, event: &Event) {
        let Some(slice) = self.slices.event(event).filter(|slice| slice.from == Side::Server) else { return };
        let json = match (&event.kind, slice.bytes.windows(4).position(|it| it == b"\r\n\r\n")) {
            (Kind::Frame(frame), _) => frame.text.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            (_, Some(end)) => serde_json::from_slice(&slice.bytes[end + 4..]).ok(),
            (_, None) => None,
        };
        let json: serde_json::Value = json.unwrap_or_default();
        let one = json.get("data").unwrap_or(&json);
        let messages = one.as_array().map_or(std::slice::from_ref(one), Vec::as_slice);
        for message in messages {
            if let Some((id, text)) = super::said::message(message) {
                self.words.insert((lane, id), text.to_owned());
            }
        }
    }

    fn heard(&mut self, at: Elapsed, client: &str, id: u64, after: Elapsed) {
        let Some(lane) = self.lanes.iter().position(|lane| lane.name == client) else {
            return;
        };
        let words = self.words.get(&(lane, id));
        let text = words.map_or_else(|| format!("news {id}"), Clone::clone);
        let brought = |cell: &&mut Cell| match &cell.frame {
            Some((Side::Server, _)) => cell.heard.is_empty(),
            Some((Side::Client, _)) => false,
            None => cell.answer.is_some(),
        };
        match self.lanes[lane].cells.iter_mut().find(brought) {
            Some(cell) => cell.heard.push((text, after.0)),
            None => self.cell(at, lane, Cell::is_used).heard.push((text, after.0)),
        }
    }

    /// The cell to draw the next thing into: the last, unless it has no place for it.
    fn cell(&mut self, at: Elapsed, lane: usize, full: impl FnOnce(&Cell) -> bool) -> &mut Cell {
        self.row.get_or_insert(at);
        let cells = &mut self.lanes[lane].cells;
        if cells.last().is_none_or(|last| last.closed || full(last)) {
            cells.push(Cell::default());
        }
        let last = cells.len() - 1;
        &mut cells[last]
    }
}

/// The words of a message, out of the JSON that carries them.
fn said(frame: &Frame) -> String {
    let event = frame.text.as_deref().and_then(super::labels::event);
    event.map_or_else(|| super::labels::frame(frame), |(_, words)| words)
}
