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

/// Fed with every event in order, answers with a [`Slice`] at each `message_end` and `frame`.
#[derive(Debug, Default)]
pub struct Slices {
    pending: HashMap<(ConnId, Side), Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    bytes: Vec<u8>,
    /// More came than is held: what follows can no longer be cut rightly.
    lost: bool,
}

impl Slices {
    /// Takes the next event.
    pub fn event(&mut self, event: &Event) -> Option<Slice> {
        match &event.kind {
            Kind::Bytes { conn, from, layer: Layer::Tcp, data, .. } => {
                let pending = self.pending.entry((*conn, *from)).or_default();
                if pending.lost || pending.bytes.len() + data.0.len() > LIMIT {
                    *pending = Pending { bytes: Vec::new(), lost: true };
                } else {
                    pending.bytes.extend_from_slice(&data.0);
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

    fn cut(&mut self, conn: ConnId, from: Side, wire_len: u64) -> Option<Slice> {
        let pending = self.pending.get_mut(&(conn, from))?;
        let len = usize::try_from(wire_len).ok().filter(|len| *len <= pending.bytes.len())?;
        let rest = pending.bytes.split_off(len);
        let bytes = std::mem::replace(&mut pending.bytes, rest);
        Some(Slice { conn, from, bytes })
    }
}
