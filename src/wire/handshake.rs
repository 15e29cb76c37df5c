//! The accept key (RFC 6455, 4.2.2): how a server shows that it understood the WebSocket handshake.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha1::{Digest as _, Sha1};

/// What every server appends to the key: a fixed text that nothing but WebSocket uses (RFC 6455, 1.3).
pub const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Every step from the key to its answer, for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Working {
    /// `Sec-WebSocket-Key`, as the client sent it.
    pub key: String,
    /// [`GUID`].
    pub guid: &'static str,
    /// The two in a row: what is hashed. The key is taken as text, it is not decoded.
    pub joined: String,
    /// The SHA-1 of that: 20 bytes, as 40 hexadecimal digits.
    pub sha1_hex: String,
    /// The same 20 bytes in base64: what `Sec-WebSocket-Accept` must be.
    pub accept: String,
}

impl Working {
    /// Works out the answer to a key. Blanks around the key do not belong to it (RFC 6455, 4.2.2).
    #[must_use]
    pub fn of(key: &str) -> Self {
        let key = key.trim().to_owned();
        let joined = format!("{key}{GUID}");
        let digest = Sha1::digest(&joined);
        let mut sha1_hex = String::with_capacity(40);
        for byte in digest.iter() {
            // Writing to a string does not fail.
            let _ = write!(sha1_hex, "{byte:02x}");
        }
        let accept = BASE64.encode(digest);
        Self { key, guid: GUID, joined, sha1_hex, accept }
    }
}

/// What `Sec-WebSocket-Accept` must be in answer to a key.
#[must_use]
pub fn accept_key(key: &str) -> String {
    Working::of(key).accept
}

/// Whether it is what a client must send: base64 of 16 bytes (RFC 6455, 4.1).
#[must_use]
pub fn valid_key(key: &str) -> bool {
    BASE64.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        let working = Working::of("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(working.joined, "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        assert_eq!(working.sha1_hex, "b37a4f2cc0624f1690f64606cf385945b2bec4ea");
        assert_eq!(working.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(accept_key(" dGhlIHNhbXBsZSBub25jZQ== "), working.accept);
    }

    #[test]
    fn a_key_is_sixteen_bytes() {
        assert!(valid_key("dGhlIHNhbXBsZSBub25jZQ=="));
        for key in
            ["", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZTE=", "c2hvcnQ=", "not base64 at all!!!==="]
        {
            assert!(!valid_key(key), "{key}");
        }
    }
}
