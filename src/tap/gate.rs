//! The gate: lets a connection be stalled or cut from outside, and knows since when a write waits. Open, it costs one
//! atomic load a call; only who has to wait leaves word where to be woken.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::tls::Plaintext;
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
    /// The bytes are those of TLS: what they say is told by whom this gives.
    pub(super) fn seal(&mut self) -> Option<Plaintext> {
        self.tap.seal()
    }

    pub(super) fn new(tap: Tap, control: Arc<Control>) -> Self {
        Self { tap, control, read_stall: None, write_stall: None, waits: false }
    }

    /// What the tap reads, when nothing stands in the way.
    fn poll_in(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(Pin<&mut Tap>, &mut Context<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.control.is_barred() {
                ready!(poll_pass(&self.control, &self.control.reader, &mut self.read_stall, cx))?;
            }
            let polled = read(Pin::new(&mut self.tap), cx);
            if polled.is_ready() {
                return polled;
            }
            self.control.reader.register(cx.waker());
            // It may have been barred between looking and leaving word.
            if !self.control.is_barred() {
                return Poll::Pending;
            }
        }
    }

    /// The same for what is written.
    fn poll_out<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(Pin<&mut Tap>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        loop {
            if self.control.is_barred() {
                let passed = poll_pass(&self.control, &self.control.writer, &mut self.write_stall, cx);
                if passed.is_pending() {
                    // A stall is not the client's fault.
                    self.write_waits(false);
                }
                ready!(passed)?;
            }
            let polled = write(Pin::new(&mut self.tap), cx);
            self.write_waits(polled.is_pending());
            if polled.is_ready() {
                return polled;
            }
            self.control.writer.register(cx.waker());
            if !self.control.is_barred() {
                return Poll::Pending;
            }
        }
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
        let Some(until) = control.stalled_until() else {
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
        self.poll_in(cx, |tap, cx| tap.poll_read(cx, buf))
    }
}

impl AsyncWrite for Gate {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_out(cx, |tap, cx| tap.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_out(cx, |tap, cx| tap.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.tap.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tap).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_out(cx, |tap, cx| tap.poll_shutdown(cx))
    }
}
