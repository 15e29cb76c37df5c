//! Rows of packets, beneath the frame or message that carried them: what each layer adds, in bytes.

use std::collections::{HashMap, HashSet};

use super::{Ladder, Remark, Row, Shape};
use crate::timeline::{ConnId, Event, Frame, Kind, Opcode, Side};
use crate::view::parcels::{Loads, Parcel, sum};
use crate::view::units;
use crate::wire::engineio;

/// What is known of packets whose rows are still to come.
#[derive(Debug, Default)]
pub(super) struct Within {
    /// In bodies that have not ended.
    loads: Loads,
    /// On a WebSocket: a message, of which the next event may tell what it carries.
    waiting: Option<(ConnId, Side, Parcel)>,
    /// The headers of the frames of the last message there, bytes.
    headers: HashMap<(ConnId, Side), u64>,
    /// Connections that carry packets.
    carry: HashSet<ConnId>,
    /// Sums whose parts were named in this transcript.
    named: Vec<Vec<&'static str>>,
}

impl Within {
    /// A transcript begins.
    pub fn begin(&mut self) {
        self.named.clear();
    }

    /// A request begins: what comes on this connection may be packets.
    pub fn asked(&mut self, conn: ConnId, target: &str) {
        if engineio::is_target(target) {
            self.carry.insert(conn);
        }
    }

    /// Whether packets are expected there.
    pub fn carries(&self, conn: ConnId) -> bool {
        self.carry.contains(&conn)
    }

    /// A frame ended, of the message that carries what comes next.
    pub fn frame(&mut self, frame: &Frame) {
        let header = frame.wire_len.saturating_sub(frame.len);
        let sum = self.headers.entry((frame.conn, frame.from)).or_default();
        match frame.opcode {
            Opcode::Text | Opcode::Binary => *sum = header,
            Opcode::Continuation => *sum = sum.saturating_add(header),
            Opcode::Close | Opcode::Ping | Opcode::Pong | Opcode::Reserved(_) => {}
        }
    }

    pub fn closed(&mut self, conn: ConnId) {
        self.loads.closed(conn);
        self.carry.remove(&conn);
        self.headers.retain(|(of, _), _| *of != conn);
    }
}

impl Ladder {
    /// A packet of Engine.IO or Socket.IO.
    pub(super) fn packet(&mut self, event: &Event, conn: ConnId, from: Side) -> Vec<Row> {
        let framed = self.state.get(conn).is_some_and(|it| it.upgraded.is_some());
        if !framed {
            // Its row is beneath that of the message, which has not ended.
            self.within.loads.event(&event.kind);
            return Vec::new();
        }
        if let Some(parcel) = Parcel::of(&event.kind) {
            if parcel.is_message() {
                self.within.waiting = Some((conn, from, parcel));
                return Vec::new();
            }
            return self.in_frame(event, (conn, from), &parcel);
        }
        let Some((_, _, mut parcel)) = self.within.waiting.take() else { return Vec::new() };
        parcel.carries(&event.kind);
        self.in_frame(event, (conn, from), &parcel)
    }

    /// What waits for the next event, where that tells nothing of it.
    pub(super) fn waited(&mut self, event: &Event) -> Vec<Row> {
        match (&self.within.waiting, &event.kind) {
            (None, _) => return Vec::new(),
            (Some((of, by, _)), Kind::Packet { conn, from, layer, .. })
                if layer == "socket.io" && (of, by) == (conn, from) =>
            {
                return Vec::new();
            }
            (Some(_), _) => {}
        }
        let Some((conn, from, parcel)) = self.within.waiting.take() else { return Vec::new() };
        self.in_frame(event, (conn, from), &parcel)
    }

    fn in_frame(&mut self, event: &Event, key: (ConnId, Side), parcel: &Parcel) -> Vec<Row> {
        let header = self.within.headers.get(&key).copied().unwrap_or_default();
        vec![self.within_row(event, key, parcel, ("header", header), false)]
    }

    /// The packets of a body, where its message ended; beside them the length of all that is not body.
    pub(super) fn in_body(&mut self, event: &Event, key: (ConnId, Side), head: u64) -> Vec<Row> {
        let load = self.within.loads.take(key.0, key.1);
        let mut rows: Vec<Row> = load
            .told(head)
            .map(|(parcel, before)| self.within_row(event, key, parcel, before, true))
            .collect();
        rows.extend(
            load.rest().map(|rest| self.row(event, Some(key.0), Shape::Within(key.1), rest, String::new())),
        );
        rows
    }

    fn within_row(
        &mut self,
        event: &Event,
        (conn, from): (ConnId, Side),
        parcel: &Parcel,
        before: (&'static str, u64),
        quoted: bool,
    ) -> Row {
        let parts: Vec<_> = std::iter::once(before).chain(parcel.parts()).collect();
        let lens: Vec<String> = parts.iter().map(|(_, len)| units::grouped(*len)).collect();
        // One name everywhere: the pages of bytes show that a message carries it.
        let label = parcel.briefer().unwrap_or_else(|| parcel.label());
        let mut briefer = Vec::new();
        // What a frame says stands in its own row.
        let text = parcel.text.as_ref().filter(|_| quoted);
        let label = text.map_or(label.clone(), |text| {
            briefer.push(label.clone());
            format!("{label} · {text}")
        });
        let tail = format!(", {} bytes", lens.join(" + "));
        let row = self.row(event, Some(conn), Shape::Within(from), label, tail);
        let row = Row { briefer, ..row };
        let row = self.of_packet(row, from, parcel);
        if row.remark.is_some() {
            return row;
        }
        match parcel.remark(from) {
            Some(remark) => self.once(row, remark),
            None => self.named(row, &parts, quoted),
        }
    }

    /// The names of the numbers, once.
    fn named(&mut self, row: Row, parts: &[(&'static str, u64)], several: bool) -> Row {
        let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
        if self.within.named.contains(&names) {
            return row;
        }
        // Of a frame they are all its bytes.
        let all = parts.iter().map(|(_, len)| *len).fold(0, u64::saturating_add);
        let all = if several { String::new() } else { format!(" = {}", units::grouped(all)) };
        let remark = Some(Remark { text: sum(parts) + &all, told: false });
        self.within.named.push(names);
        Row { remark, ..row }
    }
}
