//! The pump of the added network: whatever crosses it waits its time, in order, FINs too.
//!
//! A task reads what arrives as soon as it arrives, so that the tap tells it then, and lets the server have it later; what the
//! server sends leaves later. Both ways hold a bounded number of bytes: beyond that nothing more is read, and nothing more
//! is taken from the server.

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::{Network, Stream};

/// How much may be on its way at once, each way, bytes.
const MOST: usize = 256 * 1024;

/// What each piece counts beyond its bytes: many small ones take room too.
const PIECE: usize = 64;

/// How much is read at once, bytes.
const READ: usize = 16 * 1024;

/// How long the client may take to take what is left when the server has let go, beyond the network's own times.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the network lasts when the server stops, which waits no longer than 1.5 s for a last word and its answer.
const LAST: Duration = Duration::from_millis(500);

/// How far the runtime's timers reach: they wake up to so much too late. Asked to wake so much earlier, they are early as often as
/// late.
const TICK: Duration = Duration::from_millis(1);

/// The server's end of a connection whose network is changed.
#[derive(Debug)]
pub(super) struct Net {
    shared: Arc<Mutex<Shared>>,
    times: Times,
    timer: Timer,
}

/// Ready when the server stops.
pub(super) type Told = Pin<Box<dyn Future<Output = ()> + Send>>;

/// When what is sent at some time has crossed.
#[derive(Debug, Clone, Copy)]
struct Times {
    opened: Instant,
    network: Network,
}

#[derive(Debug, Default)]
struct Shared {
    to_server: Way,
    to_client: Way,
    /// The server has let go of its end.
    left: bool,
    /// When the network ends, since the server stops: nothing waits longer.
    ends: Option<Instant>,
    /// Our FIN has left.
    fin_left: bool,
    /// The stream failed; and from when on the server knows.
    failed: Option<(Instant, io::ErrorKind)>,
    pump: Option<Waker>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// What is on its way in one direction, and when it has crossed.
#[derive(Debug, Default)]
struct Way {
    pieces: VecDeque<(Instant, Piece)>,
    held: usize,
    ended: bool,
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    Fin,
}

impl Times {
    /// When the server may have what has arrived now: not before the handshake's round trip is over.
    fn in_from(self, now: Instant) -> Instant {
        self.passes(now).max(self.opened + self.network.rtt) + self.network.rtt / 2
    }

    /// When that leaves which the server sends now.
    fn out_from(self, now: Instant) -> Instant {
        self.passes(now + self.network.rtt / 2)
    }

    /// The first moment from `at` on in which the network does not stall.
    fn passes(self, at: Instant) -> Instant {
        let Some(stall) = self.network.stall else { return at };
        let (age, every) = (at.saturating_duration_since(self.opened), stall.every.as_nanos().max(1));
        let into = age.as_nanos() % every;
        let rest = stall.time.as_nanos().saturating_sub(into);
        if age >= stall.every && rest > 0 {
            at + Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX))
        } else {
            at
        }
    }
}

impl Way {
    fn room(&self) -> usize {
        MOST.saturating_sub(self.held)
    }

    fn push(&mut self, due: Instant, bytes: Bytes) {
        self.held += bytes.len() + PIECE;
        self.pieces.push_back((due, Piece::Bytes(bytes)));
    }

    fn end(&mut self, due: Instant) {
        if !self.ended {
            self.ended = true;
            self.pieces.push_back((due, Piece::Fin));
        }
    }

    /// The next bytes lose their first `len`.
    fn take(&mut self, len: usize) {
        let Some((_, Piece::Bytes(bytes))) = self.pieces.front_mut() else { return };
        bytes.advance(len);
        self.held -= len;
        if bytes.is_empty() {
            self.held -= PIECE;
            self.pieces.pop_front();
        }
    }

    fn clear(&mut self) {
        self.pieces.clear();
        self.held = 0;
    }
}

impl Shared {
    fn wake_pump(&mut self) {
        wake(&mut self.pump);
    }

    fn wake_server(&mut self) {
        wake(&mut self.reader);
        wake(&mut self.writer);
    }

    /// When that crosses which is due then.
    fn crosses(&self, due: Instant) -> Instant {
        self.ends.map_or(due, |ends| due.min(ends))
    }

    /// The stream's failure, once it is known to the server.
    fn failure(&self) -> Option<io::Error> {
        let (_, kind) = self.failed.filter(|(known, _)| self.crosses(*known) <= Instant::now())?;
        Some(kind.into())
    }
}

/// Wakes when something is due.
#[derive(Debug, Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn poll(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let wake = due - TICK;
            if wake <= Instant::now() {
                return Poll::Ready(());
            }
            let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(wake)));
            if sleep.deadline() != wake {
                sleep.as_mut().reset(wake);
            }
            ready!(sleep.as_mut().poll(cx));
        }
    }
}

impl Net {
    /// Puts the network around a stream that was opened just now. `keep` is kept until the stream is gone, which may be later
    /// than that the server lets go of its end; when it is `told`, the network ends soon.
    pub(super) fn around(stream: Stream, network: Network, keep: Box<dyn Any + Send>, told: Told) -> Self {
        let times = Times { opened: Instant::now(), network };
        let shared = Arc::new(Mutex::new(Shared::default()));
        let pump = Pump {
            stream: Box::new(stream),
            shared: Arc::clone(&shared),
            times,
            timer: Timer::default(),
            cut: network.cut.map(|age| Box::pin(tokio::time::sleep_until(times.opened + age))),
            told: Some(told),
            patience: None,
            buf: vec![0; READ].into(),
            client_ended: false,
            keep,
        };
        tokio::spawn(pump);
        Self { shared, times, timer: Timer::default() }
    }
}

impl AsyncRead for Net {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut shared = lock(&this.shared);
        shared.reader = Some(cx.waker().clone());
        let known = shared.failed.map(|(known, _)| known);
        let Some(due) = shared.to_server.pieces.front().map(|(due, _)| *due).or(known) else {
            return Poll::Pending;
        };
        ready!(this.timer.poll(shared.crosses(due), cx));
        let was_full = shared.to_server.room() == 0;
        match shared.to_server.pieces.front() {
            Some((_, Piece::Bytes(bytes))) => {
                let len = bytes.len().min(buf.remaining());
                buf.put_slice(&bytes[..len]);
                shared.to_server.take(len);
            }
            // It stays there: whoever reads once more finds the end once more.
            Some((_, Piece::Fin)) => {}
            None => {
                return Poll::Ready(Err(shared
                    .failed
                    .map_or(io::ErrorKind::NotConnected, |(_, kind)| kind)
                    .into()));
            }
        }
        if was_full && shared.to_server.room() > 0 {
            shared.wake_pump();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Net {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let mut shared = lock(&this.shared);
        if let Some(error) = shared.failure() {
            return Poll::Ready(Err(error));
        }
        if shared.to_client.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if shared.failed.is_some() {
            // The news of it is still on its way: the server goes on, and nobody hears it.
            return Poll::Ready(Ok(buf.len()));
        }
        let room = shared.to_client.room();
        if room == 0 {
            shared.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = buf.len().min(room);
        if len > 0 {
            shared.to_client.push(this.times.out_from(Instant::now()), Bytes::copy_from_slice(&buf[..len]));
            shared.wake_pump();
        }
        Poll::Ready(Ok(len))
    }

    /// As with the kernel: what is taken is on its way.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ready when everything has left, and our FIN after it.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut shared = lock(&this.shared);
        if shared.fin_left {
            return Poll::Ready(Ok(()));
        }
        if let Some((_, kind)) = shared.failed {
            return Poll::Ready(Err(kind.into()));
        }
        shared.to_client.end(this.times.out_from(Instant::now()));
        shared.writer = Some(cx.waker().clone());
        shared.wake_pump();
        Poll::Pending
    }
}

impl Drop for Net {
    /// What is on its way still leaves, then the stream is closed.
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        shared.left = true;
        shared.to_server.clear();
        shared.to_client.end(self.times.out_from(Instant::now()));
        shared.wake_pump();
    }
}

/// Owns the stream, until both sides have ended or it fails.
struct Pump {
    stream: Box<Stream>,
    shared: Arc<Mutex<Shared>>,
    times: Times,
    timer: Timer,
    cut: Option<Pin<Box<Sleep>>>,
    /// Until the server stops.
    told: Option<Told>,
    /// Begins when the server has let go.
    patience: Option<Pin<Box<Sleep>>>,
    buf: Box<[u8]>,
    client_ended: bool,
    #[expect(dead_code, reason = "kept, and never looked at")]
    keep: Box<dyn Any + Send>,
}

impl Pump {
    /// Reads as fast as there is room; ready at the client's FIN.
    fn bring(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.client_ended {
            let room = {
                let shared = lock(&self.shared);
                // What nobody will read stays with the kernel, which answers it with a reset.
                if shared.left { 0 } else { shared.to_server.room() }
            };
            if room == 0 {
                return Poll::Pending;
            }
            let most = room.min(self.buf.len());
            let mut buf = ReadBuf::new(&mut self.buf[..most]);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf))?;
            let due = self.times.in_from(Instant::now());
            let mut shared = lock(&self.shared);
            if buf.filled().is_empty() {
                self.client_ended = true;
                shared.to_server.end(due);
            } else {
                shared.to_server.push(due, Bytes::copy_from_slice(buf.filled()));
            }
            wake(&mut shared.reader);
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what is due; ready when our FIN has left.
    fn send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let (due, bytes) = {
                let shared = lock(&self.shared);
                match shared.to_client.pieces.front() {
                    _ if shared.fin_left => return Poll::Ready(Ok(())),
                    Some((due, Piece::Bytes(bytes))) => (shared.crosses(*due), Some(bytes.clone())),
                    Some((due, Piece::Fin)) => (shared.crosses(*due), None),
                    None => return Poll::Pending,
                }
            };
            ready!(self.timer.poll(due, cx));
            match bytes {
                Some(bytes) => {
                    let len = ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes))?;
                    if len == 0 {
                        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                    }
                    lock(&self.shared).to_client.take(len);
                }
                None => {
                    ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
                    lock(&self.shared).fin_left = true;
                }
            }
            wake(&mut lock(&self.shared).writer);
        }
    }

    /// Whether the connection was cut, by the network or by somebody else.
    fn is_cut(&mut self, cx: &mut Context<'_>) -> bool {
        let control = self.stream.control();
        // Before looking. It may be that nothing is read now, so that the gate has nobody to wake.
        control.reader.register(cx.waker());
        if self.cut.as_mut().is_some_and(|cut| cut.as_mut().poll(cx).is_ready()) {
            control.cut();
        }
        control.is_cut()
    }

    /// Whether the server stops: then all that is on its way has crossed soon, whatever the network.
    fn hear_of_the_end(&mut self, cx: &mut Context<'_>) {
        if self.told.as_mut().is_some_and(|told| told.as_mut().poll(cx).is_ready()) {
            self.told = None;
            let mut shared = lock(&self.shared);
            shared.ends = Some(Instant::now() + LAST);
            // They wait for what was due before.
            shared.wake_server();
        }
    }

    /// Whether the client does not take what is left.
    fn is_tired(&mut self, cx: &mut Context<'_>) -> bool {
        if !lock(&self.shared).left {
            return false;
        }
        let network = self.times.network;
        let stall = network.stall.map_or(Duration::ZERO, |stall| stall.time);
        let patience = || Box::pin(tokio::time::sleep(PATIENCE + network.rtt + stall));
        self.patience.get_or_insert_with(patience).as_mut().poll(cx).is_ready()
    }

    /// The stream is gone. Whoever waits is told: of a cut at once, of what happened at the client's end when that is known here.
    fn fail(&mut self, error: &io::Error) {
        let now = Instant::now();
        let is_cut = self.stream.control().is_cut();
        let mut shared = lock(&self.shared);
        if is_cut {
            shared.to_server.clear();
        }
        let known = if is_cut { now } else { self.times.in_from(now) };
        shared.failed = Some((known, error.kind()));
        shared.to_client.clear();
        shared.wake_server();
    }
}

impl Future for Pump {
    type Output = ();

    /// Ready when there is nothing left to do with the stream; it is closed with the pump.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        lock(&this.shared).pump = Some(cx.waker().clone());
        if this.is_cut(cx) {
            this.fail(&io::ErrorKind::ConnectionAborted.into());
            return Poll::Ready(());
        }
        this.hear_of_the_end(cx);
        if this.is_tired(cx) {
            return Poll::Ready(());
        }
        let brought = this.bring(cx);
        // Also where nobody sends anything any more, a failure ends it.
        let sent = if let Poll::Ready(Err(_)) = &brought { Poll::Pending } else { this.send(cx) };
        let is_over = match (brought, sent) {
            (Poll::Ready(Err(error)), _) | (_, Poll::Ready(Err(error))) => {
                this.fail(&error);
                true
            }
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => true,
            (Poll::Pending, Poll::Ready(Ok(()))) => lock(&this.shared).left,
            (_, Poll::Pending) => false,
        };
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // Nothing under this lock calls what could panic.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

#[cfg(test)]
mod tests;
