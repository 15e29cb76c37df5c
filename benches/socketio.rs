//! What Socket.IO costs, beside the lecture's server in Express: `cargo bench --bench socketio`. It needs Node, and what
//! `npm ci` installs in `examples/express-server/`.
//!
//! Both servers run in processes of their own, as a user starts them, and are loaded in turns by the same client, so that what
//! disturbs the machine disturbs both.

mod common;

use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;
use wsdemo::tap::kernel;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How often each server is loaded, and for how long.
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(1000);

/// Echo: `["echo","x…"]` with an acknowledgement.
const CONNECTIONS: usize = 64;
const PAYLOAD: usize = 64;

/// Clients that do nothing, and the first of them.
const IDLE: usize = 3000;
const FIRST: usize = 1000;

/// More than enough for the 50,000 events that `serve` keeps.
const REQUESTS: usize = 15_000;

/// How long what a server does in the background may take, until its memory is looked at.
const SETTLES: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    kernel::raise_descriptor_limit();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure())
}

/// A server in a process of its own.
struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut told = BufReader::new(child.stdout.take().ok_or("no output")?);
        let address = loop {
            let mut line = String::new();
            if told.read_line(&mut line)? == 0 {
                return Err("the server did not say where it is".into());
            }
            let Some((_, behind)) = line.split_once("http://") else { continue };
            let end =
                behind.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).unwrap_or(behind.len());
            break behind[..end].parse()?;
        };
        // What it goes on to say is not looked at, but taken.
        std::thread::spawn(move || io::copy(&mut told, &mut io::sink()));
        Ok(Self { child, address })
    }

    fn ours(flags: &[&str]) -> Result<Self> {
        let program = env!("CARGO_BIN_EXE_wsdemo");
        Self::start(
            Command::new(program).args(["serve", "--port", "0", "--max-connections", "4000"]).args(flags),
        )
    }

    fn express() -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/express-server");
        if !folder.join("node_modules").exists() {
            return Err("try: npm ci --prefix examples/express-server".into());
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::start(Command::new("node").arg("server.js").current_dir(folder).env("PORT", port.to_string()))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that speaks the packets by hand.
struct Client {
    stream: BufStream<TcpStream>,
    frame: Vec<u8>,
}

impl Client {
    /// Over a WebSocket, into the main namespace.
    async fn connect(address: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut client = Self { stream: BufStream::new(stream), frame: Vec::new() };
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.stream.read_u8().await?);
        }
        client.say("40").await?;
        client.stream.flush().await?;
        client.hear("40").await?;
        Ok(client)
    }

    async fn say(&mut self, packet: &str) -> io::Result<()> {
        self.stream.write_all(&[0x81, 0x80 | u8::try_from(packet.len()).unwrap_or(125), 0, 0, 0, 0]).await?;
        self.stream.write_all(packet.as_bytes()).await
    }

    /// The next packet that begins so. Heartbeats are answered.
    async fn hear(&mut self, begins: &str) -> Result<()> {
        loop {
            let [_, len] = self.stream.read_u16().await?.to_be_bytes();
            let len = if len == 126 { self.stream.read_u16().await?.into() } else { usize::from(len) };
            self.frame.resize(len, 0);
            self.stream.read_exact(&mut self.frame).await?;
            if self.frame == b"2" {
                self.say("3").await?;
                self.stream.flush().await?;
            } else if self.frame.starts_with(begins.as_bytes()) {
                return Ok(());
            }
        }
    }
}

/// So many go out at once on each connection, and are acknowledged, for a while: how many a second.
async fn echo(served: &Served, in_flight: usize) -> Result<f64> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Client::connect(served.address).await?);
    }
    let packet = format!(r#"420["echo","{}"]"#, "x".repeat(PAYLOAD));
    let began = Instant::now();
    let mut tasks = Vec::new();
    for mut client in clients {
        let packet = packet.clone();
        tasks.push(tokio::spawn(async move {
            let mut count = 0;
            while began.elapsed() < ROUND {
                for _ in 0..in_flight {
                    client.say(&packet).await?;
                }
                client.stream.flush().await?;
                for _ in 0..in_flight {
                    client.hear("430[").await?;
                }
                count += in_flight;
            }
            Ok::<_, Box<dyn Error + Send + Sync>>(count)
        }));
    }
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

/// Asks so often that whatever a server keeps of what happened is full: that is no client's.
async fn fill(served: &Served) -> Result<()> {
    let mut stream = BufStream::new(TcpStream::connect(served.address).await?);
    let request = format!("GET /api/messages HTTP/1.1\r\nHost: {}\r\n\r\n", served.address);
    for _ in 0..REQUESTS {
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut line = String::new();
        while line != "[]" {
            line.clear();
            // The body has no end of line.
            while !line.ends_with('\n') && line != "[]" {
                line.push(stream.read_u8().await?.into());
            }
        }
    }
    Ok(())
}

/// What a client that does nothing holds of the server's memory, bytes: of all of them, and of those after the first, since a heap
/// that is collected grows in steps.
async fn idle(served: &Served) -> Result<[usize; 2]> {
    let mut clients = Vec::new();
    let mut resident = vec![common::resident(served.child.id())?];
    for count in [FIRST, IDLE - FIRST] {
        for _ in 0..count {
            clients.push(Client::connect(served.address).await?);
        }
        tokio::time::sleep(SETTLES).await;
        resident.push(common::resident(served.child.id())?);
    }
    let [none, first, all] = resident[..] else { return Err("three times".into()) };
    Ok([all.saturating_sub(none) / IDLE, all.saturating_sub(first) / (IDLE - FIRST)])
}

async fn measure() -> Result<()> {
    let mut out = io::stdout();
    let wanted = std::env::args().skip(1).find(|arg| arg != "--bench");
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str()));
    writeln!(out, "{:<50}{:>12}{:>12}{:>8}", "", "a second", "express", "ratio")?;
    for (flags, looking) in [(&["--quiet"][..], "--quiet"), (&[], "observed")] {
        for in_flight in [1, 16] {
            let name = format!("Socket.IO echo, {in_flight} in flight, {looking}");
            if !is_wanted(&name) {
                continue;
            }
            let (ours, express) = (Served::ours(flags)?, Served::express()?);
            let mut rounds = Vec::new();
            for _ in 0..ROUNDS {
                rounds.push((echo(&ours, in_flight).await?, echo(&express, in_flight).await?));
            }
            let median = |of: &dyn Fn(&(f64, f64)) -> f64| {
                let mut all: Vec<f64> = rounds.iter().map(of).collect();
                all.sort_by(f64::total_cmp);
                all[all.len() / 2]
            };
            let (ours, express) = (median(&|round| round.0), median(&|round| round.1));
            writeln!(
                out,
                "{name:<50}{ours:>12.0}{express:>12.0}{:>8.2}",
                median(&|round| round.0 / round.1)
            )?;
        }
    }
    for (flags, looking) in [(&["--quiet"][..], "--quiet"), (&[], "observed")] {
        let name = format!("idle client of Socket.IO, {looking}");
        if !is_wanted(&name) {
            continue;
        }
        let ours = Served::ours(flags)?;
        // Express keeps nothing of what happened; to fill its heap would only give it room.
        fill(&ours).await?;
        let (ours, express) = (idle(&ours).await?, idle(&Served::express()?).await?);
        for (what, ours, express) in [("all", ours[0], express[0]), ("beyond 1,000", ours[1], express[1])] {
            let (name, ratio) = (format!("{name}, {what}"), ours as f64 / express as f64);
            writeln!(out, "{name:<50}{ours:>6} bytes{express:>6} bytes{ratio:>8.2}")?;
        }
    }
    Ok(())
}
