//! The one place that knows colour, width and stdout. Views hand over lines of spans and never see an escape code.

use std::io;

/// What a piece of text is, from which its colour follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ink {
    /// The terminal's own foreground.
    #[default]
    Plain,
    /// Stands out.
    Bold,
    /// Stands back.
    Dim,
    /// Sent by the client.
    Client,
    /// Sent by the server.
    Server,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// What it is.
    pub ink: Ink,
    /// Its text: no control characters, no line breaks.
    pub text: String,
}

/// A line of the transcript.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line(pub Vec<Span>);

/// Where a view writes.
pub trait Out: Send {
    /// Writes a line and its line break.
    ///
    /// # Errors
    /// Those of the writer beneath.
    fn line(&mut self, line: &Line) -> io::Result<()>;
}
