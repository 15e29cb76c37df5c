//! How the rows of the lanes are laid out: beside each other, or one below the other where that does not fit.

use super::{Cell, Lanes};
use crate::terminal::{Ink, Line};
use crate::timeline::Elapsed;

use super::nice;

/// Of the time, with the space after it.
const TIME: usize = 8;
/// Of a lane's name, where the lanes stand below each other.
const NAME: usize = 18;
/// Between two lanes.
const GAP: usize = 1;
/// A lane that is narrower cannot say what it heard.
const NARROWEST: usize = 20;
/// The widest that a lane is drawn.
const WIDEST: usize = 40;

impl Lanes {
    /// The names above the lanes.
    pub fn heading(&self) -> Vec<Line> {
        let legend = "+ opens  × closes  1.10 s: heard so late";
        let legend = Line::plain(" ").with(Ink::Dim, self.look.cut(legend, self.width.saturating_sub(1)));
        let mut names = Line::plain(" ".repeat(TIME - 2)).with(Ink::Dim, "s");
        let Some(width) = self.columns() else {
            return vec![legend, names];
        };
        for (n, lane) in self.lanes.iter().enumerate() {
            let start = TIME + n * (width + GAP);
            names.pad(start);
            names.push(Ink::ClientTag, "C");
            names.pad(start + 2);
            names.push(Ink::Bold, self.look.cut(&self.look.text(nice(&lane.name)), width - 4));
            names.pad(start + width - 1);
            names.push(Ink::ServerTag, "S");
        }
        vec![legend, names]
    }

    /// What happened at one time: what the world did, and what that or a client caused.
    pub(super) fn row(&self, at: Elapsed, news: Option<&str>, cells: &[Vec<Cell>]) -> Vec<Line> {
        match self.columns() {
            Some(width) => self.side_by_side(at, news, cells, width),
            None => self.listed(at, news, cells),
        }
    }

    fn side_by_side(&self, at: Elapsed, news: Option<&str>, cells: &[Vec<Cell>], width: usize) -> Vec<Line> {
        let free = self.free(news, cells, width);
        let mut lines = Vec::new();
        if let (Some(news), None) = (news, &free) {
            lines.push(self.across(at, news));
        }
        let rows = cells.iter().map(Vec::len).max().unwrap_or_default();
        for n in 0..rows {
            let mut line = self.time(at, lines.is_empty());
            for (place, (lane, cells)) in self.lanes.iter().zip(cells).enumerate() {
                match (cells.get(n), &free, news) {
                    (Some(cell), _, _) => cell.draw(self.look, width, &mut line),
                    (None, Some(free), Some(news)) if n == 0 && free.contains(&place) => {
                        if place == free.start {
                            self.dotted(news, free.len() * (width + GAP) - GAP, &mut line);
                        }
                    }
                    (None, _, _) if lane.opened > lane.closed => {
                        line.push(Ink::Plain, format!("│{}│", " ".repeat(width - 2)));
                    }
                    (None, _, _) => {}
                }
                line.pad(TIME + (place + 1) * (width + GAP));
            }
            lines.push(line);
        }
        lines
    }

    /// The lanes that have nothing to show beside what the news brought elsewhere, where the news has room in them.
    fn free(&self, news: Option<&str>, cells: &[Vec<Cell>], width: usize) -> Option<std::ops::Range<usize>> {
        let needed = Line::plain(self.look.text(news?)).width() + 4;
        let mut best = 0..0;
        let mut start = 0;
        for (place, cells) in cells.iter().enumerate() {
            if !cells.is_empty() {
                start = place + 1;
            } else if place + 1 - start > best.len() {
                best = start..place + 1;
            }
        }
        let beside = !best.is_empty() && best.len() < cells.len();
        (beside && best.len() * (width + GAP) - GAP >= needed).then_some(best)
    }

    /// Where the lanes do not fit beside each other: a line for each thing, with the lane's name.
    fn listed(&self, at: Elapsed, news: Option<&str>, cells: &[Vec<Cell>]) -> Vec<Line> {
        let mut lines: Vec<Line> = news.map(|news| self.across(at, news)).into_iter().collect();
        for (lane, cells) in self.lanes.iter().zip(cells) {
            for cell in cells {
                let mut line = self.time(at, lines.is_empty());
                line.push(Ink::Plain, self.look.cut(&self.look.text(nice(&lane.name)), NAME - 1));
                line.pad(TIME + NAME);
                let room = self.width.saturating_sub(TIME + NAME).clamp(NARROWEST, WIDEST);
                cell.draw(self.look, room, &mut line);
                lines.push(line);
            }
        }
        lines
    }

    /// News, across all lanes.
    fn across(&self, at: Elapsed, text: &str) -> Line {
        let mut line = self.time(at, true);
        let room = match self.columns() {
            Some(width) => self.lanes.len() * (width + GAP) - GAP,
            None => self.width - TIME,
        };
        self.dotted(text, room, &mut line);
        line
    }

    /// `· · · GOAL 1-0 · · ·`
    fn dotted(&self, text: &str, room: usize, line: &mut Line) {
        let text = self.look.cut(&self.look.text(text), room.saturating_sub(4));
        let free = room.saturating_sub(Line::plain(&*text).width() + 4);
        let dots = |columns: usize| "· ".repeat(columns / 2);
        line.push(Ink::Plain, dots(free / 2));
        line.push(Ink::Bold, format!(" {text} "));
        line.push(Ink::Plain, format!(" {}", dots(free - free / 2)));
    }

    fn time(&self, at: Elapsed, shown: bool) -> Line {
        let zero = self.zero.unwrap_or_default();
        let time = if shown { format!("{:>7.2} ", at.since(zero).as_secs_f64()) } else { String::new() };
        let mut line = Line::plain(self.look.cut(&time, TIME));
        line.pad(TIME);
        line
    }

    /// What nobody reads is not drawn: this is said instead.
    pub(super) fn rest(&self) -> Line {
        let rest = self.look.text("… the rest is counted below");
        Line::plain(" ".repeat(TIME)).with(Ink::Dim, rest)
    }

    /// The width of a lane; `None` where they do not fit beside each other.
    fn columns(&self) -> Option<usize> {
        let lanes = self.lanes.len().max(1);
        let width = self.width.saturating_sub(TIME + (lanes - 1) * GAP) / lanes;
        (width >= NARROWEST).then_some(width.min(WIDEST))
    }
}
