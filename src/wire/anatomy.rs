//! The anatomy of a frame or a message, for display: every byte of it, and what it is there for.

use std::borrow::Cow;

use super::websocket::{Header, Opcode, mask};
use super::{chunked, head};

pub use super::remarks::{explain_briefly, explain_header};

/// The parts of one frame (RFC 6455, 5.2), as they lie on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameAnatomy<'a> {
    /// All in front of the payload: 2 to 14 bytes.
    pub header: &'a [u8],
    /// Bit 0: whether it is the last fragment of its message.
    pub fin: bool,
    /// Bits 1 to 3: RSV1, RSV2, RSV3; an extension's, else zero.
    pub rsv: [bool; 3],
    /// Bits 4 to 7, as a number.
    pub opcode_bits: u8,
    /// What they say.
    pub opcode: Opcode,
    /// Bit 8: whether a masking key follows.
    pub masked: bool,
    /// Bits 9 to 15: the payload's length, or 126 or 127.
    pub len7: u8,
    /// The length where it did not fit: two bytes after 126, eight after 127, else none.
    pub extended: &'a [u8],
    /// The payload's length in bytes, wherever it was written.
    pub len: u64,
    /// The masking key (RFC 6455, 5.3).
    pub key: Option<[u8; 4]>,
    /// The payload as it crossed the wire.
    pub wire: &'a [u8],
    /// The payload as it was meant.
    pub plain: Cow<'a, [u8]>,
}

impl FrameAnatomy<'_> {
    /// Each byte of a masked payload: on the wire, the byte of the key for it, and the two combined by XOR.
    /// Nothing for a frame that is not masked.
    pub fn unmasking(&self) -> impl Iterator<Item = (u8, u8, u8)> {
        let keys = self.key.into_iter().flat_map(|key| key.into_iter().cycle());
        self.wire.iter().zip(keys).map(|(wire, key)| (*wire, key, wire ^ key))
    }

    /// What the frame costs beside its payload, in bytes.
    #[must_use]
    pub fn overhead(&self) -> usize {
        self.header.len()
    }
}

/// Takes one whole frame apart; `None` where `bytes` are less or more than that.
#[must_use]
pub fn frame(bytes: &[u8]) -> Option<FrameAnatomy<'_>> {
    let parsed = Header::parse(bytes)?;
    if parsed.wire_len() != bytes.len() as u64 {
        return None;
    }
    let (header, wire) = bytes.split_at_checked(parsed.size)?;
    let extended = match parsed.len7 {
        126 => header.get(2..4)?,
        127 => header.get(2..10)?,
        _ => &[],
    };
    let plain = match parsed.key {
        Some(key) => {
            let mut plain = wire.to_vec();
            mask(&mut plain, key, 0);
            Cow::Owned(plain)
        }
        None => Cow::Borrowed(wire),
    };
    Some(FrameAnatomy {
        header,
        fin: parsed.fin,
        rsv: [4, 2, 1].map(|bit| parsed.rsv & bit != 0),
        opcode_bits: header.first()? & 0x0f,
        opcode: parsed.opcode,
        masked: parsed.key.is_some(),
        len7: parsed.len7,
        extended,
        len: parsed.len,
        key: parsed.key,
        wire,
        plain,
    })
}

/// One line of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// Without its line end; bytes that are not UTF-8 replaced.
    pub text: Cow<'a, str>,
    /// In bytes on the wire, with its line end.
    pub len: usize,
}

impl Line<'_> {
    /// Name and value of a header line, without the blanks around the value.
    #[must_use]
    pub fn header(&self) -> Option<(&str, &str)> {
        self.text.split_once(':').map(|(name, value)| (name, value.trim()))
    }

    /// A short remark, where it is a well-known header.
    #[must_use]
    pub fn remark(&self) -> Option<&'static str> {
        self.header().and_then(|(name, value)| explain_header(name, value))
    }

    /// The remark in fewer words, where there are such.
    #[must_use]
    pub fn brief_remark(&self) -> Option<&'static str> {
        self.header().and_then(|(name, value)| explain_briefly(name, value))
    }
}

/// The lines of one head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines<'a> {
    /// The request line or the status line.
    pub start: Line<'a>,
    /// The header lines, in order.
    pub headers: Vec<Line<'a>>,
    /// The line end that stands alone and says that the head is over: its bytes, 2 (or 1).
    pub empty: usize,
}

impl Lines<'_> {
    /// The head on the wire, in bytes.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        self.start.len + self.headers.iter().map(|line| line.len).sum::<usize>() + self.empty
    }

    /// Whether a final response must follow this one (RFC 9110, 15.2).
    fn is_interim(&self) -> bool {
        let mut words = self.start.text.split(' ');
        words.next().is_some_and(|version| version.starts_with("HTTP/"))
            && words
                .next()
                .is_some_and(|status| status.len() == 3 && status.starts_with('1') && status != "101")
    }
}

/// The parts of one HTTP message: `skipped`, each of `interim`, `head` and `body` add up to all its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadAnatomy<'a> {
    /// Empty lines in front, in bytes (RFC 9112, 2.2); 0 for nearly everybody.
    pub skipped: usize,
    /// The heads of interim responses in front, such as 100 Continue.
    pub interim: Vec<Lines<'a>>,
    /// The head.
    pub head: Lines<'a>,
    /// All after it as it crossed the wire: chunked where the head says so.
    pub body: &'a [u8],
}

impl HeadAnatomy<'_> {
    /// The body without chunk sizes and trailers; as it stands where it is not chunked, or not whole.
    #[must_use]
    pub fn content(&self) -> Cow<'_, [u8]> {
        let mut headers = self.head.headers.iter().filter_map(Line::header);
        let codings = headers.rfind(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"));
        match codings.filter(|(_, codings)| head::ends_chunked(codings)) {
            Some(_) => chunked::decode(self.body).map_or(Cow::Borrowed(self.body), Cow::Owned),
            None => Cow::Borrowed(self.body),
        }
    }
}

/// Takes one HTTP message apart; `None` where its head is not whole.
#[must_use]
pub fn head(bytes: &[u8]) -> Option<HeadAnatomy<'_>> {
    let mut rest = bytes;
    while let Some(after) = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) {
        rest = after;
    }
    let skipped = bytes.len() - rest.len();
    let mut interim = Vec::new();
    let mut head = lines(&mut rest)?;
    while head.is_interim() && !rest.is_empty() {
        interim.push(std::mem::replace(&mut head, lines(&mut rest)?));
    }
    Some(HeadAnatomy { skipped, interim, head, body: rest })
}

/// Takes a head off the front of `bytes`.
fn lines<'a>(bytes: &mut &'a [u8]) -> Option<Lines<'a>> {
    let start = line(bytes)?;
    let mut headers = Vec::new();
    loop {
        let line = line(bytes)?;
        if line.text.is_empty() {
            return Some(Lines { start, headers, empty: line.len });
        }
        headers.push(line);
    }
}

/// Takes a line off the front of `bytes`.
fn line<'a>(bytes: &mut &'a [u8]) -> Option<Line<'a>> {
    let len = bytes.iter().position(|byte| *byte == b'\n')? + 1;
    let (line, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    let text = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n"))?;
    Some(Line { text: String::from_utf8_lossy(text), len })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_hello_byte_by_byte() {
        // RFC 6455, 5.7.
        let bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let frame = frame(&bytes).expect("a whole frame");
        assert_eq!((frame.fin, frame.rsv, frame.opcode_bits), (true, [false; 3], 1));
        assert_eq!((frame.masked, frame.len7, frame.len, frame.overhead()), (true, 5, 5, 6));
        assert_eq!(frame.key, Some([0x37, 0xfa, 0x21, 0x3d]));
        assert_eq!((frame.extended, &*frame.plain), (&[][..], &b"Hello"[..]));
        let steps: Vec<_> = frame.unmasking().collect();
        assert_eq!((steps[0], steps[4]), ((0x7f, 0x37, b'H'), (0x58, 0x37, b'o')));
        assert_eq!(steps.len(), 5);
    }

    #[test]
    fn the_three_ways_to_write_a_length() {
        for (header, len) in [
            (vec![0x82, 125], 125usize),
            (vec![0xc2, 126, 1, 0], 256),
            (vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0], 65536),
        ] {
            let bytes = [header.clone(), vec![7; len]].concat();
            let taken = frame(&bytes).expect("a whole frame");
            assert_eq!((taken.header, taken.extended), (&header[..], &header[2..]));
            assert_eq!((taken.len, taken.wire.len(), taken.plain.len()), (len as u64, len, len));
            assert_eq!(taken.unmasking().count(), 0);
            assert_eq!(taken.rsv, [header[0] == 0xc2, false, false]);
            assert_eq!(frame(&bytes[1..]), None, "less than a frame");
            assert_eq!(frame(&[&bytes[..], b"x"].concat()), None, "more than a frame");
        }
    }

    #[test]
    fn a_message_falls_into_lines() {
        let bytes = b"POST /api HTTP/1.1\r\nHost: a\r\nX-Latin: caf\xe9\n\r\n{}";
        let taken = head(bytes).expect("a whole head");
        assert_eq!((taken.head.start.text.as_ref(), taken.head.start.len), ("POST /api HTTP/1.1", 20));
        let headers: Vec<_> = taken.head.headers.iter().map(|line| (line.text.as_ref(), line.len)).collect();
        assert_eq!(headers, [("Host: a", 9), ("X-Latin: caf\u{fffd}", 14)]);
        assert_eq!(taken.head.headers[0].remark(), Some("which server is meant"));
        assert_eq!((taken.head.empty, taken.body), (2, &b"{}"[..]));
        assert_eq!(taken.head.wire_len() + taken.body.len(), bytes.len());
        assert_eq!(head(&bytes[..40]), None);
    }

    #[test]
    fn what_stands_in_front_is_shown_too() {
        let bytes = b"\r\n\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\
            Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        let taken = head(bytes).expect("a whole head");
        assert_eq!((taken.skipped, taken.interim.len(), taken.interim[0].wire_len()), (3, 1, 25));
        assert_eq!(taken.head.start.text, "HTTP/1.1 200 OK");
        assert_eq!((taken.body, &*taken.content()), (&b"3\r\nabc\r\n0\r\n\r\n"[..], &b"abc"[..]));
        assert_eq!(3 + 25 + taken.head.wire_len() + taken.body.len(), bytes.len());
        let switch = head(b"HTTP/1.1 101 Switching Protocols\r\n\r\nxx").expect("a whole head");
        assert_eq!((switch.interim.len(), switch.body), (0, &b"xx"[..]));
    }
}
