//! A client's end of a socket: tungstenite over our own stream.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::Link;
use super::inbox::{Command, Incoming, Post};

/// After the 101: `early` is what the server sent right behind it.
pub(super) async fn open(link: Link, early: &[u8]) -> WebSocketStream<Link> {
    let config = WebSocketConfig::default().read_buffer_size(4 * 1024);
    WebSocketStream::from_partially_read(link, early.to_vec(), Role::Client, Some(config)).await
}

/// Owns the socket to its end.
pub(super) async fn own(link: Link, early: &[u8], mut queue: mpsc::UnboundedReceiver<Command>, post: Post) {
    let mut ws = open(link.clone(), early).await;
    let mut leaving = false;
    loop {
        let command = tokio::select! {
            command = queue.recv(), if !leaving => command,
            incoming = ws.next() => match incoming {
                Some(Ok(message)) => {
                    deliver(message, &post);
                    continue;
                }
                Some(Err(_)) | None => break,
            },
        };
        match command {
            // An error here comes again from the next read, which ends the socket.
            Some(Command::Message(message)) => drop(ws.send(message).await),
            Some(Command::Raw(bytes)) => drop(link.write_raw(&bytes).await),
            Some(Command::Fin) => link.fin(),
            Some(Command::Reset) => return link.reset_at_close(),
            // A name owns one socket; a request on it would be HTTP inside of WebSocket.
            Some(Command::Request(_)) => {}
            // The client leaves: the close handshake, then the server's FIN.
            None => {
                leaving = true;
                let _ = ws.close(None).await;
            }
        }
    }
    // The server closes TCP first (RFC 6455, 7.1.1): read to the end before the stream is dropped.
    ws.into_inner().read_to_end().await;
}

fn deliver(message: Message, post: &Post) {
    post.deliver(match message {
        Message::Text(text) => Incoming::Text(text.as_str().to_owned()),
        Message::Binary(data) => Incoming::Binary(data),
        Message::Ping(data) => Incoming::Ping(data),
        Message::Pong(data) => Incoming::Pong(data),
        Message::Close(frame) => {
            Incoming::Close(frame.map(|frame| (u16::from(frame.code), frame.reason.as_str().to_owned())))
        }
        // Reading never yields a bare frame.
        Message::Frame(_) => return,
    });
}
