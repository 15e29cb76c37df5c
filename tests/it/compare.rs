//! `wsdemo compare`: every number of its summary is computed here once more, from the bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use wsdemo::timeline::{ConnId, Kind, Side, Transport, Who};

use crate::harness::{Run, built_in};
use crate::{facts, shape};

fn run() -> &'static Run {
    built_in("compare")
}

fn transports() -> &'static [Transport] {
    let found = run().kinds().find_map(|kind| match kind {
        Kind::Summary(summary) => Some(&summary.transports),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn its_json_is_the_contract() {
    shape::check(run());
}

#[test]
fn its_facts_add_up_and_its_claims_hold() {
    facts::check(run());
}

#[test]
fn the_lanes_are_those_of_the_lesson() {
    let names: Vec<_> = transports().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["close", "keep-alive", "websocket"]);
    let talks: Vec<_> = transports().iter().map(|it| it.client_talks_by.as_str()).collect();
    assert_eq!(talks, ["new connection", "new request", "same connection"]);
}

#[test]
fn the_numbers_are_those_of_the_bytes() {
    for told in transports() {
        let lane = Lane::read(run(), &told.name);
        let told_counts = [told.connections, told.requests, told.empty, told.payload];
        assert_eq!(told_counts, [lane.connections, lane.requests, lane.empty, lane.payload], "{told:?}");
        assert_eq!((told.from_client, told.from_server), (lane.from_client, lane.from_server), "{told:?}");
        assert_eq!((told.events, told.sent), (6, 2), "as the lesson has it");
        assert_eq!(told.lost, 6 - lane.delays.len() as u64);
        let heard = told.heard_after.unwrap();
        let [p99, worst] = [99, 100].map(|percent| lane.nearest_rank(percent));
        let median = lane.median();
        // The histogram keeps four digits; the longest it keeps exactly.
        let near = |told: Duration, exact: Duration| told.abs_diff(exact) <= exact / 5_000;
        assert!(near(heard.median.0, median) && near(heard.p99.0, p99), "{told:?}: {median:?}, {p99:?}");
        assert_eq!(heard.worst.0, worst, "{told:?}");
    }
}

#[test]
fn only_the_socket_is_never_late() {
    let late = |name: &str| transports().iter().find(|it| it.name == name).unwrap().heard_after.unwrap();
    assert!(late("websocket").worst.0 < Duration::from_millis(100), "{:?}", late("websocket"));
    for polling in ["close", "keep-alive"] {
        assert!(late(polling).worst.0 > Duration::from_millis(500), "{:?}", late(polling));
        // Asked every 2 s.
        assert!(late(polling).worst.0 < Duration::from_millis(2100), "{:?}", late(polling));
    }
    assert!(transports().iter().all(|it| it.lost == 0));
}

#[test]
fn each_lane_ends_as_its_transport_does() {
    let ends = |name: &str| -> Vec<Who> {
        let state = run().state();
        let lane = state.connections.values().filter(|it| it.name.as_deref() == Some(name));
        lane.map(|it| it.closed.unwrap().first).collect()
    };
    assert!(ends("close").len() > 8 && ends("close").iter().all(|first| *first == Who::Server));
    assert_eq!(ends("keep-alive"), [Who::Client]);
    assert_eq!(ends("websocket"), [Who::Server]);
}

/// The delays that are told agree with the times at which the events themselves were told.
#[test]
fn delays_agree_with_the_clock() {
    let said: Vec<_> = run().events.iter().filter(|it| matches!(it.kind, Kind::World { .. })).collect();
    for name in ["close", "keep-alive", "websocket"] {
        let lane = Lane::read(run(), name);
        assert_eq!(lane.news.len(), said.len());
        for (made, (id, text)) in said.iter().zip(&lane.news) {
            let Kind::World { text: words, .. } = &made.kind else { continue };
            assert_eq!(words, text);
            let (at, after) = lane.delays[id];
            let by_the_clock = at.saturating_sub(made.at.0);
            assert!(by_the_clock.abs_diff(after) < Duration::from_millis(20), "{name} {id}: {after:?}");
        }
    }
}

/// One lane, from its bytes.
#[derive(Default)]
struct Lane {
    connections: u64,
    requests: u64,
    empty: u64,
    from_client: u64,
    from_server: u64,
    payload: u64,
    /// What the server said itself: id and words.
    news: BTreeMap<u64, String>,
    /// Of these: when it was heard, and after how long.
    delays: BTreeMap<u64, (Duration, Duration)>,
}

impl Lane {
    fn read(run: &Run, name: &str) -> Self {
        let mut lane = Self::default();
        for connection in run.state().connections.values().filter(|it| it.name.as_deref() == Some(name)) {
            lane.connections += 1;
            lane.connection(run, connection.id);
        }
        for event in &run.events {
            if let Kind::Heard { client, id, after, .. } = &event.kind
                && client == name
                && lane.news.contains_key(id)
            {
                let before = lane.delays.insert(*id, (event.at.0, after.0));
                assert_eq!(before, None, "heard twice");
            }
        }
        lane
    }

    fn connection(&mut self, run: &Run, conn: ConnId) {
        let (asked, answered) = (run.stream(conn, Side::Client), run.stream(conn, Side::Server));
        self.from_client += asked.len() as u64;
        self.from_server += answered.len() as u64;
        let mut rest = &asked[..];
        while let Some((body, after)) = http_message(rest) {
            self.requests += 1;
            self.payload += body.len() as u64;
            rest = after;
        }
        self.frames(rest);
        let mut rest = &answered[..];
        while let Some((body, after)) = http_message(rest) {
            self.payload += body.len() as u64;
            self.empty += u64::from(body == b"[]");
            let list = serde_json::from_slice(body).unwrap_or(Value::Null);
            list.as_array().into_iter().flatten().for_each(|message| self.message(message));
            rest = after;
        }
        self.frames(rest);
    }

    fn frames(&mut self, mut bytes: &[u8]) {
        while let [first, second, rest @ ..] = bytes {
            let len = usize::from(second & 0x7f);
            assert!(len < 126, "longer frames do not come here");
            let masked = second & 0x80 != 0;
            let payload = &rest[if masked { 4 } else { 0 }..][..len];
            // Data frames only: close frames carry no content.
            if first & 0x0f < 8 {
                self.payload += len as u64;
            }
            if !masked && let Ok(event) = serde_json::from_slice::<Value>(payload) {
                self.message(&event["data"]);
            }
            bytes = &rest[len + if masked { 4 } else { 0 }..];
        }
    }

    fn message(&mut self, message: &Value) {
        if message["from"] == "server" {
            self.news.insert(message["id"].as_u64().unwrap(), message["text"].as_str().unwrap().into());
        }
    }

    /// The smallest delay that so many percent of all do not exceed.
    fn nearest_rank(&self, percent: usize) -> Duration {
        let sorted = self.sorted();
        sorted[(sorted.len() * percent).div_ceil(100) - 1]
    }

    /// Of an even number, the middle of the two in the middle.
    fn median(&self) -> Duration {
        let sorted = self.sorted();
        (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2
    }

    fn sorted(&self) -> Vec<Duration> {
        let mut sorted: Vec<_> = self.delays.values().map(|(_, after)| *after).collect();
        sorted.sort_unstable();
        sorted
    }
}

/// The first message's content, and what comes after it. `None` where no HTTP begins.
fn http_message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if !bytes.first()?.is_ascii_uppercase() {
        return None;
    }
    let head_len = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..head_len]).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let len = length.map_or(0, |length| length.parse().unwrap());
    Some(bytes[head_len..].split_at(len))
}
