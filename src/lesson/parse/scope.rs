//! What a lesson has done so far, as far as it can be told without playing it: which names are known, which
//! clients can do what.

use std::collections::{BTreeMap, BTreeSet};

use super::page::{Page, Piece};
use super::values::nearest;
use crate::client::Mode;
use crate::lesson::script::{Expect, MEASURED, Send};
use crate::lesson::template;

/// Who is meant where no name stands in front of a `>` or `<`.
pub(super) const NOBODY: &str = "client";

/// Names that stand for something from the start.
const GIVEN: [&str; 4] = ["host", "port", "api", "ws"];

/// What a client has done so far.
#[derive(Debug, Clone, Copy, Default)]
struct Client {
    /// It has had a connection.
    connected: bool,
    /// It has had a socket.
    socket: bool,
    /// It has asked for a stream of events.
    stream: bool,
    /// It has had a Socket.IO session.
    io: bool,
    /// How the latest began, where that is known.
    mode: Option<Mode>,
    /// It has sent bytes of its own making: no telling what it may get.
    raw: bool,
}

impl Client {
    /// No telling what it has done.
    const ANY: Self = Self { connected: true, socket: true, stream: true, io: true, mode: None, raw: true };
}

/// What a lesson has done so far.
#[derive(Debug, Default)]
pub(super) struct Scope {
    captured: BTreeSet<String>,
    clients: BTreeMap<String, Client>,
    last_client: Option<String>,
    happened: bool,
}

impl Scope {
    /// In a `<` line: what is not known yet is captured.
    pub fn capture(&mut self, at: Piece<'_>) {
        self.captured.extend(template::names(at.text).map(str::to_owned));
    }

    /// In a line of a transcript: whether all names are known. Notes those that are not.
    pub fn names_known(&self, at: Piece<'_>, page: &mut Page<'_>) -> bool {
        self.check(at, &[], page)
    }

    /// In prose: as [`Self::names_known`]; what is measured has a name too.
    pub fn prose(&self, at: Piece<'_>, page: &mut Page<'_>) {
        self.check(at, &MEASURED, page);
    }

    fn check(&self, at: Piece<'_>, more: &[&str], page: &mut Page<'_>) -> bool {
        let mut known = true;
        for (place, name) in template::places(at.text) {
            if page.is_full() {
                return false;
            }
            if self.captured.contains(name) || GIVEN.contains(&name) || more.contains(&name) {
                continue;
            }
            known = false;
            let candidates =
                || GIVEN.iter().chain(more).copied().chain(self.captured.iter().map(String::as_str));
            let mend = nearest(name, candidates()).map_or_else(
                || {
                    // Some are known from the start and measured as well.
                    let mut seen = BTreeSet::new();
                    let all: Vec<_> = candidates()
                        .filter(|name| seen.insert(*name))
                        .map(|name| format!("{{{name}}}"))
                        .collect();
                    format!("capture it in an earlier `<` line, or use one of {}", all.join(" "))
                },
                |near| format!("{{{near}}}"),
            );
            page.mistake(at.part(place), format!("nothing is known by the name {{{name}}} here"), mend);
        }
        known
    }

    /// A client sends this. Notes it where it cannot.
    pub fn sends(&mut self, client: &str, send: &Send, at: Piece<'_>, page: &mut Page<'_>) {
        let state = self.state(client);
        match send {
            Send::Request { target, .. } => {
                state.connected = true;
                state.stream |= is_stream(target);
            }
            Send::Connect => state.connected = true,
            Send::Io { mode, .. } => {
                (state.connected, state.socket, state.io) = (true, true, true);
                state.mode = Some(*mode);
            }
            Send::Emit { .. } | Send::Disconnect => {
                if !std::mem::replace(&mut state.io, true) {
                    no_session(client, at, page);
                }
            }
            Send::Raw(_) | Send::Fin | Send::Reset => {
                state.raw |= matches!(send, Send::Raw(_));
                if !std::mem::replace(&mut state.connected, true) {
                    page.mistake(
                        at,
                        format!("{client} has no connection yet"),
                        format!("a line before it: {}> connect", front(client)),
                    );
                }
            }
            Send::Text { .. }
            | Send::Binary { .. }
            | Send::Continuation { .. }
            | Send::Ping(_)
            | Send::Pong(_)
            | Send::Close(_) => {
                // Told once: the lines that follow would have the same mend.
                if !std::mem::replace(&mut state.socket, true) {
                    no_socket(client, at, page);
                }
            }
        }
        self.happened = true;
    }

    /// A client's request asks for a socket.
    pub fn opens_socket(&mut self, client: &str) {
        self.state(client).socket = true;
    }

    /// A client's request asks for a stream of events.
    pub fn opens_stream(&mut self, client: &str) {
        self.state(client).stream = true;
    }

    /// A line of this client was not understood: nothing that follows from it is held against the lesson.
    pub fn anything(&mut self, client: &str) {
        *self.state(client) = Client::ANY;
        self.happened = true;
    }

    /// A client is to get this. Notes it where it cannot come.
    pub fn expects(&mut self, client: &str, expect: &Expect, at: Piece<'_>, page: &mut Page<'_>) {
        let state = self.state(client);
        match expect {
            _ if state.raw => {}
            Expect::Response { .. } | Expect::Anything => {
                if !state.connected && !state.socket {
                    let message = format!("{client} has sent nothing that could be answered");
                    page.mistake(
                        at,
                        message,
                        format!("a line before it: {}> GET /api/messages", front(client)),
                    );
                    *state = Client::ANY;
                }
            }
            Expect::Id(_) | Expect::Retry(_) => {
                if !std::mem::replace(&mut state.stream, true) {
                    no_stream(client, at, page);
                }
            }
            Expect::Event { .. } if state.stream => {}
            Expect::Connect(_)
            | Expect::ConnectError(_)
            | Expect::Ack(_)
            | Expect::Disconnect
            | Expect::Upgrade => {
                if !std::mem::replace(&mut state.io, true) {
                    no_session(client, at, page);
                } else if *expect == Expect::Upgrade {
                    never_upgrades(client, state.mode, at, page);
                }
            }
            Expect::Event { .. } => {
                if !std::mem::replace(&mut state.socket, true) {
                    no_events(client, at, page);
                }
            }
            Expect::Text(_)
            | Expect::Binary(_)
            | Expect::Ping(_)
            | Expect::Pong(_)
            | Expect::Close { .. } => {
                if !std::mem::replace(&mut state.socket, true) {
                    no_socket(client, at, page);
                }
            }
        }
        self.happened = true;
    }

    /// Whether there is no telling what this client may get.
    pub fn may_get_anything(&self, client: &str) -> bool {
        self.clients.get(client).is_some_and(|client| client.raw)
    }

    /// Something happens that no client asked for.
    pub fn happens(&mut self) {
        self.happened = true;
    }

    /// Whether there is anything that a claim could be about.
    pub fn happened(&self) -> bool {
        self.happened
    }

    /// A name in front of a `!`, `=` or `~` line. Notes it where there is no such client.
    pub fn knows_client(&self, name: Piece<'_>, page: &mut Page<'_>) {
        if self.clients.contains_key(name.text) {
            return;
        }
        let message = format!("no client named {} has done anything yet", name.text);
        let mend = nearest(name.text, self.clients.keys().map(String::as_str))
            .map_or_else(|| format!("a line before it: {}: > connect", name.text), str::to_owned);
        page.mistake(name, message, mend);
    }

    /// The client that did something last.
    pub fn last_client(&self) -> &str {
        self.last_client.as_deref().unwrap_or(NOBODY)
    }

    fn state(&mut self, client: &str) -> &mut Client {
        self.last_client = Some(client.to_owned());
        self.clients.entry(client.to_owned()).or_default()
    }
}

fn no_socket(client: &str, at: Piece<'_>, page: &mut Page<'_>) {
    let front = front(client);
    let message = format!("{client} has opened no socket yet");
    page.mistake(
        at,
        message,
        format!("two lines before it: {front}> GET /ws and {front}> upgrade: websocket"),
    );
}

fn no_events(client: &str, at: Piece<'_>, page: &mut Page<'_>) {
    let front = front(client);
    let message = format!("{client} has opened no socket yet, and asked for no stream of events");
    let mend =
        format!("before it: {front}> GET /api/events, or {front}> GET /ws and {front}> upgrade: websocket");
    page.mistake(at, message, mend);
}

fn no_stream(client: &str, at: Piece<'_>, page: &mut Page<'_>) {
    let message = format!("{client} has asked for no stream of events yet");
    page.mistake(at, message, format!("a line before it: {}> GET /api/events", front(client)));
}

/// Whether the door behind this target answers with a stream of events.
fn is_stream(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    path.ends_with("/api/events")
}

fn no_session(client: &str, at: Piece<'_>, page: &mut Page<'_>) {
    let message = format!("{client} has no Socket.IO session yet");
    page.mistake(at, message, format!("a line before it: {}> io", front(client)));
}

/// Only a session that begins with polling, and may change, does.
fn never_upgrades(client: &str, mode: Option<Mode>, at: Piece<'_>, page: &mut Page<'_>) {
    let (written, why) = match mode {
        Some(Mode::WebSocket) => ("io websocket", "begins with a WebSocket"),
        Some(Mode::Polling) => ("io polling", "stays with polling"),
        Some(Mode::Upgrade) | None => return,
    };
    let message = format!("`{written}` never upgrades: it {why}");
    page.mistake(at, message, format!("no such line, or before it: {}> io", front(client)));
}

/// What stands in front of a client's lines.
fn front(client: &str) -> String {
    if client == NOBODY { String::new() } else { format!("{client}: ") }
}
