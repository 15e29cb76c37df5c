//! A client's HTTP connection: hyper's client over our own stream. It reads to the end of the stream before it closes.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming as IncomingBody;
use hyper::client::conn::http1::{self, Parts, SendRequest};
use hyper::header::{CONNECTION, UPGRADE};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;

use super::inbox::{Body, Command, Incoming, Post};
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
pub(super) async fn own(
    link: Link,
    first: Request<Body>,
    mut queue: mpsc::UnboundedReceiver<Command>,
    post: Post,
) {
    let Ok((mut sender, connection)) = http1::handshake(TokioIo::new(link.clone())).await else { return };
    let mut driver = Driver::new(connection.without_shutdown());
    let mut next = Some(Command::Request(first));
    loop {
        match next {
            Some(Command::Request(request)) => {
                let Some(incoming) = driver.alongside(exchange(&mut sender, request)).await else { break };
                let upgraded = matches!(incoming, Incoming::Response { status: 101, .. });
                post.deliver(incoming);
                if upgraded {
                    drop(sender);
                    let Ok(parts) = driver.finish().await else { return };
                    return socket::own(parts.io.into_inner(), &parts.read_buf, queue, post).await;
                }
            }
            Some(Command::Raw(bytes)) => drop(link.write_raw(&bytes).await),
            Some(Command::Fin) => link.fin(),
            Some(Command::Reset) => return link.reset_at_close(),
            // There is no socket yet to send it on; the checker refuses lessons that try.
            Some(Command::Message(_)) => {}
            None => break,
        }
        next = tokio::select! {
            command = queue.recv() => command,
            () = driver.wait() => break,
        };
    }
    drop(sender);
    if let Ok(parts) = driver.finish().await {
        // The server's FIN first, if it is to come; ours is sent when the stream is dropped.
        end(parts.io.into_inner(), queue).await;
    }
}

/// Ends our half if nobody else has, and reads to the end of the other.
async fn end(mut link: Link, queue: mpsc::UnboundedReceiver<Command>) {
    // The queue is closed when the client leaves of its own accord: then nothing is to be waited for.
    if queue.is_closed() {
        link.fin();
    }
    link.read_to_end().await;
}

async fn exchange(sender: &mut SendRequest<Body>, request: Request<Body>) -> Option<Incoming> {
    sender.ready().await.ok()?;
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
    async fn wait(&mut self) {
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
