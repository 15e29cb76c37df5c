//! HTTP/1.1 messages (RFC 9112).
