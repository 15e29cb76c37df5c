//! Reads the content of a request.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Request, StatusCode};
use tokio::time::timeout;

use super::Limits;
use super::problem::Problem;

/// The longest content of a request, bytes.
const MAX_BODY: usize = 64 * 1024;

/// The whole content, within its limits. After every refusal the connection ends: where the next request begins is not
/// known, or not worth reading to.
pub(super) async fn read(request: Request<Incoming>, limits: &Limits) -> Result<Bytes, Problem> {
    let refused = |status, detail: String| {
        Problem::new(status, detail).with(CONNECTION, HeaderValue::from_static("close"))
    };
    let too_large = || refused(StatusCode::PAYLOAD_TOO_LARGE, format!("at most {MAX_BODY} bytes"));
    let mut body = request.into_body();
    // Content-Length says so: nothing of it is read, and no `100 Continue` asks for it.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(too_large());
    }
    let mut content = BytesMut::new();
    loop {
        let frame = match limits.body_time {
            None => body.frame().await,
            Some(time) => timeout(time, body.frame()).await.map_err(|_| {
                let detail = format!("nothing of the body came for {} s", time.as_secs_f64());
                refused(StatusCode::REQUEST_TIMEOUT, detail)
            })?,
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
