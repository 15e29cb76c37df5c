//! How late the messages were heard: a row for each transport, a point for each message, on a logarithmic axis.

use std::collections::BTreeMap;
use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::labels::nice;
use super::lanes::Lanes;
use super::text::{Look, wrap_text};
use super::{units, verdict};
use crate::terminal::{Ink, Line};
use crate::timeline::Transport;

/// Of the names.
const NAME: usize = 19;
/// The widest that an axis is drawn: further apart, points are not told apart any better.
const WIDEST: usize = 80;

/// Of more messages than this no number is read any more: their distribution is drawn.
const MANY: u64 = 200;

/// What is known of a transport's delays.
struct Heard<'a> {
    it: &'a Transport,
    /// The shortest first, each with how many messages were heard after it.
    delays: Vec<(Duration, u64)>,
}

impl<'a> Heard<'a> {
    /// What the summary says, or what was observed, where it is silent. `None` where neither is there.
    fn of(it: &'a Transport, lanes: Option<&Lanes>) -> Option<Self> {
        let mut delays: Vec<(Duration, u64)> = it.delays.iter().map(|it| (it.after.0, it.count)).collect();
        if delays.is_empty() {
            let lane = lanes.and_then(|lanes| lanes.lane(&it.name));
            // Without either, only of somebody who heard nothing is something known.
            if lane.is_none() && it.heard_after.is_some() {
                return None;
            }
            delays = lane.iter().flat_map(|lane| &lane.delays).map(|delay| (*delay, 1)).collect();
        }
        delays.sort_unstable();
        Some(Self { it, delays })
    }

    fn count(&self) -> u64 {
        self.delays.iter().map(|(_, count)| *count).fold(0, u64::saturating_add)
    }

    /// What has no point in the plot, and why.
    fn missing(&self) -> Vec<String> {
        let it = self.it;
        let mut parts = Vec::new();
        if it.lost > 0 {
            let all = self.count().saturating_add(it.lost).max(it.events);
            parts.push(format!("{} of {} never heard", units::grouped(it.lost), units::grouped(all)));
        }
        // Whoever begins to look in the middle has not seen them all.
        let heard = it.events.saturating_sub(it.lost);
        let seen = self.count();
        if seen < heard && it.delays.is_empty() {
            parts.push(format!("{} heard before this view began", units::grouped(heard - seen)));
        }
        parts
    }
}

/// The plot. Empty where nothing is known.
pub(super) fn draw(look: Look, width: usize, transports: &[Transport], lanes: Option<&Lanes>) -> Vec<Line> {
    let known: Vec<Heard<'_>> = transports.iter().filter_map(|it| Heard::of(it, lanes)).collect();
    let canvas = width.saturating_sub(NAME).clamp(8, WIDEST);
    let most = known.iter().map(Heard::count).filter(|count| *count <= MANY).max().unwrap_or_default();
    let axis =
        Axis::over(known.iter().flat_map(|heard| &heard.delays).map(|(delay, _)| *delay), most, canvas);
    if known.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![axis.map_or_else(|| title("delay"), |axis| axis.heading(canvas))];
    let mut legend = Legend::default();
    for heard in &known {
        let mut name =
            Line::plain(" ").with(Ink::Plain, look.cut(&look.text(nice(&heard.it.name)), NAME - 2));
        name.pad(NAME);
        match &axis {
            Some(axis) if heard.count() > MANY => {
                legend.spread = true;
                axis.row(axis.spread(look, heard), canvas, &mut name);
                lines.push(name);
            }
            Some(axis) if !heard.delays.is_empty() => {
                let points = points(&axis.marks(&heard.delays));
                legend.many =
                    legend.many.or_else(|| points.iter().map(|(_, count)| *count).find(|count| *count > 1));
                let drawn = points.iter().map(|(column, count)| (*column, Ink::Plain, point(*count)));
                axis.row(drawn.collect(), canvas, &mut name);
                lines.push(name);
            }
            Some(_) | None => {
                let nothing =
                    heard.missing().first().cloned().unwrap_or_else(|| verdict::unheard(heard.it).into());
                lines.push(name.with(Ink::Plain, look.cut(&nothing, canvas)));
            }
        }
    }
    let mut note =
        |ink, text: &str| lines.extend(wrap_text(ink, &look.text(text), " ", "   ", width.min(100)));
    let legend = legend.text(look, axis);
    if !legend.is_empty() {
        note(Ink::Dim, &legend);
    }
    let missing = |heard: &Heard<'_>| {
        let parts = heard.missing();
        let tells = !parts.is_empty() && !heard.delays.is_empty();
        tells.then(|| format!("{}: {}.", nice(&heard.it.name), parts.join(", ")))
    };
    let missing: Vec<String> = known.iter().filter_map(missing).collect();
    // Of many lanes in one paragraph: the plot must fit a page.
    if missing.len() > 3 {
        note(Ink::Plain, &missing.join(" "));
    } else {
        missing.iter().for_each(|text| note(Ink::Plain, text));
    }
    lines
}

/// What has to be explained below the plot.
#[derive(Debug, Default)]
struct Legend {
    /// A number of messages that share a point.
    many: Option<u64>,
    /// A distribution is drawn.
    spread: bool,
}

impl Legend {
    fn text(&self, look: Look, axis: Option<Axis>) -> String {
        let mut legend = Vec::new();
        legend.extend(
            axis.filter(|axis| axis.decades > 1).map(|_| "Each │ is ten times the one before it.".to_owned()),
        );
        legend.extend(self.many.map(|count| {
            let number = units::grouped(count);
            format!("•x{number}: {number} messages close together.")
        }));
        if self.spread {
            let [few, some, most] = shades(look);
            legend.push(format!("{few} few, {some} more, {most} most. m: median, p: p99."));
        }
        legend.join(" ")
    }
}

/// How much of all is in a column.
fn shades(look: Look) -> [char; 3] {
    if look.ascii { ['.', 'o', '@'] } else { ['·', '•', '●'] }
}

/// The same in words: `WebSocket: 6 heard, from 0.15 ms to 0.20 ms`.
pub(super) fn sentences(transports: &[Transport], lanes: Option<&Lanes>) -> Vec<String> {
    let sentence = |it: &Transport| {
        let of = Heard::of(it, lanes)?;
        let heard = match (of.delays.first(), of.delays.last()) {
            (Some((first, _)), Some((last, _))) => {
                let (first, last) = (units::duration(*first), units::duration(*last));
                let heard = units::grouped(of.count());
                if first == last {
                    format!("{heard} heard, after {first}")
                } else {
                    format!("{heard} heard, from {first} to {last}")
                }
            }
            _ => verdict::unheard(it).into(),
        };
        let parts: Vec<String> = std::iter::once(heard).chain(of.missing()).collect();
        Some(format!("{}: {}", nice(&it.name), parts.join(", ")))
    };
    transports.iter().filter_map(sentence).collect()
}

fn title(text: &str) -> Line {
    let mut line = Line::plain(" ").with(Ink::Bold, text);
    line.pad(NAME);
    line
}

/// How many messages fall on which column.
type Marks = BTreeMap<usize, u64>;
/// The points of a row: the column of each, and for how many messages it stands.
type Points = Vec<(usize, u64)>;
/// What is drawn in a row, and from which column on.
type Drawn = Vec<(usize, Ink, String)>;

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
    /// `most`: the greatest number that is to be written.
    fn over(delays: impl Iterator<Item = Duration> + Clone, most: u64, canvas: usize) -> Option<Self> {
        let (least, longest) = (nanos(delays.clone().min()?), nanos(delays.max()?));
        let low = least.ilog10();
        let high = longest.ilog10() + u32::from(!is_decade(longest));
        let decades = high.saturating_sub(low).max(1);
        let digits = units::grouped(most).len() + 2;
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

    fn marks(&self, delays: &[(Duration, u64)]) -> Marks {
        let mut marks = Marks::new();
        for (delay, count) in delays {
            let mark = marks.entry(self.column(*delay)).or_default();
            *mark = mark.saturating_add(*count);
        }
        marks
    }

    /// How the messages are spread: a shade for each column that was hit, beside that of most; over them where half and 99 of
    /// 100 are reached.
    fn spread(&self, look: Look, heard: &Heard<'_>) -> Drawn {
        let marks = self.marks(&heard.delays);
        let most = marks.values().copied().max().unwrap_or(1);
        let shade = |count: u64| {
            let [few, some, many] = shades(look);
            match count as f64 / most as f64 {
                part if part >= 0.5 => many,
                part if part >= 0.1 => some,
                _ => few,
            }
        };
        let mut drawn: Drawn =
            marks.iter().map(|(column, count)| (*column, Ink::Plain, shade(*count).to_string())).collect();
        if let Some(spread) = heard.it.heard_after {
            drawn.push((self.column(spread.p99.0), Ink::Bold, "p".into()));
            drawn.push((self.column(spread.median.0), Ink::Bold, "m".into()));
        }
        drawn
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

    /// The points, over the lines of the decades.
    fn row(&self, drawn: Drawn, canvas: usize, line: &mut Line) {
        let mut cells = vec![(Ink::Plain, ' '); canvas];
        for n in 0..=self.decades {
            if let Some(cell) = cells.get_mut(self.tick(n)) {
                *cell = (Ink::Dim, '│');
            }
        }
        for (column, ink, text) in drawn {
            for (cell, c) in cells.iter_mut().skip(column).zip(text.chars()) {
                *cell = (ink, c);
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

/// `•`, `•x6`
fn point(count: u64) -> String {
    if count == 1 { "•".into() } else { format!("•x{}", units::grouped(count)) }
}

/// Each at its column. What a number would cover is counted by it: a row for each transport is enough.
fn points(marks: &Marks) -> Points {
    let mut points = Points::new();
    for (column, count) in marks {
        match points.last_mut() {
            // Points of one message each are told apart even side by side.
            Some((start, sum))
                if (*sum > 1 || *count > 1) && *column < *start + point(*sum + *count).width() =>
            {
                *sum += count;
            }
            Some(_) | None => points.push((*column, *count)),
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Bins = Vec<(Duration, u64)>;

    fn of(micros: &[u64]) -> Bins {
        micros.iter().map(|micros| (Duration::from_micros(*micros), 1)).collect()
    }

    fn axis(delays: &[(Duration, u64)], canvas: usize) -> Axis {
        let count = delays.iter().map(|(_, count)| count).sum();
        Axis::over(delays.iter().map(|(delay, _)| *delay), count, canvas).expect("there are some")
    }

    /// The heading and the row of one transport, without its name.
    fn rows(delays: &[(Duration, u64)], canvas: usize) -> String {
        let axis = axis(delays, canvas);
        let mut line = Line::default();
        let points = points(&axis.marks(delays));
        let drawn = points.iter().map(|(column, count)| (*column, Ink::Plain, point(*count)));
        axis.row(drawn.collect(), canvas, &mut line);
        format!("{}\n{}", &axis.heading(canvas).text()[NAME..], line.text().trim_end())
    }

    #[test]
    fn the_axis_covers_whole_decades() {
        let of_three = axis(&of(&[410, 1_103_155]), 61);
        assert_eq!((of_three.low, of_three.decades), (5, 5));
        let exactly = axis(&of(&[1000, 100_000]), 61);
        assert_eq!((exactly.low, exactly.decades, label(exactly.low)), (6, 2, "1 ms".into()));
        assert_eq!(axis(&of(&[1000]), 61).decades, 1);
        assert_eq!(Axis::over(std::iter::empty(), 0, 61), None);
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
    fn what_would_be_covered_is_counted() {
        let delays = of(&[1000, 1000, 1300, 1300, 1300, 2000, 9000]);
        insta::assert_snapshot!(rows(&delays, 24), @r"
        │1 ms             │10 ms
        •x5  •           •│
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
    fn very_many_are_one_row() {
        let delays: Vec<_> = (0..10_000).map(|n| (Duration::from_micros(1000 + n * 20), 1)).collect();
        insta::assert_snapshot!(rows(&delays, 61), @r"
        │1 ms            │10 ms           │100 ms          │1 s
        •x31•x58•x133•x264•x518•x1,665•x4,297•x3,034       │
        ");
    }

    proptest! {
        #[test]
        fn a_column_is_exact_to_its_rounding(
            nanos in proptest::collection::vec(0_u64..200_000_000_000, 1..40),
            canvas in 29_usize..120,
        ) {
            let delays: Vec<_> = nanos.iter().map(|nanos| (Duration::from_nanos(*nanos), 1)).collect();
            let axis = axis(&delays, canvas);
            for n in 0..=axis.decades {
                let there = Duration::from_nanos(10_u64.pow(axis.low + n));
                prop_assert_eq!(axis.column(there), axis.tick(n));
            }
            for (delay, _) in &delays {
                let decades = (delay.as_nanos().max(1) as f64).log10() - f64::from(axis.low);
                prop_assert!((0.0..=f64::from(axis.decades)).contains(&decades));
                let exact = decades * axis.end as f64 / f64::from(axis.decades);
                prop_assert!((axis.column(*delay) as f64 - exact).abs() <= 0.5 + 1e-9);
            }
            let marks = axis.marks(&delays);
            prop_assert_eq!(marks.values().sum::<u64>(), delays.len() as u64);
            let text = rows(&delays, canvas);
            prop_assert!(text.lines().all(|row| row.width() <= canvas), "{}", text);
            // Every message is counted, and every column that was hit is covered by what counts it.
            let points = points(&marks);
            prop_assert_eq!(points.iter().map(|(_, count)| count).sum::<u64>(), delays.len() as u64);
            for column in marks.keys() {
                let covers = |(start, count): &(usize, u64)| (*start..*start + point(*count).width()).contains(column);
                prop_assert!(points.iter().any(covers), "{} in\n{}", column, text);
            }
            // No number is cut.
            let end = points.last().map_or(0, |(start, count)| start + point(*count).width());
            prop_assert!(end <= canvas, "{}", text);
        }
    }
}
