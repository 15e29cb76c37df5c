//! Reads the content of a request.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Request, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::Limits;
use super::problem::Problem;

/// The longest content of a request, bytes.
const MAX_BODY: usize = 64 * 1024;

/// A body may take a second more for so many bytes of it that came: faster than that, it may take as long as it likes.
const PACE: u64 = 1024;

/// The content of a request, until it is read.
pub(super) type Content = Option<Incoming>;

/// The whole content, within its limits; nothing where it was read before. After every refusal the connection ends: where the
/// next request begins is not known, or not worth reading to.
pub(super) async fn read(request: &mut Request<Content>, limits: &Limits) -> Result<Bytes, Problem> {
    let too_large = || refused(StatusCode::PAYLOAD_TOO_LARGE, format!("at most {MAX_BODY} bytes"));
    let Some(mut body) = request.body_mut().take() else { return Ok(Bytes::new()) };
    // Content-Length says so: nothing of it is read, and no `100 Continue` asks for it.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(too_large());
    }
    let began = Instant::now();
    let mut content = BytesMut::new();
    loop {
        let frame = match limits.body_time {
            None => body.frame().await,
            Some(time) => within(time, began, content.len(), body.frame()).await?,
        };
        let Some(frame) = frame else { return Ok(content.freeze()) };
        let frame = frame.map_err(|error| {
            refused(StatusCode::BAD_REQUEST, format!("the body could not be read: {error}"))
        })?;
        // Trailers may be ignored (RFC 9110, 6.5.1).
        let Ok(data) = frame.into_data() else { continue };
        if content.len() + data.len() > MAX_BODY {
            return Err(too_large());
        }
        if content.is_empty() && body.is_end_stream() {
            // Nearly all come in one piece.
            return Ok(data);
        }
        content.extend_from_slice(&data);
    }
}

/// What comes next of a body, of which so many bytes came since it began: `time` may pass without any, and in all not much more.
async fn within<T>(
    time: Duration,
    began: Instant,
    came: usize,
    next: impl Future<Output = T>,
) -> Result<T, Problem> {
    let silent = Instant::now() + time;
    let whole = began + time + Duration::from_secs(came as u64 / PACE);
    timeout_at(silent.min(whole), next).await.map_err(|_| {
        let seconds = time.as_secs_f64();
        let detail = if silent <= whole {
            format!("nothing of the body came for {seconds} s")
        } else {
            format!("the body takes longer than {seconds} s and a second for each KiB that came")
        };
        refused(StatusCode::REQUEST_TIMEOUT, detail)
    })
}

fn refused(status: StatusCode, detail: String) -> Problem {
    Problem::new(status, detail).with(CONNECTION, HeaderValue::from_static("close"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    /// When a body that brings so many bytes each 5 s is late, seconds.
    async fn late(bytes: usize) -> Option<u64> {
        let began = Instant::now();
        for piece in 0..100 {
            if within(10 * S, began, piece * bytes, tokio::time::sleep(5 * S)).await.is_err() {
                return Some(began.elapsed().as_secs());
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_goes_on_or_ends() {
        assert_eq!(late(1).await, Some(10));
        // 2.5 s more for each 5 s.
        assert_eq!(late(2560).await, Some(17));
        assert_eq!(late(5 * 1024).await, None);
        let began = Instant::now();
        let silent = within(10 * S, began, 1 << 20, std::future::pending::<()>()).await.unwrap_err();
        assert_eq!((began.elapsed(), silent.detail()), (10 * S, "nothing of the body came for 10 s"));
    }
}
