//! What is shown next, and what a key means now. Pure: time and keys are handed in, lines are handed out.
//!
//! Facts arrive when they arrive. They are given to the view one by one, and what it writes is shown row by row and page
//! by page, so that people can follow. Going back shows recorded events once more, through a view that starts anew.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::asked::Asked;
use super::prompt;
use super::sheets::Sheets;
use super::tempo::Tempo;
use crate::lesson::pace::Go;
use crate::terminal::{Group, Ink, Key, Line};
use crate::timeline::{Event, Kind, State};
use crate::view::View;

/// What happens further apart than this does not happen together.
const QUIET: Duration = Duration::from_millis(100);
/// Rows of a screen that a page leaves free: what was there before stays in sight.
const FREE: usize = 10;

/// Makes a view for so many columns, which writes to these sheets.
pub(in crate::commands) type Make = Box<dyn Fn(usize, Sheets) -> Box<dyn View> + Send>;

/// The size of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) struct Size {
    pub columns: usize,
    pub rows: usize,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// These lines come next.
    Show(Vec<Line>),
    /// Nothing until then, or until something happens.
    Wait(Option<Instant>),
    /// All was shown, and nothing more will come.
    End,
}

/// What a key leads to beyond the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    /// The lesson is to be left in the middle of something.
    Leave,
}

/// The state of what is shown.
pub(super) struct Desk {
    make: Make,
    view: Box<dyn View>,
    sheets: Sheets,
    size: Size,
    pub tempo: Tempo,
    /// Everything that happened so far.
    events: Vec<Arc<Event>>,
    /// What it adds up to.
    state: State,
    /// Where steps begin among the events.
    steps: Vec<usize>,
    /// How many events the view was given.
    fed: usize,
    /// The recorded step that is shown, if any.
    past: Option<usize>,
    asked: Option<Asked>,
    /// What was predicted last, and not answered yet.
    said: Option<u64>,
    /// Rows on this page.
    page: usize,
    /// The page is full.
    full: bool,
    /// What is left is to be shown at once.
    rush: bool,
    /// When a row was shown last.
    row: Option<Instant>,
    /// When the view was given an event last, unless it was told already that it is quiet since then.
    busy: Option<Instant>,
    /// Since when it rests.
    rests: Option<Instant>,
    /// The size has changed: the view is to be made anew.
    stale: bool,
    /// Nothing more will happen.
    ended: bool,
    finished: bool,
    /// The lesson is being left.
    over: bool,
}

impl Desk {
    pub fn new(make: Make, size: Size, tempo: Tempo) -> Self {
        let sheets = Sheets::default();
        let view = make(size.columns, sheets.clone());
        Self {
            make,
            view,
            sheets,
            size,
            tempo,
            events: Vec::new(),
            state: State::default(),
            steps: Vec::new(),
            fed: 0,
            past: None,
            asked: None,
            said: None,
            page: 0,
            full: false,
            rush: false,
            row: None,
            busy: None,
            rests: None,
            stale: false,
            ended: false,
            finished: false,
            over: false,
        }
    }

    /// Something happened.
    pub fn happened(&mut self, event: Arc<Event>) {
        self.state.event(&event);
        match &event.kind {
            Kind::Step { .. } => self.steps.push(self.events.len()),
            Kind::Answer { .. } => self.said = None,
            _ => {}
        }
        self.events.push(event);
    }

    /// How many events it was told.
    pub fn known(&self) -> usize {
        self.events.len()
    }

    /// Nothing more will happen: the rest is shown at once.
    pub fn end(&mut self) {
        self.ended = true;
        self.rush = true;
        self.full = false;
    }

    /// The lesson is being left: what was not shown yet is not shown any more. What the end does on the wire is.
    pub fn cut_short(&mut self) -> io::Result<()> {
        self.over = true;
        self.rush = true;
        self.full = false;
        self.past = None;
        self.rebuild(self.events.len())
    }

    /// The lesson asks.
    pub fn ask(&mut self, asked: Asked) {
        self.asked = Some(asked);
    }

    /// The screen has another size.
    pub fn resize(&mut self, size: Size) {
        self.stale |= self.size.columns != size.columns;
        self.size = size;
    }

    /// What comes next.
    pub fn next(&mut self, now: Instant) -> io::Result<Next> {
        loop {
            if !self.full
                && let Some(next) = self.show(now)
            {
                return Ok(next);
            }
            if !self.full && self.fed < self.until() {
                self.feed()?;
                self.busy = Some(now);
                continue;
            }
            if self.busy.take_if(|since| *since + QUIET <= now).is_some() {
                self.view.quiet()?;
                continue;
            }
            if self.ended && !self.finished {
                self.finished = true;
                if !self.over {
                    self.view.finish()?;
                }
                continue;
            }
            if self.ended && self.sheets.is_empty() {
                return Ok(Next::End);
            }
            if !self.full && !self.is_asking() {
                self.rests = None;
                return Ok(Next::Wait(self.busy.map(|since| since + QUIET)));
            }
            let since = *self.rests.get_or_insert(now);
            let due = self.tempo.auto.then(|| since + self.time_to_read());
            if due.is_none_or(|due| due > now) {
                return Ok(Next::Wait(due.into_iter().chain(self.busy.map(|since| since + QUIET)).min()));
            }
            self.go_on();
        }
    }

    /// The next sheet, if it is its turn.
    fn show(&mut self, now: Instant) -> Option<Next> {
        let sheet = self.sheets.first()?;
        self.rests = None;
        let due = self.row.filter(|_| self.tempo.slowly && !self.rush);
        let due = due.map(|row| row + self.tempo.between_rows());
        if let Some(due) = due.filter(|due| *due > now) {
            return Some(Next::Wait(Some(due)));
        }
        let mut count = sheet.lines.len();
        if self.tempo.slowly && !self.ended {
            let room = self.room().saturating_sub(self.page);
            if count > room && self.page > 0 {
                self.full = true;
                return None;
            }
            // More than a page: as much of it as fits. A gap at its front is the first thing to go.
            if count > room && sheet.lines[0].0.is_empty() {
                self.sheets.take(1);
                return self.show(now);
            }
            count = count.min(room);
        }
        self.row = (sheet.group == Group::Row).then_some(now);
        self.page += count;
        Some(Next::Show(self.sheets.take(count)))
    }

    /// How many rows a page has.
    fn room(&self) -> usize {
        match self.size.rows {
            0..14 => self.size.rows.saturating_sub(3).max(4),
            14..24 => 14.min(self.size.rows - 2),
            rows => rows - FREE,
        }
    }

    fn feed(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.stale) {
            self.rebuild(self.fed)?;
        }
        let event = Arc::clone(&self.events[self.fed]);
        self.fed += 1;
        self.view.event(&event)
    }

    /// A view that is where the old one was after so many events, and wrote nothing.
    fn rebuild(&mut self, fed: usize) -> io::Result<()> {
        self.view = (self.make)(self.size.columns, self.sheets.clone());
        for event in &self.events[..fed] {
            self.view.event(event)?;
        }
        if self.busy.is_none() {
            self.view.quiet()?;
        }
        self.sheets.clear();
        self.fed = fed;
        Ok(())
    }

    /// The event before which to stop.
    fn until(&self) -> usize {
        let next = self.past.and_then(|past| self.steps.get(past + 1));
        next.copied().unwrap_or(self.events.len())
    }

    /// Whether the lesson waits for somebody, and all that it told is on the screen.
    fn is_asking(&self) -> bool {
        let told = |asked: &Asked| self.past.is_some() || self.fed as u64 >= asked.shown().0;
        self.sheets.is_empty() && self.fed >= self.until() && self.asked.as_ref().is_some_and(told)
    }

    fn time_to_read(&self) -> Duration {
        let words = match &self.asked {
            // Rows came one by one; the words are counted at the stop.
            _ if self.full => 0,
            Some(asked) if asked.is_last() => return Duration::ZERO,
            Some(asked) => asked.words(),
            None => 0,
        };
        self.tempo.time_to_read(words)
    }

    /// What a key means now.
    pub fn key(&mut self, key: Key) -> io::Result<Effect> {
        match key {
            Key::Next => self.go_on(),
            Key::Quit => return self.leave(),
            Key::Auto => {
                self.tempo.auto = !self.tempo.auto;
                self.rests = None;
            }
            Key::Faster => self.tempo.faster(),
            Key::Slower => self.tempo.slower(),
            Key::Back if self.full || self.is_asking() => self.back()?,
            Key::Bytes if self.is_asking() => {
                self.turn_page();
                if std::mem::take(&mut self.stale) {
                    self.rebuild(self.fed)?;
                }
                self.view.bytes()?;
            }
            Key::Help if self.is_asking() => {
                self.turn_page();
                self.sheets.push(Group::Block, prompt::help(!self.tempo.slowly));
            }
            Key::Again if self.is_asking() => self.answer(Go::Again),
            Key::Number(n) if self.is_asking() && self.is_live() => self.choose(n.into()),
            Key::Back | Key::Bytes | Key::Help | Key::Again | Key::Number(_) | Key::Other => {}
        }
        Ok(Effect::None)
    }

    fn go_on(&mut self) {
        if self.full {
            self.turn_page();
        } else if !self.sheets.is_empty() || self.fed < self.until() {
            self.rush = true;
        } else if self.is_asking() {
            match self.past {
                Some(past) if past + 1 < self.steps.len() => {
                    self.past = Some(past + 1);
                    self.turn_page();
                }
                Some(_) | None => self.answer(Go::On),
            }
        }
    }

    fn leave(&mut self) -> io::Result<Effect> {
        self.cut_short()?;
        if self.asked.is_none() {
            return Ok(Effect::Leave);
        }
        self.answer(Go::Quit);
        self.rush = true;
        Ok(Effect::None)
    }

    fn answer(&mut self, go: Go) {
        if let Some(asked) = self.asked.take() {
            asked.answer(go);
        }
        self.past = None;
        self.turn_page();
    }

    fn choose(&mut self, choice: u64) {
        if let Some(asked) = self.asked.take_if(|asked| (1..=asked.choices()).contains(&choice)) {
            asked.choose(choice);
            self.said = Some(choice);
            self.past = None;
            self.turn_page();
        }
    }

    fn turn_page(&mut self) {
        self.page = 0;
        self.full = false;
        self.rush = false;
        self.row = None;
        self.rests = None;
    }

    /// The step that was shown last, once more; asked again, the one before it.
    fn back(&mut self) -> io::Result<()> {
        let Some(last) = self.steps.len().checked_sub(1) else { return Ok(()) };
        let past = self.past.map_or(last, |past| past.saturating_sub(1));
        self.past = Some(past);
        self.stale = false;
        self.rebuild(self.steps[past])?;
        self.turn_page();
        self.sheets.push(Group::Block, vec![Line::default(), recorded()]);
        Ok(())
    }

    /// Whether what is shown is what happened last.
    fn is_live(&self) -> bool {
        self.past.is_none_or(|past| past + 1 == self.steps.len())
    }

    /// What the status line is to say.
    pub fn prompt(&self) -> prompt::Now<'_> {
        let step = self.events[..self.fed].iter().rev().find_map(|event| match &event.kind {
            Kind::Step { n, of, .. } => Some((*n, *of)),
            _ => None,
        });
        prompt::Now {
            step,
            state: &self.state,
            asked: self.asked.as_ref().filter(|_| self.is_asking()),
            full: self.full,
            reveals: self.row.is_some() && !self.sheets.is_empty() && !self.rush,
            past: self.past.is_some(),
            over: self.over,
            said: self.said,
            tempo: self.tempo,
        }
    }
}

fn recorded() -> Line {
    Line::plain(" ").with(Ink::Dim, "Recorded: nothing is sent again.")
}
