//! Whose requests are let in: the Host must be one of ours, and so must be the Origin, where there is one.
//!
//! Both are compared with a list of our own names. Comparing them with each other would be defeated by DNS rebinding.

use std::net::SocketAddr;

use hyper::header::{HOST, ORIGIN};
use hyper::{HeaderMap, Request, StatusCode, Uri};

use super::problem::Problem;

/// Who we are, and whom else we let in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ours<'a> {
    /// Where we listen.
    pub address: SocketAddr,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Origins of pages elsewhere that are let in too.
    pub origins: &'a [String],
}

/// Refuses what is not meant for us (RFC 9112, 3.2; RFC 9110, 15.5.20) or comes from a page that is not let in.
pub(super) fn check<B>(request: &Request<B>, ours: Ours<'_>) -> Result<(), Problem> {
    if let Some(host) = host(request)?
        && !is_ours(&host, ours)
    {
        let detail = format!("{host} is not served here; try {}://{}", ours.scheme, ours.address);
        return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail));
    }
    let refused = |origin: &str| {
        // `null` is no page's name: the flag takes none that hides where it comes from.
        let hint =
            if can_be_let_in(origin) { format!("; try --allow-origin {origin}") } else { String::new() };
        let detail = format!("refused Origin {origin}{hint}");
        Err(Problem::new(StatusCode::FORBIDDEN, detail))
    };
    let mut origins = request.headers().get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(()) };
    let origin = String::from_utf8_lossy(origin.as_bytes());
    if origins.next().is_some() {
        // A browser sends one: of two, another server might believe the other.
        return Err(Problem::new(StatusCode::FORBIDDEN, "refused two Origin headers; a browser sends one"));
    }
    if is_known(&origin, ours) { Ok(()) } else { refused(&origin) }
}

/// Whether a page of this origin may ask: one of ours, or of those that are let in. Scheme and host have no case.
fn is_known(origin: &str, ours: Ours<'_>) -> bool {
    let own = origin.split_once("://").filter(|(scheme, _)| scheme.eq_ignore_ascii_case(ours.scheme));
    own.is_some_and(|(_, host)| is_ours(host, ours))
        || ours.origins.iter().any(|known| known.trim_end_matches('/').eq_ignore_ascii_case(origin))
}

/// Whether `--allow-origin` takes it (RFC 6454, 6.2).
fn can_be_let_in(origin: &str) -> bool {
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    host.is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    })
}

/// Who is asked: what the target says, if it is in absolute form (Host is ignored then: RFC 9112, 3.2.2), or else Host.
/// None in HTTP/1.0 only.
pub(super) fn host<B>(request: &Request<B>) -> Result<Option<String>, Problem> {
    let host = host_header(request.headers(), request.version())?;
    Ok(request.uri().authority().map(|authority| authority.as_str().to_owned()).or(host))
}

/// The one Host; none is allowed in HTTP/1.0 only.
fn host_header(headers: &HeaderMap, version: hyper::Version) -> Result<Option<String>, Problem> {
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
fn is_ours(host: &str, ours: Ours<'_>) -> bool {
    let port = ours.address.port();
    // Without a port it is the scheme's own (RFC 9110, 4.2).
    let own = port == if ours.scheme == "https" { 443 } else { 80 };
    match host.strip_suffix(format!(":{port}").as_str()) {
        Some(name) => is_our_name(name, ours.address),
        None => own && is_our_name(host, ours.address),
    }
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
        let refused = check(&request.body(()).unwrap(), ours(&[])).err()?;
        Some(hyper::Response::<super::super::context::Body>::from(refused).status().as_u16())
    }

    fn ours(origins: &[String]) -> Ours<'_> {
        Ours { address: "127.0.0.1:3001".parse().unwrap(), scheme: "http", origins }
    }

    #[test]
    fn pages_elsewhere_are_let_in_by_name_only() {
        let list = ["http://localhost:5173".to_owned(), "https://App.example/".to_owned()];
        for (origin, known) in [
            ("http://localhost:5173", true),
            ("https://app.example", true),
            ("http://LOCALHOST:3001", true),
            ("HTTP://localhost:3001", true),
            ("http://localhost:51730", false),
            ("http://localhost:5173/", false),
            ("https://localhost:5173", false),
            ("https://localhost:3001", false),
            ("https://app.example.evil.example", false),
            ("https://evil.example/https://app.example", false),
            ("http://me@localhost:3001", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(is_known(origin, ours(&list)), known, "{origin}");
        }
        let secure = Ours { scheme: "https", ..ours(&[]) };
        let at = |port, scheme| Ours { address: ([127, 0, 0, 1], port).into(), scheme, origins: &[] };
        assert!(
            is_known("http://localhost", at(80, "http")) && is_known("https://localhost", at(443, "https"))
        );
        assert!(
            !is_known("https://localhost", at(80, "https")) && !is_known("http://localhost", at(443, "http"))
        );
        assert!(is_known("https://localhost:3001", secure) && !is_known("http://localhost:3001", secure));
    }

    #[test]
    fn a_refused_origin_is_told_what_would_let_it_in() {
        let refused = |origin: &str| {
            let request = Request::builder().header("host", "localhost:3001").header("origin", origin);
            check(&request.body(()).unwrap(), ours(&[])).unwrap_err().detail().to_owned()
        };
        let page = "refused Origin http://a.example; try --allow-origin http://a.example";
        assert_eq!(refused("http://a.example"), page);
        // These cannot be typed there.
        for origin in ["null", "file://", "http://a.example/path", "http://a b"] {
            assert_eq!(refused(origin), format!("refused Origin {origin}"));
        }
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
        let twice = [
            ("host", "localhost:3001"),
            ("origin", "http://localhost:3001"),
            ("origin", "http://evil.example"),
        ];
        assert_eq!(status(&twice), Some(403));
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
