//! The packet inside of a frame: whose its bytes are, layer by layer.

use super::{body_ink, hex};
use crate::terminal::{Ink, Line};
use crate::view::caught::Seen;
use crate::view::parcels::{Parcel, sum};
use crate::view::text::{Look, wrap_text};
use crate::view::units;
use crate::wire::anatomy::FrameAnatomy;
use crate::wire::socketio::ATTACHMENT;

/// So many bytes of a layer are written out.
const SHOWN: usize = 6;
/// Where the layers' bytes begin, and where it is said what they are.
const BYTES: usize = 15;
const WORDS: usize = BYTES + SHOWN * 3 + 6;

/// The layers below each other, and what they add up to.
pub(super) fn draw(look: Look, seen: &Seen, parts: &FrameAnatomy<'_>, width: usize) -> Vec<Line> {
    let Some(parcel) = seen.load.parcels.first() else { return Vec::new() };
    let mut lines = Vec::new();
    // What began in frames before this one is not here.
    if parcel.len == parts.len {
        let mut rest: &[u8] = &parts.plain;
        for (name, len) in parcel.parts() {
            let (bytes, behind) =
                rest.split_at(usize::try_from(len).map_or(rest.len(), |len| len.min(rest.len())));
            rest = behind;
            lines.push(layer(look, seen, (name, bytes), parcel, width));
        }
    }
    lines.extend(wrap_text(Ink::Plain, &look.text(&total(seen, parcel)), "    ", "      ", width));
    lines
}

/// `    Socket.IO  32                2: event "hello"`
fn layer(look: Look, seen: &Seen, (name, bytes): (&str, &[u8]), parcel: &Parcel, width: usize) -> Line {
    let shown = if bytes.len() <= SHOWN + 1 { bytes.len() } else { SHOWN };
    let more = bytes.len() - shown;
    let more = if more == 0 { String::new() } else { format!(" + {}", units::grouped(more as u64)) };
    let mut line = Line::plain("    ").with(Ink::Dim, name);
    line.pad(BYTES);
    line.push(body_ink(seen.frame.from), format!("{}{more}", hex(&bytes[..shown])));
    line.pad(WORDS);
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let words = match (name, parcel.briefer()) {
        ("Engine.IO", _) => format!("{text}: {}", parcel.kind()),
        ("Socket.IO", Some(label)) => format!("{text}: {label}"),
        _ if parcel.inner() == Some(ATTACHMENT) => "binary, of the packet before".to_owned(),
        _ => text.to_owned(),
    };
    let words = look.cut(&look.text(&words), width.saturating_sub(line.width() + 1));
    line.push(Ink::Plain, format!(" {words}"));
    line
}

/// The same in a sentence.
pub(in crate::view) fn told(seen: &Seen) -> Option<String> {
    let parcel = seen.load.parcels.first()?;
    Some(format!("    packet: {}; {}", parcel.label(), total(seen, parcel)))
}

/// `header 6 + Engine.IO 1 + Socket.IO 1 + data 17 = 25 bytes`
fn total(seen: &Seen, parcel: &Parcel) -> String {
    if parcel.len != seen.frame.len {
        return format!("{}: in several frames, {}", parcel.label(), units::bytes(parcel.len));
    }
    let header = seen.frame.wire_len.saturating_sub(seen.frame.len);
    let parts: Vec<_> = std::iter::once(("header", header)).chain(parcel.parts()).collect();
    format!("{} = {}", sum(&parts), units::bytes(seen.frame.wire_len))
}
