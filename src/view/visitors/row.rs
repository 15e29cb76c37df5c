//! A row, and how it fits: what strangers made long is cut, what is counted of them is not.

use unicode_width::UnicodeWidthStr as _;

use crate::terminal::{Ink, Line};
use crate::timeline::{ConnId, Elapsed, Side};
use crate::view::text::{Look, wrap_text};

/// Above the first row: what the columns are.
pub(super) const HEADING: &str = " seconds    #";

/// Where the words begin.
const WORDS: usize = 15;

/// What strangers wrote is cut to no less than this before the rest moves to the next line, columns.
const LEAST: usize = 24;

/// One thing that happened.
#[derive(Debug)]
pub(super) struct Row {
    pub at: Elapsed,
    /// Nobody's, or that of several.
    pub conn: Option<ConnId>,
    pub from: Option<Side>,
    pub ink: Ink,
    /// What strangers wrote: may be cut.
    pub text: String,
    /// What follows it: is never cut.
    pub rest: String,
}

impl Row {
    /// A row of our own words alone.
    pub fn of(at: Elapsed, conn: Option<ConnId>, rest: String) -> Self {
        Self { at, conn, from: None, ink: Ink::Plain, text: String::new(), rest }
    }

    /// `  12.345   #3  C► GET /api/messages → 200, after 0.31 ms`
    pub fn lines(&self, look: Look, width: usize) -> Vec<Line> {
        let conn = self.conn.map(|conn| conn.to_string()).unwrap_or_default();
        let mut line = Line::plain(format!("{:>8} ", seconds(self.at))).with(Ink::Dim, format!("{conn:>4} "));
        line.pad(WORDS);
        let tag = match self.from {
            Some(Side::Client) => Some((Ink::ClientTag, "C►")),
            Some(Side::Server) => Some((Ink::ServerTag, "◄S")),
            None => None,
        };
        if let Some((ink, tag)) = tag {
            line.push(ink, look.text(tag));
            line.push(Ink::Plain, " ");
        }
        let indent = line.width();
        let mut lines = Vec::new();
        for text in fit(look, &self.text, &self.rest, width.saturating_sub(indent).max(1)) {
            line.push(self.ink, text);
            lines.push(std::mem::replace(&mut line, Line::plain(" ".repeat(indent))));
        }
        lines
    }
}

/// Eight columns, for eleven days.
fn seconds(at: Elapsed) -> String {
    let seconds = at.0.as_secs_f64();
    let digits = match seconds {
        _ if seconds < 9_999.999_5 => 3,
        _ if seconds < 99_999.995 => 2,
        _ => 1,
    };
    format!("{seconds:.digits$}")
}

/// One line, with as much of the text as there is room for beside the rest; or the rest on lines of its own.
fn fit(look: Look, text: &str, rest: &str, room: usize) -> Vec<String> {
    let (text, rest) = (look.text(text), look.text(rest));
    let left = room.saturating_sub(rest.width());
    if left >= text.width().min(LEAST) && rest.width() <= room {
        return vec![look.cut(&text, left) + &rest];
    }
    let mut lines = Vec::new();
    if !text.is_empty() {
        lines.push(look.cut(&text, room));
    }
    let rest = rest.trim_start_matches([' ', ',']);
    lines.extend(wrapped(rest, room));
    lines
}

/// Broken where a part ends, so that a number stays with its unit; inside of a part only where there is no room for it at all.
fn wrapped(rest: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut end = 0;
    let ends = rest.match_indices([':', ';', ',']).map(|(at, _)| at + 1);
    for next in ends.filter(|next| rest[*next..].starts_with(' ')).chain([rest.len()]).collect::<Vec<_>>() {
        let part = &rest[end..next];
        end = next;
        match lines.last_mut() {
            Some(line) if line.width() + part.width() <= room => line.push_str(part),
            _ => lines.extend(wrap_text(Ink::Plain, part.trim_start(), "", "", room).iter().map(Line::text)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_answer_is_in_sight_however_long_the_question() {
        let long = format!("GET /{}", "x".repeat(8000));
        let rest = " → 200, after 0.31 ms";
        for width in 48..=240 {
            let row = Row {
                from: Some(Side::Client),
                text: long.clone(),
                ..Row::of(Elapsed::default(), Some(ConnId(1)), rest.into())
            };
            let lines = row.lines(Look::default(), width);
            let shown: String = lines.iter().map(|line| line.text() + "\n").collect();
            assert!(lines.iter().all(|line| line.width() <= width), "{width}: {shown}");
            assert!(
                shown.contains("C► GET /xxxxxxxxxx") && shown.contains("→ 200, after 0.31 ms\n"),
                "{shown}"
            );
            assert_eq!(
                (lines.len(), shown.matches('…').count()),
                (if width < 63 { 2 } else { 1 }, 1),
                "{shown}"
            );
        }
        assert_eq!(fit(Look::default(), "GET /", ", after 1 s", 10), ["GET /", "after 1 s"]);
    }

    #[test]
    fn numbers_stay_with_their_units() {
        let rest = "closed by the client after 18.1 ms: 1 request; 1,052 bytes in, 123 out";
        assert_eq!(
            wrapped(rest, 45),
            ["closed by the client after 18.1 ms:", "1 request; 1,052 bytes in, 123 out"]
        );
        let narrow = ["closed by the client", "after 18.1 ms:", "1 request;", "1,052 bytes in,", "123 out"];
        assert_eq!(wrapped(rest, 20), narrow);
    }

    #[test]
    fn times_take_eight_columns() {
        let times = [0.0, 9_999.999_6, 86_400.0, 900_000.0];
        let shown = times.map(|time| seconds(Elapsed(Duration::from_secs_f64(time))));
        assert_eq!(shown, ["0.000", "10000.00", "86400.00", "900000.0"]);
    }
}
