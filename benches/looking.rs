//! What looking costs: the server's CPU time for an operation, while it counts as `serve --quiet` does and while it observes,
//! each against the same server without the tap, in turns. And how long from exec to the first 200.
//!
//! The servers are child processes of this program, so that their time is theirs alone.

#![expect(clippy::unwrap_used, reason = "what goes wrong here ends the measurement")]
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wsdemo::server::{Limits, Options, Server, Servers};
use wsdemo::tap::{Looking, Taps};
use wsdemo::timeline::{Bus, Keep};

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 15;
const STARTS: usize = 30;

/// What is measured: its name, and how many operations each connection does in a round.
const LOADS: [(&str, usize); 3] =
    [("GET, keep-alive", 150), ("GET, Connection: close", 40), ("WebSocket echo, 64 B", 300)];

const GET: &[u8] = b"GET /api/messages HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n";
const CLOSE: &[u8] = b"GET /api/messages HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\n\r\n";
const UPGRADE: &[u8] =
    b"GET /ws/echo HTTP/1.1\r\nHost: localhost:PORT\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn main() {
    let asked = std::env::args().skip_while(|word| word != "--server").nth(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match asked {
        Some(looking) => runtime.block_on(serve(&looking)),
        None => {
            runtime.block_on(measure());
            start();
        }
    }
}

/// A server as `serve` has it, until the parent is gone.
async fn serve(looking: &str) {
    let looking = match looking {
        "bare" => Looking::Bare,
        "counted" => Looking::Counted,
        _ => Looking::Observed,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let taps = Taps::new(Bus::bounded(Keep { events: 50_000, bytes: 64 << 20 })).looking(looking);
    let heartbeat = Some(Duration::from_secs(20));
    let options = Options { heartbeat, limits: Limits::SERVE, ..Options::default() };
    let _server = Server::start(listener, taps, &Servers::default(), options, Box::new(|_| ())).unwrap();
    let gone = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
    let _ = gone.await;
}

struct Subject {
    child: Child,
    address: SocketAddr,
}

impl Subject {
    fn start(looking: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--server", looking]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().parse().unwrap() }
    }

    /// CPU time of its one thread so far, in nanoseconds (proc_pid_schedstat).
    fn cpu(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/schedstat", self.child.id())).unwrap();
        stat.split(' ').next().unwrap().parse().unwrap()
    }

    /// CPU time an operation of one round, in microseconds.
    async fn round(&self, (name, count): (&str, usize)) -> f64 {
        let before = self.cpu();
        join_all((0..CONNECTIONS).map(|_| load(self.address, name, count))).await;
        (self.cpu() - before) as f64 / 1000.0 / (CONNECTIONS * count) as f64
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn load(address: SocketAddr, name: &str, count: usize) {
    let words =
        |text: &[u8]| String::from_utf8_lossy(text).replace("PORT", &address.port().to_string()).into_bytes();
    let mut buf = vec![0; 4096];
    if name.contains("close") {
        let request = words(CLOSE);
        for _ in 0..count {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&request).await.unwrap();
            while stream.read(&mut buf).await.unwrap() > 0 {}
        }
        return;
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (request, answer) = if name.contains("echo") {
        stream.write_all(&words(UPGRADE)).await.unwrap();
        let len = stream.read(&mut buf).await.unwrap();
        assert!(buf[..len].starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&buf[..len]));
        // A text of 64 bytes, masked with a key of zeros.
        ([&[0x81, 0xc0, 0, 0, 0, 0][..], &[b'x'; 64]].concat(), Some(66))
    } else {
        (words(GET), None)
    };
    for _ in 0..count {
        stream.write_all(&request).await.unwrap();
        match answer {
            Some(len) => drop(stream.read_exact(&mut buf[..len]).await.unwrap()),
            // Small, and sent at once.
            None => assert!(stream.read(&mut buf).await.unwrap() > 0),
        }
    }
}

async fn measure() {
    println!(
        "CPU time of the server, microseconds an operation; {CONNECTIONS} connections, median of {ROUNDS} rounds"
    );
    println!(
        "{:24}{:>16}{:>10}{:>8}{:>10}{:>8}",
        "", "without the tap", "--quiet", "ratio", "observed", "ratio"
    );
    let subjects = ["bare", "counted", "observed"].map(Subject::start);
    for what in LOADS {
        for subject in &subjects {
            subject.round(what).await;
        }
        let mut times = [const { Vec::new() }; 3];
        for round in 0..ROUNDS {
            // Whoever is first in a round is not always the same.
            for n in 0..3 {
                let n = (n + round) % 3;
                times[n].push(subjects[n].round(what).await);
            }
        }
        let ratio = |n: usize| median(times[n].iter().zip(&times[0]).map(|(it, bare)| it / bare).collect());
        let (counted, observed) = (ratio(1), ratio(2));
        let [bare, quiet, seen] = times.map(median);
        println!("{:24}{bare:>16.1}{quiet:>10.1}{counted:>8.3}{seen:>10.1}{observed:>8.2}", what.0);
    }
}

/// How long the program takes from exec to its first 200; beside it, what starting any program takes here.
fn start() {
    let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let (mut first, mut any) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let began = Instant::now();
        assert!(Command::new("true").status().unwrap().success());
        any.push(began.elapsed().as_secs_f64() * 1e3);
        first.push(first_200(port).as_secs_f64() * 1e3);
    }
    let worst = first.iter().copied().fold(0.0, f64::max);
    let (first, any) = (median(first), median(any));
    println!(
        "\nFrom exec of `wsdemo serve` to its first 200: median {first:.1} ms, worst {worst:.1} of {STARTS} (`true`: {any:.1} ms)"
    );
}

fn first_200(port: u16) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wsdemo"));
    command.args(["serve", "--quiet", "--port", &port.to_string()]).stdout(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut stream = loop {
        match std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => break stream,
            Err(_) => assert!(began.elapsed() < Duration::from_secs(10), "it does not listen"),
        }
    };
    let request = String::from_utf8_lossy(GET).replace("PORT", &port.to_string());
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    let took = began.elapsed();
    assert_eq!(&answer, b"HTTP/1.1 200");
    child.kill().unwrap();
    child.wait().unwrap();
    took
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
