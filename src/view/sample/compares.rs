//! Compares: one workload on several transports.

use std::time::Duration;

use crate::timeline::{Elapsed, Event, Kind, Opcode, Side, Spread, Summary, Transport};

use super::{GET, HANDSHAKE, OK, SWITCHING, Story, goal};

/// What a transport added up to that heard the server's messages so late, seconds.
pub(in crate::view) fn transport(name: &str, delays: &[f64]) -> Transport {
    let mut sorted: Vec<Duration> = delays.iter().copied().map(Duration::from_secs_f64).collect();
    sorted.sort_unstable();
    let at = |n: usize| sorted[n.min(sorted.len() - 1)];
    let spread = || Spread {
        median: Elapsed((at((sorted.len() - 1) / 2) + at(sorted.len() / 2)) / 2),
        p99: Elapsed(at((sorted.len() * 99).div_ceil(100) - 1)),
        worst: Elapsed(at(sorted.len() - 1)),
    };
    Transport {
        name: name.into(),
        events: sorted.len() as u64,
        heard_after: (!sorted.is_empty()).then(spread),
        connections: 1,
        requests: 3,
        empty: 1,
        from_client: 189,
        from_server: 191,
        payload: 68,
        lost: 0,
        client_talks_by: "new request".into(),
        sent: 1,
        ..Transport::default()
    }
}

impl Story {
    /// The end of a compare: its delays are those that were told.
    fn summary(&mut self, seconds: f64, transports: Vec<Transport>) -> &mut Self {
        self.summary_with(seconds, transports, |_| ())
    }

    /// The same, changed in what stands around the transports.
    pub(in crate::view) fn summary_with(
        &mut self,
        seconds: f64,
        mut transports: Vec<Transport>,
        change: impl FnOnce(&mut Summary),
    ) -> &mut Self {
        for it in &mut transports {
            let delay = |event: &Event| match &event.kind {
                Kind::Heard { client, after, .. } if *client == it.name => Some(after.0.as_secs_f64()),
                _ => None,
            };
            let delays: Vec<f64> = self.events.iter().filter_map(delay).collect();
            it.heard_after = transport(&it.name, &delays).heard_after;
            it.lost = it.events - delays.len() as u64;
        }
        let seconds = Elapsed(Duration::from_secs_f64(seconds));
        let mut summary = Summary { seconds, clients: 1, partial: false, transports, scaled: None };
        change(&mut summary);
        self.push(Kind::Summary(Box::new(summary)))
    }

    pub(in crate::view) fn hears(&mut self, client: &str, id: u64, after: Duration) -> &mut Self {
        self.push(Kind::Heard { client: client.into(), conn: None, id, after: Elapsed(after) })
    }

    fn socket(&mut self) -> &mut Self {
        self.open(1, "websocket")
            .us(100)
            .request(1, 1, HANDSHAKE)
            .us(100)
            .response(1, 1, SWITCHING)
            .upgraded(1)
    }

    /// A client's frame, and the same back from the server.
    fn echoed(&mut self, text: &str) -> &mut Self {
        let said = format!("{{\"event\":\"message\",\"data\":{{\"from\":\"anna\",\"text\":\"{text}\"}}}}");
        let back =
            format!("{{\"event\":\"message\",\"data\":{{\"id\":90,\"from\":\"anna\",\"text\":\"{text}\"}}}}");
        self.frame(1, Side::Client, Opcode::Text, said.as_bytes()).us(200).frame(
            1,
            Side::Server,
            Opcode::Text,
            back.as_bytes(),
        )
    }
}

fn three(events: u64) -> Vec<Transport> {
    let close =
        Transport { connections: 3, client_talks_by: "new connection".into(), ..transport("close", &[]) };
    let mut socket = transport("websocket", &[]);
    (socket.requests, socket.empty, socket.from_client, socket.from_server) = (1, 0, 215, 331);
    (socket.payload, socket.client_talks_by) = (160, "same connection".into());
    let mut all = vec![close, transport("keep-alive", &[]), socket];
    all.iter_mut().for_each(|it| it.events = events);
    all
}

/// Three goals on three transports, and a client that speaks.
pub(in crate::view) fn compare() -> Vec<Event> {
    let mut story = Story::default();
    story.step(1, 2, "The same news, three ways").lanes(&["close", "keep-alive", "websocket"]);
    let get = "GET /api/messages?since=0 HTTP/1.1\r\nhost: 127.0.0.1:53817\r\n\r\n";
    let ok = |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut conn = 3;
    let mut poll = |story: &mut Story, n: u64, body: &str, heard: &[(u64, u64)]| {
        let heard = |story: &mut Story, client: &str| {
            for (id, ms) in heard {
                story.hears(client, *id, Duration::from_millis(*ms));
            }
        };
        conn += 1;
        story.open(conn, "close").us(80).request(conn, 1, get).us(80).response(conn, 1, &ok(body));
        heard(story, "close");
        story.close(conn, Side::Server);
        story.us(100).request(2, n, get).us(100).response(2, n, &ok(body));
        heard(story, "keep-alive");
    };
    story.open(2, "keep-alive");
    poll(&mut story, 1, "[]", &[]);
    story.socket().ms(900);
    goal(&mut story, 1, "GOAL 1-0");
    story.ms(1100);
    poll(&mut story, 2, "[{\"id\":1,\"text\":\"GOAL 1-0\"}]", &[(1, 1100)]);
    story.ms(500).echoed("nice!").ms(200);
    goal(&mut story, 2, "GOAL 2-0");
    story.ms(400);
    goal(&mut story, 3, "RED CARD for number 8, who may not believe it");
    story.ms(900);
    poll(&mut story, 3, "[{\"id\":2,\"text\":\"GOAL 2-0\"},{\"id\":3}]", &[(2, 1300), (3, 900)]);
    story.ms(40).close(2, Side::Client);
    story.frame(1, Side::Client, Opcode::Close, &[3, 232]).us(50).frame(
        1,
        Side::Server,
        Opcode::Close,
        &[3, 232],
    );
    story.close(1, Side::Server).claim("3 lanes", Some(true), None).played().summary(6.0, three(3));
    story.events
}

/// Thirty goals and two remarks of a client.
pub(in crate::view) fn many_goals() -> Vec<Event> {
    let mut story = Story::default();
    story.lanes(&["websocket"]).socket();
    for n in 1..=30 {
        story.ms(500);
        goal(&mut story, n, "GOAL");
        if n == 8 || n == 20 {
            story.ms(100).frame(1, Side::Client, Opcode::Text, b"nice!");
        }
    }
    let socket = three(30).into_iter().filter(|it| it.name == "websocket").collect();
    story.close(1, Side::Server).summary(16.0, socket).played();
    story.events
}

/// A client that asks two hundred times.
pub(in crate::view) fn often() -> Vec<Event> {
    let mut story = Story::default();
    story.lanes(&["close"]);
    for n in 1..=200 {
        story.open(n, "close").us(80).request(n, 1, GET).us(80).response(n, 1, OK).close(n, Side::Server);
        story.ms(40);
    }
    story.played();
    story.events
}

/// Ten thousand messages, heard after all sorts of times; of one lane nothing arrives after the first.
pub(in crate::view) fn crowded() -> Vec<Event> {
    let mut story = Story::default();
    story.lanes(&["close", "keep-alive", "websocket"]).socket();
    for n in 0..10_000 {
        story.hears("close", n, Duration::from_micros(2000 + n * 200));
        story.hears("websocket", n, Duration::from_micros(300 + (n * n) % 997));
    }
    story.hears("keep-alive", 0, Duration::from_millis(3));
    story.summary(600.0, three(10_000)).played();
    story.events
}

/// A match of which nobody heard.
pub(in crate::view) fn all_lost() -> Vec<Event> {
    let mut story = Story::default();
    story.lanes(&["close", "keep-alive", "websocket"]).socket().ms(900).news("GOAL 1-0").ms(900);
    story.news("GOAL 2-0").ms(100).close(1, Side::Server).summary(2.0, three(2)).played();
    story.events
}
