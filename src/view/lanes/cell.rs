//! One thing in one lane, as wide as the lane.

use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::{Look, units};
use crate::terminal::{Ink, Line};
use crate::timeline::Side;

/// Later than this is late.
const LATE: Duration = Duration::from_millis(100);

/// A poll with its answer, or a frame, or the end of a connection.
#[derive(Debug, Default)]
pub(in crate::view) struct Cell {
    pub opened: bool,
    pub closed: bool,
    /// The request's method.
    pub request: Option<String>,
    /// The response in short.
    pub answer: Option<String>,
    pub frame: Option<(Side, String)>,
    /// The news that it brought, and how long after they were made.
    pub heard: Vec<(String, Duration)>,
}

impl Cell {
    /// Whether there is something in it already, other than that its connection opened.
    pub fn is_used(&self) -> bool {
        self.request.is_some() || self.answer.is_some() || self.frame.is_some() || !self.heard.is_empty()
    }

    /// Draws it.
    pub fn draw(&self, look: Look, width: usize, line: &mut Line) {
        let edge = if self.is_used() { ("├", "┤") } else { ("│", "│") };
        line.push(Ink::Plain, if self.opened { "+" } else { edge.0 });
        self.inside(look, width.saturating_sub(2), line);
        line.push(Ink::Plain, if self.closed { "×" } else { edge.1 });
    }

    fn inside(&self, look: Look, room: usize, line: &mut Line) {
        match (&self.request, &self.answer, &self.frame) {
            (Some(method), None, _) => to_server(look, method, room, line),
            (Some(method), Some(_), _) => {
                let least = (look.text(method).width() + 2).min(room / 2);
                let down = self.incoming(look, room - least - 2);
                // Half each, but what was heard must be read.
                let right = (room / 2).max(down.width() + 2).min(room - least);
                to_server(look, method, room - right, line);
                to_client(look, &down, right, line);
            }
            (None, Some(_), _) => to_client(look, &self.incoming(look, room.saturating_sub(2)), room, line),
            (None, None, Some((Side::Client, words))) => to_server(look, &look.text(words), room, line),
            (None, None, Some((Side::Server, _))) => {
                to_client(look, &self.incoming(look, room.saturating_sub(2)), room, line);
            }
            (None, None, None) if !self.heard.is_empty() => {
                let text = look.cut(&self.incoming(look, room), room);
                line.push(Ink::Plain, format!("{text}{}", " ".repeat(room - text.width())));
            }
            (None, None, None) => line.push(Ink::Plain, " ".repeat(room)),
        }
    }

    /// What came from the server, in at most so many columns.
    fn incoming(&self, look: Look, room: usize) -> String {
        let plain = || match (&self.answer, &self.frame) {
            (Some(answer), _) => answer.clone(),
            (None, Some((_, words))) => look.text(words),
            (None, None) => String::new(),
        };
        let Some(worst) = self.heard.iter().map(|(_, after)| *after).max() else {
            return look.cut(&plain(), room);
        };
        let text = match self.heard.as_slice() {
            [(text, _)] => look.text(text),
            several => format!("{} news", several.len()),
        };
        let late = if worst > LATE { " late" } else { "" };
        let after = units::duration(worst);
        let forms =
            [format!("{text}, {after}{late}"), format!("{text}, {after}"), format!("{text} +{after}")];
        if let Some(fits) = forms.iter().find(|form| form.width() <= room) {
            return fits.clone();
        }
        let tail = format!(" +{after}");
        look.cut(&format!("{}{tail}", look.cut(&text, room.saturating_sub(tail.width()))), room)
    }
}

fn to_server(look: Look, words: &str, room: usize, line: &mut Line) {
    let words = look.cut(&look.text(words), room.saturating_sub(2));
    let fill = room.saturating_sub(words.width() + 2);
    line.push(Ink::Client, "─");
    line.push(Ink::Plain, words);
    line.push(Ink::Client, format!("{}►", "─".repeat(fill)));
}

fn to_client(look: Look, words: &str, room: usize, line: &mut Line) {
    let words = look.cut(words, room.saturating_sub(2));
    let fill = room.saturating_sub(words.width() + 2);
    line.push(Ink::Server, format!("◄{}", "─".repeat(fill)));
    line.push(Ink::Plain, words);
    line.push(Ink::Server, "─");
}
