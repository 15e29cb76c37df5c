//! Bytes in hexadecimal, beside what they are as text.

use super::text::Look;
use super::units;
use crate::terminal::{Ink, Line};
use crate::timeline::{Side, Slice};

/// The most bytes of one message.
const MOST: usize = 512;

/// A message or frame.
pub(super) fn draw(look: Look, slice: &Slice, width: usize) -> Vec<Line> {
    let (tag, letters, ink) = match slice.from {
        Side::Client => (Ink::ClientTag, "C►", Ink::Client),
        Side::Server => (Ink::ServerTag, "◄S", Ink::Server),
    };
    // 16 bytes need 8 columns for the place, 49 for the bytes and 18 for the text.
    let per_row = if width >= 82 { 16 } else { 8 };
    let title = format!(" {} on {}", units::bytes(slice.bytes.len() as u64), slice.conn);
    let mut lines = vec![Line::plain(" ").with(tag, letters).with(Ink::Plain, title)];
    let shown = slice.bytes.len().min(MOST);
    for (n, bytes) in slice.bytes[..shown].chunks(per_row).enumerate() {
        let mut line = Line::plain("    ").with(Ink::Dim, format!("{:06x}  ", n * per_row));
        let start = line.width();
        for (place, byte) in bytes.iter().enumerate() {
            let gap = if place == 7 && per_row > 8 { "  " } else { " " };
            // What can be read stands in the sender's colour, the rest in the terminal's own.
            line.push(if is_text(*byte) { ink } else { Ink::Plain }, format!("{byte:02x}{gap}"));
        }
        line.pad(start + per_row * 3 + 1);
        line.push(Ink::Dim, "│");
        let text: String = bytes.iter().map(|it| if is_text(*it) { char::from(*it) } else { '.' }).collect();
        line.push(ink, text);
        line.push(Ink::Dim, "│");
        lines.push(look.line(line));
    }
    if shown < slice.bytes.len() {
        let more = units::bytes((slice.bytes.len() - shown) as u64);
        lines.push(Line::default().with(Ink::Dim, format!("    + {more}")));
    }
    lines
}

fn is_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte == b' '
}
