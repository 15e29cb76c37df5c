//! Sessions of Socket.IO: by polling, the change to a WebSocket, and what is said there.

use super::{Show, Story};
use crate::timeline::{ConnId, Event, Kind, Opcode, Side};
use crate::wire::{Conversation, Meaning};

impl Story {
    /// The packets in the body of this message, where its connection carries any.
    pub(super) fn carried(&mut self, conn: u64, from: Side, message: &str) -> &mut Self {
        let body = message.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        if !self.carry.contains(&conn) || body.is_empty() {
            return self;
        }
        let mut read = Conversation::new();
        read.feed(Side::Client, b"GET /socket.io/ HTTP/1.1\r\n\r\n");
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        for meaning in read.feed(Side::Server, answer.as_bytes()) {
            let Meaning::Packet { layer, packet, event, namespace, ack, text, len, .. } = meaning else {
                continue;
            };
            let (conn, layer, packet) = (ConnId(conn), layer.to_owned(), packet.to_owned());
            self.push(Kind::Packet { conn, from, layer, packet, event, namespace, ack, text, len });
        }
        self
    }

    /// A binary message, where its connection carries packets.
    pub(super) fn attached(&mut self, conn: u64, from: Side, payload: &[u8]) -> &mut Self {
        for (layer, packet) in [("engine.io", "message"), ("socket.io", "attachment")] {
            if self.carry.contains(&conn) {
                self.push(Kind::Packet {
                    conn: ConnId(conn),
                    from,
                    layer: layer.into(),
                    packet: packet.into(),
                    event: None,
                    namespace: None,
                    ack: None,
                    text: None,
                    len: payload.len() as u64,
                });
            }
        }
        self
    }

    /// A request of a session, and its answer.
    pub fn polls(
        &mut self,
        (conn, exchange): (u64, u64),
        session: &str,
        sent: &str,
        came: &str,
    ) -> &mut Self {
        self.poll((conn, exchange), session, sent).us(300).polled((conn, exchange), came)
    }

    pub fn poll(&mut self, (conn, exchange): (u64, u64), session: &str, sent: &str) -> &mut Self {
        let method = if sent.is_empty() { "GET" } else { "POST" };
        let length =
            if sent.is_empty() { String::new() } else { format!("content-length: {}\r\n", sent.len()) };
        let request = format!(
            "{method} /socket.io/?EIO=4&transport=polling{session} HTTP/1.1\r\nhost: 127.0.0.1:53817\r\n{length}\r\n{sent}"
        );
        self.request(conn, exchange, &request)
    }

    pub fn polled(&mut self, (conn, exchange): (u64, u64), came: &str) -> &mut Self {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=UTF-8\r\n";
        self.response(conn, exchange, &format!("{head}content-length: {}\r\n\r\n{came}", came.len()))
    }

    pub fn upgrade(&mut self, conn: u64, session: &str) -> &mut Self {
        let request =
            super::HANDSHAKE.replace("/ws", &format!("/socket.io/?EIO=4&transport=websocket{session}"));
        self.request(conn, 1, &request).us(200).response(conn, 1, super::SWITCHING).upgraded(conn)
    }

    pub fn text(&mut self, conn: u64, from: Side, packet: &str) -> &mut Self {
        self.us(200).frame(conn, from, Opcode::Text, packet.as_bytes())
    }
}

const SID: &str = "&sid=lv_VI97HAXpY6yYWAAAC";
const OPEN: &str = "0{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":100000}";

/// A session begins by polling and goes on on a WebSocket.
fn changed(story: &mut Story) {
    story.step(1, 2, "It begins with requests").wire(Show::Heads).open(1, "anna").us(200);
    story.polls((1, 1), "", "", OPEN).us(100).polls((1, 2), SID, "40", "ok").us(100);
    story.polls(
        (1, 3),
        SID,
        "",
        "40{\"sid\":\"wZX3oN0bSVIhsaknAAAI\"}\u{1e}42[\"message\",{\"id\":1,\"text\":\"Hi\"}]",
    );
    story.played().step(2, 2, "It changes to a WebSocket").wire(Show::Ladder);
    story.poll((1, 4), SID, "").us(100).open(2, "anna").us(100).upgrade(2, SID);
    story.text(2, Side::Client, "2probe").text(2, Side::Server, "3probe").polled((1, 4), "6");
    story.text(2, Side::Client, "5").played();
}

/// Both, and the bytes of what is said then.
pub(in crate::view) fn packets() -> Vec<Event> {
    let mut story = Story::default();
    changed(&mut story);
    story.events
}

/// What is said on a WebSocket: events, acknowledgements, heartbeats, what is binary, the end.
pub(in crate::view) fn packets_chatted(show: Show) -> Vec<Event> {
    let mut story = Story::default();
    story.step(1, 1, "What is said").wire(show).open(1, "anna").us(200).upgrade(1, "");
    story.text(1, Side::Server, &OPEN.replace("[\"websocket\"]", "[]")).text(1, Side::Client, "40");
    story.text(1, Side::Server, "40{\"sid\":\"wZX3oN0bSVIhsaknAAAI\"}");
    story.text(1, Side::Client, "42[\"hello\",\"world\"]");
    story.text(1, Side::Client, "42/class,1[\"echo\",{\"text\":\"Hi\"}]");
    story.text(1, Side::Server, "43/class,1[{\"text\":\"Hi\"}]");
    story.text(1, Side::Server, "451-[\"bin\",{\"_placeholder\":true,\"num\":0}]");
    story.us(50).frame(1, Side::Server, Opcode::Binary, &[1, 2, 3]);
    story.ms(2000).text(1, Side::Server, "2").text(1, Side::Client, "3").text(1, Side::Client, "41");
    story.frame(1, Side::Client, Opcode::Close, b"").us(90).frame(1, Side::Server, Opcode::Close, b"");
    story.close(1, Side::Server).played();
    story.events
}
