//! What happened, and how far it was drawn: live, or a step of the past once more.
//!
//! Events are given to the view one by one; what it writes waits on the sheets. Going back, and another width, are a view that
//! starts anew and is fed what was before without showing it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::sheets::Sheets;
use crate::timeline::{Event, Kind};
use crate::view::View;

/// What happens further apart than this does not happen together.
const QUIET: Duration = Duration::from_millis(100);

/// Makes a view for so many columns, which writes to these sheets.
pub(in crate::commands) type Make = Box<dyn Fn(usize, Sheets) -> Box<dyn View> + Send>;

/// The recording, and the view that draws it.
pub(super) struct Reel {
    make: Make,
    view: Box<dyn View>,
    /// What the view wrote, and nobody saw yet.
    pub sheets: Sheets,
    columns: usize,
    /// The width has changed: the view is to be made anew.
    stale: bool,
    /// Everything that happened so far.
    events: Vec<Arc<Event>>,
    /// Where steps begin among the events.
    steps: Vec<usize>,
    /// How many events the view was given.
    fed: usize,
    /// The step that it is in, and how many there are.
    step: Option<(u64, u64)>,
    past: Option<Past>,
    /// When the view was given an event last, unless it was told already that it is quiet since then.
    busy: Option<Instant>,
}

/// Something recorded is shown.
#[derive(Debug, Clone, Copy)]
struct Past {
    /// The event that it begins with.
    begin: usize,
    /// How many events had been shown when one went back.
    live: usize,
}

impl Reel {
    pub fn new(make: Make, columns: usize) -> Self {
        let sheets = Sheets::default();
        let view = make(columns, sheets.clone());
        Self {
            make,
            view,
            sheets,
            columns,
            stale: false,
            events: Vec::new(),
            steps: Vec::new(),
            fed: 0,
            step: None,
            past: None,
            busy: None,
        }
    }

    /// Something happened.
    pub fn happened(&mut self, event: Arc<Event>) {
        if matches!(event.kind, Kind::Step { .. }) {
            self.steps.push(self.events.len());
        }
        self.events.push(event);
    }

    /// How many events it was told.
    pub fn known(&self) -> usize {
        self.events.len()
    }

    /// The step that is shown, and how many there are.
    pub fn step(&self) -> Option<(u64, u64)> {
        self.step
    }

    /// Whether something recorded is shown.
    pub fn is_past(&self) -> bool {
        self.past.is_some()
    }

    /// Whether nothing is left to show before one goes on: of what is recorded, or of what happened so far.
    pub fn is_at_its_end(&self) -> bool {
        self.sheets.is_empty() && self.fed >= self.until()
    }

    /// Whether all up to this event is on the screen, and what is there is what happened last.
    pub fn has_shown(&self, seq: u64) -> bool {
        self.is_at_its_end()
            && match self.past {
                None => self.fed as u64 >= seq,
                Some(past) => self.until() == past.live && past.live as u64 >= seq,
            }
    }

    /// From now on so many columns.
    pub fn resize(&mut self, columns: usize) {
        self.stale |= self.columns != columns;
        self.columns = columns;
    }

    /// Gives the view the next event, if there is one to be shown.
    pub fn feed(&mut self, now: Instant) -> io::Result<bool> {
        if self.fed >= self.until() {
            return Ok(false);
        }
        self.refresh()?;
        let event = Arc::clone(&self.events[self.fed]);
        self.busy = Some(now);
        self.give(&event)?;
        Ok(true)
    }

    /// Tells the view that nothing happened for a moment, once, if that is so.
    pub fn quiet(&mut self, now: Instant) -> io::Result<bool> {
        // What is known but not given yet may belong to what is held back.
        let is_quiet = self.fed == self.events.len() && self.busy.is_some_and(|since| since + QUIET <= now);
        if is_quiet {
            self.busy = None;
            self.view.quiet()?;
        }
        Ok(is_quiet)
    }

    /// When it will be quiet, if nothing happens.
    pub fn quiet_at(&self) -> Option<Instant> {
        self.busy.filter(|_| self.fed == self.events.len()).map(|since| since + QUIET)
    }

    /// The timeline ended.
    pub fn finish(&mut self) -> io::Result<()> {
        self.view.finish()
    }

    /// All bytes of the step that is shown.
    pub fn bytes(&mut self) -> io::Result<()> {
        self.refresh()?;
        self.view.bytes()
    }

    /// The step that was shown last, once more; asked again, the one before it.
    pub fn back(&mut self) -> io::Result<()> {
        // An event whose lines were not all shown counts as not shown.
        let shown = if self.sheets.is_empty() { self.fed } else { self.fed.saturating_sub(1) };
        let (before, live) = match self.past {
            Some(past) => (past.begin, past.live),
            None => (shown, shown),
        };
        let earlier = self.steps.iter().rev().find(|at| **at < before);
        // Before the first step: what stands before it, unless one is there already.
        let begin = earlier.copied().unwrap_or(if self.is_past() { before } else { 0 });
        self.past = Some(Past { begin, live });
        self.rebuild(begin)
    }

    /// The next recorded step; after the last, what happens now.
    pub fn forward(&mut self) {
        let Some(past) = self.past else { return };
        let until = self.until();
        self.past = (until < past.live).then_some(Past { begin: until, ..past });
    }

    /// Back to where what happens now was left.
    pub fn return_to_now(&mut self) -> io::Result<()> {
        match self.past.take() {
            Some(past) => self.rebuild(past.live),
            None => Ok(()),
        }
    }

    /// To what will happen next: what was not shown yet is not shown any more.
    pub fn skip(&mut self) -> io::Result<()> {
        self.past = None;
        self.rebuild(self.events.len())
    }

    /// The event before which to stop.
    fn until(&self) -> usize {
        let Some(past) = self.past else { return self.events.len() };
        let next = self.steps.iter().find(|at| **at > past.begin);
        next.map_or(past.live, |next| past.live.min(*next))
    }

    fn refresh(&mut self) -> io::Result<()> {
        if self.stale { self.rebuild(self.fed) } else { Ok(()) }
    }

    /// A view that is where the old one was after so many events, and wrote nothing.
    fn rebuild(&mut self, fed: usize) -> io::Result<()> {
        self.stale = false;
        self.view = (self.make)(self.columns, self.sheets.clone());
        (self.fed, self.step) = (0, None);
        while self.fed < fed {
            let event = Arc::clone(&self.events[self.fed]);
            self.give(&event)?;
        }
        if self.busy.is_none() {
            self.view.quiet()?;
        }
        self.sheets.clear();
        Ok(())
    }

    fn give(&mut self, event: &Event) -> io::Result<()> {
        if let Kind::Step { n, of, .. } = &event.kind {
            self.step = Some((*n, *of));
        }
        self.fed += 1;
        self.view.event(event)
    }
}
