//! Server-Sent Events in the body of a response (WHATWG HTML, 9.2.5 and 9.2.6).

use std::collections::VecDeque;

/// How much of a line is held, bytes: names of events are short, and what data says is not told here.
const HELD: usize = 256;

/// A block of lines up to an empty one. Its length is in bytes, with the empty line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// What it is to its reader.
    pub what: What,
    /// The event's name, where it is an event: `message` unless the block names another.
    pub event: Option<String>,
    /// All of it.
    pub len: u64,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It has data: a listener is called.
    Event,
    /// It changes how the client reconnects: `id` or `retry`.
    Setting,
    /// Nothing in it means anything: it keeps the connection alive.
    Comment,
}

impl What {
    /// As the timeline names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Setting => "setting",
            Self::Comment => "comment",
        }
    }
}

/// Whether content of this `Content-Type` is a stream of events.
#[must_use]
pub fn reads(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("text/event-stream")
}

/// Reads the content of a `text/event-stream`, in any pieces.
#[derive(Debug)]
pub(super) struct Decoder {
    line: Vec<u8>,
    /// The last byte was a CR, which ends a line with what follows or without.
    cr: bool,
    /// So far in this block.
    what: What,
    name: String,
    len: u64,
    packets: VecDeque<Packet>,
    /// How the body ended.
    pub ended: Option<Result<(), &'static str>>,
}

impl Decoder {
    pub fn new() -> Self {
        Self {
            line: Vec::new(),
            cr: false,
            what: What::Comment,
            name: String::new(),
            len: 0,
            packets: VecDeque::new(),
            ended: None,
        }
    }

    pub fn held(&self) -> usize {
        self.line.capacity() + self.name.capacity() + self.packets.capacity() * size_of::<Packet>()
    }

    pub fn next(&mut self) -> Option<Packet> {
        self.packets.pop_front()
    }

    pub fn has_next(&self) -> bool {
        !self.packets.is_empty()
    }

    pub fn feed(&mut self, content: &[u8]) {
        for &byte in content {
            let after_cr = std::mem::replace(&mut self.cr, byte == b'\r');
            if after_cr && byte != b'\n' {
                self.line();
            }
            self.len += 1;
            match byte {
                b'\n' => self.line(),
                // Perhaps an LF follows that belongs to it.
                b'\r' => {}
                byte if self.line.len() < HELD => self.line.push(byte),
                _ => {}
            }
        }
    }

    /// The body ended, or cannot be read on.
    pub fn end(&mut self, how: Result<(), &'static str>) {
        self.ended = Some(how);
        if std::mem::take(&mut self.cr) {
            self.line();
        }
    }

    fn line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.block();
        }
        let text = String::from_utf8_lossy(&line);
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        match field.trim_start_matches('\u{feff}') {
            "data" => self.what = What::Event,
            "event" => value.strip_prefix(' ').unwrap_or(value).clone_into(&mut self.name),
            "id" | "retry" if self.what == What::Comment => self.what = What::Setting,
            _ => {}
        }
    }

    fn block(&mut self) {
        let name = std::mem::take(&mut self.name);
        let what = std::mem::replace(&mut self.what, What::Comment);
        let named = if name.is_empty() { "message".to_owned() } else { name };
        let event = (what == What::Event).then_some(named);
        self.packets.push_back(Packet { what, event, len: std::mem::take(&mut self.len) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str]) -> Vec<(&'static str, Option<String>, u64)> {
        let mut decoder = Decoder::new();
        let mut packets = Vec::new();
        for piece in pieces {
            decoder.feed(piece.as_bytes());
            packets.extend(std::iter::from_fn(|| decoder.next()));
        }
        decoder.end(Ok(()));
        packets.extend(std::iter::from_fn(|| decoder.next()));
        packets.into_iter().map(|it| (it.what.word(), it.event, it.len)).collect()
    }

    #[test]
    fn blocks_end_with_an_empty_line_however_lines_end() {
        let message = || Some("message".to_owned());
        for text in ["data: a\n\n", "data: a\r\r", "data: a\r\n\r\n"] {
            assert_eq!(read(&[text]), [("event", message(), text.len() as u64)], "{text:?}");
        }
        assert_eq!(
            read(&["retry: 1000\nid: 7\n\n: alive\n\nevent: changed\ndata:x\ndata:y\n\n"]),
            [("setting", None, 19), ("comment", None, 9), ("event", Some("changed".into()), 30)]
        );
        assert_eq!(read(&["data: never ended\n"]), []);
    }

    #[test]
    fn pieces_make_no_difference() {
        for end in ["\n", "\r", "\r\n"] {
            let text = "event: goal\ndata: 1-0\nid: 3\n\n: alive\n\ndata: 2-0\n\n".replace('\n', end);
            let pieces: Vec<&str> = (0..text.len()).map(|at| &text[at..=at]).collect();
            assert_eq!(read(&pieces), read(&[&text]));
            assert_eq!(read(&pieces).iter().map(|it| it.2).sum::<u64>(), text.len() as u64);
        }
    }

    #[test]
    fn a_long_line_is_not_held() {
        let mut decoder = Decoder::new();
        decoder.feed("data: ".as_bytes());
        decoder.feed(&vec![b'x'; 1 << 20]);
        assert!(decoder.held() < 4 * HELD);
        decoder.feed(b"\n\n");
        assert_eq!(decoder.next().unwrap().len, (1 << 20) + 8);
    }

    #[test]
    fn only_event_streams_are_read() {
        assert!(reads("Text/Event-Stream; charset=utf-8"));
        assert!(!reads("text/plain"));
    }
}
