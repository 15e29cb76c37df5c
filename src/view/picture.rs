//! The picture that says it all: how often a connection was opened, and who spoke on it.

use unicode_width::UnicodeWidthStr as _;

use super::labels::nice;
use super::lanes::{Lane, Lanes};
use super::text::Look;
use super::units;
use crate::terminal::{Ink, Line};
use crate::timeline::{Side, Transport};

/// Of the names.
const NAME: usize = 19;
/// The widest that a lane is drawn.
const WIDEST: usize = 44;

/// Three connections: a lane is narrower only where nothing else can give way.
const ENOUGH: usize = 11;
/// The narrowest.
const LEAST: usize = 7;

/// A line for each transport.
pub(super) fn draw(look: Look, width: usize, transports: &[Transport], lanes: &Lanes) -> Vec<Line> {
    let lanes: Vec<&Lane> = transports.iter().filter_map(|it| lanes.lane(&it.name)).collect();
    // What is said beside the lanes is shortened before they are.
    let wordings = [1, 2, 3].map(|form| lanes.iter().map(|lane| words(lane, form)).collect::<Vec<_>>());
    let widest = |words: &Vec<String>| words.iter().map(|it| it.width()).max().unwrap_or_default();
    let fits = |words: &&Vec<String>| NAME + ENOUGH + 2 + widest(words) <= width;
    let [.., shortest] = &wordings;
    let words = wordings.iter().find(fits).unwrap_or(shortest);
    let room = width.saturating_sub(NAME + 2 + widest(words)).clamp(LEAST, WIDEST);
    let one = |(lane, words): (&&Lane, &String)| {
        let mut line = Line::plain(" ").with(Ink::Bold, look.cut(&look.text(nice(&lane.name)), NAME - 2));
        line.pad(NAME);
        connections(lane, room, &mut line);
        line.pad(NAME + room);
        let words = look.cut(words, width.saturating_sub(NAME + room + 2));
        line.with(Ink::Plain, format!("  {words}"))
    };
    lanes.iter().zip(words).map(one).collect()
}

/// What is seen in the picture; a greater `form` is a shorter one.
fn words(lane: &Lane, form: usize) -> String {
    let opened = format!("{} opened", units::grouped(lane.opened));
    let stays = match (lane.name.as_str(), form) {
        ("websocket", 1) => Some("both may speak"),
        ("websocket", 2) => Some("both speak"),
        ("websocket", _) => Some("two-way"),
        ("keep-alive", 1) => Some("the client must ask"),
        ("keep-alive", 2) => Some("client must ask"),
        ("keep-alive", _) => Some("must ask"),
        _ => None,
    };
    match (stays.filter(|_| lane.opened == 1), form) {
        (Some(stays), _) => format!("{opened}, {stays}"),
        (None, 1 | 2) => format!("{opened}, {} closed", units::grouped(lane.closed)),
        (None, _) => opened,
    }
}

/// `├─┤ ├─┤ …`, or one that stays, with who spoke on it.
fn connections(lane: &Lane, room: usize, line: &mut Line) {
    match lane.opened {
        0 => {}
        1 => {
            line.push(Ink::Plain, "├");
            stroke(&lane.spoke, room.saturating_sub(2), line);
            line.push(Ink::Plain, "┤");
        }
        several => {
            let fits = ((room + 1) / 4).max(2) as u64;
            let all = several <= fits;
            let shown = usize::try_from(if all { several } else { fits - 1 }).unwrap_or_default();
            line.push(Ink::Plain, vec!["├─┤"; shown].join(" "));
            if !all {
                line.push(Ink::Plain, " …");
            }
        }
    }
}

/// A line with an arrow head for each message that was sent without a request, by sender. Where they are too many,
/// one for each side, with how many it stands for.
fn stroke(spoke: &[Side], room: usize, line: &mut Line) {
    let each: Vec<(Side, String)> = spoke.iter().map(|side| (*side, String::new())).collect();
    let marks = if spoke.len() <= room / 2 { each } else { summed(spoke, room) };
    let words: usize = marks.iter().map(|(_, count)| count.width()).sum();
    let free = room.saturating_sub(words);
    // Arrow heads and strokes, without the words behind the heads.
    let mut drawn = 0;
    for (n, (side, count)) in marks.iter().enumerate() {
        let at = (n * 2 + 1) * free / (marks.len() * 2);
        line.push(Ink::Plain, "─".repeat(at.saturating_sub(drawn)));
        match side {
            Side::Client => line.push(Ink::Client, "►"),
            Side::Server => line.push(Ink::Server, "◄"),
        }
        line.push(Ink::Plain, count.as_str());
        drawn = at + 1;
    }
    line.push(Ink::Plain, "─".repeat(free.saturating_sub(drawn)));
}

/// `◄x30`, `►x2`: whoever spoke first stands first. `◄…` where there is no room for the numbers.
fn summed(spoke: &[Side], room: usize) -> Vec<(Side, String)> {
    let first = spoke.first().copied().unwrap_or(Side::Server);
    let count = |side: Side| spoke.iter().filter(|it| **it == side).count() as u64;
    let sides = || [first, first.other()].map(|side| (side, count(side))).into_iter().filter(|it| it.1 > 0);
    let numbers = sides().map(|(side, count)| match count {
        1 => (side, String::new()),
        several => (side, format!("x{}", units::grouped(several))),
    });
    let marks: Vec<(Side, String)> = numbers.collect();
    let width: usize = marks.iter().map(|(_, count)| 1 + count.width()).sum();
    if width <= room { marks } else { sides().map(|(side, _)| (side, "…".into())).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(spoke: &[Side], room: usize) -> String {
        let mut line = Line::default();
        stroke(spoke, room, &mut line);
        assert_eq!(line.width(), room);
        line.text()
    }

    /// The first message is the server's, unasked: that is what the picture is for.
    #[test]
    fn too_many_are_counted_and_the_first_stands_first() {
        let mut spoke = [Side::Server; 30];
        (spoke[7], spoke[20]) = (Side::Client, Side::Client);
        assert_eq!(drawn(&spoke, 42), "─────────◄x28─────────────────►x2─────────");
        assert_eq!(drawn(&spoke, 7), "◄x28►x2");
        assert_eq!(drawn(&spoke, 5), "◄…─►…");
        assert_eq!(drawn(&[Side::Client; 30], 11), "────►x30───");
        assert_eq!(drawn(&spoke[..3], 12), "──◄───◄───◄─");
    }
}
