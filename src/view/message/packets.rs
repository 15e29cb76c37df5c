//! The packets of a body, one below the other, and what they add up to.

use crate::terminal::{Ink, Line};
use crate::view::parcels::{Load, Parcel, sum};
use crate::view::text::{Look, wrap_text};
use crate::view::units;

/// The most rows of one packet.
const ROWS: usize = 3;

/// Each packet as it stands on the wire, what it is, and at the end the sum of all; the head and all are so long.
pub(in crate::view) fn draw(look: Look, width: usize, load: &Load, lens: (u64, u64)) -> Vec<Line> {
    let mut lines = Vec::new();
    let room = width.saturating_sub(4).max(8);
    let arrow = if look.ascii { "<-" } else { "←" };
    for (n, parcel) in load.parcels.iter().enumerate() {
        if n > 0 {
            lines.push(dim(look.cut(&format!("    \\x1e {arrow} separator 1"), width)));
        }
        lines.extend(text(look, room, parcel));
        let what = look.text(&meaning(parcel));
        lines.extend(wrap_text(Ink::Dim, &what, &format!("      {arrow} "), "        ", width));
    }
    lines.extend(load.rest().map(|rest| dim(look.cut(&format!("    {rest}"), width))));
    lines.extend(wrap_text(Ink::Plain, &total(load, lens), "    ", "      ", width));
    lines
}

/// The same in sentences.
pub(in crate::view) fn told(load: &Load, lens: (u64, u64)) -> Vec<String> {
    let one = |(n, parcel): (usize, &Parcel)| {
        let separator = (n > 0).then(|| "    separator, 1 byte".to_owned());
        let text: String = parcel.text.as_deref().unwrap_or_default().chars().take(500).collect();
        separator.into_iter().chain([format!("    {text}  ({})", meaning(parcel))])
    };
    let packets = load.parcels.iter().enumerate().flat_map(one);
    packets
        .chain(load.rest().map(|rest| format!("    {rest}")))
        .chain([format!("    {}", total(load, lens))])
        .collect()
}

/// `message · event "hello": Engine.IO 1 + Socket.IO 1 + data 17`
fn meaning(parcel: &Parcel) -> String {
    format!("{}: {}", parcel.label(), sum(&parcel.parts()))
}

/// `head 230 + packet 2 = 232 bytes`
fn total(load: &Load, (head, all): (u64, u64)) -> String {
    let mut parts = vec![("head", head)];
    parts.extend(load.body());
    let known = parts.iter().map(|(_, len)| *len).fold(0, u64::saturating_add);
    // Where it is chunked.
    parts.extend((all > known).then(|| ("chunk sizes", all - known)));
    format!("{} = {}", sum(&parts), units::bytes(all))
}

/// As it stands on the wire, in a few rows; the rest is counted.
fn text(look: Look, room: usize, parcel: &Parcel) -> Vec<Line> {
    let mut rest = parcel.text.as_deref().unwrap_or_default();
    let mut shown = 0;
    let mut lines = Vec::new();
    while !rest.is_empty() && lines.len() < ROWS {
        let piece = super::prefix(look, rest, room);
        rest = &rest[piece.len()..];
        shown += piece.len() as u64;
        lines.push(Line::plain("    ").with(Ink::Plain, look.text(piece)));
    }
    let more = parcel.len.saturating_sub(shown);
    lines.extend((more > 0).then(|| dim(look.cut(&format!("    + {}", units::bytes(more)), room + 4))));
    lines
}

fn dim(text: impl Into<String>) -> Line {
    Line::default().with(Ink::Dim, text)
}
