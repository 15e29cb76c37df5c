//! Runs a lesson: a bus, a player that fills it, a view on a thread of its own that reads it.

use std::io::{self, BufWriter};
use std::thread;

use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};

use super::from;
use super::pace::{KeyReader, Pace, Pacing};
use crate::cli::{Colour, Playing, lessons_folder};
use crate::failure::Failure;
use crate::lesson::library::Library;
use crate::lesson::parse::parse;
use crate::lesson::play::{Flags, Outcome, PlayError, Player, Ports};
use crate::lesson::script::Lesson;
use crate::server::Servers;
use crate::tap::{Taps, kernel};
use crate::terminal::{self, ColourChoice, Depth, Environment, Keys, Screen, Status};
use crate::timeline::{Bus, Reader, Seq, State};
use crate::view::{Json, Narrator, Options, Plain, View};

/// How a run ended, beside what it showed.
enum Ended {
    Played(Result<Outcome, PlayError>),
    Interrupted,
    /// Nobody reads what is written.
    Unread,
}

/// Plays the lesson of this name or file; `command` is what the user typed, for hints.
pub(super) fn lesson(lesson: &str, command: &str, playing: &Playing, flags: Flags) -> Result<(), Failure> {
    let source = Library::new(lessons_folder()).find(lesson)?;
    let lesson = parse(&source.name, &source.file, &source.text)?;
    let flags = from::begin(&lesson, playing, command, flags)?;
    kernel::raise_descriptor_limit();
    let bus = Bus::new();
    let look = Look::decide(playing);
    let status = Status::stderr(look.options.width, look.plain);
    let (progress, drawn) = watch::channel(Seq(0));
    let pacing = Pacing { pace: pace(playing, &look)?, status: status.clone(), drawn: drawn.clone() };
    let view = look.view(&bus, &status);
    let reader = bus.reader();
    let (done, drew) = oneshot::channel();
    thread::spawn(move || done.send(view.and_then(|view| draw(reader, view, &progress))));
    let ended = runtime()?.block_on(until_the_end(&lesson, &bus, playing.port, flags, pacing, drawn));
    // The runtime is gone, and with it every connection: now all is told.
    bus.end();
    let drew = runtime()?.block_on(async {
        tokio::select! {
            drew = drew => Some(drew.unwrap_or_else(|_| Err(io::Error::other("the view failed")))),
            // Whoever reads what is written may have stopped reading; the thread goes with the process.
            () = interrupt() => None,
        }
    });
    status.clear();
    let Some(drew) = drew else { return Err(Failure::interrupted()) };
    conclude(ended, drew, &source.file, command)
}

/// One thread: what the server and the clients do is then told in the order in which it was done.
fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))
}

async fn until_the_end(
    lesson: &Lesson,
    bus: &Bus,
    port: u16,
    flags: Flags,
    mut pacing: Pacing,
    mut drawn: watch::Receiver<Seq>,
) -> Ended {
    let servers = Servers::default();
    let status = pacing.status.clone();
    let playing = async {
        let taps = Taps::new(bus.clone());
        Player::new(lesson, taps, servers.clone(), Ports::from(port), flags, &mut pacing).await?.play().await
    };
    let unread = async { while drawn.changed().await.is_ok() {} };
    // Borrowed, so that the lesson's clients are still there when the server says 1001 to them.
    let mut playing = std::pin::pin!(playing);
    tokio::select! {
        played = &mut playing => Ended::Played(played),
        () = unread => Ended::Unread,
        () = interrupt() => {
            status.show(&format!("Closing {} sockets with 1001 (Ctrl-C again to force)", open_sockets(bus)));
            tokio::select! {
                () = servers.stop() => {}
                () = interrupt() => {}
            }
            Ended::Interrupted
        }
    }
}

fn conclude(ended: Ended, drew: io::Result<()>, file: &str, command: &str) -> Result<(), Failure> {
    match drew {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        Err(error) => return Err(Failure::new(format!("cannot write: {error}"))),
        Ok(()) => {}
    }
    match ended {
        Ended::Interrupted => Err(Failure::interrupted()),
        Ended::Unread => Ok(()),
        Ended::Played(Err(error)) => Err(Failure::play(&error, file, command)),
        Ended::Played(Ok(Outcome { broken: 0, .. })) => Ok(()),
        Ended::Played(Ok(Outcome { broken: 1, .. })) => Err(Failure::new("1 claim did not hold")),
        Ended::Played(Ok(Outcome { broken, .. })) => {
            Err(Failure::new(format!("{broken} claims did not hold")))
        }
    }
}

/// Ends at the next Ctrl-C.
async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn open_sockets(bus: &Bus) -> usize {
    let mut state = State::default();
    bus.after(Seq(0)).iter().for_each(|event| state.event(event));
    let open = state.connections.values().filter(|it| it.closed.is_none() && it.upgraded.is_some());
    open.count()
}

fn draw(mut reader: Reader, mut view: Box<dyn View>, progress: &watch::Sender<Seq>) -> io::Result<()> {
    loop {
        let batch = reader.next_batch();
        let Some(last) = batch.last() else { return view.finish() };
        for event in &batch {
            view.event(event)?;
        }
        progress.send_replace(last.seq);
    }
}

/// How it looks: decided once, from the flags, the environment and what stdout is.
struct Look {
    json: bool,
    plain: bool,
    depth: Depth,
    options: Options,
}

impl Look {
    fn decide(playing: &Playing) -> Self {
        let environment = Environment::read();
        let is_terminal = terminal::stdout_is_terminal();
        let choice = match playing.color {
            Colour::Auto => ColourChoice::Auto,
            Colour::Always => ColourChoice::Always,
            Colour::Never => ColourChoice::Never,
        };
        let width = playing.width.map_or_else(terminal::width, usize::from);
        let undrawn = !is_terminal || environment.wants_plain();
        Self {
            json: playing.json,
            plain: playing.plain || playing.width.is_none() && undrawn,
            depth: Depth::decide(is_terminal, choice, &environment),
            options: Options {
                width,
                ascii: playing.ascii || !environment.is_utf8(),
                hex: playing.hex,
                brief: false,
            },
        }
    }

    fn view(&self, bus: &Bus, status: &Status) -> io::Result<Box<dyn View>> {
        let stdout = BufWriter::new(io::stdout());
        if self.json {
            return Ok(Box::new(Json::new(stdout, &bus.started())?));
        }
        let screen = Screen::new(stdout, self.depth).with_status(status.clone());
        Ok(if self.plain {
            Box::new(Plain::new(screen, self.options))
        } else {
            Box::new(Narrator::new(screen, self.options))
        })
    }
}

/// Pauses only where somebody sits: a terminal on both sides.
fn pace(playing: &Playing, look: &Look) -> Result<Pace, Failure> {
    if look.json || !terminal::stdin_is_terminal() || !terminal::stdout_is_terminal() {
        return Ok(Pace::None);
    }
    if playing.auto {
        return Ok(Pace::Auto(playing.speed));
    }
    let keys = Keys::open().map_err(|error| Failure::new(format!("cannot read keys: {error}")))?;
    Ok(keys.map_or(Pace::None, |keys| Pace::Keys(KeyReader::start(keys))))
}
