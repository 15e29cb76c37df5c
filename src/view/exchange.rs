//! What was said, line by line, from the real bytes: request and response side by side.

use unicode_width::UnicodeWidthStr as _;

use super::fence::{Account, Exchange, Fence, Message};
use super::text::{Look, chop, take};
use super::{labels, units};
use crate::terminal::{Ink, Line};
use crate::timeline::Side;
use crate::wire::anatomy::explain_header;

/// More exchanges than this are only summed up.
const MOST: usize = 4;
/// The most lines of a head, and of a body.
const HEAD_LINES: usize = 24;
const BODY_LINES: usize = 6;
/// From here on there is room for two columns.
const SIDE_BY_SIDE: usize = 80;

/// All exchanges of a transcript, and what its connections came to.
pub(super) fn draw(look: Look, fence: &Fence, width: usize) -> Vec<Line> {
    arranged(look, fence, width, width >= SIDE_BY_SIDE)
}

/// The same with the response below the request.
pub(super) fn stacked(look: Look, fence: &Fence, width: usize) -> Vec<Line> {
    arranged(look, fence, width, false)
}

fn arranged(look: Look, fence: &Fence, width: usize, side_by_side: bool) -> Vec<Line> {
    let exchanges = fence.all_exchanges();
    let mut lines = Vec::new();
    if exchanges.len() > MOST {
        lines.push(sums(&exchanges));
    } else {
        let several = exchanges.iter().any(|it| it.conn != exchanges[0].conn);
        let mut shown: Vec<&Exchange> = Vec::new();
        for exchange in &exchanges {
            if shown.iter().any(|earlier| is_same(earlier, exchange)) {
                lines.extend(again(look, exchange, width));
            } else {
                if !shown.is_empty() {
                    lines.push(Line::default());
                }
                lines.extend(one(look, exchange, width, side_by_side, several));
                shown.push(exchange);
            }
        }
    }
    lines.extend(accounts(look, &fence.touched(), width));
    lines
}

fn is_same(left: &Exchange, right: &Exchange) -> bool {
    let len = |message: &Option<Message>| message.as_ref().map(|it| it.wire_len);
    left.target == right.target && left.status == right.status && len(&left.request) == len(&right.request)
}

fn sums(exchanges: &[Exchange]) -> Line {
    let sum = |message: fn(&Exchange) -> &Option<Message>| -> u64 {
        exchanges
            .iter()
            .filter_map(|it| message(it).as_ref())
            .map(|it| it.wire_len)
            .fold(0, u64::saturating_add)
    };
    Line::plain(format!(" {}: ", units::count(exchanges.len() as u64, "exchange")))
        .with(Ink::ClientTag, "C►")
        .with(Ink::Plain, format!(" {}, ", units::bytes(sum(|it| &it.request))))
        .with(Ink::ServerTag, "◄S")
        .with(Ink::Plain, format!(" {}.", units::bytes(sum(|it| &it.response))))
}

fn again(look: Look, exchange: &Exchange, width: usize) -> Option<Line> {
    let len = |message: &Option<Message>| message.as_ref().map_or(0, |it| it.wire_len);
    let (request, response) = (len(&exchange.request), len(&exchange.response));
    let text = format!(
        " {} again, on #{}: {} and {}.",
        exchange.target,
        exchange.conn,
        units::bytes(request),
        units::bytes(response)
    );
    Some(Line::plain(look.cut(&look.text(&text), width)))
}

fn one(look: Look, exchange: &Exchange, width: usize, side_by_side: bool, several: bool) -> Vec<Line> {
    let name = labels::client(exchange.client.as_deref()).map(|name| format!(" {name}"));
    let whose = several.then(|| look.text(&format!("  (#{}{})", exchange.conn, name.unwrap_or_default())));
    let whose = whose.unwrap_or_default();
    let column = if side_by_side { (width - 1) / 2 } else { width - 1 };
    let request = exchange.request.as_ref().map(|it| message(look, Side::Client, it, column - 1, &whose));
    let response = exchange.response.as_ref().map(|it| message(look, Side::Server, it, column - 1, &whose));
    let (left, right) = (request.unwrap_or_default(), response.unwrap_or_default());
    if !side_by_side {
        return left.into_iter().chain(right).collect();
    }
    let rows = left.len().max(right.len());
    let mut right = right.into_iter();
    let mut left = left.into_iter();
    let mut zip = |_| {
        let mut line = left.next().unwrap_or_default();
        if let Some(right) = right.next() {
            line.pad(column);
            right.0.into_iter().for_each(|span| line.push(span.ink, span.text));
        }
        line
    };
    (0..rows).map(&mut zip).collect()
}

/// A message: its length, then its lines, each at most so wide.
pub(super) fn message(look: Look, from: Side, message: &Message, width: usize, whose: &str) -> Vec<Line> {
    let (ink, tag) = match from {
        Side::Client => (Ink::ClientTag, "C►"),
        Side::Server => (Ink::ServerTag, "◄S"),
    };
    let title = Line::plain(" ").with(ink, tag);
    let mut lines = vec![title.with(Ink::Bold, format!(" {}", units::bytes(message.wire_len)))];
    let room = width.saturating_sub(lines[0].width());
    lines[0].push(Ink::Dim, look.cut(whose, room));
    let Some(bytes) = &message.bytes else {
        lines.push(Line::plain("    (too long to be kept)"));
        return lines;
    };
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let (head, body) = bytes.split_at(end);
    lines.extend(head_lines(look, from, head, width));
    lines.extend(body_lines(look, body, width));
    lines
}

fn head_lines(look: Look, from: Side, head: &[u8], width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let all: Vec<&[u8]> = head.split_inclusive(|byte| *byte == b'\n').collect();
    for (n, raw) in all.iter().enumerate() {
        if n == HEAD_LINES && all.len() > HEAD_LINES + 1 {
            let rest = all[n..].iter().map(|line| line.len() as u64).sum();
            let more = units::count((all.len() - n) as u64, "line");
            lines.push(Line::default().with(Ink::Dim, format!("    + {more}, {}", units::bytes(rest))));
            break;
        }
        let text = String::from_utf8_lossy(raw);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            let note = if from == Side::Client { "end of the head" } else { "" };
            lines.extend(remarked(Line::default().with(Ink::Dim, "    (empty line)"), note, false, width));
            continue;
        }
        let (name, value) = text.split_once(':').unwrap_or_default();
        let remark = explain_header(name, value.trim()).unwrap_or_default();
        let mut pieces = pieces(look, text, width);
        let last = pieces.pop().unwrap_or_default();
        lines.extend(pieces);
        // What ends the connection is worth a line of its own.
        let matters = name.eq_ignore_ascii_case("connection") && value.trim().eq_ignore_ascii_case("close");
        lines.extend(remarked(last, remark, matters, width));
    }
    lines
}

/// A line in pieces that fit, the later ones indented.
fn pieces(look: Look, text: &str, width: usize) -> Vec<Line> {
    let text = look.text(text);
    let (first, rest) = take(&text, width.saturating_sub(4).max(2));
    // At a space, if one is near the end.
    let near = first.rfind(' ').filter(|at| !rest.is_empty() && (at + 1) * 4 > first.len() * 3);
    let (first, rest) = near.map_or((first, rest), |at| text.split_at(at + 1));
    let first = Line::plain("    ").with(Ink::Plain, first);
    let rest = if rest.is_empty() { Vec::new() } else { chop(rest, width.saturating_sub(6).max(2)) };
    let indented = |piece| Line::plain("      ").with(Ink::Plain, piece);
    std::iter::once(first).chain(rest.into_iter().map(indented)).collect()
}

/// With the remark behind it; where it does not fit, below it if it matters, else without.
fn remarked(line: Line, remark: &str, matters: bool, width: usize) -> Vec<Line> {
    if remark.is_empty() {
        return vec![line];
    }
    // Arrows below each other where there is room, else close to the text.
    for column in [26, 0] {
        let mut beside = line.clone();
        beside.pad(column);
        beside.push(Ink::Dim, format!(" ← {remark}"));
        if beside.width() <= width {
            return vec![beside];
        }
    }
    let below = Line::default().with(Ink::Dim, format!("      ← {remark}"));
    if matters && below.width() <= width { vec![line, below] } else { vec![line] }
}

fn body_lines(look: Look, body: &[u8], width: usize) -> Vec<Line> {
    if body.is_empty() {
        return Vec::new();
    }
    let Ok(text) = std::str::from_utf8(body) else {
        let note = format!("    ({}, not text)", units::bytes(body.len() as u64));
        return vec![Line::default().with(Ink::Dim, note)];
    };
    let mut lines = Vec::new();
    let mut shown = 0;
    // Line by line as it was written; its own line breaks are counted, not drawn.
    'all: for raw in text.split_inclusive('\n') {
        let line = raw.strip_suffix('\n').unwrap_or(raw);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut rest = line;
        loop {
            if lines.len() == BODY_LINES {
                break 'all;
            }
            let piece = prefix(look, rest, width.saturating_sub(4).max(8));
            rest = &rest[piece.len()..];
            shown += piece.len();
            lines.push(Line::plain("    ").with(Ink::Plain, look.text(piece)));
            if rest.is_empty() {
                break;
            }
        }
        shown += raw.len() - line.len();
    }
    if shown < body.len() {
        let more = units::bytes((body.len() - shown) as u64);
        lines.push(Line::default().with(Ink::Dim, format!("    + {more}")));
    }
    lines
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

/// `Lived 0.42 ms. 224 bytes to carry 15.`
fn accounts(look: Look, touched: &[&Account], width: usize) -> Vec<Line> {
    let closed: Vec<_> = touched.iter().filter(|it| it.lived.is_some()).collect();
    if closed.len() > MOST {
        let (bytes, content) = closed.iter().fold((0, 0), |sum: (u64, u64), it| {
            (sum.0.saturating_add(it.bytes), sum.1.saturating_add(it.content))
        });
        let closed = units::count(closed.len() as u64, "connection");
        return vec![Line::plain(format!(" {closed} closed. {}.", carried(bytes, content)))];
    }
    let alone = touched.len() == 1;
    let account = |it: &&Account| {
        let name = labels::client(it.client.as_deref()).map(|name| format!(" {name}"));
        let whose = format!("#{}{}", it.conn, name.unwrap_or_default());
        let carried = carried(it.bytes, it.content);
        let text = match it.lived {
            Some(lived) if alone => format!(" Lived {}. {carried}.", units::duration(lived.0)),
            Some(lived) => format!(" {whose} lived {}. {carried}.", units::duration(lived.0)),
            None => format!(" {whose} is still open. {carried} so far."),
        };
        Line::plain(look.cut(&look.text(&text), width))
    };
    touched.iter().filter(|it| it.bytes > 0 || it.lived.is_some()).map(account).collect()
}

fn carried(bytes: u64, content: u64) -> String {
    match content {
        0 => format!("{}, no content", units::bytes(bytes)),
        content => format!("{} to carry {}", units::bytes(bytes), units::grouped(content)),
    }
}
