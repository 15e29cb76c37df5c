//! Long polling: requests over connections that stay open, each with one request at a time.

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};

use super::packet::Packet;
use crate::client::dialer::Dialer;
use crate::client::inbox::Body;
use crate::client::line::{Line, refusal};
use crate::wire::engineio::SEPARATOR;

/// The longest body of a response, bytes.
const MAX_BODY: usize = 1 << 20;

/// The response's content, or why there is none.
pub(super) type Answer = Result<Bytes, String>;

/// Asks on this connection, or where it has ended (or is none yet) on a new one.
pub(super) async fn exchange(
    line: Option<Line>,
    dialer: Dialer,
    request: Request<Body>,
) -> (Option<Line>, Answer) {
    let mut line = line;
    if let Some(open) = &mut line
        && !open.is_ready().await
    {
        line = None;
    }
    let mut line = match line {
        Some(line) => line,
        None => match Line::dial(&dialer).await {
            Ok(line) => line,
            Err(why) => return (None, Err(why)),
        },
    };
    let answer = match line.ask(request, MAX_BODY).await {
        Ok((StatusCode::OK, body)) => Ok(body),
        Ok((status, body)) => Err(refusal(status, &body)),
        Err(broken) => Err(broken.why),
    };
    (Some(line), answer)
}

/// A question for packets; with packets, a way to send them.
pub(super) fn request(host: &str, target: &str, packets: Option<&[Packet]>) -> Result<Request<Body>, String> {
    let request = Request::builder().uri(target).header(HOST, host).header(ACCEPT, "*/*");
    let request = match packets {
        None => request.body(Body::default()),
        Some(packets) => {
            let texts: Vec<String> = packets.iter().map(Packet::in_body).collect();
            let body = texts.join(SEPARATOR.encode_utf8(&mut [0; 4]));
            let request = request.method("POST").header(CONTENT_TYPE, "text/plain;charset=UTF-8");
            request.body(Body::from(body))
        }
    };
    request.map_err(|error| error.to_string())
}
