//! A client's HTTP connection: hyper's client over our own stream. It reads to the end of the stream before it closes.
//!
//! A stream of events is an answer as well, of which the end may never come: its head is handed on at once, and then each
//! event. Meanwhile nothing else can be asked on the connection.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming as IncomingBody};
use hyper::client::conn::http1::{self, Parts, SendRequest};
use hyper::header::{CONNECTION, CONTENT_TYPE, UPGRADE};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::inbox::{Body, Command, Incoming, NO_SESSION, Post, Queue};
use super::streamed::Blocks;
use super::{Link, socket};
use crate::wire::sse;

/// The longest content of a response that a client keeps, bytes.
const MAX_BODY: usize = 1 << 20;

/// Whether the connection will be over after this request (RFC 9112, 9.6).
pub(super) fn asks_to_close<B>(request: &Request<B>) -> bool {
    let values = request.headers().get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|token| token.trim().eq_ignore_ascii_case("close"))
}

/// Whether another protocol is asked for (RFC 9110, 7.8).
pub(super) fn asks_to_upgrade<B>(request: &Request<B>) -> bool {
    request.headers().contains_key(UPGRADE)
}

/// Owns the connection from its first request to its end.
pub(super) async fn own(link: Link, first: Request<Body>, mut queue: Queue, post: Post) {
    let Ok((mut sender, connection)) = http1::handshake(TokioIo::new(link.clone())).await else { return };
    let mut driver = Driver::new(connection.without_shutdown());
    let mut later = VecDeque::from([Command::Request(first)]);
    let mut closing = false;
    loop {
        let command = match later.pop_front() {
            Some(command) => Some(command),
            None => tokio::select! {
                command = queue.next() => command,
                () = driver.wait() => break,
            },
        };
        match command {
            Some(Command::Request(request)) => {
                if driver.alongside(sender.ready()).await.is_err() {
                    post.deliver(Incoming::Unsent("the connection has ended".into()));
                    break;
                }
                let changes = !request.method().is_safe();
                closing |= asks_to_close(&request);
                let work = driver.alongside(exchange(&mut sender, request));
                let Some((incoming, stream)) = meanwhile(work, &link, &mut queue, &mut later).await else {
                    break;
                };
                let upgraded = matches!(incoming, Incoming::Response { status: 101, .. });
                queue.streams(stream.is_some());
                if changes {
                    post.deliver_confirmation(incoming)
                } else {
                    post.deliver(incoming)
                }
                if upgraded {
                    drop(sender);
                    let Ok(parts) = driver.finish().await else { return };
                    return socket::own(parts.io.into_inner(), &parts.read_buf, (later, queue), post).await;
                }
                if let Some(body) = stream {
                    let events = driver.alongside(events(body, &post));
                    let left = beside(events, &link, &mut queue, &mut later).await;
                    queue.streams(false);
                    if left {
                        break;
                    }
                }
            }
            Some(command) => {
                obey(command, &link, &post).await;
                queue.sent();
            }
            None => break,
        }
    }
    drop(sender);
    if let Ok(parts) = driver.finish().await {
        let mut link = parts.io.into_inner();
        // Who leaves of its own accord says so. After `Connection: close` that is the server's to do first, and ours is
        // sent when the stream is dropped.
        if queue.is_closed() && !closing {
            link.fin();
        }
        link.read_to_end().await;
    }
}

/// What is asked for beside requests.
async fn obey(command: Command, link: &Link, post: &Post) {
    match command {
        Command::Raw(bytes) => drop(link.write_raw(&bytes).await),
        Command::Fin => link.fin(),
        Command::Reset => link.reset(),
        Command::Message(_) => post.deliver(Incoming::Unsent("there is no socket to send it on".into())),
        Command::Emit(_) | Command::Leave => post.deliver(Incoming::Unsent(NO_SESSION.into())),
        // Taken by `own`.
        Command::Request(_) => {}
    }
}

/// Hands on what a stream of events brings, until it ends.
async fn events(mut body: IncomingBody, post: &Post) {
    let mut blocks = Blocks::default();
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref() else { continue };
        blocks.feed(data).into_iter().for_each(|told| post.deliver(Incoming::Streamed(told)));
    }
}

/// Does what is asked beside a stream of events, until that ends. True where the client left before.
async fn beside(
    events: impl Future<Output = ()>,
    link: &Link,
    queue: &mut Queue,
    later: &mut VecDeque<Command>,
) -> bool {
    let mut events = std::pin::pin!(events);
    loop {
        tokio::select! {
            biased;
            () = &mut events => return false,
            command = queue.next() => match command {
                Some(command) => aside(command, link, queue, later).await,
                None => return true,
            },
        }
    }
}

/// While an answer is on its way, raw bytes, a FIN or a reset wait no longer; what needs its end does.
async fn aside(command: Command, link: &Link, queue: &Queue, later: &mut VecDeque<Command>) {
    match command {
        Command::Raw(bytes) if later.is_empty() => drop(link.write_raw(&bytes).await),
        Command::Fin if later.is_empty() => link.fin(),
        Command::Reset if later.is_empty() => link.reset(),
        command => return later.push_back(command),
    }
    queue.sent();
}

/// Waits for the response. As soon as the request is on its way (its head, that is: all of a small one), raw bytes, a FIN
/// or a reset wait no longer; what needs the response does.
async fn meanwhile(
    response: impl Future<Output = Option<Answer>>,
    link: &Link,
    queue: &mut Queue,
    later: &mut VecDeque<Command>,
) -> Option<Answer> {
    let mut response = std::pin::pin!(response);
    let before = link.written();
    let mut on_its_way = false;
    let mut listening = true;
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut response => break answer,
            () = link.written_beyond(before), if !on_its_way => {
                on_its_way = true;
                queue.sent();
            }
            command = queue.next(), if on_its_way && listening => match command {
                Some(command) => aside(command, link, queue, later).await,
                None => listening = false,
            }
        }
    };
    if !on_its_way {
        queue.sent();
    }
    queue.answered();
    answer
}

/// A response, and the rest of it where that is a stream of events.
type Answer = (Incoming, Option<IncomingBody>);

async fn exchange(sender: &mut SendRequest<Body>, request: Request<Body>) -> Option<Answer> {
    let response = sender.send_request(request).await.ok()?;
    whole(response).await
}

/// Reads a response to its end; of a stream of events its head.
async fn whole(response: Response<IncomingBody>) -> Option<Answer> {
    let (head, body) = response.into_parts();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let status = head.status.as_u16();
    if status == 101 {
        return Some((Incoming::Response { status, headers, body: Bytes::new() }, None));
    }
    let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if status == 200 && kind.is_some_and(sse::reads) && !body.is_end_stream() {
        return Some((Incoming::Response { status, headers, body: Bytes::new() }, Some(body)));
    }
    let body = Limited::new(body, MAX_BODY).collect().await.ok()?.to_bytes();
    Some((Incoming::Response { status, headers, body }, None))
}

/// hyper's connection, polled beside whatever waits for it.
pub(super) struct Driver<T> {
    future: Pin<Box<dyn Future<Output = hyper::Result<Parts<T>>> + Send>>,
    ended: Option<hyper::Result<Parts<T>>>,
}

impl<T> Driver<T> {
    pub fn new(future: impl Future<Output = hyper::Result<Parts<T>>> + Send + 'static) -> Self {
        Self { future: Box::pin(future), ended: None }
    }

    /// Ends when the connection has.
    pub async fn wait(&mut self) {
        if self.ended.is_none() {
            self.ended = Some(self.future.as_mut().await);
        }
    }

    /// Does the work while the connection goes on.
    pub async fn alongside<R>(&mut self, work: impl Future<Output = R>) -> R {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.wait(), if self.ended.is_none() => {}
            }
        }
    }

    /// Waits for the connection's end.
    pub async fn finish(self) -> hyper::Result<Parts<T>> {
        match self.ended {
            Some(ended) => ended,
            None => self.future.await,
        }
    }
}
