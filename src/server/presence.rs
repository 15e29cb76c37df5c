//! Whether the client is still there while its answer is waited for.
//!
//! hyper does not read while an answer is due, so that a client that half-closes after its request still gets it. A door that
//! waits for news looks itself: what comes meanwhile is kept for hyper, and the end of it is known, and told, at once.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead as _, ReadBuf};

use crate::tap::{Control, Stream};

/// The most that is read before hyper asks for it, bytes. Who says more while it waits is not looked after.
const MOST: usize = 4 * 1024;

/// A connection's stream, shared by hyper and by the doors of its requests: all in one task, so that nobody ever waits for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Presence {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Until the connection's HTTP is over.
    stream: Option<Stream>,
    /// Came, and was not asked for yet.
    ahead: Vec<u8>,
}

impl Presence {
    /// From now on it is this one's.
    pub fn begin(&self, stream: Stream) {
        self.lock().stream = Some(stream);
    }

    /// Ends when the client has ended its sending, or is gone.
    pub async fn left(&self) {
        poll_fn(|cx| self.poll_left(cx)).await;
    }

    fn poll_left(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        let Inner { stream, ahead } = &mut *inner;
        let Some(stream) = stream else { return Poll::Ready(()) };
        loop {
            let mut room = [0; 512];
            if ahead.len() + room.len() > MOST {
                return Poll::Pending;
            }
            let mut buf = ReadBuf::new(&mut room);
            if ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf)).is_err() || buf.filled().is_empty() {
                return Poll::Ready(());
            }
            ahead.extend_from_slice(buf.filled());
        }
    }

    /// Reads what came before, then what comes.
    pub fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        if !inner.ahead.is_empty() {
            let len = inner.ahead.len().min(buf.remaining());
            buf.put_slice(&inner.ahead[..len]);
            inner.ahead.drain(..len);
            return Poll::Ready(Ok(()));
        }
        inner.with(|stream| stream.poll_read(cx, buf))
    }

    /// Does something with the stream.
    pub fn with<T>(&self, work: impl FnOnce(Pin<&mut Stream>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.lock().with(work)
    }

    /// What reaches the connection from outside.
    pub fn control(&self) -> Option<Arc<Control>> {
        self.lock().stream.as_ref().map(|stream| Arc::clone(stream.control()))
    }

    /// Whether the stream takes several pieces at once.
    pub fn is_write_vectored(&self) -> bool {
        self.lock().stream.as_ref().is_some_and(tokio::io::AsyncWrite::is_write_vectored)
    }

    /// The stream, and what came and nobody asked for.
    pub fn take(&self) -> (Option<Stream>, Vec<u8>) {
        let mut inner = self.lock();
        (inner.stream.take(), std::mem::take(&mut inner.ahead))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves it whole: every change is one step.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn with<T>(&mut self, work: impl FnOnce(Pin<&mut Stream>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &mut self.stream {
            Some(stream) => work(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}
