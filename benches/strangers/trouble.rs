//! The strangers who misbehave.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Result;
use crate::client::{Poster, connect, handshake};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    SlowHeads,
    SlowBodies,
    /// Slow, and yet fast enough.
    SteadyBodies,
    SlowReaders,
    /// The same.
    SteadyReaders,
    SlowFeeds,
    Deaf,
    OneDeaf,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::SlowHeads,
        Self::SlowBodies,
        Self::SteadyBodies,
        Self::SlowReaders,
        Self::SteadyReaders,
        Self::SlowFeeds,
        Self::Deaf,
        Self::OneDeaf,
    ];

    pub fn name(self, count: usize) -> String {
        let name = match self {
            Self::SlowHeads => "heads, a byte a second",
            Self::SlowBodies => "bodies, a byte a second",
            Self::SteadyBodies => "bodies, 1.5 KiB a second",
            Self::SlowReaders => "do not read GET /api/messages",
            Self::SteadyReaders => "read GET /api/messages, 40 KB/s",
            Self::SlowFeeds => "do not read GET /api/events",
            Self::Deaf | Self::OneDeaf => "do not read their socket",
        };
        format!("{count} {name}")
    }

    /// How much is posted in each message meanwhile, bytes: where somebody does not read what all are told, enough that
    /// it does not fit into what the kernel keeps.
    pub fn size(self) -> usize {
        match self {
            Self::SlowHeads
            | Self::SlowBodies
            | Self::SteadyBodies
            | Self::SlowReaders
            | Self::SteadyReaders => 64,
            Self::SlowFeeds | Self::Deaf | Self::OneDeaf => 4096,
        }
    }

    /// How many of so many the server must have ended at least, and at most, when they have been at it for this long.
    pub fn to_be_ended(self, count: usize, time: Duration) -> RangeInclusive<usize> {
        match self {
            // None comes to its own end so fast.
            Self::SteadyBodies | Self::SteadyReaders if time < Duration::from_secs(30) => 0..=0,
            Self::SteadyBodies | Self::SteadyReaders => 0..=usize::MAX,
            // Longer than any limit of theirs, and than what makes one late to find it out.
            _ if time > Duration::from_secs(15) => count..=usize::MAX,
            _ => 0..=usize::MAX,
        }
    }

    pub async fn is_there(self, address: SocketAddr) -> Result<bool> {
        Ok(self != Self::SlowFeeds || Poster::connect(address).await?.status("/api/events").await? == 200)
    }

    fn request(self, address: SocketAddr) -> String {
        let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        match self {
            Self::SlowHeads => "G".into(),
            Self::SlowBodies | Self::SteadyBodies => {
                format!("POST /api/messages HTTP/1.1\r\nHost: {address}\r\nContent-Length: 60000\r\n\r\n{{")
            }
            Self::SlowReaders | Self::SteadyReaders => get("/api/messages"),
            Self::SlowFeeds => get("/api/events"),
            Self::Deaf | Self::OneDeaf => handshake(address),
        }
    }
}

/// So many of them, who come again when they are thrown out.
pub struct Trouble {
    kind: Kind,
    count: usize,
    tally: Arc<Tally>,
    tasks: JoinSet<()>,
    since: Instant,
}

#[derive(Default)]
struct Tally {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Trouble {
    pub fn start(kind: Kind, address: SocketAddr, count: usize) -> Self {
        let tally = Arc::<Tally>::default();
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            tasks.spawn(misbehave(kind, address, Arc::clone(&tally)));
        }
        Self { kind, count, tally, tasks, since: Instant::now() }
    }

    /// When all are at it.
    pub async fn ready(&mut self, poster: &mut Poster) -> Result<()> {
        while self.tally.begun.load(Relaxed) < self.count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.since = Instant::now();
        if self.kind.size() > 64 {
            // More at once than the kernel keeps for one who does not read.
            for _ in 0..100 {
                poster.post(&"x".repeat(50_000)).await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        // What it costs to let all of them in at once is over.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(())
    }

    /// How many connections the server had ended; an error where they are too many or too few.
    pub async fn end(mut self) -> Result<usize> {
        let ended = self.tally.ended.load(Relaxed);
        let time = self.since.elapsed();
        self.tasks.shutdown().await;
        let right = self.kind.to_be_ended(self.count, time);
        if right.contains(&ended) {
            return Ok(ended);
        }
        Err(format!(
            "{}: {ended} ended by the server in {time:?}, and right is {right:?}",
            self.kind.name(self.count)
        )
        .into())
    }
}

async fn misbehave(kind: Kind, address: SocketAddr, tally: Arc<Tally>) {
    loop {
        if let Ok(mut stream) = connect(address, true).await
            && stream.write_all(kind.request(address).as_bytes()).await.is_ok()
        {
            tally.begun.fetch_add(1, Relaxed);
            match kind {
                Kind::SlowHeads | Kind::SlowBodies => drip(&mut stream, b"x").await,
                Kind::SteadyBodies => drip(&mut stream, &[b'x'; 1536]).await,
                Kind::SteadyReaders => read_slowly(&mut stream).await,
                Kind::SlowReaders | Kind::SlowFeeds | Kind::Deaf | Kind::OneDeaf => {
                    until_reset(&stream).await
                }
            }
            tally.ended.fetch_add(1, Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Ends when the server has had enough.
async fn drip(stream: &mut TcpStream, drop: &[u8]) {
    let (mut reading, mut writing) = stream.split();
    let mut buf = [0; 1024];
    let dripping = async {
        while writing.write_all(drop).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let ended = async { while reading.read(&mut buf).await.is_ok_and(|len| len > 0) {} };
    tokio::select! {
        () = dripping => {}
        () = ended => {}
    }
}

/// Ends when the connection does.
async fn read_slowly(stream: &mut TcpStream) {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let mut buf = [0; 4_000];
    loop {
        ticks.tick().await;
        if stream.read_exact(&mut buf).await.is_err() {
            return;
        }
    }
}

/// Nothing is read, so that only a reset is seen.
async fn until_reset(stream: &TcpStream) {
    while !matches!(stream.take_error(), Ok(Some(_)) | Err(_)) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
