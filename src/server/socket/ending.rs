//! How a socket ends: the close frame that is due, the client's, then TCP, by the server first (RFC 6455, 7.1.1), so that nothing
//! on its way is destroyed. A reset only where the client does not take what is sent to it.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::seen::Seen;
use crate::server::hang_up::hang_up;
use crate::server::shutdown::GRACE;

/// How long a client has to take the last of what is sent to it, our close frame at its end.
const LAST_CALL: Duration = Duration::from_secs(1);

/// Why a socket ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client closed it; the answer is queued.
    Asked,
    /// The client did something wrong: the code that it gets, and the reason (RFC 6455, 7.4.1), at most 123 bytes.
    Fault(CloseCode, Cow<'static, str>),
    /// We leave.
    Leave(CloseCode, &'static str),
    /// The client does not read, and more came than may wait for it, or it took too long.
    Deaf,
    /// The same while the server stops, which does not wait for it.
    Cut,
    /// There is nobody with whom a close handshake could be done.
    Gone,
    /// The same: nothing has come for too long.
    Silent,
}

impl End {
    /// Which limit it is that ends the socket, in words.
    pub fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Deaf => Some("the client does not read"),
            Self::Silent => Some("nothing came from the client for too long"),
            Self::Asked | Self::Fault(..) | Self::Leave(..) | Self::Cut | Self::Gone => None,
        }
    }
}

impl From<Error> for End {
    /// What tungstenite finds wrong it leaves to us to say. What cannot be read or written reaches nobody.
    fn from(error: Error) -> Self {
        match error {
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            Error::Protocol(fault) => Self::Fault(CloseCode::Protocol, fault.to_string().into()),
            Error::Utf8(_) => Self::Fault(CloseCode::Invalid, "the text is not UTF-8".into()),
            Error::Capacity(_) => Self::Fault(CloseCode::Size, "the message is too long".into()),
            _ => Self::Gone,
        }
    }
}

/// A socket of which only the end is left.
#[derive(Debug)]
pub(super) struct Last {
    pub ws: WebSocketStream<Seen>,
}

impl Last {
    /// Ends it, and closes its stream.
    pub async fn end(mut self, end: End) {
        let orderly = match end {
            // Whoever is gone takes nothing, and keeps nothing from going out.
            End::Asked => timeout(LAST_CALL, self.ws.flush()).await.is_ok(),
            End::Fault(code, reason) => timeout(LAST_CALL, self.say(code, reason)).await.is_ok(),
            End::Leave(code, reason) => {
                let said = timeout(LAST_CALL, self.say(code, reason.into())).await.is_ok();
                if said {
                    // Whoever does not answer in time has had its chance to.
                    let _ = timeout(GRACE, self.answered()).await;
                }
                said
            }
            End::Deaf => {
                // What the kernel took is not read yet: only an answer tells that it is.
                let taken = async {
                    self.say(CloseCode::Again, "you read too slowly".into()).await;
                    self.answered().await;
                };
                timeout(LAST_CALL, taken).await.is_ok()
            }
            End::Gone | End::Silent => true,
            End::Cut => false,
        };
        let Seen { stream, .. } = self.ws.into_inner();
        if orderly {
            hang_up(stream).await;
        } else {
            // What it does not read would keep a FIN waiting for ever.
            stream.control().cut();
        }
    }

    /// Sends our close frame behind what was fed, until all of it is out or nobody is there.
    async fn say(&mut self, code: CloseCode, reason: Cow<'static, str>) {
        let reason = reason.into_owned().into();
        let _ = self.ws.close(Some(CloseFrame { code, reason })).await;
    }

    /// Reads to the client's close frame, or its end. Everything before it is too late to be taken, and a fault there is no
    /// longer told: nothing may be said after a close frame (RFC 6455, 5.5.1).
    async fn answered(&mut self) {
        while let Some(Ok(message)) = self.ws.next().await {
            if matches!(message, Message::Close(_)) {
                return;
            }
        }
    }
}
