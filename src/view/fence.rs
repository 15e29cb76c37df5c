//! What a transcript caused, gathered until it is played: exchanges, frames, endings, claims.

use std::collections::HashMap;

use super::caught::{Account, Exchange, Message, Seen};
use super::kept::{Item, Kept, Loose};
use super::parcels::{Load, Loads};
use crate::timeline::{Claim, ConnId, Elapsed, Event, Kind, Opcode, Seq, Side, Slice, Slices};

/// Gathers. Fed with every event.
#[derive(Debug, Default)]
pub(super) struct Fence {
    slices: Slices,
    accounts: HashMap<ConnId, Account>,
    /// Of a stream of events: its content that has come.
    streamed: HashMap<ConnId, u64>,
    begun: HashMap<(ConnId, u64), Exchange>,
    /// Whether a transcript is being played. Else nothing is kept: a server may run for days.
    playing: bool,
    /// Packets in bodies that have not ended.
    loads: Loads,
    /// The last frame of each side of a WebSocket: a packet that is told next was in it.
    carriers: HashMap<(ConnId, Side), Seq>,
    kept: Kept,
    pub exchanges: Vec<Exchange>,
    pub frames: Vec<Seen>,
    pub claims: Vec<Claim>,
    pub messages: Vec<Slice>,
}

impl Fence {
    /// A transcript begins.
    pub fn begin(&mut self) {
        self.end();
        self.playing = true;
    }

    /// The transcript is over: what it left is forgotten, but not what is still under way.
    pub fn end(&mut self) {
        self.playing = false;
        self.kept.end();
        self.exchanges.clear();
        self.frames.clear();
        self.claims.clear();
        self.messages.clear();
        self.accounts.retain(|_, account| account.lived.is_none());
        self.accounts.values_mut().for_each(|account| account.touched = false);
    }

    /// A step begins: what the one before it sent cannot be asked for any more.
    pub fn step(&mut self) {
        let old: Vec<_> = self.loose(|_, _| true);
        self.kept = Kept::default();
        old.iter().for_each(|it| self.kept.told(it));
        self.begun.values_mut().for_each(|exchange| exchange.old = true);
    }

    /// A compare begins.
    pub fn compare(&mut self) {
        self.end();
        self.kept.compare();
    }

    /// All that crossed since the step began, as far as it is kept; at the end what is not yet whole.
    pub fn step_items(&self) -> Vec<Item> {
        let waiting = self.waiting().filter(|it| !it.old).cloned().map(Item::Exchange);
        let loose = self.loose(|_, _| true).into_iter().filter(|it| !self.kept.knows(it)).map(Item::Loose);
        self.kept.items.iter().cloned().chain(waiting).chain(loose).collect()
    }

    /// What came of messages that are not whole.
    fn loose(&self, wanted: impl Fn(ConnId, Side) -> bool) -> Vec<Loose> {
        let pending = self.slices.pending().filter(|(conn, from, _)| wanted(*conn, *from));
        pending.map(|(conn, from, bytes)| Loose::new(conn, self.client(conn), from, bytes)).collect()
    }

    /// The server answers what is no request or no frame: that came before the answer.
    fn answered(&mut self, conn: ConnId) {
        let loose = self.loose(|it, from| (it, from) == (conn, Side::Client));
        loose.into_iter().for_each(|it| self.kept.loose(it));
    }

    fn client(&self, conn: ConnId) -> Option<String> {
        self.accounts.get(&conn).and_then(|it| it.client.clone())
    }

    /// How many messages of the step were not kept, and their bytes.
    pub fn beyond(&self) -> (u64, u64) {
        self.kept.beyond
    }

    /// Takes the next event.
    pub fn event(&mut self, event: &Event) {
        if let Kind::Closed { conn, .. } = &event.kind {
            self.loose(|it, _| it == *conn).into_iter().for_each(|it| self.kept.loose(it));
        }
        let slice = self.slices.event(event);
        self.messages.extend(slice.clone().filter(|_| self.playing));
        match &event.kind {
            Kind::Opened { conn, name, .. } => {
                let account = Account { conn: conn.0, client: name.clone(), ..Account::default() };
                self.accounts.insert(*conn, account);
                self.touch(*conn, |_| {});
            }
            Kind::Bytes { conn, len, layer: crate::timeline::Layer::Tcp, .. } => {
                self.touch(*conn, |it| it.bytes = it.bytes.saturating_add(*len));
            }
            Kind::Request { conn, exchange, method, target, head } => {
                let key = header(&head.headers, "sec-websocket-key");
                let target = format!("{method} {target}");
                self.exchange(*conn, *exchange, |it| (it.target, it.key, it.old) = (target, key, false));
            }
            Kind::Response { conn, exchange, status, head } => {
                let accept = header(&head.headers, "sec-websocket-accept");
                self.exchange(*conn, *exchange, |it| (it.status, it.accept) = (Some(*status), accept));
            }
            Kind::MessageEnd { conn, from, exchange, body_len, wire_len, .. } => {
                let streamed = if *from == Side::Server { self.streamed.remove(conn) } else { None };
                let content = body_len.saturating_sub(streamed.unwrap_or_default());
                self.touch(*conn, |it| it.content = it.content.saturating_add(content));
                let load = self.loads.take(*conn, *from);
                let message = Message { wire_len: *wire_len, bytes: slice.map(|slice| slice.bytes), load };
                self.message(*conn, *exchange, *from, message);
            }
            Kind::Frame(frame) => {
                if matches!(frame.opcode, Opcode::Text | Opcode::Binary | Opcode::Continuation) {
                    self.touch(frame.conn, |it| it.content = it.content.saturating_add(frame.len));
                }
                if frame.opcode == Opcode::Close && frame.from == Side::Server {
                    self.answered(frame.conn);
                }
                self.carriers.insert((frame.conn, frame.from), event.seq);
                let bytes = slice.map(|slice| slice.bytes);
                let seen = Seen { seq: event.seq, frame: frame.clone(), bytes, load: Load::default() };
                self.kept.frame(self.accounts.get(&frame.conn).and_then(|it| it.client.as_deref()), &seen);
                self.frames.extend(Some(seen).filter(|_| self.playing));
            }
            Kind::Closed { conn, from_client, from_server, lived, .. } => {
                self.closed(*conn, from_client.saturating_add(*from_server), *lived);
            }
            Kind::Claim(claim) => self.claims.push(claim.clone()),
            Kind::Packet { conn, from, layer, .. } if layer != "sse" => {
                self.packet(&event.kind, (*conn, *from))
            }
            Kind::Packet { conn, len, .. } => {
                let streamed = self.streamed.entry(*conn).or_default();
                *streamed = streamed.saturating_add(*len);
                self.touch(*conn, |it| it.content = it.content.saturating_add(*len));
            }
            Kind::Bytes { .. }
            | Kind::Upgraded { .. }
            | Kind::Fin { .. }
            | Kind::Kernel { .. }
            | Kind::World { .. }
            | Kind::Heard { .. }
            | Kind::Step { .. }
            | Kind::Say { .. }
            | Kind::Predict { .. }
            | Kind::Answer { .. }
            | Kind::Summary(_) => {}
        }
    }

    /// A packet: of the last frame, or of a body that has not ended.
    fn packet(&mut self, kind: &Kind, key: (ConnId, Side)) {
        let Some(carrier) = self.carriers.get(&key) else { return self.loads.event(kind) };
        let kept = self.kept.frames().find(|seen| seen.seq == *carrier);
        let shown = self.frames.last_mut().filter(|seen| seen.seq == *carrier);
        kept.into_iter().chain(shown).for_each(|seen| seen.load.event(kind));
    }

    fn closed(&mut self, conn: ConnId, bytes: u64, lived: Elapsed) {
        self.loads.closed(conn);
        self.carriers.retain(|(of, _), _| *of != conn);
        self.unanswered(conn);
        self.touch(conn, |it| (it.bytes, it.lived) = (bytes, Some(lived)));
        if !self.playing {
            self.accounts.remove(&conn);
        }
    }

    /// The exchanges of the transcript; those without a response yet at the end.
    pub fn all_exchanges(&self) -> Vec<Exchange> {
        self.exchanges.iter().chain(self.waiting()).cloned().collect()
    }

    /// Requests without a response, in order.
    fn waiting(&self) -> impl Iterator<Item = &Exchange> {
        let mut waiting: Vec<_> = self.begun.iter().filter(|(_, it)| it.request.is_some()).collect();
        waiting.sort_unstable_by_key(|(key, _)| **key);
        waiting.into_iter().map(|(_, exchange)| exchange)
    }

    /// The connection is closed: what was asked on it is not answered any more.
    fn unanswered(&mut self, conn: ConnId) {
        let mut asked: Vec<_> = self.begun.extract_if(|(of, _), _| *of == conn).collect();
        asked.retain(|(_, exchange)| exchange.request.is_some());
        asked.sort_unstable_by_key(|(key, _)| *key);
        for (_, exchange) in asked {
            if !exchange.old {
                self.kept.exchange(&exchange);
            }
            self.exchanges.extend(Some(exchange).filter(|_| self.playing));
        }
    }

    /// The connections on which something happened, in order.
    pub fn touched(&self) -> Vec<&Account> {
        let mut touched: Vec<_> = self.accounts.values().filter(|it| it.touched).collect();
        touched.sort_unstable_by_key(|it| it.conn);
        touched
    }

    fn touch(&mut self, conn: ConnId, change: impl FnOnce(&mut Account)) {
        if let Some(account) = self.accounts.get_mut(&conn) {
            account.touched = true;
            change(account);
        }
    }

    fn exchange(&mut self, conn: ConnId, number: u64, change: impl FnOnce(&mut Exchange)) {
        let client = self.client(conn);
        let new = || Exchange { conn: conn.0, client, ..Exchange::default() };
        change(self.begun.entry((conn, number)).or_insert_with(new));
    }

    fn message(&mut self, conn: ConnId, number: u64, from: Side, message: Message) {
        match from {
            Side::Client => self.exchange(conn, number, |it| it.request = Some(message)),
            Side::Server => {
                self.exchange(conn, number, |it| it.response = Some(message));
                let Some(exchange) = self.begun.remove(&(conn, number)) else { return };
                if exchange.request.is_none() {
                    self.answered(conn);
                }
                self.kept.exchange(&exchange);
                self.exchanges.extend(Some(exchange).filter(|_| self.playing));
            }
        }
    }
}

fn header(headers: &[(String, String)], wanted: &str) -> Option<String> {
    headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value.trim().to_owned())
}
