//! The accept key (RFC 6455, 4.2.2).
