//! Do strangers who misbehave delay the others? Measured: from a post to each of many sockets that hear it, in quiet and
//! beside each kind of trouble, one right after the other.
//!
//! `scripts/strangers` builds and runs it. It is four programs in one, told apart by the first argument: the measuring, the
//! server (`server`, a process of its own, as a stranger meets it), and those who will vanish (`crowd`, in a network
//! namespace of its own where there may be one).

mod client;
mod delays;
mod network;
mod served;
mod trouble;

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use wsdemo::tap::kernel;

use client::Poster;
use delays::{Delays, Room};
use network::Network;
use served::Served;
use trouble::{Kind, Trouble};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What may be changed about a run.
#[derive(Debug, Clone)]
struct Run {
    /// Sockets that listen and do nothing wrong.
    listeners: usize,
    /// Strangers of each kind.
    strangers: usize,
    /// Those who vanish.
    vanishing: usize,
    /// How long is measured beside trouble, and as long in quiet: half before, half after.
    phase: Duration,
    /// Posts a second.
    rate: u32,
    /// Only the kinds whose names have this in them.
    only: String,
    /// A median beside trouble that is more than this many times the quiet one fails the run.
    most: Option<f64>,
}

fn main() -> Result<()> {
    kernel::raise_descriptor_limit();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["server", address, guests] => served::serve(address.parse()?, guests.parse()?),
        ["crowd", address, sockets, feeds] => {
            two_threads()?.block_on(network::crowd(address.parse()?, sockets.parse()?, feeds.parse()?))
        }
        _ => two_threads()?.block_on(measure(&run(&words)?)),
    }
}

fn two_threads() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

fn run(words: &[&str]) -> Result<Run> {
    let mut run = Run {
        listeners: 200,
        strangers: 300,
        vanishing: 2_000,
        // Longer than a limit lasts, so that being thrown out and coming again is a part of it.
        phase: Duration::from_secs(12),
        rate: 20,
        only: String::new(),
        most: None,
    };
    for pair in words.chunks(2) {
        match *pair {
            ["--listeners", count] => run.listeners = count.parse()?,
            ["--strangers", count] => run.strangers = count.parse()?,
            ["--vanishing", count] => run.vanishing = count.parse()?,
            ["--phase", seconds] => run.phase = Duration::from_secs_f64(seconds.parse()?),
            ["--rate", rate] => run.rate = rate.parse()?,
            ["--only", part] => run.only = part.into(),
            ["--most", times] => run.most = Some(times.parse()?),
            _ => {
                return Err(format!(
                    "not understood: {pair:?}; try --listeners --strangers --vanishing --phase --rate --only --most"
                )
                .into());
            }
        }
    }
    Ok(run)
}

async fn measure(run: &Run) -> Result<()> {
    let mut network = Network::new();
    say(&network.told())?;
    let served = Served::start(network.server, run.listeners + run.strangers + run.vanishing + 64)?;
    let address = served.address;
    let room = Room::open(address, run.listeners).await?;
    let mut poster = Poster::connect(address).await?;
    // A list worth not reading: more than the kernel keeps for one who does not.
    for _ in 0..120 {
        poster.post(&"x".repeat(50_000)).await?;
    }
    room.wait_for_quiet().await;
    let about = "  delay from the post to each of the sockets that listen, ms";
    say(&format!(
        "{} listen, {} posts a second, {} s each\n{about}",
        run.listeners,
        run.rate,
        run.phase.as_secs_f64()
    ))?;
    say(&format!(
        "{:34}{:>8}{:>8}{:>8}   {:>8}{:>8}{:>8}   {:>6}",
        "", "quiet", "p99", "worst", "beside", "p99", "worst", "ratio"
    ))?;
    let mut worst: f64 = 0.0;
    for kind in Kind::ALL {
        let count = if kind == Kind::OneDeaf { 1 } else { run.strangers };
        if !kind.name(count).contains(&run.only) {
            continue;
        }
        if !kind.is_there(address).await? {
            say(&format!("{:34}there is no such door", kind.name(count)))?;
            continue;
        }
        let before = phase(run, run.phase / 2, &room, &mut poster, kind.size()).await?;
        let mut trouble = Trouble::start(kind, address, count);
        trouble.ready(&mut poster).await?;
        let beside = phase(run, run.phase, &room, &mut poster, kind.size()).await?;
        let ended = trouble.end().await?;
        room.wait_for_quiet().await;
        let after = phase(run, run.phase / 2, &room, &mut poster, kind.size()).await?;
        let quiet = before.and(after);
        worst = worst.max(row(&kind.name(count), &quiet, &beside, &format!("{ended} ended by the server"))?);
    }
    if "vanished".contains(&run.only) {
        worst = worst.max(vanish(run, &mut network, &served, &room, &mut poster).await?);
    }
    match run.most {
        Some(most) if worst > most => {
            Err(format!("a ratio of {worst:.2}, and {most} is the most that may be").into())
        }
        _ => Ok(()),
    }
}

/// All of a crowd vanish at once; nothing of theirs is heard again, not even a FIN.
async fn vanish(
    run: &Run,
    network: &mut Network,
    served: &Served,
    room: &Room,
    poster: &mut Poster,
) -> Result<f64> {
    let quiet = phase(run, run.phase / 2, room, poster, 64).await?;
    let (descriptors, memory) = served.uses()?;
    let mut crowd = network.gather(served.address, run.vanishing)?;
    let listening = phase(run, run.phase / 2, room, poster, 64).await?;
    let (full, full_memory) = served.uses()?;
    let name = format!("{} more listen", run.vanishing);
    row(&name, &quiet, &listening, "that is what they cost, not the trouble")?;
    network.vanish(&mut crowd)?;
    let gone = Instant::now();
    let vanished = phase(run, run.phase / 2, room, poster, 64).await?;
    let ratio =
        row(&format!("{} vanished", run.vanishing), &listening, &vanished, "beside the same who listen")?;
    // Pings find it out, and the kernel where nothing is acknowledged: see `served::HEARTBEAT`.
    let limit = Duration::from_secs(60);
    while served.uses()?.0 > descriptors && gone.elapsed() < limit {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (left, left_memory) = served.uses()?;
    say(&format!(
        "  descriptors of the server: {descriptors} before, {full} with them, {left} {:.1} s after they vanished; \
         memory {memory} KiB, {full_memory} KiB, {left_memory} KiB",
        gone.elapsed().as_secs_f64()
    ))?;
    let after = phase(run, run.phase / 2, room, poster, 64).await?;
    row("after they were dropped", &quiet, &after, "")?;
    if left > descriptors {
        return Err(format!("{} of them are still held after {limit:?}", left - descriptors).into());
    }
    Ok(ratio)
}

/// Posts at a fixed rate, and takes the delays at which all hear it.
async fn phase(run: &Run, time: Duration, room: &Room, poster: &mut Poster, size: usize) -> Result<Delays> {
    room.clear();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / run.rate);
    let began = Instant::now();
    let mut posts = 0;
    while began.elapsed() < time {
        ticks.tick().await;
        let text = room.stamp(size);
        poster.post(&text).await?;
        posts += 1;
    }
    room.delays(posts).await
}

fn row(name: &str, quiet: &Delays, beside: &Delays, remark: &str) -> Result<f64> {
    let ratio = beside.median() / quiet.median();
    let three = |delays: &Delays| {
        format!("{:8.2}{:8.2}{:8.2}", delays.median(), delays.percentile(0.99), delays.percentile(1.0))
    };
    say(&format!("{name:34}{}   {}   {ratio:6.2}  {remark}", three(quiet), three(beside)))?;
    Ok(ratio)
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Where something listens on one machine.
fn any_port(ip: [u8; 4]) -> SocketAddr {
    (ip, 0).into()
}
