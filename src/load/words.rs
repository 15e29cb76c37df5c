//! What the processes of a run with many clients say to each other: one JSON object a line.
//!
//! Times are nanoseconds of the machine's monotonic clock, which is the same for all processes.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Counted;
use crate::client::Speech;
use crate::tap::Network;

/// What the server is told first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ServerSpec {
    /// 0: any that is free.
    pub port: u16,
    pub network: Network,
    pub tls: bool,
    pub clients: u32,
    /// What each text is filled up to, bytes.
    pub size: Option<usize>,
    /// What it says, and how long after the start.
    pub news: Vec<(Duration, String)>,
}

/// What the clients are told first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ClientsSpec {
    pub transport: String,
    pub server: SocketAddr,
    /// Of a server that speaks TLS, DER.
    pub certificate: Option<Vec<u8>>,
    pub clients: u32,
    pub poll: Duration,
    pub network: Network,
    /// What each text is filled up to, bytes.
    pub size: Option<usize>,
    /// What they say, and how long after the start.
    pub speeches: Vec<(Duration, Speech)>,
}

/// What both are told later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Order {
    /// To the server, first.
    Serve(ServerSpec),
    /// To the clients, first.
    Visit(ClientsSpec),
    /// The run is from here to there.
    Run { start: u64, until: u64 },
    /// To the clients: a message was made, in whose name. The words are only there where it is not the server's own.
    Made(Made),
    /// It ends earlier, now: nothing more is made or said.
    Enough,
    /// The server may stop.
    Stop,
}

/// A message was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub id: u64,
    pub at: u64,
    pub speech: Option<Speech>,
}

/// What both tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Told {
    /// The server listens here.
    Listening { address: SocketAddr, certificate: Option<Vec<u8>> },
    /// A message was made.
    Made(Made),
    /// All clients are ready, or will never be.
    Ready,
    /// The server has ended.
    Served(Served),
    /// The clients have ended.
    Visited(Visited),
    /// It cannot go on.
    Failed(String),
}

/// What the server counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Messages that it made itself.
    pub news: u64,
    /// Connections that it accepted.
    pub connections: u64,
    /// Of those, how many stay: there when all were ready, or still there at the end.
    pub staying: u64,
    /// Bytes of TCP's streams.
    pub from_client: u64,
    /// The same.
    pub from_server: u64,
    /// The same of what TLS carried; nothing without TLS.
    pub plain: (u64, u64),
    /// Processor time in all.
    pub cpu: Duration,
    /// Processor time until all were ready, and from the end on.
    pub cpu_once: Duration,
    /// By how much its memory grew, bytes.
    pub memory: Option<u64>,
    /// Ends in TIME_WAIT: at the server, and at the clients.
    pub time_wait: Option<(u64, u64)>,
}

/// What the clients counted, all together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visited {
    /// After how long each of them heard each of the server's messages.
    pub heard: Counted,
    /// After how long the server had what they said.
    pub reached: Counted,
    /// What they wanted to say.
    pub wanted: u64,
    /// What they said.
    pub sent: u64,
    /// Requests, and those of them before all were ready.
    pub requests: (u64, u64),
    /// Responses without news.
    pub empty: u64,
    /// Content sent, bytes.
    pub content_sent: u64,
    /// Content heard, bytes.
    pub content_heard: u64,
    /// Bytes that are needed once: before all were ready, and from the end on.
    pub bytes_once: u64,
    /// Messages that were told again.
    pub doubled: u64,
    /// Connections that broke.
    pub broken: u64,
    /// How often one was back after that.
    pub recovered: u64,
    /// How many did not take part to the end, and why the first of them did not.
    pub failed: Option<(u64, String)>,
}
