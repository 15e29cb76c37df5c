//! Adds up what the wire says of one lane of a compare.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use crate::timeline::{ConnId, Elapsed, Event, Kind, Layer, Side, Slices, Spread, Transport};

/// Watches one lane.
#[derive(Debug)]
pub(super) struct Tally {
    server: SocketAddr,
    name: String,
    conns: BTreeSet<ConnId>,
    slices: Slices,
    asked: u64,
    empty: u64,
    /// Messages that the client sent: POSTs, and data frames.
    sent: u64,
    from_client: u64,
    from_server: u64,
    payload: u64,
}

impl Tally {
    pub fn new(name: &str, server: SocketAddr) -> Self {
        Self {
            server,
            name: name.into(),
            conns: BTreeSet::new(),
            slices: Slices::default(),
            asked: 0,
            empty: 0,
            sent: 0,
            from_client: 0,
            from_server: 0,
            payload: 0,
        }
    }

    pub fn event(&mut self, event: &Event) {
        match &event.kind {
            Kind::Opened { conn, server, .. } if *server == self.server => {
                self.conns.insert(*conn);
            }
            Kind::Bytes { conn, from, len, layer: Layer::Tcp, .. } if self.conns.contains(conn) => {
                match from {
                    Side::Client => self.from_client += len,
                    Side::Server => self.from_server += len,
                }
                self.slices.event(event);
            }
            // The plaintext: not counted, but it is where the messages are.
            Kind::Bytes { conn, layer: Layer::Tls, .. } if self.conns.contains(conn) => {
                self.slices.event(event);
            }
            Kind::Request { conn, method, .. } if self.conns.contains(conn) => {
                self.asked += 1;
                self.sent += u64::from(method == "POST");
            }
            Kind::MessageEnd { conn, from, body_len, .. } if self.conns.contains(conn) => {
                self.payload += body_len;
                let empty = self.slices.event(event).is_some_and(|message| message.is_empty_list());
                self.empty += u64::from(*from == Side::Server && empty);
            }
            Kind::Frame(frame) if self.conns.contains(&frame.conn) => {
                if !frame.opcode.is_control() {
                    self.payload += frame.len;
                    self.sent += u64::from(frame.from == Side::Client);
                }
                self.slices.event(event);
            }
            _ => {}
        }
    }

    /// `delays` are those of the server's messages that were heard, `made` how many there were.
    pub fn finish(self, made: u64, mut delays: Vec<Duration>, talks_by: &str) -> Transport {
        delays.sort_unstable();
        Transport {
            name: self.name,
            events: made,
            heard_after: spread(&delays),
            connections: self.conns.len() as u64,
            requests: self.asked,
            empty: self.empty,
            from_client: self.from_client,
            from_server: self.from_server,
            payload: self.payload,
            lost: made.saturating_sub(delays.len() as u64),
            client_talks_by: talks_by.into(),
            sent: self.sent,
            ..Transport::default()
        }
    }
}

/// Of sorted delays.
fn spread(delays: &[Duration]) -> Option<Spread> {
    let (first, worst) = (delays.first()?, delays.last()?);
    // Of an even number, the middle of the two in the middle.
    let middle = |n: usize| delays.get(n).unwrap_or(first);
    let median = (*middle((delays.len() - 1) / 2) + *middle(delays.len() / 2)) / 2;
    // The nearest rank: the smallest delay that 99 of 100 do not exceed.
    let p99 = delays.get((delays.len() * 99).div_ceil(100) - 1).unwrap_or(worst);
    Some(Spread { median: Elapsed(median), p99: Elapsed(*p99), worst: Elapsed(*worst) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_delays_that_were_measured() {
        let delays: Vec<_> = (1..=6).map(Duration::from_secs).collect();
        let found = spread(&delays).unwrap();
        let seconds = [found.median, found.p99, found.worst].map(|delay| delay.0.as_secs_f64());
        assert_eq!(seconds, [3.5, 6.0, 6.0]);
        assert_eq!(spread(&delays[..3]).unwrap().median.0.as_secs(), 2);
        assert_eq!(spread(&[]), None);
    }
}
