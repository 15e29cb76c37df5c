//! The end of a compare: picture, numbers, verdict, and what it would be for many.

use super::labels::nice;
use super::lanes::Lanes;
use super::text::{Look, wrap, wrap_text};
use super::verdict::{self, Scaled};
use super::{picture, units};
use crate::terminal::{Ink, Line, Span};
use crate::timeline::{Spread, Transport};
use unicode_width::UnicodeWidthStr as _;

/// For how many clients, and how many hours, the load is worked out.
const CLIENTS: f64 = 10_000.0;
const HOURS: f64 = 1.0;
/// The same in words.
pub(super) const MANY: &str = "10,000 clients for an hour";
/// Where those numbers come from.
pub(super) const ASSUMED: &str = "this run's rate, for 10,000 such clients; computed, not measured";

/// A row of the scoreboard: its name, and a value for each transport.
pub(super) type Row = (&'static str, Vec<String>);

/// The blocks, in order.
pub(super) fn draw(
    look: Look,
    width: usize,
    seconds: f64,
    transports: &[Transport],
    lanes: Option<&Lanes>,
) -> Vec<Vec<Line>> {
    let mut blocks = Vec::new();
    blocks.extend(lanes.map(|lanes| picture::draw(look, width, transports, lanes)));
    let measured = measured(transports);
    let scaled = scaled(seconds, transports, lanes);
    let all: Vec<&Row> = measured.iter().chain(&scaled).collect();
    let table = Table::new(look, width, transports, &all);
    blocks.push(table.draw(&measured));
    if !scaled.is_empty() {
        let title = [
            Span { ink: Ink::Bold, text: format!("{MANY}:") },
            Span { ink: Ink::Dim, text: format!(" {ASSUMED}") },
        ];
        let mut lines = wrap(&title, " ", "   ", width);
        lines.extend(table.draw(&scaled));
        blocks.push(lines);
    }
    blocks.push(
        verdict::sentences(seconds, transports).iter().flat_map(|it| sentence(look, it, width)).collect(),
    );
    blocks
}

fn sentence(look: Look, sentence: &verdict::Sentence, width: usize) -> Vec<Line> {
    let spans = [
        Span { ink: Ink::Bold, text: look.text(&sentence.bold) },
        Span { ink: Ink::Plain, text: look.text(&sentence.plain) },
    ];
    wrap(&spans, " ", "   ", width.min(100))
}

/// What was measured, row by row.
pub(super) fn measured(transports: &[Transport]) -> Vec<Row> {
    let row = |name, value: fn(&Transport) -> String| (name, transports.iter().map(value).collect());
    let mut rows = vec![
        row("median delay", |it| delay(it, |spread| spread.median.0)),
        row("worst delay", |it| delay(it, |spread| spread.worst.0)),
        row("connections", |it| units::grouped(it.connections)),
        row("requests", |it| units::grouped(it.requests)),
        row("empty answers", |it| units::grouped(it.empty)),
        row("client's bytes", |it| units::grouped(it.from_client)),
        row("server's bytes", |it| units::grouped(it.from_server)),
        row("all bytes", |it| units::grouped(total(it))),
        row("  in messages", |it| units::grouped(it.payload)),
        row("  around them", |it| units::grouped(total(it).saturating_sub(it.payload))),
        row("server speaks", |it| if it.name == "websocket" { "any time" } else { "when asked" }.into()),
        row("client talks by", |it| it.client_talks_by.clone()),
    ];
    if transports.iter().any(|it| it.lost > 0) {
        rows.push(row("never heard", |it| units::grouped(it.lost)));
    }
    rows
}

fn total(it: &Transport) -> u64 {
    it.from_client.saturating_add(it.from_server)
}

fn delay(it: &Transport, of: fn(Spread) -> std::time::Duration) -> String {
    it.heard_after.map_or_else(|| "never".into(), |spread| units::duration(of(spread)))
}

/// What it would be for many clients.
pub(super) fn scaled(seconds: f64, transports: &[Transport], lanes: Option<&Lanes>) -> Vec<Row> {
    let once = |it: &Transport| lanes.and_then(|lanes| lanes.lane(&it.name)).map_or((0, 0), |lane| lane.once);
    let all = transports.iter().map(|it| verdict::scaled(it, seconds, once(it), CLIENTS, HOURS));
    let Some(all) = all.collect::<Option<Vec<Scaled>>>() else {
        return Vec::new();
    };
    let row = |name, value: fn(&Scaled) -> String| (name, all.iter().map(value).collect());
    vec![
        row("connections", |it| units::rough(it.connections)),
        row("requests", |it| units::rough(it.requests)),
        row("bytes", |it| units::size(it.bytes)),
    ]
}

/// As many transports beside each other as fit, then the next ones below.
struct Table {
    look: Look,
    names: Vec<String>,
    label: usize,
    column: usize,
    per_group: usize,
}

impl Table {
    fn new(look: Look, width: usize, transports: &[Transport], rows: &[&Row]) -> Self {
        let label = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + 2;
        let room = width.saturating_sub(label);
        let names: Vec<String> = transports.iter().map(|it| look.text(nice(&it.name))).collect();
        let values = rows.iter().flat_map(|(_, values)| values).map(|it| look.text(it).width());
        let wanted = names.iter().map(|it| it.width()).chain(values).max().unwrap_or_default() + 2;
        let column = wanted.min((room / transports.len().clamp(1, 3)).max(13));
        Self { look, names, label, column, per_group: (room / column).max(1) }
    }

    fn draw(&self, rows: &[Row]) -> Vec<Line> {
        let mut lines = Vec::new();
        for (n, names) in self.names.chunks(self.per_group).enumerate() {
            let start = n * self.per_group;
            lines.extend(self.row(Ink::Bold, "", names));
            for (name, values) in rows {
                lines.extend(self.row(Ink::Plain, name, &values[start..start + names.len()]));
            }
        }
        lines
    }

    /// Numbers below numbers; what is too long for its column goes on in the next line.
    fn row(&self, ink: Ink, name: &str, values: &[String]) -> Vec<Line> {
        let cell = |value: &String| wrap_text(ink, &self.look.text(value), "", "", self.column - 2);
        let cells: Vec<Vec<Line>> = values.iter().map(cell).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        let line = |n: usize| {
            let mut line = Line::plain(if n == 0 { format!(" {name}") } else { String::new() });
            for (place, cell) in cells.iter().enumerate() {
                let Some(part) = cell.get(n) else { continue };
                line.pad(self.label + (place + 1) * self.column - part.width());
                part.0.iter().for_each(|span| line.push(span.ink, span.text.clone()));
            }
            line
        };
        (0..height).map(line).collect()
    }
}
