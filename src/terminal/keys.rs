//! Single keys, and a terminal that is as it was afterwards, whatever happens.

use std::io;
use std::sync::Once;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{status, stdin_is_terminal};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Space, Enter, Right, PageDown (clickers send that): go on.
    Next,
    /// `b`, Left, PageUp: show it again.
    Back,
    /// `1` to `9`: answer.
    Number(u8),
    /// `x`: the bytes.
    Bytes,
    /// `a`: by itself, or by hand again.
    Auto,
    /// `+`
    Faster,
    /// `-`
    Slower,
    /// `r`: run it again.
    Again,
    /// `?`: what the keys are.
    Help,
    /// `q`, and the end of input.
    Quit,
    /// Any other.
    Other,
}

/// How keys come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// One by one, unechoed.
    Single,
    /// As lines that Enter ends: where nothing may depend on the terminal. An empty line is [`Key::Next`].
    Lines,
}

/// Reads keys while it lives. Ctrl-C and Ctrl-Z stay signals.
#[derive(Debug)]
pub struct Keys {
    reading: Reading,
}

impl Keys {
    /// Takes the terminal. `None` where stdin is none: nobody can press anything there.
    ///
    /// # Errors
    /// Where the terminal's settings cannot be read or changed.
    pub fn open(reading: Reading) -> io::Result<Option<Self>> {
        if !stdin_is_terminal() {
            return Ok(None);
        }
        restore_in_panics();
        let keys = Self { reading };
        if reading == Reading::Single {
            mode::take()?;
        }
        Ok(Some(keys))
    }

    /// Waits for the next key.
    pub fn wait(&mut self) -> Key {
        if self.reading == Reading::Lines {
            let mut line = String::new();
            return match io::stdin().read_line(&mut line) {
                Ok(1..) => of_line(line.trim()),
                Ok(0) | Err(_) => Key::Quit,
            };
        }
        loop {
            match event::read() {
                Ok(event) => {
                    if let Some(key) = meaning(&event) {
                        return key;
                    }
                }
                // Nobody can press anything any more.
                Err(_) => return Key::Quit,
            }
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back as it was. For the ways out that run no destructors.
pub fn restore() {
    mode::restore();
}

/// Waits until the terminal is gone. Whoever reads keys may not be told: the crate that reads them reads on for ever.
pub fn until_gone() {
    mode::until_gone();
}

/// Gives the terminal back for a while, to the shell that this program is suspended in.
pub fn lend() {
    mode::lend();
}

/// Takes the terminal again after that, if it was taken before.
pub fn take_back() {
    mode::take_back();
}

fn restore_in_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            status::erase_in_panic();
            before(info);
        }));
    });
}

fn meaning(event: &Event) -> Option<Key> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(of_key(*key)),
        _ => None,
    }
}

fn of_key(key: KeyEvent) -> Key {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        // Ctrl-D; Ctrl-J is how a line feed is decoded.
        KeyCode::Char('d') if control => Key::Quit,
        KeyCode::Char('j') if control => Key::Next,
        KeyCode::Char(_) if control => Key::Other,
        KeyCode::Char(' ') | KeyCode::Enter | KeyCode::Right | KeyCode::PageDown => Key::Next,
        KeyCode::Char(c) => of_char(c),
        KeyCode::Left | KeyCode::PageUp => Key::Back,
        _ => Key::Other,
    }
}

fn of_char(c: char) -> Key {
    match c.to_ascii_lowercase() {
        digit @ '1'..='9' => Key::Number(digit as u8 - b'0'),
        'b' => Key::Back,
        'x' => Key::Bytes,
        'a' => Key::Auto,
        // Above or beside the plus, whatever the keyboard.
        '+' | '=' => Key::Faster,
        '-' | '_' => Key::Slower,
        'r' => Key::Again,
        '?' | 'h' => Key::Help,
        'q' => Key::Quit,
        _ => Key::Other,
    }
}

/// A line's first letter counts: `q`, `quit`.
fn of_line(line: &str) -> Key {
    line.chars().next().map_or(Key::Next, of_char)
}

/// Not crossterm's raw mode: that would also switch off the translation of line ends and Ctrl-C.
#[cfg(unix)]
mod mode {
    use std::io;
    use std::sync::{Mutex, PoisonError};

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;
    use rustix::process::getpgrp;
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
    };

    static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

    /// Sets single keys, and remembers what was set before.
    pub(super) fn take() -> io::Result<()> {
        let now = tcgetattr(io::stdin())?;
        BEFORE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now);
        set_single_keys()
    }

    fn set_single_keys() -> io::Result<()> {
        let mut termios = tcgetattr(io::stdin())?;
        termios.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        termios.special_codes[SpecialCodeIndex::VMIN] = 1;
        termios.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(io::stdin(), OptionalActions::Now, &termios)?)
    }

    pub(super) fn restore() {
        if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
            set(&before);
        }
    }

    pub(super) fn lend() {
        if let Some(before) = &*BEFORE.lock().unwrap_or_else(PoisonError::into_inner) {
            set(before);
        }
    }

    pub(super) fn take_back() {
        let taken = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.is_some() && is_ours() {
            // Where this fails, Enter must be pressed after each key: no reason to end.
            let _ = set_single_keys();
        }
    }

    /// In the background the terminal is the shell's, which has set it already: touching it would stop this process.
    fn set(termios: &Termios) {
        if is_ours() {
            // There is nobody to tell if this fails.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, termios);
        }
    }

    /// Whether this process is in the foreground of its terminal. A terminal that controls nothing stops nobody.
    fn is_ours() -> bool {
        tcgetpgrp(io::stdin()).map_or(true, |foreground| foreground == getpgrp())
    }

    pub(super) fn until_gone() {
        let stdin = io::stdin();
        // Of an end of it one is told whatever one asks for.
        let mut watched = [PollFd::new(&stdin, PollFlags::empty())];
        while poll(&mut watched, None) == Err(Errno::INTR) {}
    }
}

#[cfg(not(unix))]
mod mode {
    use std::io;

    use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

    pub(super) fn take() -> io::Result<()> {
        enable_raw_mode()
    }

    pub(super) fn lend() {
        restore();
    }

    pub(super) fn take_back() {
        drop(enable_raw_mode());
    }

    pub(super) fn restore() {
        drop(disable_raw_mode());
    }

    pub(super) fn until_gone() {
        // There is nothing to ask.
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clickers_and_keyboards_mean_the_same() {
        for code in [KeyCode::Char(' '), KeyCode::Enter, KeyCode::Right, KeyCode::PageDown] {
            assert_eq!(of_key(KeyEvent::from(code)), Key::Next);
        }
        assert_eq!(of_key(KeyEvent::new(KeyCode::Char('j'), KeyModifiers::CONTROL)), Key::Next);
        assert_eq!(of_key(KeyEvent::from(KeyCode::Char('q'))), Key::Quit);
        assert_eq!(of_key(KeyEvent::from(KeyCode::Char('3'))), Key::Number(3));
        for code in [KeyCode::Char('b'), KeyCode::Left, KeyCode::PageUp] {
            assert_eq!(of_key(KeyEvent::from(code)), Key::Back);
        }
        assert_eq!(of_key(KeyEvent::from(KeyCode::Esc)), Key::Other);
    }

    #[test]
    fn lines_mean_what_their_first_letter_does() {
        let keys = ["", "2", "q", "Quit", "?", "b"].map(of_line);
        assert_eq!(keys, [Key::Next, Key::Number(2), Key::Quit, Key::Quit, Key::Help, Key::Back]);
    }
}
