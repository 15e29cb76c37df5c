//! What went wrong with a request, as a JSON problem (RFC 9457).

use bytes::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::context::Body;

/// An answer that is not what the client hoped for.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// `detail` says what is wrong, and where.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), headers: Vec::new() }
    }

    /// 404: no door has this path.
    pub fn nothing_at(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}"))
    }

    /// 405: `allow` lists what works here (RFC 9110, 15.5.6).
    pub fn method_not_allowed(allow: &str) -> Self {
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("allowed here: {allow}"));
        match HeaderValue::from_str(allow) {
            Ok(allow) => problem.with(ALLOW, allow),
            Err(_) => problem,
        }
    }

    /// The same with one more header.
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// What is wrong, and where.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<Problem> for Response<Body> {
    fn from(problem: Problem) -> Self {
        let body = serde_json::json!({
            "title": problem.status.canonical_reason().unwrap_or("Problem"),
            "status": problem.status.as_u16(),
            "detail": problem.detail,
        });
        let mut response = Self::new(Body::new(Bytes::from(body.to_string())));
        *response.status_mut() = problem.status;
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response.headers_mut().extend(problem.headers);
        response
    }
}
