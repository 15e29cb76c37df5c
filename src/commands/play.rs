//! Runs a lesson: a bus, a player that fills it, a view on a thread of its own that reads it.

use std::io;
use std::thread;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::from;
use super::front::{Asker, Audience, Front, Hand, Lectern, Tempo, between};
use super::interrupt::{Interrupt, interrupt};
use super::look::Look;
use super::pace::Pacing;
use crate::cli::{Playing, lessons_folder};
use crate::failure::Failure;
use crate::lesson::library::Library;
use crate::lesson::parse::parse;
use crate::lesson::play::{Flags, Outcome, PlayError, Player, Ports, Predictions};
use crate::lesson::script::Lesson;
use crate::server::Servers;
use crate::tap::{Taps, kernel};
use crate::terminal::{Keys, Status};
use crate::timeline::{Bus, Kind, Reader, Seq, State};
use crate::view::View;

/// How a run ended, beside what it showed.
enum Ended {
    Played(Result<Outcome, PlayError>),
    /// Left in the middle of something.
    Left,
    Interrupted(Interrupt),
    /// Nobody reads what is written.
    Unread,
}

/// What the view's thread gives back: the hand for the next run, and how writing went.
struct Drew {
    hand: Option<Hand>,
    wrote: io::Result<()>,
}

/// Plays the lesson of this name or file; `command` is what the user typed, for hints.
pub(super) fn lesson(lesson: &str, command: &str, playing: &Playing, flags: Flags) -> Result<(), Failure> {
    let source = Library::new(lessons_folder()).find(lesson)?;
    let lesson = parse(&source.name, &source.file, &source.text)?;
    let flags = from::begin(&lesson, playing, command, flags)?;
    kernel::raise_descriptor_limit();
    let look = Look::decide(playing);
    let status = look.status();
    let mut hand = hand(playing, &look)?;
    let mut flags = flags;
    let mut predictions = Predictions::new();
    let mut broken = 0;
    loop {
        let run = Run { lesson: &lesson, port: playing.port, flags, look, bus: Bus::new(), status: &status };
        let (ended, drew) = run.play(hand, predictions)?;
        broken += run.broken();
        let outcome = conclude(ended, drew.wrote, broken, &source.file, command)?;
        let Some(Outcome { again: Some(step), predictions: made, .. }) = outcome else { return Ok(()) };
        (flags.from, predictions, hand) = (step, made, drew.hand);
    }
}

/// Listens to keys only where somebody sits.
fn hand(playing: &Playing, look: &Look) -> Result<Option<Hand>, Failure> {
    if !look.watched {
        return Ok(None);
    }
    let keys = Keys::open(look.reading());
    let keys = keys.map_err(|error| Failure::new(format!("cannot read keys: {error}")))?;
    let tempo = Tempo { auto: playing.auto, speed: playing.speed, slowly: !look.plain };
    Ok(keys.map(|keys| Hand::listen(keys, tempo)))
}

/// One run of a lesson, on a timeline of its own.
struct Run<'a> {
    lesson: &'a Lesson,
    port: u16,
    flags: Flags,
    look: Look,
    bus: Bus,
    status: &'a Status,
}

impl Run<'_> {
    /// Plays it, and shows it.
    fn play(&self, hand: Option<Hand>, predictions: Predictions) -> Result<(Ended, Drew), Failure> {
        let (lectern, audience) = between();
        let asker = if hand.is_some() { lectern.asker() } else { Asker::default() };
        let pacing = Pacing { asker, status: self.status.clone() };
        let mut drew = self.show(hand, audience);
        let (ended, early) = runtime()?.block_on(async {
            tokio::select! {
                ended = self.until_the_end(pacing, predictions, lectern) => (ended, None),
                // Before the end it ends only if it cannot write.
                drew = &mut drew => (Ended::Unread, Some(drew)),
            }
        });
        // The runtime is gone, and with it every connection: now all is told.
        self.bus.end();
        let drew = match early {
            Some(drew) => drew,
            None => runtime()?.block_on(async {
                tokio::select! {
                    drew = drew => Ok(drew),
                    // Whoever reads what is written may have stopped reading; the thread goes with the process.
                    interrupt = interrupt() => Err(Failure::interrupted(interrupt.code())),
                }
            })?,
        };
        self.status.clear();
        let failed = |_| Drew { hand: None, wrote: Err(io::Error::other("the view failed")) };
        Ok((ended, drew.unwrap_or_else(failed)))
    }

    /// Starts the thread that draws.
    fn show(&self, hand: Option<Hand>, audience: Audience) -> oneshot::Receiver<Drew> {
        let (done, drew) = oneshot::channel();
        let Some(hand) = hand else {
            let view = self.look.view(&self.bus, self.status);
            let reader = self.bus.reader();
            thread::spawn(move || {
                done.send(Drew { hand: None, wrote: view.and_then(|view| draw(reader, view)) })
            });
            return drew;
        };
        let front = Front {
            bus: self.bus.clone(),
            screen: self.look.screen(self.status),
            status: self.status.clone(),
            make: self.look.maker(),
            width: self.look.asked,
            audience,
        };
        thread::spawn(move || {
            let (hand, wrote) = front.run(hand);
            done.send(Drew { hand: Some(hand), wrote })
        });
        drew
    }

    async fn until_the_end(
        &self,
        mut pacing: Pacing,
        predictions: Predictions,
        mut lectern: Lectern,
    ) -> Ended {
        let servers = Servers::default();
        let playing = async {
            let (taps, ports) = (Taps::new(self.bus.clone()), Ports::from(self.port));
            let player =
                Player::new(self.lesson, taps, servers.clone(), ports, self.flags, &mut pacing).await?;
            player.predicted(predictions).play().await
        };
        // Borrowed, so that the lesson's clients are still there when the server says 1001 to them.
        let mut playing = std::pin::pin!(playing);
        let ended = tokio::select! {
            played = &mut playing => return Ended::Played(played),
            () = lectern.left() => Ended::Left,
            interrupt = interrupt() => Ended::Interrupted(interrupt),
        };
        lectern.is_over();
        let sockets = self.open_sockets();
        let noun = if sockets == 1 { "socket" } else { "sockets" };
        let closing = format!("Closing {sockets} {noun} with 1001 (Ctrl-C again to force)");
        self.status.only(&closing);
        tokio::select! {
            () = servers.stop() => {}
            _ = interrupt() => {}
        }
        ended
    }

    fn open_sockets(&self) -> usize {
        let mut state = State::default();
        self.bus.after(Seq(0)).iter().for_each(|event| state.event(event));
        let open = state.connections.values().filter(|it| it.closed.is_none() && it.upgraded.is_some());
        open.count()
    }

    /// Claims that did not hold.
    fn broken(&self) -> usize {
        let broken = |kind: &Kind| matches!(kind, Kind::Claim(claim) if claim.held == Some(false));
        self.bus.after(Seq(0)).iter().filter(|event| broken(&event.kind)).count()
    }
}

/// One thread: what the server and the clients do is then told in the order in which it was done.
fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))
}

/// What came of it, if it was played to its end.
fn conclude(
    ended: Ended,
    wrote: io::Result<()>,
    broken: usize,
    file: &str,
    command: &str,
) -> Result<Option<Outcome>, Failure> {
    match wrote {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(None),
        Err(error) => return Err(Failure::new(format!("cannot write: {error}"))),
        Ok(()) => {}
    }
    let outcome = match ended {
        Ended::Interrupted(interrupt) => return Err(Failure::interrupted(interrupt.code())),
        Ended::Unread => return Ok(None),
        Ended::Played(Err(error)) => return Err(Failure::play(&error, file, command)),
        Ended::Left => None,
        Ended::Played(Ok(outcome)) => Some(outcome),
    };
    match (&outcome, broken) {
        (Some(Outcome { again: Some(_), .. }), _) | (_, 0) => Ok(outcome),
        (_, 1) => Err(Failure::new("1 claim did not hold")),
        (_, broken) => Err(Failure::new(format!("{broken} claims did not hold"))),
    }
}

fn draw(mut reader: Reader, mut view: Box<dyn View>) -> io::Result<()> {
    loop {
        let batch = reader.next_batch();
        if batch.is_empty() {
            return view.finish();
        }
        for event in &batch {
            view.event(event)?;
        }
    }
}
