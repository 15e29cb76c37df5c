//! What a connection wears before HTTP is spoken on it: the added network, and TLS.

use std::time::Duration;

use hyper::StatusCode;
use tokio::io::AsyncReadExt as _;

use super::Tls;
use super::context::{Context, Hold};
use super::hang_up::hang_up;
use super::last_word::say;
use super::problem::Problem;
use crate::tap::{Plaintext, Stream};

/// How long a handshake may take where heads have no limit.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The first byte of a handshake (RFC 8446, 5.1).
const HANDSHAKE_RECORD: u8 = 0x16;

/// Puts on it what the server was told to; `None` where the client does not speak TLS, or not in time.
pub(super) async fn dress(mut stream: Stream, context: &Context, hold: &mut Hold) -> Option<Stream> {
    let options = &context.options;
    let plaintext = options.tls.as_ref().and_then(|_| stream.seal());
    // What was sent last leaves later than the server lets go: whoever waits for the end waits for that, and whoever waits
    // for the place does.
    let mut guard = hold.guard.clone();
    let stream = stream.through(options.network, hold.clone(), async move { guard.told().await });
    let Some(tls) = &options.tls else { return Some(stream) };
    let limit = options.limits.head_time.unwrap_or(HANDSHAKE) + 2 * options.network.rtt;
    tokio::select! {
        // Before the handshake there is nobody to say goodbye to.
        () = hold.guard.told() => None,
        shaken = tokio::time::timeout(limit, shake_hands(stream, tls, plaintext, context)) => shaken.ok()?,
    }
}

async fn shake_hands(
    mut stream: Stream,
    tls: &Tls,
    plaintext: Option<Plaintext>,
    context: &Context,
) -> Option<Stream> {
    let first = stream.read_u8().await.ok()?;
    if first == HANDSHAKE_RECORD {
        return stream.secured(first, &tls.acceptor, plaintext).await.ok();
    }
    let detail = format!("this port speaks TLS; try https://{}", context.address);
    say(&mut stream, Problem::new(StatusCode::BAD_REQUEST, detail)).await;
    hang_up(stream).await;
    None
}
