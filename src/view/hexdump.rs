//! Bytes in hexadecimal, beside what they are as text, in the manner of hexyl.

use super::text::{Look, wrap_text};
use super::{kept, units};
use crate::terminal::{Ink, Line};
use crate::timeline::Side;

/// From here on there is room for two groups of eight.
const TWO_GROUPS: usize = 80;

/// What a byte is, from which follow its ink and its place-holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Printable,
    Zero,
    Space,
    Control,
    High,
}

impl Class {
    fn of(byte: u8) -> Self {
        match byte {
            0 => Self::Zero,
            b' '..=b'~' => Self::Printable,
            b'\t'..=b'\r' => Self::Space,
            _ if byte.is_ascii() => Self::Control,
            _ => Self::High,
        }
    }

    /// What stands for it in the text. In ASCII one for all: others would be taken for letters.
    fn glyph(self, look: Look, byte: u8) -> char {
        match self {
            Self::Printable => char::from(byte),
            _ if look.ascii => '.',
            Self::Zero => '⋄',
            Self::Space => '_',
            Self::Control => '•',
            Self::High => '×',
        }
    }

    /// What can be read stands in the sender's colour, the rest in the terminal's own.
    fn ink(self, from: Side) -> Ink {
        match (self, from) {
            (Self::Printable, Side::Client) => Ink::Client,
            (Self::Printable, Side::Server) => Ink::Server,
            (Self::Zero | Self::Space, _) => Ink::Dim,
            (Self::Control | Self::High, _) => Ink::Plain,
        }
    }
}

/// A message or frame of so many bytes, of which these are here.
pub(super) fn draw(look: Look, from: Side, what: &str, bytes: &[u8], len: u64, width: usize) -> Vec<Line> {
    let (tag, letters) = match from {
        Side::Client => (Ink::ClientTag, "C►"),
        Side::Server => (Ink::ServerTag, "◄S"),
    };
    let title = look.cut(&look.text(&format!(" {what}{}", units::bytes(len))), width.saturating_sub(3));
    let mut lines = vec![Line::plain(" ").with(tag, letters).with(Ink::Plain, title)];
    let per_row = if width >= TWO_GROUPS { 16 } else { 8 };
    let shown = bytes.len().min(kept::OF_ONE);
    let rows = bytes[..shown].chunks(per_row).enumerate();
    lines.extend(rows.map(|(n, bytes)| row(look, from, n * per_row, bytes, per_row)));
    let more = len.saturating_sub(shown as u64);
    if more > 0 {
        lines.push(
            Line::default()
                .with(Ink::Dim, look.cut(&format!("    + {}, not shown", units::bytes(more)), width)),
        );
    }
    lines
}

/// `    0010  48 54 54 50 2f 31 2e 31 ┊ 0d 0a 68 6f 73 74 3a 20 │HTTP/1.1┊__host: │`
fn row(look: Look, from: Side, at: usize, bytes: &[u8], per_row: usize) -> Line {
    let mut line = Line::plain("    ").with(Ink::Dim, format!("{at:04x}  "));
    let mut text = Line::default().with(Ink::Dim, "│");
    for place in 0..per_row {
        if place == 8 {
            line.push(Ink::Dim, "┊ ");
            text.push(Ink::Dim, "┊");
        }
        let Some(byte) = bytes.get(place) else {
            line.push(Ink::Plain, "   ");
            text.push(Ink::Plain, " ");
            continue;
        };
        let class = Class::of(*byte);
        line.push(class.ink(from), format!("{byte:02x} "));
        text.push(class.ink(from), class.glyph(look, *byte));
    }
    text.push(Ink::Dim, "│");
    text.0.into_iter().for_each(|span| line.push(span.ink, span.text));
    line
}

/// What the place-holders mean.
pub(super) fn legend(look: Look, width: usize) -> Vec<Line> {
    let words = match look.ascii {
        true => ". is a byte that is no visible character",
        false => "_ line end or tab · ⋄ zero · • control · × not ASCII",
    };
    wrap_text(Ink::Dim, words, " ", " ", width)
}

/// The same as lines without drawing: `  0010  48 54 54 50  HTTP`.
pub(super) fn plain(bytes: &[u8], len: u64) -> Vec<String> {
    let shown = bytes.len().min(kept::OF_ONE);
    let look = Look { ascii: true };
    let row = |(n, bytes): (usize, &[u8])| {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String = bytes.iter().map(|byte| Class::of(*byte).glyph(look, *byte)).collect();
        format!("  {:04x}  {}  {text}", n * 16, hex.join(" "))
    };
    let mut lines: Vec<String> = bytes[..shown].chunks(16).enumerate().map(row).collect();
    let more = len.saturating_sub(shown as u64);
    lines.extend((more > 0).then(|| format!("  and {} more, not shown", units::bytes(more))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_is_kept_is_shown_and_the_rest_is_counted() {
        let bytes = vec![b'x'; kept::OF_ONE];
        let lines = draw(Look::default(), Side::Server, "", &bytes, 5000, 80);
        assert_eq!(lines.len(), 1 + kept::OF_ONE / 16 + 1);
        assert_eq!(lines.last().map(Line::text).as_deref(), Some("    + 904 bytes, not shown"));
        assert_eq!(plain(&bytes, kept::OF_ONE as u64).len(), kept::OF_ONE / 16);
    }
}
