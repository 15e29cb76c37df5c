//! Compares of all transports: one client on each, with TLS, with a network that cuts; and many clients.

use std::time::Duration;

use super::compares::transport;
use super::{HANDSHAKE, OK, SWITCHING, Story};
use crate::timeline::{
    ConnId, Delays, Elapsed, Event, Kind, Load, MadeOf, Opcode, Parts, Role, Scaled, Side, Spread, Summary,
    TimeWait, Transport, Who,
};

const ALL: [&str; 7] =
    ["close", "keep-alive", "long-poll", "sse", "websocket", "socketio", "socketio-upgrade"];

/// The connections of those that stay.
const ALIVE: u64 = 2;
const WAITS: u64 = 3;
const STREAM: u64 = 4;
const SOCKET: u64 = 1;
const IO: u64 = 5;
const POLLED: u64 = 6;
const CHANGED: u64 = 7;

const SID: &str = "&sid=lv_VI97HAXpY6yYWAAAC";
const OPEN: &str = "0{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[],\"pingInterval\":20000}";

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1:53817\r\n\r\n")
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn message(id: u64, from: &str, text: &str) -> String {
    format!("{{\"id\":{id},\"from\":\"{from}\",\"text\":\"{text}\"}}")
}

impl Story {
    fn asks(&mut self, conn: u64, exchange: u64, target: &str) -> &mut Self {
        self.request(conn, exchange, &get(target))
    }

    fn waits(&mut self, exchange: u64) -> &mut Self {
        self.asks(WAITS, exchange, "/api/messages?since=0&wait=20")
    }

    /// A poll on a connection of its own, and one on the connection that stays.
    fn polls_both(&mut self, n: u64, body: &str, heard: &[(u64, u64)]) -> &mut Self {
        let conn = 20 + n;
        self.open(conn, "close").us(80).asks(conn, 1, "/api/messages?since=0").us(80);
        self.response(conn, 1, &ok(body));
        for (id, ms) in heard {
            self.hears("close", *id, Duration::from_millis(*ms));
        }
        self.close(conn, Side::Server).us(50).asks(ALIVE, n, "/api/messages?since=0").us(80);
        self.response(ALIVE, n, &ok(body));
        for (id, ms) in heard {
            self.hears("keep-alive", *id, Duration::from_millis(*ms));
        }
        self
    }

    fn streams(&mut self) -> &mut Self {
        self.streams_on(STREAM)
    }

    fn streams_on(&mut self, conn: u64) -> &mut Self {
        self.open(conn, "sse").us(50).asks(conn, 1, "/api/events").us(100);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        self.bytes(conn, Side::Server, format!("{head}14\r\nretry: 2000\n\nid: 0\n\n\r\n").as_bytes());
        let (_, head, _) = super::split(head);
        self.push(Kind::Response { conn: ConnId(conn), exchange: 1, status: 200, head });
        self.event_of(conn, "setting", None, 13)
    }

    fn event_of(&mut self, conn: u64, packet: &str, event: Option<&str>, len: u64) -> &mut Self {
        let (layer, packet, event) = ("sse".into(), packet.into(), event.map(str::to_owned));
        let (conn, from) = (ConnId(conn), Side::Server);
        self.push(Kind::Packet {
            conn,
            from,
            layer,
            packet,
            event,
            namespace: None,
            ack: None,
            text: None,
            len,
        })
    }

    fn event_on(&mut self, conn: u64, data: &str) -> &mut Self {
        let event = format!("event: message\nid: 1\ndata: {data}\n\n");
        self.bytes(conn, Side::Server, format!("{:X}\r\n{event}\r\n", event.len()).as_bytes());
        self.event_of(conn, "event", Some("message"), event.len() as u64)
    }

    /// A session of Socket.IO on a WebSocket begins.
    fn session(&mut self) -> &mut Self {
        self.open(IO, "socketio").us(50).upgrade(IO, "").text(IO, Side::Server, OPEN);
        self.text(IO, Side::Client, "40").text(IO, Side::Server, "40{\"sid\":\"wZX3oN0bSVIhsaknAAAI\"}");
        self.text(IO, Side::Server, "2").text(IO, Side::Client, "3")
    }

    /// A session of Socket.IO begins by polling, and changes.
    fn changing(&mut self) -> &mut Self {
        self.open(POLLED, "socketio-upgrade").us(50).polls((POLLED, 1), "", "", OPEN).us(50);
        self.polls((POLLED, 2), SID, "40", "ok").us(50);
        self.polls((POLLED, 3), SID, "", "40{\"sid\":\"wZX3oN0bSVIhsaknAAAI\"}").us(50).poll(
            (POLLED, 4),
            SID,
            "",
        );
        self.open(CHANGED, "socketio-upgrade").us(50).upgrade(CHANGED, SID);
        self.text(CHANGED, Side::Client, "2probe").text(CHANGED, Side::Server, "3probe");
        self.us(50).polled((POLLED, 4), "6").text(CHANGED, Side::Client, "5")
    }

    /// All begin; what was asked so far is told in `polls_both`.
    fn begin_all(&mut self) -> &mut Self {
        self.open(ALIVE, "keep-alive").polls_both(1, "[]", &[]);
        self.open(WAITS, "long-poll").us(50).waits(1).streams();
        self.open(SOCKET, "websocket")
            .us(50)
            .request(SOCKET, 1, HANDSHAKE)
            .us(50)
            .response(SOCKET, 1, SWITCHING);
        self.upgraded(SOCKET).session().changing()
    }

    /// News, and everybody who may be told at once.
    fn news_to(&mut self, id: u64, text: &str, exchange: u64, names: &[&str]) -> &mut Self {
        self.push(Kind::World { what: "say".into(), id: Some(id), text: text.into() });
        let data = message(id, "server", text);
        let event = format!("{{\"event\":\"message\",\"data\":{data}}}");
        let packet = format!("42[\"message\",{data}]");
        for name in names {
            self.us(40);
            match *name {
                "long-poll" => self.response(WAITS, exchange, &ok(&format!("[{data}]"))),
                "sse" => self.event_on(STREAM, &data),
                "websocket" => self.frame(SOCKET, Side::Server, Opcode::Text, event.as_bytes()),
                "socketio" => self.frame(IO, Side::Server, Opcode::Text, packet.as_bytes()),
                _ => self.frame(CHANGED, Side::Server, Opcode::Text, packet.as_bytes()),
            };
        }
        for (n, name) in names.iter().enumerate() {
            self.us(30).hears(name, id, Duration::from_micros(300 + 20 * n as u64));
            if *name == "long-poll" {
                self.us(30).waits(exchange + 1);
            }
        }
        self
    }

    /// The client speaks, on whatever each has for that.
    fn cheers(&mut self) -> &mut Self {
        let post = |conn: u64| {
            format!("POST /api/messages HTTP/1.1\r\nhost: a{conn}\r\ncontent-length: 2\r\n\r\n{{}}")
        };
        let created = "HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}";
        let data = message(90, "anna", "nice!");
        let event = format!("{{\"event\":\"message\",\"data\":{data}}}");
        let packet = format!("42[\"message\",{data}]");
        self.open(31, "close").us(50).request(31, 1, &post(31)).us(50).response(31, 1, created);
        self.close(31, Side::Server);
        self.request(ALIVE, 3, &post(ALIVE)).us(50).response(ALIVE, 3, created);
        self.open(32, "long-poll").us(50).request(32, 1, &post(32)).us(50).response(32, 1, created);
        self.us(20).response(WAITS, 2, &ok(&format!("[{data}]")));
        self.us(20).waits(3);
        self.open(33, "sse").us(50).request(33, 1, &post(33)).us(50).event_on(STREAM, &data);
        self.response(33, 1, created);
        for (conn, text) in [(SOCKET, &event), (IO, &packet), (CHANGED, &packet)] {
            self.us(40).frame(conn, Side::Client, Opcode::Text, text.as_bytes());
            self.us(40).frame(conn, Side::Server, Opcode::Text, text.as_bytes());
        }
        self
    }

    fn end_all(&mut self) -> &mut Self {
        for conn in [ALIVE, WAITS, 32, STREAM, 33, POLLED] {
            self.close(conn, Side::Client);
        }
        for conn in [SOCKET, IO, CHANGED] {
            self.frame(conn, Side::Client, Opcode::Close, &[3, 232]).us(50);
            self.frame(conn, Side::Server, Opcode::Close, &[3, 232]).close(conn, Side::Server);
        }
        self
    }
}

/// What each adds up to; the parts are all the bytes.
fn added_up(events: u64, tls: u64) -> Vec<Transport> {
    let of = |(n, name): (usize, &str)| {
        let n = n as u64;
        let (connections, requests) = [(4, 4), (1, 4), (2, 4), (2, 2), (1, 1), (1, 1), (2, 6)][n as usize];
        let parts = |headers, messages| Parts { headers, messages, tls };
        let made_of = MadeOf { client: parts(1200 - 130 * n, 58), server: parts(1900 - 170 * n, 504 + n) };
        let talks = ["new connection", "new request", "new request", "new request"];
        Transport {
            events,
            connections,
            requests,
            empty: if n < 2 { 1 } else { 0 },
            from_client: made_of.client.total(),
            from_server: made_of.server.total(),
            payload: made_of.client.messages + made_of.server.messages,
            made_of,
            client_talks_by: talks.get(n as usize).copied().unwrap_or("same connection").into(),
            time_wait: Some(TimeWait {
                client: if n == 3 { 2 } else { 0 },
                server: if n == 0 { 4 } else { n % 2 },
            }),
            ..transport(name, &[])
        }
    };
    ALL.into_iter().enumerate().map(of).collect()
}

fn spread(median: u64, p99: u64, worst: u64) -> Option<Spread> {
    let [median, p99, worst] = [median, p99, worst].map(Duration::from_micros).map(Elapsed);
    Some(Spread { median, p99, worst })
}

fn ends(story: &mut Story, seconds: f64, transports: Vec<Transport>, change: impl FnOnce(&mut Summary)) {
    story.played().push(Kind::Answer {
        lesson: "compare".into(),
        right: 1,
        text: "all but two".into(),
        because: None,
        chosen: None,
    });
    story.summary_with(seconds, transports, change);
}

fn story(tls: bool) -> Story {
    let mut story = Story { tls, ..Story::default() };
    story.step(1, 1, "Seven ways").lanes(&ALL).begin_all().ms(900);
    story.news_to(1, "GOAL 1-0", 1, &ALL[2..]).ms(1100);
    let one = format!("[{}]", message(1, "server", "GOAL 1-0"));
    story.polls_both(2, &one, &[(1, 1100)]).ms(500).cheers().ms(200);
    story.news_to(2, "GOAL 2-0", 3, &ALL[2..]).ms(1300);
    let two = format!("[{}]", message(2, "server", "GOAL 2-0"));
    story.polls_both(4, &two, &[(2, 1300)]).ms(40).end_all();
    story
}

fn scaled(transports: &[&str]) -> Scaled {
    let load = |(n, name): (usize, &&str)| Load {
        name: (*name).to_owned(),
        connections: if n == 0 { 18e6 } else { 1e4 },
        requests: if n < 3 { 18e6 } else { 1e4 },
        bytes: 6.4e9 / (n + 1) as f64,
        cpu: None,
        memory: None,
    };
    let transports = transports.iter().enumerate().map(load).collect();
    Scaled { clients: 10_000, seconds: Elapsed(Duration::from_secs(3600)), transports }
}

/// Two goals on seven transports, and a client that speaks.
pub(in crate::view) fn seven() -> Vec<Event> {
    let mut story = story(false);
    ends(&mut story, 4.2, added_up(2, 0), |it| it.scaled = Some(scaled(&ALL)));
    story.events
}

/// The same over TLS.
pub(in crate::view) fn sealed() -> Vec<Event> {
    let mut story = story(true);
    ends(&mut story, 4.2, added_up(2, 1734), |_| ());
    story.events
}

/// A network that cuts every connection once: who comes back, and what was lost.
pub(in crate::view) fn cut() -> Vec<Event> {
    let names = ["sse", "websocket", "socketio"];
    let mut story = Story::default();
    story.step(1, 1, "A cut").lanes(&names).streams();
    story
        .open(SOCKET, "websocket")
        .us(50)
        .request(SOCKET, 1, HANDSHAKE)
        .us(50)
        .response(SOCKET, 1, SWITCHING);
    story.upgraded(SOCKET).session().ms(900).news_to(1, "GOAL 1-0", 1, &names).ms(600);
    for conn in [STREAM, SOCKET, IO] {
        story.us(40).closed(conn, Who::Reset, Some(Side::Client));
    }
    let failed = |name: &str, reason: &str| Kind::World {
        what: "failed".into(),
        id: None,
        text: format!("{name}: {reason}"),
    };
    let reason = "the connection was reset by the server";
    story.push(failed("websocket", reason)).ms(400);
    story.push(Kind::World { what: "say".into(), id: Some(2), text: "GOAL 2-0".into() }).ms(1600);
    story.streams_on(14).us(60).event_on(14, &message(2, "server", "GOAL 2-0"));
    story.us(40).hears("sse", 2, Duration::from_millis(1600)).us(30);
    story.open(15, "socketio").us(50).upgrade(15, "").text(15, Side::Server, OPEN).text(
        15,
        Side::Client,
        "40",
    );
    story.text(15, Side::Server, "40{\"sid\":\"wZX3oN0bSVIhsaknAAAI\"}").ms(800);
    story.push(Kind::World { what: "say".into(), id: Some(3), text: "GOAL 3-0".into() }).us(40);
    story.event_on(14, &message(3, "server", "GOAL 3-0")).us(20).hears("sse", 3, Duration::from_micros(200));
    story.us(20).text(15, Side::Server, &format!("42[\"message\",{}]", message(3, "server", "GOAL 3-0")));
    story.us(20).hears("socketio", 3, Duration::from_micros(300)).ms(500).close(14, Side::Client);
    story.frame(15, Side::Client, Opcode::Close, &[3, 232]).close(15, Side::Client);
    let mut all: Vec<_> = added_up(3, 0).into_iter().filter(|it| names.contains(&it.name.as_str())).collect();
    (all[0].connections, all[0].broken, all[0].recovered) = (2, 1, 1);
    (all[1].broken, all[1].failed, all[1].unreached) = (1, Some(reason.into()), 1);
    (all[2].connections, all[2].broken, all[2].recovered) = (2, 1, 1);
    ends(&mut story, 5.0, all, |_| ());
    story.events
}

/// A thousand clients on each of four transports, one transport after another.
pub(in crate::view) fn load() -> Vec<Event> {
    let names = ["close", "keep-alive", "sse", "websocket"];
    let mut story = Story::default();
    story.step(1, 1, "A crowd").push(Kind::Say {
        lesson: "compare".into(),
        role: Role::Compare,
        text: "transports: …".into(),
        detail: Some("1,000 clients on each transport, one transport after another".into()),
        show: None,
        from: None,
        packet: None,
        lanes: Vec::new(),
    });
    let mut all: Vec<_> =
        added_up(20, 0).into_iter().filter(|it| names.contains(&it.name.as_str())).collect();
    for (n, it) in all.iter_mut().enumerate() {
        let n = n as u64;
        it.connections = if n == 0 { 12_000 } else { 1000 };
        it.requests = if n < 2 { 12_000 } else { 1000 };
        for part in [&mut it.made_of.client, &mut it.made_of.server] {
            (part.headers, part.messages) = (part.headers * 3000, part.messages * 1000);
        }
        (it.from_client, it.from_server) = (it.made_of.client.total(), it.made_of.server.total());
        it.cpu = Some(Elapsed(Duration::from_millis(1900 - 430 * n)));
        it.memory = Some(11_500 - 1100 * n);
        let asks = if n < 2 { 700_000 } else { 0 };
        it.heard_after = spread(asks + 800, asks * 2 + 4100, asks * 2 + 9000);
        let after = |k: u64| Elapsed(Duration::from_micros(asks * k / 20 + 200 + 60 * k));
        let count = |k: u64| if k < 12 { k * k * 6 + 1 } else { (40 - k) * 40 };
        it.delays = (1..40).map(|k| Delays { after: after(k), count: count(k) }).collect();
        it.reached_after = spread(300, 900, 2000);
    }
    let said = all.iter().map(|it| it.heard_after).collect::<Vec<_>>();
    ends(&mut story, 20.0, all, |summary| {
        summary.clients = 1000;
        for (it, heard_after) in summary.transports.iter_mut().zip(said) {
            (it.heard_after, it.lost) = (heard_after, 0);
        }
        let mut scaled = scaled(&names);
        for (n, it) in scaled.transports.iter_mut().enumerate() {
            (it.cpu, it.memory) = (Some(3420.0 / (n + 1) as f64), Some(115e6 - 11e6 * n as f64));
        }
        (scaled.clients, scaled.seconds) = (5000, Elapsed(Duration::from_secs(1800)));
        summary.scaled = Some(scaled);
    });
    story.events
}

/// Somebody pressed Ctrl-C.
pub(in crate::view) fn partial() -> Vec<Event> {
    let mut story = Story::default();
    story.lanes(&ALL[..2]).open(ALIVE, "keep-alive").polls_both(1, "[]", &[]).ms(800);
    story.news("GOAL 1-0").ms(700).polls_both(2, OK, &[]).ms(100).close(ALIVE, Side::Client);
    ends(&mut story, 1.6, added_up(1, 0).into_iter().take(2).collect(), |it| it.partial = true);
    story.events
}
