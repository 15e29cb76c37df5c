//! A client's end of a socket: tungstenite over our own stream.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::Link;
use super::inbox::{Command, Incoming, NO_SESSION, Post, Queue};
use super::stream::Stream;
use super::talk::{By, Talk, Turn};

/// What is still to be done on a connection.
pub(super) type Waiting = (VecDeque<Command>, Queue);

/// After the 101: `early` is what the server sent right behind it.
pub(super) async fn open(stream: Stream, early: &[u8]) -> WebSocketStream<Stream> {
    let config = WebSocketConfig::default().read_buffer_size(4 * 1024);
    WebSocketStream::from_partially_read(stream, early.to_vec(), Role::Client, Some(config)).await
}

/// Owns the socket to its end. `early` is what the server sent right behind its 101, `later` what was asked for before.
pub(super) async fn own(link: Link, early: &[u8], (mut later, mut queue): Waiting, post: Post) {
    let mut ws = Talk::new(open(Stream::plain(link.clone()), early).await, Arc::default());
    let mut leaving = false;
    // Messages that are not written yet.
    let mut owed = 0;
    loop {
        if ws.has_said_all() {
            (0..std::mem::take(&mut owed)).for_each(|_| queue.sent());
        }
        // What is said first is written first, whatever it is: a FIN behind a message is no FIN before it.
        let free = ws.has_said_all();
        let waiting = if free { later.pop_front() } else { None };
        let command = tokio::select! {
            biased;
            command = std::future::ready(waiting), if waiting.is_some() => command,
            command = queue.next(), if !leaving && free => command,
            turn = ws.next() => match turn {
                Turn::Said => continue,
                Turn::Unsaid(error, by) => {
                    if by == By::Hand {
                        post.deliver(Incoming::Unsent(error.to_string()));
                    }
                    continue;
                }
                Turn::Came(Some(Ok(message))) => {
                    deliver(message, &post);
                    continue;
                }
                Turn::Came(Some(Err(_)) | None) => break,
            },
        };
        let Some(command) = command else {
            // The client leaves: the close handshake, then the server's FIN.
            leaving = true;
            ws.say(Message::Close(None), By::Rule);
            continue;
        };
        match command {
            Command::Message(message) => {
                ws.say(message, By::Hand);
                owed += 1;
                continue;
            }
            Command::Raw(bytes) => drop(link.write_raw(&bytes).await),
            Command::Fin => link.fin(),
            Command::Reset => link.reset(),
            Command::Emit(_) | Command::Leave => post.deliver(Incoming::Unsent(NO_SESSION.into())),
            // A name owns one socket; a request on it would be HTTP inside of WebSocket.
            Command::Request(_) => {
                queue.answered();
                post.deliver(Incoming::Unsent("HTTP has ended on this connection".into()));
            }
        }
        queue.sent();
    }
    // The server closes TCP first (RFC 6455, 7.1.1): read to the end before the stream is dropped.
    ws.into_stream().read_to_end().await;
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
