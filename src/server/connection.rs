//! One connection: HTTP until it ends or is upgraded, then its orderly end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

use super::context::{Body, Context, Hold, Upgrade};
use super::hang_up::hang_up;
use super::problem::Problem;
use super::router;
use super::socket::Socket;
use crate::tap::Stream;

/// The longest head of a request, bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Serves one connection to its end.
pub(super) async fn drive(stream: Stream, doors: Doors, mut hold: Hold) {
    let (context, upgrade) = (Arc::clone(&doors.context), Arc::clone(&doors.upgrade));
    let mut connection = http1::Builder::new()
        // A client that half-closes after its request still gets its answer.
        .half_close(true)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), doors);
    // Borrowed, because after our FIN there is still something to do, see `hang_up`. With shutdown, because only that
    // waits until all of the last answer is sent.
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = hold.guard.told() => {
            Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    let parts = connection.into_parts();
    let stream = parts.io.into_inner();
    let talk = upgrade.lock().unwrap_or_else(PoisonError::into_inner).take();
    match talk {
        Some(talk) if ended.is_ok() => {
            // A task of its own, so that hyper's state is freed.
            let socket = Socket::new(stream, &parts.read_buf, talk, context);
            tokio::spawn(socket.run(hold));
        }
        _ => hang_up(stream).await,
    }
}

/// What answers the requests of one connection.
pub(super) struct Doors {
    context: Arc<Context>,
    upgrade: Upgrade,
    /// There is no place left for this connection.
    full: bool,
}

impl Doors {
    pub fn open(context: Arc<Context>) -> Self {
        Self { context, upgrade: Upgrade::default(), full: false }
    }

    /// Every door is 503, once.
    pub fn full(context: Arc<Context>) -> Self {
        Self { full: true, ..Self::open(context) }
    }
}

impl Service<Request<Incoming>> for Doors {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        if self.full {
            let problem =
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "every place is taken; try again later")
                    .with(CONNECTION, HeaderValue::from_static("close"));
            return Box::pin(async { Ok(problem.into()) });
        }
        let (context, upgrade) = (Arc::clone(&self.context), Arc::clone(&self.upgrade));
        Box::pin(async move { Ok(router::answer(request, &context, &upgrade).await) })
    }
}
