//! What the messages say, by number, so that whoever learns of one can be quoted.

use std::collections::VecDeque;

use serde_json::Value;

use super::parcels::Parcel;
use crate::timeline::{Event, Kind, Side};

/// So many are remembered: a server may run for days.
const MOST: usize = 64;

/// The last messages of one server. Fed with every event.
#[derive(Debug, Default)]
pub(super) struct Said(VecDeque<(u64, String)>);

impl Said {
    /// Takes the next event.
    pub fn event(&mut self, event: &Event) {
        match &event.kind {
            Kind::World { id: Some(id), text, .. } => self.remember(*id, text),
            Kind::Frame(frame) if frame.from == Side::Server => {
                let json: Value = frame
                    .text
                    .as_deref()
                    .and_then(|text| serde_json::from_str(text).ok())
                    .unwrap_or_default();
                if let Some((id, text)) = message(json.get("data").unwrap_or(&json)) {
                    self.remember(id, text);
                }
            }
            Kind::Packet { from: Side::Server, .. } => {
                let first = Parcel::of(&event.kind).and_then(|parcel| parcel.first());
                if let Some((id, text)) = first.as_ref().and_then(message) {
                    self.remember(id, text);
                }
            }
            _ => {}
        }
    }

    /// The words of a message.
    pub fn words(&self, id: u64) -> Option<&str> {
        self.0.iter().rev().find(|(it, _)| *it == id).map(|(_, words)| words.as_str())
    }

    fn remember(&mut self, id: u64, words: &str) {
        if self.words(id) == Some(words) {
            return;
        }
        self.0.push_back((id, words.to_owned()));
        if self.0.len() > MOST {
            self.0.pop_front();
        }
    }
}

/// Number and words of a message as our doors write it.
pub(super) fn message(json: &Value) -> Option<(u64, &str)> {
    Some((json.get("id")?.as_u64()?, json.get("text")?.as_str()?))
}
