//! An answer that hyper does not give: where it has given up, or is taken out of the way.

use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use hyper::Response;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::context::Body;
use super::problem::Problem;

/// How long the client may take to let it out.
const PATIENCE: Duration = Duration::from_secs(2);

/// Says it, and that the connection ends. Nothing of another answer may be under way.
pub(super) async fn say<S: AsyncWrite + Unpin>(stream: &mut S, problem: Problem) {
    let message = written(problem);
    // Who does not take it does not get it.
    let _ = tokio::time::timeout(PATIENCE, stream.write_all(&message)).await;
}

fn written(problem: Problem) -> Vec<u8> {
    let (head, body) = Response::<Body>::from(problem).into_parts();
    let content = body.collect().now_or_never().and_then(Result::ok).map(|body| body.to_bytes());
    let content = content.unwrap_or_default();
    let mut message = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
    for (name, value) in &head.headers {
        message.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    // A server with a clock says when (RFC 9110, 6.6.1).
    let date = httpdate::fmt_http_date(SystemTime::now());
    let length = content.len();
    let rest = format!("connection: close\r\ncontent-length: {length}\r\ndate: {date}\r\n\r\n");
    message.extend(rest.as_bytes());
    message.extend(content);
    message
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

    use super::*;

    #[test]
    fn it_is_a_whole_answer() {
        let message = written(Problem::new(StatusCode::REQUEST_TIMEOUT, "too slow"));
        let mut headers = [httparse::EMPTY_HEADER; 8];
        let mut response = httparse::Response::new(&mut headers);
        let head = response.parse(&message).unwrap().unwrap();
        assert_eq!((response.code, response.reason), (Some(408), Some("Request Timeout")));
        let header = |name| response.headers.iter().find(|header| header.name == name).unwrap().value;
        assert_eq!(header("content-length"), (message.len() - head).to_string().as_bytes());
        assert_eq!(header("connection"), b"close");
        assert!(header("date").ends_with(b"GMT"));
        let body: serde_json::Value = serde_json::from_slice(&message[head..]).unwrap();
        assert_eq!(body["detail"], "too slow");
    }
}
