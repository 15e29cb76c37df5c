//! What to say in the margin of a header line.

/// A short remark, at most 34 characters, on a well-known header line; true wherever that line may stand, in
/// a request or in a response. RFC 9110 and 9112 for HTTP, RFC 6455 for WebSocket, the HTML standard for SSE.
#[must_use]
pub fn explain_header(name: &str, value: &str) -> Option<&'static str> {
    let says = |token: &str| value.split([',', ';']).any(|it| it.trim().eq_ignore_ascii_case(token));
    Some(match name.to_ascii_lowercase().as_str() {
        "connection" if says("close") => "hang up after this",
        "connection" if says("upgrade") => "Upgrade is for the next hop only",
        "connection" if says("keep-alive") => "stay on the line",
        "host" => "which server is meant",
        "date" => "when this was made",
        "server" => "which program answers",
        "user-agent" => "which program asks",
        "content-length" => "so many bytes of body",
        "content-type" => "how to read the body",
        "content-encoding" => "how the body is packed",
        "transfer-encoding" if says("chunked") => "in pieces, each with its size",
        "accept" => "formats that are welcome",
        "accept-encoding" => "how the body may be packed",
        "expect" if says("100-continue") => "shall I send the body?",
        "location" => "where to find it",
        "allow" => "the methods that work here",
        "retry-after" => "not before then",
        "etag" => "the name of this version",
        "if-none-match" => "only if it has changed",
        "if-match" => "only if it has not changed",
        "cache-control" if says("no-store") => "keep no copy",
        "cache-control" if says("no-cache") => "ask again before using a copy",
        "vary" => "the answer depends on these",
        "cookie" => "what it was told to bring back",
        "set-cookie" => "bring this back next time",
        "origin" => "the site whose page asks",
        "access-control-allow-origin" => "whose scripts may read this",
        "last-event-id" => "the last event that I have",
        "upgrade" => "the protocol to change to",
        "sec-websocket-key" => "random, to be answered",
        "sec-websocket-accept" => "proves it was understood",
        "sec-websocket-version" if says("13") => "13 is the version of RFC 6455",
        "sec-websocket-version" => "which versions are spoken",
        "sec-websocket-protocol" => "what is spoken inside the frames",
        "sec-websocket-extensions" => "changes to how frames are made",
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
            ("connection", "keep-alive, Upgrade", Some("Upgrade is for the next hop only")),
            ("connection", "keep-alive", Some("stay on the line")),
            ("connection", "x", None),
            ("Upgrade", "websocket", Some("the protocol to change to")),
            ("transfer-encoding", "gzip, chunked", Some("in pieces, each with its size")),
            ("transfer-encoding", "gzip", None),
            ("SEC-WEBSOCKET-VERSION", "13", Some("13 is the version of RFC 6455")),
            ("x-powered-by", "magic", None),
        ] {
            assert_eq!(explain_header(name, value), remark, "{name}: {value}");
        }
    }

    #[test]
    fn every_remark_fits_the_margin() {
        let source = include_str!("remarks.rs");
        let remarks = source.lines().take_while(|line| !line.contains("_ => return None"));
        let remarks: Vec<_> = remarks.filter_map(|line| line.split_once("=> \"")).collect();
        assert!(remarks.len() > 30, "the table was found");
        for (_, remark) in remarks {
            let remark = remark.trim_end_matches("\",");
            assert!(remark.chars().count() <= 34, "{remark}");
        }
    }
}
