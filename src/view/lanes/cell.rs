//! One thing in one lane, as wide as the lane.

use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::{Look, units};
use crate::terminal::{Ink, Line};
use crate::timeline::ConnId;

/// Later than this is late.
pub(super) const LATE: Duration = Duration::from_millis(100);
/// What comes back is cut to this where what was sent needs the room.
const LEAST: usize = 5;

/// Beside the end of a connection without FINs.
const RESET: &str = "reset ";
/// Of a connection on which only something was said.
const RESET_POSTS: &str = "reset (POST) ";
/// Said of an echo that has no room for its words.
const SAME: &str = "same";

/// A poll with its answer, or a frame and what came back on it, or the end of a connection.
#[derive(Debug, Default)]
pub(in crate::view) struct Cell {
    /// On which connection, where that is known.
    pub conn: Option<ConnId>,
    pub opened: bool,
    pub closed: bool,
    /// It was closed by a reset.
    pub reset: bool,
    /// What was asked last on it was a POST: it is not the one on which news come.
    pub posts: bool,
    /// Of the lane, not of a connection: why it cannot go on.
    pub note: Option<String>,
    /// The request's method.
    pub request: Option<String>,
    /// The response in short.
    pub answer: Option<String>,
    /// The client's frame.
    pub sent: Option<String>,
    /// The server's frame, after it.
    pub came: Option<String>,
    /// The news that it brought, and how long after they were made.
    pub heard: Vec<(String, Duration)>,
}

impl Cell {
    /// Whether there is something in it already, other than that its connection opened.
    pub fn is_used(&self) -> bool {
        self.request.is_some() || self.sent.is_some() || self.has_come()
    }

    /// Whether something came from the server already.
    pub fn has_come(&self) -> bool {
        self.answer.is_some() || self.came.is_some() || !self.heard.is_empty()
    }

    /// Whether news came with it, and nothing else.
    fn is_news(&self) -> bool {
        let asked = self.request.is_some() || self.sent.is_some() || self.answer.is_some();
        !asked && !self.opened && !self.closed && !self.heard.is_empty()
    }

    /// Draws it.
    pub fn draw(&self, look: Look, width: usize, line: &mut Line) {
        if let Some(note) = &self.note {
            let text = look.cut(note, width);
            let rest = " ".repeat(width - text.width());
            *line = std::mem::take(line).with(Ink::Bold, text).with(Ink::Plain, rest);
            return;
        }
        let edge = if self.is_used() { ("├", "┤") } else { ("│", "│") };
        line.push(Ink::Plain, if self.opened { "+" } else { edge.0 });
        self.inside(look, width.saturating_sub(2), line);
        line.push(Ink::Plain, if self.closed { "×" } else { edge.1 });
    }

    fn inside(&self, look: Look, room: usize, line: &mut Line) {
        if self.reset && !self.is_used() {
            let text = look.cut(if self.posts { RESET_POSTS } else { RESET }, room);
            return line.push(Ink::Plain, format!("{}{text}", " ".repeat(room - text.width())));
        }
        let up = self.request.as_ref().or(self.sent.as_ref()).map(|words| look.text(words));
        let brought = self.answer.is_some() || self.came.is_some();
        match up {
            Some(up) if self.has_come() => {
                let right = self.right(look, up.width(), room);
                to_server(look, &up, room - right, line);
                to_client(look, &self.incoming(look, right), right, line);
            }
            Some(up) => to_server(look, &up, room, line),
            None if brought => to_client(look, &self.incoming(look, room), room, line),
            // It was heard some time after it was sent: the arrow stands above.
            None => {
                let text = look.cut(&self.incoming(look, room), room);
                line.push(Ink::Plain, format!("{text}{}", " ".repeat(room - text.width())));
            }
        }
    }

    /// How much of the room is for what came from the server, where something went there as well: half, unless one
    /// of them needs more.
    fn right(&self, look: Look, up: usize, room: usize) -> usize {
        let forms: Vec<usize> = self.forms(look).iter().map(|form| form.width()).collect();
        let shortest = forms.last().copied().unwrap_or_default();
        if let Some(down) = forms.iter().find(|down| up + 2 + **down + 2 <= room) {
            return (room / 2).max(down + 2).min(room - up - 2);
        }
        match (self.heard.is_empty(), up + 1 + shortest < room) {
            (_, true) => shortest + 1,
            // The news must be read; the method gives way, its arrow stays.
            (false, false) if shortest + 2 <= room => room - 1,
            (false, false) => room - (up + 1).min(room / 3),
            (true, false) => room - (up + 1).min(room.saturating_sub(LEAST)),
        }
    }

    /// What came from the server, in at most so many columns with its arrow head.
    fn incoming(&self, look: Look, columns: usize) -> String {
        let forms = self.forms(look);
        // A stroke behind the words, unless there is no room for it.
        let fits = |room: usize| forms.iter().find(|form| form.width() <= columns.saturating_sub(room));
        if let Some(form) = fits(2).or_else(|| fits(1)) {
            return form.clone();
        }
        let room = columns.saturating_sub(1);
        let Some((text, after)) = self.news(look) else {
            return look.cut(forms.last().map_or("", String::as_str), room);
        };
        let tail = format!(", {}", units::duration(after));
        look.cut(&format!("{}{tail}", look.cut(&text, room.saturating_sub(tail.width()))), room)
    }

    /// In words, the longest form first.
    fn forms(&self, look: Look) -> Vec<String> {
        let Some((text, worst)) = self.news(look) else {
            let words = self.answer.as_ref().or(self.came.as_ref());
            let mut forms = vec![words.map(|words| look.text(words)).unwrap_or_default()];
            // What came back is what went there: that can be said in a word.
            if self.sent.is_some() && self.sent == self.came && forms[0].width() > SAME.len() {
                forms.push(SAME.into());
            }
            return forms;
        };
        let after = units::duration(worst);
        let late = if worst > LATE { " late" } else { "" };
        vec![format!("{text}, {after}{late}"), format!("{text}, {after}")]
    }

    /// What was heard, and how late at worst.
    fn news(&self, look: Look) -> Option<(String, Duration)> {
        let worst = self.heard.iter().map(|(_, after)| *after).max()?;
        let text = match self.heard.as_slice() {
            [(text, _)] => look.text(text),
            several => format!("{} news", several.len()),
        };
        Some((text, worst))
    }
}

/// So many messages in a row on a connection, each on its own, are told together.
pub(super) const SEVERAL: usize = 3;

/// Puts news together that came one after another at the same time.
pub(super) fn together(cells: &mut Vec<Cell>) {
    let mut all: Vec<Vec<Cell>> = Vec::new();
    for cell in cells.drain(..) {
        // What was heard later than it came belongs to what came.
        let is_of = |last: &Cell| last.conn == cell.conn || cell.came.is_none();
        let same = |run: &Vec<Cell>| run.last().is_some_and(|last| is_of(last) && last.is_news());
        match all.last_mut().filter(|run| cell.is_news() && same(run)) {
            Some(run) => run.push(cell),
            None => all.push(vec![cell]),
        }
    }
    for mut run in all {
        if run.len() >= SEVERAL {
            let heard = run.iter_mut().flat_map(|cell| std::mem::take(&mut cell.heard)).collect();
            run.truncate(1);
            run.iter_mut().for_each(|first| first.heard = Vec::clone(&heard));
        }
        cells.extend(run);
    }
}

/// `─GET──►`
fn to_server(look: Look, words: &str, room: usize, line: &mut Line) {
    let words = look.cut(words, room.saturating_sub(1));
    let free = room.saturating_sub(words.width() + 1);
    let before = free.min(1);
    line.push(Ink::Client, "─".repeat(before));
    line.push(Ink::Plain, words);
    line.push(Ink::Client, format!("{}►", "─".repeat(free - before)));
}

/// `◄──200─`
fn to_client(look: Look, words: &str, room: usize, line: &mut Line) {
    let words = look.cut(words, room.saturating_sub(1));
    let free = room.saturating_sub(words.width() + 1);
    let behind = free.min(1);
    line.push(Ink::Server, format!("◄{}", "─".repeat(free - behind)));
    line.push(Ink::Plain, words);
    line.push(Ink::Server, "─".repeat(behind));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(cell: &Cell, width: usize) -> String {
        let mut line = Line::default();
        cell.draw(Look::default(), width, &mut line);
        assert_eq!(line.width(), width);
        line.text()
    }

    fn poll(words: &str, ms: u64) -> Cell {
        let heard = vec![(words.into(), Duration::from_millis(ms))];
        Cell { request: Some("GET".into()), answer: Some("200".into()), heard, ..Cell::default() }
    }

    /// What and how late: whatever else there is in the lane gives way.
    #[test]
    fn what_was_heard_is_read_and_how_late() {
        assert_eq!(drawn(&poll("GOAL 1-0", 1100), 30), "├─GET►◄GOAL 1-0, 1.10 s late─┤");
        assert_eq!(drawn(&poll("GOAL 1-0", 1100), 26), "├─GET─►◄GOAL 1-0, 1.10 s─┤");
        assert_eq!(drawn(&poll("GOAL 1-0", 1100), 23), "├GET►◄GOAL 1-0, 1.10 s┤");
        assert_eq!(drawn(&poll("GOAL! 1-0", 1100), 23), "├►◄─GOAL! 1-0, 1.10 s─┤");
        assert_eq!(drawn(&poll("GOAL! 1-0", 1100), 21), "├►◄GOAL! 1-0, 1.10 s┤");
        assert_eq!(drawn(&poll("A RED CARD for number 8", 1100), 23), "├GET►◄A RED C…, 1.10 s┤");
    }

    #[test]
    fn many_news_at_once_are_counted() {
        let news = |words: &str, ms| Cell {
            came: Some(words.into()),
            heard: vec![(words.into(), Duration::from_millis(ms))],
            ..Cell::default()
        };
        let mut two = vec![news("a", 1), news("b", 2)];
        together(&mut two);
        assert_eq!(two.len(), 2);
        let mut three = vec![poll("x", 1), news("a", 1), news("b", 3), news("c", 2), poll("y", 1)];
        together(&mut three);
        assert_eq!(three.len(), 3);
        assert_eq!(drawn(&three[1], 23), "├◄────3 news, 3.00 ms─┤");
    }

    #[test]
    fn a_frame_and_its_echo_share_a_row() {
        let echo =
            |words: &str| Cell { sent: Some(words.into()), came: Some(words.into()), ..Cell::default() };
        assert_eq!(drawn(&echo("nice!"), 23), "├─nice!────►◄───nice!─┤");
        assert_eq!(drawn(&echo("what a match!"), 23), "├─what a match!►◄same─┤");
        assert_eq!(drawn(&echo("close 1000"), 23), "├─close 1000►◄───same─┤");
        assert_eq!(drawn(&echo("what a match it is!"), 23), "├what a match i…►◄same┤");
        assert_eq!(drawn(&echo(""), 23), "├──────────►◄─────────┤");
    }
}
