//! How a socket ends: the close frame that is due, the client's, then TCP, by the server first (RFC 6455, 7.1.1), so that nothing
//! on its way is destroyed. A reset only where the client does not take what is sent to it.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::reader::{Fault, Message, Reader};
use super::writer::Writer;
use super::{code, receive};
use crate::server::hang_up::hang_up;
use crate::server::shutdown::GRACE;
use crate::tap::Stream;

/// How long a client has to take the last of what is sent to it, our close frame at its end.
const LAST_CALL: Duration = Duration::from_secs(1);

/// Why a socket ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client closed it; it gets the same back.
    Asked(Option<(u16, String)>),
    /// The client did something wrong.
    Fault(Fault),
    /// We leave.
    Leave(u16, &'static str),
    /// The client does not read, and more came than may wait for it, or it took too long.
    Deaf,
    /// The same while the server stops, which does not wait for it.
    Cut,
    /// There is nobody with whom a close handshake could be done.
    Gone,
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<io::Error> for End {
    /// What cannot be read or written reaches nobody.
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// A socket of which only the end is left.
#[derive(Debug)]
pub(super) struct Last {
    pub stream: Stream,
    pub reader: Reader,
    pub writer: Writer,
}

impl Last {
    /// Ends it, and closes its stream.
    pub async fn end(mut self, end: End) {
        let orderly = match end {
            End::Asked(close) => {
                self.writer.close(close.as_ref().map(|(code, reason)| (*code, reason.as_str())));
                self.send().await
            }
            End::Fault(fault) => {
                self.writer.close(Some((fault.code, fault.reason)));
                self.send().await
            }
            End::Leave(code, reason) => {
                self.writer.close(Some((code, reason)));
                let sent = self.send().await;
                if sent {
                    // Whoever does not answer in time has had its chance to.
                    let _ = timeout(GRACE, self.answered()).await;
                }
                sent
            }
            End::Deaf => {
                self.writer.close(Some((code::AGAIN, "you read too slowly")));
                // What the kernel took is not read yet: only an answer tells that it is.
                let taken = async { self.send().await && self.answered().await };
                timeout(LAST_CALL, taken).await.is_ok_and(|taken| taken)
            }
            End::Gone => true,
            End::Cut => false,
        };
        if orderly {
            hang_up(self.stream).await;
        } else {
            // What it does not read would keep a FIN waiting for ever.
            self.stream.control().cut();
        }
    }

    /// Sends what is queued; whether all of it went out in time, or nobody was there.
    async fn send(&mut self) -> bool {
        timeout(LAST_CALL, self.writer.flush(&mut self.stream)).await.is_ok()
    }

    /// Reads to the client's close frame; whether it came. Everything before it is too late to be taken, and a fault there
    /// is no longer told: nothing may be said after a close frame (RFC 6455, 5.5.1).
    async fn answered(&mut self) -> bool {
        loop {
            match self.reader.next() {
                Ok(Some(Message::Close(_))) => return true,
                Ok(Some(_)) => {}
                Ok(None) => match receive(&mut self.stream, &mut self.reader).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => return true,
                },
                Err(_) => return true,
            }
        }
    }
}
