//! What to say in the margin of a header line.

/// A short remark, at most 34 characters, on a well-known header line; true wherever that line may stand, in
/// a request or in a response. RFC 9110 and 9112 for HTTP, RFC 6455 for WebSocket, the HTML standard for SSE, the
/// Fetch standard for what browsers add.
#[must_use]
pub fn explain_header(name: &str, value: &str) -> Option<&'static str> {
    let says = |token: &str| value.split([',', ';']).any(|it| it.trim().eq_ignore_ascii_case(token));
    Some(match name.to_ascii_lowercase().as_str() {
        "connection" if says("close") => "hang up after this",
        "connection" if says("upgrade") => "upgrade is for this connection",
        "connection" if says("keep-alive") => "keep the connection open",
        "keep-alive" => "how long it may stay open",
        "host" => "which server is meant",
        "date" => "when this was made",
        "server" => "which program answers",
        "user-agent" => "which program asks",
        "content-length" => "so many bytes of body",
        "content-type" if says("text/event-stream") => "a body that goes on: events",
        "content-type" => "how to read the body",
        "content-encoding" => "how the body is packed",
        "transfer-encoding" if says("chunked") => "in pieces, each with its size",
        "accept" => "formats that are welcome",
        "accept-encoding" => "how the body may be packed",
        "accept-language" => "languages that are welcome",
        "expect" if says("100-continue") => "shall I send the body?",
        "location" => "where to find it",
        "allow" => "the methods that work here",
        "retry-after" => "not before then",
        "etag" => "the name of this version",
        "last-modified" => "when it was changed last",
        "if-none-match" => "only if it has changed",
        "if-modified-since" => "only if changed since then",
        "if-match" => "only if it has not changed",
        "cache-control" if says("no-store") => "keep no copy",
        "cache-control" if says("no-cache") => "ask again before using a copy",
        "pragma" if says("no-cache") => "no copy, in HTTP/1.0's words",
        "vary" => "the answer depends on these",
        "cookie" => "what it was told to bring back",
        "set-cookie" => "bring this back next time",
        "origin" => "the site whose page asks",
        "referer" => "the page that asks",
        "x-content-type-options" if says("nosniff") => "do not guess the type",
        "access-control-allow-origin" => "whose scripts may read this",
        "access-control-allow-methods" => "methods those scripts may use",
        "access-control-allow-headers" => "headers those scripts may add",
        "access-control-expose-headers" => "headers those scripts may read",
        "access-control-max-age" => "seconds this may be remembered",
        "access-control-request-method" => "the method that would come next",
        "access-control-request-headers" => "the headers that would come next",
        "last-event-id" => "the last event that I have",
        "upgrade" => "the protocol to change to",
        "sec-fetch-site" => "how near the asking page is",
        "sec-fetch-mode" => "how the page asks",
        "sec-fetch-dest" => "what the page wants it for",
        "sec-websocket-key" => "random, to be answered",
        "sec-websocket-accept" => "proves it was understood",
        "sec-websocket-version" if says("13") => "the version of RFC 6455",
        "sec-websocket-version" => "which versions are spoken",
        "sec-websocket-protocol" => "what is spoken inside the frames",
        "sec-websocket-extensions" => "changes to how frames are made",
        _ => return None,
    })
}

/// The same in at most 14 characters, for the narrowest column; only of lines that are often seen there.
#[must_use]
pub fn explain_briefly(name: &str, value: &str) -> Option<&'static str> {
    let says = |token: &str| value.split([',', ';']).any(|it| it.trim().eq_ignore_ascii_case(token));
    Some(match name.to_ascii_lowercase().as_str() {
        "connection" if says("close") => "then hang up",
        "connection" if says("keep-alive") => "stay open",
        "connection" if says("upgrade") => "this one only",
        "host" => "which server",
        "content-length" => "size of body",
        "content-type" => "what it is",
        "date" => "when",
        "location" => "it is there",
        "allow" => "these work",
        "upgrade" => "new rules",
        "sec-websocket-key" => "random",
        "sec-websocket-accept" => "the answer",
        "sec-websocket-version" => "RFC 6455",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_decides_where_it_must() {
        for (name, value, remark) in [
            ("Connection", "Close", Some("hang up after this")),
            ("connection", "keep-alive, Upgrade", Some("upgrade is for this connection")),
            ("connection", "keep-alive", Some("keep the connection open")),
            ("connection", "x", None),
            ("Upgrade", "websocket", Some("the protocol to change to")),
            ("transfer-encoding", "gzip, chunked", Some("in pieces, each with its size")),
            ("transfer-encoding", "gzip", None),
            ("SEC-WEBSOCKET-VERSION", "13", Some("the version of RFC 6455")),
            ("x-powered-by", "magic", None),
        ] {
            assert_eq!(explain_header(name, value), remark, "{name}: {value}");
        }
    }

    #[test]
    fn every_remark_fits_its_column() {
        let source = include_str!("remarks.rs");
        let tables: Vec<&str> = source.split("_ => return None").take(2).collect();
        let remarks = |table: &'static str| table.lines().filter_map(|line| line.split_once("=> \""));
        for (table, most, least) in [(tables[0], 34, 50), (tables[1], 14, 12)] {
            assert!(remarks(table).count() > least, "the table was found");
            for (_, remark) in remarks(table) {
                let remark = remark.trim_end_matches("\",");
                assert!(remark.chars().count() <= most, "{remark}");
            }
        }
    }
}
