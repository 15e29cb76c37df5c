//! How fast a lesson goes on: the seam through which keys, pauses and progress reach the player.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::timeline::Seq;

/// A lesson has come to a place where it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// The step that would begin now, from 1.
    pub next: u64,
    /// How many there are.
    pub of: u64,
    /// How many words were shown since the last stop.
    pub words: usize,
    /// Everything up to here must be on the screen first.
    pub shown: Seq,
}

/// Whether the lesson goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Go {
    /// It does.
    On,
    /// It was left.
    Quit,
}

/// Something that takes a time that is known beforehand.
pub trait Working: Send {}

/// Decides when a lesson goes on.
pub trait Pacer: Send {
    /// Waits at a stop.
    fn pause(&mut self, stop: Stop) -> Pin<Box<dyn Future<Output = Go> + Send + '_>>;

    /// Something begins that takes so long; it ends when the answer is dropped.
    fn working(&mut self, what: &str, time: Duration) -> Box<dyn Working>;
}
