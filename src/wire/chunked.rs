//! The chunked transfer coding (RFC 9112, 7.1): sizes, extensions and trailers come off, the content stays.

/// Where the decoder stands in a chunked body.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// In the digits of a chunk's size.
    Size { size: u64, digits: bool },
    /// In the blanks that some senders put behind the size.
    Blank { size: u64 },
    /// In an extension: skipped (RFC 9112, 7.1.1).
    Extension { size: u64 },
    /// After the CR of the size's line.
    SizeLf { size: u64 },
    /// In the content of a chunk.
    Data { left: u64 },
    /// After a chunk's content.
    DataCr,
    /// After the CR behind a chunk's content.
    DataLf,
    /// In a line of the trailer section (RFC 9112, 7.1.2); empty so far, but for a CR.
    Trailer { empty: bool, cr: bool },
    /// After the empty line that ends it all.
    Done,
}

/// What came next in a chunked body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Content.
    Data(&'a [u8]),
    /// The body ended.
    Done,
    /// The bytes given are used up.
    More,
}

/// Reads one chunked body, whatever the pieces in which it comes. Holds no bytes.
#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self { state: NEXT_CHUNK }
    }

    /// Takes bytes off the front of `bytes`, up to the end of one piece.
    pub(super) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Piece<'a>, &'static str> {
        loop {
            match &mut self.state {
                State::Done => return Ok(Piece::Done),
                State::Data { left } if !bytes.is_empty() => {
                    let len = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    let (data, rest) = bytes.split_at(len);
                    *bytes = rest;
                    *left -= len as u64;
                    if *left == 0 {
                        self.state = State::DataCr;
                    }
                    return Ok(Piece::Data(data));
                }
                _ => {}
            }
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(Piece::More) };
            self.state = step(&self.state, byte)?;
            *bytes = rest;
        }
    }
}

const NEXT_CHUNK: State = State::Size { size: 0, digits: false };
const NEXT_TRAILER: State = State::Trailer { empty: true, cr: false };

/// One byte of framing. A lone LF ends a line only in the trailer section, as in a head (RFC 9112, 2.2):
/// in front of content it would let two readers disagree about where the content begins.
fn step(state: &State, byte: u8) -> Result<State, &'static str> {
    Ok(match *state {
        State::Size { size, digits } => match (byte as char).to_digit(16) {
            Some(digit) => State::Size {
                size: size
                    .checked_mul(16)
                    .and_then(|size| size.checked_add(u64::from(digit)))
                    .ok_or("a chunk size beyond 64 bits")?,
                digits: true,
            },
            None if digits => after_size(size, byte)?,
            None => return Err("a chunk size that is no hexadecimal number"),
        },
        State::Blank { size } => after_size(size, byte)?,
        State::Extension { size } => match byte {
            b'\r' => State::SizeLf { size },
            b'\n' => return Err("a line of a chunk size that ends without CR"),
            _ => State::Extension { size },
        },
        State::SizeLf { size } => match (byte, size) {
            (b'\n', 0) => NEXT_TRAILER,
            (b'\n', left) => State::Data { left },
            _ => return Err("a line of a chunk size that ends without LF"),
        },
        State::DataCr if byte == b'\r' => State::DataLf,
        State::DataLf if byte == b'\n' => NEXT_CHUNK,
        State::DataCr | State::DataLf => return Err("a chunk longer than its size"),
        State::Trailer { empty, cr } => match byte {
            b'\n' if empty => State::Done,
            b'\n' => NEXT_TRAILER,
            // The second CR of a line that began with one makes it a line that is not empty.
            b'\r' if empty && !cr => State::Trailer { empty: true, cr: true },
            _ => State::Trailer { empty: false, cr: false },
        },
        State::Data { .. } | State::Done => return Err("content where framing was due"),
    })
}

/// What may follow the digits of a size.
fn after_size(size: u64, byte: u8) -> Result<State, &'static str> {
    match byte {
        b' ' | b'\t' => Ok(State::Blank { size }),
        b';' => Ok(State::Extension { size }),
        b'\r' => Ok(State::SizeLf { size }),
        _ => Err("a chunk size that is no hexadecimal number"),
    }
}

/// The content of a whole chunked body; `None` where it is not one, or not whole.
pub(super) fn decode(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut chunked = Chunked::new();
    let mut content = Vec::new();
    loop {
        match chunked.next(&mut body).ok()? {
            Piece::Data(data) => content.extend_from_slice(data),
            Piece::Done => return body.is_empty().then_some(content),
            Piece::More => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_and_trailers_come_off() {
        let body = b"4;a=b\r\nWiki\r\n6 ; x=\"y\"\r\npedia \r\n0\r\nDigest: x\r\nA:b\n\r\n";
        assert_eq!(decode(body).as_deref(), Some(&b"Wikipedia "[..]));
        assert_eq!(decode(b"0\r\n\r\n").as_deref(), Some(&b""[..]));
        assert_eq!(decode(b"0\r\n\r\r\n\r\n").as_deref(), Some(&b""[..]), "two CRs are no empty line");
        assert_eq!(decode(b"00a\r\n0123456789\r\n0\r\n\r\n").as_deref(), Some(&b"0123456789"[..]));
    }

    #[test]
    fn what_is_not_chunked_is_refused() {
        for (body, why) in [
            (&b"x\r\n"[..], "a chunk size that is no hexadecimal number"),
            (b"\r\n", "a chunk size that is no hexadecimal number"),
            (b"1x", "a chunk size that is no hexadecimal number"),
            (b"-1\r\n", "a chunk size that is no hexadecimal number"),
            (b"10000000000000000\r\n", "a chunk size beyond 64 bits"),
            (b"1;a\n", "a line of a chunk size that ends without CR"),
            (b"1\rx", "a line of a chunk size that ends without LF"),
            (b"1\r\nab", "a chunk longer than its size"),
            (b"1\r\na\rb", "a chunk longer than its size"),
        ] {
            let (mut chunked, mut rest) = (Chunked::new(), body);
            let refused = loop {
                match chunked.next(&mut rest) {
                    Ok(Piece::Data(_)) => {}
                    Ok(other) => panic!("{other:?} of {body:?}"),
                    Err(refused) => break refused,
                }
            };
            assert_eq!(refused, why, "{}", body.escape_ascii());
            assert_eq!(decode(body), None);
        }
    }

    #[test]
    fn the_largest_size_is_only_a_number() {
        let (mut chunked, mut rest) = (Chunked::new(), &b"ffffffffffffffff\r\nabc"[..]);
        assert_eq!(chunked.next(&mut rest), Ok(Piece::Data(b"abc")));
        assert_eq!(chunked.next(&mut rest), Ok(Piece::More));
    }
}
