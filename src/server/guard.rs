//! Whose requests are let in: the Host must be one of ours, and so must be the Origin, where there is one.
//!
//! Both are compared with a list of our own names. Comparing them with each other would be defeated by DNS rebinding.

use std::net::SocketAddr;

use hyper::header::{HOST, ORIGIN};
use hyper::{HeaderMap, Request, StatusCode, Uri};

use super::problem::Problem;

/// Refuses what is not meant for us (RFC 9112, 3.2; RFC 9110, 15.5.20) or comes from a page that is not ours.
pub(super) fn check<B>(request: &Request<B>, ours: SocketAddr) -> Result<(), Problem> {
    let host = host(request.headers(), request.version())?;
    // A target in absolute form says itself whose it is, and Host is ignored then (RFC 9112, 3.2.2).
    let host = request.uri().authority().map(|authority| authority.as_str().to_owned()).or(host);
    if let Some(host) = host
        && !is_ours(&host, ours)
    {
        let detail = format!("{host} is not served here; try http://{ours}");
        return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail));
    }
    let Some(origin) = request.headers().get(ORIGIN) else { return Ok(()) };
    let origin = String::from_utf8_lossy(origin.as_bytes());
    match origin.strip_prefix("http://") {
        Some(host) if is_ours(host, ours) => Ok(()),
        _ => Err(Problem::new(StatusCode::FORBIDDEN, format!("refused Origin {origin}"))),
    }
}

/// The one Host; none is allowed in HTTP/1.0 only.
fn host(headers: &HeaderMap, version: hyper::Version) -> Result<Option<String>, Problem> {
    let bad = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, detail);
    let mut hosts = headers.get_all(HOST).iter();
    let Some(first) = hosts.next() else {
        return if version == hyper::Version::HTTP_10 { Ok(None) } else { Err(bad("no Host header")) };
    };
    if hosts.next().is_some() {
        return Err(bad("more than one Host header"));
    }
    let host = first.to_str().map_err(|_| bad("the Host header is malformed"))?;
    let uri: Uri = host.parse().map_err(|_| bad("the Host header is malformed"))?;
    let well_formed =
        uri.authority().is_some_and(|authority| authority.as_str() == host && !host.contains('@'));
    if well_formed { Ok(Some(host.into())) } else { Err(bad("the Host header is malformed")) }
}

/// Whether `host` (with or without a port) names this server.
fn is_ours(host: &str, ours: SocketAddr) -> bool {
    let port = format!(":{}", ours.port());
    let Some(name) = host.strip_suffix(port.as_str()) else {
        // Without a port: 80.
        return ours.port() == 80 && is_our_name(host, ours);
    };
    is_our_name(name, ours)
}

fn is_our_name(name: &str, ours: SocketAddr) -> bool {
    let name = name.to_ascii_lowercase();
    let address = match ours {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    };
    name == address || ours.ip().is_loopback() && matches!(name.as_str(), "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(headers: &[(&str, &str)]) -> Option<u16> {
        status_of("/", headers)
    }

    fn status_of(target: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let refused = check(&request.body(()).unwrap(), "127.0.0.1:3001".parse().unwrap()).err()?;
        Some(hyper::Response::<super::super::context::Body>::from(refused).status().as_u16())
    }

    #[test]
    fn our_names_are_let_in() {
        assert_eq!(status(&[("host", "127.0.0.1:3001")]), None);
        assert_eq!(status(&[("host", "LocalHost:3001")]), None);
        assert_eq!(status(&[("host", "localhost:3001"), ("origin", "http://127.0.0.1:3001")]), None);
    }

    #[test]
    fn others_are_refused_with_the_right_status() {
        assert_eq!(status(&[]), Some(400));
        assert_eq!(status(&[("host", "a:3001"), ("host", "a:3001")]), Some(400));
        assert_eq!(status(&[("host", "a b")]), Some(400));
        assert_eq!(status(&[("host", "")]), Some(400));
        assert_eq!(status(&[("host", "evil.example:3001")]), Some(421));
        assert_eq!(status(&[("host", "localhost")]), Some(421));
        assert_eq!(status(&[("host", "localhost:3001"), ("origin", "http://evil.example")]), Some(403));
        assert_eq!(status(&[("host", "localhost:3001"), ("origin", "null")]), Some(403));
    }

    #[test]
    fn a_target_in_absolute_form_says_whose_it_is() {
        let (ours, other) = ("http://localhost:3001/api/messages", "http://evil.example:3001/api/messages");
        assert_eq!(status_of(ours, &[("host", "localhost:3001")]), None);
        assert_eq!(status_of(ours, &[("host", "evil.example")]), None);
        assert_eq!(status_of(other, &[("host", "localhost:3001")]), Some(421));
        assert_eq!(status_of("http://me@localhost:3001/", &[("host", "localhost:3001")]), Some(421));
        assert_eq!(status_of(ours, &[]), Some(400));
        assert_eq!(status_of(ours, &[("host", "localhost:3001"), ("host", "localhost:3001")]), Some(400));
    }
}
