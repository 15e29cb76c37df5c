//! How the server ends a connection: in order, so that nothing on its way is destroyed.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// What a client may still do when our sending has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linger {
    /// How long it may take to agree to the end.
    pub time: Duration,
    /// How much it may still send meanwhile, bytes.
    pub bytes: u64,
}

/// Enough for most.
pub(super) const LINGER: Linger = Linger { time: Duration::from_secs(2), bytes: 1 << 20 };

/// Ends our sending, then reads to the end of the client's (RFC 9112, 9.6): closing at once could reset the connection
/// and destroy the answer on its way.
pub(super) async fn hang_up<S: AsyncRead + AsyncWrite + Unpin>(stream: S) {
    hang_up_within(stream, LINGER).await;
}

/// The same with a patience of its own.
pub(super) async fn hang_up_within<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, linger: Linger) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut rest = (&mut stream).take(linger.bytes);
    let _ = tokio::time::timeout(linger.time, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
}
