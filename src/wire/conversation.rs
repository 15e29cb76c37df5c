//! One connection, both directions: HTTP/1.1 exchanges, the upgrade, then frames.

use std::collections::VecDeque;

use super::head::values;
use super::http::{self, Asked, End, Event, Head, Start};
use super::packet::{Messages, Packet};
use super::{Meaning, Side, websocket};

/// The most that is held of what a client sends between its request to change the protocol and the answer,
/// bytes.
pub const HELD: usize = 64 * 1024;
/// The most requests that may wait for their answers.
pub const WAITING: usize = 4096;

/// Reads both directions of one connection.
///
/// Cutting what a direction carried by the `wire_len` of its [`Meaning::MessageEnd`]s and [`Meaning::Frame`]s,
/// in order, is exact: every byte belongs to one of them, up to [`Meaning::Broken`] or to a protocol that is
/// only counted.
#[derive(Debug)]
pub struct Conversation {
    client: Direction,
    server: Direction,
    /// The last exchange that was given a number.
    exchanges: u64,
    /// The exchange of the request that is being read.
    asking: Option<u64>,
    /// Requests without an answer yet, in order (RFC 9112, 9.3.2).
    waiting: VecDeque<Request>,
    /// What the response that is being read answers; also between an interim and its final one.
    answering: Option<Request>,
    /// The exchange that asked for another protocol and was not answered yet. Until then nobody can know what
    /// the client's next bytes are.
    undecided: Option<u64>,
    /// The protocol that the response being read changes to, when it ends.
    switch: Option<Switch>,
    /// What the client speaks once its request has ended, where the answer came before that.
    then: Option<Next>,
    /// The client's direction ended while its bytes were held.
    client_ended: bool,
}

/// How a direction is read.
#[derive(Debug)]
enum Direction {
    Http(http::Decoder),
    /// The client's, while it waits to hear which protocol is spoken.
    Held(Vec<u8>),
    /// And what its messages carry, where that is read.
    Frames(websocket::Decoder, Option<Messages>),
    /// Counted only: broken, ended, or a protocol that is not read here.
    Silent,
}

#[derive(Debug, Clone, Copy)]
struct Request {
    exchange: u64,
    asked: Asked,
}

/// What is spoken after HTTP.
#[derive(Debug, Clone, Copy)]
enum Next {
    WebSocket,
    /// WebSocket whose messages are packets of Engine.IO.
    Packets,
    /// A tunnel, or a protocol that is not read here.
    Other,
}

#[derive(Debug)]
struct Switch {
    next: Next,
    /// From a 101's `Upgrade`; a tunnel has none.
    protocol: Option<String>,
}

impl Next {
    fn direction(self) -> Direction {
        match self {
            Self::WebSocket => Direction::Frames(websocket::Decoder::new(), None),
            Self::Packets => Direction::Frames(websocket::Decoder::new(), Some(Messages::default())),
            Self::Other => Direction::Silent,
        }
    }
}

impl Default for Conversation {
    fn default() -> Self {
        Self::new()
    }
}

impl Conversation {
    /// A connection of which nothing was seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            client: Direction::Http(http::Decoder::new(Side::Client)),
            server: Direction::Http(http::Decoder::new(Side::Server)),
            exchanges: 0,
            asking: None,
            waiting: VecDeque::new(),
            answering: None,
            undecided: None,
            switch: None,
            then: None,
            client_ended: false,
        }
    }

    /// Takes the next bytes of one direction.
    pub fn feed(&mut self, from: Side, bytes: &[u8]) -> Vec<Meaning> {
        let mut out = Vec::new();
        if !(from == Side::Client && self.client_ended) {
            self.read(from, bytes, &mut out);
        }
        out
    }

    /// That direction is over: what was begun and not ended is incomplete. A frame that was begun makes it
    /// [`Meaning::Broken`].
    pub fn end(&mut self, from: Side) -> Vec<Meaning> {
        let mut out = Vec::new();
        if from == Side::Client {
            self.client_ended = true;
        }
        self.end_into(from, &mut out);
        out
    }

    /// Bytes that it holds now.
    #[must_use]
    pub fn held(&self) -> usize {
        let of = |direction: &Direction| match direction {
            Direction::Http(decoder) => decoder.held(),
            Direction::Held(bytes) => bytes.capacity(),
            Direction::Frames(decoder, messages) => {
                decoder.held() + messages.as_ref().map_or(0, Messages::held)
            }
            Direction::Silent => 0,
        };
        of(&self.client) + of(&self.server) + self.waiting.capacity() * size_of::<Request>()
    }

    fn direction(&mut self, from: Side) -> &mut Direction {
        match from {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn read(&mut self, from: Side, mut bytes: &[u8], out: &mut Vec<Meaning>) {
        // An event may change how the rest of the bytes is to be read.
        loop {
            match self.turn(from, &mut bytes, out) {
                Ok(true) => {}
                Ok(false) => return,
                Err(why) => return self.broken(from, why, out),
            }
        }
    }

    /// Up to the next event; false when the bytes are used up.
    fn turn(&mut self, from: Side, bytes: &mut &[u8], out: &mut Vec<Meaning>) -> Result<bool, &'static str> {
        let asked = self.answering.as_ref().or(self.waiting.front()).map_or(Asked::Other, |it| it.asked);
        match self.direction(from) {
            Direction::Http(decoder) => match decoder.next(bytes, asked)? {
                Some(Event::Head(head)) => self.head(head, out)?,
                Some(Event::Packet(packet)) => out.push(told(from, packet)),
                Some(Event::End(end)) => self.message_end(from, end, out),
                None => return Ok(false),
            },
            Direction::Held(held) => {
                if held.len() + bytes.len() > HELD {
                    return Err("more than 64 KiB before the answer to a request to change the protocol");
                }
                held.extend_from_slice(bytes);
                return Ok(false);
            }
            Direction::Frames(decoder, messages) => match decoder.next(bytes)? {
                Some(frame) => {
                    let packets = messages.as_mut().and_then(|it| it.frame(&frame));
                    out.push(meaning(from, frame));
                    out.extend(packets.into_iter().flatten().flatten().map(|packet| told(from, packet)));
                }
                None => return Ok(false),
            },
            Direction::Silent => return Ok(false),
        }
        Ok(true)
    }

    fn head(&mut self, head: Head, out: &mut Vec<Meaning>) -> Result<(), &'static str> {
        let Head { start, headers, len: head_len } = head;
        match start {
            Start::Request { method, target } => {
                let asked = Asked::by(&method, &target);
                let changes = asked == Asked::Connect || values(&headers, "upgrade").next().is_some();
                let exchange = self.request(asked, changes)?;
                out.push(Meaning::Request { exchange, method, target, headers, head_len });
            }
            Start::Response { status } => {
                let request = self.answered();
                let exchange = request.exchange;
                let upgrade = values(&headers, "upgrade").next().map(|it| it.trim().to_ascii_lowercase());
                out.push(Meaning::Response { exchange, status, headers, head_len });
                self.response(request, status, upgrade, out);
            }
        }
        Ok(())
    }

    /// A request's head came: its exchange. `changes`: it asks for another protocol.
    fn request(&mut self, asked: Asked, changes: bool) -> Result<u64, &'static str> {
        if let Some(exchange) = self.asking {
            // It was answered before its head ended: nothing more will come for it.
            return Ok(exchange);
        }
        if self.waiting.len() >= WAITING {
            return Err("more than 4096 requests that wait for an answer");
        }
        let exchange = self.next_exchange();
        self.waiting.push_back(Request { exchange, asked });
        self.asking = Some(exchange);
        // A server that has ended will not answer.
        if changes && matches!(self.server, Direction::Http(_)) {
            self.undecided = Some(exchange);
        }
        Ok(exchange)
    }

    /// What the response that begins, or goes on after an interim one, answers.
    fn answered(&mut self) -> Request {
        let request = self.answering.or_else(|| self.waiting.pop_front()).unwrap_or_else(|| {
            // Nobody asked, or nobody has finished asking (408, 431): an exchange of its own, or that of the
            // request of which a part has come.
            let exchange = self.next_exchange();
            if matches!(&self.client, Direction::Http(decoder) if decoder.in_head()) {
                self.asking = Some(exchange);
            }
            Request { exchange, asked: Asked::Other }
        });
        self.answering = Some(request);
        request
    }

    /// A response's head came: what it means for the protocol that is spoken.
    fn response(&mut self, request: Request, status: u16, upgrade: Option<String>, out: &mut Vec<Meaning>) {
        match status {
            101 => {
                let protocol = upgrade.unwrap_or_default();
                let next = match (protocol.as_str(), request.asked) {
                    ("websocket", Asked::Packets) => Next::Packets,
                    ("websocket", _) => Next::WebSocket,
                    _ => Next::Other,
                };
                self.switch = Some(Switch { next, protocol: Some(protocol) });
            }
            200..=299 if request.asked == Asked::Connect => {
                self.switch = Some(Switch { next: Next::Other, protocol: None });
            }
            100..=199 => {}
            _ if self.undecided == Some(request.exchange) => self.stay_http(out),
            _ => {}
        }
    }

    fn message_end(&mut self, from: Side, end: End, out: &mut Vec<Meaning>) {
        let End { body_len, wire_len, complete } = end;
        let exchange = match from {
            Side::Client => self.asking.take(),
            Side::Server => self.answering.take().map(|it| it.exchange),
        };
        let exchange = exchange.unwrap_or(self.exchanges);
        out.push(Meaning::MessageEnd { from, exchange, body_len, wire_len, complete });
        match from {
            Side::Client => {
                if let Some(next) = self.then.take() {
                    self.client = next.direction();
                } else if self.undecided == Some(exchange) {
                    self.client = Direction::Held(Vec::new());
                }
            }
            Side::Server => {
                if let Some(switch) = self.switch.take() {
                    self.change(switch, out);
                }
            }
        }
    }

    /// Another protocol begins, in both directions.
    fn change(&mut self, switch: Switch, out: &mut Vec<Meaning>) {
        let Switch { next, protocol } = switch;
        self.server = next.direction();
        self.undecided = None;
        // Nothing is answered any more, and an idle socket should cost little.
        self.waiting = VecDeque::new();
        out.extend(protocol.map(|protocol| Meaning::Upgraded { protocol }));
        match &self.client {
            Direction::Held(_) => self.release(next.direction(), out),
            Direction::Http(decoder) if decoder.in_body() => self.then = Some(next),
            Direction::Http(decoder) if decoder.in_head() => {
                self.broken(Side::Client, "a request that was cut off by a 101", out);
            }
            Direction::Http(_) | Direction::Frames(..) => self.client = next.direction(),
            Direction::Silent => {}
        }
    }

    /// The server will not change the protocol: what the client sent since is HTTP.
    fn stay_http(&mut self, out: &mut Vec<Meaning>) {
        self.undecided = None;
        if matches!(self.client, Direction::Held(_)) {
            self.release(Direction::Http(http::Decoder::new(Side::Client)), out);
        }
    }

    /// What was held of the client's bytes can be read now.
    fn release(&mut self, direction: Direction, out: &mut Vec<Meaning>) {
        let Direction::Held(bytes) = std::mem::replace(&mut self.client, direction) else { return };
        self.read(Side::Client, &bytes, out);
        if self.client_ended {
            self.end_into(Side::Client, out);
        }
    }

    fn end_into(&mut self, from: Side, out: &mut Vec<Meaning>) {
        match self.direction(from) {
            Direction::Http(decoder) => {
                out.extend(decoder.rest().map(|packet| told(from, packet)));
                if let Some(end) = decoder.end() {
                    self.cut_off(from);
                    self.message_end(from, end, out);
                }
            }
            // Its end is read when its bytes are.
            Direction::Held(_) => return,
            Direction::Frames(decoder, _) if decoder.begun() > 0 => {
                return self.broken(from, "the connection ended in the middle of a frame", out);
            }
            Direction::Frames(..) | Direction::Silent => {}
        }
        self.silence(from, out);
    }

    /// Gives a number to a message that ended within its head.
    fn cut_off(&mut self, from: Side) {
        match from {
            Side::Client if self.asking.is_none() => {
                // A server may still answer it; where too many wait already, that answer gets a number of its own.
                if self.request(Asked::Other, false).is_err() {
                    self.asking = Some(self.next_exchange());
                }
            }
            Side::Server => _ = self.answered(),
            Side::Client => {}
        }
    }

    fn broken(&mut self, from: Side, why: &str, out: &mut Vec<Meaning>) {
        out.push(Meaning::Broken { from, why: why.to_owned() });
        self.silence(from, out);
    }

    /// Nothing more is read of that direction.
    fn silence(&mut self, from: Side, out: &mut Vec<Meaning>) {
        *self.direction(from) = Direction::Silent;
        if from == Side::Server {
            // No answer will come that is understood.
            self.stay_http(out);
        }
    }

    fn next_exchange(&mut self) -> u64 {
        self.exchanges += 1;
        self.exchanges
    }
}

fn told(from: Side, packet: Packet) -> Meaning {
    let Packet { layer, what, event, namespace, ack, text, len } = packet;
    Meaning::Packet { from, layer, packet: what, event, namespace, ack, text, len }
}

fn meaning(from: Side, frame: websocket::Frame) -> Meaning {
    let websocket::Frame { header, text, truncated, code, reason, .. } = frame;
    Meaning::Frame {
        from,
        fin: header.fin,
        opcode: header.opcode,
        masked: header.key.is_some(),
        len: header.len,
        wire_len: header.wire_len(),
        text,
        truncated,
        code,
        reason,
    }
}

#[cfg(test)]
mod tests;
