//! The tapped stream itself: passes everything on, and tells the watch.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::tls::Plaintext;
use super::watch::Watch;
use super::{Control, Taps, kernel};
use crate::timeline::Side;

/// An accepted stream of which every byte, FIN and reset is told to the timeline; or only how many bytes there were.
#[derive(Debug)]
pub struct Tap {
    stream: TcpStream,
    taps: Taps,
    control: Arc<Control>,
    /// Only where it is observed.
    watch: Option<Box<Watch>>,
    counts: Counts,
    /// Told already, and not read yet.
    rest: Bytes,
}

/// Bytes that one connection carried.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub from_client: u64,
    pub from_server: u64,
}

/// How much is read at once to tell it before the client's FIN, bytes.
const MAX_REST: usize = 1 << 20;

impl Tap {
    pub(super) fn new(stream: TcpStream, taps: Taps, control: Arc<Control>) -> Self {
        let watch = taps.is_observing().then(|| Box::new(Watch::opened(taps.bus().clone(), &control)));
        Self { stream, taps, control, watch, counts: Counts::default(), rest: Bytes::new() }
    }

    /// The bytes are those of TLS from here on: what they say is told by whom this gives.
    pub(super) fn seal(&mut self) -> Option<Plaintext> {
        self.watch.as_mut().map(|watch| watch.seal())
    }

    fn observed(&mut self) -> Option<Observed<'_>> {
        let Self { stream, control, watch, rest, .. } = self;
        watch.as_deref_mut().map(|watch| Observed { stream, control, watch, rest })
    }

    fn failed(&mut self, error: &io::Error) {
        if let Some(watch) = &mut self.watch {
            watch.failed(error);
        }
    }

    /// What became of handing over so many bytes at most.
    fn wrote(&mut self, written: &io::Result<usize>, bytes: impl FnOnce(usize, &mut Watch)) {
        match written {
            Ok(len) => {
                self.counts.from_server += *len as u64;
                if let Some(watch) = &mut self.watch {
                    bytes(*len, watch);
                }
            }
            Err(error) => self.failed(error),
        }
    }
}

/// Where every byte is told.
struct Observed<'a> {
    stream: &'a mut TcpStream,
    control: &'a Control,
    watch: &'a mut Watch,
    rest: &'a mut Bytes,
}

impl Observed<'_> {
    /// Tells the client's FIN or reset if it is there, even where nobody reads any more.
    fn look_for_the_peers_end(&mut self) {
        if kernel::peer_hung_up(&self.stream) {
            match self.stream.take_error() {
                Ok(Some(error)) | Err(error) => self.watch.failed(&error),
                Ok(None) => {
                    self.tell_the_rest();
                    self.watch.fin(Side::Client);
                }
            }
        }
    }

    /// Tells what came before the client's FIN, which is there: it ends somewhere.
    fn tell_the_rest(&mut self) {
        if !self.watch.has_fin(Side::Client) && kernel::unread(&self.stream) > 0 {
            let rest = kernel::read_rest(&self.stream, MAX_REST);
            self.watch.bytes(Side::Client, &rest);
            *self.rest = [&self.rest[..], &rest].concat().into();
        }
    }

    /// Whether both FINs are there and ours is acknowledged: then closing sends nothing, whatever was not read.
    fn is_over(&self) -> bool {
        // Asked for last: most connections end without it.
        self.watch.has_fin(Side::Server)
            && matches!(
                kernel::tcp_state(self.control.server, self.control.client),
                Some(None | Some(kernel::TcpState::TimeWait))
            )
    }

    /// Sends our FIN, and tells which FIN was first.
    ///
    /// The client's is looked for before ours is sent. If it was not there then and is there right after, either it
    /// came first by a hair, or it is already the answer to ours: the state of TCP tells which.
    fn send_fin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.look_for_the_peers_end();
        ready!(Pin::new(&mut *self.stream).poll_shutdown(cx))?;
        if self.watch.was_reset() {
            return Poll::Ready(Ok(()));
        }
        if !self.watch.has_fin(Side::Client) && kernel::peer_hung_up(&self.stream) {
            let (server, client) = (self.control.server, self.control.client);
            match kernel::tcp_state(server, client) {
                // It is not found, and yet it is this end that waits: found a moment later.
                Some(None) if kernel::server_waits(server, client) == Some(true) => {}
                // This end waits for the last acknowledgement, or had it: the other side's FIN was first.
                Some(Some(kernel::TcpState::LastAck) | None) => {
                    self.tell_the_rest();
                    self.watch.fin(Side::Client);
                }
                Some(Some(kernel::TcpState::Closing)) => {
                    self.tell_the_rest();
                    self.watch.fins_crossed();
                }
                Some(Some(kernel::TcpState::TimeWait | kernel::TcpState::Other)) | None => {}
            }
        }
        self.watch.fin(Side::Server);
        Poll::Ready(Ok(()))
    }

    /// Closing is a fact as well. Nothing of it is seen later, so that it is told just before.
    fn close(&mut self, reset: Option<&io::Error>) {
        if self.control.is_cut() {
            match reset {
                None => self.watch.reset(Side::Server),
                Some(error) => self.watch.failed(error),
            }
        } else if kernel::unread(&self.stream) > 0 && !self.is_over() {
            self.watch.reset(Side::Server);
        } else {
            self.look_for_the_peers_end();
            self.watch.fin(Side::Server);
        }
        self.watch.closed();
    }
}

impl AsyncRead for Tap {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.rest.is_empty() {
            let len = this.rest.len().min(buf.remaining());
            buf.put_slice(&this.rest.split_to(len));
            return Poll::Ready(Ok(()));
        }
        let (before, room) = (buf.filled().len(), buf.remaining());
        let read = ready!(Pin::new(&mut this.stream).poll_read(cx, buf));
        match &read {
            Ok(()) => {
                let bytes = &buf.filled()[before..];
                this.counts.from_client += bytes.len() as u64;
                match &mut this.watch {
                    Some(watch) if !bytes.is_empty() => watch.bytes(Side::Client, bytes),
                    Some(watch) if room > 0 => watch.fin(Side::Client),
                    Some(_) | None => {}
                }
            }
            Err(error) => this.failed(error),
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Tap {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, buf));
        this.wrote(&written, |len, watch| watch.bytes(Side::Server, &buf[..len]));
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs));
        this.wrote(&written, |len, watch| watch.bytes(Side::Server, &first_bytes(bufs, len)));
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(mut observed) = this.observed() else {
            return Pin::new(&mut this.stream).poll_shutdown(cx);
        };
        if observed.watch.has_fin(Side::Server) {
            return Poll::Ready(Ok(()));
        }
        let sent = ready!(observed.send_fin(cx));
        if let Err(error) = &sent {
            observed.watch.failed(error);
        }
        Poll::Ready(sent)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.taps.gone(self.control.conn, self.counts);
        // Without this, close() would send a FIN.
        let reset = if self.control.is_cut() { self.stream.set_zero_linger().err() } else { None };
        if let Some(mut observed) = self.observed() {
            observed.close(reset.as_ref());
        }
    }
}

/// The first `len` bytes of several buffers.
fn first_bytes(bufs: &[io::IoSlice<'_>], len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    for buf in bufs {
        let rest = len - bytes.len();
        bytes.extend_from_slice(&buf[..rest.min(buf.len())]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use crate::tap::watch::tests::{connection, told};
    use crate::timeline::Bus;

    #[tokio::test]
    async fn what_came_before_a_fin_is_told_before_it_and_still_read() {
        let bus = Bus::new();
        let (mut client, mut gate) = connection(&bus).await;
        client.write_all(b"GET").await.unwrap();
        client.shutdown().await.unwrap();
        gate.shutdown().await.unwrap();
        let mut read = Vec::new();
        gate.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"GET");
        drop(gate);
        assert_eq!(
            told(&bus),
            ["3 bytes Client", "end Client false", "fin Client", "fin Server", "closed Client"]
        );
    }

    #[tokio::test]
    async fn closing_after_both_fins_is_no_reset_whatever_was_not_read() {
        let bus = Bus::new();
        let (mut client, mut gate) = connection(&bus).await;
        gate.shutdown().await.unwrap();
        client.write_all(b"late").await.unwrap();
        client.shutdown().await.unwrap();
        drop(gate);
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
        assert_eq!(
            told(&bus),
            ["fin Server", "4 bytes Client", "end Client false", "fin Client", "closed Server"]
        );
    }
}
