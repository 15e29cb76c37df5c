//! Where indicatif draws: not on stderr itself, but on the status line, so that there is one writer to the screen.

use std::io;
use std::sync::{Mutex, PoisonError};

use indicatif::TermLike;

use super::status::{Part, Status};

/// A terminal of one line, for indicatif.
#[derive(Debug)]
pub struct ProgressLine {
    status: Status,
    line: Mutex<String>,
}

impl ProgressLine {
    /// On this status line.
    #[must_use]
    pub fn new(status: Status) -> Self {
        Self { status, line: Mutex::default() }
    }

    fn with(&self, change: impl FnOnce(&mut String)) {
        change(&mut self.line.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl TermLike for ProgressLine {
    fn width(&self) -> u16 {
        80
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.with(|line| line.push_str(text));
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.with(String::clear);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.with(|line| {
            let text = std::mem::take(line);
            let text = text.trim();
            self.status.show(Part::Work, text);
        });
        Ok(())
    }
}
