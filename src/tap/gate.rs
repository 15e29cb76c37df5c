//! The gate: lets a connection be stalled or cut from outside, and knows since when a write waits. Open, it costs one
//! atomic load and one lock a call.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::{Control, Tap};

/// A tapped stream that can be stalled and cut by its [`Control`].
#[derive(Debug)]
pub struct Gate {
    tap: Tap,
    control: Arc<Control>,
    read_stall: Option<Pin<Box<Sleep>>>,
    write_stall: Option<Pin<Box<Sleep>>>,
    /// What the control was told last: whether a write waits.
    waits: bool,
}

impl Gate {
    pub(super) fn new(tap: Tap, control: Arc<Control>) -> Self {
        Self { tap, control, read_stall: None, write_stall: None, waits: false }
    }

    fn poll_read_pass(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_pass(&self.control, &self.control.reader, &mut self.read_stall, cx)
    }

    fn poll_write_pass(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let passed = poll_pass(&self.control, &self.control.writer, &mut self.write_stall, cx);
        if passed.is_pending() {
            // A stall is not the client's fault.
            self.write_waits(false);
        }
        passed
    }

    fn write_waits(&mut self, waits: bool) {
        if self.waits != waits {
            self.waits = waits;
            self.control.write_waits(waits);
        }
    }
}

/// Ready when nothing stands in the way; an error when the connection was cut.
fn poll_pass(
    control: &Control,
    waker: &AtomicWaker,
    stall: &mut Option<Pin<Box<Sleep>>>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    // Registered before looking, so that a change between the two is not lost.
    waker.register(cx.waker());
    loop {
        if control.is_cut() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "cut")));
        }
        let Some(until) = control.stalled_until().filter(|until| *until > tokio::time::Instant::now()) else {
            *stall = None;
            return Poll::Ready(Ok(()));
        };
        let sleep = stall.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        ready!(sleep.as_mut().poll(cx));
    }
}

impl AsyncRead for Gate {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_read_pass(cx))?;
        Pin::new(&mut self.tap).poll_read(cx, buf)
    }
}

impl AsyncWrite for Gate {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_write_pass(cx))?;
        let written = Pin::new(&mut self.tap).poll_write(cx, buf);
        self.write_waits(written.is_pending());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_write_pass(cx))?;
        let written = Pin::new(&mut self.tap).poll_write_vectored(cx, bufs);
        self.write_waits(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.tap.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tap).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_pass(cx))?;
        Pin::new(&mut self.tap).poll_shutdown(cx)
    }
}
