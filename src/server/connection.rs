//! One connection: HTTP until it ends or is upgraded, then its orderly end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

use super::context::{Body, Context, Hold, Upgrade};
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

/// Seconds after which one who found no place may try again.
const RETRY: HeaderValue = HeaderValue::from_static("5");

type Connection = http1::Connection<TokioIo<Paced>, Doors>;

/// Serves one connection to its end.
pub(super) async fn drive(stream: Stream, doors: Doors, mut hold: Hold) {
    let (context, upgrade) = (Arc::clone(&doors.context), Arc::clone(&doors.upgrade));
    let Some(stream) = dress(stream, &context, &mut hold.guard).await else { return };
    let pace = Arc::clone(&doors.pace);
    let stream = Paced { stream, pace: Arc::clone(&pace) };
    let mut connection = http1::Builder::new()
        // A client that half-closes after its request still gets its answer.
        .half_close(true)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), doors);
    // Borrowed, because after our FIN there is still something to do, see `hang_up`.
    let ended = serve(&mut connection, &pace, &mut hold).await;
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner().stream;
    let talk = upgrade.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (ended, talk) {
        (Ended::Well, Some(talk)) => {
            // A task of its own, so that hyper's state is freed.
            let socket = Socket::new(stream, &parts.read_buf, talk, context).await;
            tokio::spawn(socket.run(hold));
            return;
        }
        (Ended::Late(Late::Taking), _) => {
            // What it did not take would keep a FIN waiting for ever.
            stream.control().cut();
            return;
        }
        (Ended::Late(Late::Head), _) => {
            let time = pace.head_time().as_secs_f64();
            let detail = format!("the head of the request was not there after {time} s");
            say(&mut stream, Problem::new(StatusCode::REQUEST_TIMEOUT, detail)).await;
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
    upgrade: Upgrade,
    pace: Arc<Pace>,
    /// There is no place left for this connection.
    full: bool,
}

impl Doors {
    pub fn open(context: Arc<Context>) -> Self {
        let pace = Pace::new(context.options.limits);
        Self { context, upgrade: Upgrade::default(), pace, full: false }
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
        if self.full {
            return Box::pin(async { Ok(no_place().map(|body| Answer::new(body, pace))) });
        }
        let (context, upgrade) = (Arc::clone(&self.context), Arc::clone(&self.upgrade));
        Box::pin(async move {
            let response = router::answer(request, &context, &upgrade).await;
            Ok(response.map(|body| Answer::new(body, pace)))
        })
    }
}

fn no_place() -> Response<Body> {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "every place is taken; try again later")
        .with(CONNECTION, HeaderValue::from_static("close"))
        .with(RETRY_AFTER, RETRY)
        .into()
}
