//! The numbers that prose may name: each is measured in the run, most of them in the last transcript played.
//!
//! They are those of the lesson's own clients: whoever else is connected takes part in the ladder, not in the story.

use std::collections::HashMap;
use std::time::Duration;

use crate::timeline::{ConnId, Elapsed, Event, Kind, Layer, Role, Side, Slices, State};

/// Watches the events and knows the numbers. What was not measured yet is `?`.
#[derive(Debug, Default)]
pub(super) struct Measured {
    slices: Slices,
    last: Fence,
    request_ended: HashMap<ConnId, Elapsed>,
    /// Of a response that goes on: its content that has come.
    streamed: HashMap<ConnId, u64>,
}

/// Since the last transcript began.
#[derive(Debug, Default)]
struct Fence {
    conn: Option<ConnId>,
    work: Option<Duration>,
    late: Option<Duration>,
    silence: Option<Duration>,
    from_client: u64,
    from_server: u64,
    requests: u64,
    empty: u64,
    payload: u64,
    /// It was not played: nothing is known of it.
    skipped: bool,
}

impl Measured {
    /// Takes the next event; `state` holds it already.
    pub fn event(&mut self, event: &Event, state: &State) {
        if event.kind.conn().is_some_and(|conn| !state.is_named(conn)) {
            return;
        }
        if self.slices.event(event).is_some_and(|slice| slice.is_empty_list()) {
            self.last.empty += 1;
        }
        match &event.kind {
            Kind::Say { role: Role::Wire | Role::Compare, .. } => self.begin(),
            Kind::Opened { conn, .. } => self.last.conn = Some(*conn),
            Kind::Bytes { from: Side::Client, len, layer: Layer::Tcp, .. } => self.last.from_client += len,
            Kind::Bytes { from: Side::Server, len, layer: Layer::Tcp, .. } => self.last.from_server += len,
            Kind::Request { conn, .. } => {
                self.last.conn = Some(*conn);
                self.last.requests += 1;
            }
            Kind::MessageEnd { conn, from: Side::Client, body_len, .. } => {
                self.request_ended.insert(*conn, event.at);
                self.last.payload += body_len;
            }
            Kind::Response { conn, .. } => {
                let asked = self.request_ended.get(conn);
                self.last.work = asked.map(|asked| event.at.since(*asked));
            }
            Kind::Packet { conn, layer, len, .. } if layer == "sse" => {
                *self.streamed.entry(*conn).or_default() += len;
                self.last.payload += len;
            }
            Kind::MessageEnd { conn, from: Side::Server, body_len, .. } => {
                let counted = self.streamed.remove(conn).unwrap_or_default();
                self.last.payload += body_len.saturating_sub(counted);
            }
            Kind::Frame(frame) if !frame.opcode.is_control() => {
                self.last.conn = Some(frame.conn);
                self.last.payload += frame.len;
            }
            Kind::Heard { after, .. } => self.last.late = Some(after.0),
            _ => {}
        }
    }

    /// A transcript begins.
    pub fn begin(&mut self) {
        self.last = Fence::default();
    }

    /// A transcript or workload is left out.
    pub fn skip(&mut self) {
        self.last = Fence { skipped: true, ..Fence::default() };
    }

    /// A claim has waited so long, and nothing came.
    pub fn silence(&mut self, time: Duration) {
        self.last.silence = Some(time);
    }

    pub fn get(&self, name: &str, state: &State) -> Option<String> {
        let last = &self.last;
        let connection = last.conn.and_then(|conn| state.get(conn));
        let ending = connection.and_then(|connection| connection.closed);
        let value = match name {
            "opened" => Some(state.named().count().to_string()),
            "closed" => Some(state.named().filter(|it| it.closed.is_some()).count().to_string()),
            "open" => Some(state.named().filter(|it| it.closed.is_none()).count().to_string()),
            "conn" => last.conn.map(|conn| conn.to_string()),
            "work" => last.work.map(duration),
            "late" => last.late.map(duration),
            "silence" => last.silence.map(duration),
            "lived" => ending.map(|ending| duration(ending.lived.0)),
            "code" => connection.and_then(|connection| connection.close_code()).map(|code| code.to_string()),
            "client_bytes" | "server_bytes" | "bytes" | "requests" | "empty" | "payload" if last.skipped => {
                None
            }
            "client_bytes" => Some(grouped(last.from_client)),
            "server_bytes" => Some(grouped(last.from_server)),
            "bytes" => Some(grouped(last.from_client + last.from_server)),
            "requests" => Some(grouped(last.requests)),
            "empty" => Some(grouped(last.empty)),
            "payload" => Some(grouped(last.payload)),
            _ => return None,
        };
        Some(value.unwrap_or_else(|| "?".into()))
    }
}

/// `1,872`: as in the tables.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let start = digits.len() % 3;
    let (first, rest) = digits.split_at(start);
    let threes = rest.as_bytes().chunks(3).map(|three| String::from_utf8_lossy(three).into_owned());
    let groups: Vec<String> = (start > 0).then(|| first.to_owned()).into_iter().chain(threes).collect();
    groups.join(",")
}

/// As one says it: `0.35 ms`, `12 ms`, `5.0 s`.
fn duration(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 10.0 {
        format!("{ms:.2} ms")
    } else if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let read = [0, 12, 187, 1_872, 54_321, 1_000_000].map(grouped);
        assert_eq!(read, ["0", "12", "187", "1,872", "54,321", "1,000,000"]);
    }

    #[test]
    fn durations_read_well() {
        let read = |us| duration(Duration::from_micros(us));
        assert_eq!([read(350), read(12_400), read(5_004_000)], ["0.35 ms", "12 ms", "5.0 s"]);
    }
}
