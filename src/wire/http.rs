//! One direction of HTTP/1.1 (RFC 9112): message after message, from bytes that come in any pieces.

use super::Side;
use super::chunked::{Chunked, Piece};
use super::head::{self, EmptyLine, Framing};
use super::packet::{self, Content, Packet};
use super::{engineio, sse};

pub use super::head::{Asked, Head, Headers, Start};

/// What a direction turned out to carry. Lengths are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A head ended. An interim response (RFC 9110, 15.2) is one without an end of its own.
    Head(Head),
    /// A packet of a protocol inside the content ended.
    Packet(Packet),
    /// A message ended.
    End(End),
}

/// The end of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The content, without framing.
    pub body_len: u64,
    /// All of it on the wire: from the end of the message before it, with interim responses and with
    /// empty lines in front of it (RFC 9112, 2.2).
    pub wire_len: u64,
    /// False where the direction ended in the middle of it.
    pub complete: bool,
}

#[derive(Debug)]
enum State {
    /// Before the first byte of a head; after a CR that may be an empty line's.
    Before { cr: bool },
    /// In a head. What is held is what came so far.
    Head { held: Vec<u8>, finder: EmptyLine, first_line_read: bool },
    /// In a body whose length was given.
    Length { left: u64 },
    /// In a chunked body.
    Chunked(Chunked),
    /// In a body that ends with the connection.
    UntilEnd,
}

const IDLE: State = State::Before { cr: false };

/// Reads the messages that one side sends. Holds at most one head (64 KiB) and never a body.
#[derive(Debug)]
pub struct Decoder {
    from: Side,
    state: State,
    /// Bytes since the last message ended.
    wire_len: u64,
    /// Content since the last head.
    body_len: u64,
    /// Whether `wire_len` is more than empty lines, which alone are no message.
    begun: bool,
    /// Reads the content, where there are packets in it.
    packets: Option<Box<Content>>,
}

impl Decoder {
    /// Requests if the client sends them, responses if the server does.
    #[must_use]
    pub fn new(from: Side) -> Self {
        Self { from, state: IDLE, wire_len: 0, body_len: 0, begun: false, packets: None }
    }

    /// Takes bytes off the front of `bytes`, up to the next event; `None` when they are used up. `asked` is
    /// what the response to come answers; it matters only at the end of a response's head.
    ///
    /// # Errors
    /// What is wrong with the bytes. The decoder is of no use after that.
    pub fn next(&mut self, bytes: &mut &[u8], asked: Asked) -> Result<Option<Event>, &'static str> {
        if let Some(packet) = self.packets.as_mut().and_then(|packets| packets.next()) {
            return Ok(Some(Event::Packet(packet)));
        }
        match self.packets.as_ref().and_then(|packets| packets.ended()) {
            Some(Ok(())) => return Ok(Some(Event::End(self.ended(true)))),
            Some(Err(why)) => return Err(why),
            None => {}
        }
        let before = bytes.len();
        let all = *bytes;
        let body = match &mut self.state {
            State::Before { .. } | State::Head { .. } => {
                let head = self.head(bytes);
                self.wire_len += (before - bytes.len()) as u64;
                return match head? {
                    Some(head) => self.begin(head, asked).map(Some),
                    None => Ok(None),
                };
            }
            State::Length { left } => {
                let len = usize::try_from(*left).map_or(before, |left| left.min(before));
                *left -= len as u64;
                *bytes = &bytes[len..];
                (len, *left == 0)
            }
            State::Chunked(chunked) => match chunk(chunked, bytes, self.packets.as_deref_mut()) {
                Ok(piece) => piece,
                Err(why) => return self.broken(why),
            },
            State::UntilEnd => {
                *bytes = &[];
                (before, false)
            }
        };
        let (content, ended) = body;
        self.wire_len += (before - bytes.len()) as u64;
        self.body_len += content as u64;
        let Some(packets) = &mut self.packets else {
            return Ok(ended.then(|| Event::End(self.ended(true))));
        };
        if matches!(self.state, State::Length { .. } | State::UntilEnd) {
            packets.feed(&all[..content]);
        }
        if ended {
            packets.end(Ok(()));
        }
        // What was read is told before the end.
        if ended || packets.has_next() { self.next(bytes, asked) } else { Ok(None) }
    }

    /// The direction is over. The end of the message that was begun, where one was.
    pub fn end(&mut self) -> Option<End> {
        let complete = match self.state {
            State::UntilEnd => true,
            State::Before { .. } | State::Head { .. } | State::Length { .. } | State::Chunked(_) => false,
        };
        self.begun.then(|| self.ended(complete))
    }

    /// The direction is over: packets that end with it.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = Packet> {
        let mut packets = self.packets.as_deref_mut().filter(|_| matches!(self.state, State::UntilEnd));
        packets.iter_mut().for_each(|packets| packets.end(Ok(())));
        std::iter::from_fn(move || packets.as_mut().and_then(|packets| packets.next()))
    }

    /// Whether it stands in a head of which some bytes came, but not all.
    #[must_use]
    pub fn in_head(&self) -> bool {
        matches!(self.state, State::Head { .. } | State::Before { cr: true })
    }

    /// Whether a head ended and its message did not.
    #[must_use]
    pub fn in_body(&self) -> bool {
        match self.state {
            State::Length { .. } | State::Chunked(_) | State::UntilEnd => true,
            State::Before { .. } | State::Head { .. } => false,
        }
    }

    /// Bytes that it holds now.
    #[must_use]
    pub fn held(&self) -> usize {
        match &self.state {
            State::Head { held, .. } => held.capacity(),
            State::Before { .. } | State::Length { .. } | State::Chunked(_) | State::UntilEnd => {
                self.packets.as_ref().map_or(0, |packets| packets.held())
            }
        }
    }

    /// What was read before the fault is told before it.
    fn broken(&mut self, why: &'static str) -> Result<Option<Event>, &'static str> {
        let Some(packets) = &mut self.packets else { return Err(why) };
        packets.end(Err(why));
        packets.next().map(|packet| Some(Event::Packet(packet))).ok_or(why)
    }

    fn ended(&mut self, complete: bool) -> End {
        self.state = IDLE;
        self.packets = None;
        let end = End { body_len: self.body_len, wire_len: self.wire_len, complete };
        (self.body_len, self.wire_len, self.begun) = (0, 0, false);
        end
    }

    /// What follows a head.
    fn begin(&mut self, head: Head, asked: Asked) -> Result<Event, &'static str> {
        // 101 ends as HTTP; every other 1xx announces the response that follows it (RFC 9110, 15.2).
        let interim = matches!(head.start, Start::Response { status: 100 | 102..=199 });
        self.state = match head.framing(asked)? {
            _ if interim => IDLE,
            Framing::Length(left) => State::Length { left },
            Framing::Chunked => State::Chunked(Chunked::new()),
            Framing::UntilEnd => State::UntilEnd,
        };
        self.packets = content(&head, asked).map(Box::new);
        Ok(Event::Head(head))
    }

    /// Takes bytes up to the end of a head.
    fn head(&mut self, bytes: &mut &[u8]) -> Result<Option<Head>, &'static str> {
        if let State::Before { cr } = &mut self.state {
            skip_empty_lines(cr, bytes)?;
            let Some(&first) = bytes.first() else { return Ok(None) };
            not_http(self.from, first)?;
            self.begun = true;
            self.state =
                State::Head { held: Vec::new(), finder: EmptyLine::default(), first_line_read: false };
        }
        let State::Head { held, finder, first_line_read } = &mut self.state else { return Ok(None) };
        let found = finder.find(bytes);
        let (piece, rest) = bytes.split_at(found.unwrap_or(bytes.len()));
        *bytes = rest;
        if held.len() + piece.len() > head::LIMIT {
            held.extend_from_slice(&piece[..head::LIMIT - held.len()]);
            // What is wrong at its beginning is the better thing to say.
            head::parse(self.from, held)?;
            return Err("a head longer than 64 KiB");
        }
        // A head that came in one piece, the common case, is read where it lies.
        let whole = if held.is_empty() && found.is_some() {
            piece
        } else {
            held.extend_from_slice(piece);
            held.as_slice()
        };
        if found.is_some() {
            return head::parse(self.from, whole)?.map(Some).ok_or("a head that ends before its lines do");
        }
        if !*first_line_read && let Some(end) = whole.iter().position(|byte| *byte == b'\n') {
            // Say early that this is no HTTP: the empty line may never come. No more than this line, or what is
            // said would depend on the pieces.
            *first_line_read = true;
            head::parse(self.from, &whole[..=end])?;
        }
        Ok(None)
    }
}

/// What reads the content behind this head; `None` where there are no packets in it, or they are encoded (RFC 9110, 8.4).
fn content(head: &Head, asked: Asked) -> Option<Content> {
    let plain = head.values("content-encoding").all(|coding| coding.trim().eq_ignore_ascii_case("identity"));
    let carries = match &head.start {
        Start::Request { method, target } => method == "POST" && engineio::is_target(target),
        Start::Response { status } => *status == 200 && asked == Asked::Packets,
    };
    match head.start {
        _ if carries && plain => Some(Content::Packets(packet::Decoder::default())),
        Start::Response { status: 200.. } if head.values("content-type").any(sse::reads) => {
            Some(Content::Events(sse::Decoder::new()))
        }
        Start::Request { .. } | Start::Response { .. } => None,
    }
}

/// Content among the next bytes of a chunked body, and whether it ended.
fn chunk(
    chunked: &mut Chunked,
    bytes: &mut &[u8],
    mut packets: Option<&mut Content>,
) -> Result<(usize, bool), &'static str> {
    let mut content = 0;
    loop {
        match chunked.next(bytes)? {
            Piece::Data(data) => {
                content += data.len();
                packets.iter_mut().for_each(|packets| packets.feed(data));
            }
            Piece::Done => return Ok((content, true)),
            Piece::More => return Ok((content, false)),
        }
    }
}

/// Empty lines in front of a message are tolerated (RFC 9112, 2.2).
fn skip_empty_lines(cr: &mut bool, bytes: &mut &[u8]) -> Result<(), &'static str> {
    while let Some((&byte, rest)) = bytes.split_first() {
        match (byte, *cr) {
            (b'\n', _) => *cr = false,
            (b'\r', false) => *cr = true,
            (_, true) => return Err("a line that does not end as it should"),
            (_, false) => return Ok(()),
        }
        *bytes = rest;
    }
    Ok(())
}

/// Known by its first byte, so that nobody waits for the end of a head that is none.
fn not_http(from: Side, first: u8) -> Result<(), &'static str> {
    match (from, first) {
        (_, 0x16) => Err("a TLS handshake, not HTTP"),
        (Side::Client, byte) if !byte.is_ascii_graphic() => Err("a first line that is not HTTP"),
        (Side::Server, byte) if byte != b'H' => Err("a first line that is not HTTP"),
        (Side::Client | Side::Server, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
