//! Renders lines: the last thing before the writer.

use std::borrow::Cow;
use std::io::{self, Write};

use colored::{Color, Colorize as _, control};

use super::{Depth, Group, Ink, Line, Out, Span, Status, safe};

/// The lecture's blue and orange: both can be read on black and on white.
const CLIENT: Color = Color::TrueColor { r: 0x1f, g: 0x78, b: 0xc1 };
const SERVER: Color = Color::TrueColor { r: 0xbe, g: 0x5a, b: 0x00 };
/// Their neighbours among the 256.
const CLIENT_256: Color = Color::AnsiColor(32);
const SERVER_256: Color = Color::AnsiColor(130);

/// Writes lines with the colours that a stream has.
#[derive(Debug)]
pub struct Screen<W> {
    writer: W,
    depth: Depth,
    status: Option<Status>,
}

impl<W: Write + Send> Screen<W> {
    /// A screen over `writer`. Made once for each stream: it sets the process-wide switch of the crate that
    /// renders, which would otherwise look at the environment a second time.
    pub fn new(writer: W, depth: Depth) -> Self {
        if depth != Depth::None {
            control::set_override(true);
        }
        Self { writer, depth, status: None }
    }

    /// The same screen, which erases this status line before it writes and puts it back afterwards.
    #[must_use]
    pub fn with_status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }

    fn render(&self, line: &Line) -> String {
        let mut rendered: String = line.0.iter().map(|span| paint(self.depth, span)).collect();
        rendered.truncate(rendered.trim_end_matches(' ').len());
        rendered.push('\n');
        rendered
    }
}

impl<W: Write + Send> Out for Screen<W> {
    fn show(&mut self, _: Group, lines: &[Line]) -> io::Result<()> {
        let rendered: String = lines.iter().map(|line| self.render(line)).collect();
        if let Some(status) = &self.status {
            status.hide();
        }
        // Whole lines, at once: what a row says is true now, not when the buffer is full.
        let written = self.writer.write_all(rendered.as_bytes()).and_then(|()| self.writer.flush());
        if let Some(status) = &self.status {
            status.unhide();
        }
        written
    }
}

fn paint(depth: Depth, span: &Span) -> String {
    let text = if span.text.chars().any(super::is_unsafe) {
        Cow::Owned(safe(&span.text))
    } else {
        Cow::Borrowed(span.text.as_str())
    };
    if depth == Depth::None {
        return text.into_owned();
    }
    let text = text.as_ref();
    match (span.ink, depth) {
        (Ink::Plain, _) | (Ink::Client | Ink::Server, Depth::None | Depth::Ansi16) => text.into(),
        (Ink::Bold, _) => text.bold().to_string(),
        (Ink::Dim, _) => text.dimmed().to_string(),
        (Ink::ClientTag, Depth::None | Depth::Ansi16) => text.white().on_blue().to_string(),
        (Ink::ServerTag, Depth::None | Depth::Ansi16) => text.black().on_yellow().to_string(),
        (Ink::Client | Ink::ClientTag, Depth::Ansi256) => text.color(CLIENT_256).to_string(),
        (Ink::Server | Ink::ServerTag, Depth::Ansi256) => text.color(SERVER_256).to_string(),
        (Ink::Client | Ink::ClientTag, Depth::TrueColour) => text.color(CLIENT).to_string(),
        (Ink::Server | Ink::ServerTag, Depth::TrueColour) => text.color(SERVER).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(depth: Depth) -> String {
        let mut buffer = Vec::new();
        let line = Line::plain("a ")
            .with(Ink::ClientTag, "C►")
            .with(Ink::Server, "\x1b]0;x\x07")
            .with(Ink::Bold, "b");
        Screen::new(&mut buffer, depth).show(Group::Block, &[line]).expect("a vector takes everything");
        String::from_utf8(buffer).expect("UTF-8")
    }

    #[test]
    fn without_colours_there_is_no_escape_code() {
        assert_eq!(rendered(Depth::None), "a C►\\x1b]0;x\\x07b\n");
    }

    #[test]
    fn colours_by_sender() {
        assert_eq!(rendered(Depth::Ansi16), "a \x1b[44;37mC►\x1b[0m\\x1b]0;x\\x07\x1b[1mb\x1b[0m\n");
        assert_eq!(
            rendered(Depth::Ansi256),
            "a \x1b[38;5;32mC►\x1b[0m\x1b[38;5;130m\\x1b]0;x\\x07\x1b[0m\x1b[1mb\x1b[0m\n"
        );
    }

    #[test]
    fn no_blanks_at_the_end() {
        let mut buffer = Vec::new();
        let line = Line::plain("a   ");
        Screen::new(&mut buffer, Depth::None).show(Group::Block, &[line]).expect("a vector takes everything");
        assert_eq!(buffer, b"a\n");
    }
}
