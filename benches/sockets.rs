//! What sockets cost, beside the least that TCP costs: `cargo bench --bench sockets`.
//!
//! Our server and a bare one run in child processes, on one thread each, and are loaded in turns by the same client, so that
//! what disturbs the machine disturbs both. CPU time is the server's alone, as the kernel's scheduler counts it.

mod common;

use std::error::Error;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wsdemo::server::{Limits, Options, Server, Servers};
use wsdemo::tap::{Looking, Taps, kernel};
use wsdemo::timeline::Bus;

type Failed = Box<dyn Error + Send + Sync>;

/// The payload of a message, bytes.
const PAYLOAD: usize = 64;

/// How often each server is loaded, and for how long.
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(700);

/// Echo.
const CONNECTIONS: usize = 64;

/// Fan-out.
const MEMBERS: usize = 200;
const BURST: usize = 8;

/// Sockets that do nothing.
const IDLE: usize = 2000;

fn main() -> Result<(), Failed> {
    kernel::raise_descriptor_limit();
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", kind] => runtime.block_on(serve(kind)),
        ["many-threads", kind] => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(kind))
        }
        ref wanted => runtime.block_on(measure(wanted)),
    }
}

// The servers.

async fn serve(kind: &str) -> Result<(), Failed> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    let looking = match kind {
        "tcp-echo" => return tcp_echo(listener).await,
        "tcp-fan-out" => return tcp_fan_out(listener).await,
        "bare" => Looking::Bare,
        "counted" => Looking::Counted,
        _ => Looking::Observed,
    };
    let options = Options {
        heartbeat: Some(Duration::from_secs(20)),
        limits: Limits { guests: 10_000, ..Limits::SERVE },
        ..Options::default()
    };
    let taps = Taps::new(Bus::new()).looking(looking);
    let _server = Server::start(listener, taps, &Servers::default(), options, Box::new(|_| ()))?;
    std::future::pending().await
}

async fn tcp_echo(listener: TcpListener) -> Result<(), Failed> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut room = [0; 4096];
            while let Ok(len @ 1..) = stream.read(&mut room).await {
                if stream.write_all(&room[..len]).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// What one sends goes to all, with one write each.
async fn tcp_fan_out(listener: TcpListener) -> Result<(), Failed> {
    let members = Arc::new(Mutex::new(Vec::new()));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let stream = Arc::new(stream);
        members.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&stream));
        // A member from here on: said, as a handshake says it, so that nobody speaks before all are.
        stream.writable().await?;
        stream.try_write(b"+")?;
        let members = Arc::clone(&members);
        tokio::spawn(async move {
            let mut room = [0; 4096];
            while stream.readable().await.is_ok() {
                match stream.try_read(&mut room) {
                    Ok(0) => return,
                    Ok(len) => {
                        for member in members.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                            let _ = member.try_write(&room[..len]);
                        }
                    }
                    Err(_) => {}
                }
            }
        });
    }
}

/// A server in a process of its own.
struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    fn start(how: &str, kind: &str) -> Result<Self, Failed> {
        let mut child =
            Command::new(std::env::current_exe()?).args([how, kind]).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut line)?;
        Ok(Self { child, address: line.trim().parse()? })
    }

    /// CPU time of all its threads.
    fn cpu(&self) -> Result<Duration, Failed> {
        let mut all = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let told = fs::read_to_string(task?.path().join("schedstat"))?;
            all += told.split(' ').next().ok_or("no schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(all))
    }

    /// What it holds in memory, bytes.
    fn resident(&self) -> Result<usize, Failed> {
        common::resident(self.child.id())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// The client.

/// So many messages of a client's, as WebSocket frames or as they are.
fn messages(path: Option<&str>, count: usize) -> (Vec<u8>, usize) {
    let payload = [b'x'; PAYLOAD];
    match path {
        Some(_) => {
            let frame = [&[0x81, 0x80 | PAYLOAD as u8, 0, 0, 0, 0][..], &payload].concat();
            (frame.repeat(count), count * (PAYLOAD + 2))
        }
        None => (payload.repeat(count), count * PAYLOAD),
    }
}

/// A connection, upgraded where there is a path.
async fn connect(address: SocketAddr, path: Option<&str>) -> Result<TcpStream, Failed> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let Some(path) = path else { return Ok(stream) };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    if head.starts_with(b"HTTP/1.1 101") { Ok(stream) } else { Err("no 101".into()) }
}

async fn connect_all(
    address: SocketAddr,
    path: Option<&str>,
    count: usize,
) -> Result<Vec<TcpStream>, Failed> {
    let mut streams = Vec::new();
    for _ in 0..count {
        streams.push(connect(address, path).await?);
    }
    Ok(streams)
}

/// What one round came to.
#[derive(Clone, Copy)]
struct Round {
    a_second: f64,
    /// The server's CPU time an operation, microseconds.
    cpu: f64,
}

/// `in_flight` messages go out at once on each connection, and come back, for a while.
async fn echo_round(served: &Served, path: Option<&str>, in_flight: usize) -> Result<Round, Failed> {
    let streams = connect_all(served.address, path, CONNECTIONS).await?;
    let (sent, len) = messages(path, in_flight);
    let sent = Arc::new(sent);
    let (began, cpu) = (Instant::now(), served.cpu()?);
    let mut tasks = Vec::new();
    for mut stream in streams {
        let sent = Arc::clone(&sent);
        tasks.push(tokio::spawn(async move {
            let (mut came, mut count) = (vec![0; len], 0);
            while began.elapsed() < ROUND {
                stream.write_all(&sent).await?;
                stream.read_exact(&mut came).await?;
                count += in_flight;
            }
            Ok::<_, Failed>(count)
        }));
    }
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    finish(served, began, cpu, count)
}

/// One member speaks in bursts, and all hear each before the next.
async fn fan_out_round(served: &Served, path: Option<&str>) -> Result<Round, Failed> {
    let mut streams = connect_all(served.address, path, MEMBERS).await?;
    if path.is_none() {
        for stream in &mut streams {
            stream.read_u8().await?;
        }
    }
    let (sent, len) = messages(path, BURST);
    let mut came = vec![0; len];
    let (began, cpu, mut count) = (Instant::now(), served.cpu()?, 0);
    while began.elapsed() < ROUND {
        streams[0].write_all(&sent).await?;
        for stream in &mut streams {
            stream.read_exact(&mut came).await?;
        }
        count += BURST * MEMBERS;
    }
    finish(served, began, cpu, count)
}

fn finish(served: &Served, began: Instant, cpu: Duration, count: usize) -> Result<Round, Failed> {
    let spent = served.cpu()? - cpu;
    let count = count as f64;
    Ok(Round { a_second: count / began.elapsed().as_secs_f64(), cpu: spent.as_secs_f64() * 1e6 / count })
}

async fn measure(wanted: &[&str]) -> Result<(), Failed> {
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
    let mut out = io::stdout();
    writeln!(
        out,
        "{:<34}{:>12}{:>12}{:>8}{:>11}{:>9}",
        "", "a second", "bare TCP", "ratio", "CPU, us", "x TCP"
    )?;
    for looking in ["bare", "counted", "observed"] {
        for (how, threads) in [("serve", ""), ("many-threads", ", many threads")] {
            for (name, in_flight) in [("echo, 1 in flight", 1), ("echo, 16 in flight", 16)] {
                let name = format!("{name}, {looking}{threads}");
                if is_wanted(&name) && (threads.is_empty() || looking == "bare") {
                    let (ours, bare) = (Served::start(how, looking)?, Served::start(how, "tcp-echo")?);
                    let mut rounds = Vec::new();
                    for _ in 0..ROUNDS {
                        let ours = echo_round(&ours, Some("/ws/echo"), in_flight).await?;
                        rounds.push((ours, echo_round(&bare, None, in_flight).await?));
                    }
                    tell(&mut out, &name, &rounds)?;
                }
            }
            let name = format!("fan-out, {looking}{threads}");
            if is_wanted(&name) && (threads.is_empty() || looking == "bare") {
                let ours = Served::start(how, looking)?;
                let mut rounds = Vec::new();
                for n in 0..ROUNDS {
                    // A room, or a server, for each round: members of the last one may still be leaving.
                    let ours = fan_out_round(&ours, Some(&format!("/ws/room/{n}"))).await?;
                    rounds.push((ours, fan_out_round(&Served::start(how, "tcp-fan-out")?, None).await?));
                }
                tell(&mut out, &name, &rounds)?;
            }
        }
        let name = format!("idle, {looking}");
        if is_wanted(&name) {
            writeln!(out, "{name:<34}{:>12} bytes a socket", idle(looking).await?)?;
        }
    }
    Ok(())
}

/// The median of each, and of the ratios within a round.
fn tell(out: &mut impl io::Write, name: &str, rounds: &[(Round, Round)]) -> io::Result<()> {
    let median = |of: &dyn Fn(&(Round, Round)) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    writeln!(
        out,
        "{name:<34}{:>12.0}{:>12.0}{:>8.2}{:>11.2}{:>9.2}",
        median(&|(ours, _)| ours.a_second),
        median(&|(_, bare)| bare.a_second),
        median(&|(ours, bare)| ours.a_second / bare.a_second),
        median(&|(ours, _)| ours.cpu),
        median(&|(ours, bare)| ours.cpu / bare.cpu),
    )
}

/// What a socket that does nothing holds of the server's memory, bytes.
async fn idle(looking: &str) -> Result<usize, Failed> {
    let served = Served::start("serve", looking)?;
    // What the first ones cost once is not theirs.
    let first = connect_all(served.address, Some("/ws"), 100).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = served.resident()?;
    let rest = connect_all(served.address, Some("/ws"), IDLE).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let after = served.resident()?;
    drop((first, rest));
    Ok((after - before) / IDLE)
}
