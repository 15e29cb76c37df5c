//! How the server ends a connection: in order, so that nothing on its way is destroyed.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// How long the client may take to agree to the end, and how much it may still send meanwhile, bytes.
const LINGER: (Duration, u64) = (Duration::from_secs(2), 1 << 20);

/// How long what was sent last may take to leave: a network that is changed keeps it, and so does a client that reads slowly.
const LEAVING: Duration = Duration::from_secs(10);

/// Ends our sending, then reads to the end of the client's (RFC 9112, 9.6): closing at once could reset the connection
/// and destroy the answer on its way.
pub(super) async fn hang_up<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    if !matches!(tokio::time::timeout(LEAVING, stream.shutdown()).await, Ok(Ok(()))) {
        return;
    }
    let (time, bytes) = LINGER;
    let mut rest = (&mut stream).take(bytes);
    let _ = tokio::time::timeout(time, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
}
