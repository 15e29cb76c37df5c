//! What the events add up to: a pure fold.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{ConnId, Elapsed, Event, Kind, Layer, Seq, Side, Who};

/// Every connection of a run, as far as the events tell.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// By number.
    pub connections: BTreeMap<ConnId, Connection>,
}

/// One connection. Lengths in bytes.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its number.
    pub id: ConnId,
    /// The client's name, where the lesson gave one.
    pub name: Option<String>,
    /// The client's address.
    pub client: SocketAddr,
    /// The server's address.
    pub server: SocketAddr,
    /// When it was accepted.
    pub opened: (Seq, Elapsed),
    /// TCP bytes from the client so far.
    pub from_client: u64,
    /// TCP bytes from the server so far.
    pub from_server: u64,
    /// Requests whose head is complete.
    pub requests: u64,
    /// The protocol after a 101.
    pub upgraded: Option<String>,
    /// The code of the first close frame, whoever sent it (RFC 6455, 7.4); 1005 where it carried none.
    pub close_frame: Option<u16>,
    /// FINs, in the order in which they were seen.
    pub fins: Vec<(Side, Seq, Elapsed)>,
    /// How it ended.
    pub closed: Option<Ending>,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// The `closed` event.
    pub seq: Seq,
    /// When it was over.
    pub at: Elapsed,
    /// Who hung up first.
    pub first: Who,
    /// Who reset it.
    pub reset_by: Option<Side>,
    /// How long it was open.
    pub lived: Elapsed,
}

impl Connection {
    /// The code that each end reports for the socket's close: of the first close frame seen, or 1006 where the
    /// connection ended without one (RFC 6455, 7.1.5). `None` while it is open, or if it never was a WebSocket.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        self.upgraded.as_ref().filter(|_| self.closed.is_some())?;
        Some(self.close_frame.unwrap_or(1006))
    }
}

impl State {
    /// Takes the next event.
    pub fn event(&mut self, event: &Event) {
        let at = (event.seq, event.at);
        match &event.kind {
            Kind::Opened { conn, client, server, name } => {
                let connection = Connection {
                    id: *conn,
                    name: name.clone(),
                    client: *client,
                    server: *server,
                    opened: at,
                    from_client: 0,
                    from_server: 0,
                    requests: 0,
                    upgraded: None,
                    close_frame: None,
                    fins: Vec::new(),
                    closed: None,
                };
                self.connections.insert(*conn, connection);
            }
            Kind::Bytes { conn, from, len, layer: Layer::Tcp, .. } => self.with(*conn, |it| match from {
                Side::Client => it.from_client += len,
                Side::Server => it.from_server += len,
            }),
            Kind::Request { conn, .. } => self.with(*conn, |it| it.requests += 1),
            Kind::Upgraded { conn, protocol } => {
                self.with(*conn, |it| it.upgraded = Some(protocol.clone()));
            }
            Kind::Frame(frame) if frame.opcode == super::Opcode::Close => self.with(frame.conn, |it| {
                it.close_frame.get_or_insert(frame.code.unwrap_or(1005));
            }),
            Kind::Fin { conn, from } => self.with(*conn, |it| it.fins.push((*from, at.0, at.1))),
            Kind::Closed { conn, first, reset_by, lived, .. } => {
                let ending =
                    Ending { seq: at.0, at: at.1, first: *first, reset_by: *reset_by, lived: *lived };
                self.with(*conn, |it| it.closed = Some(ending));
            }
            Kind::Bytes { layer: Layer::Tls, .. }
            | Kind::Frame(_)
            | Kind::Response { .. }
            | Kind::MessageEnd { .. }
            | Kind::Packet { .. }
            | Kind::Kernel { .. }
            | Kind::World { .. }
            | Kind::Heard { .. }
            | Kind::Step { .. }
            | Kind::Say { .. }
            | Kind::Predict { .. }
            | Kind::Answer { .. }
            | Kind::Claim(_)
            | Kind::Summary { .. } => {}
        }
    }

    /// A connection by its number.
    #[must_use]
    pub fn get(&self, conn: ConnId) -> Option<&Connection> {
        self.connections.get(&conn)
    }

    /// How many were opened.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.connections.len()
    }

    /// How many are over.
    #[must_use]
    pub fn closed(&self) -> usize {
        self.connections.values().filter(|it| it.closed.is_some()).count()
    }

    /// How many are open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.opened() - self.closed()
    }

    /// The connections of clients that a lesson named.
    pub fn named(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values().filter(|connection| connection.name.is_some())
    }

    /// Whether a lesson named this connection's client.
    #[must_use]
    pub fn is_named(&self, conn: ConnId) -> bool {
        self.get(conn).is_some_and(|connection| connection.name.is_some())
    }

    fn with(&mut self, conn: ConnId, change: impl FnOnce(&mut Connection)) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            change(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_close_code_is_that_of_the_first_close_frame() {
        let mut state = State::default();
        let close = |from: &str, code: u16| {
            format!(
                r#""kind":"frame","conn":1,"from":"{from}","fin":true,"opcode":"close","masked":false,"len":2,"wire_len":4,"code":{code},"reason":"""#
            )
        };
        let kinds = [
            r#""kind":"opened","conn":1,"client":"127.0.0.1:2","server":"127.0.0.1:1""#.to_owned(),
            r#""kind":"upgraded","conn":1,"protocol":"websocket""#.to_owned(),
            close("server", 1001),
            close("client", 1000),
            r#""kind":"closed","conn":1,"first":"server","from_client":0,"from_server":0,"lived":1.0"#
                .to_owned(),
        ];
        for (n, kind) in kinds.iter().enumerate() {
            let event = format!(r#"{{"seq":{},"at":0.0,{kind}}}"#, n + 1);
            state.event(&serde_json::from_str(&event).unwrap_or_else(|error| panic!("{error}: {event}")));
        }
        assert_eq!(state.get(ConnId(1)).and_then(Connection::close_code), Some(1001));
    }
}
