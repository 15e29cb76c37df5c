//! What is shown next, and what a key means now. Pure: time and keys are handed in, lines are handed out.
//!
//! Facts arrive when they arrive. What a view makes of them (see [`super::reel`]) is shown row by row and page by page, so that
//! people can follow.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::asked::Asked;
use super::prompt;
use super::reel::{Make, Reel, Track};
use super::tempo::Tempo;
use crate::lesson::pace::Go;
use crate::terminal::{Group, Key, Line};
use crate::timeline::{ConnId, Elapsed, Event, Kind};

/// Rows of a screen that a page leaves free: what was there before stays in sight.
const FREE: usize = 10;

/// The size of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
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

/// What is shown of what the end of a run does on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// All of it.
    Shown,
    /// Nothing: another run follows.
    Unseen,
}

/// The state of what is shown.
pub(super) struct Desk {
    reel: Reel,
    size: Size,
    pub tempo: Tempo,
    /// Since when connections have been open that are not closed yet.
    open: BTreeMap<ConnId, Elapsed>,
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
    /// Since when it rests.
    rests: Option<Instant>,
    /// The lesson is being left.
    over: Option<Over>,
    /// Nothing more will happen.
    ended: bool,
    finished: bool,
}

impl Desk {
    pub fn new(make: Make, size: Size, tempo: Tempo, earlier: Vec<Track>) -> Self {
        let is_again = !earlier.is_empty();
        let reel = Reel::new(make, size.columns, earlier);
        if is_again && tempo.slowly {
            // A gap to what the earlier run left.
            reel.sheets.push(Group::Block, vec![Line::default()]);
        }
        Self {
            reel,
            size,
            tempo,
            open: BTreeMap::new(),
            asked: None,
            said: None,
            page: 0,
            full: false,
            rush: false,
            row: None,
            rests: None,
            over: None,
            ended: false,
            finished: false,
        }
    }

    /// Something happened.
    pub fn happened(&mut self, event: Arc<Event>) {
        if let Kind::Opened { conn, .. } = &event.kind {
            self.open.insert(*conn, event.at);
        }
        if let Kind::Closed { conn, .. } = &event.kind {
            self.open.remove(conn);
        }
        if let Kind::Answer { .. } = &event.kind {
            self.said = None;
        }
        self.reel.happened(event);
    }

    /// All that was recorded.
    pub fn into_tracks(self) -> Vec<Track> {
        self.reel.into_tracks()
    }

    /// How many events it was told.
    pub fn known(&self) -> usize {
        self.reel.known()
    }

    /// Nothing more will happen: the rest is shown at once.
    pub fn end(&mut self) -> io::Result<()> {
        self.ended = true;
        self.rush = true;
        self.full = false;
        self.reel.return_to_now()
    }

    /// The lesson is being left: what was not shown yet is not shown any more. What the end does on the wire is.
    pub fn cut_short(&mut self) -> io::Result<()> {
        self.over.get_or_insert(Over::Shown);
        self.rush = true;
        self.full = false;
        self.reel.skip()
    }

    /// The lesson asks.
    pub fn ask(&mut self, asked: Asked) {
        self.asked = Some(asked);
    }

    /// The screen has another size.
    pub fn resize(&mut self, size: Size) {
        self.reel.resize(size.columns);
        self.size = size;
    }

    /// What comes next.
    pub fn next(&mut self, now: Instant) -> io::Result<Next> {
        loop {
            if self.over == Some(Over::Unseen) {
                self.reel.sheets.clear();
            }
            if !self.full
                && let Some(next) = self.show(now)
            {
                return Ok(next);
            }
            if !self.full && self.reel.feed(now)? || self.reel.quiet(now)? {
                continue;
            }
            if self.ended && !self.finished {
                self.finished = true;
                if self.over.is_none() {
                    self.reel.finish()?;
                }
                continue;
            }
            if self.ended && self.reel.sheets.is_empty() {
                return Ok(Next::End);
            }
            let quiet = self.reel.quiet_at();
            if !self.rests() {
                self.rests = None;
                return Ok(Next::Wait(quiet));
            }
            let since = *self.rests.get_or_insert(now);
            let due = self.tempo.auto.then(|| since + self.time_to_read());
            if due.is_none_or(|due| due > now) {
                return Ok(Next::Wait(due.into_iter().chain(quiet).min()));
            }
            self.go_on()?;
        }
    }

    /// The next sheet, if it is its turn.
    fn show(&mut self, now: Instant) -> Option<Next> {
        let sheet = self.reel.sheets.first()?;
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
                self.reel.sheets.take(1);
                return self.show(now);
            }
            count = count.min(room);
        }
        self.row = (sheet.group == Group::Row).then_some(now);
        self.page += count;
        Some(Next::Show(self.reel.sheets.take(count)))
    }

    /// How many rows a page has.
    fn room(&self) -> usize {
        match self.size.rows {
            0..14 => self.size.rows.saturating_sub(3).max(4),
            14..24 => 14.min(self.size.rows - 2),
            rows => rows - FREE,
        }
    }

    /// Whether the lesson waits for somebody, and all that it told is on the screen.
    fn is_asking(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| self.reel.has_shown(asked.shown().0))
    }

    /// Whether all is on the screen that can be there without a key: of a step, or of what is recorded.
    fn is_at_rest(&self) -> bool {
        self.is_asking() || self.reel.is_past() && self.reel.is_at_its_end()
    }

    /// The same, or the page is full.
    fn rests(&self) -> bool {
        self.full || self.is_at_rest()
    }

    fn time_to_read(&self) -> Duration {
        let words = match &self.asked {
            // Rows came one by one; the words are counted at the stop.
            _ if self.full => 0,
            // Of what is recorded nobody counted them.
            _ if self.reel.is_past() => self.page,
            Some(asked) if asked.is_last() => return Duration::ZERO,
            Some(asked) => asked.words(),
            None => 0,
        };
        self.tempo.time_to_read(words)
    }

    /// What a key means now.
    pub fn key(&mut self, key: Key) -> io::Result<Effect> {
        match key {
            Key::Next => self.go_on()?,
            Key::Quit => return self.leave(),
            Key::Auto => {
                self.tempo.auto = !self.tempo.auto;
                self.rests = None;
            }
            Key::Faster => self.tempo.faster(),
            Key::Slower => self.tempo.slower(),
            Key::Back if self.rests() => self.back()?,
            Key::Bytes if self.rests() => {
                self.turn_page();
                self.reel.bytes()?;
            }
            Key::Help if self.rests() => self.say(prompt::help(!self.tempo.slowly)),
            Key::Again if self.rests() && self.asked.is_some() => self.again()?,
            Key::Number(n) if self.is_asking() => self.choose(n.into())?,
            // Where keys are lines, somebody may not see that nothing happened.
            Key::Other if self.rests() && !self.tempo.slowly => {
                self.say(vec![Line::plain(prompt::NO_KEY)]);
            }
            Key::Back | Key::Bytes | Key::Help | Key::Again | Key::Number(_) | Key::Other => {}
        }
        Ok(Effect::None)
    }

    fn go_on(&mut self) -> io::Result<()> {
        if self.full {
            self.turn_page();
        } else if !self.reel.is_at_its_end() {
            self.rush = true;
        } else if self.reel.is_past() {
            self.reel.forward()?;
            self.turn_page();
            // What comes next is what was to come next all the time.
            if !self.reel.is_past() && self.is_asking() {
                self.answer(Go::On)?;
            }
        } else if self.is_asking() {
            self.answer(Go::On)?;
        }
        Ok(())
    }

    fn leave(&mut self) -> io::Result<Effect> {
        self.cut_short()?;
        if self.asked.is_none() {
            return Ok(Effect::Leave);
        }
        self.answer(Go::Quit)?;
        self.rush = true;
        Ok(Effect::None)
    }

    /// The step that is shown, once more for real. The end of this run belongs to nothing that is told.
    fn again(&mut self) -> io::Result<()> {
        let Some((step, _)) = self.reel.step() else { return Ok(()) };
        self.over = Some(Over::Unseen);
        self.answer(Go::Again(step))
    }

    fn answer(&mut self, go: Go) -> io::Result<()> {
        if let Some(asked) = self.asked.take() {
            asked.answer(go);
        }
        self.turn_page();
        self.reel.return_to_now()
    }

    fn choose(&mut self, choice: u64) -> io::Result<()> {
        let choices = self.asked.as_ref().map_or(0, Asked::choices);
        if !(1..=choices).contains(&choice) {
            let none = Line::plain(prompt::no_choice(choice, choices));
            if !self.tempo.slowly {
                self.say(vec![none]);
            }
            return Ok(());
        }
        let Some(asked) = self.asked.take() else { return Ok(()) };
        asked.choose(choice);
        self.said = Some(choice);
        self.turn_page();
        self.reel.return_to_now()
    }

    fn turn_page(&mut self) {
        self.page = 0;
        self.full = false;
        self.rush = false;
        self.row = None;
        self.rests = None;
    }

    /// Something of our own, before what waits.
    fn say(&mut self, lines: Vec<Line>) {
        self.turn_page();
        self.reel.aside(lines);
    }

    fn back(&mut self) -> io::Result<()> {
        self.reel.back()?;
        self.turn_page();
        let recorded = prompt::recorded(!self.tempo.slowly);
        self.reel.sheets.push(Group::Block, recorded);
        Ok(())
    }

    /// What the status line is to say.
    pub fn prompt(&self) -> prompt::Now<'_> {
        prompt::Now {
            step: self.reel.step(),
            open: &self.open,
            asked: self.asked.as_ref().filter(|_| self.is_at_rest()),
            full: self.full,
            reveals: self.row.is_some() && !self.reel.sheets.is_empty() && !self.rush,
            past: self.reel.is_past(),
            rests: self.is_at_rest(),
            over: self.over.is_some(),
            said: self.said,
            tempo: self.tempo,
        }
    }
}
