//! The end of a compare: picture, numbers, delays, verdict, and what it would be for many. Each is a block of its own,
//! so that it can stand on a small screen alone.

use super::labels::nice;
use super::lanes::Lanes;
use super::table::{self, Align, Column};
use super::text::{Look, wrap, wrap_text};
use super::{delays, picture, units, verdict, ways};
use crate::terminal::{Ink, Line, Span};
use crate::timeline::{Load, Scaled, Summary, Transport};

mod cards;
mod columns;

/// Where the numbers for many come from.
const ASSUMED: &str = "this run's rate; what a connection needs once is counted once; computed, not measured";
/// Narrower than this no table is drawn, columns: a card for each transport is read more easily.
const TABLE: usize = 72;
/// So many lines of the verdict stand together: an answer may stand below them.
const VERDICT: usize = 10;
/// So many lines of a block fit a page, and a gap.
const PAGE: usize = 13;
/// Where a run was ended by somebody.
pub(super) const PARTIAL: &str = "Ended early: results so far.";

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
    /// The blocks, in order. Of many clients there are no lanes.
    pub fn blocks(self, summary: &Summary, lanes: Option<&Lanes>) -> Vec<Vec<Line>> {
        let Self { look, width, .. } = self;
        let mut blocks = vec![self.before(summary), picture::draw(look, width, summary, lanes)];
        blocks.extend(self.numbers(summary));
        blocks.push(failures(summary).iter().flat_map(|it| self.sentence(it)).collect());
        blocks.push(delays::draw(look, width, &summary.transports, lanes));
        blocks.extend(summary.scaled.as_ref().map(|scaled| self.many(summary, scaled)));
        blocks.extend(self.verdict(summary));
        blocks.retain(|lines| !lines.is_empty());
        blocks
    }

    /// The verdict; where it is long, in parts.
    fn verdict(self, summary: &Summary) -> Vec<Vec<Line>> {
        let mut blocks: Vec<Vec<Line>> = Vec::new();
        for sentence in verdict::sentences(summary) {
            let lines = self.sentence(&sentence);
            match blocks.last_mut().filter(|block| block.len() + lines.len() <= VERDICT) {
                Some(block) => block.extend(lines),
                None => blocks.push(lines),
            }
        }
        blocks
    }

    /// What must be known before anything else is read.
    fn before(self, summary: &Summary) -> Vec<Line> {
        let bold = |text: &str| verdict::Sentence { bold: text.into(), plain: String::new() };
        let partial = summary.partial.then(|| bold(PARTIAL));
        let clients = of_all(summary).map(|plain| verdict::Sentence { bold: String::new(), plain });
        partial.into_iter().chain(clients).flat_map(|it| self.sentence(&it)).collect()
    }

    /// The scoreboard, what its bytes are made of, and what its words mean.
    fn numbers(self, summary: &Summary) -> Vec<Vec<Line>> {
        let mut blocks = self.tables(summary, columns::tables(summary, self.brief));
        let brief = columns::is_brief(summary, self.brief);
        let words = explained(summary, brief);
        let mut notes: Vec<Line> = words.iter().flat_map(|text| self.note(Ink::Dim, text)).collect();
        if brief {
            notes.extend(self.note(Ink::Dim, &more(summary)));
        }
        match blocks.last_mut().filter(|last| last.len() + notes.len() <= PAGE) {
            Some(last) => last.extend(notes),
            None => blocks.push(notes),
        }
        blocks
    }

    /// The numbers that were left out, for whoever asks.
    pub fn rest(self, summary: &Summary) -> Vec<Vec<Line>> {
        match columns::is_brief(summary, self.brief) {
            true => Self { brief: false, ..self }.tables(summary, columns::rest(summary)),
            false => Vec::new(),
        }
    }

    /// Tables, or cards where those do not fit.
    fn tables(self, summary: &Summary, tables: Vec<Vec<Vec<Column>>>) -> Vec<Vec<Line>> {
        let names: Vec<&str> = summary.transports.iter().map(|it| it.name.as_str()).collect();
        let packed = |groups| table::pack(self.look, self.width, &names, groups);
        let tables: Option<Vec<_>> = match self.width {
            TABLE.. => tables.into_iter().map(packed).collect(),
            _ => None,
        };
        tables.map_or_else(|| self.cards(summary), |tables| tables.into_iter().flatten().collect())
    }

    /// What it would be for many clients.
    fn many(self, summary: &Summary, scaled: &Scaled) -> Vec<Line> {
        let columns = many(scaled);
        let title = [
            Span { ink: Ink::Bold, text: format!("{}:", title(scaled)) },
            Span { ink: Ink::Dim, text: format!(" {ASSUMED}") },
        ];
        let mut lines = wrap(&title, " ", "   ", self.width);
        let names: Vec<&str> = scaled.transports.iter().map(|it| it.name.as_str()).collect();
        let sentence = |(n, name): (usize, &&str)| {
            let value = |column: &Column| {
                let value = column.values.get(n).map_or("", String::as_str);
                format!("{} {value}", column.heads.first().copied().unwrap_or_default())
            };
            let values: Vec<String> = columns.iter().map(value).collect();
            let text = self.look.text(&format!("{}: {}", nice(name), values.join(", ")));
            wrap_text(Ink::Plain, &text, " ", "   ", self.width)
        };
        let table = table::draw(self.look, self.width, &names, &columns);
        lines.extend(table.unwrap_or_else(|| names.iter().enumerate().flat_map(sentence).collect()));
        lines.extend(not_computed(summary, scaled).iter().flat_map(|text| self.note(Ink::Plain, text)));
        lines
    }

    fn note(self, ink: Ink, text: &str) -> Vec<Line> {
        wrap_text(ink, &self.look.text(text), " ", "   ", self.width.min(100))
    }

    fn sentence(self, sentence: &verdict::Sentence) -> Vec<Line> {
        let spans = [
            Span { ink: Ink::Bold, text: self.look.text(&sentence.bold) },
            Span { ink: Ink::Plain, text: self.look.text(&sentence.plain) },
        ];
        wrap(&spans, " ", "   ", self.width.min(100))
    }
}

/// `1,000 clients on each. The numbers are of all of them together.`
pub(super) fn of_all(summary: &Summary) -> Option<String> {
    let each = if summary.transports.len() > 1 { " on each" } else { "" };
    let clients = units::count(summary.clients, "client");
    (summary.clients > 1).then(|| format!("{clients}{each}. The numbers are of all of them together."))
}

/// Who is in no row of what was computed for many, and why.
pub(super) fn not_computed(summary: &Summary, scaled: &Scaled) -> Option<String> {
    let missing = |it: &&Transport| !scaled.transports.iter().any(|load| load.name == it.name);
    let (failed, others): (Vec<&Transport>, Vec<&Transport>) =
        summary.transports.iter().filter(missing).partition(|it| it.failed.is_some());
    let names = |of: &[&Transport]| ways::listed(of.iter().map(|it| it.name.as_str()));
    let mut parts = Vec::new();
    if !failed.is_empty() {
        parts.push(format!("Not computed: {}, which failed.", names(&failed)));
    }
    if !others.is_empty() {
        parts.push(format!("Not computed: {}.", names(&others)));
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Where not all numbers are shown: which of them a key shows.
fn more(summary: &Summary) -> String {
    let any = |has: fn(&Transport) -> bool| summary.transports.iter().any(has);
    let heard = if any(|it| it.reached_after.is_some()) { ", when the server heard" } else { "" };
    let waits = if any(|it| it.time_wait.is_some()) { ", TIME_WAIT" } else { "" };
    format!("x shows more: bytes of each side{heard}{waits}.")
}

/// What words in the tables mean.
pub(super) fn explained(summary: &Summary, brief: bool) -> Vec<&'static str> {
    let all = &summary.transports;
    let mut notes = Vec::new();
    if all.iter().any(|it| it.heard_after.is_some()) {
        notes.push("median: half were sooner. p99: 99 of 100 were sooner.");
    }
    if !brief && all.iter().filter_map(|it| it.time_wait).any(|it| it.client > 0 || it.server > 0) {
        notes.push("TIME_WAIT: the kernel of who closed first remembers the connection.");
    }
    notes
}

/// Why a transport did not take part to the end.
pub(super) fn failures(summary: &Summary) -> Vec<verdict::Sentence> {
    let failed = |it: &Transport| {
        let reason = it.failed.as_ref()?.trim_end_matches('.');
        Some(verdict::Sentence { bold: format!("{} failed:", nice(&it.name)), plain: format!(" {reason}.") })
    };
    summary.transports.iter().filter_map(failed).collect()
}

/// What was measured, for plain sentences.
pub(super) fn measured(summary: &Summary) -> Vec<Row> {
    columns::tables(summary, false).into_iter().flatten().flatten().map(row).collect()
}

/// `10,000 clients for 1 h`
pub(super) fn title(scaled: &Scaled) -> String {
    format!("{} for {}", units::count(scaled.clients, "client"), units::span(scaled.seconds.0))
}

/// What stands beside that.
pub(super) fn assumed(scaled: &Scaled) -> String {
    format!("{}: {ASSUMED}", title(scaled))
}

/// What it would be for many clients, for plain sentences.
pub(super) fn scaled(scaled: &Scaled) -> Vec<Row> {
    many(scaled).into_iter().map(row).collect()
}

fn row(column: Column) -> Row {
    (column.heads.first().copied().unwrap_or_default(), column.values)
}

fn many(scaled: &Scaled) -> Vec<Column> {
    let all = &scaled.transports;
    let column = |heads, value: fn(&Load) -> String| Column {
        heads,
        values: all.iter().map(value).collect(),
        align: Align::Right,
    };
    let unknown = || "-".to_owned();
    let mut columns = vec![
        column(&["connections", "connec-\ntions"], |it| units::rough(it.connections)),
        column(&["requests"], |it| units::rough(it.requests)),
        column(&["bytes"], |it| units::size(it.bytes)),
    ];
    if all.iter().any(|it| it.cpu.is_some()) {
        columns.push(Column {
            values: all.iter().map(|it| it.cpu.map_or_else(unknown, units::processor)).collect(),
            ..column(&["server CPU", "server\nCPU"], |_| String::new())
        });
    }
    if all.iter().any(|it| it.memory.is_some()) {
        columns.push(Column {
            values: all.iter().map(|it| it.memory.map_or_else(unknown, units::memory)).collect(),
            ..column(&["server memory", "server\nmemory"], |_| String::new())
        });
    }
    columns
}

/// Bytes of both sides.
fn total(it: &Transport) -> u64 {
    it.from_client.saturating_add(it.from_server)
}
