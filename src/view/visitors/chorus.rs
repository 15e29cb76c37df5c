//! What the server says unasked: to many the same at once, or each to one.

use std::collections::BTreeSet;
use std::time::Duration;

use super::row::Row;
use crate::timeline::{ConnId, Elapsed, Frame, Opcode, Side};

/// So many different things are held back at once: who reads slowly hears the first when others hear the last.
const MOST: usize = 16;

/// And for so long at most, where something is said all the time.
const LONGEST: Duration = Duration::from_millis(300);

/// What is held back, in the order in which it was said first.
#[derive(Debug, Default)]
pub(super) struct Chorus {
    voices: Vec<Voice>,
}

#[derive(Debug)]
struct Voice {
    at: Elapsed,
    said: Said,
    label: String,
    to: BTreeSet<ConnId>,
}

/// By what is said one knows whether it is the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Frame(Opcode, bool, u64, Option<String>),
    Packet(String),
}

impl Said {
    pub fn of(frame: &Frame) -> Self {
        Self::Frame(frame.opcode, frame.fin, frame.len, frame.text.clone())
    }
}

impl Chorus {
    /// Whether it is being said already, and this one hears it too. Who hears it for the second time is told something new.
    pub fn add(&mut self, conn: ConnId, said: &Said) -> bool {
        self.voices.iter_mut().any(|voice| voice.said == *said && voice.to.insert(conn))
    }

    /// Whether something has been held back for too long.
    pub fn is_over(&self, at: Elapsed) -> bool {
        self.voices.first().is_some_and(|voice| !voice.is_heard(at))
    }

    /// Whether something new can be held back beside the rest.
    pub fn has_room(&self, conn: ConnId, said: &Said) -> bool {
        let is_free = |voice: &Voice| !(voice.said == *said && voice.to.contains(&conn));
        self.voices.len() < MOST && self.voices.iter().all(is_free)
    }

    /// It is said for the first time.
    pub fn begin(&mut self, at: Elapsed, conn: ConnId, said: Said, label: String) {
        self.voices.push(Voice { at, said, label, to: BTreeSet::from([conn]) });
    }

    /// Whether something is held back that was said to this one.
    pub fn is_heard_by(&self, conn: ConnId) -> bool {
        self.voices.iter().any(|voice| voice.to.contains(&conn))
    }

    pub fn into_rows(self) -> Vec<Row> {
        self.voices.into_iter().map(Voice::into_row).collect()
    }
}

impl Voice {
    /// Whether it may still be the same that is said.
    fn is_heard(&self, at: Elapsed) -> bool {
        at.since(self.at) < LONGEST
    }

    /// `◄S text message "Hi" to 14`
    fn into_row(self) -> Row {
        let (conn, rest) = match (self.to.first(), self.to.len()) {
            (Some(only), 1) => (Some(*only), String::new()),
            (_, many) => (None, format!(" to {many}")),
        };
        Row { from: Some(Side::Server), text: self.label, ..Row::of(self.at, conn, rest) }
    }
}
