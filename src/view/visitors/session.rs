//! Who is connected over Socket.IO: a session may begin by polling and go on on a WebSocket, and outlives its connections.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::chorus::Said;
use super::row::Row;
use super::{Visit, Visitors};
use crate::terminal::Out;
use crate::timeline::{ConnId, Elapsed, Event, Frame, Kind, Opcode, Side};
use crate::view::parcels::Parcel;
use crate::wire::socketio;

/// So many are remembered: one that polled and went away does not say so.
const MOST: usize = 4096;
/// So many namespaces of one.
const NAMESPACES: usize = 64;

/// By what a session is known: the id in its requests, or the only connection that it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Session {
    Conn(ConnId),
    Id(String),
}

/// The namespaces that each is connected to.
#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<Session, BTreeSet<String>>);

impl Sessions {
    /// Whether that is new.
    fn connected(&mut self, session: Session, namespace: &str) -> bool {
        if self.0.len() >= MOST && !self.0.contains_key(&session) {
            self.0.pop_first();
        }
        let namespaces = self.0.entry(session).or_default();
        namespaces.len() < NAMESPACES && namespaces.insert(namespace.to_owned())
    }

    /// Whether it was connected to that.
    fn left(&mut self, session: &Session, namespace: &str) -> bool {
        self.0.get_mut(session).is_some_and(|namespaces| namespaces.remove(namespace))
    }

    /// Whether it was connected to anything.
    fn ended(&mut self, session: &Session) -> bool {
        self.0.remove(session).is_some_and(|namespaces| !namespaces.is_empty())
    }

    pub fn forget(&mut self) {
        self.0.clear();
    }
}

/// What waits for the next event, which tells more of it.
#[derive(Debug)]
pub(super) enum Waiting {
    /// A frame in which there should be a packet.
    Frame(Elapsed, Frame),
    /// A packet of Engine.IO that should carry one of Socket.IO.
    Packet(Elapsed, ConnId, Side, Parcel),
}

impl Visit {
    /// The session of what this side says now.
    fn session(&self, conn: ConnId, from: Side) -> Session {
        let id = match (self.socket, from) {
            (true, _) | (false, Side::Client) => &self.session,
            (false, Side::Server) => &self.answering,
        };
        id.clone().map_or(Session::Conn(conn), Session::Id)
    }
}

impl<O: Out> Visitors<O> {
    /// A frame that should carry a packet waits for it. Whether it does.
    pub(super) fn holds(&mut self, at: Elapsed, frame: &Frame) -> bool {
        let is_data = match frame.opcode {
            Opcode::Text | Opcode::Binary | Opcode::Continuation => true,
            Opcode::Close | Opcode::Ping | Opcode::Pong | Opcode::Reserved(_) => false,
        };
        let carries = is_data && self.visits.get(&frame.conn).is_some_and(|visit| visit.carries);
        if carries && frame.fin {
            self.waiting = Some(Waiting::Frame(at, frame.clone()));
        }
        carries
    }

    /// Something else happened, or nothing: what waits is told as it is, unless this tells it.
    pub(super) fn waited(&mut self, next: Option<&Event>) -> io::Result<()> {
        let told = |of: ConnId, by: Side, expected: &str| match next.map(|event| &event.kind) {
            Some(Kind::Packet { conn, from, layer, .. }) => (*conn, *from) == (of, by) && layer == expected,
            _ => false,
        };
        match self.waiting.take() {
            None => Ok(()),
            Some(Waiting::Frame(_, frame)) if told(frame.conn, frame.from, "engine.io") => Ok(()),
            Some(Waiting::Frame(at, frame)) => self.framed(at, &frame),
            Some(Waiting::Packet(at, conn, from, mut parcel)) => {
                if let Some(event) = next.filter(|_| told(conn, from, "socket.io")) {
                    parcel.carries(&event.kind);
                }
                self.parcel(at, conn, from, &parcel)
            }
        }
    }

    /// A packet of Engine.IO.
    pub(super) fn packet(&mut self, event: &Event, conn: ConnId, from: Side) -> io::Result<()> {
        let Some(parcel) = Parcel::of(&event.kind) else { return Ok(()) };
        let visit = self.visits.entry(conn).or_default();
        visit.carries = true;
        match from {
            Side::Client => visit.asked.last_mut().into_iter().for_each(|asked| asked.carried = true),
            Side::Server => visit.empty = None,
        }
        if parcel.is_message() {
            self.waiting = Some(Waiting::Packet(event.at, conn, from, parcel));
        } else if parcel.is_close() {
            let session = visit.session(conn, from);
            return self.ended(event.at, conn, &session);
        } else if parcel.is_upgrade() && from == Side::Client && visit.socket {
            visit.changed = true;
            return self.row(&Row::of(event.at, Some(conn), "Client is on a WebSocket now".into()));
        }
        // The others only keep it alive.
        Ok(())
    }

    fn parcel(&mut self, at: Elapsed, conn: ConnId, from: Side, parcel: &Parcel) -> io::Result<()> {
        let visit = self.visits.entry(conn).or_default();
        let session = visit.session(conn, from);
        let how = if visit.socket { "WebSocket" } else { "polling" };
        let namespace = parcel.namespace();
        let place = |word: &str| match namespace {
            socketio::MAIN => String::new(),
            name => format!(" {word} {name}"),
        };
        match (parcel.inner(), from) {
            (Some("connect"), Side::Client) => Ok(()),
            (Some("connect"), Side::Server) => {
                if !self.sessions.connected(session, namespace) {
                    return Ok(());
                }
                let text = format!("Client connected{}", place("to"));
                let rest = format!(", Socket.IO over {how}");
                self.row(&Row { text, ..Row::of(at, Some(conn), rest) })
            }
            (Some("disconnect"), _) => {
                if !self.sessions.left(&session, namespace) {
                    return Ok(());
                }
                let text = format!("Client disconnected{}", place("from"));
                self.row(&Row { text, ..Row::of(at, Some(conn), String::new()) })
            }
            (inner, from) => {
                let text = parcel.spoken().unwrap_or_else(|| {
                    format!("engine.io message {}", parcel.text.as_deref().unwrap_or_default())
                });
                // The answer to one is nobody else's.
                if from == Side::Server && inner != Some("ack") {
                    return self.hear(at, conn, Said::Packet(text.clone()), || text);
                }
                self.row(&Row { from: Some(from), text, ..Row::of(at, Some(conn), String::new()) })
            }
        }
    }

    pub(super) fn ended(&mut self, at: Elapsed, conn: ConnId, session: &Session) -> io::Result<()> {
        match self.sessions.ended(session) {
            true => self.row(&Row::of(at, Some(conn), "Client disconnected".into())),
            false => Ok(()),
        }
    }

    /// The connection is over, and with it the session where it is the only way left.
    pub(super) fn gone(&mut self, at: Elapsed, conn: ConnId) -> io::Result<()> {
        let Some(visit) = self.visits.get(&conn).filter(|visit| visit.socket) else { return Ok(()) };
        let session = visit.session(conn, Side::Client);
        match session {
            Session::Id(_) if !visit.changed => Ok(()),
            Session::Id(_) | Session::Conn(_) => self.ended(at, conn, &session),
        }
    }
}
