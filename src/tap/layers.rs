//! What the server reads from and writes to: the layers between it and the kernel, of which most connections have one or two.
//!
//! From the outside in: kernel, tap, gate, added network, TLS. What is not asked for is not there.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{Control, Gate};

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
}

impl Stream {
    pub(super) fn bare(stream: TcpStream, control: Arc<Control>) -> Self {
        Self { layers: Layers::Bare(stream), control }
    }

    pub(super) fn gated(gate: Gate, control: Arc<Control>) -> Self {
        Self { layers: Layers::Gate(Box::new(gate)), control }
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
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.layers {
            Layers::Bare(stream) => Pin::new(stream).poll_write(cx, buf),
            Layers::Gate(gate) => Pin::new(gate).poll_write(cx, buf),
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
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.layers {
            Layers::Bare(stream) => stream.is_write_vectored(),
            Layers::Gate(gate) => gate.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.layers {
            Layers::Bare(stream) => Pin::new(stream).poll_flush(cx),
            Layers::Gate(gate) => Pin::new(gate).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.layers {
            Layers::Bare(stream) => Pin::new(stream).poll_shutdown(cx),
            Layers::Gate(gate) => Pin::new(gate).poll_shutdown(cx),
        }
    }
}
