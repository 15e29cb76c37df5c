//! The picture that says it all: how often a connection was opened, and who spoke on it.

use super::lanes::{Lane, Lanes, nice};
use super::text::Look;
use super::units;
use crate::terminal::{Ink, Line};
use crate::timeline::{Side, Transport};

/// Of the names.
const NAME: usize = 19;
/// The widest that a lane is drawn.
const WIDEST: usize = 44;

/// A line for each transport.
pub(super) fn draw(look: Look, width: usize, transports: &[Transport], lanes: &Lanes) -> Vec<Line> {
    // What is said beside it needs 28.
    let room = width.saturating_sub(NAME + 2 + 28).clamp(8, WIDEST);
    let one = |it: &Transport| {
        let lane = lanes.lane(&it.name)?;
        let mut line = Line::plain(" ").with(Ink::Bold, look.cut(&look.text(nice(&it.name)), NAME - 2));
        line.pad(NAME);
        connections(lane, room, &mut line);
        line.pad(NAME + room);
        let words = look.cut(&words(lane), width.saturating_sub(NAME + room + 2));
        Some(line.with(Ink::Plain, format!("  {words}")))
    };
    transports.iter().filter_map(one).collect()
}

fn words(lane: &Lane) -> String {
    let opened = format!("{} opened", units::grouped(lane.opened));
    match lane.name.as_str() {
        "websocket" if lane.opened == 1 => format!("{opened}, both may speak"),
        "keep-alive" if lane.opened == 1 => format!("{opened}, the client must ask"),
        _ => format!("{opened}, {} closed", units::grouped(lane.closed)),
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

/// A line with an arrow head for each message that was sent without a request, by sender.
fn stroke(spoke: &[Side], room: usize, line: &mut Line) {
    let shown = spoke.len().min(room / 2);
    let mut drawn = 0;
    for (n, side) in spoke.iter().take(shown).enumerate() {
        let at = (n * 2 + 1) * room / (shown * 2);
        line.push(Ink::Plain, "─".repeat(at.saturating_sub(drawn)));
        match side {
            Side::Client => line.push(Ink::Client, "►"),
            Side::Server => line.push(Ink::Server, "◄"),
        }
        drawn = at + 1;
    }
    line.push(Ink::Plain, "─".repeat(room.saturating_sub(drawn)));
}
