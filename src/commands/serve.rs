//! `wsdemo serve`: all doors, until somebody ends it.

use std::io::{self, BufWriter, Stdout, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::interrupt::{Interrupt, interrupt};
use super::{cannot_start, look, print, runtime};
use crate::cli::Serving;
use crate::failure::Failure;
use crate::lesson::play::PortError;
use crate::server::{Limits, Options, Server, Servers};
use crate::tap::{Looking, Network, Taps, Totals, kernel};
use crate::terminal::{Group, Ink, Line, Out as _, Screen, Status};
use crate::timeline::{Bus, Keep, Reader};
use crate::view::{self, Json, View, Visitors};

/// How often sockets are pinged.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// The development servers whose pages are let in.
const DEVELOPMENT: [&str; 2] = ["http://localhost:3000", "http://localhost:5173"];

/// What is kept of what happened, for a view that falls behind.
const KEEP: Keep = Keep { events: 50_000, bytes: 64 << 20 };

/// When nothing has happened for so long, views show what they held back.
const QUIET: Duration = Duration::from_millis(300);

/// How long the rows of the end may take.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Where the words of the greeting begin.
const WORDS: usize = 12;

pub(super) fn run(serving: &Serving) -> Result<(), Failure> {
    kernel::raise_descriptor_limit();
    runtime().map_err(cannot_start)?.block_on(serve(serving))
}

async fn serve(serving: &Serving) -> Result<(), Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, serving.port));
    let failed = |source| Failure::port(&PortError { port: serving.port.into(), source }, "serve");
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bus = Bus::bounded(KEEP);
    let looking = if serving.quiet { Looking::Counted } else { Looking::Observed };
    let taps = Taps::new(bus.clone()).looking(looking);
    let servers = Servers::default();
    let server =
        Server::start(listener, taps, &servers, options(serving), Box::new(|_| ())).map_err(failed)?;
    let (screen, status, options) = look::of_serve(serving);
    let view = begin(serving, &bus, screen, options, server.address).map_err(unwritten)?;
    let ended = until_the_end(&server, &servers, &status, show(view, bus.reader())).await;
    status.clear();
    if serving.quiet && ended.is_ok() {
        print(&[totals(server.taps.totals())])?;
    }
    ended
}

/// ` 12 connections; bytes 3456 in, 7890 out`
fn totals(totals: Totals) -> String {
    let noun = if totals.connections == 1 { "connection" } else { "connections" };
    let Totals { connections, from_client, from_server } = totals;
    format!(" {connections} {noun}; bytes {from_client} in, {from_server} out")
}

/// Says where it listens, and makes the view.
fn begin(
    serving: &Serving,
    bus: &Bus,
    mut screen: Screen<Stdout>,
    options: view::Options,
    address: SocketAddr,
) -> io::Result<Box<dyn View>> {
    let greeting = greeting(serving, address);
    if serving.json {
        // Where it listens is no event, and whoever asked for any free port must be told.
        let text: String = greeting.iter().map(|line| line.text() + "\n").collect();
        io::stderr().write_all(text.as_bytes())?;
        return Ok(Box::new(Json::new(BufWriter::new(io::stdout()), &bus.started())?));
    }
    screen.show(Group::Block, &greeting)?;
    Ok(Box::new(Visitors::new(screen, options)))
}

/// What somebody needs to know who comes to this terminal.
fn greeting(serving: &Serving, address: SocketAddr) -> Vec<Line> {
    let title = Line::plain(" ").with(Ink::Bold, "wsdemo serve");
    let row = |what: &str, words: String| {
        let mut line = Line::plain(" ").with(Ink::Dim, what);
        line.pad(WORDS);
        line.with(Ink::Plain, words)
    };
    let mut lines = vec![
        title,
        row("page", format!("http://{address}/")),
        row("API", format!("http://{address}/api/messages")),
        row("WebSocket", format!("ws://{address}/ws")),
    ];
    if let Some(rtt) = serving.network.rtt {
        let rtt = humantime::format_duration(rtt);
        lines.push(row("added", format!("{rtt} to each round trip")));
    }
    lines.push(row("Ctrl-C", "closes every socket with 1001".into()));
    lines.push(Line::default());
    lines
}

/// A thread that draws until the timeline ends, or nobody reads.
fn show(mut view: Box<dyn View>, mut reader: Reader) -> oneshot::Receiver<io::Result<()>> {
    let (done, drew) = oneshot::channel();
    thread::spawn(move || {
        let mut draw = || {
            loop {
                match reader.next_batch_within(QUIET) {
                    None => view.quiet()?,
                    Some(batch) if batch.is_empty() => return view.finish(),
                    Some(batch) => batch.iter().try_for_each(|event| view.event(event))?,
                }
            }
        };
        // Nobody waits for it where the process ends first.
        let _ = done.send(draw());
    });
    drew
}

/// Waits until somebody ends it, then closes everything.
async fn until_the_end(
    server: &Server,
    servers: &Servers,
    status: &Status,
    mut drew: oneshot::Receiver<io::Result<()>>,
) -> Result<(), Failure> {
    let interrupted = tokio::select! {
        interrupt = interrupt() => interrupt,
        // Before the end it ends only where it cannot write.
        wrote = &mut drew => {
            servers.stop().await;
            return wrote.unwrap_or(Ok(())).map_or_else(|error| Err(unwritten(error)), Ok);
        }
    };
    let open = server.taps.live(None).len() as u64;
    if open > 0 {
        let noun = if open == 1 { "connection" } else { "connections" };
        status.only(&format!("Closing {open} {noun}, sockets with 1001 (Ctrl-C again to force)"));
    }
    let forced = tokio::select! {
        () = servers.stop() => None,
        interrupt = interrupt() => Some(interrupt),
    };
    server.taps.bus().end();
    // What is left to be drawn is little; a terminal that takes nothing any more is not waited for.
    let _ = tokio::time::timeout(LAST_WORDS, drew).await;
    match forced.or(Some(interrupted).filter(|it| *it == Interrupt::HangUp)) {
        Some(interrupt) => Err(Failure::interrupted(interrupt.code())),
        None => Ok(()),
    }
}

/// Whoever stops reading is not told of it.
fn unwritten(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::interrupted(0),
        _ => Failure::new(format!("cannot write: {error}")),
    }
}

fn options(serving: &Serving) -> Options {
    let limits =
        Limits { guests: serving.max_connections as usize, message: serving.max_message, ..Limits::SERVE };
    let development = DEVELOPMENT.map(str::to_owned);
    Options {
        heartbeat: Some(HEARTBEAT),
        limits,
        origins: development.into_iter().chain(serving.allow_origin.iter().cloned()).collect(),
        network: Network { rtt: serving.network.rtt.unwrap_or_default(), ..Network::default() },
    }
}
