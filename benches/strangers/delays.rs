//! Those who listen, and when they hear.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;
use crate::client::Socket;

/// How long a message may be on its way before it counts as lost.
const LOST: Duration = Duration::from_secs(30);

/// Milliseconds, sorted.
#[derive(Debug)]
pub struct Delays(Vec<f64>);

impl Delays {
    fn new(mut millis: Vec<f64>) -> Self {
        millis.sort_by(f64::total_cmp);
        Self(millis)
    }

    pub fn and(self, other: Self) -> Self {
        Self::new([self.0, other.0].concat())
    }

    pub fn median(&self) -> f64 {
        self.percentile(0.5)
    }

    pub fn percentile(&self, part: f64) -> f64 {
        let at = (part * self.0.len() as f64).ceil() as usize;
        self.0.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }
}

/// Sockets that listen as long as this is there.
pub struct Room {
    began: Instant,
    heard: Arc<Heard>,
    listeners: usize,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Heard {
    millis: Mutex<Vec<f64>>,
    /// The first who was let down.
    failed: Mutex<Option<String>>,
}

impl Room {
    pub async fn open(address: SocketAddr, listeners: usize) -> Result<Self> {
        let (began, heard) = (Instant::now(), Arc::<Heard>::default());
        let mut tasks = JoinSet::new();
        for _ in 0..listeners {
            let socket = Socket::open(address).await?;
            tasks.spawn(listen(socket, began, Arc::clone(&heard)));
        }
        Ok(Self { began, heard, listeners, _tasks: tasks })
    }

    /// A text of about so many bytes that says when it was made.
    pub fn stamp(&self, size: usize) -> String {
        let nanos = self.began.elapsed().as_nanos();
        format!("@{nanos}@{}", "x".repeat(size))
    }

    pub fn clear(&self) {
        lock(&self.heard.millis).clear();
    }

    /// When nothing is on its way any more.
    pub async fn wait_for_quiet(&self) {
        let mut last = usize::MAX;
        loop {
            let now = lock(&self.heard.millis).len();
            if now == last {
                return;
            }
            last = now;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// What everybody heard of so many posts.
    pub async fn delays(&self, posts: usize) -> Result<Delays> {
        let (due, began) = (posts * self.listeners, Instant::now());
        loop {
            if let Some(failed) = &*lock(&self.heard.failed) {
                return Err(format!("one who listens was let down: {failed}").into());
            }
            let heard = lock(&self.heard.millis).len();
            if heard >= due {
                return Ok(Delays::new(lock(&self.heard.millis).clone()));
            }
            if began.elapsed() > LOST {
                return Err(format!("{heard} of {due} were heard").into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn listen(mut socket: Socket, began: Instant, heard: Arc<Heard>) {
    loop {
        match socket.hear().await {
            Ok(text) => {
                let now = began.elapsed().as_nanos() as f64;
                // What has no stamp is none of ours.
                if let Some(made) = text.split('@').nth(1).and_then(|nanos| nanos.parse::<f64>().ok()) {
                    lock(&heard.millis).push((now - made) / 1e6);
                }
            }
            Err(error) => {
                lock(&heard.failed).get_or_insert(error.to_string());
                return;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
