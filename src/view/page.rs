//! All bytes of a step, for whoever asks: every line explained, every byte in hexadecimal, every frame bit by bit.

use super::caught::{Exchange, Message, Seen};
use super::fence::Fence;
use super::kept::{self, Item, Loose};
use super::message::{self, Detail};
use super::sentences::who;
use super::text::Look;
use super::{bits, exchange, hexdump, labels};
use crate::terminal::{Ink, Line};
use crate::timeline::Side;
use crate::wire::anatomy;

/// The most rows that are shown at once.
pub(super) const ROWS: usize = 14;

/// In groups of lines that belong together; before the first of several that do, an empty line.
pub(super) fn draw(look: Look, fence: &Fence, width: usize) -> Vec<Vec<Line>> {
    let items = fence.step_items();
    let exchanges: Vec<Exchange> = items
        .iter()
        .filter_map(|item| match item {
            Item::Exchange(exchange) => Some(exchange.clone()),
            Item::Frame(_) | Item::Loose(_) => None,
        })
        .collect();
    let several = !exchanges.is_empty() && exchange::several(&exchanges);
    let mut shown: Vec<&Exchange> = Vec::new();
    let mut groups = Vec::new();
    for item in &items {
        match item {
            Item::Exchange(exchange) if shown.iter().any(|earlier| exchange::is_same(earlier, exchange)) => {
                groups.push(exchange::again(look, exchange, width));
            }
            Item::Exchange(exchange) => {
                groups.extend(of_exchange(look, exchange, width, several));
                shown.push(exchange);
            }
            Item::Frame(seen) => groups.extend(of_frame(look, seen, width)),
            Item::Loose(loose) => groups.extend(of_loose(look, loose, width)),
        }
    }
    if !items.is_empty() {
        groups.push(hexdump::legend(look, width));
    }
    groups.extend(
        kept::rest(fence.beyond()).map(|text| vec![Line::default().with(Ink::Dim, look.cut(&text, width))]),
    );
    if groups.is_empty() {
        groups.push(vec![Line::plain(format!(" {}", kept::NOTHING))]);
    }
    groups
}

fn of_exchange(look: Look, it: &Exchange, width: usize, several: bool) -> Vec<Vec<Line>> {
    let mut groups = vec![exchange::one(look, it, width, several, Detail::Full)];
    groups.push(bits::handshake(look, it, width));
    let mut hex = |from, what: &str, message: &Option<Message>| {
        let Some(Message { wire_len, bytes: Some(bytes), .. }) = message else { return };
        groups.push(hexdump::draw(look, from, what, bytes, *wire_len, width));
    };
    hex(Side::Client, "request, ", &it.request);
    hex(Side::Server, "response, ", &it.response);
    groups.retain(|group| !group.is_empty());
    groups
}

fn of_frame(look: Look, seen: &Seen, width: usize) -> Vec<Vec<Line>> {
    let mut groups = vec![bits::frame(look, seen, width)];
    if let Some(bytes) = &seen.bytes {
        let what = format!("{} frame, ", labels::opcode(seen.frame.opcode));
        groups.push(hexdump::draw(look, seen.frame.from, &what, bytes, seen.frame.wire_len, width));
    }
    groups
}

/// What is no whole message: its lines, if its head is whole, and its bytes.
fn of_loose(look: Look, loose: &Loose, width: usize) -> Vec<Vec<Line>> {
    let Loose { conn, client, from, message } = loose;
    let Some(bytes) = &message.bytes else { return Vec::new() };
    let whose = format!("{}, no whole message: ", who(*conn, client.as_deref()));
    let mut groups = vec![hexdump::draw(look, *from, &whose, bytes, message.wire_len, width)];
    if anatomy::head(bytes).is_some() {
        let whose = look.text(&format!("  ({})", who(*conn, client.as_deref())));
        groups.insert(0, message::draw(look, *from, message, width - 1, &whose, Detail::Full));
    }
    groups
}
