//! How late the messages were heard: a row for each transport, a point for each message, on a logarithmic axis.

use std::collections::BTreeMap;
use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::labels::nice;
use super::lanes::{Lane, Lanes};
use super::text::{Look, wrap_text};
use super::units;
use crate::terminal::{Ink, Line};
use crate::timeline::Transport;

/// Of the names.
const NAME: usize = 19;
/// The widest that an axis is drawn: further apart, points are not told apart any better.
const WIDEST: usize = 80;
/// Rows for one transport, at most.
const ROWS: usize = 2;

/// The plot. Empty where nothing was observed.
pub(super) fn draw(look: Look, width: usize, transports: &[Transport], lanes: &Lanes) -> Vec<Line> {
    let observed: Vec<(&Transport, &Lane)> =
        transports.iter().filter_map(|it| Some((it, lanes.lane(&it.name)?))).collect();
    let canvas = width.saturating_sub(NAME).clamp(8, WIDEST);
    let all = || observed.iter().flat_map(|(_, lane)| &lane.delays).copied();
    let axis = Axis::over(all(), canvas);
    if observed.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![axis.map_or_else(|| title("delay"), |axis| axis.heading(canvas))];
    let mut crowded = false;
    for (transport, lane) in &observed {
        let mut name =
            Line::plain(" ").with(Ink::Plain, look.cut(&look.text(nice(&transport.name)), NAME - 2));
        name.pad(NAME);
        match &axis {
            Some(axis) if !lane.delays.is_empty() => {
                let marks = axis.marks(&lane.delays);
                let placed = placed(&marks, canvas);
                crowded |= placed.is_none();
                for row in placed.unwrap_or_else(|| dense(&marks, canvas)) {
                    let mut line = std::mem::replace(&mut name, Line::plain(" ".repeat(NAME)));
                    axis.row(&row, canvas, &mut line);
                    lines.push(line);
                }
            }
            Some(_) | None => {
                let nothing = missing(transport, lane).first().cloned().unwrap_or("heard nothing".into());
                lines.push(name.with(Ink::Plain, look.cut(&nothing, canvas)));
            }
        }
    }
    let mut note =
        |ink, text: &str| lines.extend(wrap_text(ink, &look.text(text), " ", "   ", width.min(100)));
    if axis.is_some_and(|axis| axis.decades > 1) {
        note(Ink::Dim, "In a row, each │ is ten times the one before it.");
    }
    for (transport, lane) in &observed {
        let missing = missing(transport, lane);
        if !missing.is_empty() && !lane.delays.is_empty() {
            note(Ink::Plain, &format!("{}: {}.", nice(&transport.name), missing.join(", ")));
        }
    }
    if crowded {
        note(
            Ink::Dim,
            "Crowded: a number begins below its point. A point without one is one message or more.",
        );
    }
    lines
}

/// The same in words: `WebSocket: 6 heard, from 0.15 ms to 0.20 ms`.
pub(super) fn sentences(transports: &[Transport], lanes: &Lanes) -> Vec<String> {
    let sentence = |it: &Transport| {
        let lane = lanes.lane(&it.name)?;
        let heard = match (lane.delays.iter().min(), lane.delays.iter().max()) {
            (Some(first), Some(last)) => {
                let (first, last) = (units::duration(*first), units::duration(*last));
                let heard = units::grouped(lane.delays.len() as u64);
                if first == last {
                    format!("{heard} heard, after {first}")
                } else {
                    format!("{heard} heard, from {first} to {last}")
                }
            }
            _ => "heard nothing".into(),
        };
        let parts: Vec<String> = std::iter::once(heard).chain(missing(it, lane)).collect();
        Some(format!("{}: {}", nice(&it.name), parts.join(", ")))
    };
    transports.iter().filter_map(sentence).collect()
}

fn title(text: &str) -> Line {
    let mut line = Line::plain(" ").with(Ink::Bold, text);
    line.pad(NAME);
    line
}

/// What has no point in the plot, and why.
fn missing(it: &Transport, lane: &Lane) -> Vec<String> {
    let mut parts = Vec::new();
    if it.lost > 0 {
        parts.push(format!("{} of {} never heard", units::grouped(it.lost), units::grouped(it.events)));
    }
    let (heard, seen) = (it.events.saturating_sub(it.lost), lane.delays.len() as u64);
    // Whoever begins to look in the middle has not seen them all.
    if seen < heard {
        parts.push(format!("{} heard before this view began", units::grouped(heard - seen)));
    }
    parts
}

/// How many messages fall on which column.
type Marks = BTreeMap<usize, usize>;
/// What stands where in a row.
type Placed = Vec<(usize, String)>;

/// Whole decades, from the shortest delay to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Axis {
    /// Its beginning is ten to the power of this, nanoseconds.
    low: u32,
    decades: u32,
    /// The column of its end; that of its beginning is 0.
    end: usize,
}

impl Axis {
    /// `None` where there is nothing to show. Beyond its end room is left for a label or a number.
    fn over(delays: impl Iterator<Item = Duration> + Clone, canvas: usize) -> Option<Self> {
        let (least, most) = (nanos(delays.clone().min()?), nanos(delays.clone().max()?));
        let low = least.ilog10();
        let high = most.ilog10() + u32::from(!is_decade(most));
        let decades = high.saturating_sub(low).max(1);
        let digits = units::grouped(delays.count() as u64).len() + 2;
        let beyond = label(low + decades).width().max(digits).min(canvas / 2);
        let room = canvas.saturating_sub(1 + beyond).max(1);
        // The same number of columns for each decade, so that none looks longer.
        let each = room / decades as usize;
        Some(Self { low, decades, end: if each > 0 { each * decades as usize } else { room } })
    }

    fn column(&self, delay: Duration) -> usize {
        let place = ((nanos(delay) as f64).log10() - f64::from(self.low)) / f64::from(self.decades);
        (place * self.end as f64).round().clamp(0.0, self.end as f64) as usize
    }

    /// Where a decade begins; the last one is the end.
    fn tick(&self, n: u32) -> usize {
        (f64::from(n) / f64::from(self.decades) * self.end as f64).round() as usize
    }

    fn marks(&self, delays: &[Duration]) -> Marks {
        let mut marks = Marks::new();
        for delay in delays {
            *marks.entry(self.column(*delay)).or_default() += 1;
        }
        marks
    }

    /// `│0.1 ms   │1 ms     │10 ms`: a label begins at its place.
    fn heading(&self, canvas: usize) -> Line {
        let mut line = title("delay, log");
        let fits = |step: &u32| {
            let mut labelled = (0..self.decades).step_by(*step as usize);
            labelled.all(|n| label(self.low + n).width() < self.tick(n + step) - self.tick(n))
        };
        let step = (1..=self.decades).find(fits).unwrap_or(self.decades);
        for n in 0..=self.decades {
            line.pad(NAME + self.tick(n));
            if NAME + self.tick(n) < line.width() {
                continue;
            }
            line.push(Ink::Dim, "│");
            let label = label(self.low + n);
            if n.is_multiple_of(step) && self.tick(n) + 1 + label.width() <= canvas {
                line.push(Ink::Plain, label);
            }
        }
        line
    }

    /// What is placed, over the lines of the decades.
    fn row(&self, placed: &Placed, canvas: usize, line: &mut Line) {
        let mut cells = vec![(Ink::Plain, ' '); canvas];
        for n in 0..=self.decades {
            if let Some(cell) = cells.get_mut(self.tick(n)) {
                *cell = (Ink::Dim, '│');
            }
        }
        for (column, text) in placed {
            for (cell, c) in cells.iter_mut().skip(*column).zip(text.chars()) {
                *cell = (Ink::Plain, c);
            }
        }
        cells.into_iter().for_each(|(ink, c)| line.push(ink, c));
    }
}

/// A clock does not know less than that.
fn nanos(delay: Duration) -> u128 {
    delay.as_nanos().max(1)
}

fn is_decade(nanos: u128) -> bool {
    10_u128.checked_pow(nanos.ilog10()) == Some(nanos)
}

/// In the units of all other delays: `0.1 ms`, `10 ms`, `1 s`.
fn label(power: u32) -> String {
    match power {
        0..=5 => format!("0.{}1 ms", "0".repeat(5 - power as usize)),
        6..=8 => format!("1{} ms", "0".repeat(power as usize - 6)),
        9.. => format!("1{} s", "0".repeat(power as usize - 9)),
    }
}

/// Each point at its column, with how many it stands for; what would cover another goes a row lower. `None` where
/// they are too many for that.
fn placed(marks: &Marks, canvas: usize) -> Option<Vec<Placed>> {
    let mut rows: Vec<Placed> = Vec::new();
    // The first column that is free, by row.
    let mut free = [0; ROWS];
    for (column, count) in marks {
        let text = if *count == 1 { "•".into() } else { format!("•x{}", units::grouped(*count as u64)) };
        let end = column + text.width();
        // A point of its own needs no room but its column: only numbers can cover what follows.
        let row = free.iter().position(|free| free <= column).filter(|_| end <= canvas)?;
        free[row] = end;
        if rows.len() <= row {
            rows.push(Placed::new());
        }
        rows[row].push((*column, text));
    }
    Some(rows)
}

/// All points in one row; below them the greatest numbers, as far as there is room.
fn dense(marks: &Marks, canvas: usize) -> Vec<Placed> {
    let points = marks.keys().map(|column| (*column, "•".to_owned())).collect();
    let mut counts: Vec<(usize, usize)> = marks.iter().map(|(column, count)| (*column, *count)).collect();
    counts.sort_by_key(|(column, count)| (std::cmp::Reverse(*count), *column));
    let mut taken = vec![false; canvas + 1];
    let mut below = Placed::new();
    for (column, count) in counts.into_iter().filter(|(_, count)| *count > 1) {
        let text = format!("x{}", units::grouped(count as u64));
        let end = column + text.width();
        if end <= canvas && !taken[column.saturating_sub(1)..=end].contains(&true) {
            taken[column..end].fill(true);
            below.push((column, text));
        }
    }
    if below.is_empty() { vec![points] } else { vec![points, below] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(micros: &[u64]) -> Vec<Duration> {
        micros.iter().copied().map(Duration::from_micros).collect()
    }

    fn axis(delays: &[Duration], canvas: usize) -> Axis {
        Axis::over(delays.iter().copied(), canvas).expect("there are some")
    }

    /// The rows of one transport, without its name.
    fn rows(delays: &[Duration], canvas: usize) -> String {
        let axis = axis(delays, canvas);
        let marks = axis.marks(delays);
        let rows = placed(&marks, canvas).unwrap_or_else(|| dense(&marks, canvas));
        let heading = axis.heading(canvas).text()[NAME..].to_owned();
        let row = |placed: &Placed| {
            let mut line = Line::default();
            axis.row(placed, canvas, &mut line);
            line.text().trim_end().to_owned()
        };
        std::iter::once(heading).chain(rows.iter().map(row)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_axis_covers_whole_decades() {
        let of_three = axis(&of(&[410, 1_103_155]), 61);
        assert_eq!((of_three.low, of_three.decades), (5, 5));
        let exactly = axis(&of(&[1000, 100_000]), 61);
        assert_eq!((exactly.low, exactly.decades, label(exactly.low)), (6, 2, "1 ms".into()));
        assert_eq!(axis(&of(&[1000]), 61).decades, 1);
        assert_eq!(Axis::over(std::iter::empty(), 61), None);
        let labels: Vec<_> = (3..=11).map(label).collect();
        let expected = ["0.001 ms", "0.01 ms", "0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"];
        assert_eq!(labels, expected);
    }

    #[test]
    fn points_stand_where_they_belong() {
        let delays = of(&[100, 1000, 10_000, 3162, 1000, 1000]);
        insta::assert_snapshot!(rows(&delays, 28), @r"
        │0.1 ms    │1 ms      │10 ms
        •          •x3  •     •
        ");
    }

    #[test]
    fn what_would_be_covered_goes_a_row_lower() {
        let delays = of(&[1000, 1000, 1300, 1300, 1300, 2000, 9000]);
        insta::assert_snapshot!(rows(&delays, 24), @r"
        │1 ms             │10 ms
        •x2  •           •│
        │ •x3             │
        ");
    }

    #[test]
    fn one_message_is_one_point() {
        insta::assert_snapshot!(rows(&of(&[1_600_000]), 24), @r"
        │1 s               │10 s
        │   •              │
        ");
    }

    #[test]
    fn very_many_are_two_rows() {
        let delays: Vec<_> = (0..10_000).map(|n| Duration::from_micros(1000 + n * 20)).collect();
        let text = rows(&delays, 61);
        assert_eq!(text.lines().count(), 3, "{text}");
        insta::assert_snapshot!(text);
    }

    proptest! {
        #[test]
        fn a_column_is_exact_to_its_rounding(
            nanos in proptest::collection::vec(0_u64..200_000_000_000, 1..40),
            canvas in 29_usize..120,
        ) {
            let delays: Vec<_> = nanos.iter().copied().map(Duration::from_nanos).collect();
            let axis = axis(&delays, canvas);
            for n in 0..=axis.decades {
                let there = Duration::from_nanos(10_u64.pow(axis.low + n));
                prop_assert_eq!(axis.column(there), axis.tick(n));
            }
            for delay in &delays {
                let decades = (delay.as_nanos().max(1) as f64).log10() - f64::from(axis.low);
                prop_assert!((0.0..=f64::from(axis.decades)).contains(&decades));
                let exact = decades * axis.end as f64 / f64::from(axis.decades);
                prop_assert!((axis.column(*delay) as f64 - exact).abs() <= 0.5 + 1e-9);
            }
            let marks = axis.marks(&delays);
            prop_assert_eq!(marks.values().sum::<usize>(), delays.len());
            let text = rows(&delays, canvas);
            prop_assert!(text.lines().count() <= 1 + ROWS);
            prop_assert!(text.lines().all(|row| row.width() <= canvas), "{}", text);
            // Every column that was hit shows its point, in whatever row.
            for column in marks.keys() {
                let point = |row: &str| row.chars().nth(*column) == Some('•');
                prop_assert!(text.lines().skip(1).any(point), "{} in\n{}", column, text);
            }
        }
    }
}
