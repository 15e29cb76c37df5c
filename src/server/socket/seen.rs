//! The stream of a socket, beneath tungstenite: tells the pulse of each byte that comes, also where no message is whole yet,
//! and takes frames that are encoded already.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::pulse::Pulse;
use crate::tap::Stream;

/// A stream, and what is known of who is at its other end.
#[derive(Debug)]
pub(super) struct Seen {
    pub stream: Stream,
    pub pulse: Pulse,
    /// Goes out before anything that tungstenite writes.
    ahead: Bytes,
}

impl Seen {
    pub fn new(stream: Stream, pulse: Pulse) -> Self {
        Self { stream, pulse, ahead: Bytes::new() }
    }

    /// Puts whole frames on the way past tungstenite, to which each socket would have to give each message of a room anew.
    /// Only where tungstenite has sent all that it was fed: a frame of its own may not be cut in two by these.
    pub fn push(&mut self, frames: Bytes) {
        if self.ahead.is_empty() {
            self.ahead = frames;
            return;
        }
        let ahead = std::mem::take(&mut self.ahead);
        let mut ahead = ahead.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        ahead.extend_from_slice(&frames);
        self.ahead = ahead.freeze();
    }

    /// What was pushed and is not sent, bytes.
    pub fn pushed(&self) -> usize {
        self.ahead.len()
    }

    fn poll_pushed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.ahead.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.ahead))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.ahead.advance(sent),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Seen {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let came = buf.filled().len() - before;
        if came > 0 {
            self.pulse.heard(came, Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Seen {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_pushed(cx))?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pushed(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pushed(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
