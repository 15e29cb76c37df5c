//! Starts both processes, passes on what they say to each other, and hands back what they counted.

use std::future::Future;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::words::{ClientsSpec, Order, Served, ServerSpec, Told, Visited};
use super::{lines, own};
use crate::client::Speech;
use crate::tap::Network;

/// From when all are ready until the first thing is said.
const LEAD: Duration = Duration::from_millis(50);

/// How much of what a process complains of is kept, bytes.
const COMPLAINT: u64 = 4096;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Spec {
    /// As in the lesson notation.
    pub transport: String,
    /// Where the server listens; 0: on any port that is free.
    pub port: u16,
    /// What is added to the network.
    pub network: Network,
    /// Over TLS.
    pub tls: bool,
    /// How many clients.
    pub clients: u32,
    /// How often to ask, where one has to.
    pub poll: Duration,
    /// What each text is filled up to, bytes.
    pub size: Option<usize>,
    /// What the server says, and how long after the start.
    pub news: Vec<(Duration, String)>,
    /// What clients say.
    pub speeches: Vec<(Duration, Speech)>,
    /// How long it takes.
    pub length: Duration,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Report {
    /// As the server counted.
    pub served: Served,
    /// As the clients counted.
    pub visited: Visited,
    /// How long it ran.
    pub ran: Duration,
    /// Whether it ended early.
    pub partial: bool,
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A process could not be started, or not be reached.
    #[error("the process of the {0} cannot be had: {1}")]
    Process(&'static str, io::Error),
    /// It said why it cannot go on.
    #[error("{0}")]
    Told(String),
    /// It ended without a word on stdout.
    #[error("the process of the {0} ended: {1}")]
    Ended(&'static str, String),
}

/// Runs it; `stop` ends it early. Both processes are gone when this is dropped.
///
/// # Errors
/// Where one of the processes cannot do its part.
pub async fn run(spec: &Spec, stop: impl Future<Output = ()>) -> Result<Report, LoadError> {
    let mut server = Side::start("server")?;
    let serve = ServerSpec {
        port: spec.port,
        network: spec.network,
        tls: spec.tls,
        clients: spec.clients,
        size: spec.size,
        news: spec.news.clone(),
    };
    server.tell(Order::Serve(serve)).await?;
    let (address, certificate) = match server.next().await? {
        Told::Listening { address, certificate } => (address, certificate),
        Told::Failed(why) => return Err(LoadError::Told(why)),
        other => return Err(LoadError::Told(format!("the server began with {other:?}"))),
    };
    let mut clients = Side::start("clients")?;
    let visit = ClientsSpec {
        transport: spec.transport.clone(),
        server: address,
        certificate,
        clients: spec.clients,
        poll: spec.poll,
        network: spec.network,
        size: spec.size,
        speeches: spec.speeches.clone(),
    };
    clients.tell(Order::Visit(visit)).await?;
    Pair { server, clients, visited: None, start: None, partial: None }.run(spec, stop).await
}

/// Both processes.
struct Pair {
    server: Side,
    clients: Side,
    visited: Option<Visited>,
    /// When it began.
    start: Option<u64>,
    /// When it was ended early.
    partial: Option<u64>,
}

impl Pair {
    async fn run(mut self, spec: &Spec, stop: impl Future<Output = ()>) -> Result<Report, LoadError> {
        let mut stop = std::pin::pin!(stop);
        loop {
            let told = tokio::select! {
                told = self.server.next() => told?,
                told = self.clients.next(), if self.visited.is_none() => told?,
                () = &mut stop, if self.partial.is_none() && self.visited.is_none() => {
                    self.partial = Some(own::now());
                    self.server.tell(Order::Enough).await?;
                    self.clients.tell(Order::Enough).await?;
                    continue;
                }
            };
            match told {
                // On their way out nobody asks any more when it was made; what they said last may not be read yet.
                Told::Made(made) => drop(lines::write(&mut self.clients.orders, &Order::Made(made)).await),
                Told::Listening { .. } => {}
                Told::Ready => self.begin(spec).await?,
                Told::Visited(visited) => {
                    self.visited = Some(visited);
                    self.server.tell(Order::Stop).await?;
                }
                Told::Served(served) => return Ok(self.report(spec, served)),
                Told::Failed(why) => return Err(LoadError::Told(why)),
            }
        }
    }

    async fn begin(&mut self, spec: &Spec) -> Result<(), LoadError> {
        if self.partial.is_some() {
            return Ok(());
        }
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let start = own::now() + nanos(LEAD);
        let run = Order::Run { start, until: start.saturating_add(nanos(spec.length)) };
        self.start = Some(start);
        self.server.tell(run.clone()).await?;
        self.clients.tell(run).await
    }

    fn report(self, spec: &Spec, served: Served) -> Report {
        let early = self.partial.map(|at| at.saturating_sub(self.start.unwrap_or(at)));
        let ran = early.map_or(spec.length, Duration::from_nanos).min(spec.length);
        Report { served, visited: self.visited.unwrap_or_default(), ran, partial: self.partial.is_some() }
    }
}

/// One process.
struct Side {
    name: &'static str,
    /// Killed when this is dropped.
    child: Child,
    orders: ChildStdin,
    told: mpsc::Receiver<io::Result<Told>>,
    complaint: JoinHandle<String>,
}

impl Side {
    /// `name`: `server` or `clients`.
    fn start(name: &'static str) -> Result<Self, LoadError> {
        let failed = |error| LoadError::Process(name, error);
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(["load", name]).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A Ctrl-C is for us: what is to become of them we tell them.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let missing = || failed(io::Error::other("a pipe is missing"));
        let orders = child.stdin.take().ok_or_else(missing)?;
        let told = lines::listen(BufReader::new(child.stdout.take().ok_or_else(missing)?));
        let complaint = tokio::spawn(complaint(child.stderr.take()));
        Ok(Self { name, child, orders, told, complaint })
    }

    async fn tell(&mut self, order: Order) -> Result<(), LoadError> {
        match lines::write(&mut self.orders, &order).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.ended().await),
        }
    }

    async fn next(&mut self) -> Result<Told, LoadError> {
        match self.told.recv().await {
            Some(Ok(told)) => Ok(told),
            Some(Err(error)) => Err(LoadError::Process(self.name, error)),
            None => Err(self.ended().await),
        }
    }

    /// Why it is gone.
    async fn ended(&mut self) -> LoadError {
        // It may only have said what is not understood.
        let _ = self.child.start_kill();
        let complaint = (&mut self.complaint).await.unwrap_or_default();
        let status = self.child.wait().await.map(|status| status.to_string());
        let why = match (complaint.trim().lines().next(), status) {
            (Some(why), _) => why.to_owned(),
            (None, Ok(status)) => status,
            (None, Err(error)) => error.to_string(),
        };
        LoadError::Ended(self.name, why)
    }
}

async fn complaint(from: Option<ChildStderr>) -> String {
    let mut text = Vec::new();
    if let Some(mut from) = from {
        // What there is of it.
        let _ = (&mut from).take(COMPLAINT).read_to_end(&mut text).await;
        let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    }
    String::from_utf8_lossy(&text).into_owned()
}
