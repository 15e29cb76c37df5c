//! TLS inside the tap, and a second tap inside TLS: it tells the plaintext, and what that says.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::watch::event_of;
use super::{Control, Stream};
use crate::timeline::{Bus, ConnId, Data, Kind, Layer, Side};
use crate::wire::Conversation;

/// Tells the plaintext of one connection. That it opened and how it ended is told by the tap outside.
#[derive(Debug)]
pub struct Plaintext {
    bus: Bus,
    conn: ConnId,
    conversation: Conversation,
    ended: [bool; 2],
}

impl Plaintext {
    pub(super) fn new(bus: Bus, conn: ConnId) -> Self {
        Self { bus, conn, conversation: Conversation::new(), ended: [false; 2] }
    }

    fn bytes(&mut self, from: Side, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let data = Data(bytes.to_vec().into());
        let (conn, len) = (self.conn, bytes.len() as u64);
        let seen = Kind::Bytes { conn, from, len, layer: Layer::Tls, data };
        let meanings = self.conversation.feed(from, bytes);
        let meant = meanings.into_iter().filter_map(|meaning| event_of(conn, meaning));
        self.bus.append_all(std::iter::once(seen).chain(meant));
    }

    /// That side said that it ends (close_notify), or it is over without that.
    fn end(&mut self, from: Side, in_order: bool) {
        if std::mem::replace(&mut self.ended[from as usize], true) {
            return;
        }
        let conn = self.conn;
        let meanings = self.conversation.end(from);
        let ended = meanings.into_iter().filter_map(|meaning| event_of(conn, meaning)).map(|mut kind| {
            if let Kind::MessageEnd { complete, .. } = &mut kind {
                // Also of a message that lasts until the end: TLS knows whether this is one.
                *complete &= in_order;
            }
            kind
        });
        self.bus.append_all(ended);
    }
}

/// A stream inside TLS.
#[derive(Debug)]
pub(super) struct Sealed {
    tls: TlsStream<Begun>,
    plaintext: Option<Plaintext>,
    control: Arc<Control>,
    /// Our close_notify and our FIN were sent.
    shut: bool,
}

impl Sealed {
    /// Shakes hands as the server.
    pub(super) async fn accept(
        stream: Stream,
        first: u8,
        acceptor: &TlsAcceptor,
        plaintext: Option<Plaintext>,
    ) -> io::Result<Self> {
        let control = Arc::clone(stream.control());
        let tls = acceptor.accept(Begun { first: Some(first), stream }).await?;
        Ok(Self { tls, plaintext, control, shut: false })
    }

    fn tell(&mut self, from: Side, bytes: &[u8]) {
        self.control.carried(from, bytes.len());
        if let Some(plaintext) = &mut self.plaintext {
            plaintext.bytes(from, bytes);
        }
    }

    fn end(&mut self, from: Side, in_order: bool) {
        if let Some(plaintext) = &mut self.plaintext {
            plaintext.end(from, in_order);
        }
    }

    /// Reads what comes after the end of TLS, until the client's FIN: it is waited for by whoever hangs up.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut rest = [0; 512];
        loop {
            let mut rest = ReadBuf::new(&mut rest);
            ready!(Pin::new(&mut self.tls.get_mut().0.stream).poll_read(cx, &mut rest))?;
            if rest.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncRead for Sealed {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let (before, room) = (buf.filled().len(), buf.remaining());
        ready!(Pin::new(&mut this.tls).poll_read(cx, buf))?;
        let read = &buf.filled()[before..];
        if !read.is_empty() {
            this.tell(Side::Client, read);
        } else if room > 0 {
            this.end(Side::Client, true);
            if this.shut {
                return this.poll_rest(cx);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Sealed {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let len = ready!(Pin::new(&mut this.tls).poll_write(cx, buf))?;
        this.tell(Side::Server, &buf[..len]);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tls).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.end(Side::Server, true);
        ready!(Pin::new(&mut this.tls).poll_shutdown(cx))?;
        this.shut = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Sealed {
    /// Before the stream beneath is closed, which is told as well.
    fn drop(&mut self) {
        self.end(Side::Client, false);
        self.end(Side::Server, false);
    }
}

/// A stream of which the first byte was read already.
#[derive(Debug)]
struct Begun {
    first: Option<u8>,
    stream: Stream,
}

impl AsyncRead for Begun {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.first.take_if(|_| buf.remaining() > 0) {
            Some(first) => {
                buf.put_slice(&[first]);
                Poll::Ready(Ok(()))
            }
            None => Pin::new(&mut this.stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Begun {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
