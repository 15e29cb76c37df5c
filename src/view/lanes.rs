//! A compare while it runs: one lane for each transport, what happens at the same time in the same row.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::Duration;

use super::labels::nice;
use super::parcels::Loads;
use super::text::Look;
use super::units;
use crate::terminal::Line;
use crate::timeline::{ConnId, Elapsed, Event, Kind, Side, Slices};

mod cell;
mod facts;
mod rows;
mod sentences;
mod streams;

pub(super) use cell::Cell;
use streams::Streams;

/// What happens within this time shares a row.
const SAME_ROW: Duration = Duration::from_millis(30);
/// Of much news at once it takes so long until somebody has heard all of it.
const SAME_BURST: Duration = Duration::from_millis(100);
/// More of what is said is not told in a sentence, columns.
const SAID: usize = 160;
/// More lines than this nobody reads: what follows is only counted. Seven transports at their default work need fewer.
const MOST: usize = 128;
/// Of sentences, which do not scroll away.
const MOST_TOLD: usize = 1000;
/// What the world says where a lane cannot go on.
pub(super) const FAILED: &str = "failed";

/// `WebSocket failed: the connection was reset.`: in words, for where there are no lanes.
pub(super) fn failure(kind: &Kind) -> Option<String> {
    let Kind::World { what, text, .. } = kind else { return None };
    let (name, reason) = text.split_once(": ").unwrap_or((text, ""));
    let reason = if reason.is_empty() { "no reason is known" } else { reason.trim_end_matches('.') };
    (what == FAILED).then(|| format!("{} failed: {reason}.", nice(name)))
}

/// What is known of an exchange.
#[derive(Debug, Default, Clone)]
struct Heads {
    /// The request in short.
    method: String,
    status: u16,
    /// The answer goes on and on: it was drawn when it began.
    streams: bool,
}

/// All lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    look: Look,
    width: usize,
    /// In sentences, not drawn.
    told: bool,
    zero: Option<Elapsed>,
    /// When the last thing happened.
    last: Elapsed,
    running: bool,
    lanes: Vec<Lane>,
    /// Those that fit beside each other; the first is drawn while it runs.
    groups: Vec<Group>,
    conns: HashMap<ConnId, usize>,
    /// Connections whose frames carry packets.
    carry: HashSet<ConnId>,
    /// Connections that speak WebSocket.
    framed: HashSet<ConnId>,
    /// Connections on which somebody hung up in order.
    ending: HashSet<ConnId>,
    exchanges: HashMap<(ConnId, u64), Heads>,
    /// What was asked last on each connection.
    methods: HashMap<ConnId, String>,
    row: Option<Elapsed>,
    /// What the world did at that time.
    news: Option<String>,
    /// How much more news there were at once.
    more: u64,
    slices: Slices,
    streams: Streams,
    loads: Loads,
    /// What each message says, by lane and number.
    words: HashMap<(usize, u64), String>,
}

/// Lanes beside each other.
#[derive(Debug)]
struct Group {
    lanes: Range<usize>,
    /// How many lines were drawn.
    drawn: usize,
    /// What is not drawn while it runs.
    kept: Vec<Vec<Line>>,
}

/// One lane, and what was observed of it.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub name: String,
    pub opened: u64,
    pub closed: u64,
    /// What was said without a request, in order.
    pub spoke: Vec<Side>,
    /// When connections broke on which news were expected.
    pub broke: Vec<Broke>,
    /// Connections that were reset while nothing was expected on them.
    pub reset_idle: u64,
    /// After how long each of the server's messages was heard, in the order in which they were.
    pub delays: Vec<Duration>,
    /// Open connections on which the server may speak unasked.
    sockets: HashSet<ConnId>,
    /// Requests without an answer.
    asked: HashSet<(ConnId, u64)>,
    /// Those of them that wait for news.
    waits: HashSet<(ConnId, u64)>,
    /// Its requests wait for news.
    holds: bool,
    /// Messages that others than the server made: they are heard, and no news of the server.
    others: HashSet<u64>,
    cells: Vec<Cell>,
}

/// A connection broke on which news were expected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Broke {
    /// How many had been said before.
    pub spoke: usize,
    /// When.
    at: Elapsed,
    /// When news were expected again.
    back: Option<Elapsed>,
}

impl Lane {
    /// News are expected again.
    fn is_back(&mut self, at: Elapsed) {
        if let Some(last) = self.broke.last_mut() {
            last.back.get_or_insert(at);
        }
    }

    fn is_open(&self) -> bool {
        self.opened > self.closed
    }

    /// Whether it would hear news now.
    fn listens(&self) -> bool {
        !self.sockets.is_empty() || (self.holds && self.is_open())
    }

    /// Whether it has heard so many in this row, and all that they cause at once has happened.
    fn has_heard(&self, news: u64) -> bool {
        let asks = |cell: &Cell| cell.request.is_some() && !cell.has_come();
        let asks_again = !self.holds || self.cells.iter().any(asks);
        asks_again && self.cells.iter().map(|cell| cell.heard.len() as u64).sum::<u64>() >= news
    }
}

impl Lanes {
    /// One for each name.
    pub fn new(look: Look, width: usize, names: &[String]) -> Self {
        let lane = |name: &String| Lane { name: name.clone(), ..Lane::default() };
        let group = |lanes| Group { lanes, drawn: 0, kept: Vec::new() };
        Self {
            look,
            width,
            told: false,
            zero: None,
            last: Elapsed::default(),
            running: true,
            lanes: names.iter().map(lane).collect(),
            groups: rows::groups(width, names.len()).into_iter().map(group).collect(),
            conns: HashMap::new(),
            carry: HashSet::new(),
            framed: HashSet::new(),
            ending: HashSet::new(),
            exchanges: HashMap::new(),
            methods: HashMap::new(),
            row: None,
            news: None,
            more: 0,
            slices: Slices::default(),
            streams: Streams::default(),
            loads: Loads::default(),
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

    /// When a lane's connections for news began and ended, those that broke, as parts of the run: from 0 to 1. The last one
    /// may go on.
    pub fn pieces(&self, lane: &Lane) -> Vec<(f64, Option<f64>)> {
        let zero = self.zero.unwrap_or_default();
        let all = self.last.since(zero).as_secs_f64().max(f64::MIN_POSITIVE);
        let part = |at: Elapsed| (at.since(zero).as_secs_f64() / all).clamp(0.0, 1.0);
        let mut pieces = Vec::new();
        let mut start = Some(0.0);
        for broke in &lane.broke {
            pieces.extend(start.map(|start| (start, Some(part(broke.at)))));
            start = broke.back.map(part);
        }
        pieces.extend(start.map(|start| (start, None)));
        pieces
    }

    /// The workload is over. What its connections still do belongs to no ladder.
    pub fn end(&mut self) {
        self.running = false;
    }

    /// The groups that were not drawn while it ran, each with its heading. Once.
    pub fn others(&mut self) -> Vec<(Vec<Line>, Vec<Vec<Line>>)> {
        let kept: Vec<_> =
            self.groups.iter_mut().skip(1).map(|group| std::mem::take(&mut group.kept)).collect();
        let headed = |(n, rows): (usize, Vec<Vec<Line>>)| (self.heading_of(n + 1), rows);
        kept.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()).map(headed).collect()
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
        self.last = event.at;
        let mut rows = Vec::new();
        let row_takes = if self.more > 0 { SAME_BURST } else { SAME_ROW };
        let over = self.row.is_some_and(|row| event.at.since(row) > row_takes);
        let is_news = matches!(&event.kind, Kind::World { what, .. } if what != FAILED);
        let burst = !over && self.is_burst(&event.kind);
        if over || (is_news && !burst) {
            rows.push(self.flush());
        }
        match &event.kind {
            Kind::World { what, text, .. } if what == FAILED => self.failed(event.at, text),
            Kind::World { .. } if burst => self.more += 1,
            Kind::World { what, text, .. } => {
                self.row = Some(event.at);
                self.news = Some(text.clone());
                // Of what is not said nobody hears.
                if what != "say" {
                    rows.push(self.flush());
                }
            }
            Kind::Heard { client, conn, id, after } => self.heard(event.at, client, *conn, *id, *after),
            _ => self.fact(event),
        }
        if self.news.is_some() && self.all_told() {
            rows.push(self.flush());
        }
        rows.retain(|row| !row.is_empty());
        rows
    }

    /// Whether these are news that came with those before them, of which not everybody has heard yet.
    fn is_burst(&self, kind: &Kind) -> bool {
        matches!(kind, Kind::World { what, .. } if what == "say") && self.news.is_some()
    }

    /// Whether everybody who may be told unasked has heard the news. It is shown then, and not when something else
    /// happens, which may be seconds later.
    fn all_told(&self) -> bool {
        let news = self.more.saturating_add(1);
        let mut listening = self.lanes.iter().filter(|lane| lane.listens()).peekable();
        // Where nobody listens, more may come at once.
        listening.peek().is_some() && listening.all(|lane| lane.has_heard(news))
    }

    /// The row that was held back for what might happen at the same time: as far as it is drawn now.
    pub fn flush(&mut self) -> Vec<Line> {
        let Some(at) = self.row.take() else {
            return Vec::new();
        };
        let news = match (self.news.take(), std::mem::take(&mut self.more)) {
            (Some(news), more @ 1..) => Some(self.and_more(&news, more)),
            (news, _) if self.told => news.map(|news| self.look.cut(&news, SAID)),
            (news, _) => news,
        };
        let mut cells: Vec<Vec<Cell>> =
            self.lanes.iter_mut().map(|lane| std::mem::take(&mut lane.cells)).collect();
        cells.iter_mut().for_each(cell::together);
        if self.told {
            let lines = self.sentences(at, news.as_deref(), &cells).into_iter().map(Line::plain).collect();
            return self.at_most(0, lines);
        }
        let mut now = Vec::new();
        for n in 0..self.groups.len() {
            let Group { lanes, drawn, .. } = &self.groups[n];
            let drawn_so_far = *drawn <= self.most();
            let lines =
                if drawn_so_far { self.row(lanes.clone(), at, news.as_deref(), &cells) } else { Vec::new() };
            let lines = self.at_most(n, lines);
            if n == 0 {
                now = lines;
            } else if !lines.is_empty() {
                self.groups[n].kept.push(lines);
            }
        }
        now
    }

    fn most(&self) -> usize {
        if self.told { MOST_TOLD } else { MOST }
    }

    /// The lines of one more row of a group, unless there are enough.
    fn at_most(&mut self, group: usize, lines: Vec<Line>) -> Vec<Line> {
        let (rest, most) = (self.rest(), self.most());
        let Some(group) = self.groups.get_mut(group) else { return Vec::new() };
        let before = group.drawn;
        group.drawn = before.saturating_add(lines.len());
        if group.drawn <= most {
            return lines;
        }
        // Once is enough, and then nothing more, however few lines there are.
        group.drawn = usize::MAX;
        if before > most || lines.is_empty() { Vec::new() } else { vec![rest] }
    }
}
