//! What happened, and how far it was drawn: live, or a step of the past once more.
//!
//! Events are given to the view one by one; what it writes waits on the sheets. Going back, and another width, are a view that
//! starts anew and is fed what was before without showing it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::sheets::Sheets;
use crate::terminal::{Group, Line};
use crate::timeline::{Event, Kind};
use crate::view::View;

/// What happens further apart than this does not happen together.
const QUIET: Duration = Duration::from_millis(250);

/// Makes a view for so many columns, which writes to these sheets.
pub(in crate::commands) type Make = Box<dyn Fn(usize, Sheets) -> Box<dyn View> + Send>;

/// What happened in one run.
#[derive(Debug, Default)]
pub(in crate::commands) struct Track {
    events: Vec<Arc<Event>>,
    /// Where steps begin among the events, and their numbers.
    steps: Vec<(usize, u64)>,
}

impl Track {
    /// Where the step begins that is shown before this event, and its number.
    fn step_before(&self, event: usize) -> Option<(usize, u64)> {
        self.steps.iter().rev().find(|(at, _)| *at < event).copied()
    }

    /// The event before which the step ends that begins here.
    fn end_of(&self, begin: usize) -> usize {
        let next = self.steps.iter().find(|(at, _)| *at > begin);
        next.map_or(self.events.len(), |(at, _)| *at)
    }
}

/// The recordings, and the view that draws them.
pub(super) struct Reel {
    make: Make,
    view: Box<dyn View>,
    /// What the view wrote, and nobody saw yet.
    pub sheets: Sheets,
    columns: usize,
    /// The width has changed: the view is to be made anew.
    stale: bool,
    /// This run; before it, earlier runs of the same lesson.
    now: Track,
    earlier: Vec<Track>,
    /// How many events of its track the view was given.
    fed: usize,
    /// How many events of this run are on the screen, with all that the view wrote of them.
    shown: usize,
    /// The step that it is in, and how many there are.
    step: Option<(u64, u64)>,
    past: Option<Past>,
    /// When the view was given an event last, unless it was told already that it is quiet since then.
    busy: Option<Instant>,
}

/// Something recorded is shown.
#[derive(Debug, Clone, Copy)]
struct Past {
    scene: Scene,
    /// How many events of this run had been shown when one went back.
    live: usize,
}

/// A step of a run.
#[derive(Debug, Clone, Copy)]
struct Scene {
    /// Which of the earlier runs; `None`: this one.
    run: Option<usize>,
    /// The event that it begins with.
    begin: usize,
    /// The step's number; 0 before the first.
    step: u64,
}

impl Reel {
    /// `earlier`: what was recorded before this run began, in that order.
    pub fn new(make: Make, columns: usize, earlier: Vec<Track>) -> Self {
        let sheets = Sheets::default();
        let view = make(columns, sheets.clone());
        Self {
            make,
            view,
            sheets,
            columns,
            stale: false,
            now: Track::default(),
            earlier,
            fed: 0,
            shown: 0,
            step: None,
            past: None,
            busy: None,
        }
    }

    /// All that was recorded.
    pub fn into_tracks(self) -> Vec<Track> {
        let Self { mut earlier, now, .. } = self;
        earlier.push(now);
        earlier
    }

    /// Something happened.
    pub fn happened(&mut self, event: Arc<Event>) {
        if let Kind::Step { n, .. } = event.kind {
            self.now.steps.push((self.now.events.len(), n));
        }
        self.now.events.push(event);
    }

    /// How many events of this run it was told.
    pub fn known(&self) -> usize {
        self.now.events.len()
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
                Some(past) => self.is_last(past) && past.live as u64 >= seq,
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
        self.settle();
        self.refresh()?;
        let event = Arc::clone(&self.track().events[self.fed]);
        self.busy = Some(now);
        self.give(&event)?;
        Ok(true)
    }

    /// Tells the view that nothing happened for a moment, once, if that is so.
    pub fn quiet(&mut self, now: Instant) -> io::Result<bool> {
        // What is known but not given yet may belong to what is held back.
        let is_quiet =
            self.fed == self.track().events.len() && self.busy.is_some_and(|since| since + QUIET <= now);
        if is_quiet {
            self.busy = None;
            self.view.quiet()?;
        }
        Ok(is_quiet)
    }

    /// When it will be quiet, if nothing happens.
    pub fn quiet_at(&self) -> Option<Instant> {
        self.busy.filter(|_| self.fed == self.track().events.len()).map(|since| since + QUIET)
    }

    /// The timeline ended.
    pub fn finish(&mut self) -> io::Result<()> {
        self.view.finish()
    }

    /// All bytes of the step that is shown.
    pub fn bytes(&mut self) -> io::Result<()> {
        self.settle();
        let sheets = self.sheets.clone();
        sheets.first_of_all(|| {
            self.refresh()?;
            self.view.bytes()
        })
    }

    /// Something that is of no event, before what waits.
    pub fn aside(&mut self, lines: Vec<Line>) {
        self.settle();
        self.sheets.first_of_all(|| self.sheets.push(Group::Block, lines));
    }

    /// The step that was shown last, once more; asked again, the one before it.
    pub fn back(&mut self) -> io::Result<()> {
        self.settle();
        let shown = self.shown;
        let last = || {
            self.now.step_before(shown).map_or(self.first(), |(begin, step)| Scene { run: None, begin, step })
        };
        let (scene, live) = match self.past {
            None => (last(), shown),
            Some(Past { scene, live }) => {
                let before = scene.step.checked_sub(1).filter(|step| *step > 0);
                (before.and_then(|step| self.find(step, live)).unwrap_or(scene), live)
            }
        };
        self.past = Some(Past { scene, live });
        self.rebuild(scene.begin)
    }

    /// The next recorded step; after the last, what happens now.
    pub fn forward(&mut self) -> io::Result<()> {
        let Some(past) = self.past else { return Ok(()) };
        if self.is_last(past) {
            return self.return_to_now();
        }
        let Some(scene) = self.find(past.scene.step + 1, past.live) else { return self.return_to_now() };
        let goes_on = scene.run == past.scene.run && scene.begin == self.fed;
        self.past = Some(Past { scene, ..past });
        if goes_on { Ok(()) } else { self.rebuild(scene.begin) }
    }

    /// Back to where what happens now was left.
    pub fn return_to_now(&mut self) -> io::Result<()> {
        match self.past.take() {
            // The same view goes on.
            Some(past) if past.scene.run.is_none() && self.fed == past.live => {
                self.sheets.clear();
                Ok(())
            }
            Some(past) => self.rebuild(past.live),
            None => Ok(()),
        }
    }

    /// To what will happen next: what was not shown yet is not shown any more.
    pub fn skip(&mut self) -> io::Result<()> {
        self.past = None;
        self.rebuild(self.now.events.len())
    }

    /// What stands before the first step of this run.
    fn first(&self) -> Scene {
        Scene { run: None, begin: 0, step: 0 }
    }

    /// A step as it was recorded last; of this run, only what had been shown.
    fn find(&self, step: u64, live: usize) -> Option<Scene> {
        let at = |track: &Track, run, limit| {
            let found = track.steps.iter().find(|(at, n)| *n == step && *at < limit);
            found.map(|(begin, _)| Scene { run, begin: *begin, step })
        };
        let earlier = || {
            let mut runs = self.earlier.iter().enumerate().rev();
            runs.find_map(|(run, track)| at(track, Some(run), usize::MAX))
        };
        at(&self.now, None, live).or_else(earlier)
    }

    /// Whether it ends where this run was left.
    fn is_last(&self, past: Past) -> bool {
        past.scene.run.is_none() && self.now.end_of(past.scene.begin) >= past.live
    }

    /// The event before which to stop.
    fn until(&self) -> usize {
        match self.past {
            None => self.now.events.len(),
            Some(past) => {
                let end = self.track().end_of(past.scene.begin);
                if past.scene.run.is_none() { end.min(past.live) } else { end }
            }
        }
    }

    /// What is shown.
    fn track(&self) -> &Track {
        let run = self.past.and_then(|past| past.scene.run);
        run.and_then(|run| self.earlier.get(run)).unwrap_or(&self.now)
    }

    /// What waits is of the last event, unless something else was written since nothing waited.
    fn settle(&mut self) {
        if self.sheets.is_empty() && self.past.is_none() {
            self.shown = self.fed;
        }
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
            let event = Arc::clone(&self.track().events[self.fed]);
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
