//! Timelines made by hand, for the tests of the views.

use std::net::SocketAddr;
use std::time::Duration;

use crate::timeline::{
    Choice, Claim, ConnId, Data, Elapsed, Event, Frame, Head, Kind, Layer, Opcode, Role, Seq, Show, Side, Who,
};

mod compares;
mod packets;
mod seven;
mod trials;

pub(super) use compares::{all_lost, compare, crowded, many_goals, often};
pub(super) use packets::{packets, packets_chatted};
pub(super) use seven::{cut, load, partial, sealed, seven};
pub(super) use trials::{change, foreign, garbage, long_frame, silence, skipped};

/// Builds a timeline event by event.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub events: Vec<Event>,
    now: Duration,
    sums: std::collections::HashMap<(u64, Side), u64>,
    opened: std::collections::HashMap<u64, Duration>,
    /// Connections that carry packets.
    carry: std::collections::HashSet<u64>,
    /// All connections speak TLS.
    tls: bool,
}

impl Story {
    pub fn push(&mut self, kind: Kind) -> &mut Self {
        let seq = Seq(self.events.len() as u64 + 1);
        self.events.push(Event { seq, at: Elapsed(self.now), kind });
        self
    }

    /// Microseconds pass.
    pub fn us(&mut self, us: u64) -> &mut Self {
        self.now += Duration::from_micros(us);
        self
    }

    pub fn ms(&mut self, ms: u64) -> &mut Self {
        self.us(ms * 1000)
    }

    pub fn step(&mut self, n: u64, of: u64, title: &str) -> &mut Self {
        self.push(Kind::Step { lesson: "http".into(), n, of, title: title.into() })
    }

    pub fn say(&mut self, role: Role, text: &str) -> &mut Self {
        self.say_with(role, text, None, None, None)
    }

    pub fn say_with(
        &mut self,
        role: Role,
        text: &str,
        detail: Option<&str>,
        show: Option<Show>,
        from: Option<Side>,
    ) -> &mut Self {
        let (lesson, text, detail) = ("http".into(), text.into(), detail.map(str::to_owned));
        self.push(Kind::Say { lesson, role, text, detail, show, from, packet: None, lanes: Vec::new() })
    }

    /// A remark that belongs to a packet.
    pub fn remark_of(&mut self, packet: &str, client: &str, from: Side, text: &str) -> &mut Self {
        let (detail, packet) = (Some(client.to_owned()), Some(packet.to_owned()));
        let (lesson, text) = ("http".into(), text.into());
        self.push(Kind::Say {
            lesson,
            role: Role::Remark,
            text,
            detail,
            show: None,
            from: Some(from),
            packet,
            lanes: Vec::new(),
        })
    }

    pub fn wire(&mut self, show: Show) -> &mut Self {
        self.say_with(Role::Wire, "", None, Some(show), None)
    }

    /// A compare begins.
    pub fn lanes(&mut self, names: &[&str]) -> &mut Self {
        let (lesson, text) = ("compare".into(), "transports: …".into());
        let lanes = names.iter().map(|it| (*it).to_owned()).collect();
        self.push(Kind::Say {
            lesson,
            role: Role::Compare,
            text,
            detail: None,
            show: None,
            from: None,
            packet: None,
            lanes,
        })
    }

    pub fn played(&mut self) -> &mut Self {
        self.say(Role::Played, "")
    }

    pub fn open(&mut self, conn: u64, name: &str) -> &mut Self {
        self.opens(conn, Some(name))
    }

    /// By somebody from outside.
    pub fn open_guest(&mut self, conn: u64) -> &mut Self {
        self.opens(conn, None)
    }

    fn opens(&mut self, conn: u64, name: Option<&str>) -> &mut Self {
        self.opened.insert(conn, self.now);
        let client = SocketAddr::from(([127, 0, 0, 1], 40510 + conn as u16));
        let server = SocketAddr::from(([127, 0, 0, 1], 53817));
        self.push(Kind::Opened { conn: ConnId(conn), client, server, name: name.map(str::to_owned) })
    }

    pub fn bytes(&mut self, conn: u64, from: Side, bytes: &[u8]) -> &mut Self {
        if self.tls {
            let record: Vec<u8> = bytes.iter().map(|byte| !byte).chain([0; 22]).collect();
            self.crosses(conn, from, &record, Layer::Tcp);
            return self.crosses(conn, from, bytes, Layer::Tls);
        }
        self.crosses(conn, from, bytes, Layer::Tcp)
    }

    fn crosses(&mut self, conn: u64, from: Side, bytes: &[u8], layer: Layer) -> &mut Self {
        let counted = if layer == Layer::Tcp { bytes.len() as u64 } else { 0 };
        *self.sums.entry((conn, from)).or_default() += counted;
        let data = Data(bytes.to_vec().into());
        self.push(Kind::Bytes { conn: ConnId(conn), from, len: bytes.len() as u64, layer, data })
    }

    pub fn request(&mut self, conn: u64, exchange: u64, message: &str) -> &mut Self {
        let (line, head, body) = split(message);
        let mut words = line.split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        self.bytes(conn, Side::Client, message.as_bytes());
        if crate::wire::engineio::is_target(&target) {
            self.carry.insert(conn);
        }
        self.push(Kind::Request { conn: ConnId(conn), exchange, method, target, head });
        self.carried(conn, Side::Client, message);
        self.end(conn, Side::Client, exchange, body, message)
    }

    pub fn response(&mut self, conn: u64, exchange: u64, message: &str) -> &mut Self {
        let (line, head, body) = split(message);
        let status = line.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default();
        self.bytes(conn, Side::Server, message.as_bytes());
        self.push(Kind::Response { conn: ConnId(conn), exchange, status, head });
        if status == 200 {
            self.carried(conn, Side::Server, message);
        }
        self.end(conn, Side::Server, exchange, body, message)
    }

    fn end(&mut self, conn: u64, from: Side, exchange: u64, body_len: u64, message: &str) -> &mut Self {
        let wire_len = message.len() as u64;
        self.push(Kind::MessageEnd { conn: ConnId(conn), from, exchange, body_len, wire_len, complete: true })
    }

    pub fn upgraded(&mut self, conn: u64) -> &mut Self {
        self.push(Kind::Upgraded { conn: ConnId(conn), protocol: "websocket".into() })
    }

    pub fn frame(&mut self, conn: u64, from: Side, opcode: Opcode, payload: &[u8]) -> &mut Self {
        let bits = [1, 2, 8, 9, 10].into_iter().find(|it| Opcode::from_bits(*it) == opcode).unwrap_or(0);
        let mut bytes = vec![0x80 | bits];
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        let masked = if from == Side::Client { 0x80 } else { 0 };
        if payload.len() < 126 {
            bytes.push(masked | payload.len() as u8);
        } else {
            bytes.push(masked | 126);
            bytes.extend((payload.len() as u16).to_be_bytes());
        }
        if masked > 0 {
            bytes.extend(mask);
        }
        let key = |at: usize| if masked > 0 { mask[at % 4] } else { 0 };
        bytes.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ key(at)));
        self.bytes(conn, from, &bytes);
        let is_close = opcode == Opcode::Close && payload.len() >= 2;
        let text = matches!(opcode, Opcode::Text | Opcode::Ping | Opcode::Pong);
        self.push(Kind::Frame(Frame {
            conn: ConnId(conn),
            from,
            fin: true,
            opcode,
            masked: masked > 0,
            len: payload.len() as u64,
            wire_len: bytes.len() as u64,
            text: text.then(|| String::from_utf8_lossy(payload).into_owned()),
            truncated: false,
            code: is_close.then(|| u16::from_be_bytes([payload[0], payload[1]])),
            reason: is_close.then(|| String::from_utf8_lossy(&payload[2..]).into_owned()),
        }));
        match opcode {
            Opcode::Text => {
                self.carried(conn, from, &format!("\r\n\r\n{}", String::from_utf8_lossy(payload)))
            }
            Opcode::Binary => self.attached(conn, from, payload),
            _ => self,
        }
    }

    pub fn fin(&mut self, conn: u64, from: Side) -> &mut Self {
        self.push(Kind::Fin { conn: ConnId(conn), from })
    }

    pub fn closed(&mut self, conn: u64, first: Who, reset_by: Option<Side>) -> &mut Self {
        let sum = |side| self.sums.get(&(conn, side)).copied().unwrap_or_default();
        let (from_client, from_server) = (sum(Side::Client), sum(Side::Server));
        let lived = Elapsed(self.now - self.opened.get(&conn).copied().unwrap_or_default());
        self.push(Kind::Closed { conn: ConnId(conn), first, reset_by, from_client, from_server, lived })
    }

    /// Closed in order, by this side first.
    pub fn close(&mut self, conn: u64, first: Side) -> &mut Self {
        let who = if first == Side::Client { Who::Client } else { Who::Server };
        self.us(20).fin(conn, first).us(50).fin(conn, first.other()).closed(conn, who, None)
    }

    pub fn news(&mut self, text: &str) -> &mut Self {
        self.push(Kind::World { what: "say".into(), id: None, text: text.into() })
    }

    pub fn claim(&mut self, text: &str, held: Option<bool>, saw: Option<&str>) -> &mut Self {
        self.claim_with(text, held, saw, None)
    }

    pub fn claim_with(
        &mut self,
        text: &str,
        held: Option<bool>,
        saw: Option<&str>,
        remark: Option<&str>,
    ) -> &mut Self {
        let evidence = vec![Seq(self.events.len() as u64)];
        let expected = saw.map(|_| "the server's FIN first".to_owned());
        let saw = saw.map(str::to_owned);
        self.push(Kind::Claim(Claim {
            text: text.into(),
            held,
            evidence,
            line: 14,
            expected,
            saw,
            remark: remark.map(str::to_owned),
        }))
    }
}

fn split(message: &str) -> (String, Head, u64) {
    let (head, body) = message.split_once("\r\n\r\n").unwrap_or((message, ""));
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = lines.filter_map(header).collect();
    (line, Head { headers, head_len: head.len() as u64 + 4 }, body.len() as u64)
}

pub(super) const GET: &str =
    "GET /api/messages HTTP/1.1\r\nhost: 127.0.0.1:53817\r\nconnection: close\r\n\r\n";
pub(super) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
    content-length: 16\r\n\r\n[{\"id\":1,\"x\":2}]";
const HANDSHAKE: &str = "GET /ws HTTP/1.1\r\nhost: 127.0.0.1:53817\r\nconnection: Upgrade\r\n\
    upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A lesson with one request, one response, one goodbye, a question, and news that nobody hears.
pub(super) fn http_close() -> Vec<Event> {
    let mut story = Story::default();
    story
        .say_with(Role::Title, "One request, one response", Some("loopback 127.0.0.1:53817, no added delay"), None, None)
        .step(2, 9, "Anna asks")
        .say(Role::Prose, "One **request**, then one response. `connection: close` ends it. The server works 0.19 ms, and this paragraph goes on until it must be wrapped.")
        .say(Role::Prose, "- An item.")
        .say(Role::Prose, "- Another item.")
        .say_with(Role::Code, "fetch(\"/api/messages\")\n  .then(show)", Some("js"), None, None)
        .us(400)
        .wire(Show::Heads)
        .say_with(Role::Remark, "she asks", Some("anna"), None, Some(Side::Client))
        .us(300)
        .open(1, "anna")
        .us(160)
        .request(1, 1, GET)
        .us(190)
        .response(1, 1, OK)
        .close(1, Side::Server)
        .claim("closed by server", Some(true), None)
        .claim("1 connection", Some(true), None)
        .claim("server holds TIME_WAIT", None, None)
        .ms(2000)
        .news("GOAL! 1-0")
        .played();
    let choices = [("At once", false), ("At her next request", true), ("Never", false)];
    let choices = choices.map(|(text, right)| Choice { text: text.into(), right }).to_vec();
    let answer = Kind::Answer {
        lesson: "http".into(),
        right: 2,
        text: "At her next request".into(),
        because: Some("She has no connection. **Nobody** can tell her.".into()),
        chosen: Some(1),
    };
    story
        .push(Kind::Predict { lesson: "http".into(), text: "When will Anna know?".into(), choices })
        .push(answer);
    story.events
}

/// Two requests on one connection, the second answered with 404, then a claim that fails.
pub(super) fn keep_alive() -> Vec<Event> {
    let mut story = Story::default();
    let get = "GET /api/messages HTTP/1.1\r\nhost: 127.0.0.1:53817\r\n\r\n";
    let missing =
        "GET /api/massages/a-very-long-name-that-does-not-fit HTTP/1.1\r\nhost: 127.0.0.1:53817\r\n\r\n";
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]";
    let none = "HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\ncontent-length: 30\r\n\r\n\
        {\"title\":\"Not Found\",\"x\":[1]}\n";
    story
        .step(8, 9, "Now stay open")
        .wire(Show::Heads)
        .open(8, "client")
        .us(100)
        .request(8, 1, get)
        .us(100)
        .response(8, 1, ok)
        .us(100)
        .request(8, 2, get)
        .us(100)
        .response(8, 2, ok)
        .us(100)
        .request(8, 3, missing)
        .us(100)
        .response(8, 3, none)
        .claim("closed by server", Some(false), Some("the connection is open"))
        .played();
    story.events
}

/// A handshake, frames both ways, ping and pong, a long one, and close 1000.
pub(super) fn socket(show: Show) -> Vec<Event> {
    let mut story = Story::default();
    story
        .step(9, 9, "Look inside")
        .wire(show)
        .open(1, "anna")
        .us(200)
        .request(1, 1, HANDSHAKE)
        .us(200)
        .response(1, 1, SWITCHING)
        .upgraded(1)
        .us(1000)
        .frame(1, Side::Client, Opcode::Text, b"Hello")
        .us(100)
        .frame(
            1,
            Side::Server,
            Opcode::Text,
            "{\"event\":\"message\",\"data\":{\"text\":\"GOAL! 1-0\"}}".repeat(4).as_bytes(),
        )
        .us(100)
        .frame(1, Side::Client, Opcode::Ping, b"x")
        .us(100)
        .frame(1, Side::Server, Opcode::Pong, b"x")
        .us(100)
        .frame(1, Side::Client, Opcode::Close, b"\x03\xe8bye")
        .us(100)
        .frame(1, Side::Server, Opcode::Close, b"\x03\xe8bye")
        .close(1, Side::Server)
        .push(Kind::Kernel { conn: ConnId(1), side: Side::Server, state: "TIME_WAIT".into() })
        .played();
    story.events
}

/// Ben's machine is gone; Anna is cut off; bytes that are no message.
pub(super) fn endings() -> Vec<Event> {
    let mut story = Story::default();
    story
        .step(8, 9, "Two ways to leave")
        .wire(Show::Ladder)
        .open(2, "ben")
        .request(2, 1, HANDSHAKE)
        .response(2, 1, SWITCHING)
        .upgraded(2)
        .ms(3)
        .push(Kind::World { what: "vanish".into(), id: None, text: "ben".into() })
        .ms(150)
        .closed(2, Who::Error, None)
        .open(3, "anna")
        .ms(1)
        .bytes(3, Side::Client, b"GET /\x1b[31")
        .ms(1)
        .push(Kind::World { what: "cut".into(), id: None, text: "anna".into() })
        .closed(3, Who::Reset, Some(Side::Server))
        .open(4, "cara")
        .ms(1)
        .request(4, 1, GET)
        .bytes(4, Side::Server, b"HTTP/1")
        .played();
    story.events
}

/// Six requests on six connections, by two clients.
pub(super) fn polling() -> Vec<Event> {
    let mut story = Story::default();
    story.step(9, 9, "Ask and ask again").wire(Show::Heads);
    for n in 1..=6 {
        let name = if n % 2 == 0 { "ben" } else { "anna" };
        story
            .open(n, name)
            .us(100)
            .request(n, 1, GET)
            .us(100)
            .response(n, 1, OK)
            .close(n, Side::Server)
            .ms(20);
    }
    story.played();
    story.events
}

fn goal(story: &mut Story, id: u64, text: &str) {
    story.news(text).us(300);
    let message = format!("{{\"event\":\"message\",\"data\":{{\"id\":{id},\"text\":\"{text}\"}}}}");
    story.frame(1, Side::Server, Opcode::Text, message.as_bytes());
    let after = Elapsed(Duration::from_micros(300));
    story.push(Kind::Heard { client: "websocket".into(), conn: Some(ConnId(1)), id, after });
}
