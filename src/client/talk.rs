//! A WebSocket that is written to and read at once: a server that waits for its answers to be taken stops taking questions,
//! and who awaits a write then, waits for ever.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::stream::Stream;
use super::{Counts, Link};

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The transport's own.
    Rule,
    /// The lesson's, frame by frame.
    Hand,
}

/// What happened on a WebSocket.
#[derive(Debug)]
pub(super) enum Turn {
    /// This came; `None` is the end.
    Came(Option<Result<Message, Error>>),
    /// All that was to be said is written.
    Said,
    /// This could not be said.
    Unsaid(Error, By),
}

/// A WebSocket, and what is still to be said on it.
#[derive(Debug)]
pub(super) struct Talk {
    ws: WebSocketStream<Stream>,
    unsaid: VecDeque<(Message, By)>,
    /// Whether something is in the library's buffer, and whose it was.
    unflushed: Option<By>,
    counts: Arc<Counts>,
}

impl Talk {
    pub fn new(ws: WebSocketStream<Stream>, counts: Arc<Counts>) -> Self {
        Self { ws, unsaid: VecDeque::new(), unflushed: None, counts }
    }

    pub fn link(&self) -> &Link {
        self.ws.get_ref().link()
    }

    pub fn into_stream(self) -> Stream {
        self.ws.into_inner()
    }

    /// Reads to the end of what the other side says, and hands on what is still heard. A server ends TCP first (RFC 6455, 7.1.1).
    pub async fn end(mut self, mut hear: impl FnMut(Message)) {
        while let Some(Ok(message)) = self.came().await {
            hear(message);
        }
        let mut stream = self.into_stream();
        stream.read_to_end().await;
        stream.end().await;
    }

    /// To be said when there is room; waits for nothing.
    pub fn say(&mut self, message: Message, by: By) {
        self.unsaid.push_back((message, by));
    }

    /// Whether all is written.
    pub fn has_said_all(&self) -> bool {
        self.unsaid.is_empty() && self.unflushed.is_none()
    }

    /// What happens next. Nothing is lost where this is dropped.
    pub async fn next(&mut self) -> Turn {
        poll_fn(|cx| match self.poll_say(cx) {
            Poll::Ready(Some(turn)) => Poll::Ready(turn),
            Poll::Ready(None) | Poll::Pending => self.poll_came(cx).map(Turn::Came),
        })
        .await
    }

    /// What comes next; nothing is said meanwhile.
    pub async fn heard(&mut self) -> Turn {
        Turn::Came(self.came().await)
    }

    async fn came(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| self.poll_came(cx)).await
    }

    fn poll_came(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        let came = ready!(self.ws.poll_next_unpin(cx));
        if let Some(Ok(message)) = &came {
            self.counts.content_heard.add(content(message));
        }
        Poll::Ready(came)
    }

    fn poll_say(&mut self, cx: &mut Context<'_>) -> Poll<Option<Turn>> {
        while let Some(&(_, by)) = self.unsaid.front() {
            let ready = ready!(self.ws.poll_ready_unpin(cx));
            let Some((message, _)) = self.unsaid.pop_front() else { break };
            let len = content(&message);
            if let Err(error) = ready.and_then(|()| self.ws.start_send_unpin(message)) {
                return Poll::Ready(Some(Turn::Unsaid(error, by)));
            }
            self.counts.content_sent.add(len);
            self.unflushed = Some(by);
        }
        let Some(by) = self.unflushed else { return Poll::Ready(None) };
        let flushed = ready!(self.ws.poll_flush_unpin(cx));
        self.unflushed = None;
        Poll::Ready(Some(match flushed {
            Ok(()) => Turn::Said,
            Err(error) => Turn::Unsaid(error, by),
        }))
    }
}

/// The payload of data frames, bytes.
fn content(message: &Message) -> u64 {
    match message {
        Message::Text(_) | Message::Binary(_) => message.len() as u64,
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => 0,
    }
}
