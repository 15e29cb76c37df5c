//! A pseudo-terminal with the program on it: what a user presses, and what a user sees.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::termios::{LocalModes, Termios, tcgetattr};

use crate::harness::LIMIT;

pub struct Terminal {
    pty: Arc<pty_process::blocking::Pty>,
    child: Child,
    /// Everything that was written, and a bell for more.
    shown: Arc<(Mutex<Vec<u8>>, Condvar)>,
    /// How the terminal was set before the program came.
    before: Termios,
}

impl Terminal {
    pub fn start(command: Command) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(24, 80)).unwrap();
        let before = tcgetattr(&pty).unwrap();
        let child = pty_process::blocking::Command::from(command).spawn(pts).unwrap();
        let shown = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let pty = Arc::new(pty);
        let (read, write) = (Arc::clone(&pty), Arc::clone(&shown));
        thread::spawn(move || {
            let mut buf = [0; 4096];
            // At the end Linux gives an error, others the end of the file.
            while let Ok(len @ 1..) = (&*read).read(&mut buf) {
                write.0.lock().unwrap().extend_from_slice(&buf[..len]);
                write.1.notify_all();
            }
        });
        Self { pty, child, shown, before }
    }

    pub fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until it is on the screen.
    pub fn sees(&self, text: &str) {
        let (shown, more) = &*self.shown;
        let unseen = |shown: &mut Vec<u8>| !String::from_utf8_lossy(shown).contains(text);
        let (shown, waited) = more.wait_timeout_while(shown.lock().unwrap(), LIMIT, unseen).unwrap();
        assert!(!waited.timed_out(), "never seen: {text:?}, but {:?}", String::from_utf8_lossy(&shown));
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
        let after = tcgetattr(&*self.pty).unwrap();
        let modes = |it: &Termios| (it.local_modes, it.input_modes, it.output_modes, it.control_modes);
        assert_eq!(modes(&after), modes(&self.before), "the terminal's settings");
        let shown = String::from_utf8_lossy(&self.shown.0.lock().unwrap()).into_owned();
        (status, shown)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Ended already, unless a test failed.
        let _ = self.child.kill();
    }
}
