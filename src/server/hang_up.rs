//! How the server ends a connection: in order, so that nothing on its way is destroyed.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// How long the client may bring nothing before it agrees to the end.
const LINGER: Duration = Duration::from_secs(2);

/// How long all of it may take, and how much may come meanwhile, bytes: one who is in the middle of a long upload has to
/// come to where it reads our answer, and one who never ends is not served for ever.
const LONGEST: (Duration, u64) = (Duration::from_secs(5), 256 << 20);

/// How long what was sent last may take to leave: a network that is changed keeps it, and so does a client that reads slowly.
const LEAVING: Duration = Duration::from_secs(10);

/// Ends our sending, then reads to the end of the client's (RFC 9112, 9.6): closing at once could reset the connection
/// and destroy the answer on its way.
pub(super) async fn hang_up<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    if !matches!(timeout(LEAVING, stream.shutdown()).await, Ok(Ok(()))) {
        return;
    }
    let (time, most) = LONGEST;
    let rest = async {
        let (mut buf, mut seen) = (Vec::new(), 0);
        while seen < most {
            // Most have nothing more to say: what many say fits in little, and only who says much gets more room.
            buf.resize(if seen == 0 { 512 } else { 16 * 1024 }, 0);
            match timeout(LINGER, stream.read(&mut buf)).await {
                Ok(Ok(len @ 1..)) => seen += len as u64,
                Ok(Ok(0) | Err(_)) | Err(_) => return,
            }
        }
    };
    let _ = timeout(time, rest).await;
}
