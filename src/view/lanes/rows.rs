//! How the rows of the lanes are laid out: beside each other, or one below the other where that does not fit.

use std::ops::Range;

use super::{Cell, Lane, Lanes, SAID, nice};
use crate::terminal::{Ink, Line};
use crate::timeline::Elapsed;
use crate::view::text::wrap_text;
use crate::view::units;

/// Of the time, with the space after it.
const TIME: usize = 8;
/// Of a lane's name, where the lanes stand below each other.
const NAME: usize = 18;
/// Between two lanes.
const GAP: usize = 1;
/// A lane that is narrower cannot say what it heard.
const NARROWEST: usize = 20;
/// Where fewer fit beside each other, they stand below each other, unless these are all.
const LEAST: usize = 3;
/// The widest that a lane is drawn.
const WIDEST: usize = 40;

/// So many lanes stand below each other in one ladder.
const LISTED: usize = 4;
/// The most lines that say why a lane failed.
const REASON: usize = 4;

/// Which lanes stand in one ladder: all, or groups of about the same size where not all fit.
pub(super) fn groups(width: usize, lanes: usize) -> Vec<Range<usize>> {
    let fit = beside(width);
    let most = if fit >= lanes.min(LEAST) { fit.max(1) } else { LISTED };
    let count = lanes.div_ceil(most).max(1);
    let (each, more) = (lanes / count, lanes % count);
    // The first ones are the greater.
    let mut start = 0;
    let group = |n: usize| {
        let end = start + each + usize::from(n < more);
        let group = start..end;
        start = end;
        group
    };
    (0..count).map(group).collect()
}

/// How many lanes fit beside each other.
fn beside(width: usize) -> usize {
    width.saturating_add(GAP).saturating_sub(TIME) / (NARROWEST + GAP)
}

impl Lanes {
    /// The names above the lanes that are drawn while it runs.
    pub fn heading(&self) -> Vec<Line> {
        let legend = "+ opens  × closes  a time beside news: so late";
        let legend = Line::plain(" ").with(Ink::Dim, self.look.cut(legend, self.width.saturating_sub(1)));
        std::iter::once(legend).chain(self.heading_of(0)).collect()
    }

    /// The names above the lanes of a group, and which of all they are.
    pub(super) fn heading_of(&self, group: usize) -> Vec<Line> {
        let Some(Range { start, end }) = self.groups.get(group).map(|group| group.lanes.clone()) else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        if self.groups.len() > 1 {
            let which = match end - start {
                1 => format!("lane {end} of {}", self.lanes.len()),
                2 => format!("lanes {} and {end} of {}", start + 1, self.lanes.len()),
                _ => format!("lanes {} to {end} of {}", start + 1, self.lanes.len()),
            };
            let others = if group == 0 { "; the others are drawn at the end" } else { ", at the same time" };
            let others = self.look.cut(others, self.width.saturating_sub(which.len() + 1));
            lines.push(Line::plain(" ").with(Ink::Bold, which).with(Ink::Dim, others));
        }
        let mut names = Line::plain(" ".repeat(TIME - 2)).with(Ink::Dim, "s");
        if let Some(width) = self.columns(end - start) {
            for (n, lane) in self.lanes[start..end].iter().enumerate() {
                let start = TIME + n * (width + GAP);
                names.pad(start);
                names.push(Ink::ClientTag, "C");
                names.pad(start + 2);
                names.push(Ink::Bold, self.look.cut(&self.look.text(nice(&lane.name)), width - 4));
                names.pad(start + width - 1);
                names.push(Ink::ServerTag, "S");
            }
        }
        lines.push(names);
        lines
    }

    /// What happened at one time in the lanes of a group: what the world did, and what that or a client caused.
    pub(super) fn row(
        &self,
        group: Range<usize>,
        at: Elapsed,
        news: Option<&str>,
        cells: &[Vec<Cell>],
    ) -> Vec<Line> {
        let lanes: Vec<(&Lane, &[Cell])> =
            group.filter_map(|n| Some((self.lanes.get(n)?, cells.get(n)?.as_slice()))).collect();
        match self.columns(lanes.len()) {
            Some(width) => self.side_by_side(at, news, &lanes, width),
            None => self.listed(at, news, &lanes),
        }
    }

    /// Words in lines that fit into a lane.
    pub(super) fn in_lane(&self, lane: usize, words: &str) -> Vec<String> {
        let words = self.look.text(words);
        let group = self.groups.iter().find(|group| group.lanes.contains(&lane));
        let (false, Some(group)) = (self.told, group) else { return vec![words] };
        let room = self.columns(group.lanes.len()).unwrap_or_else(|| self.room());
        let lines = wrap_text(Ink::Bold, &words, "", "", room);
        let mut lines: Vec<String> = lines.iter().map(Line::text).collect();
        if lines.len() > REASON {
            let rest = lines.split_off(REASON - 1).join(" ");
            lines.push(self.look.cut(&rest, room));
        }
        lines
    }

    fn side_by_side(
        &self,
        at: Elapsed,
        news: Option<&str>,
        lanes: &[(&Lane, &[Cell])],
        width: usize,
    ) -> Vec<Line> {
        let free = self.free(news, lanes, width);
        let mut lines = Vec::new();
        if let (Some(news), None) = (news, &free) {
            lines.push(self.across(at, news, lanes.len()));
        }
        let rows = lanes.iter().map(|(_, cells)| cells.len()).max().unwrap_or_default();
        for n in 0..rows {
            let mut line = self.time(at, lines.is_empty());
            for (place, (lane, cells)) in lanes.iter().enumerate() {
                match (cells.get(n), &free, news) {
                    (Some(cell), _, _) => cell.draw(self.look, width, &mut line),
                    (None, Some(free), Some(news)) if n == 0 && free.contains(&place) => {
                        if place == free.start {
                            self.dotted(news, free.len() * (width + GAP) - GAP, &mut line);
                        }
                    }
                    (None, _, _) if lane.is_open() => line.0.extend(idle(lane, width - 2).0),
                    (None, _, _) => {}
                }
                line.pad(TIME + (place + 1) * (width + GAP));
            }
            lines.push(line);
        }
        lines
    }

    /// The lanes that have nothing to show beside what the news brought elsewhere, where the news has room in them.
    fn free(&self, news: Option<&str>, lanes: &[(&Lane, &[Cell])], width: usize) -> Option<Range<usize>> {
        let needed = Line::plain(self.look.text(news?)).width() + 4;
        let mut best = 0..0;
        let mut start = 0;
        for (place, (_, cells)) in lanes.iter().enumerate() {
            if !cells.is_empty() {
                start = place + 1;
            } else if place + 1 - start > best.len() {
                best = start..place + 1;
            }
        }
        let beside = !best.is_empty() && best.len() < lanes.len();
        (beside && best.len() * (width + GAP) - GAP >= needed).then_some(best)
    }

    /// Where the lanes do not fit beside each other: a line for each thing, with the lane's name.
    fn listed(&self, at: Elapsed, news: Option<&str>, lanes: &[(&Lane, &[Cell])]) -> Vec<Line> {
        let mut lines: Vec<Line> = news.map(|news| self.across(at, news, lanes.len())).into_iter().collect();
        for (lane, cells) in lanes {
            for cell in *cells {
                let mut line = self.time(at, lines.is_empty());
                line.push(Ink::Plain, self.look.cut(&self.look.text(nice(&lane.name)), NAME - 1));
                line.pad(TIME + NAME);
                cell.draw(self.look, self.room(), &mut line);
                lines.push(line);
            }
        }
        lines
    }

    /// Of a lane, where they stand below each other.
    fn room(&self) -> usize {
        self.width.saturating_sub(TIME + NAME).clamp(NARROWEST, WIDEST)
    }

    /// News, across all lanes of a group.
    fn across(&self, at: Elapsed, text: &str, lanes: usize) -> Line {
        let mut line = self.time(at, true);
        self.dotted(text, self.across_room(lanes), &mut line);
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

    /// `GOAL 1-0 and 11 more`: where it is too long the words are cut, and not the number.
    pub(super) fn and_more(&self, news: &str, more: u64) -> String {
        let more = format!(" and {} more", units::grouped(more));
        if self.told {
            return format!("{}{more}", self.look.cut(news, SAID));
        }
        let lanes = self.groups.iter().map(|group| group.lanes.len()).min().unwrap_or_default();
        let room = self.across_room(lanes).saturating_sub(4 + more.len());
        format!("{}{more}", self.look.cut(&self.look.text(news), room))
    }

    /// Of what stands across all lanes of a group.
    fn across_room(&self, lanes: usize) -> usize {
        match self.columns(lanes) {
            Some(width) => lanes * (width + GAP) - GAP,
            None => self.width - TIME,
        }
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
        let rest = self.look.text("… the rest is counted below; --json has all of it");
        let rest = self.look.cut(&rest, self.width.saturating_sub(TIME));
        Line::plain(" ".repeat(TIME)).with(Ink::Dim, rest)
    }

    /// The width of so many lanes; `None` where they stand below each other. The same in all groups.
    fn columns(&self, lanes: usize) -> Option<usize> {
        let most = self.groups.first().map_or(lanes, |group| group.lanes.len()).max(1);
        if beside(self.width) < self.lanes.len().min(LEAST) {
            return None;
        }
        let width = self.width.saturating_sub(TIME + (most - 1) * GAP) / most;
        Some(width.min(WIDEST))
    }
}

/// A connection on which nothing crosses; it is told where a question waits on it.
fn idle(lane: &Lane, room: usize) -> Line {
    let words = if !lane.waits.is_empty() { "waits" } else { "" };
    let before = room.saturating_sub(words.len()) / 2;
    let after = room.saturating_sub(words.len() + before);
    let line = Line::plain(format!("│{}", " ".repeat(before))).with(Ink::Dim, words);
    line.with(Ink::Plain, format!("{}│", " ".repeat(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_that_do_not_fit_stand_in_groups_of_about_the_same_size() {
        let sizes = |width, lanes| groups(width, lanes).iter().map(Range::len).collect::<Vec<_>>();
        assert_eq!(sizes(100, 7), [4, 3]);
        assert_eq!(sizes(80, 7), [3, 2, 2]);
        assert_eq!(sizes(160, 7), [7]);
        // Below each other.
        assert_eq!(sizes(60, 7), [4, 3]);
        assert_eq!(sizes(48, 3), [3]);
        assert_eq!(sizes(60, 2), [2]);
        assert_eq!(sizes(usize::MAX, 7), [7]);
        for (width, lanes) in (48..200).flat_map(|width| (1..=12).map(move |lanes| (width, lanes))) {
            let groups = groups(width, lanes);
            assert_eq!(groups.iter().cloned().flatten().collect::<Vec<_>>(), (0..lanes).collect::<Vec<_>>());
            assert!(groups.iter().all(|group| !group.is_empty()));
        }
    }
}
