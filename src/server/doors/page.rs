//! `GET /`: the web page, and the files that belong to it, as they are in `web/`.

use std::net::SocketAddr;

use bytes::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Request, Response, StatusCode};

use crate::server::context::Body;
use crate::server::guard;
use crate::server::problem::Problem;

/// A file of the page.
#[derive(Debug)]
pub(in crate::server) struct File {
    kind: &'static str,
    text: &'static str,
    /// Whether its `{http}`, `{ws}` and `{host}` stand for where the page was asked for, and its `{curl}` and `{wscat}` for
    /// what to type there.
    filled: bool,
}

impl File {
    const fn new(kind: &'static str, text: &'static str) -> Self {
        Self { kind, text, filled: false }
    }
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

pub(in crate::server) static INDEX: File =
    File { kind: "text/html; charset=utf-8", text: include_str!("../../../web/index.html"), filled: true };
pub(in crate::server) static STYLE: File =
    File::new("text/css; charset=utf-8", include_str!("../../../web/page.css"));
pub(in crate::server) static PAGE: File = File::new(SCRIPT, include_str!("../../../web/page.js"));
pub(in crate::server) static ASK: File = File::new(SCRIPT, include_str!("../../../web/ask.js"));
pub(in crate::server) static SOCKET: File = File::new(SCRIPT, include_str!("../../../web/socket.js"));
pub(in crate::server) static SHOW: File = File::new(SCRIPT, include_str!("../../../web/show.js"));
pub(in crate::server) static ICON: File = File::new("image/svg+xml", include_str!("../../../web/icon.svg"));

/// The file, for whoever asked for it here.
pub(in crate::server) fn file<B>(
    request: &Request<B>,
    file: &File,
    ours: SocketAddr,
    scheme: &str,
) -> Result<Response<Body>, Problem> {
    // One of our names: the guard has seen to it, so that it may stand in the page as it is.
    let host = guard::host(request)?.unwrap_or_else(|| ours.to_string());
    // Nobody has a reason to trust a certificate that was made just now.
    let (ws, curl, wscat) = match scheme {
        "https" => ("wss", "curl -k", "npx wscat -n"),
        _ => ("ws", "curl", "npx wscat"),
    };
    let text = if file.filled {
        let text = file.text.replace("{curl}", curl).replace("{wscat}", wscat);
        let text = text.replace("{http}", scheme).replace("{ws}", ws).replace("{host}", &host);
        Bytes::from(text)
    } else {
        Bytes::from_static(file.text.as_bytes())
    };
    let mut response = Response::new(Body::new(text));
    headers(response.headers_mut(), file.kind, &policy(&host, ws))
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(response)
}

fn headers(headers: &mut HeaderMap, kind: &'static str, policy: &str) -> Result<(), hyper::http::Error> {
    let mut set = |name: HeaderName, value| drop(headers.insert(name, value));
    set(CONTENT_SECURITY_POLICY, HeaderValue::from_str(policy)?);
    set(CONTENT_TYPE, HeaderValue::from_static(kind));
    set(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    set(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    set(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(())
}

/// What the page may do: load its own files, and speak with us.
fn policy(host: &str, ws: &str) -> String {
    // Not every browser counts a socket among 'self'. An address in brackets cannot be named there at all.
    let socket = if host.starts_with('[') { String::new() } else { format!(" {ws}://{host}") };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{socket}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_may_speak_with_us_alone() {
        assert!(policy("localhost:3001", "wss").contains("connect-src 'self' wss://localhost:3001;"));
        assert!(policy("[::1]:3001", "ws").contains("connect-src 'self';"));
    }
}
