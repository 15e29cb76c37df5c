//! The process that serves.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{BufReader, stdin, stdout};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::lines;
use super::own;
use super::words::{Made, Order, Served, ServerSpec, Told};
use crate::client::{Speech, filled};
use crate::server::{Draft, Limits, Message, Options, Server, Servers, Tls};
use crate::tap::kernel::{self, Waits};
use crate::tap::{Looking, Taps};
use crate::timeline::{Bus, Keep};

/// In whose name its own news are.
const OWN: &str = "server";

/// How many connections a client may have at most, and some more for those that are on their way out.
const CONNECTIONS: usize = 4;

/// So long before the end, when nobody has left yet, it is seen what it needs.
const BEFORE: Duration = Duration::from_millis(20);

/// Serves as it is told by the lines of stdin, and tells on stdout.
///
/// # Errors
/// Where whoever started it is gone, or nothing can be served.
pub async fn serve() -> io::Result<()> {
    kernel::raise_descriptor_limit();
    let mut orders = lines::listen(BufReader::new(stdin()));
    let Some(Order::Serve(mut spec)) = orders.recv().await.transpose()? else { return Ok(()) };
    let mut out = stdout();
    let (tell, mut made) = mpsc::unbounded_channel();
    let server = match start(&spec, tell).await {
        Ok((server, certificate)) => {
            let listening = Told::Listening { address: server.address, certificate };
            lines::write(&mut out, &listening).await?;
            server
        }
        Err(why) => return lines::write(&mut out, &Told::Failed(why)).await,
    };
    let mut needs = Needs::new(Waits::of(server.address));
    let mut run = None;
    let mut news = std::mem::take(&mut spec.news).into_iter().peekable();
    let mut said = 0;
    loop {
        let next = run.and_then(|(start, _)| Some(start + news.peek()?.0));
        let end = run.map(|(_, until)| until - BEFORE).filter(|_| needs.at_end.is_none());
        tokio::select! {
            biased;
            Some(made) = made.recv() => lines::write(&mut out, &Told::Made(made)).await?,
            order = orders.recv() => match order.transpose()? {
                Some(Order::Run { start, until }) => {
                    needs.begin(&server.taps);
                    run = Some((own::instant(start), own::instant(until)));
                }
                Some(Order::Enough) => {
                    news = Vec::new().into_iter().peekable();
                    needs.end(&server.taps);
                }
                Some(Order::Made(_) | Order::Serve(_) | Order::Visit(_)) => {}
                Some(Order::Stop) => break,
                // Whoever started it is gone.
                None => return Ok(()),
            },
            () = own::at(next) => {
                if let Some((_, text)) = news.next() {
                    said += 1;
                    let text = filled(text, spec.size);
                    let _ = server.store.post(Draft { from: OWN.into(), text }).await;
                }
            }
            () = own::at(end) => needs.end(&server.taps),
        }
    }
    server.stop().await;
    // What is asked of the kernel now is nothing that the clients cost.
    let needed = needs.served();
    let totals = server.taps.totals();
    let served = Served {
        news: said,
        connections: totals.connections,
        from_client: totals.from_client,
        from_server: totals.from_server,
        plain: totals.plain,
        time_wait: Waits::of(server.address).map(|now| now.since(needs.waits.as_ref())),
        ..needed
    };
    lines::write(&mut out, &Told::Served(served)).await
}

async fn start(
    spec: &ServerSpec,
    tell: mpsc::UnboundedSender<Made>,
) -> Result<(Server, Option<Vec<u8>>), String> {
    let tls = spec.tls.then(Tls::new).transpose().map_err(|error| error.to_string())?;
    let certificate = tls.as_ref().map(|tls| tls.certificate().to_vec());
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, spec.port));
    let listener =
        TcpListener::bind(address).await.map_err(|error| format!("port {}: {error}", spec.port))?;
    let places = spec.clients as usize * CONNECTIONS + CONNECTIONS;
    let limits = Limits { guests: places, ..Limits::SOLO };
    let options = Options { limits, network: spec.network, tls, ..Options::default() };
    // Nothing is told on it: it is only counted.
    let taps = Taps::new(Bus::bounded(Keep { events: 0, bytes: 0 })).looking(Looking::Counted);
    let note = move |message: &Message| {
        let words = || Speech { from: message.from.clone(), text: message.text.clone() };
        let speech = (message.from != OWN).then(words);
        // Whoever would read it is gone: so is soon this process.
        let _ = tell.send(Made { id: message.id, at: own::now(), speech });
    };
    let server = Server::start(listener, taps, &Servers::default(), options, Box::new(note));
    Ok((server.map_err(|error| error.to_string())?, certificate))
}

/// What the process needs for its clients.
struct Needs {
    /// Before the first of them came.
    memory: Option<u64>,
    cpu: Duration,
    /// Ends in TIME_WAIT of whoever had this port before.
    waits: Option<Waits>,
    /// When all were ready, and shortly before the end.
    at_start: Option<Now>,
    at_end: Option<Now>,
}

/// What there is at one moment.
#[derive(Debug, Clone, Copy)]
struct Now {
    memory: Option<u64>,
    cpu: Duration,
    connections: u64,
}

impl Needs {
    fn new(waits: Option<Waits>) -> Self {
        Self { memory: own::memory(), cpu: own::cpu(), waits, at_start: None, at_end: None }
    }

    fn begin(&mut self, taps: &Taps) {
        let connections = taps.totals().connections;
        self.at_start = Some(Now { memory: own::memory(), cpu: own::cpu(), connections });
    }

    /// Once: what comes later belongs to the end.
    fn end(&mut self, taps: &Taps) {
        if self.at_end.is_some() {
            return;
        }
        let connections = taps.live(None).len() as u64;
        self.at_end = Some(Now { memory: own::memory(), cpu: own::cpu(), connections });
    }

    /// What is known of it now that all is over.
    fn served(&self) -> Served {
        let cpu = own::cpu().saturating_sub(self.cpu);
        let moments = || [self.at_start, self.at_end].into_iter().flatten();
        let memory = moments().filter_map(|now| now.memory).max();
        let during = match (self.at_start, self.at_end) {
            (Some(start), Some(end)) => end.cpu.saturating_sub(start.cpu),
            _ => cpu,
        };
        Served {
            staying: moments().map(|now| now.connections).max().unwrap_or_default(),
            cpu,
            cpu_once: cpu.saturating_sub(during),
            memory: memory.zip(self.memory).map(|(most, before)| most.saturating_sub(before)),
            ..Served::default()
        }
    }
}
