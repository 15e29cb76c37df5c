//! Cuts the observed bytes at the ends of messages and frames, for the views that show bytes.

use std::collections::HashMap;

use super::{ConnId, Event, Kind, Layer, Side};

/// The most that is held of a message whose end has not come, bytes.
const LIMIT: usize = 1 << 20;

/// The bytes of one whole HTTP message or WebSocket frame, as they crossed the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// On which connection.
    pub conn: ConnId,
    /// Who sent it.
    pub from: Side,
    /// Head and framing with it; masked where it was masked.
    pub bytes: Vec<u8>,
}

impl Slice {
    /// Whether it is a response that carries an empty list: a question that was asked for nothing.
    #[must_use]
    pub fn is_empty_list(&self) -> bool {
        self.from == Side::Server && self.bytes.starts_with(b"HTTP/") && self.bytes.ends_with(b"\r\n\r\n[]")
    }
}

/// Fed with every event in order, answers with a [`Slice`] at each `message_end` and `frame`.
#[derive(Debug, Default)]
pub struct Slices {
    pending: HashMap<(ConnId, Side), Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    /// How many bytes before `bytes` were too many to be held.
    dropped: u64,
    bytes: Vec<u8>,
    /// What crosses outside is TLS, and the messages are inside of it.
    sealed: bool,
}

impl Slices {
    /// Takes the next event.
    pub fn event(&mut self, event: &Event) -> Option<Slice> {
        match &event.kind {
            Kind::Bytes { conn, from, layer, data, .. } => {
                let pending = self.pending.entry((*conn, *from)).or_default();
                match layer {
                    Layer::Tcp if pending.sealed => return None,
                    Layer::Tls if !pending.sealed => {
                        *pending = Pending { sealed: true, ..Pending::default() };
                    }
                    Layer::Tcp | Layer::Tls => {}
                }
                pending.bytes.extend_from_slice(&data.0);
                if pending.bytes.len() > LIMIT {
                    pending.dropped += pending.bytes.len() as u64;
                    pending.bytes.clear();
                }
                None
            }
            Kind::MessageEnd { conn, from, wire_len, .. } => self.cut(*conn, *from, *wire_len),
            Kind::Frame(frame) => self.cut(frame.conn, frame.from, frame.wire_len),
            Kind::Closed { conn, .. } => {
                self.pending.remove(&(*conn, Side::Client));
                self.pending.remove(&(*conn, Side::Server));
                None
            }
            _ => None,
        }
    }

    /// What came of messages whose end has not come, as far as it is held: in order of their connections.
    pub fn pending(&self) -> impl Iterator<Item = (ConnId, Side, &[u8])> {
        let mut pending: Vec<_> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.dropped == 0 && !pending.bytes.is_empty())
            .map(|((conn, from), pending)| (*conn, *from, pending.bytes.as_slice()))
            .collect();
        pending.sort_unstable_by_key(|(conn, from, _)| (*conn, *from));
        pending.into_iter()
    }

    fn cut(&mut self, conn: ConnId, from: Side, wire_len: u64) -> Option<Slice> {
        let pending = self.pending.get_mut(&(conn, from))?;
        if pending.dropped > 0 {
            // Not all of it is there; but what comes after it will be.
            let held = wire_len.saturating_sub(pending.dropped);
            pending.dropped -= wire_len - held;
            let held = usize::try_from(held).unwrap_or(usize::MAX).min(pending.bytes.len());
            pending.bytes.drain(..held);
            return None;
        }
        let len = usize::try_from(wire_len).ok().filter(|len| *len <= pending.bytes.len())?;
        let rest = pending.bytes.split_off(len);
        let bytes = std::mem::replace(&mut pending.bytes, rest);
        Some(Slice { conn, from, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::{Data, Elapsed, Seq};

    fn event(kind: Kind) -> Event {
        Event { seq: Seq(1), at: Elapsed::default(), kind }
    }

    fn feed(slices: &mut Slices, bytes: &[u8]) {
        feed_in(slices, Layer::Tcp, bytes);
    }

    fn feed_in(slices: &mut Slices, layer: Layer, bytes: &[u8]) {
        let (conn, from) = (ConnId(1), Side::Server);
        let data = Data(bytes.to_vec().into());
        slices.event(&event(Kind::Bytes { conn, from, len: bytes.len() as u64, layer, data }));
    }

    fn end(slices: &mut Slices, wire_len: u64) -> Option<Slice> {
        let (conn, from) = (ConnId(1), Side::Server);
        let end = Kind::MessageEnd { conn, from, exchange: 1, body_len: 0, wire_len, complete: true };
        slices.event(&event(end))
    }

    #[test]
    fn inside_tls_the_messages_are_those_of_the_plaintext() {
        let mut slices = Slices::default();
        feed_in(&mut slices, Layer::Tcp, &[0x16; 90]);
        feed_in(&mut slices, Layer::Tcp, &[0x17; 43]);
        feed_in(&mut slices, Layer::Tls, b"HTTP/1.1 200 OK\r\n\r\n[]");
        assert!(end(&mut slices, 21).is_some_and(|slice| slice.is_empty_list()));
        feed_in(&mut slices, Layer::Tcp, &[0x15; 24]);
        assert_eq!(slices.pending().count(), 0);
    }

    #[test]
    fn what_is_too_long_is_left_out_and_what_follows_is_cut_rightly() {
        let mut slices = Slices::default();
        let long = vec![b'a'; LIMIT + 10];
        feed(&mut slices, &long[..LIMIT]);
        feed(&mut slices, &long[LIMIT..]);
        feed(&mut slices, b"aaHTTP/1.1 200 OK\r\n\r\n[]");
        assert_eq!(slices.pending().count(), 0, "its beginning is lost");
        assert_eq!(end(&mut slices, LIMIT as u64 + 12), None);
        assert_eq!(slices.pending().map(|(_, _, bytes)| bytes.len()).collect::<Vec<_>>(), [21]);
        assert!(end(&mut slices, 21).is_some_and(|slice| slice.is_empty_list()));
    }
}
