//! A client's own TCP stream: bound before it connects, so that its name is known when it is accepted, and reachable
//! from beside the library that reads it, for what no library does: a lone FIN, a reset, raw bytes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;

use super::Counts;
use crate::tap::{Taps, kernel};

/// A handle to a TCP stream; the stream is closed when the last handle is gone.
///
/// One task reads and writes through [`AsyncRead`] and [`AsyncWrite`]; other handles use the methods.
#[derive(Debug, Clone)]
pub struct Link {
    stream: Arc<TcpStream>,
    /// How many bytes the kernel has taken from us.
    written: Arc<watch::Sender<u64>>,
    /// Where all that crosses is counted, both ways.
    counts: Option<Arc<Counts>>,
    /// Our own address.
    pub local: SocketAddr,
}

/// Knows a stream without keeping it open.
#[derive(Debug, Clone)]
pub(super) struct WeakLink {
    stream: Weak<TcpStream>,
    written: Arc<watch::Sender<u64>>,
    /// Our own address.
    pub local: SocketAddr,
}

impl WeakLink {
    /// The stream, if it is still open.
    pub fn upgrade(&self) -> Option<Link> {
        let (stream, written) = (self.stream.upgrade()?, Arc::clone(&self.written));
        Some(Link { stream, written, counts: None, local: self.local })
    }

    /// How many bytes the kernel has taken from us, also after the end.
    pub fn written(&self) -> u64 {
        *self.written.borrow()
    }
}

impl Link {
    pub(super) fn downgrade(&self) -> WeakLink {
        let written = Arc::clone(&self.written);
        WeakLink { stream: Arc::downgrade(&self.stream), written, local: self.local }
    }

    /// How many bytes the kernel has taken from us.
    #[must_use]
    pub fn written(&self) -> u64 {
        *self.written.borrow()
    }

    /// Waits until there are more than so many.
    pub async fn written_beyond(&self, before: u64) {
        // It cannot be closed: we hold the sender ourselves.
        let _ = self.written.subscribe().wait_for(|written| *written > before).await;
    }

    fn count(&self, len: usize) {
        self.written.send_modify(|written| *written += len as u64);
        self.crossed(len);
    }

    fn crossed(&self, len: usize) {
        if let Some(counts) = &self.counts {
            counts.bytes.add(len as u64);
        }
    }

    /// The same, and all that crosses is counted here.
    pub(super) fn counting(self, counts: &Arc<Counts>) -> Self {
        Self { counts: Some(Arc::clone(counts)), ..self }
    }

    /// Connects under a name.
    ///
    /// # Errors
    /// Those of the kernel.
    pub async fn connect(server: SocketAddr, name: &str, taps: &Taps) -> io::Result<Self> {
        let socket = if server.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        let own: IpAddr = if server.ip().is_loopback() {
            server.ip()
        } else if server.is_ipv4() {
            IpAddr::from([0, 0, 0, 0])
        } else {
            IpAddr::from([0_u16; 8])
        };
        // To have no port before it connects lets the kernel choose among all, not only among those that nobody has bound.
        if taps.knows_names() {
            socket.bind(SocketAddr::new(own, 0))?;
            taps.announce(socket.local_addr()?, name);
        }
        let stream = socket.connect(server).await?;
        let local = stream.local_addr()?;
        stream.set_nodelay(true)?;
        let (stream, written) = (Arc::new(stream), Arc::new(watch::Sender::new(0)));
        Ok(Self { stream, written, counts: None, local })
    }

    /// Whether the other side ended or reset the connection, as the kernel knows it now.
    #[must_use]
    pub fn peer_hung_up(&self) -> bool {
        kernel::peer_hung_up(&*self.stream)
    }

    /// Ends our sending: a FIN, and nothing else.
    pub fn fin(&self) {
        // It fails where the connection is gone already, which is what was wanted.
        let _ = rustix::net::shutdown(&*self.stream, rustix::net::Shutdown::Write);
    }

    /// Resets the connection: at once, whoever still holds a handle.
    pub fn reset(&self) {
        // It fails where the connection is gone already, which is what was wanted.
        let _ = self.stream.set_zero_linger();
        // Elsewhere the reset goes out when the last handle is dropped.
        #[cfg(target_os = "linux")]
        let _ = rustix::net::connect_unspec(&*self.stream);
    }

    /// Writes past the library that owns the stream.
    ///
    /// # Errors
    /// Those of the kernel.
    pub async fn write_raw(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(bytes) {
                Ok(len) => {
                    self.count(len);
                    bytes = &bytes[len..];
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until there is something to read, or the end; leaves it there.
    ///
    /// # Errors
    /// Those of the kernel.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.peek(buf).await
    }

    /// Reads to the end of what the other side sends, and forgets it.
    pub async fn read_to_end(&mut self) {
        let _ = tokio::io::copy(self, &mut tokio::io::sink()).await;
    }
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.stream.try_read(buf.initialize_unfilled()) {
                Ok(len) => {
                    buf.advance(len);
                    self.crossed(len);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_write(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => {
                    self.count(*written.as_ref().unwrap_or(&0));
                    return Poll::Ready(written);
                }
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fin();
        Poll::Ready(Ok(()))
    }
}
