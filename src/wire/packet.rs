//! Packets as they come: of Engine.IO and Socket.IO in bodies and in the messages of a WebSocket, beside those of a stream of events.
//!
//! An event's name, its namespace and its acknowledgement stand at a packet's beginning, so no more than that is held.

use std::collections::VecDeque;

use super::engineio::{self, SEPARATOR};
use super::{Opcode, socketio, sse, utf8, websocket};

/// The most that is held of a packet, bytes.
pub const HELD: usize = 4096;

/// Stands before base64 in a body.
const BASE64: u8 = b'b';

/// A packet of any of these protocols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Which protocol: `sse`, `engine.io`, `socket.io`.
    pub layer: &'static str,
    /// Its type, as that protocol names it.
    pub what: &'static str,
    /// The event's name; of a ping or pong that asks for a change to a WebSocket `probe`.
    pub event: Option<String>,
    /// Of Socket.IO, where it is not the main one.
    pub namespace: Option<String>,
    /// Of Socket.IO: the acknowledgement's number.
    pub ack: Option<u64>,
    /// Of Engine.IO, where it is text: its beginning, at most [`HELD`] bytes.
    pub text: Option<String>,
    /// All of it, bytes.
    pub len: u64,
}

/// One packet of Engine.IO, and what it carries: one of Socket.IO, or nothing that is read.
pub(super) type Pair = [Option<Packet>; 2];

/// A packet of which a part has come.
#[derive(Debug, Default)]
struct Coming {
    /// Its first bytes.
    held: Vec<u8>,
    len: u64,
    /// Its last two bytes: of base64 they tell how many bytes it stands for.
    last: [u8; 2],
}

impl Coming {
    fn take(&mut self, bytes: &[u8]) {
        self.piece(bytes, bytes.len() as u64);
        for &byte in bytes.iter().rev().take(2).rev() {
            self.last = [self.last[1], byte];
        }
    }

    /// Takes so many bytes, of which the first are here. After a gap nothing is held any more.
    fn piece(&mut self, first: &[u8], len: u64) {
        if self.held.len() as u64 == self.len {
            let room = HELD - self.held.len();
            self.held.extend_from_slice(&first[..room.min(first.len())]);
        }
        self.len = self.len.saturating_add(len);
    }

    /// Of a body, where base64 is a binary message.
    fn of_body(self) -> Pair {
        if self.held.first() != Some(&BASE64) {
            return self.of_text();
        }
        let digits = self.len - 1;
        let padding = self.last.iter().filter(|byte| **byte == b'=').count() as u64;
        let bytes = u128::from(digits.saturating_sub(padding)) * 3 / 4;
        let text = utf8::cut(self.held);
        carried_binary(self.len, u64::try_from(bytes).unwrap_or(u64::MAX), text)
    }

    fn of_text(self) -> Pair {
        let Some(text) = utf8::cut(self.held) else { return [None, None] };
        let Some(packet) = engineio::Packet::read(&text) else { return [None, None] };
        let asks = matches!(packet.what, engineio::Type::Ping | engineio::Type::Pong);
        let event = Some(engineio::PROBE.to_owned()).filter(|probe| asks && packet.content == probe);
        let is_message = packet.what == engineio::Type::Message;
        let inner = is_message.then(|| socketio::Packet::read(packet.content)).flatten();
        let inner = inner.map(|inner| Packet {
            layer: "socket.io",
            what: inner.what.word(),
            event: inner.event(),
            namespace: Some(inner.namespace.to_owned()).filter(|name| name != socketio::MAIN),
            ack: inner.ack,
            text: None,
            len: self.len - 1,
        });
        let what = packet.what.word();
        [Some(engine(what, event, Some(text), self.len)), inner]
    }
}

/// A binary message: content that has no type.
fn carried_binary(len: u64, bytes: u64, text: Option<String>) -> Pair {
    let attachment = Packet {
        layer: "socket.io",
        what: socketio::ATTACHMENT,
        ..engine(engineio::Type::Message.word(), None, None, bytes)
    };
    [Some(engine(engineio::Type::Message.word(), None, text, len)), Some(attachment)]
}

fn engine(what: &'static str, event: Option<String>, text: Option<String>, len: u64) -> Packet {
    Packet { layer: "engine.io", what, event, namespace: None, ack: None, text, len }
}

/// Reads the packets of Engine.IO in a body, in any pieces.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    coming: Coming,
    packets: VecDeque<Packet>,
    ended: Option<Result<(), &'static str>>,
}

impl Decoder {
    fn feed(&mut self, content: &[u8]) {
        let mut pieces = content.split(|byte| *byte == SEPARATOR as u8);
        if let Some(piece) = pieces.next() {
            self.coming.take(piece);
        }
        for piece in pieces {
            self.ends();
            self.coming.take(piece);
        }
    }

    fn end(&mut self, how: Result<(), &'static str>) {
        self.ended = Some(how);
        if how.is_ok() {
            self.ends();
        }
    }

    fn ends(&mut self) {
        self.packets.extend(std::mem::take(&mut self.coming).of_body().into_iter().flatten());
    }

    fn next(&mut self) -> Option<Packet> {
        let next = self.packets.pop_front();
        if self.packets.is_empty() {
            // Of a burst no room stays behind.
            self.packets = VecDeque::new();
        }
        next
    }
}

/// Reads the packets in the content of an HTTP message.
#[derive(Debug)]
pub(super) enum Content {
    Events(sse::Decoder),
    Packets(Decoder),
}

impl Content {
    pub fn feed(&mut self, content: &[u8]) {
        match self {
            Self::Events(events) => events.feed(content),
            Self::Packets(packets) => packets.feed(content),
        }
    }

    /// The body ended, or cannot be read on.
    pub fn end(&mut self, how: Result<(), &'static str>) {
        match self {
            Self::Events(events) => events.end(how),
            Self::Packets(packets) => packets.end(how),
        }
    }

    pub fn ended(&self) -> Option<Result<(), &'static str>> {
        match self {
            Self::Events(events) => events.ended,
            Self::Packets(packets) => packets.ended,
        }
    }

    pub fn next(&mut self) -> Option<Packet> {
        match self {
            Self::Events(events) => events.next().map(|sse::Packet { what, event, len }| Packet {
                layer: "sse",
                what: what.word(),
                ..engine("", event, None, len)
            }),
            Self::Packets(packets) => packets.next(),
        }
    }

    pub fn has_next(&self) -> bool {
        match self {
            Self::Events(events) => events.has_next(),
            Self::Packets(packets) => !packets.packets.is_empty(),
        }
    }

    pub fn held(&self) -> usize {
        match self {
            Self::Events(events) => events.held(),
            Self::Packets(it) => it.coming.held.capacity() + it.packets.capacity() * size_of::<Packet>(),
        }
    }
}

/// Reads the packets that a WebSocket carries, frame by frame.
#[derive(Debug, Default)]
pub(super) struct Messages(Option<Message>);

/// The message that is coming.
#[derive(Debug)]
enum Message {
    Text(Coming),
    Binary(u64),
    /// An extension changed it (permessage-deflate, RFC 7692).
    Unread,
}

impl Messages {
    /// A frame ended; with the last of a message the packet does.
    pub fn frame(&mut self, frame: &websocket::Frame) -> Option<Pair> {
        let header = &frame.header;
        let first = frame.text.as_deref().map_or(frame.part.as_slice(), str::as_bytes);
        let mut message = match (header.opcode, self.0.take()) {
            (Opcode::Text | Opcode::Binary, _) if header.rsv != 0 => Message::Unread,
            (Opcode::Text, _) => Message::Text(Coming::default()),
            (Opcode::Binary, _) => Message::Binary(0),
            (Opcode::Continuation, Some(_)) if header.rsv != 0 => Message::Unread,
            (Opcode::Continuation, Some(message)) => message,
            (Opcode::Continuation, None) => return None,
            (Opcode::Close | Opcode::Ping | Opcode::Pong | Opcode::Reserved(_), message) => {
                // May stand between the fragments of a message (RFC 6455, 5.4).
                self.0 = message;
                return None;
            }
        };
        match &mut message {
            Message::Text(coming) => coming.piece(first, header.len),
            Message::Binary(len) => *len = len.saturating_add(header.len),
            Message::Unread => {}
        }
        if !header.fin {
            self.0 = Some(message);
            return None;
        }
        match message {
            Message::Text(coming) => Some(coming.of_text()),
            Message::Binary(len) => Some(carried_binary(len, len, None)),
            Message::Unread => None,
        }
    }

    pub fn held(&self) -> usize {
        match &self.0 {
            Some(Message::Text(coming)) => coming.held.capacity(),
            Some(Message::Binary(_) | Message::Unread) | None => 0,
        }
    }
}

#[cfg(test)]
mod tests;
