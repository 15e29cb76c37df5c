//! What was said, from the real bytes: request and response side by side, and what the connections came to.

use super::caught::{Account, Exchange, Message};
use super::fence::Fence;
use super::message::{self, Detail};
use super::text::{Look, wrap_text};
use super::{labels, units};
use crate::terminal::{Ink, Line};
use crate::timeline::Side;

/// More exchanges than this are only summed up.
pub(super) const MOST: usize = 4;
/// From here on there is room for two columns.
const SIDE_BY_SIDE: usize = 80;

/// All exchanges of a transcript, each in a group of lines.
pub(super) fn draw(look: Look, fence: &Fence, width: usize, detail: Detail) -> Vec<Vec<Line>> {
    let exchanges = fence.all_exchanges();
    let mut groups: Vec<Vec<Line>> = Vec::new();
    if exchanges.len() > MOST {
        groups.push(vec![sums(&exchanges, detail)]);
    } else {
        let several = several(&exchanges);
        let mut shown: Vec<&Exchange> = Vec::new();
        for exchange in &exchanges {
            if shown.iter().any(|earlier| is_alike(earlier, exchange)) {
                groups.last_mut().into_iter().for_each(|group| group.extend(again(look, exchange, width)));
            } else {
                groups.push(one(look, exchange, width, several, detail));
                shown.push(exchange);
            }
        }
    }
    groups
}

/// Whether it must be said whose an exchange is.
pub(super) fn several(exchanges: &[Exchange]) -> bool {
    exchanges.iter().any(|it| it.conn != exchanges[0].conn)
}

fn len(message: &Option<Message>) -> u64 {
    message.as_ref().map_or(0, |it| it.wire_len)
}

/// Whether it would look the same.
fn is_alike(left: &Exchange, right: &Exchange) -> bool {
    left.target == right.target && left.status == right.status && len(&left.request) == len(&right.request)
}

/// Whether it says the same, as far as lengths can tell: a date may differ.
pub(super) fn is_same(left: &Exchange, right: &Exchange) -> bool {
    is_alike(left, right) && len(&left.response) == len(&right.response)
}

fn sums(exchanges: &[Exchange], detail: Detail) -> Line {
    let sum = |message: fn(&Exchange) -> &Option<Message>| -> u64 {
        exchanges
            .iter()
            .filter_map(|it| message(it).as_ref())
            .map(|it| it.wire_len)
            .fold(0, u64::saturating_add)
    };
    let key = if detail == Detail::Brief { " (x)" } else { "" };
    Line::plain(format!(" {}: ", units::count(exchanges.len() as u64, "exchange")))
        .with(Ink::ClientTag, "C►")
        .with(Ink::Plain, format!(" {}, ", units::bytes(sum(|it| &it.request))))
        .with(Ink::ServerTag, "◄S")
        .with(Ink::Plain, format!(" {}.", units::bytes(sum(|it| &it.response))))
        .with(Ink::Dim, key)
}

/// The same in a sentence.
pub(super) fn again(look: Look, exchange: &Exchange, width: usize) -> Vec<Line> {
    wrap_text(Ink::Plain, &look.text(&again_text(exchange)), " ", "   ", width)
}

/// `GET /api/messages again, on #8: 53 bytes and 40 bytes.`
pub(super) fn again_text(exchange: &Exchange) -> String {
    let lengths = [&exchange.request, &exchange.response].map(|it| units::bytes(len(it)));
    format!("{} again, on #{}: {} and {}.", exchange.target, exchange.conn, lengths[0], lengths[1])
}

/// A request and its response.
pub(super) fn one(look: Look, exchange: &Exchange, width: usize, several: bool, detail: Detail) -> Vec<Line> {
    let side_by_side = width >= SIDE_BY_SIDE;
    let name = labels::client(exchange.client.as_deref()).map(|name| format!(" {name}"));
    let whose = several.then(|| look.text(&format!("  (#{}{})", exchange.conn, name.unwrap_or_default())));
    let whose = whose.unwrap_or_default();
    let column = if side_by_side { (width - 1) / 2 } else { width - 1 };
    let draw = |from, it: &Option<Message>| {
        it.as_ref().map(|it| message::draw(look, from, it, column - 1, &whose, detail)).unwrap_or_default()
    };
    let (left, right) = (draw(Side::Client, &exchange.request), draw(Side::Server, &exchange.response));
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

/// `Lived 0.42 ms. 224 bytes to carry 15.`
pub(super) fn accounts(look: Look, fence: &Fence, width: usize, detail: Detail) -> Vec<Line> {
    let mut touched = fence.touched();
    // Where nothing is drawn that these numbers sum up, an open connection is no news.
    if detail == Detail::Brief && fence.exchanges.is_empty() {
        touched.retain(|it| it.lived.is_some());
    }
    let closed: Vec<_> = touched.iter().filter(|it| it.lived.is_some()).collect();
    if closed.len() > MOST {
        let (bytes, content) = closed.iter().fold((0, 0), |sum: (u64, u64), it| {
            (sum.0.saturating_add(it.bytes), sum.1.saturating_add(it.content))
        });
        let closed = units::count(closed.len() as u64, "connection");
        let text = format!("{closed} closed. {}.", carried(bytes, content));
        return wrap_text(Ink::Plain, &text, " ", "   ", width);
    }
    let alone = touched.len() == 1;
    let account = |it: &&Account| {
        let name = labels::client(it.client.as_deref()).map(|name| format!(" {name}"));
        let whose = format!("#{}{}", it.conn, name.unwrap_or_default());
        let carried = carried(it.bytes, it.content);
        let text = match it.lived {
            Some(lived) if alone => format!("Lived {}. {carried}.", units::duration(lived.0)),
            Some(lived) => format!("{whose} lived {}. {carried}.", units::duration(lived.0)),
            None => format!("{whose} is still open. {carried} so far."),
        };
        wrap_text(Ink::Plain, &look.text(&text), " ", "   ", width)
    };
    touched.iter().filter(|it| it.bytes > 0 || it.lived.is_some()).flat_map(account).collect()
}

fn carried(bytes: u64, content: u64) -> String {
    match content {
        0 => format!("{}, no content", units::bytes(bytes)),
        content => format!("{} to carry {}", units::bytes(bytes), units::grouped(content)),
    }
}
