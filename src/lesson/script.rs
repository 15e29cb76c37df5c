//! What a lesson says, as types: the outcome of parsing, the input of playing.
//!
//! Text that may hold `{names}` is kept as it was written: they are filled in when the lesson is played.

use std::time::Duration;

use crate::client::Mode;
use crate::tap::Network;
use crate::timeline::{Choice, Show, Side};

/// A whole lesson.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// The file's stem: `http`.
    pub name: String,
    /// The file, as the user knows it.
    pub file: String,
    /// From the front matter.
    pub title: String,
    /// From the front matter.
    pub summary: String,
    /// From the front matter: how long a teacher needs.
    pub minutes: Option<u32>,
    /// From the front matter: the interval of the server's pings; none unless the lesson asks.
    pub heartbeat: Option<Duration>,
    /// What stands before the first `##`.
    pub intro: Vec<Part>,
    /// The steps, in order; at least one.
    pub steps: Vec<Step>,
}

/// A `##`.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The heading.
    pub title: String,
    /// Its line in the file.
    pub line: usize,
    /// What it consists of, in order.
    pub parts: Vec<Part>,
}

/// A piece of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// A paragraph, or one item of a list (beginning with `- `). Inline marks (`**`, backquotes) are kept as they
    /// are written; line breaks inside are folded to spaces.
    Prose(Prose),
    /// A fence that is shown and not run.
    Code {
        /// The info string.
        lang: String,
        /// The code.
        text: String,
        /// The fence's line.
        line: usize,
    },
    /// A transcript to play.
    Wire(Wire),
    /// A workload to run on several transports.
    Compare(Workload),
    /// A question.
    Predict(Question),
    /// For the teacher only.
    Note {
        /// The words.
        text: String,
        /// The fence's line.
        line: usize,
    },
}

/// A paragraph.
#[derive(Debug, Clone, PartialEq)]
pub struct Prose {
    /// The words.
    pub text: String,
    /// Its first line in the file.
    pub line: usize,
}

/// A question with its answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The question.
    pub text: String,
    /// The answers; at least two, at least one of them right.
    pub choices: Vec<Choice>,
    /// The explanation.
    pub because: Option<String>,
    /// The fence's line.
    pub line: usize,
}

/// A `wire` fence.
#[derive(Debug, Clone, PartialEq)]
pub struct Wire {
    /// The transcript as it was written.
    pub text: String,
    /// The fence's line.
    pub line: usize,
    /// From the info string: `wire`, `wire ladder`, `wire bits`.
    pub show: Show,
    /// What to do, in order.
    pub acts: Vec<Act>,
}

/// One thing to do, wait for, or claim: one line, or the lines of one request or response.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// Who is meant; `None` where no name stands in front of a `!`, `=` or `~` line. A `>` or `<` line without a
    /// name means `client`.
    pub client: Option<String>,
    /// Its first line in the file, from 1.
    pub line: usize,
    /// That line as it was written, without the remark.
    pub source: String,
    /// The remark in the margin.
    pub remark: Option<String>,
    /// What it is.
    pub what: What,
}

/// What an [`Act`] is.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// `>`: the client sends, and does not wait.
    Send(Send),
    /// `<`: the client's next message must match, within this time (5 s unless written).
    Expect(Expect, Duration),
    /// `!`: something that no client asked for.
    World(World),
    /// `=`: a statement to check.
    Claim(Statement),
    /// `~`: time passes.
    Wait(Duration),
}

/// What a client sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Send {
    /// A request line with its header lines and body. One with `upgrade: websocket` opens a socket.
    Request {
        /// `GET`.
        method: String,
        /// `/api/messages`.
        target: String,
        /// As written, in order.
        headers: Vec<(String, String)>,
        /// The lines after a bare `>`, joined by line feeds.
        body: Option<String>,
    },
    /// `text …`, `text+ …`; `fin` is false after a `+`.
    Text {
        /// The payload.
        text: String,
        /// The FIN bit.
        fin: bool,
    },
    /// `binary HEX`, `binary+ HEX`.
    Binary {
        /// The payload.
        data: Vec<u8>,
        /// The FIN bit.
        fin: bool,
    },
    /// `cont …`, `cont+ …`.
    Continuation {
        /// The payload.
        text: String,
        /// The FIN bit.
        fin: bool,
    },
    /// `ping …`
    Ping(String),
    /// `pong …`
    Pong(String),
    /// `close`, `close CODE`, `close CODE reason`
    Close(Option<(u16, String)>),
    /// `connect`: opens a connection and sends nothing.
    Connect,
    /// `raw HEX`
    Raw(Vec<u8>),
    /// `io`, `io websocket`, `io polling /class`: begins a Socket.IO session.
    Io {
        /// How it begins.
        mode: Mode,
        /// `/` where none is written.
        namespace: String,
    },
    /// `emit NAME DATA`: an event of Socket.IO's.
    Emit {
        /// The event.
        name: String,
        /// Its values; never [`Values::Any`].
        data: Values,
        /// Whether the server is asked to answer: where an `ack` of this client stands before its next `emit`.
        asks: bool,
    },
    /// `disconnect`: leaves the Socket.IO session.
    Disconnect,
    /// `fin`: the client ends its sending.
    Fin,
    /// `reset`: the client resets the connection.
    Reset,
}

/// What a client's next message must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// A status, then headers (name in any case, value exactly, `*` any), then after a bare `<` the body: JSON of
    /// which the fields named must match, or else the text itself, `*` any.
    Response {
        /// `200`
        status: u16,
        /// Those that must be there.
        headers: Vec<(String, String)>,
        /// The lines after a bare `<`, joined by line feeds.
        body: Option<String>,
    },
    /// `text …`: a text message with exactly this payload; `*` any.
    Text(String),
    /// `binary HEX`; `None` is any (`*`).
    Binary(Option<Vec<u8>>),
    /// `ping …`; `*` any.
    Ping(String),
    /// `pong …`; `*` any.
    Pong(String),
    /// `close`, `close CODE`, `close CODE reason`.
    Close {
        /// The code, where one was written.
        code: Option<u16>,
        /// The reason, where one was written.
        reason: Option<String>,
    },
    /// `event NAME DATA`: on a socket, in a stream of events (Server-Sent Events) or of Socket.IO's. DATA is JSON of which the
    /// fields named must match, or `*`.
    Event {
        /// The event.
        name: String,
        /// Its data; Socket.IO's events may have several values.
        data: Values,
    },
    /// `id …`: what a stream of events says its last event's id is; `*` any.
    Id(String),
    /// `retry 2000`: how soon a stream of events asks to come back, milliseconds; `None` is any (`*`).
    Retry(Option<u64>),
    /// `connect`: a namespace of Socket.IO's has let the client in; with the data, where it is written.
    Connect(Option<String>),
    /// `connect_error`: it has not; with the data, where it is written.
    ConnectError(Option<String>),
    /// `ack DATA`: the answer to the client's latest `emit` in the same fence.
    Ack(Values),
    /// `disconnect`: the server said that it is over, the connection has ended, or the client has left.
    Disconnect,
    /// `upgrade`: the session has changed to a WebSocket.
    Upgrade,
    /// `*`
    Anything,
}

/// What an event or an answer carries. Text is as it was written, and may hold `{names}`.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// `*`
    Any,
    /// JSON; several values are separated by commas, none is nothing.
    Json(String),
    /// Several values or one, of which some are binary.
    Mixed(Vec<One>),
}

/// One of several values.
#[derive(Debug, Clone, PartialEq)]
pub enum One {
    /// JSON.
    Json(String),
    /// `binary HEX`
    Binary(Vec<u8>),
}

/// What happens that no client asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum World {
    /// `say "…"`: the referee posts a message at the server.
    Say(String),
    /// `cut`: the server's machine resets the named client's connections, or all.
    Cut,
    /// `stall 3s`: for so long nothing passes, either way.
    Stall(Duration),
    /// `vanish`: the named client's machine is gone.
    Vanish,
}

/// A statement about the wire, since the fence began.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `open`
    Open,
    /// `response goes on`: the last request has its response's head, and the response has not ended
    GoesOn,
    /// `closed by server`, `closed by client`
    ClosedBy(Side),
    /// `closed by reset`
    Reset,
    /// `closed with 1006`: the code that is reported; 1006 where no close frame was seen.
    ClosedWith(u16),
    /// `same connection` as that client's previous request
    SameConnection,
    /// `new connection`
    NewConnection,
    /// `2 connections`
    Connections(u64),
    /// `silence 500ms`: waits so long; no bytes crossed, either way.
    Silence(Duration),
    /// `server holds TIME_WAIT`
    TimeWait(Side),
    /// `under 20 bytes from server`
    Under(u64, Side),
}

/// A `compare` fence.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// The fence as it was written.
    pub text: String,
    /// The fence's line.
    pub line: usize,
    /// In the order of their lanes; each of [`TRANSPORTS`].
    pub transports: Vec<String>,
    /// How often polling transports ask.
    pub poll: Duration,
    /// What is added to the network.
    pub network: Network,
    /// What each text is filled up to, bytes.
    pub size: Option<usize>,
    /// Clients at once on each transport; more than one of each, and the transports run one after another.
    pub clients: u32,
    /// What is said, in order of time; at least one.
    pub events: Vec<Planned>,
}

/// What a workload says, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Since the start of the run.
    pub at: Duration,
    /// `None` is the server.
    pub client: Option<String>,
    /// The words; `{n}` of an `every` line is filled in already, from 1.
    pub text: String,
}

/// The most that a workload may say.
pub const MAX_EVENTS: usize = 10_000;

/// The longest text that a workload may say, in bytes; with a `size`, not more than that.
pub const MAX_TEXT: usize = 1024;

/// The longest time that a workload may take.
pub const MAX_RUN: Duration = Duration::from_secs(3600);

/// The transports that a workload may name, in the order in which all are shown.
pub const TRANSPORTS: [&str; 7] =
    ["close", "keep-alive", "long-poll", "sse", "websocket", "socketio", "socketio-upgrade"];

/// Those of a workload that names none.
pub const DEFAULT_TRANSPORTS: [&str; 3] = ["close", "keep-alive", "websocket"];

/// Names that prose may use in braces: each is measured in the run. See `measured.rs` for what they are.
pub const MEASURED: [&str; 19] = [
    "host",
    "port",
    "api",
    "ws",
    "opened",
    "closed",
    "open",
    "conn",
    "work",
    "lived",
    "late",
    "silence",
    "code",
    "client_bytes",
    "server_bytes",
    "bytes",
    "requests",
    "empty",
    "payload",
];
