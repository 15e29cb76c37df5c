//! A client's side of a WebSocket's handshake (RFC 6455, 4.1).

use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;

use super::http::Driver;
use super::inbox::Body;
use super::key::new_key;
use super::line::{in_words, refusal};
use super::stream::Stream;
use super::talk::Talk;
use super::{Counts, socket};

/// Shakes hands; in words, why that did not succeed.
pub(super) async fn open(
    stream: Stream,
    target: &str,
    host: &str,
    counts: &Arc<Counts>,
) -> Result<Talk, String> {
    // Counted when it is on the wire.
    stream.leave().owe(counts, 0);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| in_words(&e))?;
    let request = Request::builder()
        .uri(target)
        .header(HOST, host)
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "Upgrade")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, new_key())
        .body(Body::default())
        .map_err(|error| error.to_string())?;
    // The connection may end, for HTTP, in the moment in which it brings the response.
    let mut driver = Driver::new(connection.without_shutdown());
    let response = driver.alongside(sender.send_request(request)).await.map_err(|error| in_words(&error))?;
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let body = driver.alongside(response.into_body().collect()).await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        counts.content_heard.add(body.len() as u64);
        return Err(refusal(status, &body));
    }
    drop((response, sender));
    let parts = driver.finish().await.map_err(|error| in_words(&error))?;
    Ok(Talk::new(socket::open(parts.io.into_inner(), &parts.read_buf).await, Arc::clone(counts)))
}
