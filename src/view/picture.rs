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
        ("websocket", _) => Some("both speak"),
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
/// a mark says so.
fn stroke(spoke: &[Side], room: usize, line: &mut Line) {
    let all = spoke.len() <= room / 2;
    let shown = if all { spoke.to_vec() } else { some(spoke, room.saturating_sub(1) / 2) };
    let room = if all { room } else { room.saturating_sub(1) };
    let mut drawn = 0;
    for (n, side) in shown.iter().enumerate() {
        let at = (n * 2 + 1) * room / (shown.len() * 2);
        line.push(Ink::Plain, "─".repeat(at.saturating_sub(drawn)));
        match side {
            Side::Client => line.push(Ink::Client, "►"),
            Side::Server => line.push(Ink::Server, "◄"),
        }
        drawn = at + 1;
    }
    line.push(Ink::Plain, "─".repeat(room.saturating_sub(drawn)));
    line.push(Ink::Plain, if all { "" } else { "…" });
}

/// So many of them, in order: the client's first of all, as they are few; of the rest, evenly.
fn some(spoke: &[Side], most: usize) -> Vec<Side> {
    let of = |side| spoke.iter().filter(|it| **it == side).count();
    // Half at least is the server's.
    let clients = of(Side::Client).min(most.saturating_sub(of(Side::Server).min(most / 2)));
    let servers = most.saturating_sub(clients);
    let mut seen = [0, 0];
    let kept = |side: &&Side| {
        let (all, keep) = match side {
            Side::Client => (of(Side::Client), clients),
            Side::Server => (of(Side::Server), servers),
        };
        let place = &mut seen[**side as usize];
        let before = *place * keep / all;
        *place += 1;
        *place * keep / all > before
    };
    spoke.iter().filter(kept).copied().collect()
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

    #[test]
    fn what_is_left_out_is_marked_and_the_client_is_still_there() {
        let mut spoke = [Side::Server; 30];
        (spoke[7], spoke[20]) = (Side::Client, Side::Client);
        let text = drawn(&spoke, 42);
        assert_eq!(text, "─◄─◄─◄─◄─►─◄─◄─◄─◄─◄─◄─◄─◄─►─◄─◄─◄─◄─◄─◄─…");
        assert_eq!(drawn(&[Side::Client; 30], 11).matches('►').count(), 5);
        assert_eq!(drawn(&spoke[..3], 12), "──◄───◄───◄─");
    }
}
