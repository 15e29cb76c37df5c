//! Where a view writes to while somebody watches: nowhere yet. What it wrote waits here until it is its turn.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::terminal::{Group, Line, Out};

/// Lines that belong together, not shown yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) struct Sheet {
    pub group: Group,
    pub lines: Vec<Line>,
}

/// The waiting sheets. Clones are handles to the same ones: the view writes, the desk takes.
#[derive(Debug, Clone, Default)]
pub(in crate::commands) struct Sheets(Arc<Mutex<VecDeque<Sheet>>>);

impl Sheets {
    /// Puts one at the end.
    pub fn push(&self, group: Group, lines: Vec<Line>) {
        self.lock().push_back(Sheet { group, lines });
    }

    /// The next one, which stays there.
    pub fn first(&self) -> Option<Sheet> {
        self.lock().front().cloned()
    }

    /// Takes so many lines of the next one, and it with the last of them.
    pub fn take(&self, count: usize) -> Vec<Line> {
        let mut sheets = self.lock();
        let Some(first) = sheets.front_mut() else { return Vec::new() };
        if count >= first.lines.len() {
            return sheets.pop_front().map(|sheet| sheet.lines).unwrap_or_default();
        }
        first.lines.drain(..count).collect()
    }

    /// What is written meanwhile comes before what waits already.
    pub fn first_of_all<T>(&self, write: impl FnOnce() -> T) -> T {
        let waiting = std::mem::take(&mut *self.lock());
        let written = write();
        self.lock().extend(waiting);
        written
    }

    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Throws all away.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Sheet>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Out for Sheets {
    fn show(&mut self, group: Group, lines: &[Line]) -> io::Result<()> {
        if !lines.is_empty() {
            self.push(group, lines.to_vec());
        }
        Ok(())
    }
}
