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
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.writer.write_all(&line)?;
        self.writer.flush()
    }
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
}
