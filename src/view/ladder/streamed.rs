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

#[cfg(test)]
mod tests {
    use crate::timeline::{ConnId, Head, Kind, Role, Show, Side};
    use crate::view::ladder::Ladder;
    use crate::view::sample::Story;

    /// A stream that brings two things, and ends; with the words of its head and the length of what is around its events.
    fn story(method: &str, complete: bool) -> Story {
        let mut it = Story::default();
        let conn = ConnId(1);
        let head = |headers: &[(&str, &str)], head_len| {
            let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            Head { headers, head_len }
        };
        let packet = |packet: &str, event: Option<&str>, len| Kind::Packet {
            conn,
            from: Side::Server,
            layer: "sse".into(),
            packet: packet.into(),
            event: event.map(str::to_owned),
            namespace: None,
            ack: None,
            text: None,
            len,
        };
        let target = "/api/events".to_owned();
        it.wire(Show::Ladder).open(1, "anna").bytes(1, Side::Client, &[0; 50]);
        it.push(Kind::Request { conn, exchange: 1, method: method.into(), target, head: head(&[], 50) });
        it.push(Kind::MessageEnd {
            conn,
            from: Side::Client,
            exchange: 1,
            body_len: 0,
            wire_len: 50,
            complete: true,
        });
        it.remark_of("event message", "anna", Side::Server, "and on");
        it.remark_of("setting", "anna", Side::Server, "come back soon");
        it.bytes(1, Side::Server, &[0; 100 + 13 + 73 + 14]);
        let headers = [("Content-Type", "text/event-stream")];
        it.push(Kind::Response { conn, exchange: 1, status: 200, head: head(&headers, 100) });
        if method != "HEAD" {
            it.push(packet("setting", None, 13)).push(packet("event", Some("message"), 73));
        }
        it.say(Role::Played, "").wire(Show::Ladder).bytes(1, Side::Server, &[0; 5]);
        let wire_len = if method == "HEAD" { 100 } else { 205 };
        it.push(Kind::MessageEnd { conn, from: Side::Server, exchange: 1, body_len: 86, wire_len, complete });
        it
    }

    fn rows(story: &Story) -> Vec<String> {
        let mut ladder = Ladder::default();
        let rows = story.events.iter().flat_map(|event| ladder.event(event));
        let row = |row: super::Row| {
            let remark = row.remark.map(|remark| format!(": {}", remark.text)).unwrap_or_default();
            format!("{}{}{remark}", row.label, row.tail)
        };
        rows.map(row).skip(1).collect()
    }

    #[test]
    fn a_stream_is_told_as_it_comes_and_every_byte_once() {
        assert_eq!(
            rows(&story("GET", true)),
            [
                "GET /api/events, 50 bytes: the client must speak first",
                "200, a stream begins, 100 bytes: the server may only answer",
                "sse setting, 13 bytes: come back soon",
                "sse event \"message\", 73 bytes: and on",
                "200 ends, 19 bytes: sizes of chunks",
            ]
        );
        assert_eq!(
            rows(&story("GET", false)).last().unwrap(),
            "200 ends, 19 bytes, cut off: sizes of chunks"
        );
    }

    #[test]
    fn the_head_alone_is_no_stream() {
        let rows = rows(&story("HEAD", true));
        assert!(rows.iter().all(|row| !row.contains("stream begins")), "{rows:?}");
        assert!(rows.last().unwrap().starts_with("200, 100 bytes"), "{rows:?}");
    }
}
