//! What a client sends on a socket: bytes in, messages out, and what is wrong with them (RFC 6455, 5).
//!
//! Stricter than a library for clients has to be: what is wrong in a header is found before the payload comes, and text that
//! is no UTF-8 before its frame ends. It holds no more than what has come.

use bytes::Bytes;

use crate::wire::Opcode;
use crate::wire::utf8::Utf8;
use crate::wire::websocket::{CONTROL, Header, mask};

/// Room that is kept for the next bytes, between two messages.
const KEPT: usize = 2 * 1024;

/// A whole message, or a control frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    Data(Data),
    Ping(Bytes),
    Pong,
    /// With the code, and whether there was one.
    Close(Option<(u16, String)>),
}

/// A data message. A text's payload is UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct Data {
    /// Text or binary.
    pub opcode: Opcode,
    pub payload: Bytes,
}

impl Data {
    pub fn text(text: impl Into<Bytes>) -> Self {
        Self { opcode: Opcode::Text, payload: text.into() }
    }

    /// The words; of binary none.
    pub fn words(&self) -> Option<&str> {
        (self.opcode == Opcode::Text).then(|| std::str::from_utf8(&self.payload).ok()).flatten()
    }
}

/// What a client did wrong: the code of the close frame that it gets, and the reason (RFC 6455, 7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: u16,
    pub reason: &'static str,
}

impl Fault {
    fn protocol(reason: &'static str) -> Self {
        Self { code: super::code::PROTOCOL, reason }
    }

    fn utf8(reason: &'static str) -> Self {
        Self { code: super::code::INVALID, reason }
    }
}

/// Puts together what comes in pieces.
#[derive(Debug)]
pub(super) struct Reader {
    /// Came, and is not looked at from `at` on.
    bytes: Vec<u8>,
    at: usize,
    frame: Option<Frame>,
    message: Option<Partial>,
    /// The longest message, and the longest frame, bytes.
    most: usize,
}

/// A frame whose payload is coming.
#[derive(Debug)]
struct Frame {
    header: Header,
    key: [u8; 4],
    len: usize,
    /// How much of it came.
    came: usize,
    /// Of a control frame.
    control: Vec<u8>,
}

/// A data message that has begun.
#[derive(Debug)]
struct Partial {
    opcode: Opcode,
    payload: Vec<u8>,
    utf8: Utf8,
}

impl Reader {
    /// One that lets messages of so many bytes through.
    pub fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), at: 0, frame: None, message: None, most }
    }

    /// Takes what came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether a message or a frame has begun and not ended.
    pub fn is_amid(&self) -> bool {
        self.frame.is_some() || self.message.is_some() || self.at < self.bytes.len()
    }

    /// The next message, where it is whole. After a fault nothing more can be understood.
    pub fn next(&mut self) -> Result<Option<Message>, Fault> {
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match Header::parse(&self.bytes[self.at..]) {
                    Some(header) => {
                        self.at += header.size;
                        self.begin(header)?
                    }
                    None => {
                        self.tidy();
                        return Ok(None);
                    }
                },
            };
            self.take(&mut frame)?;
            if frame.came < frame.len {
                self.frame = Some(frame);
                self.tidy();
                return Ok(None);
            }
            if let Some(message) = self.end(frame)? {
                return Ok(Some(message));
            }
        }
    }

    /// Gives back what was looked at. An idle socket holds little.
    fn tidy(&mut self) {
        self.bytes.drain(..self.at);
        self.at = 0;
        if self.bytes.len() < KEPT {
            self.bytes.shrink_to(KEPT);
        }
    }

    /// Says what is wrong with a header, before its payload comes.
    fn begin(&mut self, header: Header) -> Result<Frame, Fault> {
        let key = check(&header, self.message.is_some())?;
        let before = self.message.as_ref().map_or(0, |message| message.payload.len());
        let room = if header.opcode.is_control() { CONTROL } else { self.most - before };
        let len = usize::try_from(header.len)
            .ok()
            .filter(|len| *len <= room)
            .ok_or(Fault { code: super::code::SIZE, reason: "the message is too long" })?;
        match header.opcode {
            opcode @ (Opcode::Text | Opcode::Binary) => {
                self.message = Some(Partial { opcode, payload: Vec::new(), utf8: Utf8::default() });
            }
            Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong | Opcode::Reserved(_) => {}
        }
        Ok(Frame { header, key, len, came: 0, control: Vec::new() })
    }

    /// Moves what came of a payload to where it belongs.
    fn take(&mut self, frame: &mut Frame) -> Result<(), Fault> {
        let came = (frame.len - frame.came).min(self.bytes.len() - self.at);
        let masked = &self.bytes[self.at..self.at + came];
        let payload = match &mut self.message {
            Some(message) if !frame.header.opcode.is_control() => &mut message.payload,
            _ => &mut frame.control,
        };
        let from = payload.len();
        payload.extend_from_slice(masked);
        mask(&mut payload[from..], frame.key, frame.came as u64);
        self.at += came;
        frame.came += came;
        if let Some(Partial { opcode: Opcode::Text, payload, utf8 }) = &mut self.message
            && !frame.header.opcode.is_control()
        {
            utf8.feed(&payload[from..]);
            if utf8.is_broken() {
                return Err(Fault::utf8("the text is not UTF-8"));
            }
        }
        Ok(())
    }

    fn end(&mut self, frame: Frame) -> Result<Option<Message>, Fault> {
        match frame.header.opcode {
            Opcode::Ping => Ok(Some(Message::Ping(frame.control.into()))),
            Opcode::Pong => Ok(Some(Message::Pong)),
            Opcode::Close => close(&frame.control).map(|close| Some(Message::Close(close))),
            // A reserved one does not come as far as here.
            Opcode::Text | Opcode::Binary | Opcode::Continuation | Opcode::Reserved(_) => {
                let Some(Partial { opcode, payload, utf8 }) = self.message.take_if(|_| frame.header.fin)
                else {
                    return Ok(None);
                };
                if opcode == Opcode::Text && !utf8.is_whole() {
                    return Err(Fault::utf8("the text ends in the middle of a character"));
                }
                Ok(Some(Message::Data(Data { opcode, payload: payload.into() })))
            }
        }
    }
}

/// The masking key of a header that may stand where it stands.
fn check(header: &Header, amid: bool) -> Result<[u8; 4], Fault> {
    let wrong = |reason| Err(Fault::protocol(reason));
    if header.rsv != 0 {
        return wrong("a reserved bit is set, and no extension was negotiated");
    }
    // "The minimal number of bytes MUST be used to encode the length" (RFC 6455, 5.2).
    match header.len7 {
        126 if header.len < 126 => return wrong("the length takes more bytes than it needs"),
        127 if header.len <= u64::from(u16::MAX) => {
            return wrong("the length takes more bytes than it needs");
        }
        127 if header.len >> 63 != 0 => return wrong("the length has more than 63 bits"),
        _ => {}
    }
    match header.opcode {
        Opcode::Reserved(_) => return wrong("the opcode is reserved"),
        opcode if opcode.is_control() && !header.fin => return wrong("a control frame in fragments"),
        opcode if opcode.is_control() && header.len > CONTROL as u64 => {
            return wrong("a control frame of more than 125 bytes");
        }
        Opcode::Continuation if !amid => return wrong("a continuation of nothing"),
        Opcode::Text | Opcode::Binary if amid => return wrong("a message inside of a message"),
        _ => {}
    }
    header.key.ok_or(Fault::protocol("the frame is not masked"))
}

/// What a close frame says (RFC 6455, 5.5.1).
fn close(payload: &[u8]) -> Result<Option<(u16, String)>, Fault> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(Fault::protocol("a close code of one byte")) };
    };
    let code = u16::from_be_bytes(*code);
    // Those that may cross the wire (RFC 6455, 7.4.1 and 7.4.2, and IANA's registry for 1012 to 1014).
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Fault::protocol("a close code that may not be sent"));
    }
    let reason = std::str::from_utf8(reason).map_err(|_| Fault::utf8("the reason is not UTF-8"))?;
    Ok(Some((code, reason.to_owned())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame of a client's.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let mut masked = payload.to_vec();
        mask(&mut masked, key, 0);
        let len = payload.len();
        let length = match len {
            0..126 => vec![0x80 | len as u8],
            126..65_536 => [&[0x80 | 126], &(len as u16).to_be_bytes()[..]].concat(),
            _ => [&[0x80 | 127], &(len as u64).to_be_bytes()[..]].concat(),
        };
        [&[first], &length[..], &key, &masked].concat()
    }

    fn all(reader: &mut Reader) -> Result<Vec<Message>, Fault> {
        let mut messages = Vec::new();
        while let Some(message) = reader.next()? {
            messages.push(message);
        }
        Ok(messages)
    }

    fn text(words: &str) -> Message {
        Message::Data(Data::text(words.to_owned()))
    }

    proptest! {
        #[test]
        fn what_comes_in_pieces_is_what_came_at_once(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5),
            size in 1_usize..50,
        ) {
            let mut wire = Vec::new();
            let mut expected = Vec::new();
            for payload in payloads {
                let half = payload.len() / 2;
                wire.extend(frame(0x02, &payload[..half]));
                wire.extend(frame(0x89, b"ping"));
                wire.extend(frame(0x80, &payload[half..]));
                expected.push(Message::Ping(Bytes::from_static(b"ping")));
                expected.push(Message::Data(Data { opcode: Opcode::Binary, payload: payload.into() }));
            }
            let mut reader = Reader::new(300);
            let mut read = Vec::new();
            for piece in wire.chunks(size) {
                reader.feed(piece);
                read.extend(all(&mut reader).unwrap());
            }
            prop_assert_eq!(read, expected);
            prop_assert!(!reader.is_amid());
        }

        #[test]
        fn whatever_comes_it_does_not_fail_otherwise(bytes: Vec<u8>) {
            let mut reader = Reader::new(100);
            reader.feed(&bytes);
            let _ = all(&mut reader);
        }
    }

    #[test]
    fn a_message_of_exactly_the_limit_is_let_through() {
        for (len, through) in [(70_000, true), (70_001, false)] {
            let mut reader = Reader::new(70_000);
            reader.feed(&frame(0x82, &vec![7; len]));
            assert_eq!(reader.next().is_ok_and(|message| message.is_some()), through, "{len}");
        }
    }

    #[test]
    fn a_fault_is_found_as_early_as_it_can_be() {
        let mut reader = Reader::new(100);
        // A header alone, and a text whose fourth byte is wrong.
        for (bytes, code) in [
            (&frame(0x81, &[b'x'; 101])[..8], 1009),
            (&frame(0xc1, b"Hello")[..6], 1002),
            (&frame(0x81, b"\xce\xba\xe1\xbd\xf4ab")[..11], 1007),
        ] {
            reader = Reader::new(100);
            reader.feed(bytes);
            assert_eq!(all(&mut reader).map_err(|fault| fault.code), Err(code));
        }
        assert!(reader.is_amid());
    }

    #[test]
    fn what_came_before_a_fault_is_heard() {
        let mut reader = Reader::new(100);
        reader.feed(&[frame(0x81, "GÖL".as_bytes()), frame(0x83, b"")].concat());
        assert_eq!(reader.next(), Ok(Some(text("GÖL"))));
        assert_eq!(reader.next(), Err(Fault::protocol("the opcode is reserved")));
    }

    #[test]
    fn a_close_frame_may_say_nothing() {
        assert_eq!(close(b""), Ok(None));
        assert_eq!(close(b"\x03\xe8bye"), Ok(Some((1000, "bye".to_owned()))));
        for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
            assert_eq!(close(&code.to_be_bytes()).map_err(|fault| fault.code), Err(1002), "{code}");
        }
    }

    #[test]
    fn an_idle_reader_holds_little() {
        let mut reader = Reader::new(1 << 20);
        reader.feed(&frame(0x82, &vec![7; 1 << 20]));
        assert_eq!(all(&mut reader).unwrap().len(), 1);
        assert!(reader.bytes.capacity() <= KEPT, "{}", reader.bytes.capacity());
    }
}
