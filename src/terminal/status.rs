//! The one live line at the bottom: on stderr, so that stdout is the transcript and nothing else.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use unicode_width::UnicodeWidthStr as _;

use super::{safe, stderr_is_terminal};

/// The status line. Clones are handles to the same one.
#[derive(Clone)]
pub struct Status {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    writer: Box<dyn Write + Send>,
    how: How,
    width: usize,
    /// What is to be seen while nothing is being written above it.
    text: Option<String>,
}

/// How a status line is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Erased and written again, in place.
    Repainted,
    /// A line of its own, once for each new text.
    Lines,
    /// Not at all.
    Off,
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Status").finish_non_exhaustive()
    }
}

impl Status {
    /// On stderr. Where stderr is no terminal: nowhere. `plain`: nothing is erased, each text is a line.
    #[must_use]
    pub fn stderr(width: usize, plain: bool) -> Self {
        let how = match (stderr_is_terminal(), plain) {
            (false, _) => How::Off,
            (true, true) => How::Lines,
            (true, false) => How::Repainted,
        };
        Self::over(Box::new(io::stderr()), how, width)
    }

    pub(crate) fn over(writer: Box<dyn Write + Send>, how: How, width: usize) -> Self {
        Self { inner: Arc::new(Mutex::new(Inner { writer, how, width, text: None })) }
    }

    /// How it is shown: decides what is worth showing.
    #[must_use]
    pub fn how(&self) -> How {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).how
    }

    /// Shows this instead of what was shown.
    pub fn show(&self, text: &str) {
        self.with(|it| {
            let text = cut(&safe(text), it.width.saturating_sub(1));
            if it.text.as_ref() != Some(&text) {
                it.draw(&text);
                it.text = Some(text);
            }
        });
    }

    /// Erases it.
    pub fn clear(&self) {
        self.with(|it| {
            it.erase();
            it.text = None;
        });
    }

    /// Makes room for a line of the transcript.
    pub(super) fn hide(&self) {
        self.with(Inner::erase);
    }

    /// Shows it again.
    pub(super) fn unhide(&self) {
        self.with(|it| {
            if it.how == How::Repainted
                && let Some(text) = it.text.clone()
            {
                it.draw(&text);
            }
        });
    }

    // A status line that cannot be written is no reason to stop: the transcript is elsewhere.
    fn with(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Inner {
    fn draw(&mut self, text: &str) {
        let drawn = match self.how {
            How::Repainted => write!(self.writer, "\r{text}\x1b[K"),
            How::Lines => writeln!(self.writer, "{text}"),
            How::Off => Ok(()),
        };
        drop(drawn.and_then(|()| self.writer.flush()));
    }

    fn erase(&mut self) {
        if self.how == How::Repainted && self.text.is_some() {
            drop(write!(self.writer, "\r\x1b[K").and_then(|()| self.writer.flush()));
        }
    }
}

/// As much of it as fits: a status line that wraps cannot be erased.
fn cut(text: &str, width: usize) -> String {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        if text[..at + c.len_utf8()].width() > width {
            break;
        }
        end = at + c.len_utf8();
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic holds it").write(buffer)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn played(how: How) -> String {
        let shared = Shared::default();
        let status = Status::over(Box::new(shared.clone()), how, 10);
        status.show("[3/9] Space next");
        status.hide();
        status.unhide();
        status.clear();
        let bytes = shared.0.lock().expect("no panic holds it").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn it_makes_room_and_comes_back() {
        assert_eq!(played(How::Repainted), "\r[3/9] Spa\x1b[K\r\x1b[K\r[3/9] Spa\x1b[K\r\x1b[K");
    }

    #[test]
    fn without_repainting_it_is_a_line() {
        assert_eq!(played(How::Lines), "[3/9] Spa\n");
        assert_eq!(played(How::Off), "");
    }
}
