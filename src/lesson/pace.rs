//! How fast a lesson goes on: the seam through which keys, pauses and progress reach the player.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::timeline::Seq;

/// A step of a lesson is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// Which, from 1.
    pub step: u64,
    /// How many there are.
    pub of: u64,
    /// How many words were shown since the last stop.
    pub words: usize,
    /// Everything up to here must be on the screen first.
    pub shown: Seq,
}

/// A lesson asks, and what happens next will be the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking {
    /// From how many one can choose.
    pub choices: u64,
    /// How many words were shown since the last stop.
    pub words: usize,
    /// Everything up to here must be on the screen first.
    pub shown: Seq,
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// One of the choices, from 1.
    Chosen(u64),
    /// Nobody chose.
    Skipped,
    /// The lesson was left, or is to run again.
    Left(Go),
}

/// Whether the lesson goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Go {
    /// It does.
    On,
    /// This step, from 1, is to run once more, from a world that is as it was before it.
    Again(u64),
    /// It was left.
    Quit,
}

/// Something that takes a time that is known beforehand.
pub trait Working: Send {}

/// Decides when a lesson goes on.
pub trait Pacer: Send {
    /// Waits at a stop.
    fn pause(&mut self, stop: Stop) -> Pin<Box<dyn Future<Output = Go> + Send + '_>>;

    /// Puts a question, and waits for what one of those who watch predicts.
    fn ask(&mut self, asking: Asking) -> Pin<Box<dyn Future<Output = Reply> + Send + '_>>;

    /// Something begins that takes so long; it ends when the answer is dropped.
    fn working(&mut self, what: &str, time: Duration) -> Box<dyn Working>;
}
