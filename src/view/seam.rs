//! What the views ask of the wire: one place to swap.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha1::{Digest as _, Sha1};

use crate::timeline::Side;

/// What every server appends to the key (RFC 6455, 1.3).
pub(super) const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// SHA-1 of the key and the GUID, and its base64 (RFC 6455, 4.2.2).
pub(super) fn accept(key: &str) -> (Vec<u8>, String) {
    let digest = Sha1::digest(format!("{key}{GUID}").as_bytes()).to_vec();
    let accept = BASE64.encode(&digest);
    (digest, accept)
}

/// What a header line asks for, in a few words; nothing where it needs none.
pub(super) fn explain_header(from: Side, name: &str, value: &str) -> Option<&'static str> {
    let value = value.trim().to_ascii_lowercase();
    match (name.to_ascii_lowercase().as_str(), from) {
        ("connection", Side::Client) if value == "close" => Some("hang up after this"),
        ("connection", Side::Server) if value == "close" => Some("I hang up now"),
        ("connection", _) if value == "upgrade" => Some("for this hop"),
        ("upgrade", Side::Client) => Some("change the rules?"),
        ("upgrade", Side::Server) => Some("yes"),
        ("sec-websocket-key", _) => Some("a random question"),
        ("sec-websocket-accept", _) => Some("its answer"),
        ("content-length", _) => Some("bytes of body"),
        _ => None,
    }
}
