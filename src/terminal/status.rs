//! The one live line at the bottom: on stderr, so that stdout is the transcript and nothing else.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use unicode_width::UnicodeWidthStr as _;

use super::{safe, stderr_is_terminal};

/// Whether this process repaints a line on stderr: what a panic must clear away.
static REPAINTS: AtomicBool = AtomicBool::new(false);

/// The status line. Clones are handles to the same one.
#[derive(Clone)]
pub struct Status {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    writer: Box<dyn Write + Send>,
    how: How,
    width: usize,
    ascii: bool,
    /// Nothing is said before there is a place: what it is about is not on the screen yet.
    waits: bool,
    /// What each has to say, in this order.
    parts: [String; 3],
    /// What is to be seen while nothing is being written above it.
    drawn: String,
    /// Something is being written above it, or the terminal is lent.
    hidden: bool,
    /// The last thing it says, whatever others say meanwhile.
    last: Option<String>,
}

/// Who says something on the status line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Where one is, and since when something is open.
    Place,
    /// What is under way.
    Work,
    /// What one can press.
    Keys,
}

/// How a status line is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Erased and written again, in place.
    Repainted,
    /// A line of its own, once for each new thing to say; the place is not worth one.
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
    ///
    /// `watched`: somebody sits at stdout who must see what is asked, wherever stderr goes.
    #[must_use]
    pub fn stderr(width: usize, plain: bool, ascii: bool, watched: bool) -> Self {
        let how = match (stderr_is_terminal() || watched, plain) {
            (false, _) => How::Off,
            (true, true) => How::Lines,
            (true, false) => How::Repainted,
        };
        REPAINTS.store(how == How::Repainted, Ordering::Relaxed);
        let writer: Box<dyn Write + Send> =
            if stderr_is_terminal() { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
        let status = Self::over(writer, how, width);
        status.with(|it| (it.ascii, it.waits) = (ascii, watched));
        status
    }

    pub(crate) fn over(writer: Box<dyn Write + Send>, how: How, width: usize) -> Self {
        let inner = Inner {
            writer,
            how,
            width,
            ascii: false,
            waits: false,
            parts: Default::default(),
            drawn: String::new(),
            hidden: false,
            last: None,
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// How it is shown: decides what is worth showing.
    #[must_use]
    pub fn how(&self) -> How {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).how
    }

    /// Shows this instead of what that part showed. Empty: nothing.
    pub fn show(&self, part: Part, text: &str) {
        self.with(|it| {
            it.set(part, text);
            it.redraw();
        });
    }

    /// Where one is, and what one can press there: both at once.
    pub fn prompt(&self, place: &str, keys: &str) {
        self.with(|it| {
            it.set(Part::Place, place);
            it.set(Part::Keys, keys);
            it.redraw();
        });
    }

    /// From now on only this, until it is cleared.
    pub fn only(&self, text: &str) {
        self.with(|it| {
            it.set(Part::Work, text);
            it.last = Some(it.parts[Part::Work as usize].clone());
            it.redraw();
        });
    }

    /// Erases all of it.
    pub fn clear(&self) {
        self.with(|it| {
            it.parts = Default::default();
            it.last = None;
            it.redraw();
        });
    }

    /// The terminal has another width now.
    pub fn resize(&self, width: usize) {
        self.with(|it| {
            it.width = width;
            it.redraw();
        });
    }

    /// Makes room: for a line of the transcript, or for the shell while this program is suspended.
    pub fn hide(&self) {
        self.with(|it| {
            it.erase();
            it.hidden = true;
        });
    }

    /// Shows it again.
    pub fn unhide(&self) {
        self.with(|it| {
            it.hidden = false;
            if !it.drawn.is_empty() {
                it.draw();
            }
        });
    }

    // A status line that cannot be written is no reason to stop: the transcript is elsewhere.
    fn with(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Inner {
    fn set(&mut self, part: Part, text: &str) {
        let text = if self.ascii { ascii(text) } else { safe(text) };
        let old = &mut self.parts[part as usize];
        if *old == text || self.last.is_some() {
            return;
        }
        old.clone_from(&text);
        if self.how == How::Lines && part != Part::Place && !text.is_empty() {
            drop(writeln!(self.writer, "{text}").and_then(|()| self.writer.flush()));
        }
    }

    fn redraw(&mut self) {
        let text = cut(&self.whole(), self.width.saturating_sub(1));
        if text.is_empty() {
            self.erase();
            self.drawn = text;
        } else if text != self.drawn {
            self.drawn = text;
            self.draw();
        }
    }

    /// All parts in one.
    fn whole(&self) -> String {
        if let Some(last) = &self.last {
            return last.clone();
        }
        if self.waits && self.parts[Part::Place as usize].is_empty() {
            return String::new();
        }
        let between = if self.ascii { " - " } else { " · " };
        let parts = self.parts.iter().filter(|part| !part.is_empty());
        parts.fold(String::new(), |whole, part| match whole.as_str() {
            "" => part.clone(),
            place if place.ends_with(']') => format!("{place} {part}"),
            whole => format!("{whole}{between}{part}"),
        })
    }

    /// The cursor stays at its beginning: where a terminal that becomes narrower breaks the line, all of it is still below.
    fn draw(&mut self) {
        if self.how == How::Repainted && !self.hidden {
            drop(write!(self.writer, "\r{}\x1b[J\r", self.drawn).and_then(|()| self.writer.flush()));
        }
    }

    fn erase(&mut self) {
        if self.how == How::Repainted && !self.hidden && !self.drawn.is_empty() {
            drop(write!(self.writer, "\r\x1b[J").and_then(|()| self.writer.flush()));
        }
    }
}

/// What the status line says, without what an ASCII terminal cannot show.
fn ascii(text: &str) -> String {
    safe(text)
        .replace('·', "-")
        .replace('×', "x")
        .chars()
        .map(|c| if c.is_ascii() { c } else { '?' })
        .collect()
}

/// What a panic says must not stand behind a status line.
pub(super) fn erase_in_panic() {
    if REPAINTS.load(Ordering::Relaxed) {
        drop(io::stderr().write_all(b"\r\x1b[J"));
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
        let status = Status::over(Box::new(shared.clone()), how, 14);
        status.show(Part::Keys, "Space next");
        status.show(Part::Place, "[3/9]");
        status.hide();
        status.unhide();
        status.resize(8);
        status.clear();
        let bytes = shared.0.lock().expect("no panic holds it").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn it_makes_room_and_comes_back() {
        assert_eq!(
            played(How::Repainted).replace("\x1b[J", "|"),
            "\rSpace next|\r\r[3/9] Space n|\r\r|\r[3/9] Space n|\r\r[3/9] S|\r\r|"
        );
    }

    #[test]
    fn while_hidden_nothing_is_drawn_and_the_last_word_stays() {
        let shared = Shared::default();
        let status = Status::over(Box::new(shared.clone()), How::Repainted, 40);
        status.hide();
        status.show(Part::Work, "silence");
        assert!(shared.0.lock().expect("no panic holds it").is_empty());
        status.unhide();
        status.only("Closing");
        status.show(Part::Work, "silence, longer");
        status.show(Part::Keys, "Space next");
        let text = String::from_utf8(shared.0.lock().expect("no panic holds it").clone()).expect("UTF-8");
        assert_eq!(text.replace("\x1b[J", "|"), "\rsilence|\r\rClosing|\r");
    }

    #[test]
    fn in_ascii_it_is_ascii() {
        assert_eq!(ascii("auto ×2 · Space now · ü"), "auto x2 - Space now - ?");
    }

    #[test]
    fn without_repainting_it_is_a_line() {
        assert_eq!(played(How::Lines), "Space next\n");
        assert_eq!(played(How::Off), "");
    }
}
