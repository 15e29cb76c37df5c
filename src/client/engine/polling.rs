//! Long polling: requests over connections that stay open, each with one request at a time.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;

use super::LIMIT;
use super::dialer::Dialer;
use super::packet::Packet;
use crate::client::Link;
use crate::client::http::Driver;
use crate::client::inbox::Body;
use crate::wire::engineio::SEPARATOR;

/// The longest body of a response, bytes.
const MAX_BODY: usize = 1 << 20;

/// An HTTP connection of a session.
pub(super) struct Line {
    sender: SendRequest<Body>,
    driver: Driver<TokioIo<Link>>,
    /// Our own address.
    pub local: SocketAddr,
}

/// The response's content, or why there is none.
pub(super) type Answer = Result<Bytes, String>;

impl Line {
    pub async fn open(link: Link) -> Result<Self, String> {
        let local = link.local;
        let (sender, connection) = http1::handshake(TokioIo::new(link)).await.map_err(|e| in_words(&e))?;
        Ok(Self { sender, driver: Driver::new(connection.without_shutdown()), local })
    }

    /// Ends when the connection has, while nothing is asked.
    pub async fn idle(&mut self) {
        self.driver.wait().await;
    }

    async fn is_ready(&mut self) -> bool {
        self.driver.alongside(self.sender.ready()).await.is_ok()
    }

    async fn ask(&mut self, request: Request<Body>) -> Answer {
        let sender = &mut self.sender;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(|error| in_words(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
            let body = body.map_err(|_| "a response was not whole".to_owned())?.to_bytes();
            if status == StatusCode::OK { Ok(body) } else { Err(refusal(status, &body)) }
        };
        self.driver.alongside(exchange).await
    }

    /// Says that nothing more is asked, and reads to the end, where that comes.
    pub async fn end(self) {
        drop(self.sender);
        let end = async {
            if let Ok(parts) = self.driver.finish().await {
                let mut link = parts.io.into_inner();
                link.fin();
                link.read_to_end().await;
            }
        };
        let _ = tokio::time::timeout(LIMIT, end).await;
    }
}

/// Asks on this connection, or where it has ended (or is none yet) on a new one.
pub(super) async fn exchange(
    line: Option<Line>,
    dialer: Dialer,
    request: Request<Body>,
) -> (Option<Line>, Answer) {
    let mut line = line;
    if let Some(open) = &mut line
        && !open.is_ready().await
    {
        line = None;
    }
    let mut line = match line {
        Some(line) => line,
        None => match open(&dialer).await {
            Ok(line) => line,
            Err(why) => return (None, Err(why)),
        },
    };
    let answer = line.ask(request).await;
    (Some(line), answer)
}

async fn open(dialer: &Dialer) -> Result<Line, String> {
    let link = dialer.dial().await.map_err(|error| format!("no connection: {error}"))?;
    Line::open(link).await
}

/// A question for packets; with packets, a way to send them.
pub(super) fn request(host: &str, target: &str, packets: Option<&[Packet]>) -> Result<Request<Body>, String> {
    let request = Request::builder().uri(target).header(HOST, host).header(ACCEPT, "*/*");
    let request = match packets {
        None => request.body(Body::default()),
        Some(packets) => {
            let texts: Vec<String> = packets.iter().map(Packet::in_body).collect();
            let body = texts.join(SEPARATOR.encode_utf8(&mut [0; 4]));
            let request = request.method("POST").header(CONTENT_TYPE, "text/plain;charset=UTF-8");
            request.body(Body::from(body))
        }
    };
    request.map_err(|error| error.to_string())
}

/// What a response that is no 200 says.
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
