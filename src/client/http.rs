//! A client's HTTP connection: hyper's client over our own stream. It reads to the end of the stream before it closes.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming as IncomingBody;
use hyper::client::conn::http1::{self, Parts, SendRequest};
use hyper::header::{CONNECTION, UPGRADE};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::inbox::{Body, Command, Incoming, NO_SESSION, Post, Queue};
use super::{Link, socket};

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
                let Some(incoming) = meanwhile(work, &link, &mut queue, &mut later).await else { break };
                let upgraded = matches!(incoming, Incoming::Response { status: 101, .. });
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

/// Waits for the response. As soon as the request is on its way (its head, that is: all of a small one), raw bytes, a FIN
/// or a reset wait no longer; what needs the response does.
async fn meanwhile(
    response: impl Future<Output = Option<Incoming>>,
    link: &Link,
    queue: &mut Queue,
    later: &mut VecDeque<Command>,
) -> Option<Incoming> {
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
                Some(Command::Raw(bytes)) if later.is_empty() => {
                    drop(link.write_raw(&bytes).await);
                    queue.sent();
                }
                Some(Command::Fin) if later.is_empty() => {
                    link.fin();
                    queue.sent();
                }
                Some(Command::Reset) if later.is_empty() => {
                    link.reset();
                    queue.sent();
                }
                Some(command) => later.push_back(command),
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

async fn exchange(sender: &mut SendRequest<Body>, request: Request<Body>) -> Option<Incoming> {
    let response = sender.send_request(request).await.ok()?;
    whole(response).await
}

/// Reads a response to its end.
async fn whole(response: Response<IncomingBody>) -> Option<Incoming> {
    let (head, body) = response.into_parts();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let status = head.status.as_u16();
    if status == 101 {
        return Some(Incoming::Response { status, headers, body: Bytes::new() });
    }
    let body = Limited::new(body, MAX_BODY).collect().await.ok()?.to_bytes();
    Some(Incoming::Response { status, headers, body })
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
