//! Adds up what the wire says of one lane of a compare.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;

use crate::client::{Counts, Speech, transport};
use crate::load::Histogram;
use crate::timeline::{ConnId, Elapsed, Event, Kind, Layer, MadeOf, Once, Parts, Side, Slices, Transport};

/// Who said something, what, and when it was meant to be said, or was had.
pub(super) type Words = Vec<(Speech, Elapsed)>;

/// Whether a transport asks every so often, whether there is news or not.
pub(super) fn polls(name: &str) -> bool {
    transport(name).is_some_and(|it| it.polls())
}

/// Whether its connections stay: then there is something that is needed only once.
pub(super) fn stays(name: &str) -> bool {
    transport(name).is_some_and(|it| it.stays())
}

/// Watches one lane.
#[derive(Debug)]
pub(super) struct Tally {
    server: SocketAddr,
    name: String,
    /// When the client was ready, and when the run was over: what is needed once comes before and after.
    steady: (Elapsed, Elapsed),
    /// When each opened, and when it closed.
    conns: BTreeMap<ConnId, Conn>,
    slices: Slices,
    asked: u64,
    empty: u64,
    once: Once,
    client: Bytes,
    server_side: Bytes,
    /// The delays of the server's messages, by id.
    heard: HashMap<u64, Elapsed>,
}

#[derive(Debug)]
struct Conn {
    opened: Elapsed,
    closed: Option<Elapsed>,
}

/// Those of one side.
#[derive(Debug, Default)]
struct Bytes {
    tcp: u64,
    /// What TLS carries.
    plain: Option<u64>,
    messages: u64,
}

impl Bytes {
    fn made_of(&self) -> Parts {
        Parts::of(self.tcp, self.plain, self.messages)
    }
}

impl Tally {
    pub fn new(name: &str, server: SocketAddr, steady: (Elapsed, Elapsed)) -> Self {
        Self {
            server,
            name: name.into(),
            steady,
            conns: BTreeMap::new(),
            slices: Slices::default(),
            asked: 0,
            empty: 0,
            once: Once::default(),
            client: Bytes::default(),
            server_side: Bytes::default(),
            heard: HashMap::new(),
        }
    }

    /// Whether what happened then is needed once only.
    fn is_once(&self, at: Elapsed) -> bool {
        at <= self.steady.0 || at > self.steady.1
    }

    fn side(&mut self, side: Side) -> &mut Bytes {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server_side,
        }
    }

    pub fn event(&mut self, event: &Event) {
        let once = self.is_once(event.at);
        match &event.kind {
            Kind::Opened { conn, server, .. } if *server == self.server => {
                self.conns.insert(*conn, Conn { opened: event.at, closed: None });
            }
            Kind::Closed { conn, .. } => {
                if let Some(conn) = self.conns.get_mut(conn) {
                    conn.closed = Some(event.at);
                }
            }
            Kind::Bytes { conn, from, len, layer, .. } if self.conns.contains_key(conn) => {
                self.slices.event(event);
                let side = self.side(*from);
                match layer {
                    Layer::Tcp => {
                        side.tcp += len;
                        self.once.bytes += if once { *len } else { 0 };
                    }
                    // The plaintext: not counted, but it is where the messages are.
                    Layer::Tls => *side.plain.get_or_insert(0) += len,
                }
            }
            Kind::Request { conn, .. } if self.conns.contains_key(conn) => {
                self.asked += 1;
                self.once.requests += u64::from(once);
            }
            Kind::MessageEnd { conn, from, body_len, .. } if self.conns.contains_key(conn) => {
                self.side(*from).messages += body_len;
                let empty = self.slices.event(event).is_some_and(|message| message.is_empty_list());
                self.empty += u64::from(*from == Side::Server && empty);
            }
            Kind::Frame(frame) if self.conns.contains_key(&frame.conn) => {
                if !frame.opcode.is_control() {
                    self.side(frame.from).messages += frame.len;
                }
                self.slices.event(event);
            }
            Kind::Heard { client, id, after, .. } if *client == self.name => {
                self.heard.insert(*id, *after);
            }
            _ => {}
        }
    }

    /// How many connections stay: there from the first, or still there at the last.
    fn staying(&self) -> u64 {
        let (ready, until) = self.steady;
        let first = self.conns.values().filter(|conn| conn.opened <= ready).count();
        let last = |conn: &&Conn| conn.opened <= until && conn.closed.is_none_or(|closed| closed > until);
        first.max(self.conns.values().filter(last).count()) as u64
    }

    /// `news` are the ids of the server's messages. `whole`: what was not heard will never be; else what came after the last that was
    /// heard may be on its way. `said` is what the client wanted to say, and when; `had` what the server had of that.
    pub fn finish(
        self,
        news: &[u64],
        whole: bool,
        counts: &Counts,
        (said, had): (Words, Words),
    ) -> Transport {
        let delays: Histogram =
            news.iter().filter_map(|id| self.heard.get(id)).map(|after| after.0).collect();
        let wanted = said.len() as u64;
        let reached = reached(said, had);
        let newest = self.heard.keys().max().copied();
        let unheard = |id: &&u64| !self.heard.contains_key(id) && (whole || Some(**id) < newest);
        let lost = news.iter().filter(unheard).count() as u64;
        let once = if stays(&self.name) {
            Once { connections: self.staying(), ..self.once }
        } else {
            Once::default()
        };
        Transport {
            name: self.name,
            events: news.len() as u64,
            heard_after: delays.spread(),
            delays: delays.delays(),
            connections: self.conns.len() as u64,
            requests: self.asked,
            empty: self.empty,
            from_client: self.client.tcp,
            from_server: self.server_side.tcp,
            payload: self.client.messages + self.server_side.messages,
            made_of: MadeOf { client: self.client.made_of(), server: self.server_side.made_of() },
            once,
            lost,
            doubled: counts.doubled.get(),
            sent: counts.sent.get(),
            unreached: if whole { wanted.saturating_sub(reached.len()) } else { 0 },
            reached_after: reached.spread(),
            broken: counts.broken.get(),
            recovered: counts.recovered.get(),
            ..Transport::default()
        }
    }
}

/// From when each thing was to be said until the server had it. Who says the same twice is had in that order.
pub(super) fn reached(said: Words, had: Words) -> Histogram {
    let mut waiting: HashMap<(String, String), VecDeque<Elapsed>> = HashMap::new();
    for (Speech { from, text }, at) in said {
        waiting.entry((from, text)).or_default().push_back(at);
    }
    let after = |(Speech { from, text }, at): (Speech, Elapsed)| {
        waiting.get_mut(&(from, text))?.pop_front().map(|said| at.since(said))
    };
    had.into_iter().filter_map(after).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn speech(text: &str, ms: u64) -> (Speech, Elapsed) {
        (Speech { from: "anna".into(), text: text.into() }, Elapsed(Duration::from_millis(ms)))
    }

    #[test]
    fn what_was_said_is_found_again() {
        let said = vec![speech("a", 0), speech("a", 100), speech("b", 200)];
        let had = vec![speech("a", 10), speech("c", 11), speech("a", 140)];
        let reached = reached(said, had);
        assert_eq!(reached.len(), 2, "b never came, c is somebody else's");
        assert_eq!(reached.spread().unwrap().worst.0, Duration::from_millis(40));
    }
}
