//! WebSocket frames (RFC 6455, section 5).

use serde::{Deserialize, Serialize};

use super::utf8::{self, Utf8};

/// The most that is kept of a data frame's payload, bytes.
pub const KEPT: usize = 4096;
/// The most that a control frame may carry (RFC 6455, 5.5), and the most that is kept of one, bytes.
pub const CONTROL: usize = 125;

/// What a frame is (RFC 6455, 5.2). Written by name in the JSON: `text`, `close`, `reserved 3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Opcode {
    /// The next fragment of a message, 0.
    Continuation,
    /// Text, 1.
    Text,
    /// Binary, 2.
    Binary,
    /// Close, 8.
    Close,
    /// Ping, 9.
    Ping,
    /// Pong, 10.
    Pong,
    /// One that the RFC keeps for later: 3 to 7 and 11 to 15.
    Reserved(u8),
}

impl Opcode {
    /// From the low four bits of a frame's first byte.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        match bits & 0x0f {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            other => Self::Reserved(other),
        }
    }

    /// Whether it is a control frame (RFC 6455, 5.5): opcode 8 and above.
    #[must_use]
    pub fn is_control(self) -> bool {
        match self {
            Self::Close | Self::Ping | Self::Pong => true,
            Self::Continuation | Self::Text | Self::Binary => false,
            Self::Reserved(bits) => bits >= 8,
        }
    }
}

impl From<Opcode> for String {
    fn from(opcode: Opcode) -> Self {
        match opcode {
            Opcode::Continuation => "continuation".into(),
            Opcode::Text => "text".into(),
            Opcode::Binary => "binary".into(),
            Opcode::Close => "close".into(),
            Opcode::Ping => "ping".into(),
            Opcode::Pong => "pong".into(),
            Opcode::Reserved(bits) => format!("reserved {bits}"),
        }
    }
}

impl TryFrom<String> for Opcode {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Ok(match name.as_str() {
            "continuation" => Self::Continuation,
            "text" => Self::Text,
            "binary" => Self::Binary,
            "close" => Self::Close,
            "ping" => Self::Ping,
            "pong" => Self::Pong,
            other => Self::Reserved(
                other
                    .strip_prefix("reserved ")
                    .and_then(|bits| bits.parse().ok())
                    .ok_or_else(|| format!("no such opcode: {name}"))?,
            ),
        })
    }
}

/// The header of a frame (RFC 6455, 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whether it is the last fragment of its message.
    pub fin: bool,
    /// RSV1, RSV2 and RSV3, from 4 down to 1: an extension's, else zero.
    pub rsv: u8,
    /// What it is.
    pub opcode: Opcode,
    /// The seven bits that are the length, or say how many bytes hold it: 126 two, 127 eight.
    pub len7: u8,
    /// The payload, in bytes.
    pub len: u64,
    /// The masking key of a masked frame (RFC 6455, 5.3).
    pub key: Option<[u8; 4]>,
    /// The header itself, in bytes: 2 to 14.
    pub size: usize,
}

impl Header {
    /// The longest header, in bytes: two, a length of eight, a key of four.
    pub const MOST: usize = 14;

    /// Reads the header at the beginning of `bytes`; `None` where it is not whole.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let len7 = second & 0x7f;
        let (len, rest) = match len7 {
            126 => rest.split_first_chunk().map(|(len, rest)| (u64::from(u16::from_be_bytes(*len)), rest))?,
            127 => rest.split_first_chunk().map(|(len, rest)| (u64::from_be_bytes(*len), rest))?,
            _ => (u64::from(len7), rest),
        };
        let (key, rest) = if second & 0x80 == 0 {
            (None, rest)
        } else {
            rest.split_first_chunk().map(|(key, rest)| (Some(*key), rest))?
        };
        Some(Self {
            fin: first & 0x80 != 0,
            rsv: first >> 4 & 0b111,
            opcode: Opcode::from_bits(first),
            len7,
            len,
            key,
            size: bytes.len() - rest.len(),
        })
    }

    /// The frame on the wire, in bytes.
    #[must_use]
    pub fn wire_len(&self) -> u64 {
        self.len.saturating_add(self.size as u64)
    }
}

/// A frame that ended. Lengths are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What stood in front of the payload.
    pub header: Header,
    /// The payload's first 4 KiB, unmasked, where all of it is UTF-8: of text, of a text's continuation, of
    /// ping and pong.
    pub text: Option<String>,
    /// Of text that is not UTF-8 by itself, as a fragment may be: its first 4 KiB, unmasked.
    pub part: Vec<u8>,
    /// Whether `text` or `reason` was cut.
    pub truncated: bool,
    /// Of a close frame with a payload (RFC 6455, 5.5.1).
    pub code: Option<u16>,
    /// Of a close frame with a payload; bytes that are not UTF-8 replaced.
    pub reason: Option<String>,
}

/// The frame whose payload is coming.
#[derive(Debug)]
struct Payload {
    header: Header,
    /// How much of it came.
    at: u64,
    /// Its beginning, unmasked.
    kept: Vec<u8>,
    /// The most to keep.
    keep: usize,
    /// Where it is text: whether it is UTF-8.
    utf8: Option<Utf8>,
}

/// Reads the frames that one side sends. Holds at most the first 4 KiB of a payload.
#[derive(Debug, Default)]
pub struct Decoder {
    header: [u8; Header::MOST],
    /// How much of the header came.
    header_len: usize,
    payload: Option<Payload>,
    /// Whether the message that is in fragments is text: what a continuation continues (RFC 6455, 5.4).
    text_goes_on: bool,
}

impl Decoder {
    /// One that stands before the first frame.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes off the front of `bytes`, up to the end of a frame; `None` when they are used up.
    /// Reserved opcodes and bits, wrong masking and long control frames are read as they are: whether they
    /// are allowed is for the reader to say, where the frame ends is not in doubt.
    ///
    /// # Errors
    /// A length of more than 63 bits. The decoder is of no use after that.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>, &'static str> {
        let mut payload = match self.payload.take() {
            Some(payload) => payload,
            None => match self.header(bytes)? {
                Some(header) => self.begin(header),
                None => return Ok(None),
            },
        };
        payload.take(bytes);
        if payload.at < payload.header.len {
            self.payload = Some(payload);
            return Ok(None);
        }
        Ok(Some(payload.end()))
    }

    /// Bytes of a frame that has begun and not ended; 0 between frames.
    #[must_use]
    pub fn begun(&self) -> u64 {
        match &self.payload {
            Some(payload) => payload.at + payload.header.size as u64,
            None => self.header_len as u64,
        }
    }

    /// Bytes that it holds now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.payload.as_ref().map_or(0, |payload| payload.kept.capacity())
    }

    fn header(&mut self, bytes: &mut &[u8]) -> Result<Option<Header>, &'static str> {
        while let Some((&byte, rest)) = bytes.split_first() {
            self.header[self.header_len] = byte;
            self.header_len += 1;
            *bytes = rest;
            if self.header_len == 3 && self.header[1] & 0x7f == 127 && byte & 0x80 != 0 {
                return Err("a payload length of more than 63 bits");
            }
            if let Some(header) = Header::parse(&self.header[..self.header_len]) {
                self.header_len = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    fn begin(&mut self, header: Header) -> Payload {
        // Where an extension set a bit the payload is no longer the text itself (permessage-deflate, RFC 7692).
        let plain = header.rsv == 0;
        let text = match header.opcode {
            Opcode::Text => plain,
            Opcode::Continuation => plain && self.text_goes_on,
            Opcode::Ping | Opcode::Pong => plain,
            Opcode::Binary | Opcode::Close | Opcode::Reserved(_) => false,
        };
        if !header.opcode.is_control() {
            self.text_goes_on = text && !header.fin;
        }
        let keep = match header.opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong => CONTROL,
            Opcode::Text | Opcode::Continuation if text => KEPT,
            Opcode::Text | Opcode::Continuation | Opcode::Binary | Opcode::Reserved(_) => 0,
        };
        Payload { header, at: 0, kept: Vec::new(), keep, utf8: text.then(Utf8::default) }
    }
}

impl Payload {
    /// Takes as much as belongs to it.
    fn take(&mut self, bytes: &mut &[u8]) {
        let left = self.header.len - self.at;
        let len = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let (wire, rest) = bytes.split_at(len);
        *bytes = rest;
        let looked_at = self.utf8.is_some() || self.kept.len() < self.keep;
        match self.header.key {
            _ if !looked_at => {}
            None => self.look(wire),
            Some(key) => {
                let mut block = [0; 1024];
                let mut at = self.at;
                for wire in wire.chunks(block.len()) {
                    let plain = &mut block[..wire.len()];
                    plain.copy_from_slice(wire);
                    mask(plain, key, at);
                    self.look(plain);
                    at += wire.len() as u64;
                }
            }
        }
        self.at += len as u64;
    }

    fn look(&mut self, plain: &[u8]) {
        if let Some(utf8) = &mut self.utf8 {
            utf8.feed(plain);
        }
        let room = self.keep - self.kept.len();
        self.kept.extend_from_slice(&plain[..room.min(plain.len())]);
    }

    fn end(self) -> Frame {
        let Self { header, at, kept, keep: _, utf8 } = self;
        let cut = at > kept.len() as u64;
        let mut frame =
            Frame { header, text: None, part: Vec::new(), truncated: false, code: None, reason: None };
        if utf8.is_some_and(|utf8| utf8.is_whole()) {
            frame.truncated = cut;
            frame.text = utf8::cut(kept);
        } else if utf8.is_some() {
            frame.part = kept;
        } else if header.opcode == Opcode::Close
            && let Some((code, reason)) = kept.split_first_chunk()
        {
            frame.truncated = cut;
            frame.code = Some(u16::from_be_bytes(*code));
            frame.reason = Some(String::from_utf8_lossy(reason).into_owned());
        }
        frame
    }
}

/// Masks, or unmasks, in place (RFC 6455, 5.3), eight bytes at a time. `at` is how much of the payload came before `bytes`.
pub fn mask(bytes: &mut [u8], key: [u8; 4], at: u64) {
    let mut turned = key;
    turned.rotate_left((at % 4) as usize);
    let [a, b, c, d] = turned;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut words = bytes.chunks_exact_mut(8);
    for word in &mut words {
        let mut eight = [0; 8];
        eight.copy_from_slice(word);
        word.copy_from_slice(&(u64::from_ne_bytes(eight) ^ wide).to_ne_bytes());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(turned.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests;
