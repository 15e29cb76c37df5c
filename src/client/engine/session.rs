//! A Socket.IO client's session, as socket.io-client keeps it: what is said when, whatever carries it. No connections here.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::Unsaid;
use super::packet::{self, Emit, Half, Io, Packet};
use crate::wire::engineio::{self, Type};
use crate::wire::socketio;

/// How a session begins, and whether it may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With polling; then it changes to a WebSocket, where the server offers that. `io()` of socket.io-client.
    Upgrade,
    /// With a WebSocket.
    WebSocket,
    /// With polling, and it stays there.
    Polling,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The server has not opened the session yet.
    Opening,
    /// It has, and the namespace was asked for.
    Joining,
    /// The namespace has let it in.
    Joined,
    /// It ends as soon as what was to be said is said.
    Leaving,
    /// Nothing is sent or taken any more.
    Over,
}

/// How far the change to a WebSocket has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Climb {
    /// Not wanted, not offered, or it did not succeed.
    No,
    /// To be begun.
    Wanted,
    /// The WebSocket is tried; meanwhile polling goes on.
    Probing,
    /// It works: polling stops as soon as its last request is answered.
    Pausing,
    /// Everything goes over the WebSocket.
    Done,
}

/// The session, without its connections.
#[derive(Debug)]
pub(super) struct Session {
    namespace: String,
    mode: Mode,
    stage: Stage,
    climb: Climb,
    sid: Option<String>,
    /// Within this time the server's next heartbeat comes.
    pub beat: Option<Duration>,
    /// How long a body may be, bytes.
    most: usize,
    outgoing: VecDeque<Packet>,
    /// Emitted before the namespace let it in.
    waiting: Unsaid,
    half: Option<Half>,
    /// Which acknowledgements are still to come.
    asked: BTreeSet<u64>,
    /// Whether polling has said that the session ends.
    said_close: bool,
    /// How many events it said.
    pub said: u64,
}

impl Session {
    pub fn new(mode: Mode, namespace: &str, waiting: Unsaid) -> Self {
        Self {
            namespace: namespace.into(),
            mode,
            stage: Stage::Opening,
            climb: if mode == Mode::WebSocket { Climb::Done } else { Climb::No },
            sid: None,
            beat: None,
            most: usize::MAX,
            outgoing: VecDeque::new(),
            waiting,
            half: None,
            asked: BTreeSet::new(),
            said_close: false,
            said: 0,
        }
    }

    /// What to ask for on this transport.
    pub fn target(&self, transport: &str) -> String {
        let sid = self.sid.as_deref().map(|sid| format!("&sid={sid}")).unwrap_or_default();
        format!("/socket.io/?EIO=4&transport={transport}{sid}")
    }

    /// Emits, or keeps it until the namespace has let us in.
    pub fn emit(&mut self, emit: Emit) {
        if self.stage == Stage::Joined {
            self.say(emit);
        } else {
            self.waiting.keep(emit);
        }
    }

    fn say(&mut self, emit: Emit) {
        self.asked.extend(emit.ack);
        self.said += 1;
        self.outgoing.extend(emit.packets(&self.namespace));
    }

    /// The client leaves.
    pub fn leave(&mut self) {
        match self.stage {
            Stage::Joined => {
                self.outgoing.push_back(self.of_ours(socketio::Type::Disconnect));
                self.leaving();
            }
            Stage::Opening | Stage::Joining => self.leaving(),
            Stage::Leaving | Stage::Over => {}
        }
    }

    /// A change to a WebSocket that was begun is ended first, as socket.io-client does it; none is begun any more.
    fn leaving(&mut self) {
        self.stage = Stage::Leaving;
        if self.climb == Climb::Wanted {
            self.climb = Climb::No;
        }
    }

    fn of_ours(&self, what: socketio::Type) -> Packet {
        let (namespace, data) = (self.namespace.as_str(), "");
        Packet::message(socketio::Packet { what, attachments: 0, namespace, ack: None, data })
    }

    /// Takes what the carrier brought.
    pub fn take(&mut self, packet: Packet) -> Option<Io> {
        if self.stage == Stage::Over {
            return None;
        }
        let text = match packet {
            Packet::Text(text) => text,
            Packet::Binary(data) => return self.attachment(data),
        };
        let Some(packet) = engineio::Packet::read(&text) else { return self.no_packet(&text) };
        if self.half.is_some() && packet.what == Type::Message {
            return self.over("a packet came where an attachment was due");
        }
        match packet.what {
            Type::Open if self.stage == Stage::Opening => self.opened(packet.content),
            _ if self.sid.is_none() => self.no_packet(&text),
            Type::Close => self.over("the server closed the session"),
            Type::Ping => {
                self.outgoing.push_back(Packet::text(Type::Pong, packet.content));
                None
            }
            Type::Message => self.message(packet.content),
            Type::Open | Type::Pong | Type::Upgrade | Type::Noop => None,
        }
    }

    fn no_packet(&mut self, text: &str) -> Option<Io> {
        let short: String = text.chars().take(40).collect();
        self.over(&format!("the server sent what is no packet: {short}"))
    }

    fn opened(&mut self, settings: &str) -> Option<Io> {
        let settings: Value = serde_json::from_str(settings).unwrap_or_default();
        let Some(sid) = settings.get("sid").and_then(Value::as_str) else {
            return self.over("the server opened a session without a sid");
        };
        self.sid = Some(sid.into());
        let number = |name| settings.get(name).and_then(Value::as_u64);
        if let (Some(interval), Some(timeout)) = (number("pingInterval"), number("pingTimeout")) {
            self.beat = Some(Duration::from_millis(interval.saturating_add(timeout)));
        }
        if let Some(most) = number("maxPayload") {
            self.most = usize::try_from(most).unwrap_or(usize::MAX);
        }
        let offers = settings.get("upgrades").and_then(Value::as_array);
        if self.mode == Mode::Upgrade && offers.is_some_and(|offers| offers.contains(&"websocket".into())) {
            self.climb = Climb::Wanted;
        }
        self.outgoing.push_back(self.of_ours(socketio::Type::Connect));
        self.stage = Stage::Joining;
        None
    }

    fn message(&mut self, text: &str) -> Option<Io> {
        let Some(packet) = socketio::Packet::read(text) else { return self.no_packet(text) };
        if packet.namespace != self.namespace {
            return None;
        }
        match packet::half(&packet, text) {
            Ok(None) => self.whole(&packet, &[]),
            Ok(half) => {
                self.half = half;
                None
            }
            Err(why) => self.over(&why),
        }
    }

    fn attachment(&mut self, data: Bytes) -> Option<Io> {
        let Some(half) = self.half.take() else {
            return self.over("a binary message that belongs to no packet");
        };
        match half.add(data) {
            Ok((text, attachments)) => {
                let packet = socketio::Packet::read(&text)?;
                self.whole(&packet, &attachments)
            }
            Err(half) => {
                self.half = Some(half);
                None
            }
        }
    }

    /// A packet with all its attachments.
    fn whole(&mut self, packet: &socketio::Packet<'_>, attachments: &[Bytes]) -> Option<Io> {
        let data = || serde_json::from_str(packet.data).unwrap_or_default();
        match packet.what {
            socketio::Type::Connect => {
                if self.stage != Stage::Joining {
                    return None;
                }
                self.stage = Stage::Joined;
                for emit in self.waiting.take() {
                    self.say(emit);
                }
                Some(Io::Connect(data()))
            }
            socketio::Type::ConnectError => {
                self.leaving();
                Some(Io::ConnectError(data()))
            }
            socketio::Type::Disconnect => {
                self.leaving();
                Some(Io::Disconnect)
            }
            socketio::Type::Event | socketio::Type::BinaryEvent => {
                let event = packet::event(packet.data, attachments);
                event.or_else(|| self.no_packet(packet.data))
            }
            socketio::Type::Ack | socketio::Type::BinaryAck => {
                let Some(id) = packet.ack.filter(|id| self.asked.remove(id)) else {
                    return self.over("the server acknowledged what did not ask for it");
                };
                let ack = packet::ack(id, packet.data, attachments);
                ack.or_else(|| self.no_packet(packet.data))
            }
        }
    }

    /// It has ended, in these words. Who has left knows it already.
    pub fn over(&mut self, why: &str) -> Option<Io> {
        if self.climb != Climb::Done {
            self.climb = Climb::No;
        }
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Opening | Stage::Joining => Some(Io::Failed(why.into())),
            Stage::Joined => Some(Io::Ended(why.into())),
            Stage::Leaving | Stage::Over => None,
        }
    }

    /// Whether polling asks for news now.
    pub fn may_poll(&self) -> bool {
        let open = matches!(self.stage, Stage::Opening | Stage::Joining | Stage::Joined);
        open && matches!(self.climb, Climb::No | Climb::Wanted | Climb::Probing)
    }

    /// What goes into the next body, as far as it may be said now.
    pub fn batch(&mut self) -> Vec<Packet> {
        if self.stage == Stage::Over || !matches!(self.climb, Climb::No | Climb::Wanted | Climb::Probing) {
            return Vec::new();
        }
        if self.outgoing.is_empty() && self.climb == Climb::No && self.stage == Stage::Leaving {
            let open = self.sid.is_some() && !std::mem::replace(&mut self.said_close, true);
            return if open { vec![Packet::text(Type::Close, "")] } else { Vec::new() };
        }
        let mut len = 0;
        let fits = |packet: &Packet| {
            let first = len == 0;
            len += packet.in_body().len() + usize::from(!first);
            first || len <= self.most
        };
        let count = self.outgoing.iter().map(fits).take_while(|fits| *fits).count();
        self.outgoing.drain(..count).collect()
    }

    /// What the WebSocket is to say next.
    pub fn frame(&mut self) -> Option<Packet> {
        (self.climb == Climb::Done && self.stage != Stage::Over).then(|| self.outgoing.pop_front()).flatten()
    }

    /// Whether the WebSocket is to be tried now; asked once.
    pub fn begins_probe(&mut self) -> bool {
        let begins = self.climb == Climb::Wanted && matches!(self.stage, Stage::Joining | Stage::Joined);
        if begins {
            self.climb = Climb::Probing;
        }
        begins
    }

    /// The WebSocket answered the probe; or it did not, or has ended since.
    pub fn probed(&mut self, works: bool) {
        if works && self.climb == Climb::Probing {
            self.climb = Climb::Pausing;
        } else if !works && matches!(self.climb, Climb::Probing | Climb::Pausing) {
            self.climb = Climb::No;
        }
    }

    /// Where no request is under way any more: what is said first on the WebSocket, which carries everything from now on.
    pub fn switch(&mut self) -> Option<Packet> {
        if self.climb != Climb::Pausing || self.stage == Stage::Over {
            return None;
        }
        self.climb = Climb::Done;
        Some(Packet::text(Type::Upgrade, ""))
    }

    pub fn is_on_websocket(&self) -> bool {
        self.climb == Climb::Done
    }

    /// Whether the server has opened the session, and no WebSocket is or will be tried.
    pub fn is_bound_to_poll(&self) -> bool {
        matches!(self.stage, Stage::Joining | Stage::Joined) && self.climb == Climb::No
    }

    pub fn is_leaving(&self) -> bool {
        self.stage == Stage::Leaving
    }

    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Whether nothing holds back the end: all is said, and the change to a WebSocket is not under way.
    pub fn has_left(&self) -> bool {
        let done = match self.climb {
            Climb::No => self.said_close || self.sid.is_none(),
            Climb::Done => true,
            Climb::Wanted | Climb::Probing | Climb::Pausing => false,
        };
        self.stage == Stage::Leaving && self.outgoing.is_empty() && done
    }

    /// Whether what was asked for has happened: it is let in (or will not be), it has changed, and all is said.
    pub fn is_settled(&self) -> bool {
        let changing = matches!(self.climb, Climb::Wanted | Climb::Probing | Climb::Pausing);
        match self.stage {
            Stage::Opening | Stage::Joining | Stage::Leaving => false,
            Stage::Joined => !changing && self.outgoing.is_empty(),
            Stage::Over => true,
        }
    }
}

#[cfg(test)]
mod tests;
