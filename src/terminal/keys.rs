//! Single keys, and a terminal that is as it was afterwards, whatever happens.

use std::io;
use std::sync::Once;
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::stdin_is_terminal;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Space, Enter, Right, PageDown (clickers send that).
    Next,
    /// `q`, and the end of input.
    Quit,
    /// `1` to `9`.
    Number(u8),
    /// Any other.
    Other,
}

/// Reads keys one by one, unechoed, while it lives. Ctrl-C stays a signal.
#[derive(Debug)]
pub struct Keys {
    _private: (),
}

impl Keys {
    /// Takes the terminal. `None` where stdin is none: nobody can press anything there.
    ///
    /// # Errors
    /// Where the terminal's settings cannot be read or changed.
    pub fn open() -> io::Result<Option<Self>> {
        if !stdin_is_terminal() {
            return Ok(None);
        }
        mode::remember()?;
        restore_in_panics();
        let keys = Self { _private: () };
        mode::set_single_keys()?;
        Ok(Some(keys))
    }

    /// Waits for the next key. See [`Keys::discard`] for what was typed before.
    pub fn wait(&mut self) -> Key {
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

    /// Throws away what was typed while nothing waited; true if a `q` was among it, or nobody can press anything any more.
    pub fn discard(&mut self) -> bool {
        // Whoever suspended and resumed the program got the shell's settings back.
        if mode::set_single_keys().is_err() {
            return true;
        }
        let mut quit = false;
        while matches!(event::poll(Duration::ZERO), Ok(true)) {
            match event::read() {
                Ok(event) => quit |= meaning(&event) == Some(Key::Quit),
                Err(_) => return true,
            }
        }
        quit
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

fn restore_in_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
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
        KeyCode::Char('q' | 'Q') => Key::Quit,
        KeyCode::Char(digit @ '1'..='9') => Key::Number(digit as u8 - b'0'),
        _ => Key::Other,
    }
}

/// Not crossterm's raw mode: that would also switch off the translation of line ends and Ctrl-C.
#[cfg(unix)]
mod mode {
    use std::io;
    use std::sync::{Mutex, PoisonError};

    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

    static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

    pub(super) fn remember() -> io::Result<()> {
        let now = tcgetattr(io::stdin())?;
        BEFORE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now);
        Ok(())
    }

    pub(super) fn set_single_keys() -> io::Result<()> {
        let mut termios = tcgetattr(io::stdin())?;
        termios.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        termios.special_codes[SpecialCodeIndex::VMIN] = 1;
        termios.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(io::stdin(), OptionalActions::Now, &termios)?)
    }

    pub(super) fn restore() {
        if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // There is nobody left to tell if this fails.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
        }
    }
}

#[cfg(not(unix))]
mod mode {
    use std::io;

    use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

    pub(super) fn remember() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn set_single_keys() -> io::Result<()> {
        enable_raw_mode()
    }

    pub(super) fn restore() {
        drop(disable_raw_mode());
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
        assert_eq!(of_key(KeyEvent::from(KeyCode::Esc)), Key::Other);
    }
}
