//! Handshakes worked out, and frames bit by bit (RFC 6455, 4.2.2 and 5.2).

mod packet;

pub(super) use packet::told as packet_told;

use super::caught::{Exchange, Seen};
use super::fence::Fence;
use super::labels;
use super::text::Look;
use super::units;
use crate::terminal::{Ink, Line};
use crate::timeline::{Opcode, Side};
use crate::wire::anatomy::{self, FrameAnatomy};
use crate::wire::handshake::Working;

/// More frames than this are only counted.
pub(super) const MOST: usize = 8;
/// Where the two bytes of the header end, and where the bits' labels do.
const AFTER_HEADER: usize = 29;
const AFTER_LABELS: usize = 46;
/// The rows of the bits' labels.
const LABELS: usize = 5;
/// How many bytes are unmasked before the reader's eyes.
const UNMASKED: usize = 8;

/// All of a transcript: each handshake and each frame in a group of lines.
pub(super) fn draw(look: Look, fence: &Fence, width: usize) -> Vec<Vec<Line>> {
    let handshakes = fence.all_exchanges();
    let mut groups: Vec<_> = handshakes.iter().map(|it| handshake(look, it, width)).collect();
    groups.extend(fence.frames.iter().take(MOST).map(|seen| frame(look, seen, width)));
    if fence.frames.len() > MOST {
        let more = units::count((fence.frames.len() - MOST) as u64, "frame");
        groups.push(vec![Line::default().with(Ink::Dim, format!(" + {more}"))]);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// How the accept key follows from the key.
pub(super) fn handshake(look: Look, exchange: &Exchange, width: usize) -> Vec<Line> {
    let (Some(key), Some(seen)) = (&exchange.key, &exchange.accept) else {
        return Vec::new();
    };
    let Working { guid, sha1_hex, accept, .. } = Working::of(key);
    let spaced = grouped(&sha1_hex);
    let (digest, rest) = match width.saturating_sub(12) {
        room if spaced.len() <= room => (spaced, String::new()),
        room if sha1_hex.len() <= room => (sha1_hex, String::new()),
        _ => (sha1_hex[..sha1_hex.len() / 2].to_owned(), sha1_hex[sha1_hex.len() / 2..].to_owned()),
    };
    let verdict = verdict(accept == *seen);
    let rows = [
        ("key", look.text(key), "from the client"),
        ("+ GUID", guid.to_owned(), "the same for everybody"),
        ("SHA-1", digest, ""),
        ("", rest, ""),
        ("base64", accept, "worked out here"),
        ("seen", look.text(seen), verdict),
    ];
    let mut lines = vec![Line::default().with(Ink::Bold, " The accept key, worked out")];
    for (name, value, remark) in rows.into_iter().filter(|(_, value, _)| !value.is_empty()) {
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

/// What follows from the two accept keys.
pub(super) fn verdict(equal: bool) -> &'static str {
    if equal { "equal: it knows WebSocket" } else { "not equal: the client must give up" }
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
    let name = labels::opcode(seen.frame.opcode);
    let title = format!(" {name} frame: {}{says}{payload}", units::bytes(seen.frame.wire_len));
    let title = look.cut(&look.text(&title), width - 3);
    let mut lines = vec![Line::plain(" ").with(ink, tag).with(Ink::Bold, title)];
    let Some(parts) = seen.bytes.as_deref().and_then(anatomy::frame) else {
        lines.push(Line::plain("    (too long to be kept)"));
        return lines;
    };
    let room = width.saturating_sub(AFTER_HEADER);
    let (shown, [hexes, names]) = bytes_and_names(&parts, room);
    let [first, second, ..] = *parts.header else {
        return lines;
    };
    let mut top = Line::plain(format!("    {first:02x}            {second:02x}"));
    top.pad(AFTER_HEADER);
    top.push(body_ink(from), hexes);
    let mut bits = Line::plain(format!("    {}    {}", first_bits(first), second_bits(second)));
    bits.pad(AFTER_HEADER);
    bits.push(Ink::Dim, names);
    lines.extend([top, bits]);
    let room = width.saturating_sub(AFTER_LABELS);
    let mut right = unmasking(look, &parts, shown, room);
    // Only where there are rows and columns for it.
    let code = close_code(&parts, seen);
    if right.len() + code.len() <= LABELS && code.iter().all(|it| it.len() <= room) {
        right.extend(code);
    }
    lines.extend(labelled(&parts, from, right));
    if shown == 0 {
        lines.extend(payload_below(look, &parts, from, width));
    }
    lines.extend(packet::draw(look, seen, &parts, width));
    lines
}

/// The payload where there is no room for it beside the header: below it, and below that the unmasking.
fn payload_below(look: Look, parts: &FrameAnatomy<'_>, from: Side, width: usize) -> Vec<Line> {
    if parts.wire.is_empty() {
        return Vec::new();
    }
    let room = width.saturating_sub("    payload  ".len());
    // Three columns each, and some for the count of what is missing.
    let fits = (room + 1) / 3;
    let shown = if parts.wire.len() <= fits { parts.wire.len() } else { fits.saturating_sub(6).max(1) };
    let more = parts.wire.len() - shown;
    let more = if more == 0 { String::new() } else { format!(" + {}", units::grouped(more as u64)) };
    let bytes = look.cut(&format!("{}{more}", hex(&parts.wire[..shown])), room);
    let payload = Line::plain("    ").with(Ink::Dim, "payload  ").with(body_ink(from), bytes);
    let unmasked = unmasking(look, parts, shown.min((room + 3) / 13), room);
    let unmasked = unmasked.into_iter().take(1).map(|row| Line::plain(format!("             {row}")));
    std::iter::once(payload).chain(unmasked).collect()
}

fn body_ink(from: Side) -> Ink {
    match from {
        Side::Client => Ink::Client,
        Side::Server => Ink::Server,
    }
}

/// Length, mask and payload in hexadecimal, and below each what it is; and how many bytes of the payload that shows.
fn bytes_and_names(parts: &FrameAnatomy<'_>, room: usize) -> (usize, [String; 2]) {
    let mut columns: Vec<(String, String)> = Vec::new();
    if !parts.extended.is_empty() {
        columns.push((hex(parts.extended), format!("= {}", units::grouped(parts.len))));
    }
    columns.extend(parts.key.map(|key| (hex(&key), rule("mask", 11))));
    let used: usize = columns.iter().map(|(bytes, name)| bytes.len().max(name.chars().count()) + 3).sum();
    let fits = (room.saturating_sub(used) + 1) / 3;
    let mut shown = 0;
    if !parts.wire.is_empty() && fits > 3 {
        let all = parts.wire.len() <= fits;
        // Some places less, for the mark and the count of what is missing.
        let count = format!(" + {}", units::grouped(parts.wire.len() as u64)).len().div_ceil(3);
        shown = if all { parts.wire.len() } else { fits.saturating_sub(count).max(1) };
        let more = units::grouped((parts.wire.len() - shown) as u64);
        let more = if all { String::new() } else { format!(" + {more}") };
        columns.push((format!("{}{more}", hex(&parts.wire[..shown])), rule("payload", shown * 3 - 1)));
    }
    let mut hexes = String::new();
    let mut names = String::new();
    for (bytes, name) in columns {
        let width = bytes.len().max(name.chars().count());
        hexes.push_str(&format!("{bytes:<width$}   "));
        names.push_str(&format!("{name:<width$}   "));
    }
    let cut = |text: String| text.trim_end().chars().take(room).collect();
    (shown, [cut(hexes), cut(names)])
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

/// What the bits say, from the last to the first: length, MASK, opcode, RSV, FIN.
pub(super) fn words(parts: &FrameAnatomy<'_>, from: Side) -> [String; LABELS] {
    let length = match parts.len7 {
        126 => "126: 2 bytes follow".to_owned(),
        127 => "127: 8 bytes follow".to_owned(),
        length => format!("length {length}"),
    };
    let mask = match (parts.masked, from) {
        (false, Side::Client) => "MASK 0: that is forbidden",
        (true, Side::Client) => "MASK 1: clients must",
        (false, Side::Server) => "MASK 0: servers must not",
        (true, Side::Server) => "MASK 1: that is forbidden",
    };
    let reserved: String = parts.rsv.iter().map(|bit| if *bit { '1' } else { '0' }).collect();
    let (reserved, extension) = match reserved.as_str() {
        "000" => ("0", "no extension"),
        bits => (bits, "an extension's"),
    };
    let fin = if parts.fin { "whole message" } else { "more follows" };
    [
        length,
        mask.to_owned(),
        format!("opcode {}: {}", parts.opcode_bits, labels::opcode(parts.opcode)),
        format!("RSV {reserved}: {extension}"),
        format!("FIN {}: {fin} (not TCP's FIN)", u8::from(parts.fin)),
    ]
}

/// The names of the bits, each below its own, and beside them the unmasking.
fn labelled(parts: &FrameAnatomy<'_>, from: Side, right: Vec<String>) -> Vec<Line> {
    let lines = ["│  │   │      │    └", "│  │   │      └", "│  │   └", "│  └", "└"];
    let words = words(parts, from);
    let left = lines.iter().zip(words).map(|(lines, words)| format!("    {lines} {words}"));
    let mut right = right.into_iter();
    let beside = |left: String| {
        let mut line = Line::plain(left);
        if let Some(right) = right.next() {
            line.pad(AFTER_LABELS);
            line.push(Ink::Plain, right);
        }
        line
    };
    left.map(beside).collect()
}

/// `7f^37=48 H`, for the first bytes: at most those that are `printed` above.
fn unmasking(look: Look, parts: &FrameAnatomy<'_>, printed: usize, room: usize) -> Vec<String> {
    let per_row = (room + 3) / 13;
    if !parts.masked || per_row == 0 || printed == 0 {
        return Vec::new();
    }
    let is_text = !matches!(parts.opcode, Opcode::Close | Opcode::Binary);
    let one = |(wire, key, plain): (u8, u8, u8)| {
        let shown = match plain {
            b' ' if is_text => "SP".into(),
            plain if plain.is_ascii_graphic() && is_text => char::from(plain).to_string(),
            _ => String::new(),
        };
        format!("{wire:02x}^{key:02x}={plain:02x} {shown}")
    };
    let shown = printed.min(UNMASKED).min(per_row * 4);
    let all: Vec<String> = parts.unmasking().take(shown).map(one).collect();
    let mut rows: Vec<String> =
        all.chunks(per_row).map(|row| row.iter().map(|it| format!("{it:<13}")).collect::<String>()).collect();
    for row in &mut rows {
        // The last may be a column too wide.
        let whole = row.trim_end();
        *row = if whole.len() > room { whole.trim_end_matches("SP").trim_end() } else { whole }.to_owned();
    }
    if parts.wire.len() > 4 && rows.len() < LABELS {
        let more = parts.wire.len() - shown;
        let more = if more == 0 { String::new() } else { format!("; + {}", units::bytes(more as u64)) };
        let note = format!("(key repeats{more})");
        rows.push(if note.len() <= room { note } else { look.cut("(key repeats)", room) });
    }
    rows
}

/// `03 e8 = 1000`, `then a reason`: the title has it in full.
fn close_code(parts: &FrameAnatomy<'_>, seen: &Seen) -> Vec<String> {
    let (Some(code), [high, low, ..]) = (seen.frame.code, &*parts.plain) else {
        return Vec::new();
    };
    let reason = seen.frame.reason.as_deref().filter(|reason| !reason.is_empty());
    let reason = reason.map(|_| "then a reason".to_owned());
    std::iter::once(format!("{high:02x} {low:02x} = {code}")).chain(reason).collect()
}

/// 40 digits, byte by byte, in two halves.
fn grouped(digits: &str) -> String {
    let pairs: Vec<&str> = (0..digits.len() / 2).map(|n| &digits[n * 2..n * 2 + 2]).collect();
    let (left, right) = pairs.split_at(pairs.len() / 2);
    format!("{}   {}", left.join(" "), right.join(" "))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
