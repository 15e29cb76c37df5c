//! Views: each draws the timeline its own way, over a writer that it is given.

use std::io;

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
}
