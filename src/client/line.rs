//! An HTTP connection that stays open: one request at a time, by hyper's client over our own stream.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

use super::Counts;
use super::dialer::Dialer;
use super::http::Driver;
use super::inbox::Body;
use super::stream::{Leave, Stream};

/// How long the end of a connection may take, where the network does not stall.
const LIMIT: Duration = Duration::from_secs(10);

/// A connection.
pub(super) struct Line {
    sender: SendRequest<Body>,
    driver: Driver<TokioIo<Stream>>,
    /// Our own address.
    pub local: SocketAddr,
    leave: Leave,
    counts: Arc<Counts>,
    /// How long its end may take.
    limit: Duration,
}

/// Why there is no response.
#[derive(Debug)]
pub(super) struct Broken {
    /// In words.
    pub why: String,
    /// Whether the server certainly did not take the request.
    pub untaken: bool,
}

impl Broken {
    fn of(error: &hyper::Error) -> Self {
        Self { why: in_words(error), untaken: false }
    }
}

impl Line {
    pub async fn open(stream: Stream, dialer: &Dialer) -> Result<Self, String> {
        let (local, leave, counts) = (stream.link().local, stream.leave(), Arc::clone(&dialer.counts));
        let limit = LIMIT + dialer.stall;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| in_words(&e))?;
        Ok(Self { sender, driver: Driver::new(connection.without_shutdown()), local, leave, counts, limit })
    }

    pub async fn dial(dialer: &Dialer) -> Result<Self, String> {
        let stream = dialer.dial().await.map_err(|error| no_connection(&error))?;
        Self::open(stream, dialer).await
    }

    /// Ends our sending while something is asked: what is read next, sees to it.
    pub fn leave(&self) -> Leave {
        self.leave.clone()
    }

    /// Ends when the connection has, while nothing is asked.
    pub async fn idle(&mut self) {
        self.driver.wait().await;
    }

    pub async fn is_ready(&mut self) -> bool {
        self.driver.alongside(self.sender.ready()).await.is_ok()
    }

    /// Asks, and waits for the response's head.
    pub async fn send(&mut self, request: Request<Body>) -> Result<Response<Incoming>, Broken> {
        self.leave.owe(&self.counts, request.body().size_hint().lower());
        if !self.is_ready().await {
            return Err(Broken { why: ended(None), untaken: true });
        }
        let response = self.driver.alongside(self.sender.try_send_request(request)).await;
        response.map_err(|mut error| {
            let untaken = error.take_message().is_some();
            Broken { untaken, ..Broken::of(error.error()) }
        })
    }

    /// The next piece of a response's content; `None` at its end.
    pub async fn piece(&mut self, body: &mut Incoming) -> Option<Result<Bytes, Broken>> {
        loop {
            let frame = match self.driver.alongside(body.frame()).await? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(Broken::of(&error))),
            };
            // Trailers are no content.
            if let Ok(piece) = frame.into_data() {
                self.counts.content_heard.add(piece.len() as u64);
                return Some(Ok(piece));
            }
        }
    }

    /// Asks, and waits for all of the response, which may be so long.
    pub async fn ask(&mut self, request: Request<Body>, most: usize) -> Result<(StatusCode, Bytes), Broken> {
        let response = self.send(request).await?;
        let status = response.status();
        let mut body = response.into_body();
        let mut whole = BytesMut::new();
        while let Some(piece) = self.piece(&mut body).await {
            let piece = piece?;
            if whole.len() + piece.len() > most {
                return Err(Broken { why: "a response was too long".into(), untaken: false });
            }
            whole.extend_from_slice(&piece);
        }
        Ok((status, whole.freeze()))
    }

    /// Says that nothing more is asked, and reads to the end, where that comes.
    pub async fn end(self) {
        self.ends(async |stream| stream.end().await).await;
    }

    /// The same where the server was asked to close: it ends first.
    pub async fn end_after(self) {
        self.ends(async |stream| stream.end_after().await).await;
    }

    async fn ends(self, how: impl AsyncFnOnce(Stream)) {
        drop(self.sender);
        let end = async {
            if let Ok(parts) = self.driver.finish().await {
                how(parts.io.into_inner()).await;
            }
        };
        let _ = tokio::time::timeout(self.limit, end).await;
    }
}

/// What a response that is no success says.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> String {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let words = ["message", "detail", "title"].iter().find_map(|name| problem.get(name)?.as_str());
    let words = words.map(|words| format!(": {words}")).unwrap_or_default();
    format!("the server answered {}{words}", status.as_u16())
}

/// How an exchange failed, plainly.
pub(super) fn in_words(error: &hyper::Error) -> String {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    ended(cause.map(io::Error::kind))
}

/// How a connection ended.
pub(super) fn ended(kind: Option<io::ErrorKind>) -> String {
    match kind {
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => "the connection was reset".into(),
        Some(_) | None => "the connection has ended".into(),
    }
}

/// Why none could be made.
pub(super) fn no_connection(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "no connection: it was refused".into(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "no connection: it was reset".into(),
        io::ErrorKind::UnexpectedEof => "no connection: it has ended".into(),
        _ => format!("no connection: {error}"),
    }
}
