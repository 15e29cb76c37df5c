//! One connection: HTTP until it ends or is upgraded, then its orderly end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

use super::context::{Context, Hold, Next, Visit};
use super::hang_up::hang_up;
use super::last_word::say;
use super::layers::dress;
use super::pace::{Answer, Late, Pace, Paced};
use super::problem::Problem;
use super::router;
use super::socket::Socket;
use crate::tap::Stream;

/// The longest head of a request, bytes.
const MAX_HEAD: usize = 16 * 1024;

/// What a client says first that knows of a later HTTP only (RFC 9113, 3.4).
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n";

type Connection = http1::Connection<TokioIo<Paced>, Doors>;

/// Serves one connection to its end.
pub(super) async fn drive(stream: Stream, doors: Doors, mut hold: Hold) {
    let (context, visit, pace) = (Arc::clone(&doors.context), doors.visit.clone(), Arc::clone(&doors.pace));
    let Some(stream) = dress(stream, &context, &mut hold).await else { return };
    visit.presence.begin(stream);
    let stream = Paced { stream: visit.presence.clone(), pace: Arc::clone(&pace) };
    let mut connection = http1::Builder::new()
        // A client that half-closes after its request still gets its answer.
        .half_close(true)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), doors);
    // Borrowed, because after our FIN there is still something to do, see `hang_up`.
    let ended = serve(&mut connection, &pace, &mut hold).await;
    let parts = connection.into_parts();
    let (Some(mut stream), ahead) = visit.presence.take() else { return };
    if let Ended::Late(late) = ended {
        stream.control().limit(&pace.why(late));
    }
    let next = visit.upgrade.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (ended, next) {
        (Ended::Well, Some(next)) => {
            let early = [&parts.read_buf, &ahead[..]].concat();
            // A task of its own, so that hyper's state is freed.
            match next {
                Next::Talk(talk) => {
                    let socket = Socket::new(stream, &early, talk, context).await;
                    tokio::spawn(socket.run(hold));
                }
                Next::Engine(handshake) => {
                    tokio::spawn(async move { context.engine.carry(stream, early, handshake, hold).await });
                }
            }
            return;
        }
        (Ended::Late(Late::Taking), _) => {
            // What it did not take would keep a FIN waiting for ever.
            stream.control().cut();
            return;
        }
        (Ended::Late(late @ Late::Head), _) => {
            say(&mut stream, Problem::new(StatusCode::REQUEST_TIMEOUT, pace.why(late))).await;
        }
        (Ended::Badly, _) if parts.read_buf.starts_with(HTTP_2) => {
            let detail = "this server speaks HTTP/1.1";
            say(&mut stream, Problem::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, detail)).await;
        }
        // hyper had read it together with the request before it, and nothing has come since.
        (Ended::Late(Late::Idle), _) if !parts.read_buf.is_empty() => {
            let detail = "a request was begun behind the last, and not ended";
            say(&mut stream, Problem::new(StatusCode::REQUEST_TIMEOUT, detail)).await;
        }
        (Ended::Well | Ended::Badly | Ended::Late(Late::Idle), _) => {}
    }
    hang_up(stream).await;
}

/// How HTTP came to its end on a connection.
#[derive(Debug, Clone, Copy)]
enum Ended {
    Well,
    /// What came was no request, or it was cut off. hyper has said so where that is possible.
    Badly,
    Late(Late),
}

/// With shutdown, because only that waits until all of the last answer is sent.
async fn serve(connection: &mut Connection, pace: &Pace, hold: &mut Hold) -> Ended {
    let mut leaving = false;
    loop {
        tokio::select! {
            // In this order: a request that is there already is answered before anything is found to be late.
            biased;
            ended = &mut *connection => return if ended.is_ok() { Ended::Well } else { Ended::Badly },
            () = hold.guard.told(), if !leaving => leaving = true,
            late = pace.late() => return Ended::Late(late),
        }
        // Nothing is asked: it ends at once. Something is: with that answer.
        Pin::new(&mut *connection).graceful_shutdown();
    }
}

/// What answers the requests of one connection.
pub(super) struct Doors {
    context: Arc<Context>,
    visit: Visit,
    pace: Arc<Pace>,
    /// There is no place left for this connection.
    full: bool,
}

impl Doors {
    pub fn open(context: Arc<Context>) -> Self {
        let pace = Pace::new(context.options.limits);
        Self { context, visit: Visit::default(), pace, full: false }
    }

    /// Every door is 503, once.
    pub fn full(context: Arc<Context>) -> Self {
        Self { full: true, ..Self::open(context) }
    }
}

impl Service<Request<Incoming>> for Doors {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let pace = Arc::clone(&self.pace);
        pace.busy();
        let (context, visit, full) = (Arc::clone(&self.context), self.visit.clone(), self.full);
        Box::pin(async move {
            let response = if full {
                visit.presence.control().iter().for_each(|control| control.limit("every place is taken"));
                router::refuse(&request, &context)
            } else {
                router::answer(request, &context, &visit).await
            };
            Ok(response.map(|body| Answer::new(body, pace)))
        })
    }
}
