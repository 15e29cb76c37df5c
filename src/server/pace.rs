//! How long each part of a connection's talk may take, with one timer for all of it.
//!
//! hyper has a clock for heads too, but lets it run while a connection is idle: it would hang up on a teacher who talks.
//! So what hyper reads and writes is watched from beneath, and what it calls from above.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Limits;
use super::context::Body;
use super::presence::Presence;

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// Nothing was asked.
    Idle,
    /// A head was begun and not ended.
    Head,
    /// The client takes nothing of what is sent to it.
    Taking,
}

/// Where a connection is, and since when. Everything that changes it is part of the connection's own task.
#[derive(Debug)]
pub(super) struct Pace {
    opened: Instant,
    limits: Limits,
    /// No limit is shorter: a timer that is set for no longer than this is never late.
    shortest: Option<Duration>,
    /// A [`Phase`] in the lowest two bits, and above them since when, in milliseconds.
    phase: AtomicU64,
    /// Since when a write waits, in milliseconds and one more; 0 while none does.
    waits: AtomicU64,
    /// Our FIN waits for what is to leave before it.
    ending: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No byte of a request is there.
    Idle = 0,
    /// A head was begun.
    Head = 1,
    /// A request is being answered; its content is timed where it is read.
    Busy = 2,
}

impl Pace {
    pub fn new(limits: Limits) -> Arc<Self> {
        let shortest = [limits.idle, limits.head_time, limits.write_time].into_iter().flatten().min();
        let (phase, waits) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self {
            opened: Instant::now(),
            limits,
            shortest,
            phase,
            waits,
            ending: AtomicBool::new(false),
        })
    }

    /// Ends when something has taken too long.
    pub async fn late(&self) -> Late {
        let Some(shortest) = self.shortest else { return pending().await };
        loop {
            let now = self.opened.elapsed();
            let wake = match self.due() {
                Some((due, late)) if due <= now => return late,
                // Not later than anything that may begin meanwhile: so that no request has to set the timer again.
                Some((due, _)) => due.min(now + shortest),
                None => now + shortest,
            };
            tokio::time::sleep_until(self.opened + wake).await;
        }
    }

    /// When what is under way is late, since the connection opened.
    fn due(&self) -> Option<(Duration, Late)> {
        let (phase, since) = self.phase();
        let waits = self.waits.load(Relaxed);
        // While the client takes nothing, nothing else can go on.
        let (since, limit, late) = if waits > 0 {
            (Duration::from_millis(waits - 1), self.limits.write_time, Late::Taking)
        } else {
            match phase {
                Phase::Idle => (since, self.limits.idle, Late::Idle),
                Phase::Head => (since, self.limits.head_time, Late::Head),
                Phase::Busy => return None,
            }
        };
        limit.map(|limit| (since + limit, late))
    }

    /// A whole head is there. The answer's content ends this when it is dropped.
    pub fn busy(&self) {
        self.set(Phase::Busy);
    }

    /// What was too late, in words.
    pub fn why(&self, late: Late) -> String {
        let (what, limit) = match late {
            Late::Idle => ("nothing was asked for", self.limits.idle),
            Late::Head => ("the head of the request was not there after", self.limits.head_time),
            Late::Taking => ("the client took nothing for", self.limits.write_time),
        };
        format!("{what} {} s", limit.unwrap_or_default().as_secs_f64())
    }

    fn phase(&self) -> (Phase, Duration) {
        let packed = self.phase.load(Relaxed);
        let phase = match packed & 3 {
            0 => Phase::Idle,
            1 => Phase::Head,
            _ => Phase::Busy,
        };
        (phase, Duration::from_millis(packed >> 2))
    }

    fn set(&self, phase: Phase) {
        self.phase.store(self.millis() << 2 | phase as u64, Relaxed);
    }

    fn read(&self) {
        if self.phase().0 == Phase::Idle {
            self.set(Phase::Head);
        }
    }

    fn write_waits(&self) {
        if self.waits.load(Relaxed) == 0 {
            self.waits.store(self.millis() + 1, Relaxed);
        }
    }

    fn written(&self) {
        if self.waits.load(Relaxed) > 0 {
            self.waits.store(0, Relaxed);
            // A connection is idle from when its answer is gone, not from when it was ready.
            if self.phase().0 == Phase::Idle {
                self.set(Phase::Idle);
            }
        }
    }

    /// What is flushed then is not what leaves.
    fn flushed(&self) {
        if !self.ending.load(Relaxed) {
            self.written();
        }
    }

    fn millis(&self) -> u64 {
        self.opened.elapsed().as_millis().try_into().unwrap_or(u64::MAX >> 2)
    }
}

/// A stream whose reads and writes are watched.
pub(super) struct Paced {
    pub stream: Presence,
    pub pace: Arc<Pace>,
}

impl Paced {
    fn seen<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &written {
            Poll::Pending => self.pace.write_waits(),
            Poll::Ready(_) => self.pace.written(),
        }
        written
    }
}

impl AsyncRead for Paced {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = self.stream.poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pace.read();
        }
        read
    }
}

impl AsyncWrite for Paced {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.seen(self.stream.with(|stream| stream.poll_write(cx, buf)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.seen(self.stream.with(|stream| stream.poll_write_vectored(cx, bufs)))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.stream.with(|stream| stream.poll_flush(cx));
        match &flushed {
            Poll::Pending => self.pace.write_waits(),
            Poll::Ready(_) => self.pace.flushed(),
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = self.stream.with(|stream| stream.poll_shutdown(cx));
        self.pace.ending.store(true, Relaxed);
        self.seen(shut)
    }
}

/// The content of an answer; the connection is idle when it is done with.
pub(super) struct Answer {
    body: Body,
    pace: Arc<Pace>,
}

impl Answer {
    pub fn new(body: Body, pace: Arc<Pace>) -> Self {
        Self { body, pace }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.pace.set(Phase::Idle);
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = <Body as hyper::body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn pace() -> Arc<Pace> {
        Pace::new(Limits {
            idle: Some(75 * S),
            head_time: Some(10 * S),
            write_time: Some(10 * S),
            ..Limits::SOLO
        })
    }

    async fn late_after(pace: &Pace) -> (Duration, Late) {
        let began = Instant::now();
        let late = pace.late().await;
        (began.elapsed(), late)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_idle() {
        assert_eq!(late_after(&pace()).await, (75 * S, Late::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_is_timed_from_its_first_byte_whenever_that_comes() {
        let pace = pace();
        for silence in [3, 33, 70] {
            let begin = async {
                tokio::time::sleep(silence * S).await;
                pace.read();
                tokio::time::sleep(S).await;
                // Not its first.
                pace.read();
            };
            let (late, ()) = tokio::join!(late_after(&pace), begin);
            assert_eq!(late, ((silence + 10) * S, Late::Head));
            drop(Answer::new(Body::default(), Arc::clone(&pace)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_take_as_long_as_it_likes_and_idling_begins_after_it() {
        let pace = pace();
        pace.read();
        pace.busy();
        let answer = Answer::new(Body::default(), Arc::clone(&pace));
        let end = async {
            tokio::time::sleep(500 * S).await;
            drop(answer);
        };
        let (late, ()) = tokio::join!(late_after(&pace), end);
        assert_eq!(late, (575 * S, Late::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_late_and_who_takes_something_is_not() {
        let pace = pace();
        pace.busy();
        pace.write_waits();
        let take = async {
            tokio::time::sleep(9 * S).await;
            // Still the same wait.
            pace.write_waits();
            pace.written();
            pace.write_waits();
        };
        let (late, ()) = tokio::join!(late_after(&pace), take);
        assert_eq!(late, (19 * S, Late::Taking));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_flushed_while_our_fin_waits_does_not_begin_its_time_anew() {
        let pace = pace();
        pace.busy();
        pace.ending.store(true, Relaxed);
        pace.write_waits();
        let flush = async {
            tokio::time::sleep(9 * S).await;
            pace.flushed();
            pace.write_waits();
        };
        let (late, ()) = tokio::join!(late_after(&pace), flush);
        assert_eq!(late, (10 * S, Late::Taking));
    }

    #[tokio::test]
    async fn a_lesson_has_all_the_time() {
        let pace = Pace::new(Limits::SOLO);
        pace.read();
        assert!(pace.late().now_or_never().is_none());
        assert!(pace.shortest.is_none());
    }
}
