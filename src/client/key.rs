//! The client's random part of a WebSocket handshake.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// A new `Sec-WebSocket-Key`: 16 random bytes in base64 (RFC 6455, 4.1).
#[must_use]
pub fn new_key() -> String {
    let mut bytes = [0_u8; 16];
    // A system without randomness cannot open sockets to anybody; the key is no secret, only fresh.
    let _ = getrandom::fill(&mut bytes);
    BASE64.encode(bytes)
}
