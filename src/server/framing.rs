//! What hyper reads without complaint and RFC 9112 or RFC 9110 want refused, before any door is asked.

use hyper::header::{CONNECTION, EXPECT, HeaderValue, TRANSFER_ENCODING};
use hyper::{HeaderMap, Method, Request, StatusCode, Uri, Version};

use super::problem::Problem;

/// The longest target of a request, bytes. 8,000 is what everybody ought to take (RFC 9112, 3).
const MAX_TARGET: usize = 8 * 1024;

/// The methods that there are (RFC 9110, 9.3; RFC 5789). Which of them a door knows, it says itself.
const METHODS: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
    Method::PATCH,
];

/// Refuses what is wrong with a request whatever it asks for.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    transfer_coding(request.headers())?;
    method(request.method())?;
    target(request.method(), request.uri())?;
    expectation(request.headers(), request.version())
}

/// Only `chunked`, once (RFC 9112, 6.1 and 7). Where a body with any other coding ends is not known: the connection ends.
///
/// Content-Length beside it is not seen here any more: hyper drops it, reads the chunks and ends the connection after the
/// answer, as RFC 9112, 6.1 allows.
fn transfer_coding(headers: &HeaderMap) -> Result<(), Problem> {
    let close = |problem: Problem| problem.with(CONNECTION, HeaderValue::from_static("close"));
    let mut chunked = 0;
    for value in headers.get_all(TRANSFER_ENCODING) {
        let value = String::from_utf8_lossy(value.as_bytes());
        // An empty element of a list means nothing (RFC 9110, 5.6.1).
        for coding in value.split(',').map(str::trim).filter(|coding| !coding.is_empty()) {
            if !coding.eq_ignore_ascii_case("chunked") {
                let detail = format!("the transfer coding {coding} is not known here; send `chunked`");
                return Err(close(Problem::new(StatusCode::NOT_IMPLEMENTED, detail)));
            }
            chunked += 1;
        }
    }
    if chunked > 1 {
        return Err(close(Problem::new(StatusCode::BAD_REQUEST, "`chunked` is applied more than once")));
    }
    Ok(())
}

/// A method that nobody knows is 501, not 405 (RFC 9110, 9.1); so is CONNECT, since this is no proxy (9.3.6).
fn method(method: &Method) -> Result<(), Problem> {
    if METHODS.contains(method) {
        return Ok(());
    }
    let upper = method.as_str().to_ascii_uppercase();
    let known = METHODS.iter().find(|known| known.as_str() == upper);
    let detail = match known {
        Some(known) => format!("methods are case-sensitive; send {known}"),
        None => format!("the method {method} is not known here"),
    };
    Err(Problem::new(StatusCode::NOT_IMPLEMENTED, detail))
}

/// One of the four forms, where it belongs, and not too long (RFC 9112, 3.2).
fn target(method: &Method, uri: &Uri) -> Result<(), Problem> {
    let bad = |detail: &str| Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    let length = uri.path_and_query().map_or(0, |target| target.as_str().len());
    if length > MAX_TARGET {
        let detail = format!("the target has {length} bytes, at most {MAX_TARGET}");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, detail));
    }
    match (uri.scheme_str(), uri.authority()) {
        (None, Some(_)) => bad("a target that is host and port only is for CONNECT"),
        (Some(scheme), _) if !matches!(scheme, "http" | "https") => bad("the target is no http address"),
        (None, None) if uri.path() == "*" && method != Method::OPTIONS => bad("* is for OPTIONS"),
        _ => Ok(()),
    }
}

/// There is one expectation, and HTTP/1.0 has none (RFC 9110, 10.1.1).
fn expectation(headers: &HeaderMap, version: Version) -> Result<(), Problem> {
    let unknown = |value: &&HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    match headers.get_all(EXPECT).iter().find(unknown) {
        Some(value) if version > Version::HTTP_10 => {
            let value = String::from_utf8_lossy(value.as_bytes());
            let detail = format!("cannot meet the expectation {value}; there is only 100-continue");
            let problem = Problem::new(StatusCode::EXPECTATION_FAILED, detail);
            Err(problem.with(CONNECTION, HeaderValue::from_static("close")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: &str, target: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let refused = check(&request.body(()).unwrap()).err()?;
        Some(hyper::Response::<crate::server::body::Body>::from(refused).status().as_u16())
    }

    #[test]
    fn one_coding_once() {
        let coding = |value| status("POST", "/", &[("transfer-encoding", value)]);
        assert_eq!(coding("chunked"), None);
        assert_eq!(coding("Chunked ,, "), None);
        assert_eq!(coding("chunked, chunked"), Some(400));
        assert_eq!(coding("gzip, chunked"), Some(501));
        assert_eq!(coding("chunked;q=1"), Some(501));
        assert_eq!(
            status("POST", "/", &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")]),
            Some(400)
        );
    }

    #[test]
    fn methods_that_nobody_knows_are_not_implemented() {
        assert_eq!(status("TRACE", "/", &[]), None);
        assert_eq!(status("BREW", "/", &[]), Some(501));
        assert_eq!(status("get", "/", &[]), Some(501));
        assert_eq!(status("CONNECT", "localhost:1", &[]), Some(501));
    }

    #[test]
    fn each_form_of_a_target_has_its_place() {
        assert_eq!(status("GET", "/a?b", &[]), None);
        assert_eq!(status("GET", "http://a/b", &[]), None);
        assert_eq!(status("OPTIONS", "*", &[]), None);
        assert_eq!(status("GET", "*", &[]), Some(400));
        assert_eq!(status("GET", "localhost:80", &[]), Some(400));
        assert_eq!(status("GET", "ftp://a/b", &[]), Some(400));
        assert_eq!(status("GET", &format!("/{}", "a".repeat(8191)), &[]), None);
        assert_eq!(status("GET", &format!("/{}", "a".repeat(8192)), &[]), Some(414));
    }

    #[test]
    fn there_is_one_expectation() {
        assert_eq!(status("POST", "/", &[("expect", "100-Continue")]), None);
        assert_eq!(status("POST", "/", &[("expect", "the best")]), Some(417));
        assert_eq!(status("POST", "/", &[("expect", "100-continue"), ("expect", "more")]), Some(417));
    }
}
