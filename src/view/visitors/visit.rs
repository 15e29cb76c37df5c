//! What is known of one connection, and how it ended.

use super::hello::Hello;
use super::row::Row;
use crate::timeline::{Elapsed, Kind, Layer, Side, Who};
use crate::view::units;

/// What Engine.IO answers to a request of a session that is over.
const UNKNOWN: &[u8] = b"Session ID unknown";

#[derive(Debug, Default)]
pub(super) struct Visit {
    /// It was seen from its beginning on.
    pub whole: bool,
    /// Its beginning, until there is another row of it.
    pub opening: Option<Row>,
    pub requests: u64,
    pub socket: bool,
    /// What crosses is packets of Engine.IO.
    pub carries: bool,
    /// The session that the last request belongs to, and the response that is coming.
    pub session: Option<String>,
    pub answering: Option<String>,
    /// The answer that should carry packets, of which none came yet.
    pub empty: Option<Row>,
    /// The last that the server said is that it knows no such session.
    pub unknown: bool,
    /// That session uses this WebSocket now, and nothing else.
    pub changed: bool,
    /// Asked, and not answered yet, in order.
    pub asked: Vec<Asked>,
    /// The exchange whose answer came before its request was there.
    pub early: Option<u64>,
    /// The first close frame, and its code.
    pub goodbye: Option<Option<u16>>,
    /// Something came out of TLS.
    opened: bool,
    hello: Hello,
}

#[derive(Debug)]
pub(super) struct Asked {
    pub exchange: u64,
    pub at: Elapsed,
    pub what: String,
    /// A row of its own has said so already.
    pub shown: bool,
    /// The session for which it only fetches or brings packets: rows of their own tell of those.
    pub poll: Option<String>,
    /// Its body carried a packet, which was told.
    pub carried: bool,
}

impl Visit {
    /// One that is seen from its beginning on.
    pub fn begun(opening: Row) -> Self {
        Self { whole: true, opening: Some(opening), ..Self::default() }
    }

    pub fn bytes(&mut self, from: Side, layer: Layer, bytes: &[u8]) {
        if from == Side::Server && self.carries && !self.socket {
            self.unknown = bytes.windows(UNKNOWN.len()).any(|it| it == UNKNOWN);
        }
        match (from, layer) {
            (Side::Client, Layer::Tcp) => self.hello.feed(bytes),
            (Side::Server, Layer::Tcp) => {}
            (_, Layer::Tls) => self.opened = true,
        }
    }

    /// `closed by the client after 0.68 ms: 1 request; 52 bytes in, 40 out`
    pub fn ending(&self, closed: &Kind, secure: bool) -> String {
        let Kind::Closed { first, reset_by, from_client, from_server, lived, .. } = closed else {
            return String::new();
        };
        let how = match (first, reset_by) {
            (Who::Client, _) => "closed by the client",
            (Who::Server, _) => "closed by the server",
            (Who::Both, _) => "closed by both at once",
            (_, Some(Side::Server)) => "reset by the server",
            (Who::Reset, _) => "reset by the client",
            (Who::Error, _) => "closed by an error",
        };
        let what = self.what(*from_client, secure);
        let (lived, client, server) =
            (units::duration(lived.0), units::bytes(*from_client), units::grouped(*from_server));
        format!("{how} after {lived}: {what}; {client} in, {server} out")
    }

    /// What came of it.
    fn what(&self, from_client: u64, secure: bool) -> String {
        if self.socket {
            return match self.goodbye {
                Some(Some(code)) => format!("a WebSocket, {code}"),
                Some(None) => "a WebSocket, no code (1005)".into(),
                None if self.whole => "a WebSocket, no close frame (1006)".into(),
                None => "a WebSocket".into(),
            };
        }
        if self.requests > 0 && self.whole {
            let requests = units::count(self.requests, "request");
            return match self.asked.len() as u64 {
                0 => requests,
                all if all == self.requests => format!("{requests}, never answered"),
                some => format!("{requests}, {} never answered", units::grouped(some)),
            };
        }
        let what = match (self.whole, from_client) {
            (false, _) => "not all of it shown",
            (true, _) if secure && !self.opened => self.hello.words(),
            (true, 0) => "nothing asked",
            (true, _) if !secure && self.hello.is_one() => "TLS, where none is spoken",
            (true, _) => "no whole request",
        };
        what.into()
    }
}
