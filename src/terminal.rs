//! The one place that knows colour, width and stdout. Views hand over lines of spans and never see an escape code.

mod colour;
mod keys;
mod progress;
mod screen;
mod status;

use std::io::{self, IsTerminal as _};

pub use colour::{ColourChoice, Depth, Environment};
pub use keys::{Key, Keys, Reading, lend, restore, take_back, until_gone};
pub use progress::ProgressLine;
pub use screen::Screen;
pub use status::{How, Part, Status};
use unicode_width::UnicodeWidthStr as _;

/// The width where there is no terminal to ask, columns.
const DEFAULT_WIDTH: usize = 100;
/// The height of a projector's screen, rows.
const DEFAULT_HEIGHT: usize = 24;

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
    /// The letters that name the client: still told apart where there are only 16 colours.
    ClientTag,
    /// The letters that name the server.
    ServerTag,
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
    /// Writes lines that belong together. An empty line at their front is a gap to what stands above.
    ///
    /// # Errors
    /// Those of the writer beneath.
    fn show(&mut self, group: Group, lines: &[Line]) -> io::Result<()>;
}

/// What lines that belong together are, from which follows how they may appear where somebody watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Words or a picture: there at once.
    Block,
    /// A row of something that unfolds: one after the other.
    Row,
}

impl Line {
    /// A line of one plain piece.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self::default().with(Ink::Plain, text)
    }

    /// The same line with one more piece.
    #[must_use]
    pub fn with(mut self, ink: Ink, text: impl Into<String>) -> Self {
        self.push(ink, text);
        self
    }

    /// Appends a piece; to the last one where the ink is the same.
    pub fn push(&mut self, ink: Ink, text: impl Into<String>) {
        let text = text.into();
        match self.0.last_mut() {
            Some(last) if last.ink == ink => last.text.push_str(&text),
            _ if text.is_empty() => {}
            _ => self.0.push(Span { ink, text }),
        }
    }

    /// Appends spaces up to `column`; none if the line is longer already.
    pub fn pad(&mut self, column: usize) {
        let width = self.width();
        if column > width {
            self.push(Ink::Plain, " ".repeat(column - width));
        }
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.iter().map(|span| span.text.width()).sum()
    }

    /// The words without their inks.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(|span| span.text.as_str()).collect()
    }
}

/// Text as it may be sent to a terminal: what would move the cursor, change colours or turn the direction of
/// writing is shown as an escape. What comes from the network passes through here, without exception.
#[must_use]
pub fn safe(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if c.is_ascii_control() => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if is_unsafe(c) => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

/// C0, DEL, C1, line and paragraph separators, and the marks that turn the direction of writing.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether somebody can type here.
#[must_use]
pub fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Whether the transcript goes to a screen.
#[must_use]
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether the status line goes to a screen.
#[must_use]
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Columns of the terminal that stdout is, else 100.
#[must_use]
pub fn width() -> usize {
    size().map_or(DEFAULT_WIDTH, |(columns, _)| columns)
}

/// Rows of the terminal that stdout is, else 24.
#[must_use]
pub fn height() -> usize {
    size().map_or(DEFAULT_HEIGHT, |(_, rows)| rows)
}

/// Columns and rows.
#[cfg(unix)]
fn size() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| (usize::from(size.ws_col), usize::from(size.ws_row)))
}

#[cfg(not(unix))]
fn size() -> Option<(usize, usize)> {
    let size = stdout_is_terminal().then(crossterm::terminal::size)?.ok()?;
    Some((usize::from(size.0), usize::from(size.1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_shown_not_sent() {
        assert_eq!(safe("a\nb\r\t\x1b[31m\x7f"), "a\\nb\\r\\t\\x1b[31m\\x7f");
        assert_eq!(safe("\u{9b}2J \u{202e}abc\u{2066}"), "\\u{9b}2J \\u{202e}abc\\u{2066}");
        assert_eq!(safe("Tor! é 漢字"), "Tor! é 漢字");
    }

    #[test]
    fn pieces_of_the_same_ink_become_one() {
        let line = Line::plain("a").with(Ink::Plain, "b").with(Ink::Bold, "").with(Ink::Client, "漢");
        assert_eq!(line.0.len(), 2);
        assert_eq!((line.text().as_str(), line.width()), ("ab漢", 4));
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in any::<String>()) {
            let shown = safe(&text);
            prop_assert!(!shown.chars().any(is_unsafe));
            prop_assert_eq!(safe(&shown), shown.clone());
        }
    }
}
