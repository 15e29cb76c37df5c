//! A table with a row for each transport: as wide as it must be, in headings as long as there is room for.

use unicode_width::UnicodeWidthStr as _;

use super::labels::nice;
use super::text::Look;
use crate::terminal::{Ink, Line};

/// Between two columns, at most.
const WIDEST_GAP: usize = 3;

/// One column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// The longest heading first; `\n` where it goes on in the next line. The first is a single line.
    pub heads: &'static [&'static str],
    /// One for each transport.
    pub values: Vec<String>,
    /// Numbers stand at the right.
    pub align: Align,
}

/// Where values stand in their column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

impl Column {
    /// Its heading, so much shortened.
    fn head(&self, short: usize) -> &'static str {
        self.heads.get(short).or(self.heads.last()).copied().unwrap_or_default()
    }

    fn width(&self, look: Look, short: usize) -> usize {
        let values = self.values.iter().map(|value| look.text(value).width());
        self.head(short).split('\n').map(str::width).chain(values).max().unwrap_or_default()
    }
}

/// The table; `None` where it does not fit in any form.
pub(super) fn draw(look: Look, width: usize, names: &[&str], columns: &[Column]) -> Option<Vec<Line>> {
    let names: Vec<String> = names.iter().map(|name| look.text(nice(name))).collect();
    let label = 1 + names.iter().map(|name| name.width()).max().unwrap_or_default();
    let forms = columns.iter().map(|column| column.heads.len()).max().unwrap_or_default();
    let mut layouts = (0..forms).map(|short| Layout::new(look, width, label, columns, short));
    let layout = layouts.find_map(|layout| layout)?;
    let heads: Vec<Vec<&str>> =
        columns.iter().map(|column| column.head(layout.short).split('\n').collect()).collect();
    let height = heads.iter().map(Vec::len).max().unwrap_or_default();
    // The last line of a heading stands above its values, whatever the others have.
    let part = |head: &Vec<&str>, n: usize| {
        let part = (n + head.len()).checked_sub(height).and_then(|n| head.get(n));
        part.copied().unwrap_or_default().to_owned()
    };
    let mut lines: Vec<Line> = Vec::new();
    for n in 0..height {
        let cells = heads.iter().map(|head| part(head, n)).collect();
        lines.push(layout.row(columns, Line::default(), Ink::Bold, cells));
    }
    for (n, name) in names.iter().enumerate() {
        let cells =
            columns.iter().map(|column| column.values.get(n).map(|it| look.text(it)).unwrap_or_default());
        lines.push(layout.row(columns, Line::plain(format!(" {name}")), Ink::Plain, cells.collect()));
    }
    Some(lines)
}

/// As few tables as hold all columns; those of a group stand together where they fit. `None` where a column alone does
/// not fit.
pub(super) fn pack(
    look: Look,
    width: usize,
    names: &[&str],
    groups: Vec<Vec<Column>>,
) -> Option<Vec<Vec<Line>>> {
    let fits = |columns: &[Column]| draw(look, width, names, columns).is_some();
    let mut tables: Vec<Vec<Column>> = Vec::new();
    let mut add = |columns: Vec<Column>| {
        let joined = tables.last().map(|last| [&last[..], &columns[..]].concat()).filter(|all| fits(all));
        match (joined, tables.last_mut()) {
            (Some(joined), Some(last)) => *last = joined,
            (Some(_) | None, _) => tables.push(columns),
        }
    };
    for group in groups {
        if fits(&group) {
            add(group);
        } else {
            group.into_iter().for_each(|column| add(vec![column]));
        }
    }
    tables.iter().map(|columns| draw(look, width, names, columns)).collect()
}

/// Where the columns stand.
struct Layout {
    /// How much the headings are shortened.
    short: usize,
    /// Where each column begins, and how wide it is.
    places: Vec<(usize, usize)>,
}

impl Layout {
    fn new(look: Look, width: usize, label: usize, columns: &[Column], short: usize) -> Option<Self> {
        let widths: Vec<usize> = columns.iter().map(|column| column.width(look, short)).collect();
        // Headings of one line run into each other without a wider gap.
        let least = if short == 0 { 2 } else { 1 };
        let free = width.checked_sub(label + widths.iter().sum::<usize>() + least * widths.len())?;
        let mut start = label;
        let place = |(n, wide): (usize, usize)| {
            // What is left over is spread, the first columns before the last.
            let more = free / widths.len() + usize::from(n < free % widths.len());
            start += (least + more).min(WIDEST_GAP);
            let place = (start, wide);
            start += wide;
            place
        };
        let places = widths.iter().copied().enumerate().map(place).collect();
        Some(Self { short, places })
    }

    fn row(&self, columns: &[Column], mut line: Line, ink: Ink, cells: Vec<String>) -> Line {
        for ((column, (start, width)), cell) in columns.iter().zip(&self.places).zip(cells) {
            line.pad(match column.align {
                Align::Left => *start,
                Align::Right => start + width - cell.width(),
            });
            line.push(ink, cell);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(heads: &'static [&'static str], value: &str, align: Align) -> Column {
        Column { heads, values: vec![value.into()], align }
    }

    #[test]
    fn headings_give_way_before_values() {
        let columns = [
            column(&["heard after", "heard\nafter"], "0.58 ms", Align::Right),
            column(&["talks by", "talks\nby", "by"], "same connection", Align::Left),
        ];
        let drawn = |width| {
            let lines = draw(Look::default(), width, &["websocket"], &columns)?;
            assert!(lines.iter().all(|line| line.width() <= width));
            Some(lines.iter().map(Line::text).collect::<Vec<_>>())
        };
        assert_eq!(
            drawn(80).expect("it fits"),
            ["             heard after   talks by", " WebSocket       0.58 ms   same connection"]
        );
        let narrow = drawn(36).expect("it fits");
        assert_eq!(narrow[0], "              heard  talks");
        assert_eq!(narrow[1], "              after  by");
        assert_eq!(narrow[2], " WebSocket  0.58 ms  same connection");
        assert_eq!(drawn(30), None);
    }

    #[test]
    fn what_does_not_fit_beside_stands_below() {
        let number = || column(&["bytes"], "1,234,567", Align::Right);
        let tables = |width, groups| pack(Look::default(), width, &["websocket"], groups);
        let two = || vec![vec![number(), number()], vec![number()]];
        assert_eq!(tables(80, two()).map(|it| it.len()), Some(1));
        assert_eq!(tables(36, two()).map(|it| it.len()), Some(2));
        assert_eq!(tables(22, two()).map(|it| it.len()), Some(3));
        assert_eq!(tables(12, two()), None);
    }
}
