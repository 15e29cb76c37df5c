//! What a stream of events says: its packets tell where an event ends, its bytes tell the words.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use crate::timeline::{ConnId, Event, Frame, Kind, Layer, Side};

/// A longer line is not kept: nobody reads so much of it, bytes.
const LINE: usize = 1 << 18;
/// So many events are kept whose packets have not been seen yet.
const EVENTS: usize = 1 << 12;
/// What begins the line that says something (HTML, 9.2.6).
const FIELD: &[u8] = b"data: ";

/// What each server's side says, event by event.
#[derive(Debug, Default)]
pub(super) struct Streams(HashMap<ConnId, Stream>);

#[derive(Debug, Default)]
struct Stream {
    /// The plaintext is seen inside: what is seen outside tells nothing.
    sealed: bool,
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// How much of it was too much.
    over: usize,
    /// What the event says that has not ended yet.
    begun: Option<Value>,
    /// What those say that have, in order: many may come in one piece, however long they are.
    said: VecDeque<Value>,
}

impl Stream {
    fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let kept = piece.len().min(LINE.saturating_sub(self.line.len()));
            self.line.extend(piece.iter().take(kept));
            self.over = self.over.saturating_add(piece.len() - kept);
            if piece.ends_with(b"\n") {
                self.line_ends();
            }
        }
    }

    fn line_ends(&mut self) {
        let line = self.line.trim_ascii_end();
        if let Some(data) = line.strip_prefix(FIELD) {
            let json = if self.over == 0 { serde_json::from_slice(data).ok() } else { None };
            self.begun.get_or_insert(json.unwrap_or_default());
        } else if line.is_empty() && self.said.len() < EVENTS {
            self.said.extend(self.begun.take());
        }
        self.line.clear();
        self.over = 0;
    }
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
                stream.feed(&data.0);
            }
            // What is not HTTP is no stream of events.
            Kind::MessageEnd { conn, from: Side::Server, .. } | Kind::Frame(Frame { conn, .. }) => {
                self.0.entry(*conn).and_modify(|it| *it = Stream { sealed: it.sealed, ..Stream::default() });
            }
            Kind::Closed { conn, .. } => {
                self.0.remove(conn);
            }
            _ => {}
        }
    }

    /// The data of the next event of which a packet tells, where it is JSON.
    pub fn data(&mut self, conn: ConnId) -> Option<Value> {
        self.0.get_mut(&conn)?.said.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However many come at once, and however long they are, none is told with the words of another.
    #[test]
    fn each_event_has_its_own_words() {
        let mut stream = Stream::default();
        let long = "x".repeat(32 << 10);
        let event = |n: usize| format!("8011\r\nid: {n}\ndata: {{\"id\":{n},\"text\":\"{long}\"}}\n\n\r\n");
        let bytes: Vec<u8> = (0..20).flat_map(|n| event(n).into_bytes()).collect();
        for piece in bytes.chunks(5000) {
            stream.feed(piece);
        }
        let ids: Vec<u64> = stream.said.iter().filter_map(|it| it.get("id")?.as_u64()).collect();
        assert_eq!(ids, (0..20).collect::<Vec<_>>());
        // One that is too long is one all the same.
        stream.feed(format!("data: \"{}\"\n\ndata: 7\n\n", "x".repeat(LINE + 1)).as_bytes());
        assert_eq!(stream.said.iter().skip(20).cloned().collect::<Vec<_>>(), [Value::Null, Value::from(7)]);
    }
}
