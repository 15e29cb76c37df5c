//! `/ws`: the handshake (RFC 6455, 4.2). What is spoken after it is `socket.rs`.

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};

use crate::server::context::{Body, Next, Upgrade};
use crate::server::problem::Problem;
use crate::wire::handshake;

/// Agrees to the handshake, or says what is wrong with it. `begin` is what is spoken then.
pub(in crate::server) fn upgrade<B>(
    request: &Request<B>,
    upgrade: &Upgrade,
    begin: impl FnOnce() -> Result<Next, Problem>,
) -> Result<Response<Body>, Problem> {
    let key = check(request)?;
    let accept = HeaderValue::try_from(handshake::accept_key(key))
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the accept key is no header value"))?;
    *upgrade.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(begin()?);
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

/// The client's key, where everything about the handshake is right (RFC 6455, 4.2.1).
fn check<B>(request: &Request<B>) -> Result<&str, Problem> {
    let bad = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, detail);
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(Problem::method_not_allowed("GET"));
    }
    // What follows the head must be frames, and not content (RFC 6455, 4.1).
    if headers.contains_key(TRANSFER_ENCODING)
        || one(headers, &CONTENT_LENGTH).is_ok_and(|length| !matches!(length, None | Some("0")))
    {
        return Err(bad("a handshake has no content").with(CONNECTION, HeaderValue::from_static("close")));
    }
    if !has_token(headers, &UPGRADE, "websocket") || request.version() < Version::HTTP_11 {
        let detail = "this is a WebSocket door; send `Upgrade: websocket` over HTTP/1.1";
        return Err(upgrade_required(detail));
    }
    if !has_token(headers, &CONNECTION, "upgrade") {
        return Err(bad("`Connection` does not name `Upgrade`"));
    }
    if one(headers, &SEC_WEBSOCKET_VERSION).map_err(|()| bad("two Sec-WebSocket-Version headers"))?
        != Some("13")
    {
        let detail = "`Sec-WebSocket-Version` must be 13";
        let ours = HeaderValue::from_static("13");
        return Err(upgrade_required(detail).with(SEC_WEBSOCKET_VERSION, ours));
    }
    let key = one(headers, &SEC_WEBSOCKET_KEY).map_err(|()| bad("two Sec-WebSocket-Key headers"))?;
    key.filter(|key| handshake::valid_key(key))
        .ok_or_else(|| bad("`Sec-WebSocket-Key` must be 16 bytes in base64"))
}

/// 426 (RFC 9110, 15.5.22)
fn upgrade_required(detail: &str) -> Problem {
    Problem::new(StatusCode::UPGRADE_REQUIRED, detail)
        .with(CONNECTION, HeaderValue::from_static("Upgrade"))
        .with(UPGRADE, HeaderValue::from_static("websocket"))
}

/// Whether a comma-separated header names the token, in any case, on any of its lines.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}

/// The value of a header that may come once at most.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(|value| value.to_str().unwrap_or_default());
    if values.next().is_some() { Err(()) } else { Ok(first) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Store;
    use crate::server::socket::Talk;
    use crate::server::subscription::Subscription;
    use std::sync::Arc;

    const GOOD: [(&str, &str); 4] = [
        ("upgrade", "websocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn list() -> Result<Next, Problem> {
        Ok(Next::Talk(Talk::List(Subscription::new(&Arc::new(Store::new(Box::new(|_| ())))))))
    }

    fn status(method: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri("/ws");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let answer = upgrade(&request, &Upgrade::default(), list).unwrap_or_else(Response::from);
        answer.status().as_u16()
    }

    fn without(name: &str) -> Vec<(&'static str, &'static str)> {
        GOOD.into_iter().filter(|(header, _)| *header != name).collect()
    }

    #[test]
    fn the_handshake_of_the_rfc_is_answered_with_its_accept_key() {
        let mut request = Request::builder().uri("/ws");
        for (name, value) in GOOD {
            request = request.header(name, value);
        }
        let slot = Upgrade::default();
        let response = upgrade(&request.body(()).unwrap(), &slot, list).unwrap();
        assert_eq!(response.status(), 101);
        assert_eq!(response.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(slot.lock().unwrap().is_some());
    }

    #[test]
    fn each_fault_has_its_answer() {
        assert_eq!(status("GET", &[]), 426);
        assert_eq!(status("POST", &GOOD), 405);
        assert_eq!(status("GET", &without("connection")), 400);
        assert_eq!(status("GET", &without("sec-websocket-version")), 426);
        assert_eq!(status("GET", &without("sec-websocket-key")), 400);
        let with = |name, value| [without(name), vec![(name, value)]].concat();
        assert_eq!(status("GET", &with("sec-websocket-version", "12")), 426);
        assert_eq!(status("GET", &with("sec-websocket-key", "c2hvcnQ=")), 400);
        let two_keys = [&GOOD[..], &[GOOD[3]]].concat();
        assert_eq!(status("GET", &two_keys), 400);
        let split =
            [without("connection"), vec![("connection", "keep-alive"), ("connection", "upgrade")]].concat();
        assert_eq!(status("GET", &split), 101);
        for (length, expected) in [("0", 101), ("5", 400)] {
            assert_eq!(status("GET", &[&GOOD[..], &[("content-length", length)]].concat()), expected);
        }
        assert_eq!(status("GET", &[&GOOD[..], &[("transfer-encoding", "chunked")]].concat()), 400);
    }
}
