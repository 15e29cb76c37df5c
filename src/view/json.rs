//! One JSON object a line: the contract with other programs.

use std::io::{self, Write};

use serde::Serialize;

use super::View;
use crate::timeline::{Event, Started};

/// Writes the header line, then every event as it comes.
#[derive(Debug)]
pub struct Json<W> {
    writer: W,
}

impl<W: Write + Send> Json<W> {
    /// Writes the header line.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(writer: W, started: &Started) -> io::Result<Self> {
        let mut json = Self { writer };
        json.line(started)?;
        Ok(json)
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let line = harmless(serde_json::to_string(value)?) + "\n";
        self.writer.write_all(line.as_bytes())?;
        self.writer.flush()
    }
}

/// JSON may hold DEL and the C1 controls as they are (RFC 8259, 7), and a terminal obeys them. The others are escaped already.
fn harmless(json: String) -> String {
    if !json.contains(is_control) {
        return json;
    }
    json.chars().fold(String::new(), |mut safe, c| {
        match c {
            c if is_control(c) => safe.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => safe.push(c),
        }
        safe
    })
}

fn is_control(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}')
}

impl<W: Write + Send> View for Json<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.line(event)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample;

    #[test]
    fn what_is_written_can_be_read() {
        let events = sample::http_close();
        let started =
            Started { wsdemo: 1, version: "0.1.0".into(), started: "2026-01-02T03:04:05.000Z".into() };
        let mut buffer = Vec::new();
        let mut json = Json::new(&mut buffer, &started).expect("a vector takes everything");
        for event in &events {
            json.event(event).expect("a vector takes everything");
        }
        json.finish().expect("a vector takes everything");
        let text = String::from_utf8(buffer).expect("JSON is UTF-8");
        let mut lines = text.lines();
        let header = lines.next().expect("the header line");
        assert_eq!(serde_json::from_str::<Started>(header).expect("the header"), started);
        let read: Vec<Event> = lines.map(|line| serde_json::from_str(line).expect("an event")).collect();
        assert_eq!(read, events);
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_written_as_it_is() {
        let text = "\u{0}\u{1b}[2J\u{7f}\u{80}\u{9b}31m\u{9f}\u{a0}é\u{2028}".to_owned();
        let kind = crate::timeline::Kind::World { what: "say".into(), id: None, text };
        let mut story = sample::Story::default();
        let event = story.push(kind).events.remove(0);
        let started = Started { wsdemo: 1, version: "\u{9b}".into(), started: String::new() };
        let mut buffer = Vec::new();
        Json::new(&mut buffer, &started).expect("a header").event(&event).expect("an event");
        let text = String::from_utf8(buffer).expect("JSON is UTF-8");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert!(text.contains("\\u007f\\u0080\\u009b31m\\u009f\u{a0}é"), "{text:?}");
        let read = text.lines().nth(1).expect("the event");
        assert_eq!(serde_json::from_str::<Event>(read).expect("an event"), event);
    }
}
