//! Handshakes worked out, and frames bit by bit (RFC 6455, 4.2.2 and 5.2).

use super::fence::{Exchange, Fence, Seen};
use super::labels;
use super::seam;
use super::text::{Look, wrap_text};
use super::units;
use crate::terminal::{Ink, Line};
use crate::timeline::{Opcode, Side};

/// More frames than this are only counted.
const MOST: usize = 8;
/// Where the two bytes of the header end, and where the bits' labels do.
const AFTER_HEADER: usize = 29;
const AFTER_LABELS: usize = 45;
/// How many bytes are unmasked before the reader's eyes.
const UNMASKED: usize = 8;

/// All of a transcript.
pub(super) fn draw(look: Look, fence: &Fence, width: usize) -> Vec<Line> {
    let mut lines: Vec<Line> =
        fence.all_exchanges().iter().flat_map(|it| handshake(look, it, width)).collect();
    for seen in fence.frames.iter().take(MOST) {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(frame(look, seen, width));
    }
    if fence.frames.len() > MOST {
        let more = units::count((fence.frames.len() - MOST) as u64, "frame");
        lines.push(Line::default().with(Ink::Dim, format!(" + {more}")));
    }
    lines
}

/// How the accept key follows from the key.
fn handshake(look: Look, exchange: &Exchange, width: usize) -> Vec<Line> {
    let (Some(key), Some(seen)) = (&exchange.key, &exchange.accept) else {
        return Vec::new();
    };
    let (digest, accept) = seam::accept(key);
    let (half, rest) = digest.split_at(10);
    let digest = format!("{}   {}", hex(half), hex(rest));
    let digest = if digest.len() + 12 <= width { digest } else { digest.replace(' ', "") };
    let verdict =
        if accept == *seen { "equal: it knows WebSocket" } else { "not equal: the client must give up" };
    let rows = [
        ("key", look.text(key), "from the client"),
        ("+ GUID", seam::GUID.to_owned(), "the same for everybody"),
        ("SHA-1", digest, ""),
        ("base64", accept, "worked out here"),
        ("seen", look.text(seen), verdict),
    ];
    let mut lines = vec![Line::default().with(Ink::Bold, " The accept key, worked out")];
    for (name, value, remark) in rows {
        let mut line = Line::plain(format!("    {name:<8}"));
        line.push(if name == "seen" { Ink::Server } else { Ink::Plain }, look.cut(&value, width - 12));
        let mut beside = line.clone();
        beside.pad(50);
        beside.push(Ink::Dim, format!(" {remark}"));
        let fits = beside.width() <= width;
        lines.push(if fits { beside } else { line });
        if !fits && name == "seen" {
            lines.push(Line::default().with(Ink::Dim, format!("            {remark}")));
        }
    }
    lines
}

/// The parts of a frame.
struct Parts<'a> {
    first: u8,
    second: u8,
    extended: &'a [u8],
    mask: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(2)?;
        let extended = match header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let (extended, rest) = rest.split_at_checked(extended)?;
        let (mask, payload) = rest.split_at_checked(if header[1] & 0x80 == 0 { 0 } else { 4 })?;
        Some(Self { first: header[0], second: header[1], extended, mask, payload })
    }

    fn unmasked(&self, at: usize) -> u8 {
        let key = if self.mask.is_empty() { 0 } else { self.mask[at % self.mask.len()] };
        self.payload[at] ^ key
    }
}

/// A frame.
pub(super) fn frame(look: Look, seen: &Seen, width: usize) -> Vec<Line> {
    let from = seen.frame.from;
    let (ink, tag) = match from {
        Side::Client => (Ink::ClientTag, "C►"),
        Side::Server => (Ink::ServerTag, "◄S"),
    };
    let payload = labels::payload(&seen.frame);
    let says = match seen.frame.opcode {
        _ if payload.is_empty() => "",
        Opcode::Text | Opcode::Continuation => " to say ",
        Opcode::Binary | Opcode::Close | Opcode::Ping | Opcode::Pong | Opcode::Reserved(_) => ", ",
    };
    let name = String::from(seen.frame.opcode);
    let title = format!(" {name} frame: {}{says}{payload}", units::bytes(seen.frame.wire_len));
    let title = look.cut(&look.text(&title), width - 3);
    let mut lines = vec![Line::plain(" ").with(ink, tag).with(Ink::Bold, title)];
    let Some(parts) = seen.bytes.as_deref().and_then(Parts::of) else {
        lines.push(Line::plain("    (too long to be kept)"));
        return lines;
    };
    let room = width.saturating_sub(AFTER_HEADER);
    let [hexes, names] = bytes_and_names(&parts, room);
    let mut top = Line::plain(format!("    {:02x}            {:02x}", parts.first, parts.second));
    top.pad(AFTER_HEADER);
    top.push(body_ink(from), hexes);
    let mut bits = Line::plain(format!("    {}    {}", first_bits(parts.first), second_bits(parts.second)));
    bits.pad(AFTER_HEADER);
    bits.push(Ink::Dim, names);
    lines.extend([top, bits]);
    let right = unmasking(look, &parts, &seen.frame.opcode, width.saturating_sub(AFTER_LABELS));
    lines.extend(labelled(&parts, from, seen.frame.opcode, right));
    lines.extend(close_code(look, &parts, seen, width));
    lines
}

fn body_ink(from: Side) -> Ink {
    match from {
        Side::Client => Ink::Client,
        Side::Server => Ink::Server,
    }
}

/// Length, mask and payload in hexadecimal, and below each what it is.
fn bytes_and_names(parts: &Parts<'_>, room: usize) -> [String; 2] {
    let mut columns: Vec<(String, String)> = Vec::new();
    if !parts.extended.is_empty() {
        let length = parts.extended.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        columns.push((hex(parts.extended), format!("= {}", units::grouped(length))));
    }
    if !parts.mask.is_empty() {
        columns.push((hex(parts.mask), rule("mask", 11)));
    }
    let used: usize = columns.iter().map(|(bytes, name)| bytes.len().max(name.chars().count()) + 3).sum();
    let fits = (room.saturating_sub(used) + 1) / 3;
    if !parts.payload.is_empty() && fits > 3 {
        let all = parts.payload.len() <= fits;
        // Some places less, for the mark and the count of what is missing.
        let shown = if all { parts.payload.len() } else { fits.saturating_sub(4).max(1) };
        let more = units::grouped((parts.payload.len() - shown) as u64);
        let more = if all { String::new() } else { format!(" + {more}") };
        columns.push((format!("{}{more}", hex(&parts.payload[..shown])), rule("payload", shown * 3 - 1)));
    }
    let mut hexes = String::new();
    let mut names = String::new();
    for (bytes, name) in columns {
        let width = bytes.len().max(name.chars().count());
        hexes.push_str(&format!("{bytes:<width$}   "));
        names.push_str(&format!("{name:<width$}   "));
    }
    let cut = |text: String| text.trim_end().chars().take(room).collect();
    [cut(hexes), cut(names)]
}

/// `└── payload ──┘`, as wide as what stands above it.
fn rule(name: &str, width: usize) -> String {
    if width < name.len() + 4 {
        return name.to_owned();
    }
    let strokes = width - name.len() - 4;
    format!("└{} {name} {}┘", "─".repeat(strokes / 2), "─".repeat(strokes - strokes / 2))
}

fn first_bits(byte: u8) -> String {
    let bits = format!("{byte:08b}");
    format!("{} {} {}", &bits[..1], &bits[1..4], &bits[4..])
}

fn second_bits(byte: u8) -> String {
    let bits = format!("{byte:08b}");
    format!("{} {}", &bits[..1], &bits[1..])
}

/// The names of the bits, from the last to the first, and beside them the unmasking.
fn labelled(parts: &Parts<'_>, from: Side, opcode: Opcode, right: Vec<String>) -> Vec<Line> {
    let length = match parts.second & 0x7f {
        126 => "126: 2 bytes follow".to_owned(),
        127 => "127: 8 bytes follow".to_owned(),
        length => format!("length {length}"),
    };
    let mask = match (parts.second >> 7, from) {
        (0, Side::Client) => "MASK 0: that is forbidden",
        (_, Side::Client) => "MASK 1: clients must",
        (0, Side::Server) => "MASK 0: servers must not",
        (_, Side::Server) => "MASK 1: that is forbidden",
    };
    let reserved = (parts.first >> 4) & 7;
    let extension = if reserved == 0 { "no extension" } else { "an extension's" };
    let fin = if parts.first & 0x80 == 0 { "more follows" } else { "whole message" };
    let left = [
        format!("    │  │   │      │    └ {length}"),
        format!("    │  │   │      └ {mask}"),
        format!("    │  │   └ opcode {}: {}", parts.first & 0x0f, String::from(opcode)),
        format!("    │  └ RSV {reserved}: {extension}"),
        format!("    └ FIN {}: {fin} (not TCP's FIN)", parts.first >> 7),
    ];
    let mut right = right.into_iter();
    let beside = |left: String| {
        let mut line = Line::plain(left);
        if let Some(right) = right.next() {
            line.pad(AFTER_LABELS);
            line.push(Ink::Plain, right);
        }
        line
    };
    left.into_iter().map(beside).collect()
}

/// `7f^37=48 H`, for the first bytes.
fn unmasking(look: Look, parts: &Parts<'_>, opcode: &Opcode, room: usize) -> Vec<String> {
    let per_row = (room + 3) / 13;
    if parts.mask.is_empty() || per_row == 0 {
        return Vec::new();
    }
    let control = matches!(opcode, Opcode::Close | Opcode::Binary);
    let one = |at: usize| {
        let byte = parts.unmasked(at);
        let shown = if byte.is_ascii_graphic() && !control { char::from(byte) } else { ' ' };
        format!("{:02x}^{:02x}={byte:02x} {shown}", parts.payload[at], parts.mask[at % 4])
    };
    let shown = parts.payload.len().min(UNMASKED).min(per_row * 4);
    let all: Vec<String> = (0..shown).map(one).collect();
    let mut rows: Vec<String> =
        all.chunks(per_row).map(|row| row.join("   ").trim_end().to_owned()).collect();
    if parts.payload.len() > 4 && rows.len() < 5 {
        let more = parts.payload.len() - shown;
        let more = if more == 0 { String::new() } else { format!("; + {}", units::bytes(more as u64)) };
        let note = format!("(key repeats{more})");
        rows.push(if note.len() <= room { note } else { look.cut("(key repeats)", room) });
    }
    rows
}

/// `03 e8 is the code 1000`
fn close_code(look: Look, parts: &Parts<'_>, seen: &Seen, width: usize) -> Vec<Line> {
    let Some(code) = seen.frame.code.filter(|_| parts.payload.len() >= 2) else {
        return Vec::new();
    };
    let reason = seen.frame.reason.as_deref().filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| look.text(&format!(", then the reason: {reason}"))).unwrap_or_default();
    let text = format!("{:02x} {:02x} is the code {code}{reason}", parts.unmasked(0), parts.unmasked(1));
    wrap_text(Ink::Plain, &text, "    ", "    ", width)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
