//! What crossed the wire, as the views hold it until it is drawn.

use super::parcels::Load;
use crate::timeline::{Elapsed, Frame, Seq};

/// A request and its response, as far as they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchange {
    pub conn: u64,
    pub client: Option<String>,
    pub target: String,
    pub status: Option<u16>,
    pub key: Option<String>,
    pub accept: Option<String>,
    pub request: Option<Message>,
    pub response: Option<Message>,
    /// Whether a step began since it was asked.
    pub old: bool,
}

/// A message as it crossed the wire.
#[derive(Debug, Clone, Default)]
pub(super) struct Message {
    pub wire_len: u64,
    /// Where it was long, only its beginning; `None` where it was too long to be kept.
    pub bytes: Option<Vec<u8>>,
    /// The packets in its body.
    pub load: Load,
}

/// A frame as it crossed the wire.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub seq: Seq,
    pub frame: Frame,
    pub bytes: Option<Vec<u8>>,
    /// The packet whose message ends with it.
    pub load: Load,
}

/// What a connection came to. Lengths in bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    pub conn: u64,
    pub client: Option<String>,
    pub bytes: u64,
    pub content: u64,
    /// How long it lived; `None` while it is open.
    pub lived: Option<Elapsed>,
    /// Whether anything happened on it in this transcript.
    pub touched: bool,
}
