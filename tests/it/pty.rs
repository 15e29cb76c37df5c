//! A pseudo-terminal with the program on it: what a user presses, and what a user sees.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{ControlModes, InputModes, LocalModes, OutputModes, Termios, tcgetattr};

use crate::harness::LIMIT;

pub struct Terminal {
    pty: Arc<pty_process::blocking::Pty>,
    child: Child,
    /// Everything that was written, and a bell for more.
    shown: Arc<(Mutex<Vec<u8>>, Condvar)>,
    /// Ends when the terminal does.
    reader: Option<thread::JoinHandle<()>>,
    /// How the terminal was set before the program came.
    before: Termios,
}

impl Terminal {
    pub fn start(command: Command) -> Self {
        Self::sized(command, 80)
    }

    /// A projector's 24 rows, so many columns wide.
    pub fn sized(command: Command, columns: u16) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(24, columns)).unwrap();
        let before = tcgetattr(&pty).unwrap();
        let child = pty_process::blocking::Command::from(command).spawn(pts).unwrap();
        let shown = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let pty = Arc::new(pty);
        let (read, write) = (Arc::clone(&pty), Arc::clone(&shown));
        let reader = thread::spawn(move || {
            let mut buf = [0; 4096];
            // At the end Linux gives an error, others the end of the file.
            while let Ok(len @ 1..) = (&*read).read(&mut buf) {
                write.0.lock().unwrap().extend_from_slice(&buf[..len]);
                write.1.notify_all();
            }
        });
        Self { pty, child, shown, before, reader: Some(reader) }
    }

    pub fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until it is on the screen.
    pub fn sees(&self, text: &str) {
        self.sees_after(0, &[text]);
    }

    /// Waits until one of these is written after so many bytes: which, and where it ends.
    pub fn sees_after<'a>(&self, mark: usize, texts: &[&'a str]) -> (&'a str, usize) {
        let (shown, more) = &*self.shown;
        let first = |shown: &[u8]| {
            let new = shown.get(mark..).unwrap_or_default();
            let at = |text: &&'a str| {
                let found = new.windows(text.len()).position(|it| it == text.as_bytes());
                found.map(|at| (at, *text, mark + at + text.len()))
            };
            texts.iter().filter_map(at).min()
        };
        let unseen = |shown: &mut Vec<u8>| first(shown).is_none();
        let (shown, _) = more.wait_timeout_while(shown.lock().unwrap(), LIMIT, unseen).unwrap();
        let Some((_, text, end)) = first(&shown) else {
            panic!(
                "never seen: {texts:?} in {:?}",
                String::from_utf8_lossy(shown.get(mark..).unwrap_or_default())
            )
        };
        (text, end)
    }

    /// How much was written so far, bytes.
    pub fn mark(&self) -> usize {
        self.shown.0.lock().unwrap().len()
    }

    /// What was written from here to there, as a reader sees it.
    pub fn lines(&self, from: usize, to: usize) -> Vec<String> {
        lines(&String::from_utf8_lossy(&self.shown.0.lock().unwrap()[from..to]))
    }

    pub fn resize(&self, columns: u16) {
        self.pty.resize(pty_process::Size::new(24, columns)).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Whether the terminal is set as it was before the program came.
    pub fn is_as_before(&self) -> bool {
        modes(&tcgetattr(&*self.pty).unwrap()) == modes(&self.before)
    }

    /// Whether keys are read one by one, and not shown.
    pub fn single_keys(&self) -> bool {
        let modes = tcgetattr(&*self.pty).unwrap().local_modes;
        !modes.intersects(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Waits for the end: the status, and all that was shown. The terminal must be as it was.
    pub fn ends(mut self) -> (ExitStatus, String) {
        let began = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(began.elapsed() < LIMIT, "it does not end"),
            }
            thread::sleep(Duration::from_millis(5));
        };
        // What was written last may not have been read yet.
        self.reader.take().unwrap().join().unwrap();
        let after = tcgetattr(&*self.pty).unwrap();
        assert_eq!(modes(&after), modes(&self.before), "the terminal's settings");
        let shown = String::from_utf8_lossy(&self.shown.0.lock().unwrap()).into_owned();
        (status, shown)
    }
}

fn modes(it: &Termios) -> (LocalModes, InputModes, OutputModes, ControlModes) {
    (it.local_modes, it.input_modes, it.output_modes, it.control_modes)
}

/// What stands on the screen after all that: without colours, and without what was erased again.
pub fn lines(written: &str) -> Vec<String> {
    let mut lines = vec![Vec::new()];
    let mut column = 0;
    let mut rest = written.chars();
    while let Some(c) = rest.next() {
        let line = lines.last_mut().unwrap();
        match c {
            '\r' => column = 0,
            '\n' => {
                lines.push(Vec::new());
                column = 0;
            }
            '\x1b' => {
                let sequence: String = rest.by_ref().take_while(|c| !c.is_ascii_alphabetic()).collect();
                // Of those that end in a letter, only these erase; colours end in m. That is all that is written.
                if sequence == "[" {
                    line.truncate(column);
                }
            }
            c => {
                line.truncate(column);
                line.push(c);
                column += 1;
            }
        }
    }
    lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned()).collect()
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Ended already, unless a test failed.
        let _ = self.child.kill();
    }
}
