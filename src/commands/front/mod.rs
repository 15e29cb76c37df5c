//! Where somebody sits: shows what happens so that people can follow, and listens to their keys.
//!
//! One thread draws and listens. [`desk`] decides what is shown next and what a key means; here it is done.

mod asked;
mod desk;
mod prompt;
mod reel;
mod sheets;
mod signals;
mod tempo;

#[cfg(test)]
mod tests;

use std::io::{self, Stdout};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

pub(super) use asked::{Asker, Audience, Lectern, between};
use desk::{Desk, Effect, Next, Size};
pub(super) use reel::Make;
use reel::Track;
use signals::{Signals, Told, may_suspend, suspend};
pub(super) use tempo::Tempo;

use super::interrupt::interrupt;
use super::runtime;
use crate::terminal::{self, Group, How, Key, Keys, Out as _, Part, Reading, Screen, Status};
use crate::timeline::{Bus, Seq};

/// How often the status line looks at the clock.
const TICK: Duration = Duration::from_secs(1);
/// So many keys may wait to be looked at; nobody types faster.
const MOST_KEYS: usize = 64;

/// The keys, read on a thread of its own: reading them blocks.
pub(super) struct Hand {
    keys: mpsc::Receiver<Key>,
    tempo: Tempo,
    /// What was recorded in earlier runs of the lesson.
    tracks: Vec<Track>,
}

impl Hand {
    /// Takes the terminal, and listens from now on; `None` where nobody can press anything.
    ///
    /// # Errors
    /// Where the terminal's settings cannot be read or changed.
    pub fn take(reading: Reading, tempo: Tempo) -> io::Result<Option<Self>> {
        hold_signals()?;
        Ok(Keys::open(reading)?.map(|keys| Self::listen(keys, tempo)))
    }

    fn listen(mut keys: Keys, tempo: Tempo) -> Self {
        let (pressed, receiver) = mpsc::channel(MOST_KEYS);
        let gone = pressed.clone();
        thread::spawn(move || {
            terminal::until_gone();
            gone.blocking_send(Key::Quit)
        });
        // Not joined: it may wait for a key that nobody presses any more. It ends with the process.
        thread::spawn(move || {
            loop {
                let key = keys.wait();
                if pressed.blocking_send(key).is_err() || key == Key::Quit {
                    // Kept, so that the terminal stays as it is set until the process restores it.
                    std::mem::forget(keys);
                    return;
                }
            }
        });
        Self { keys: receiver, tempo, tracks: Vec::new() }
    }
}

/// What a front needs.
pub(super) struct Front {
    pub bus: Bus,
    pub screen: Screen<Stdout>,
    pub status: Status,
    pub make: Make,
    /// How many columns to draw; `None`: those of the terminal, also when they change.
    pub width: Option<usize>,
    /// What the lesson asks, and when it is left.
    pub audience: Audience,
}

impl Front {
    /// Shows everything until the timeline ends. Gives the hand back, for when the lesson is run again.
    pub fn run(self, mut hand: Hand) -> (Hand, io::Result<()>) {
        let status = self.status.clone();
        let ran = runtime().and_then(|runtime| runtime.block_on(self.show(&mut hand)));
        status.clear();
        (hand, ran)
    }

    async fn show(self, hand: &mut Hand) -> io::Result<()> {
        let Self { bus, mut screen, status, make, width, mut audience } = self;
        let size = || Size { columns: width.unwrap_or_else(terminal::width), rows: terminal::height() };
        let mut signals = Signals::listen()?;
        let mut growth = bus.growth();
        let mut desk = Desk::new(make, size(), hand.tempo, std::mem::take(&mut hand.tracks));
        let mut has_keys = true;
        loop {
            growth.borrow_and_update();
            let ended = bus.has_ended();
            bus.after(Seq(desk.known() as u64)).into_iter().for_each(|event| desk.happened(event));
            if ended {
                desk.end()?;
            }
            let due = match desk.next(Instant::now())? {
                Next::Show(lines) => {
                    screen.show(Group::Block, &lines)?;
                    continue;
                }
                Next::End => {
                    hand.tracks = desk.into_tracks();
                    return Ok(());
                }
                Next::Wait(due) => due,
            };
            prompt(&bus, &status, &desk);
            let wake = due.map_or(TICK, |due| due.saturating_duration_since(Instant::now()).min(TICK));
            tokio::select! {
                biased;
                // Before the question that they cannot have been meant for.
                key = hand.keys.recv(), if has_keys => {
                    // What it said may not be so any more.
                    status.show(Part::Keys, "");
                    has_keys = key.is_some();
                    let effect = desk.key(key.unwrap_or(Key::Other))?;
                    if effect == Effect::Leave {
                        audience.leave();
                    }
                    hand.tempo = desk.tempo;
                }
                asked = audience.next() => match asked {
                    Some(asked) => desk.ask(asked),
                    None => desk.cut_short()?,
                },
                told = signals.next() => {
                    obey(told, &status);
                    // Also after a while away it may be another.
                    desk.resize(size());
                    status.resize(terminal::width());
                }
                _ = growth.changed() => {}
                () = tokio::time::sleep(wake) => {}
            }
        }
    }
}

/// From here on no signal ends or stops this process behind its back: the terminal is to be given back first. One that comes
/// before anybody listens is not heard.
fn hold_signals() -> io::Result<()> {
    runtime()?.block_on(async {
        tokio::select! {
            biased;
            _ = interrupt() => {}
            () = std::future::ready(()) => {}
        }
        Signals::listen().map(drop)
    })
}

/// The shell wants its terminal, or gives it back.
fn obey(told: Told, status: &Status) {
    match told {
        Told::Suspend if may_suspend() => {
            status.hide();
            terminal::lend();
            suspend();
        }
        Told::Continued => {
            terminal::take_back();
            status.unhide();
        }
        Told::Suspend | Told::Resized => {}
    }
}

fn prompt(bus: &Bus, status: &Status, desk: &Desk) {
    let now = desk.prompt();
    let lines = status.how() == How::Lines;
    let place = now.place(bus.now());
    let room = terminal::width().saturating_sub(place.chars().count() + " · ".chars().count() + 1);
    status.prompt(&place, &now.keys(room, lines));
}
