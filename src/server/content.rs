//! Reads the content of a request.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::{Request, StatusCode};

use super::Limits;
use super::problem::Problem;

/// The longest content of a request, bytes.
const MAX_BODY: usize = 64 * 1024;

/// The whole content, within its limits.
pub(super) async fn read(request: Request<Incoming>, _limits: &Limits) -> Result<Bytes, Problem> {
    let collected = Limited::new(request.into_body(), MAX_BODY).collect().await;
    let bytes = collected.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("at most {MAX_BODY} bytes"))
        } else {
            Problem::new(StatusCode::BAD_REQUEST, format!("the body could not be read: {error}"))
        }
    })?;
    Ok(bytes.to_bytes())
}
