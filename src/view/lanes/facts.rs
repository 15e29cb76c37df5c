//! What each fact puts into its lane.

use super::{Broke, Cell, Heads, Lanes, MOST, SAID};
use crate::timeline::{ConnId, Elapsed, Event, Frame, Kind, Opcode, Side, Who};
use crate::view::labels;
use crate::view::parcels::{Load, Parcel, in_short};
use crate::view::said;

/// What begins the answer that does not end.
const EVENTS: &str = "text/event-stream";

impl Lanes {
    pub(super) fn fact(&mut self, event: &Event) {
        let Some(conn) = event.kind.conn() else {
            return;
        };
        let Some(lane) = self.conns.get(&conn).copied() else {
            return;
        };
        self.streams.event(event);
        self.listen(lane, event);
        match &event.kind {
            Kind::Opened { .. } => {
                self.lanes[lane].opened += 1;
                self.cell(event.at, lane, conn, |_| true).opened = true;
            }
            Kind::Request { exchange, method, target, .. } => {
                self.asks(event.at, lane, (conn, *exchange), method, target)
            }
            Kind::Response { exchange, status, head, .. } => {
                let is_type = |name: &str| name.eq_ignore_ascii_case("content-type");
                let streams =
                    head.headers.iter().any(|(name, value)| is_type(name) && value.starts_with(EVENTS));
                let heads = self.exchanges.entry((conn, *exchange)).or_default();
                (heads.status, heads.streams) = (*status, streams);
                if streams {
                    self.lanes[lane].asked.remove(&(conn, *exchange));
                    self.lanes[lane].sockets.insert(conn);
                    self.lanes[lane].is_back(event.at);
                    self.cell(event.at, lane, conn, Cell::has_come).answer = Some(format!("{status} stream"));
                }
            }
            Kind::MessageEnd { from, exchange, body_len, .. } => {
                self.message(event.at, lane, (conn, *exchange), *from, *body_len);
            }
            Kind::Frame(frame) => self.frame(event.at, lane, frame),
            Kind::Packet { layer, packet, event: name, .. } => {
                if layer == "sse" && packet == "event" {
                    self.told_unasked(event.at, lane, conn, name.as_deref());
                } else if !self.framed.contains(&conn) {
                    self.loads.event(&event.kind);
                }
            }
            Kind::Fin { .. } => {
                self.ending.insert(conn);
            }
            Kind::Closed { first, reset_by, .. } => self.ends(event.at, lane, conn, *first, *reset_by),
            Kind::Upgraded { .. } => {
                self.framed.insert(conn);
                self.lanes[lane].sockets.insert(conn);
                self.lanes[lane].is_back(event.at);
            }
            // Not to be drawn so small; the rest never has a connection in a lane.
            Kind::Bytes { .. }
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

    fn asks(&mut self, at: Elapsed, lane: usize, key: (ConnId, u64), method: &str, target: &str) {
        if crate::wire::engineio::is_target(target) {
            self.carry.insert(key.0);
        }
        let lane = &mut self.lanes[lane];
        lane.asked.insert(key);
        if target.split(['?', '&']).skip(1).any(|it| it.starts_with("wait=")) {
            lane.holds = true;
            lane.waits.insert(key);
            lane.is_back(at);
        }
        self.methods.insert(key.0, method.to_owned());
        self.exchanges.entry(key).or_default().method = method.to_owned();
    }

    fn message(&mut self, at: Elapsed, lane: usize, key: (ConnId, u64), from: Side, body_len: u64) {
        let load = self.loads.take(key.0, from);
        let packets = (!load.is_empty()).then(|| self.in_short(&load));
        let heads = self.exchanges.entry(key).or_default();
        match from {
            Side::Client => {
                let mut method = heads.method.clone();
                if let Some(packets) = packets {
                    method = format!("{method} {packets}");
                }
                self.cell(at, lane, key.0, Cell::is_used).request = Some(method);
            }
            Side::Server => {
                let Heads { status, streams, .. } = std::mem::take(heads);
                self.exchanges.remove(&key);
                self.lanes[lane].asked.remove(&key);
                self.lanes[lane].waits.remove(&key);
                if streams {
                    // It was drawn when it began.
                    return;
                }
                let answer = match packets {
                    Some(packets) => packets,
                    None if body_len <= 2 && status == 200 && !self.carry.contains(&key.0) => "[]".into(),
                    None => status.to_string(),
                };
                let full = |cell: &Cell| cell.has_come() || cell.sent.is_some();
                self.cell(at, lane, key.0, full).answer = Some(answer);
            }
        }
    }

    /// What the packets of a body say: the first that says something, and how many others there are.
    fn in_short(&self, load: &Load) -> String {
        let texts = load.parcels.iter().filter_map(|parcel| parcel.text.as_deref());
        let shorts: Vec<_> = texts.map(in_short).collect();
        let said = shorts.iter().find_map(|(_, words)| words.clone()).map(|words| self.quoted(words));
        let first = said.or_else(|| shorts.first().map(|(name, _)| name.clone())).unwrap_or_default();
        match load.parcels.len() as u64 + load.more.0 {
            0 | 1 => first,
            several => format!("{first} +{}", several - 1),
        }
    }

    fn frame(&mut self, at: Elapsed, lane: usize, frame: &Frame) {
        let words = match frame.opcode {
            Opcode::Text if self.carry.contains(&frame.conn) => {
                let text = frame.text.as_deref().unwrap_or_default();
                let (name, words) = in_short(text);
                // What keeps the session alive is nothing that anybody says.
                self.lanes[lane].spoke.extend(words.is_some().then_some(frame.from));
                let probe = if text.get(1..) == Some(crate::wire::engineio::PROBE) { " probe" } else { "" };
                words.map_or_else(|| format!("{name}{probe}"), |words| self.quoted(words))
            }
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                self.lanes[lane].spoke.push(frame.from);
                let words = frame.text.as_deref().and_then(labels::event).map(|(_, words)| words);
                let label =
                    || self.look.cut(&labels::frame(frame), if self.told { SAID } else { usize::MAX });
                words.map_or_else(label, |words| self.quoted(words))
            }
            Opcode::Close => frame.code.map_or("close".into(), |code| format!("close {code}")),
            Opcode::Ping => "ping".into(),
            Opcode::Pong => "pong".into(),
            Opcode::Reserved(bits) => format!("opcode {bits}"),
        };
        match frame.from {
            Side::Client => self.cell(at, lane, frame.conn, Cell::is_used).sent = Some(words),
            // What comes back after the client's own frame stands beside it.
            Side::Server => {
                let full = |cell: &Cell| cell.has_come() || cell.request.is_some();
                self.cell(at, lane, frame.conn, full).came = Some(words);
            }
        }
    }

    /// An event of a stream.
    fn told_unasked(&mut self, at: Elapsed, lane: usize, conn: ConnId, name: Option<&str>) {
        let message = self.streams.data(conn).unwrap_or_default();
        self.remember(lane, &message);
        let words = said::message(&message).map(|(_, words)| self.quoted(words.to_owned()));
        let words = words.unwrap_or_else(|| name.unwrap_or("event").to_owned());
        self.lanes[lane].spoke.push(Side::Server);
        self.cell(at, lane, conn, |cell| cell.has_come() || cell.request.is_some()).came = Some(words);
    }

    fn ends(&mut self, at: Elapsed, lane: usize, conn: ConnId, first: Who, reset_by: Option<Side>) {
        let in_order = self.ending.remove(&conn);
        let broke = !in_order && (reset_by.is_some() || matches!(first, Who::Reset | Who::Error));
        let it = &mut self.lanes[lane];
        it.closed += 1;
        let waited = it.waits.iter().any(|(of, _)| *of == conn);
        it.waits.retain(|(of, _)| *of != conn);
        let asked = it.asked.iter().any(|(of, _)| *of == conn);
        it.asked.retain(|(of, _)| *of != conn);
        if (it.sockets.remove(&conn) || waited) && broke {
            it.broke.push(Broke { spoke: it.spoke.len(), at, back: None });
        } else if broke && !asked {
            it.reset_idle += 1;
        }
        let posts = self.methods.remove(&conn).is_some_and(|method| method == "POST");
        self.loads.closed(conn);
        let cell = self.cell(at, lane, conn, |cell| cell.closed || (broke && cell.is_used()));
        (cell.closed, cell.reset, cell.posts) = (true, broke, posts);
    }

    /// A lane cannot go on: `NAME: reason`.
    pub(super) fn failed(&mut self, at: Elapsed, text: &str) {
        let (name, reason) = text.split_once(": ").unwrap_or((text, ""));
        let Some(lane) = self.lanes.iter().position(|lane| lane.name == name) else { return };
        self.row.get_or_insert(at);
        let lines = self.in_lane(lane, &format!("failed: {reason}"));
        let cells = lines.into_iter().map(|line| Cell { note: Some(line), ..Cell::default() });
        self.lanes[lane].cells.extend(cells);
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
            (_, Some(end)) => slice.bytes.get(end + 4..).and_then(|body| serde_json::from_slice(body).ok()),
            (_, None) => None,
        };
        let json: serde_json::Value = json.unwrap_or_default();
        self.remember(lane, json.get("data").unwrap_or(&json));
    }

    fn remember(&mut self, lane: usize, one: &serde_json::Value) {
        let messages = one.as_array().map_or(std::slice::from_ref(one), Vec::as_slice);
        for message in messages {
            if let Some((id, text)) = said::message(message) {
                self.words.insert((lane, id), text.to_owned());
                let from = message.get("from").and_then(serde_json::Value::as_str);
                if from.is_some_and(|from| from != "server") {
                    self.lanes[lane].others.insert(id);
                }
            }
        }
    }

    pub(super) fn heard(&mut self, at: Elapsed, client: &str, conn: Option<ConnId>, id: u64, after: Elapsed) {
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
            // The answer to what the client says brings no news.
            None => cell.answer.is_some() && !cell.request.as_ref().is_some_and(|it| it.starts_with("POST")),
        };
        let same = |cell: &Cell| conn.is_some() && cell.conn == conn && brought(cell);
        let place = said.or_else(|| cells.iter().position(same));
        match place.or_else(|| cells.iter().position(brought)) {
            Some(cell) => cells[cell].heard.push((text, after.0)),
            None => self.place(at, lane, conn, Cell::is_used).heard.push((text, after.0)),
        }
    }

    /// Words that somebody said: in a sentence they stand in quotes, or they would be taken for the sentence's own.
    fn quoted(&self, words: String) -> String {
        if self.told { format!("\"{}\"", self.look.cut(&words, SAID)) } else { words }
    }

    fn cell(&mut self, at: Elapsed, lane: usize, conn: ConnId, full: impl Fn(&Cell) -> bool) -> &mut Cell {
        self.place(at, lane, Some(conn), full)
    }

    /// The cell to draw the next thing into: the last of this connection, unless it has no place for it.
    fn place(
        &mut self,
        at: Elapsed,
        lane: usize,
        conn: Option<ConnId>,
        full: impl Fn(&Cell) -> bool,
    ) -> &mut Cell {
        self.row.get_or_insert(at);
        let cells = &mut self.lanes[lane].cells;
        let last = cells.iter().rposition(|cell| cell.conn == conn);
        let free = last.filter(|last| !cells[*last].closed && !full(&cells[*last]));
        // What is too much to be drawn need not be kept.
        let place = match free {
            Some(place) => place,
            None if cells.len() <= MOST => {
                cells.push(Cell { conn, ..Cell::default() });
                cells.len() - 1
            }
            None => cells.len() - 1,
        };
        &mut cells[place]
    }
}
