//! What a browser needs to know before it lets a page of another origin ask, and read the answer (Fetch, 3.3).

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, HeaderName,
    HeaderValue, ORIGIN, VARY,
};
use hyper::{Request, Response, StatusCode};

use super::context::Body;

/// What a page may send beside the headers that it always may.
const HEADERS: &str = "content-type, last-event-id";

/// How long a browser may remember the answer to its preflight request, seconds.
const MAX_AGE: &str = "600";

/// The answer to OPTIONS: to a browser that asks for a page first, or to anybody else (RFC 9110, 9.3.7).
pub(super) fn options<B>(request: &Request<B>, allow: &str) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let asked = request.headers();
    let mut set = |name: HeaderName, value: &str| {
        // Made of method names: always a header value.
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    if asked.contains_key(ORIGIN) && asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        set(ACCESS_CONTROL_ALLOW_METHODS, allow);
        set(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        set(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    } else {
        set(ALLOW, allow);
    }
    response
}

/// Another origin would have been answered otherwise: caches must know.
pub(super) fn depends_on_origin(response: &mut Response<Body>) {
    response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
}

/// Pages of this origin may read the answer.
pub(super) fn let_in(response: &mut Response<Body>, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Location"));
}
