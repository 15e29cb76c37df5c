//! `wsdemo serve`: all doors, until somebody ends it.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Stdout, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::interrupt::{Interrupt, interrupt, listening};
use super::{cannot_start, look, network, runtime, write};
use crate::cli::Serving;
use crate::failure::Failure;
use crate::lesson::play::PortError;
use crate::server::{Limits, Options, Server, Servers, Tls};
use crate::tap::{Looking, Taps, Totals, kernel};
use crate::terminal::{Group, Ink, Line, Out as _, Screen, Status};
use crate::timeline::{Bus, ConnId, Event, Keep, Kind, Reader, Seq};
use crate::view::{self, Json, View, Visitors};

/// How often sockets are pinged.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// The development servers whose pages are let in.
const DEVELOPMENT: [&str; 4] =
    ["http://localhost:3000", "http://localhost:5173", "http://127.0.0.1:3000", "http://127.0.0.1:5173"];

/// What is kept of what happened, for a view that falls behind.
const KEEP: Keep = Keep { events: 50_000, bytes: 64 << 20 };

/// When nothing has happened for so long, views show what they held back.
const QUIET: Duration = Duration::from_millis(300);

/// How long the rows of the end may take.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Where the words of the greeting begin.
const WORDS: usize = 12;

/// The most rows that are still drawn when it has ended.
const LAST_ROWS: usize = 200;

/// Half of a fingerprint, characters: all of it is wider than a narrow terminal.
const HALF: usize = 16 * 3;

pub(super) fn run(serving: &Serving) -> Result<(), Failure> {
    kernel::raise_descriptor_limit();
    let runtime = runtime().map_err(cannot_start)?;
    let mut running = runtime.block_on(start(serving))?;
    let ended = runtime.block_on(running.until_the_end());
    // With it goes every connection that is left: now all is told.
    drop(runtime);
    running.last_words();
    ended
}

/// A server that runs, and whoever shows it.
struct Running {
    server: Server,
    servers: Servers,
    status: Status,
    sockets: Sockets,
    /// Somebody ends it.
    interrupted: Pin<Box<dyn Future<Output = Interrupt>>>,
    /// Gone when it is known how the drawing ended.
    drew: Option<oneshot::Receiver<io::Result<()>>>,
}

/// Who is on a socket, as far as is told.
type Sockets = Arc<Mutex<BTreeSet<ConnId>>>;

async fn start(serving: &Serving) -> Result<Running, Failure> {
    // Before anybody is told that it runs.
    let interrupted = listening();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, serving.port));
    let failed = |source| Failure::port(&PortError { port: serving.port.into(), source }, "serve");
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bus = Bus::bounded(KEEP);
    let looking = if serving.quiet { Looking::Counted } else { Looking::Observed };
    let taps = Taps::new(bus.clone()).looking(looking);
    let servers = Servers::default();
    let options = options(serving)?;
    let server =
        Server::start(listener, taps, &servers, options.clone(), Box::new(|_| ())).map_err(failed)?;
    let (screen, status, drawing) = look::of_serve(serving);
    let greeting = greeting(&options, &server, drawing.width);
    let secure = options.tls.is_some();
    let view = begin(serving, &bus, screen, drawing, secure, &greeting).map_err(unwritten)?;
    let sockets = Sockets::default();
    let show = Show {
        reader: bus.reader(),
        // What is held back is held back by rows alone.
        quiet: (!serving.json && !serving.quiet).then_some(QUIET),
        taps: server.taps.clone(),
        status: status.clone(),
        sockets: Arc::clone(&sockets),
        sums_up: !serving.json,
        seen: Seq(0),
    };
    Ok(Running { server, servers, status, sockets, interrupted, drew: Some(show.start(view)) })
}

/// ` 12 connections; 3,456 bytes in, 7,890 out`
fn totals(totals: Totals) -> String {
    let Totals { connections, from_client, from_server, plain: _ } = totals;
    format!(" {}", view::together(connections, from_client, from_server))
}

/// Says where it listens, and makes the view.
fn begin(
    serving: &Serving,
    bus: &Bus,
    mut screen: Screen<Stdout>,
    options: view::Options,
    secure: bool,
    greeting: &[Line],
) -> io::Result<Box<dyn View>> {
    if serving.json {
        // Where it listens is no event, and whoever asked for any free port must be told.
        let text: String = greeting.iter().map(|line| line.text() + "\n").collect();
        io::stderr().write_all(text.as_bytes())?;
        return Ok(Box::new(Json::new(BufWriter::new(io::stdout()), &bus.started())?));
    }
    screen.show(Group::Block, greeting)?;
    Ok(Box::new(Visitors::new(screen, options).over_tls(secure)))
}

/// What somebody needs to know who comes to this terminal.
fn greeting(options: &Options, server: &Server, width: usize) -> Vec<Line> {
    let (address, s) = (server.address, if options.tls.is_some() { "s" } else { "" });
    let mut lines = vec![Line::plain(" ").with(Ink::Bold, "wsdemo serve")];
    let mut say = |what: &str, words: &str| lines.extend(rows(what, words, width));
    say("page", &format!("http{s}://{address}/"));
    say("API", &format!("http{s}://{address}/api/messages"));
    say("WebSocket", &format!("ws{s}://{address}/ws"));
    say("Socket.IO", &format!("io(\"http{s}://{address}\")"));
    let trust = if options.tls.is_some() { "-k " } else { "" };
    say("try", &format!("curl {trust}http{s}://{address}/api/messages"));
    if let Some(tls) = &options.tls {
        let fingerprint = tls.fingerprint();
        let (first, second) = fingerprint.split_at(fingerprint.len().min(HALF));
        say("TLS", "self-signed certificate, its SHA-256:");
        say("", first);
        say("", second);
    }
    if options.network.is_changed() {
        say("network", &options.network.to_string());
    }
    let (places, asked) = (server.guests, options.limits.guests);
    if places < asked {
        say("places", &format!("{places} of {asked}: raise the limit of open files (ulimit -n)"));
    }
    say("Ctrl-C", "closes every socket with 1001");
    lines.push(Line::default());
    lines
}

/// ` network    80 ms added to each round trip`, wrapped between words.
fn rows(what: &str, words: &str, width: usize) -> Vec<Line> {
    let mut line = Line::plain(" ").with(Ink::Dim, what);
    line.pad(WORDS);
    let mut lines = Vec::new();
    for word in words.split(' ') {
        let begun = line.width() > WORDS;
        if begun && line.width() + 1 + word.len() > width {
            lines.push(std::mem::replace(&mut line, Line::plain(" ".repeat(WORDS))));
        } else if begun {
            line.push(Ink::Plain, " ");
        }
        line.push(Ink::Plain, word);
    }
    lines.push(line);
    lines
}

/// What draws, on a thread of its own.
struct Show {
    reader: Reader,
    /// After so long without anything new, the view shows what it held back.
    quiet: Option<Duration>,
    taps: Taps,
    status: Status,
    sockets: Sockets,
    /// The last thing that is said is what there was.
    sums_up: bool,
    /// The last event.
    seen: Seq,
}

impl Show {
    /// Draws until the timeline ends, or nobody reads.
    fn start(mut self, mut view: Box<dyn View>) -> oneshot::Receiver<io::Result<()>> {
        let (done, drew) = oneshot::channel();
        // Nobody waits for it where the process ends first.
        thread::spawn(move || drop(done.send(self.draw(&mut *view))));
        drew
    }

    fn draw(&mut self, view: &mut dyn View) -> io::Result<()> {
        let mut held = false;
        loop {
            let batch = match self.quiet.filter(|_| held) {
                Some(quiet) => self.reader.next_batch_within(quiet),
                None => Some(self.reader.next_batch()),
            };
            held = batch.is_some();
            match batch {
                None => view.quiet()?,
                Some(batch) if batch.is_empty() => break,
                Some(batch) => {
                    for (n, event) in batch.iter().enumerate() {
                        self.count(event);
                        // At the end there is no time for all rows: the last of them, and what they add up to.
                        let rushes = self.sums_up && batch.len() - n > LAST_ROWS;
                        if !(rushes && self.taps.bus().has_ended()) {
                            view.event(event)?;
                        }
                    }
                }
            }
        }
        view.finish()?;
        self.status.clear();
        if self.sums_up { write(&[totals(self.taps.totals())]) } else { Ok(()) }
    }

    fn count(&mut self, event: &Event) {
        let missed = event.seq.0.saturating_sub(self.seen.0 + 1);
        self.seen = event.seq;
        if missed > 0 && !self.sums_up {
            // Rows say so themselves. Where nobody reads this either there is nobody to tell.
            let _ = writeln!(
                io::stderr(),
                "{missed} events are missing before seq {}: stdout is read too slowly",
                event.seq.0
            );
        }
        match &event.kind {
            Kind::Upgraded { conn, .. } => drop(lock(&self.sockets).insert(*conn)),
            Kind::Closed { conn, .. } => drop(lock(&self.sockets).remove(conn)),
            _ => {}
        }
    }
}

fn lock(sockets: &Sockets) -> MutexGuard<'_, BTreeSet<ConnId>> {
    // Every change is one insertion or removal: a panic elsewhere leaves it whole.
    sockets.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    /// Waits until somebody ends it, then closes everything.
    async fn until_the_end(&mut self) -> Result<(), Failure> {
        let interrupted = match &mut self.drew {
            Some(drew) => tokio::select! {
                interrupt = &mut self.interrupted => interrupt,
                // Before the end it ends only where it cannot write.
                wrote = drew => {
                    self.drew = None;
                    self.servers.stop().await;
                    return wrote.unwrap_or(Ok(())).map_err(unwritten);
                }
            },
            None => return Ok(()),
        };
        // Even where there is little to say: it takes the place of the ^C that a terminal shows.
        self.status.only(&self.closing());
        let forced = tokio::select! {
            () = self.servers.stop() => None,
            interrupt = interrupt() => Some(interrupt),
        };
        match forced.or(Some(interrupted).filter(|it| *it == Interrupt::HangUp)) {
            Some(interrupt) => Err(Failure::interrupted(interrupt.code())),
            None => Ok(()),
        }
    }

    /// `Closing 28 sockets with 1001 (Ctrl-C again to force)`
    fn closing(&self) -> String {
        let live = self.server.taps.live(None);
        let sockets = lock(&self.sockets);
        let what = match (live.iter().filter(|it| sockets.contains(&it.conn)).count(), live.len()) {
            (0, 0) => return "Closing".into(),
            // Where they are only counted, it is not known what they speak.
            (0, 1) => "1 connection".to_owned(),
            (0, open) => format!("{open} connections"),
            (1, _) => "1 socket with 1001".to_owned(),
            (sockets, _) => format!("{sockets} sockets with 1001"),
        };
        format!("Closing {what} (Ctrl-C again to force)")
    }

    /// Whoever draws may write the rest. A terminal that takes nothing any more is not waited for.
    fn last_words(self) {
        self.server.taps.bus().end();
        if let (Some(drew), Ok(runtime)) = (self.drew, runtime()) {
            let _ = runtime.block_on(async { tokio::time::timeout(LAST_WORDS, drew).await });
        }
        self.status.clear();
    }
}

/// Whoever stops reading is not told of it.
fn unwritten(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::interrupted(0),
        _ => Failure::new(format!("cannot write: {error}")),
    }
}

fn options(serving: &Serving) -> Result<Options, Failure> {
    let limits =
        Limits { guests: serving.max_connections as usize, message: serving.max_message, ..Limits::SERVE };
    let development = DEVELOPMENT.map(str::to_owned);
    let tls = if serving.tls { Some(Tls::new().map_err(cannot_start)?) } else { None };
    Ok(Options {
        heartbeat: Some(HEARTBEAT),
        limits,
        origins: development.into_iter().chain(serving.allow_origin.iter().cloned()).collect(),
        network: network(&serving.network),
        tls,
    })
}
