//! What the server reads from and writes to: the layers between it and the kernel, of which most connections have one or two.
//!
//! From the outside in: kernel, tap, gate, added network, TLS. What is not asked for is not there.

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::net::Net;
use super::tls::Sealed;
use super::{Control, Gate, Network, Plaintext};

/// An accepted stream with its layers.
#[derive(Debug)]
pub struct Stream {
    layers: Layers,
    control: Arc<Control>,
}

#[derive(Debug)]
enum Layers {
    /// Nobody looks, and nobody can reach it from outside: what looking costs is measured against this.
    Bare(TcpStream),
    Gate(Box<Gate>),
    Net(Box<Net>),
    Tls(Box<Sealed>),
}

impl Stream {
    pub(super) fn bare(stream: TcpStream, control: Arc<Control>) -> Self {
        Self { layers: Layers::Bare(stream), control }
    }

    pub(super) fn gated(gate: Gate, control: Arc<Control>) -> Self {
        Self { layers: Layers::Gate(Box::new(gate)), control }
    }

    /// Puts the changed network around it, if it is changed. `keep` is kept until the stream beneath is gone: what was sent
    /// last leaves later than the server lets go. When `told` is ready the server stops, and the network ends soon.
    #[must_use]
    pub fn through(
        self,
        network: Network,
        keep: impl Any + Send,
        told: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        if !network.is_changed() {
            return self;
        }
        let control = Arc::clone(&self.control);
        let net = Net::around(self, network, Box::new(keep), Box::pin(told));
        Self { layers: Layers::Net(Box::new(net)), control }
    }

    /// Says that its bytes are those of TLS, before the first of them; what they say is then told by whom this gives.
    /// `None` where nothing is told.
    pub fn seal(&mut self) -> Option<Plaintext> {
        match &mut self.layers {
            Layers::Gate(gate) => gate.seal(),
            Layers::Bare(_) | Layers::Net(_) | Layers::Tls(_) => None,
        }
    }

    /// Shakes hands by TLS, of which `first` is the first byte, read already; from then on what is read and written is the
    /// plaintext, which is told to `plaintext`.
    ///
    /// # Errors
    /// Where the client does not speak TLS as we do.
    pub async fn secured(
        self,
        first: u8,
        acceptor: &TlsAcceptor,
        plaintext: Option<Plaintext>,
    ) -> io::Result<Self> {
        let control = Arc::clone(&self.control);
        let sealed = Sealed::accept(self, first, acceptor, plaintext).await?;
        Ok(Self { layers: Layers::Tls(Box::new(sealed)), control })
    }

    /// What reaches the connection from outside.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.layers {
            Layers::Bare(stream) => Pin::new(stream).poll_read(cx, buf),
            Layers::Gate(gate) => Pin::new(gate).poll_read(cx, buf),
            Layers::Net(net) => Pin::new(net).poll_read(cx, buf),
            Layers::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.layers {
            Layers::Bare(stream) => Pin::new(stream).poll_write(cx, buf),
            Layers::Gate(gate) => Pin::new(gate).poll_write(cx, buf),
            Layers::Net(net) => Pin::new(net).poll_write(cx, buf),
            Layers::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.layers {
            Layers::Bare(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Layers::Gate(gate) => Pin::new(gate).poll_write_vectored(cx, bufs),
            Layers::Net(net) => Pin::new(net).poll_write_vectored(cx, bufs),
            Layers::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.layers {
            Layers::Bare(stream) => stream.is_write_vectored(),
            Layers::Gate(gate) => gate.is_write_vectored(),
            Layers::Net(net) => net.is_write_vectored(),
            Layers::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.layers {
            Layers::Bare(stream) => Pin::new(stream).poll_flush(cx),
            Layers::Gate(gate) => Pin::new(gate).poll_flush(cx),
            Layers::Net(net) => Pin::new(net).poll_flush(cx),
            Layers::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.layers {
            Layers::Bare(stream) => Pin::new(stream).poll_shutdown(cx),
            Layers::Gate(gate) => Pin::new(gate).poll_shutdown(cx),
            Layers::Net(net) => Pin::new(net).poll_shutdown(cx),
            Layers::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
