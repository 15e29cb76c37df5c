//! The end of a compare: picture, numbers, verdict, and what it would be for many.

use super::lanes::{Lanes, nice};
use super::text::{Look, wrap};
use super::verdict::{self, Scaled};
use super::{picture, units};
use crate::terminal::{Ink, Line, Span};
use crate::timeline::{Spread, Transport};
use unicode_width::UnicodeWidthStr as _;

/// For how many clients, and how many hours, the load is worked out.
const CLIENTS: f64 = 10_000.0;
const HOURS: f64 = 1.0;

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
    blocks.push(table(look, width, transports, &measured(transports)));
    let scaled = scaled(seconds, transports, lanes);
    if !scaled.is_empty() {
        let mut lines = vec![Line::plain(" ").with(Ink::Bold, "10,000 clients for an hour (computed)")];
        lines.extend(table(look, width, transports, &scaled).into_iter().skip(1));
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
        row("heard after, median", |it| delay(it, |spread| spread.median.0)),
        row("heard after, worst", |it| delay(it, |spread| spread.worst.0)),
        row("connections", |it| units::grouped(it.connections)),
        row("requests", |it| units::grouped(it.requests)),
        row("empty answers", |it| units::grouped(it.empty)),
        row("bytes from client", |it| units::grouped(it.from_client)),
        row("bytes from server", |it| units::grouped(it.from_server)),
        row("of these, messages", |it| units::grouped(it.payload)),
        row("and around them", |it| {
            units::grouped((it.from_client + it.from_server).saturating_sub(it.payload))
        }),
        row("who may speak", |it| if it.name == "websocket" { "both" } else { "client, then server" }.into()),
        row("client talks by", |it| it.client_talks_by.clone()),
    ];
    if transports.iter().any(|it| it.lost > 0) {
        rows.push(row("never heard", |it| units::grouped(it.lost)));
    }
    rows
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
        row("connections opened", |it| units::grouped(it.connections.round() as u64)),
        row("requests", |it| units::grouped(it.requests.round() as u64)),
        row("bytes", |it| units::size(it.bytes)),
    ]
}

/// As many transports beside each other as fit, then the next ones below.
fn table(look: Look, width: usize, transports: &[Transport], rows: &[Row]) -> Vec<Line> {
    let label = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + 2;
    let room = width.saturating_sub(label);
    let full = transports.iter().map(|it| look.text(nice(&it.name)).width()).max().unwrap_or_default();
    let values = rows.iter().flat_map(|(_, values)| values).map(|it| look.text(it).width()).max();
    let wanted = full.max(values.unwrap_or_default()) + 2;
    let column = wanted.min(room / transports.len().clamp(1, 3)).max(wanted.min(13));
    let per_group = (room / column.max(1)).max(1);
    let mut lines = Vec::new();
    for start in (0..transports.len()).step_by(per_group) {
        let end = (start + per_group).min(transports.len());
        let cell = |text: &str| look.cut(&look.text(text), column.saturating_sub(2).max(1));
        let mut heading = Line::default();
        for (n, it) in transports[start..end].iter().enumerate() {
            heading.pad(label + n * column);
            let name =
                if look.text(nice(&it.name)).width() + 2 <= column { nice(&it.name) } else { &it.name };
            heading.push(Ink::Bold, cell(name));
        }
        lines.push(heading);
        for (name, values) in rows {
            let mut line = Line::plain(" ").with(Ink::Plain, *name);
            for (n, value) in values[start..end].iter().enumerate() {
                line.pad(label + n * column);
                line.push(Ink::Plain, cell(value));
            }
            lines.push(line);
        }
    }
    lines
}
