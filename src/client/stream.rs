//! What a client reads and writes: a [`Link`], and TLS inside it where that is spoken.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{Counts, Link, Trust};

/// A client's stream.
#[derive(Debug)]
pub(super) struct Stream {
    way: Way,
    leave: Leave,
    /// Our sending has ended.
    left: bool,
}

#[derive(Debug)]
enum Way {
    Plain(Link),
    Secure(Box<TlsStream<Link>>),
}

/// Ends the sending of a stream that a library owns: when that reads next, which whoever asks for it sees to.
#[derive(Debug, Clone, Default)]
pub(super) struct Leave(Arc<Left>);

#[derive(Debug, Default)]
struct Left {
    wanted: AtomicBool,
    /// The library was given something that it has not written yet.
    owed: AtomicBool,
    /// What that is, where it is a request: counted when it is written, and not where it never is.
    request: Mutex<Option<Asked>>,
}

#[derive(Debug)]
struct Asked {
    counts: Arc<Counts>,
    /// Of its content, bytes.
    len: u64,
}

impl Leave {
    /// Behind what was given to be written.
    pub fn now(&self) {
        self.0.wanted.store(true, Ordering::Relaxed);
    }

    /// A request with so much content is about to be given to the library.
    pub fn owe(&self, counts: &Arc<Counts>, len: u64) {
        *self.request() = Some(Asked { counts: Arc::clone(counts), len });
        self.0.owed.store(true, Ordering::Relaxed);
    }

    fn request(&self) -> MutexGuard<'_, Option<Asked>> {
        self.0.request.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self) -> bool {
        self.0.wanted.load(Ordering::Relaxed) && !self.0.owed.load(Ordering::Relaxed)
    }

    fn written(&self, cx: &Context<'_>) {
        if !self.0.owed.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Some(Asked { counts, len }) = self.request().take() {
            counts.requests.add(1);
            counts.content_sent.add(len);
        }
        if self.is_due() {
            // To be read once more.
            cx.waker().wake_by_ref();
        }
    }
}

impl Stream {
    pub fn plain(link: Link) -> Self {
        Self { way: Way::Plain(link), leave: Leave::default(), left: false }
    }

    /// Shakes hands with the server of that address.
    pub async fn secure(link: Link, trust: &Trust, server: IpAddr) -> io::Result<Self> {
        let name = ServerName::IpAddress(server.into());
        let tls = TlsConnector::from(Arc::clone(trust.config())).connect(name, link).await?;
        Ok(Self { way: Way::Secure(Box::new(tls)), leave: Leave::default(), left: false })
    }

    /// The TCP stream beneath it.
    pub fn link(&self) -> &Link {
        match &self.way {
            Way::Plain(link) => link,
            Way::Secure(tls) => tls.get_ref().0,
        }
    }

    /// For whoever wants it to end while a library owns it.
    pub fn leave(&self) -> Leave {
        self.leave.clone()
    }

    /// Ends our sending (with TLS: close_notify, then the FIN), and reads to the end of the other side's.
    pub async fn end(mut self) {
        let _ = self.shutdown().await;
        self.read_to_end().await;
    }

    /// The same where the other side ends first: after `Connection: close` (RFC 9112, 9.6).
    pub async fn end_after(mut self) {
        self.read_to_end().await;
        let _ = self.shutdown().await;
    }

    /// Reads to the end of what the other side sends, and forgets it.
    pub async fn read_to_end(&mut self) {
        // What TLS would still say is for nobody, so that the bytes beneath it will do.
        let mut link = self.link().clone();
        link.read_to_end().await;
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.left && self.leave.is_due() {
            // Where it has to wait, it is woken for that too.
            self.left = self.as_mut().poll_shutdown(cx).is_ready();
        }
        match &mut self.way {
            Way::Plain(link) => Pin::new(link).poll_read(cx, buf),
            Way::Secure(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = match &mut self.way {
            Way::Plain(link) => ready!(Pin::new(link).poll_write(cx, buf)),
            Way::Secure(tls) => ready!(Pin::new(tls).poll_write(cx, buf)),
        };
        if matches!(written, Ok(1..)) {
            self.leave.written(cx);
        }
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.way {
            Way::Plain(link) => Pin::new(link).poll_flush(cx),
            Way::Secure(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.way {
            Way::Plain(link) => Pin::new(link).poll_shutdown(cx),
            Way::Secure(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
