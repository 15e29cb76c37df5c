//! Rows of an answer that does not end: a stream of events is told as it comes, head first.

use std::collections::HashMap;

use super::{Ladder, Row, Shape};
use crate::timeline::{ConnId, Event, Head, Side};
use crate::view::labels;
use crate::wire::sse;

/// Of each stream that is open: how many of its bytes have rows already. On a connection there is one at a time.
#[derive(Debug, Default)]
pub(super) struct Streams(HashMap<ConnId, u64>);

impl Streams {
    /// Whether what comes there is told as it comes.
    pub fn is_open(&self, conn: ConnId, from: Side) -> bool {
        from == Side::Server && self.0.contains_key(&conn)
    }

    /// It is over: how many bytes had rows.
    pub fn end(&mut self, conn: ConnId, from: Side) -> Option<u64> {
        if from == Side::Server { self.0.remove(&conn) } else { None }
    }

    fn told(&mut self, conn: ConnId, len: u64) {
        let told = self.0.entry(conn).or_default();
        *told = told.saturating_add(len);
    }
}

impl Ladder {
    /// A response begins. Only that of a stream of events has a row before it ends.
    pub(super) fn response(
        &mut self,
        event: &Event,
        (conn, exchange): (ConnId, u64),
        status: u16,
        head: &Head,
    ) -> Vec<Row> {
        let mut headers = head.headers.iter();
        let kind = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let asked = self.exchanges.get(&(conn, exchange)).and_then(|heads| heads.request.as_ref());
        let no_content = asked.is_some_and(|(method, _)| method == "HEAD");
        if no_content || status != 200 || !kind.is_some_and(|(_, kind)| sse::reads(kind)) {
            return Vec::new();
        }
        self.read(conn, Side::Server, head.head_len);
        self.streams.told(conn, head.head_len);
        let label = format!("{status}, a stream begins");
        let tail = labels::tail(head.head_len);
        let row = self.row(event, Some(conn), Shape::Solid(Side::Server), label, tail);
        let row = Row { briefer: vec![status.to_string()], ..row };
        vec![self.once(row, "the server may only answer")]
    }

    /// A block of a stream.
    pub(super) fn block(
        &mut self,
        event: &Event,
        conn: ConnId,
        (packet, name, len): (&str, Option<&str>, u64),
    ) -> Vec<Row> {
        self.read(conn, Side::Server, len);
        self.streams.told(conn, len);
        let label = labels::packet("sse", packet, name);
        let row = self.row(event, Some(conn), Shape::Solid(Side::Server), label, labels::tail(len));
        let briefer = name.map_or_else(
            || vec![packet.to_owned()],
            |name| vec![format!("event \"{name}\""), name.to_owned()],
        );
        let row = Row { briefer, ..row };
        let called = name.map_or_else(|| packet.to_owned(), |name| format!("{packet} {name}"));
        let row = self.of_block(row, &called);
        vec![if packet == "event" { self.once(row, "the answer goes on") } else { row }]
    }
}
