//! The head of one HTTP/1.1 message (RFC 9112, 2.1): where it ends, what it says, how its body is framed.

use std::mem::MaybeUninit;

use super::{Side, engineio};

/// The longest head that is read, in bytes; hyper's own limit lies well below.
pub(super) const LIMIT: usize = 64 * 1024;
/// The most header lines that are read.
const LINES: usize = 128;

/// Name and value of each header line, in order; names as written, bytes that are not UTF-8 replaced.
pub type Headers = Vec<(String, String)>;

/// The first line of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Of a request (RFC 9112, 3).
    Request {
        /// As written; case matters.
        method: String,
        /// As written.
        target: String,
    },
    /// Of a response (RFC 9112, 4).
    Response {
        /// Three digits.
        status: u16,
    },
}

/// The head of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its first line.
    pub start: Start,
    /// Its other lines.
    pub headers: Headers,
    /// Bytes on the wire, with the empty line.
    pub len: u64,
}

/// What a response answers, as far as that decides whether it has a body (RFC 9112, 6.3) and what is read in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// HEAD: the answer never has one.
    Head,
    /// CONNECT: a 2xx begins a tunnel.
    Connect,
    /// A GET within Engine.IO: a 200 carries packets, a 101 begins a WebSocket that does.
    Packets,
    /// Any other, or a response that nobody asked for.
    Other,
}

impl Asked {
    /// By a request's method and target.
    #[must_use]
    pub fn by(method: &str, target: &str) -> Self {
        match method {
            "HEAD" => Self::Head,
            "CONNECT" => Self::Connect,
            "GET" if engineio::is_target(target) => Self::Packets,
            _ => Self::Other,
        }
    }
}

/// How a message ends (RFC 9112, 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes of content.
    Length(u64),
    /// After the last chunk.
    Chunked,
    /// With the connection.
    UntilEnd,
}

impl Head {
    /// The values of a header, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
        values(&self.headers, name)
    }

    /// How the body behind this head is framed, rule by rule as in RFC 9112, 6.3.
    pub(super) fn framing(&self, asked: Asked) -> Result<Framing, &'static str> {
        let request = match self.start {
            Start::Request { .. } => true,
            Start::Response { status } => {
                let tunnel = asked == Asked::Connect && (200..300).contains(&status);
                if asked == Asked::Head || matches!(status, 100..=199 | 204 | 304) || tunnel {
                    return Ok(Framing::Length(0));
                }
                false
            }
        };
        if let Some(codings) = self.values("transfer-encoding").next_back() {
            return match (ends_chunked(codings), request) {
                (true, _) => Ok(Framing::Chunked),
                (false, true) => Err("a request whose last transfer coding is not chunked: it has no end"),
                (false, false) => Ok(Framing::UntilEnd),
            };
        }
        match (self.content_length()?, request) {
            (Some(len), _) => Ok(Framing::Length(len)),
            (None, true) => Ok(Framing::Length(0)),
            (None, false) => Ok(Framing::UntilEnd),
        }
    }

    /// One number, also where it is said several times (RFC 9110, 8.6).
    fn content_length(&self) -> Result<Option<u64>, &'static str> {
        let mut length = None;
        for value in self.values("content-length").flat_map(|value| value.split(',')) {
            let value = value.trim();
            if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err("a Content-Length that is no number");
            }
            let number = value.parse::<u64>().map_err(|_| "a Content-Length beyond 64 bits")?;
            if length.is_some_and(|length| length != number) {
                return Err("two Content-Lengths that differ");
            }
            length = Some(number);
        }
        Ok(length)
    }
}

/// Whether the last coding of a `Transfer-Encoding` is chunked: only then does the body say where it ends.
pub(super) fn ends_chunked(codings: &str) -> bool {
    let last = codings.rsplit(',').map(str::trim).find(|coding| !coding.is_empty());
    last.is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
}

/// The values of a header, in order.
pub(super) fn values<'a>(
    headers: &'a [(String, String)],
    name: &'a str,
) -> impl DoubleEndedIterator<Item = &'a str> {
    headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Finds the empty line that ends a head, byte after byte, so that no byte is looked at twice.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct EmptyLine {
    /// In the current line so far: nothing, one CR, or more than that.
    line: Line,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Line {
    /// The start line is never the empty one: whoever calls has skipped those (RFC 9112, 2.2).
    #[default]
    Written,
    Empty,
    Cr,
}

impl EmptyLine {
    /// How many of `bytes` belong to the head, where it ends among them.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            self.line = match (self.line, byte) {
                (Line::Empty | Line::Cr, b'\n') => return Some(at),
                (Line::Written, b'\n') => Line::Empty,
                (Line::Empty, b'\r') => Line::Cr,
                (Line::Written | Line::Empty | Line::Cr, _) => {
                    // To the end of this line in one go.
                    at += bytes[at..].iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len() - at);
                    Line::Written
                }
            };
        }
        None
    }
}

/// Reads a whole head; with less than one, answers `None`, or what is already wrong with it.
pub(super) fn parse(from: Side, bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let mut lines = [const { MaybeUninit::uninit() }; LINES];
    let config = httparse::ParserConfig::default();
    let (parsed, start, headers) = match from {
        Side::Client => {
            let mut request = httparse::Request::new(&mut []);
            let parsed = config.parse_request_with_uninit_headers(&mut request, bytes, &mut lines);
            let start = request
                .method
                .zip(request.path)
                .map(|(method, target)| Start::Request { method: method.into(), target: target.into() });
            (parsed, start, request.headers)
        }
        Side::Server => {
            let mut response = httparse::Response::new(&mut []);
            let parsed = config.parse_response_with_uninit_headers(&mut response, bytes, &mut lines);
            (parsed, response.code.map(|status| Start::Response { status }), response.headers)
        }
    };
    let len = match parsed {
        Ok(httparse::Status::Complete(len)) => len as u64,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(wrong(error)),
    };
    let headers = headers
        .iter()
        .map(|it| (it.name.to_owned(), String::from_utf8_lossy(it.value).into_owned()))
        .collect();
    Ok(start.map(|start| Head { start, headers, len }))
}

fn wrong(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::HeaderName => "a header line whose name is not one",
        httparse::Error::HeaderValue => "a header line whose value holds a byte that may not be there",
        httparse::Error::NewLine => "a line that does not end as it should",
        httparse::Error::Status => "a status line whose status is not three digits",
        httparse::Error::Token => "a first line that is not HTTP",
        httparse::Error::TooManyHeaders => "more than 128 header lines",
        httparse::Error::Version => "a version that is neither HTTP/1.1 nor HTTP/1.0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(head: &str, asked: Asked) -> Result<Framing, &'static str> {
        let from = if head.starts_with("HTTP") { Side::Server } else { Side::Client };
        let head = format!("{head}\r\n\r\n");
        parse(from, head.as_bytes())?.ok_or("not whole")?.framing(asked)
    }

    #[test]
    fn the_rules_of_rfc_9112_6_3_in_their_order() {
        use Asked::{Connect, Head, Other};
        use Framing::{Chunked, Length, UntilEnd};
        for (head, asked, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: x", Head, Ok(Length(0))),
            ("HTTP/1.1 103 Early Hints\r\nContent-Length: 5", Other, Ok(Length(0))),
            ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked", Other, Ok(Length(0))),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5", Other, Ok(Length(0))),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5", Connect, Ok(Length(0))),
            ("HTTP/1.1 403 No\r\nContent-Length: 5", Connect, Ok(Length(5))),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 5", Other, Ok(Chunked)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 5", Other, Ok(UntilEnd)),
            ("HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\nContent-Length: 05", Other, Ok(Length(5))),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5, 6", Other, Err("two Content-Lengths that differ")),
            ("HTTP/1.0 200 OK", Other, Ok(UntilEnd)),
            ("GET / HTTP/1.1", Other, Ok(Length(0))),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: a\r\nTransfer-Encoding: chunked", Other, Ok(Chunked)),
            ("POST / HTTP/1.1\r\nContent-Length: +5", Other, Err("a Content-Length that is no number")),
            ("POST / HTTP/1.1\r\nContent-Length:", Other, Err("a Content-Length that is no number")),
            (
                "POST / HTTP/1.1\r\nContent-Length: 18446744073709551616",
                Other,
                Err("a Content-Length beyond 64 bits"),
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip",
                Other,
                Err("a request whose last transfer coding is not chunked: it has no end"),
            ),
        ] {
            assert_eq!(framing(head, asked), expected, "{head}");
        }
    }

    #[test]
    fn the_empty_line_is_found_however_the_bytes_come() {
        for (head, end) in [
            (&b"GET / HTTP/1.1\r\n\r\nrest"[..], Some(18)),
            (b"GET / HTTP/1.1\n\nrest", Some(16)),
            (b"GET / HTTP/1.1\r\nA: b\n\r\nrest", Some(23)),
            (b"GET / HTTP/1.1\r\n\r\r\n", None),
        ] {
            for size in 1..head.len() {
                let (mut finder, mut before) = (EmptyLine::default(), 0);
                let found = head.chunks(size).find_map(|piece| {
                    let found = finder.find(piece).map(|at| before + at);
                    before += piece.len();
                    found
                });
                assert_eq!(found, end, "{} by {size}", head.escape_ascii());
            }
        }
    }
}
