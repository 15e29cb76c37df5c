//! One HTTP message from its real bytes, line by line: all of it, or what the story needs. What is left out is
//! counted, so that the numbers add up before the reader's eyes.

mod packets;

pub(super) use packets::{Lens, told as packets_told};

use unicode_width::UnicodeWidthStr as _;

use super::caught::Message;
use super::text::{Look, chop, take};
use super::units;
use crate::terminal::{Ink, Line};
use crate::timeline::Side;
use crate::wire::anatomy::{self, HeadAnatomy, Lines};

/// The most lines of a head, and of a body.
const HEAD_LINES: usize = 24;
const BODY_LINES: usize = 6;
/// The most rows of a message in brief: a request and its response below each other are then a page.
const BRIEF: usize = 7;

/// What ends a head.
const EMPTY: &str = "    (empty line)";

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// What the story needs.
    Brief,
    /// Every line, with an explanation where there is one.
    Full,
}

/// A message: its length, then its lines, each at most so wide.
pub(super) fn draw(
    look: Look,
    from: Side,
    message: &Message,
    width: usize,
    whose: &str,
    detail: Detail,
) -> Vec<Line> {
    let (ink, tag) = match from {
        Side::Client => (Ink::ClientTag, "C►"),
        Side::Server => (Ink::ServerTag, "◄S"),
    };
    let mut title = Line::plain(" ").with(ink, tag);
    title.push(Ink::Bold, look.cut(&format!(" {}", units::bytes(message.wire_len)), width.saturating_sub(3)));
    let room = width.saturating_sub(title.width());
    title.push(Ink::Dim, look.cut(whose, room));
    let mut lines = vec![title];
    let page = Page { look, from, width };
    match (message.bytes.as_deref(), detail) {
        (None, _) => lines.push(Line::plain("    (too long to be kept)")),
        (Some(bytes), detail) => match (anatomy::head(bytes), detail) {
            (None, _) => lines.extend(page.body(bytes, message.wire_len)),
            (Some(parts), Detail::Brief) => lines.extend(page.brief(&parts, message.wire_len)),
            (Some(parts), Detail::Full) => lines.extend(page.full(&parts, message)),
        },
    }
    lines
}

/// How much a header line matters for the story: the smaller, the more; `None` where it can be asked for.
pub(super) fn story(line: &anatomy::Line<'_>, head: &Lines<'_>, has_body: bool) -> Option<u8> {
    let (name, value) = line.header()?;
    let says = |token: &str| value.split([',', ';']).any(|it| it.trim().eq_ignore_ascii_case(token));
    let start = head.start.text.as_ref();
    // Of a response that is as it should be, everybody guesses how to read it.
    let expected =
        start.starts_with("HTTP/") && start.split(' ').nth(1).is_some_and(|it| it.starts_with('2'));
    match name.to_ascii_lowercase().as_str() {
        "connection" if says("close") || says("keep-alive") => Some(0),
        "upgrade" => Some(1),
        "sec-websocket-key" | "sec-websocket-accept" => Some(2),
        "location" | "allow" | "last-event-id" | "retry-after" => Some(3),
        "content-type" if says("text/event-stream") => Some(4),
        "content-type" if has_body && !expected => Some(5),
        _ => None,
    }
}

/// What the empty line ends.
pub(super) fn ends(from: Side, head: &Lines<'_>, has_body: bool) -> &'static str {
    let switches = head.start.text.split(' ').nth(1) == Some("101");
    match (from, has_body) {
        (Side::Server, _) if switches => "HTTP ends here",
        (_, true) => "end of headers",
        (Side::Client, false) => "end of request",
        (Side::Server, false) => "end of response",
    }
}

/// What all lines of a message have in common.
#[derive(Debug, Clone, Copy)]
struct Page {
    look: Look,
    from: Side,
    width: usize,
}

impl Page {
    fn full(self, parts: &HeadAnatomy<'_>, message: &Message) -> Vec<Line> {
        let wire_len = message.wire_len;
        let mut lines = Vec::new();
        let mut before = parts.skipped as u64;
        if parts.skipped > 0 {
            lines.push(dim(format!("    (empty: {})", units::bytes(before))));
        }
        for interim in &parts.interim {
            lines.extend(self.head(interim, "more follows"));
            before += interim.wire_len() as u64;
        }
        let body = wire_len.saturating_sub(before + parts.head.wire_len() as u64);
        lines.extend(self.head(&parts.head, ends(self.from, &parts.head, body > 0)));
        if message.load.is_empty() {
            lines.extend(self.body(parts.body, body));
        } else {
            lines.extend(packets::draw(
                self.look,
                self.width,
                &message.load,
                Lens::of(&parts.head, body, wire_len),
            ));
        }
        lines
    }

    fn head(self, head: &Lines<'_>, end: &str) -> Vec<Line> {
        let mut lines = self.pieces(&head.start.text);
        for (n, header) in head.headers.iter().enumerate() {
            if n == HEAD_LINES && head.headers.len() > HEAD_LINES + 1 {
                let rest = head.headers[n..].iter().map(|line| line.len as u64).sum();
                let more = units::count((head.headers.len() - n) as u64, "line");
                lines.push(dim(format!("    + {more}, {}", units::bytes(rest))));
                break;
            }
            lines.extend(self.explained(header, Detail::Full));
        }
        lines.extend(self.remarked(dim(EMPTY), end, None, Detail::Brief));
        lines
    }

    /// At most [`BRIEF`] rows with the title, unless the first line alone needs several.
    fn brief(self, parts: &HeadAnatomy<'_>, wire_len: u64) -> Vec<Line> {
        let head = &parts.head;
        let before = parts.skipped + parts.interim.iter().map(Lines::wire_len).sum::<usize>();
        let body = wire_len.saturating_sub((before + head.wire_len()) as u64);
        let mut lines = self.pieces(&head.start.text);
        let beside = self.beside(parts.body, body);
        // The title, the line that counts what is left out, the empty line, and one of the body below it.
        let below = usize::from(beside.is_none() && body > 0);
        let mut left = BRIEF.saturating_sub(lines.len() + 3 + below);
        let matters = |line| story(line, head, body > 0);
        let mut wanted: Vec<(u8, usize)> =
            head.headers.iter().enumerate().filter_map(|(n, line)| Some((matters(line)?, n))).collect();
        wanted.sort_unstable();
        let mut shown = vec![None; head.headers.len()];
        for (_, n) in wanted {
            let rows = self.explained(&head.headers[n], Detail::Brief);
            if rows.len() <= left {
                left -= rows.len();
                shown[n] = Some(rows);
            }
        }
        let hidden = head.headers.iter().zip(&shown).filter(|(_, shown)| shown.is_none());
        let (count, sum) =
            hidden.fold((0_u64, before), |(count, sum), (line, _)| (count + 1, sum + line.len));
        lines.extend(shown.into_iter().flatten().flatten());
        if sum > 0 {
            let more = format!("{}, {}", units::count(count, "line"), units::bytes(sum as u64));
            lines.push(dim(format!("    + {more} (x)")));
        }
        let note = ends(self.from, head, body > 0);
        match beside {
            Some(line) => lines.push(line),
            None => lines.extend(self.remarked(dim(EMPTY), note, None, Detail::Brief)),
        }
        if below > 0 {
            lines.extend(self.below(parts.body, body, left + 1));
        }
        lines
    }

    /// The empty line with the whole body beside it, or the number of its bytes where it is no text.
    fn beside(self, body: &[u8], len: u64) -> Option<Line> {
        if len == 0 {
            return None;
        }
        let Some(text) = beginning(body).filter(|text| !text.is_empty()) else {
            return Some(dim(format!("{EMPTY} + {} (x)", units::bytes(len))));
        };
        let shown = self.look.text(text.trim_end_matches(['\r', '\n']));
        let line = dim(EMPTY).with(Ink::Plain, format!(" {shown}"));
        (text.len() as u64 == len && line.width() <= self.width).then_some(line)
    }

    /// The body in at most so many rows, and in the last how many bytes are left out.
    fn below(self, body: &[u8], len: u64, rows: usize) -> Vec<Line> {
        let text = beginning(body).unwrap_or_default();
        let whole = text.len() as u64 == len;
        let mut rest = if whole { text.trim_end_matches(['\r', '\n']) } else { text };
        let ends = text.len() - rest.len();
        let room = self.width.saturating_sub(4).max(8);
        // As many places as the whole length would take are kept free for the rest of it.
        let short = room.saturating_sub(format!(" + {} (x)", units::bytes(len)).len()).max(8);
        let mut lines = Vec::new();
        let mut shown = 0;
        while !rest.is_empty() && lines.len() < rows {
            let mut piece = prefix(self.look, rest, room);
            if lines.len() + 1 == rows && (piece.len() < rest.len() || !whole) {
                piece = prefix(self.look, rest, short);
            }
            rest = &rest[piece.len()..];
            shown += piece.len();
            lines.push(Line::plain("    ").with(Ink::Plain, self.look.text(piece)));
        }
        let ends = if rest.is_empty() { ends } else { 0 };
        let more = len.saturating_sub((shown + ends) as u64);
        if more > 0
            && let Some(last) = lines.last_mut()
        {
            last.push(Ink::Dim, self.look.cut(&format!(" + {} (x)", units::bytes(more)), self.width));
        }
        lines
    }

    fn explained(self, header: &anatomy::Line<'_>, detail: Detail) -> Vec<Line> {
        let mut rows = self.pieces(&header.text);
        let last = rows.pop().unwrap_or_default();
        rows.extend(self.remarked(last, header.remark().unwrap_or_default(), header.brief_remark(), detail));
        rows
    }

    /// A line in pieces that fit, the later ones indented.
    fn pieces(self, text: &str) -> Vec<Line> {
        let text = self.look.text(text);
        let (room, later) = (self.width.saturating_sub(4).max(2), self.width.saturating_sub(6).max(2));
        let (mut first, mut rest) = take(&text, room);
        if !rest.is_empty() {
            // A value without spaces stays in one piece if it can; else the break is at a space near the end.
            let value = text.split_once(": ").filter(|(name, value)| {
                name.width() < room && value.width() <= later && !value.contains(' ')
            });
            let at = match value {
                Some((name, _)) => Some(name.len() + 1),
                None => first.rfind(' ').filter(|at| (at + 1) * 4 > first.len() * 3),
            };
            (first, rest) = at.map_or((first, rest), |at| text.split_at(at + 1));
        }
        let first = Line::plain("    ").with(Ink::Plain, first.trim_end());
        let rest = if rest.is_empty() { Vec::new() } else { chop(rest, later) };
        let indented = |piece| Line::plain("      ").with(Ink::Plain, piece);
        std::iter::once(first).chain(rest.into_iter().map(indented)).collect()
    }

    /// With the remark behind it, in fewer words if need be; where neither fits, below it, or in brief without.
    fn remarked(self, line: Line, remark: &str, brief: Option<&str>, detail: Detail) -> Vec<Line> {
        if remark.is_empty() {
            return vec![line];
        }
        let arrow = if self.look.ascii { "<-" } else { "←" };
        // Arrows below each other where there is room, else close to the text.
        for (words, column) in [(Some(remark), 26), (Some(remark), 0), (brief, 0)] {
            let Some(words) = words else { continue };
            let mut beside = line.clone();
            beside.pad(column);
            beside.push(Ink::Dim, format!(" {arrow} {words}"));
            if beside.width() <= self.width {
                return vec![beside];
            }
        }
        let below = dim(format!("      {arrow} {remark}"));
        if detail == Detail::Full && below.width() <= self.width { vec![line, below] } else { vec![line] }
    }

    /// What is there of a body of so many bytes.
    fn body(self, body: &[u8], len: u64) -> Vec<Line> {
        if len == 0 {
            return Vec::new();
        }
        let Some(text) = beginning(body) else {
            return vec![dim(format!("    ({}, not text)", units::bytes(len)))];
        };
        let mut lines = Vec::new();
        let mut shown = 0_u64;
        // Line by line as it was written; its own line breaks are counted, not drawn.
        'all: for raw in text.split_inclusive('\n') {
            let line = raw.strip_suffix('\n').unwrap_or(raw);
            let line = line.strip_suffix('\r').unwrap_or(line);
            let mut rest = line;
            loop {
                if lines.len() == BODY_LINES {
                    break 'all;
                }
                let piece = prefix(self.look, rest, self.width.saturating_sub(4).max(8));
                rest = &rest[piece.len()..];
                shown += piece.len() as u64;
                lines.push(Line::plain("    ").with(Ink::Plain, self.look.text(piece)));
                if rest.is_empty() {
                    break;
                }
            }
            shown += (raw.len() - line.len()) as u64;
        }
        if shown < len {
            let more = format!("    + {}", units::bytes(len - shown));
            lines.push(dim(self.look.cut(&more, self.width)));
        }
        lines
    }
}

fn dim(text: impl Into<String>) -> Line {
    Line::default().with(Ink::Dim, text)
}

/// As text, where it is text; without a last character that was cut off with the bytes.
pub(super) fn beginning(body: &[u8]) -> Option<&str> {
    match std::str::from_utf8(body) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&body[..error.valid_up_to()]).ok(),
        Err(_) => None,
    }
}

/// The longest beginning that fits as it is shown: cut before it is made safe, so that bytes can be counted.
fn prefix(look: Look, text: &str, width: usize) -> &str {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        if end > 0 && look.text(&text[..next]).width() > width {
            break;
        }
        end = next;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(bytes: &str, width: usize) -> Vec<String> {
        let message = Message {
            wire_len: bytes.len() as u64,
            bytes: Some(bytes.as_bytes().to_vec()),
            ..Message::default()
        };
        let lines = draw(Look::default(), Side::Server, &message, width, "", Detail::Brief);
        lines.iter().map(Line::text).collect()
    }

    /// All bytes of what is drawn: the text with its line ends, and what is said to be left out.
    fn sum(lines: &[String]) -> usize {
        let mut sum = 0;
        let mut in_body = false;
        for line in &lines[1..] {
            let (shown, more) = line.split_once("+ ").unwrap_or((line, ""));
            let shown = shown.split(" ← ").next().unwrap_or_default().trim();
            let number = more.split(", ").last().and_then(|it| it.split(' ').next()).unwrap_or_default();
            sum += number.parse::<usize>().unwrap_or(0);
            let (shown, line_end) = match shown.strip_prefix("(empty line)") {
                Some(body) => {
                    in_body = true;
                    (body.trim(), 2)
                }
                None => (shown, if in_body || shown.is_empty() { 0 } else { 2 }),
            };
            sum += shown.len() + line_end;
        }
        sum
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let head = "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\nconnection: close\r\nx-a: b\r\nallow: GET\r\n\r\n";
        for len in [0, 1, 10, 21, 22, 30, 34, 35, 50, 60, 100, 1000] {
            let message = format!("{head}{}", "x".repeat(len));
            for width in [36, 38, 48, 60] {
                let lines = brief(&message, width);
                assert!(lines.len() <= BRIEF, "{lines:#?}");
                assert_eq!(sum(&lines), message.len(), "{lines:#?}");
            }
        }
    }

    #[test]
    fn a_body_that_is_cut_counts_its_line_end() {
        let head = "HTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(brief(&format!("{head}[1]\n"), 40)[2], "    (empty line) [1]");
        let lines = brief(&format!("{head}{}\n", "x".repeat(500)), 40);
        assert_eq!(sum(&lines), head.len() + 501, "{lines:#?}");
    }

    #[test]
    fn what_matters_is_shown_first() {
        let upgrade = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
            sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        let lines = brief(upgrade, 38);
        assert_eq!(
            lines[2..],
            [
                "    upgrade: websocket ← new rules",
                "    sec-websocket-accept:",
                "      s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "    + 1 line, 21 bytes (x)",
                "    (empty line) ← HTTP ends here",
            ]
        );
    }
}
