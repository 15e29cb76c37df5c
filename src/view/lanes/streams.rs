//! What a stream of events says: its packets tell where an event ends, its bytes tell the words.

use std::collections::HashMap;

use serde_json::Value;

use crate::timeline::{ConnId, Event, Kind, Layer, Side};

/// So much is held of what no event has ended yet, bytes.
const LIMIT: usize = 1 << 16;

/// The last bytes of each server's side.
#[derive(Debug, Default)]
pub(super) struct Streams(HashMap<ConnId, Stream>);

#[derive(Debug, Default)]
struct Stream {
    /// The plaintext is seen inside: what is seen outside tells nothing.
    sealed: bool,
    bytes: Vec<u8>,
}

impl Streams {
    /// Takes the next event.
    pub fn event(&mut self, event: &Event) {
        match &event.kind {
            Kind::Bytes { conn, from: Side::Server, layer, data, .. } => {
                let stream = self.0.entry(*conn).or_default();
                match layer {
                    Layer::Tcp if stream.sealed => return,
                    Layer::Tls if !stream.sealed => *stream = Stream { sealed: true, ..Stream::default() },
                    Layer::Tcp | Layer::Tls => {}
                }
                stream.bytes.extend_from_slice(&data.0);
                let over = stream.bytes.len().saturating_sub(LIMIT);
                stream.bytes.drain(..over);
            }
            Kind::MessageEnd { conn, from: Side::Server, .. } => {
                self.0.entry(*conn).and_modify(|stream| stream.bytes.clear());
            }
            // What is not HTTP is no stream of events.
            Kind::Frame(frame) => {
                self.0.entry(frame.conn).and_modify(|stream| stream.bytes.clear());
            }
            Kind::Closed { conn, .. } => {
                self.0.remove(conn);
            }
            _ => {}
        }
    }

    /// The data of the event that ends here (HTML, 9.2.6), where it is JSON.
    pub fn data(&mut self, conn: ConnId) -> Option<Value> {
        const FIELD: &[u8] = b"data: ";
        let bytes = &mut self.0.get_mut(&conn)?.bytes;
        let at = bytes.windows(FIELD.len()).position(|it| it == FIELD)? + FIELD.len();
        let end = bytes[at..].iter().position(|it| *it == b'\n').map_or(bytes.len(), |end| at + end);
        let json = serde_json::from_slice(&bytes[at..end]).ok();
        bytes.drain(..end);
        json
    }
}
