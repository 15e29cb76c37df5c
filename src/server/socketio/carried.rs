//! The stream of a WebSocket that carries Socket.IO, beneath socketioxide: counts the frames that leave, lets the client wait
//! where too much of what it said waits, and ends the connection in order when socketioxide drops it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::session::Session;
use super::{Handshake, probe};
use crate::server::context::Hold;
use crate::server::hang_up::hang_up;
use crate::tap::Stream;
use crate::wire::websocket::Header;

/// A close frame: the server stops (RFC 6455, 7.4.1).
const AWAY: &[u8] = &[0x88, 2, 0x03, 0xe9];

/// A close frame: try again later, the client does not keep up.
const LATER: &[u8] = &[0x88, 2, 0x03, 0xf5];

/// What a new session is told: the open packet, and a heartbeat, which engineioxide sends at once but a moment later than the
/// open packet. Were the client listened to before, that heartbeat would be anywhere among the first answers, or come when
/// a lesson says that nobody speaks.
const GREETING: usize = 2;

/// A stream on which the handshake is done.
pub(super) struct Carried {
    /// Until it is dropped.
    stream: Option<Stream>,
    /// Came with the handshake.
    early: Bytes,
    session: Arc<Session>,
    hold: Hold,
    /// Ends when the server stops.
    told: Pin<Box<dyn Future<Output = ()> + Send>>,
    frames: Frames,
    /// What a new session still has to be told before its client is listened to.
    greeting: usize,
    /// Wakes whoever reads, when it is.
    reader: Option<Waker>,
    /// Of what socketioxide writes first: said already, while the client tried whether the WebSocket works.
    swallow: usize,
    /// How long the client may take nothing.
    patience: Option<Duration>,
    /// Set while it takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
    /// The close frame is said: what comes after it is nobody's business.
    over: bool,
}

impl Carried {
    /// `early` came with the handshake. The client may take nothing for so long as `patience`.
    pub fn new(
        stream: Stream,
        early: Bytes,
        what: Handshake,
        hold: Hold,
        patience: Option<Duration>,
    ) -> Self {
        let mut guard = hold.guard.clone();
        if patience.is_some() {
            what.session.is_on(stream.control());
        }
        Self {
            stream: Some(stream),
            early,
            greeting: if what.is_new { GREETING } else { 0 },
            swallow: if what.is_new { 0 } else { probe::SAID },
            session: what.session,
            hold,
            told: Box::pin(async move { guard.told().await }),
            frames: Frames::default(),
            reader: None,
            patience,
            stuck: None,
            over: false,
        }
    }

    fn stream(&mut self) -> io::Result<&mut Stream> {
        self.stream.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Says the close frame where none of socketioxide's is half sent, and nothing more. It goes out at once, or never: who
    /// reads has room for it.
    fn end(&mut self, cx: &mut Context<'_>, frame: &[u8]) {
        self.over = true;
        let between = self.frames.is_between();
        if let Some(stream) = self.stream.as_mut().filter(|_| between)
            && let Poll::Ready(Ok(_)) = Pin::new(&mut *stream).poll_write(cx, frame)
        {
            let _ = Pin::new(stream).poll_flush(cx);
        } else if let Some(stream) = self.stream.as_ref().filter(|_| self.session.ended().is_some()) {
            // It does not take what is on its way, which a FIN would have to wait for.
            stream.control().cut();
        }
    }

    /// The end, where it is time for it.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> bool {
        if self.over {
            return true;
        }
        if let Some(why) = self.session.ended() {
            if let Some(stream) = &self.stream {
                stream.control().limit(why);
            }
            self.end(cx, LATER);
        } else if self.told.as_mut().poll(cx).is_ready() {
            self.end(cx, AWAY);
        }
        self.over
    }

    /// What came of sending. A client that has taken nothing for too long is cut off.
    fn sent<T>(&mut self, cx: &mut Context<'_>, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.stuck = None;
            return sent;
        }
        let Some(patience) = self.patience else { return Poll::Pending };
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stuck.as_mut().poll(cx));
        if let Some(stream) = &self.stream {
            stream.control().limit("the client does not read");
            stream.control().cut();
        }
        self.over = true;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Carried {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.poll_end(cx) {
            return Poll::Ready(Ok(()));
        }
        if !self.session.listens(cx.waker()) {
            return Poll::Pending;
        }
        if self.greeting > 0 {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if !self.early.is_empty() {
            let len = self.early.len().min(buf.remaining());
            buf.put_slice(&self.early[..len]);
            self.early.advance(len);
            return Poll::Ready(Ok(()));
        }
        Pin::new(self.stream()?).poll_read(cx, buf)
    }
}

impl AsyncWrite for Carried {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        // socketioxide ends its sessions as well when the server stops, without a code.
        if !self.over && self.hold.guard.is_told() {
            self.end(cx, AWAY);
        }
        if self.over {
            return Poll::Ready(Ok(buf.len()));
        }
        if self.swallow > 0 {
            let len = self.swallow.min(buf.len());
            self.swallow -= len;
            return Poll::Ready(Ok(len));
        }
        let sent = Pin::new(self.stream()?).poll_write(cx, buf);
        let len = ready!(self.sent(cx, sent))?;
        let left = self.frames.left(&buf[..len]);
        self.session.left(left);
        self.greeting = self.greeting.saturating_sub(left);
        if self.greeting == 0 {
            self.reader.take().into_iter().for_each(Waker::wake);
        }
        Poll::Ready(Ok(len))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.over {
            return Poll::Ready(Ok(()));
        }
        let sent = Pin::new(self.stream()?).poll_flush(cx);
        self.sent(cx, sent)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Done by `hang_up`, when nobody speaks any more.
        Poll::Ready(Ok(()))
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.session.over();
        let Some(stream) = self.stream.take() else { return };
        let hold = self.hold.clone();
        // Where the runtime itself ends, so do its streams.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                hang_up(stream).await;
                drop(hold);
            });
        }
    }
}

/// Counts frames in what a server sends, in any pieces.
#[derive(Debug, Default)]
struct Frames {
    /// So far of a header.
    header: Vec<u8>,
    /// Still to come of a payload.
    payload: u64,
}

impl Frames {
    /// How many ended with these bytes.
    fn left(&mut self, mut bytes: &[u8]) -> usize {
        let mut ended = 0;
        while !bytes.is_empty() {
            if self.payload == 0 {
                self.header.push(bytes[0]);
                bytes.advance(1);
                let Some(header) = Header::parse(&self.header) else { continue };
                self.payload = header.len;
                self.header.clear();
            }
            let some = bytes.len().min(usize::try_from(self.payload).unwrap_or(usize::MAX));
            bytes.advance(some);
            self.payload -= some as u64;
            ended += usize::from(self.payload == 0);
        }
        ended
    }

    fn is_between(&self) -> bool {
        self.header.is_empty() && self.payload == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_in_any_pieces() {
        let long = [&[0x81, 126, 0, 200][..], &[b'x'; 200]].concat();
        let all = [&[0x81, 2, b'2', b'3'][..], &[0x88, 0], &long, &[0x82, 1, 9]].concat();
        for size in [1, 2, 3, 7, 100, 1000] {
            let mut frames = Frames::default();
            let ended: usize = all.chunks(size).map(|piece| frames.left(piece)).sum();
            assert_eq!((ended, frames.is_between()), (4, true), "{size}");
        }
        let mut frames = Frames::default();
        assert_eq!((frames.left(&all[..5]), frames.is_between()), (1, false));
    }
}
