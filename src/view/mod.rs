//! Views: each draws the timeline its own way, over a writer that it is given.
//!
//! Adding a view: a file here with a type that implements [`View`], a `match` over every kind of event, without
//! `_`, and a snapshot test fed from [`crate::timeline`] events made by hand. Views read events and nothing else.

mod bits;
mod caught;
mod claims;
mod delays;
mod exchange;
mod fence;
mod hexdump;
mod json;
mod kept;
mod labels;
mod ladder;
mod lanes;
mod message;
mod narrator;
mod page;
mod parcels;
mod picture;
mod plain;
mod prose;
mod rungs;
mod said;
#[cfg(test)]
mod sample;
mod scoreboard;
mod sentences;
mod skipping;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod units;
mod verdict;
mod visitors;
mod ways;

use std::io;

pub use json::Json;
pub use ladder::{Ladder, Remark, Row, Shape};
pub use narrator::{NARROWEST, Narrator};
pub use plain::Plain;
pub use visitors::{Visitors, together};

use crate::timeline::Event;

/// Something that draws the timeline.
pub trait View: Send {
    /// Draws the next event. An error ends the view: `BrokenPipe` silently.
    ///
    /// # Errors
    /// Those of the writer beneath.
    fn event(&mut self, event: &Event) -> io::Result<()>;

    /// The timeline ended: draws what was held back.
    ///
    /// # Errors
    /// Those of the writer beneath.
    fn finish(&mut self) -> io::Result<()>;

    /// Nothing has happened for a moment: draws what was held back for what might have happened together with it.
    ///
    /// # Errors
    /// Those of the writer beneath.
    fn quiet(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Draws all bytes of what was played since the last step began: on demand.
    ///
    /// # Errors
    /// Those of the writer beneath.
    fn bytes(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a text view draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Columns.
    pub width: usize,
    /// ASCII only.
    pub ascii: bool,
    /// The bytes of every message as well.
    pub hex: bool,
    /// What can be asked for is left out: somebody sits there who can.
    pub brief: bool,
}
