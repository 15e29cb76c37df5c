//! The ladder's rows as text.

use super::ladder::{Row, Shape};
use super::text::{Look, wrap_text};
use super::{labels, units};
use crate::terminal::{Ink, Line};
use crate::timeline::Side;
use unicode_width::UnicodeWidthStr as _;

/// Which columns belong to what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rungs {
    look: Look,
    width: usize,
    /// Of the time, with the space after it.
    time: usize,
    /// Of the connection's number and the client's name, with the space after it.
    who: usize,
    /// Of the ladder, edges with it.
    ladder: usize,
    /// Of the remarks; 0 where they have lines of their own.
    margin: usize,
}

/// The same with its sum written close: ` + ` takes much room. The row above says of what.
fn close(row: &Row) -> Row {
    let tail = row.tail.replace(" + ", "+");
    Row { tail: tail.strip_suffix(" bytes").unwrap_or(&tail).to_owned(), ..row.clone() }
}

impl Rungs {
    /// For a transcript so wide.
    pub fn new(look: Look, width: usize) -> Self {
        let (time, who, margin) = match width {
            0..80 => (7, 9, 0),
            80..96 => (6, 9, 29),
            _ => (9, 10, 31),
        };
        let ladder = width.saturating_sub(time + who + margin).clamp(24, 62);
        let margin = if margin == 0 { 0 } else { width.saturating_sub(time + who + ladder) };
        Self { look, width, time, who, ladder, margin }
    }

    /// What stands above the first row.
    pub fn heading(&self, row: &Row) -> Line {
        let mut line = Line::plain(" ".repeat(self.time_width() - 2)).with(Ink::Dim, "ms");
        line.pad(self.time + self.who);
        line.push(Ink::Client, "CLIENT");
        let server = row.port.map(|port| format!(" :{port}")).unwrap_or_default();
        line.pad(self.time + self.who + self.ladder - "SERVER".len() - server.len());
        line.push(Ink::Server, "SERVER");
        line.push(Ink::Dim, server);
        line
    }

    /// A row, and the lines of its remark where that does not fit beside it.
    pub fn draw(&self, row: &Row) -> Vec<Line> {
        let mut line = Line::default();
        // When and whose stands in the row that it is inside of.
        if !matches!(row.shape, Shape::Within(_)) {
            let time = units::column(row.since);
            line = Line::plain(format!("{time:>0$}", self.time_width()));
            line.pad(self.time);
            line.push(Ink::Dim, self.look.cut(&self.who(row), self.who - 1));
        }
        line.pad(self.time + self.who);
        self.rung(row, &mut line);
        let Some(remark) = &row.remark else {
            return vec![line];
        };
        let text = self.look.text(&remark.text);
        if text.width() < self.margin {
            line.push(Ink::Plain, " ");
            line.push(Ink::Plain, text);
            return vec![line];
        }
        let indent = " ".repeat(self.time + self.who + 2);
        let mut lines = vec![line];
        lines.extend(wrap_text(Ink::Dim, &text, &indent, &indent, self.width));
        lines
    }

    fn time_width(&self) -> usize {
        if self.time > 7 { self.time - 2 } else { self.time - 1 }
    }

    fn who(&self, row: &Row) -> String {
        let conn = row.conn.map(|conn| conn.to_string()).unwrap_or_default();
        match row.conn.and(labels::client(row.client.as_deref())) {
            Some(name) => format!("{conn} {}", self.look.text(name)),
            None => conn,
        }
    }

    fn rung(&self, row: &Row, line: &mut Line) {
        match row.shape {
            Shape::Dotted(side) => self.arrow(row, side, '·', line),
            Shape::Solid(side) | Shape::Broken(side) => self.arrow(row, side, '─', line),
            Shape::Beside(_) | Shape::Across => self.beside(row, line),
            Shape::Within(side) => self.within(row, side, line),
        }
    }

    fn arrow(&self, row: &Row, side: Side, stroke: char, line: &mut Line) {
        // Edges, arrow head, tag and the strokes and spaces around the label take up to 10.
        let label = self.label(row, self.ladder.saturating_sub(if side == Side::Client { 9 } else { 10 }));
        let fill = |used: usize| stroke.to_string().repeat(self.ladder.saturating_sub(used + label.width()));
        let broken = matches!(row.shape, Shape::Broken(_));
        line.push(Ink::Plain, "├");
        match side {
            Side::Client => {
                line.push(Ink::Client, format!("{stroke} "));
                line.push(Ink::ClientTag, "C►");
                line.push(Ink::Plain, format!(" {label} "));
                line.push(Ink::Client, fill(9));
                line.push(Ink::Client, if broken { "×" } else { "►" });
            }
            Side::Server => {
                line.push(Ink::Server, if broken { "×" } else { "◄" });
                line.push(Ink::Server, fill(10));
                line.push(Ink::Plain, format!(" {label} "));
                line.push(Ink::Server, format!("{stroke} "));
                line.push(Ink::ServerTag, "◄S");
                line.push(Ink::Server, stroke.to_string());
            }
        }
        line.push(Ink::Plain, "┤");
    }

    /// A packet, hung up beneath the tag of who sent it.
    fn within(&self, row: &Row, side: Side, line: &mut Line) {
        let room = self.ladder.saturating_sub(8);
        let words = row.briefer.last().unwrap_or(&row.label);
        let cramped = self.look.text(words).width() + row.tail.width() > room;
        let label = if cramped { self.label(&close(row), room) } else { self.label(row, room) };
        let free = " ".repeat(self.ladder.saturating_sub(8 + label.width()));
        match side {
            Side::Client => {
                line.push(Ink::Plain, "│  ");
                line.push(Ink::Client, "└─");
                line.push(Ink::Plain, format!(" {label}{free} │"));
            }
            Side::Server => {
                line.push(Ink::Plain, format!("│ {free}{label} "));
                line.push(Ink::Server, "─┘");
                line.push(Ink::Plain, "  │");
            }
        }
    }

    fn beside(&self, row: &Row, line: &mut Line) {
        let edge = if row.open { "│" } else { "·" };
        let room = self.ladder.saturating_sub(4);
        let label = self.label(row, room);
        let free = room - label.width();
        let before = match row.shape {
            Shape::Beside(Side::Server) => free,
            Shape::Across => free / 2,
            Shape::Beside(Side::Client)
            | Shape::Dotted(_)
            | Shape::Solid(_)
            | Shape::Broken(_)
            | Shape::Within(_) => 0,
        };
        line.push(Ink::Plain, format!("{edge} {}", " ".repeat(before)));
        line.push(Ink::Bold, label);
        line.push(Ink::Plain, format!("{} {edge}", " ".repeat(free - before)));
    }

    /// The words, fewer of them if need be, cut so that what must be read stays.
    fn label(&self, row: &Row, room: usize) -> String {
        let tail = self.look.text(&row.tail);
        let for_words = room.saturating_sub(tail.width());
        let all = std::iter::once(&row.label).chain(&row.briefer).map(|label| self.look.text(label));
        let mut last = String::new();
        for label in all {
            last = label;
            if last.width() <= for_words {
                break;
            }
        }
        let label = match last.strip_suffix('"') {
            // What is quoted stays in quotes.
            Some(open) if last.width() > for_words && for_words > 4 => {
                format!("{}\"", self.look.cut(open, for_words - 1))
            }
            _ => self.look.cut(&last, for_words),
        };
        self.look.cut(&format!("{label}{tail}"), room)
    }
}
