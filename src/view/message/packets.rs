//! The packets of a body, one below the other, and what they add up to.

use crate::terminal::{Ink, Line};
use crate::view::parcels::{Load, Parcel, sum};
use crate::view::text::{Look, wrap_text};
use crate::view::units;
use crate::wire::anatomy::{self, Lines};

/// The most rows of one packet.
const ROWS: usize = 3;

/// How long the head is and all of the message, and what bytes are that are neither head nor packets.
#[derive(Debug, Clone, Copy)]
pub(in crate::view) struct Lens {
    head: u64,
    all: u64,
    rest: &'static str,
}

impl Lens {
    /// With this head, in front of so many bytes.
    pub fn of(head: &Lines<'_>, body: u64, all: u64) -> Self {
        let is_chunked = head.headers.iter().filter_map(anatomy::Line::header).any(|(name, value)| {
            name.eq_ignore_ascii_case("transfer-encoding") && value.to_ascii_lowercase().contains("chunked")
        });
        let rest = if is_chunked { "chunk sizes" } else { "no packet" };
        Self { head: all.saturating_sub(body), all, rest }
    }
}

/// Each packet as it stands on the wire, what it is, and at the end the sum of all.
pub(in crate::view) fn draw(look: Look, width: usize, load: &Load, lens: Lens) -> Vec<Line> {
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
pub(in crate::view) fn told(load: &Load, lens: Lens) -> Vec<String> {
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
fn total(load: &Load, Lens { head, all, rest }: Lens) -> String {
    let mut parts = vec![("head", head)];
    parts.extend(load.body());
    let known = parts.iter().map(|(_, len)| *len).fold(0, u64::saturating_add);
    parts.extend((all > known).then(|| (rest, all - known)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::{ConnId, Kind, Side};

    /// Where no chunks are, none are counted.
    #[test]
    fn what_is_no_packet_is_not_called_a_chunk_size() {
        let mut load = Load::default();
        load.event(&Kind::Packet {
            conn: ConnId(1),
            from: Side::Client,
            layer: "engine.io".into(),
            packet: "message".into(),
            event: None,
            namespace: None,
            ack: None,
            text: Some("40".into()),
            len: 2,
        });
        for (header, named) in [
            ("content-length: 7", "packet 2 + no packet 5 = "),
            ("Transfer-Encoding: Chunked", "packet 2 + chunk sizes 5 = "),
        ] {
            let head = format!("POST / HTTP/1.1\r\n{header}\r\n\r\n");
            let all = head.len() as u64 + 7;
            let parts = anatomy::head(head.as_bytes()).unwrap();
            let text = total(&load, Lens::of(&parts.head, 7, all));
            assert!(text.contains(named), "{text}");
        }
    }
}
