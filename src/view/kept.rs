//! What a whole step sent, kept for whoever asks to see all its bytes: bounded, and what is beyond is counted.

use std::collections::{HashMap, HashSet};

use super::caught::{Exchange, Message, Seen};
use super::units;
use crate::timeline::{ConnId, Side};

/// So many messages and frames.
const MOST: u64 = 64;
/// So many bytes of them all.
const BYTES: usize = 64 << 10;
/// So many bytes of one message.
pub(super) const OF_ONE: usize = 4 << 10;

/// Where nothing crossed.
pub(super) const NOTHING: &str = "No bytes crossed in this step.";

/// What is not shown, in numbers: so many messages, of so many bytes.
pub(super) fn rest((messages, sum): (u64, u64)) -> Option<String> {
    let more = || format!(" + {}, {}, not shown", units::count(messages, "more message"), units::bytes(sum));
    (messages > 0).then(more)
}

/// Something that crossed as a whole.
#[derive(Debug, Clone)]
pub(super) enum Item {
    Exchange(Exchange),
    Frame(Seen),
    /// What belongs to no whole message.
    Loose(Loose),
}

/// Bytes of one side.
#[derive(Debug, Clone)]
pub(super) struct Loose {
    pub conn: ConnId,
    pub client: Option<String>,
    pub from: Side,
    pub message: Message,
}

impl Loose {
    /// Only their beginning is held.
    pub fn new(conn: ConnId, client: Option<String>, from: Side, bytes: &[u8]) -> Self {
        let held = bytes[..bytes.len().min(OF_ONE)].to_vec();
        let message = Message { wire_len: bytes.len() as u64, bytes: Some(held), ..Message::default() };
        Self { conn, client, from, message }
    }
}

/// Gathers, from one step to the next.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// In the order in which they ended.
    pub items: Vec<Item>,
    /// Messages and frames that are not kept, and their bytes.
    pub beyond: (u64, u64),
    count: u64,
    bytes: usize,
    /// How many bytes that make no message are told already.
    loose: HashMap<(ConnId, Side), u64>,
    /// In a compare: the lanes of which an exchange, or a frame of this side, is kept already.
    lanes: Option<HashSet<(Option<String>, Option<Side>)>>,
}

impl Kept {
    /// A compare begins: of each lane the first exchange is enough, and the first frame each way.
    pub fn compare(&mut self) {
        self.lanes = Some(HashSet::new());
    }

    /// The compare is over.
    pub fn end(&mut self) {
        self.lanes = None;
    }

    /// A request with its response, or without.
    pub fn exchange(&mut self, exchange: &Exchange) {
        let messages = || [&exchange.request, &exchange.response].into_iter().flatten();
        let count = messages().count() as u64;
        let sum = messages().map(|it| it.wire_len).fold(0, u64::saturating_add);
        let held = messages().filter_map(|it| it.bytes.as_ref()).map(|it| it.len().min(OF_ONE)).sum();
        if self.takes((exchange.client.clone(), None), count, sum, held) {
            let mut exchange = exchange.clone();
            [&mut exchange.request, &mut exchange.response].into_iter().flatten().for_each(shorten);
            self.items.push(Item::Exchange(exchange));
        }
    }

    /// A frame of this client's connection.
    pub fn frame(&mut self, client: Option<&str>, seen: &Seen) {
        let lane = (client.map(str::to_owned), Some(seen.frame.from));
        let held = seen.bytes.as_ref().map_or(0, Vec::len);
        if self.takes(lane, 1, seen.frame.wire_len, held) {
            self.items.push(Item::Frame(seen.clone()));
        }
    }

    /// The frames that are kept, the latest first.
    pub fn frames(&mut self) -> impl Iterator<Item = &mut Seen> {
        self.items.iter_mut().rev().filter_map(|item| match item {
            Item::Frame(seen) => Some(seen),
            Item::Exchange(_) | Item::Loose(_) => None,
        })
    }

    /// Bytes that make no message: their connection closed, or they were answered. Each once.
    pub fn loose(&mut self, loose: Loose) {
        if self.knows(&loose) {
            return;
        }
        self.told(&loose);
        let held = loose.message.bytes.as_ref().map_or(0, Vec::len);
        if self.takes((None, Some(loose.from)), 1, loose.message.wire_len, held) {
            self.items.push(Item::Loose(loose));
        }
    }

    /// They were told, or are of an earlier step.
    pub fn told(&mut self, loose: &Loose) {
        self.loose.insert((loose.conn, loose.from), loose.message.wire_len);
    }

    /// Whether they were told already.
    pub fn knows(&self, loose: &Loose) -> bool {
        self.loose.get(&(loose.conn, loose.from)) == Some(&loose.message.wire_len)
    }

    fn takes(&mut self, lane: (Option<String>, Option<Side>), count: u64, sum: u64, held: usize) -> bool {
        let fits = self.count + count <= MOST && self.bytes + held <= BYTES;
        // A lane is shown once something of it is kept, and not before.
        if fits && self.lanes.as_mut().is_none_or(|lanes| lanes.insert(lane)) {
            self.count += count;
            self.bytes += held;
            return true;
        }
        self.beyond = (self.beyond.0.saturating_add(count), self.beyond.1.saturating_add(sum));
        false
    }
}

fn shorten(message: &mut Message) {
    message.bytes.iter_mut().for_each(|bytes| bytes.truncate(OF_ONE));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(client: &str, len: usize) -> Exchange {
        let request = Message { wire_len: len as u64, bytes: Some(vec![b'x'; len]), ..Message::default() };
        Exchange { client: Some(client.into()), request: Some(request), ..Exchange::default() }
    }

    /// What does not fit is not what is shown of its lane: something smaller may be.
    #[test]
    fn a_lane_is_seen_once_something_of_it_is_kept() {
        let mut kept = Kept::default();
        (0..15).for_each(|_| kept.exchange(&exchange("anna", OF_ONE)));
        kept.exchange(&exchange("anna", OF_ONE - 100));
        kept.compare();
        let mut keeps = |len| {
            let before = kept.items.len();
            kept.exchange(&exchange("close", len));
            kept.items.len() > before
        };
        assert_eq!([keeps(OF_ONE), keeps(50), keeps(50)], [false, true, false]);
    }
}
