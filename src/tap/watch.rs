//! What is known of one connection while it is watched, and how that becomes events.

use std::io;

use crate::timeline::{Bus, ConnId, Data, Elapsed, Frame, Head, Kind, Layer, Side, Who};
use crate::wire::{Conversation, Meaning};

use super::Control;
use super::tls::Plaintext;

/// Watches one connection from its first byte to its end.
#[derive(Debug)]
pub(super) struct Watch {
    bus: Bus,
    conn: ConnId,
    opened: Elapsed,
    /// `None` where the bytes are those of TLS: then they say nothing here.
    conversation: Option<Conversation>,
    from_client: u64,
    from_server: u64,
    ending: Ending,
}

#[derive(Debug, Default)]
struct Ending {
    /// In the order in which they were seen.
    fins: Vec<Side>,
    crossed: bool,
    reset_by: Option<Side>,
    failed: bool,
}

impl Watch {
    pub(super) fn opened(bus: Bus, control: &Control) -> Self {
        let conn = control.conn;
        let event = bus.append_with(|_| Kind::Opened {
            conn,
            client: control.client,
            server: control.server,
            name: control.name.clone(),
        });
        Self {
            bus,
            conn,
            opened: event.at,
            conversation: Some(Conversation::new()),
            from_client: 0,
            from_server: 0,
            ending: Ending::default(),
        }
    }

    /// The bytes are those of TLS from here on, and what they say is told by whom this gives.
    pub(super) fn seal(&mut self) -> Plaintext {
        self.conversation = None;
        Plaintext::new(self.bus.clone(), self.conn)
    }

    pub(super) fn bytes(&mut self, from: Side, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len() as u64;
        match from {
            Side::Client => self.from_client += len,
            Side::Server => self.from_server += len,
        }
        let data = Data(bytes.to_vec().into());
        let seen = Kind::Bytes { conn: self.conn, from, len, layer: Layer::Tcp, data };
        let meanings = self.conversation.as_mut().map(|it| it.feed(from, bytes)).unwrap_or_default();
        let conn = self.conn;
        let meant = meanings.into_iter().filter_map(|meaning| event_of(conn, meaning));
        self.bus.append_all(std::iter::once(seen).chain(meant));
    }

    pub(super) fn fin(&mut self, from: Side) {
        if self.was_reset() || self.has_fin(from) {
            return;
        }
        self.ending.fins.push(from);
        let conn = self.conn;
        let ended = self.end(from);
        self.bus.append_all(ended.into_iter().chain([Kind::Fin { conn, from }]));
    }

    /// What is told of that direction's last message.
    fn end(&mut self, from: Side) -> Vec<Kind> {
        let conn = self.conn;
        let meanings = self.conversation.as_mut().map(|it| it.end(from)).unwrap_or_default();
        meanings.into_iter().filter_map(|meaning| event_of(conn, meaning)).collect()
    }

    /// Neither FIN was an answer to the other.
    pub(super) fn fins_crossed(&mut self) {
        self.ending.crossed = true;
        self.fin(Side::Client);
    }

    pub(super) fn has_fin(&self, from: Side) -> bool {
        self.ending.fins.contains(&from)
    }

    /// After a reset no FIN means anything.
    pub(super) fn was_reset(&self) -> bool {
        self.ending.reset_by.is_some()
    }

    pub(super) fn reset(&mut self, by: Side) {
        self.ending.reset_by.get_or_insert(by);
    }

    pub(super) fn failed(&mut self, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected => {
                self.reset(Side::Client);
            }
            _ => self.ending.failed = true,
        }
    }

    pub(super) fn closed(&mut self) {
        // Whoever had not ended is cut short here.
        for from in [Side::Client, Side::Server] {
            if !self.has_fin(from) {
                let mut cut = self.end(from);
                for kind in &mut cut {
                    if let Kind::MessageEnd { complete, .. } = kind {
                        // Also of a message that lasts until the end: this is none.
                        *complete = false;
                    }
                }
                self.bus.append_all(cut);
            }
        }
        let first = self.ending.who();
        let (conn, opened) = (self.conn, self.opened);
        let (from_client, from_server) = (self.from_client, self.from_server);
        let reset_by = self.ending.reset_by;
        self.bus.append_with(|now| Kind::Closed {
            conn,
            first,
            reset_by,
            from_client,
            from_server,
            lived: Elapsed(now.since(opened)),
        });
    }
}

impl Ending {
    fn who(&self) -> Who {
        if self.reset_by.is_some() {
            return Who::Reset;
        }
        if self.failed {
            return Who::Error;
        }
        if self.crossed {
            return Who::Both;
        }
        match self.fins.first() {
            Some(Side::Client) => Who::Client,
            Some(Side::Server) => Who::Server,
            None => Who::Error,
        }
    }
}

/// The event that tells a meaning. Bytes that could not be read stay counted, and are no event of their own.
pub(super) fn event_of(conn: ConnId, meaning: Meaning) -> Option<Kind> {
    Some(match meaning {
        Meaning::Request { exchange, method, target, headers, head_len } => {
            Kind::Request { conn, exchange, method, target, head: Head { headers, head_len } }
        }
        Meaning::Response { exchange, status, headers, head_len } => {
            Kind::Response { conn, exchange, status, head: Head { headers, head_len } }
        }
        Meaning::MessageEnd { from, exchange, body_len, wire_len, complete } => {
            Kind::MessageEnd { conn, from, exchange, body_len, wire_len, complete }
        }
        Meaning::Upgraded { protocol } => Kind::Upgraded { conn, protocol },
        Meaning::Frame { from, fin, opcode, masked, len, wire_len, text, truncated, code, reason } => {
            Kind::Frame(Frame {
                conn,
                from,
                fin,
                opcode,
                masked,
                len,
                wire_len,
                text,
                truncated,
                code,
                reason,
            })
        }
        Meaning::Packet { from, layer, packet, event, namespace, ack, text, len } => Kind::Packet {
            conn,
            from,
            layer: layer.to_owned(),
            packet: packet.to_owned(),
            event,
            namespace,
            ack,
            text,
            len,
        },
        Meaning::Broken { .. } => return None,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::tap::{Stream, Taps};
    use crate::timeline::Seq;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    /// Both ends of a connection, the server's tapped.
    pub async fn connection(bus: &Bus) -> (TcpStream, Stream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(server), listener.accept());
        let (stream, address) = accepted.unwrap();
        (client.unwrap(), Taps::new(bus.clone()).accept(stream, address, server))
    }

    /// What was told after the opening, in one word each.
    pub fn told(bus: &Bus) -> Vec<String> {
        let word = |kind: &Kind| match kind {
            Kind::Bytes { from, len, .. } => format!("{len} bytes {from:?}"),
            Kind::Fin { from, .. } => format!("fin {from:?}"),
            Kind::MessageEnd { from, complete, .. } => format!("end {from:?} {complete}"),
            Kind::Closed { first, .. } => format!("closed {first:?}"),
            other => format!("{other:?}").split(' ').next().unwrap_or_default().to_owned(),
        };
        bus.after(Seq(1)).iter().map(|event| word(&event.kind)).collect()
    }

    #[tokio::test]
    async fn a_message_that_is_cut_off_ends_incomplete() {
        let request = b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf";
        for reset in [true, false] {
            let bus = Bus::new();
            let (mut client, mut gate) = connection(&bus).await;
            client.write_all(request).await.unwrap();
            gate.read_exact(&mut [0; 42]).await.unwrap();
            if reset {
                client.set_zero_linger().unwrap();
                drop(client);
                assert!(gate.read(&mut [0; 1]).await.is_err());
            }
            drop(gate);
            let end: &[&str] = if reset {
                &["end Client false", "closed Reset"]
            } else {
                &["fin Server", "end Client false", "closed Server"]
            };
            assert_eq!(told(&bus), [&["42 bytes Client", "Request"], end].concat(), "{reset}");
        }
    }
}
