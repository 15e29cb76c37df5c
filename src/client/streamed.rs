//! What a stream of events brings (WHATWG HTML, 9.2.6), as a browser's `EventSource` understands it.

/// The most of an event's data that is kept, bytes.
const MOST: usize = 1 << 20;

/// Something that a stream of events brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Streamed {
    /// A listener is called.
    Event {
        /// The event: `message` unless the stream names another.
        name: String,
        /// Its data.
        data: String,
    },
    /// The last event's id, told behind the event: who comes back says how far it was.
    Id(String),
    /// How soon to come back, milliseconds.
    Retry(u64),
}

/// Reads the content of the answer, in any pieces.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    line: Vec<u8>,
    /// The last byte was a CR, which ended a line: an LF right after it belongs to it.
    cr: bool,
    begun: bool,
    name: String,
    data: Option<String>,
    id: Option<String>,
}

impl Blocks {
    /// What these bytes complete, in order.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Streamed> {
        let mut found = Vec::new();
        for &byte in bytes {
            let after_cr = std::mem::replace(&mut self.cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => self.line(&mut found),
                byte if self.line.len() < MOST => self.line.push(byte),
                _ => {}
            }
        }
        found
    }

    fn line(&mut self, found: &mut Vec<Streamed>) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let mut text = &*text;
        if !std::mem::replace(&mut self.begun, true) {
            text = text.strip_prefix('\u{feff}').unwrap_or(text);
        }
        if text.is_empty() {
            return self.block(found);
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => self.add(value),
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" if value.bytes().all(|digit| digit.is_ascii_digit()) => {
                found.extend(value.parse().ok().map(Streamed::Retry));
            }
            // Comments, and what is not known.
            _ => {}
        }
    }

    fn add(&mut self, value: &str) {
        match &mut self.data {
            Some(data) if data.len() + value.len() < MOST => data.extend(["\n", value]),
            Some(_) => {}
            none => *none = Some(value.to_owned()),
        }
    }

    fn block(&mut self, found: &mut Vec<Streamed>) {
        let name = std::mem::take(&mut self.name);
        // Without data nobody is called; with an empty one somebody is.
        if let Some(data) = self.data.take() {
            let name = if name.is_empty() { "message".to_owned() } else { name };
            found.push(Streamed::Event { name, data });
        }
        found.extend(self.id.take().map(Streamed::Id));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<Streamed> {
        Blocks::default().feed(text.as_bytes())
    }

    fn event(name: &str, data: &str) -> Streamed {
        Streamed::Event { name: name.into(), data: data.into() }
    }

    #[test]
    fn a_stream_is_read_as_a_browser_does() {
        assert_eq!(
            read("\u{feff}retry: 2000\n\nid: 5\n\nevent: message\nid: 6\ndata: {\"id\":6}\n\n"),
            [
                Streamed::Retry(2000),
                Streamed::Id("5".into()),
                event("message", "{\"id\":6}"),
                Streamed::Id("6".into())
            ]
        );
        assert_eq!(read("data: a\ndata:b\ndata\n\n"), [event("message", "a\nb\n")]);
        assert_eq!(read("event: goal\ndata: x\n\ndata: y\n\n"), [event("goal", "x"), event("message", "y")]);
        assert_eq!(read(": alive\n\nevent: goal\n\nretry: soon\nid: a\0b\n\n"), []);
        assert_eq!(read("data: never ended\n"), []);
        for end in ["\n", "\r", "\r\n"] {
            assert_eq!(read(&"data: a\nid: 1\n\n".replace('\n', end)).len(), 2, "{end:?}");
        }
    }

    /// The examples of WHATWG HTML, 9.2.6.
    #[test]
    fn the_standards_own_streams_are_read_as_it_says() {
        assert_eq!(read("data: YHOO\ndata: +2\ndata: 10\n\n"), [event("message", "YHOO\n+2\n10")]);
        assert_eq!(
            read(
                ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"
            ),
            [
                event("message", "first event"),
                Streamed::Id("1".into()),
                event("message", "second event"),
                Streamed::Id(String::new()),
                event("message", " third event"),
            ]
        );
        assert_eq!(read("data\n\ndata\ndata\n\ndata:"), [event("message", ""), event("message", "\n")]);
        assert_eq!(read("data:test\n\ndata: test\n\n"), [event("message", "test"), event("message", "test")]);
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let mut blocks = Blocks::default();
        for _ in 0..4 {
            blocks.feed(b"data: ");
            blocks.feed(&vec![b'x'; MOST]);
            blocks.feed(b"\n");
        }
        let [Streamed::Event { data, .. }] = &blocks.feed(b"\n")[..] else { panic!("one event") };
        assert!(data.len() <= MOST);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            pieces in prop::collection::vec(prop::sample::select(&["data: a", "data", "id: 1", "event: e", "retry: 9", ":", "\n", "\r", "\r\n", "\u{feff}", "ä", "\0"][..]), 0..40),
            at in any::<prop::sample::Index>(),
        ) {
            let text = pieces.concat().into_bytes();
            let (first, second) = text.split_at(at.index(text.len() + 1));
            let mut blocks = Blocks::default();
            let mut found = blocks.feed(first);
            found.extend(blocks.feed(second));
            prop_assert_eq!(found, Blocks::default().feed(&text));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
            drop(Blocks::default().feed(&bytes));
        }
    }
}
