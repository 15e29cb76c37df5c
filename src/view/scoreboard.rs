//! The end of a compare: picture, numbers, delays, verdict, and what it would be for many. Each is a block of its own,
//! so that it can stand on a small screen alone.

use std::time::Duration;

use super::labels::nice;
use super::lanes::Lanes;
use super::table::{self, Align, Column};
use super::text::{Look, wrap, wrap_text};
use super::verdict::{self, Scaled};
use super::{delays, picture, units};
use crate::terminal::{Ink, Line, Span};
use crate::timeline::{Spread, Transport};

/// For how many clients, and how many hours, the load is worked out.
const CLIENTS: f64 = 10_000.0;
const HOURS: f64 = 1.0;
/// The same in words.
pub(super) const MANY: &str = "10,000 clients for an hour";
/// Where those numbers come from.
pub(super) const ASSUMED: &str = "this run's rate, for 10,000 such clients; a WebSocket's handshake \
     and close count once; computed, not measured";
/// Narrower than this no table is drawn, columns: a card for each transport is read more easily.
const TABLE: usize = 72;
/// So many cards are one block.
const CARDS: usize = 3;

/// A row of plain sentences: its name, and a value for each transport.
pub(super) type Row = (&'static str, Vec<String>);

/// How the end of a compare is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawing {
    pub look: Look,
    pub width: usize,
    /// Only what a class needs.
    pub brief: bool,
}

impl Drawing {
    /// The blocks, in order.
    pub fn blocks(self, seconds: f64, transports: &[Transport], lanes: Option<&Lanes>) -> Vec<Vec<Line>> {
        let Self { look, width, brief } = self;
        let mut blocks = Vec::new();
        blocks.extend(lanes.map(|lanes| picture::draw(look, width, transports, lanes)));
        blocks.extend(self.numbers(transports));
        blocks.extend(lanes.map(|lanes| delays::draw(look, width, transports, lanes)));
        if !brief {
            blocks.extend(self.many(seconds, transports, lanes));
        }
        let sentences = verdict::sentences(seconds, transports);
        blocks.push(sentences.iter().flat_map(|it| self.sentence(it)).collect());
        blocks
    }

    /// The scoreboard, and what its bytes are made of.
    fn numbers(self, transports: &[Transport]) -> Vec<Vec<Line>> {
        let table = |columns: &[Column]| {
            let table = table::draw(self.look, self.width, transports, columns);
            table.filter(|_| self.width >= TABLE)
        };
        let mut tables = vec![table(&scores(transports))];
        if !self.brief {
            tables.push(table(&made_of(transports)));
        }
        let all: Option<Vec<_>> = tables.into_iter().collect();
        all.unwrap_or_else(|| {
            transports.chunks(CARDS).map(|some| some.iter().flat_map(|it| self.card(it)).collect()).collect()
        })
    }

    /// What a row of the tables says, in words.
    fn card(self, it: &Transport) -> Vec<Line> {
        let heard = match it.heard_after {
            Some(Spread { median, worst, .. }) => {
                format!("heard after {}, worst {}", units::duration(median.0), units::duration(worst.0))
            }
            None => "heard nothing".into(),
        };
        let counts = format!(
            "{}, {}, {} empty",
            units::count(it.connections, "connection"),
            units::count(it.requests, "request"),
            units::grouped(it.empty)
        );
        let talks = talks_by(&it.client_talks_by);
        let mut texts =
            vec![heard, counts, format!("{}. The client talks by {talks}.", units::bytes(total(it)))];
        if !self.brief {
            let (client, server) = (units::grouped(it.from_client), units::grouped(it.from_server));
            texts.push(format!("bytes: {client} from the client, {server} from the server"));
            let (payload, around) = (units::grouped(it.payload), units::grouped(around(it)));
            texts.push(format!("bytes: {payload} in messages, {around} around them"));
        }
        let name = Line::plain(" ")
            .with(Ink::Bold, self.look.cut(&self.look.text(nice(&it.name)), self.width.saturating_sub(1)));
        let lines =
            |text: String| wrap_text(Ink::Plain, &self.look.text(&text), "   ", "     ", self.width.min(100));
        std::iter::once(name).chain(texts.into_iter().flat_map(lines)).collect()
    }

    /// What it would be for many clients.
    fn many(self, seconds: f64, transports: &[Transport], lanes: Option<&Lanes>) -> Option<Vec<Line>> {
        let columns = many(seconds, transports, lanes);
        if columns.is_empty() {
            return None;
        }
        let title = [
            Span { ink: Ink::Bold, text: format!("{MANY}:") },
            Span { ink: Ink::Dim, text: format!(" {ASSUMED}") },
        ];
        let mut lines = wrap(&title, " ", "   ", self.width);
        let sentence = |n: usize| {
            let name = transports.get(n).map_or("", |it| nice(&it.name));
            let value = |column: &Column| {
                let value = column.values.get(n).map_or("", String::as_str);
                format!("{} {value}", column.heads.first().copied().unwrap_or_default())
            };
            let values: Vec<String> = columns.iter().map(value).collect();
            let text = self.look.text(&format!("{name}: {}", values.join(", ")));
            wrap_text(Ink::Plain, &text, " ", "   ", self.width)
        };
        let table = table::draw(self.look, self.width, transports, &columns);
        lines.extend(table.unwrap_or_else(|| (0..transports.len()).flat_map(sentence).collect()));
        Some(lines)
    }

    fn sentence(self, sentence: &verdict::Sentence) -> Vec<Line> {
        let spans = [
            Span { ink: Ink::Bold, text: self.look.text(&sentence.bold) },
            Span { ink: Ink::Plain, text: self.look.text(&sentence.plain) },
        ];
        wrap(&spans, " ", "   ", self.width.min(100))
    }
}

/// `a new connection`, `the same connection`
fn talks_by(how: &str) -> String {
    match how.split(' ').next() {
        Some("new") => format!("a {how}"),
        Some("same") => format!("the {how}"),
        Some(_) | None => how.into(),
    }
}

/// What was measured, for plain sentences.
pub(super) fn measured(transports: &[Transport]) -> Vec<Row> {
    let mut rows: Vec<Row> = scores(transports).into_iter().chain(made_of(transports)).map(row).collect();
    if transports.iter().any(|it| it.lost > 0) {
        rows.push(("never heard", transports.iter().map(|it| units::grouped(it.lost)).collect()));
    }
    rows
}

/// What it would be for many clients, for plain sentences.
pub(super) fn scaled(seconds: f64, transports: &[Transport], lanes: Option<&Lanes>) -> Vec<Row> {
    many(seconds, transports, lanes).into_iter().map(row).collect()
}

fn row(column: Column) -> Row {
    (column.heads.first().copied().unwrap_or_default(), column.values)
}

/// A column of what each transport has of something.
fn column(
    transports: &[Transport],
    heads: &'static [&'static str],
    align: Align,
    value: fn(&Transport) -> String,
) -> Column {
    Column { heads, values: transports.iter().map(value).collect(), align }
}

/// The scoreboard's columns.
fn scores(transports: &[Transport]) -> Vec<Column> {
    let column = |heads, align, value| column(transports, heads, align, value);
    let right = |heads, value| column(heads, Align::Right, value);
    vec![
        right(&["heard after", "heard\nafter"], |it| delay(it, |spread| spread.median.0)),
        right(&["worst"], |it| delay(it, |spread| spread.worst.0)),
        right(&["connections", "connections", "connec-\ntions"], |it| units::grouped(it.connections)),
        right(&["requests"], |it| units::grouped(it.requests)),
        right(&["empty"], |it| units::grouped(it.empty)),
        right(&["bytes"], |it| units::grouped(total(it))),
        column(&["client talks by", "client\ntalks by"], Align::Left, |it| it.client_talks_by.clone()),
    ]
}

/// What the bytes are made of: twice two parts that add up to all of them.
fn made_of(transports: &[Transport]) -> Vec<Column> {
    let column = |heads, align, value| column(transports, heads, align, value);
    let right = |heads, value| column(heads, Align::Right, value);
    vec![
        right(&["bytes from client", "bytes from\nclient"], |it| units::grouped(it.from_client)),
        right(&["bytes from server", "bytes from\nserver"], |it| units::grouped(it.from_server)),
        right(&["in messages", "in\nmessages"], |it| units::grouped(it.payload)),
        right(&["around them", "around\nthem"], |it| units::grouped(around(it))),
        column(&["server speaks", "server\nspeaks"], Align::Left, |it| {
            if it.name == "websocket" { "any time" } else { "when asked" }.into()
        }),
    ]
}

fn many(seconds: f64, transports: &[Transport], lanes: Option<&Lanes>) -> Vec<Column> {
    let once = |it: &Transport| lanes.and_then(|lanes| lanes.lane(&it.name)).map_or((0, 0), |lane| lane.once);
    let all = transports.iter().map(|it| verdict::scaled(it, seconds, once(it), CLIENTS, HOURS));
    let Some(all) = all.collect::<Option<Vec<Scaled>>>() else {
        return Vec::new();
    };
    let column = |heads, value: fn(&Scaled) -> String| Column {
        heads,
        values: all.iter().map(value).collect(),
        align: Align::Right,
    };
    vec![
        column(&["connections"], |it| units::rough(it.connections)),
        column(&["requests"], |it| units::rough(it.requests)),
        column(&["bytes"], |it| units::size(it.bytes)),
    ]
}

fn total(it: &Transport) -> u64 {
    it.from_client.saturating_add(it.from_server)
}

fn around(it: &Transport) -> u64 {
    total(it).saturating_sub(it.payload)
}

fn delay(it: &Transport, of: fn(Spread) -> Duration) -> String {
    it.heard_after.map_or_else(|| "never".into(), |spread| units::duration(of(spread)))
}
