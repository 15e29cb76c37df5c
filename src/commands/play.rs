//! Runs a lesson: a bus, a player that fills it, a view on a thread of its own that reads it.

use std::collections::BTreeSet;
use std::io;
use std::thread;

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::RecvError;

use super::from;
use super::front::{Asker, Audience, Front, Hand, Lectern, Tempo, between};
use super::interrupt::{Interrupt, interrupt};
use super::look::Look;
use super::pace::Pacing;
use super::{cannot_start, network, runtime, typed};
use crate::cli::{Playing, lessons_folder};
use crate::failure::Failure;
use crate::lesson::library::Library;
use crate::lesson::parse::parse;
use crate::lesson::play::{Flags, Haste, Hopeless, Instead, Outcome, PlayError, Player, Ports, look_ahead};
use crate::lesson::script::Lesson;
use crate::server::Servers;
use crate::tap::{Taps, kernel};
use crate::terminal::Status;
use crate::timeline::{Bus, Kind, Reader, Seq, State};
use crate::view::View;

/// How a run ended, beside what it showed.
enum Ended {
    Played(Result<Outcome, PlayError>),
    /// Left in the middle of something.
    Left,
    Interrupted(Interrupt),
    /// The same, with what there was so far.
    CutShort(Interrupt, Result<Outcome, PlayError>),
    /// Nobody reads what is written.
    Unread,
}

/// What the view's thread gives back: the hand for the next run, and how writing went.
struct Drew {
    hand: Option<Hand>,
    wrote: io::Result<()>,
}

/// Plays the lesson of this name or file.
pub(super) fn lesson(lesson: &str, playing: &Playing, flags: Flags) -> Result<(), Failure> {
    let source = Library::new(lessons_folder()).find(lesson)?;
    let lesson = parse(&source.name, &source.file, &source.text)?;
    let flags = Flags { network: network(&playing.network), ..flags };
    let flags = from::begin(&lesson, playing, &typed::without("--from"), flags)?;
    look_ahead(&lesson, &flags).map_err(hopeless)?;
    kernel::raise_descriptor_limit();
    let look = Look::decide(playing);
    let status = look.status();
    let mut hand = hand(playing, &look)?;
    let mut flags = flags;
    let mut before = Outcome::default();
    let mut broken = BTreeSet::new();
    loop {
        let run = Run {
            lesson: &lesson,
            port: playing.port,
            flags: flags.clone(),
            look,
            bus: Bus::new(),
            status: &status,
        };
        let (ended, drew) = run.play(hand, before)?;
        broken.extend(run.broken());
        match conclude(ended, drew.wrote, broken.len(), &source.file)? {
            Some(outcome @ Outcome { again: Some(step), .. }) => {
                (flags.from, before, hand) = (step, outcome, drew.hand);
            }
            Some(_) | None => return Ok(()),
        }
    }
}

/// With what to type, or to write.
fn hopeless(hopeless: Hopeless) -> Failure {
    let hint = match hopeless.instead {
        Instead::Flags(flags) => typed::with(&flags),
        Instead::Fence(words) => words,
    };
    Failure::usage(hopeless.what).with_hint(hint)
}

/// Listens to keys only where somebody sits.
fn hand(playing: &Playing, look: &Look) -> Result<Option<Hand>, Failure> {
    if !look.watched {
        return Ok(None);
    }
    let tempo = Tempo { auto: playing.auto, speed: playing.speed, slowly: !look.plain };
    let hand = Hand::take(look.reading(), tempo);
    hand.map_err(|error| Failure::new(format!("cannot read keys: {error}")))
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
    fn play(&self, hand: Option<Hand>, before: Outcome) -> Result<(Ended, Drew), Failure> {
        let (lectern, audience) = between();
        let asker = if hand.is_some() { lectern.asker() } else { Asker::default() };
        let pacing = Pacing { asker, status: self.status.clone() };
        let mut drew = self.show(hand, audience);
        let start = || runtime().map_err(cannot_start);
        let (ended, early) = start()?.block_on(self.until_the_end(pacing, before, lectern, &mut drew));
        // The runtime is gone, and with it every connection: now all is told.
        self.bus.end();
        let drew = match early {
            Some(drew) => drew,
            None => start()?.block_on(async {
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

    /// How it ended; and what the view gave back, where that was before the end.
    async fn until_the_end(
        &self,
        mut pacing: Pacing,
        before: Outcome,
        mut lectern: Lectern,
        drew: &mut oneshot::Receiver<Drew>,
    ) -> (Ended, Option<Result<Drew, RecvError>>) {
        let servers = Servers::default();
        let haste = Haste::default();
        let playing = async {
            let (taps, ports) = (Taps::new(self.bus.clone()), Ports::from(self.port).again(&before.ports));
            let player =
                Player::new(self.lesson, taps, servers.clone(), ports, self.flags.clone(), &mut pacing)
                    .await?;
            player.predicted(before.predictions).hasted(haste.clone()).play().await
        };
        // Borrowed, so that the lesson's clients are still there when the server says 1001 to them.
        let mut playing = std::pin::pin!(playing);
        let ended = tokio::select! {
            played = &mut playing => return (Ended::Played(played), None),
            // Before the end it ends only if it cannot write.
            drew = &mut *drew => return (Ended::Unread, Some(drew)),
            () = lectern.left() => Ended::Left,
            interrupt = interrupt() => Ended::Interrupted(interrupt),
        };
        if let Ended::Interrupted(first) = ended
            && haste.ask()
        {
            self.status.only("Ending early, with the results so far (Ctrl-C again to force)");
            tokio::select! {
                played = &mut playing => return (Ended::CutShort(first, played), None),
                drew = drew => return (Ended::Unread, Some(drew)),
                _ = interrupt() => {}
            }
        }
        lectern.is_over();
        let sockets = self.open_sockets();
        if sockets > 0 {
            let noun = if sockets == 1 { "socket" } else { "sockets" };
            let again = if matches!(ended, Ended::Interrupted(Interrupt::CtrlC)) { " again" } else { "" };
            self.status.only(&format!("Closing {sockets} {noun} with 1001 (Ctrl-C{again} to force)"));
        }
        tokio::select! {
            () = servers.stop() => {}
            _ = interrupt() => {}
        }
        (ended, None)
    }

    fn open_sockets(&self) -> usize {
        let mut state = State::default();
        self.bus.after(Seq(0)).iter().for_each(|event| state.event(event));
        let open = state.connections.values().filter(|it| it.closed.is_none() && it.upgraded.is_some());
        open.count()
    }

    /// The lines of claims that did not hold.
    fn broken(&self) -> BTreeSet<u64> {
        let broken = |kind: &Kind| match kind {
            Kind::Claim(claim) if claim.held == Some(false) => Some(claim.line),
            _ => None,
        };
        self.bus.after(Seq(0)).iter().filter_map(|event| broken(&event.kind)).collect()
    }
}

/// What came of it, if it was played to its end.
fn conclude(
    ended: Ended,
    wrote: io::Result<()>,
    broken: usize,
    file: &str,
) -> Result<Option<Outcome>, Failure> {
    // Where the terminal is gone, nothing more can be written to it.
    if let Ended::Interrupted(interrupt) | Ended::CutShort(interrupt, Ok(_)) = ended {
        return Err(Failure::interrupted(interrupt.code()));
    }
    match wrote {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(None),
        Err(error) => return Err(Failure::new(format!("cannot write: {error}"))),
        Ok(()) => {}
    }
    let outcome = match ended {
        Ended::Interrupted(_) | Ended::CutShort(_, Ok(_)) | Ended::Unread => return Ok(None),
        Ended::CutShort(_, Err(error)) | Ended::Played(Err(error)) => {
            return Err(Failure::play(&error, file, &typed::without("--port")));
        }
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
