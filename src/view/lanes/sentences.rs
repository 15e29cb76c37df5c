//! What happened in the lanes, in sentences: one for an instant and a lane.

use std::time::Duration;

use super::cell::{LATE, SEVERAL};
use super::{Cell, Lanes, nice, units};
use crate::timeline::Elapsed;

impl Lanes {
    /// `2.00 s  HTTP, close: opens, asks, hears "GOAL 1-0", 1.10 s late, closes`
    pub(super) fn sentences(&self, at: Elapsed, news: Option<&str>, cells: &[Vec<Cell>]) -> Vec<String> {
        let time = format!("{:.2} s", at.since(self.zero.unwrap_or_default()).as_secs_f64());
        let news = news.map(|news| format!("{time}  at the server: {news}"));
        let of_lane = |(lane, cells): (&super::Lane, &Vec<Cell>)| {
            let name = nice(&lane.name).to_owned();
            let time = time.clone();
            cells.iter().map(move |cell| format!("{time}  {name}: {}", cell.sentence())).collect::<Vec<_>>()
        };
        news.into_iter().chain(self.lanes.iter().zip(cells).flat_map(of_lane)).collect()
    }
}

impl Cell {
    fn sentence(&self) -> String {
        if let Some(note) = &self.note {
            return note.clone();
        }
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.opened.then(|| "opens".into()));
        let switches = self.answer.as_deref() == Some("101");
        match self.request.as_deref() {
            Some("GET") if switches => parts.push("asks for a WebSocket".into()),
            Some("GET") => parts.push("asks".into()),
            Some(request) => parts.push(match request.split_once(' ') {
                Some((method, packets)) => format!("sends a {method} with {packets}"),
                None => format!("sends a {request}"),
            }),
            None => {}
        }
        match self.answer.as_deref() {
            Some("[]") => parts.push("nothing new".into()),
            Some("200 stream") => parts.push("answer 200, which goes on".into()),
            // What it brought is told below.
            Some(status) if !self.heard.is_empty() && status != "101" => {}
            Some(status) => parts.push(format!("answer {status}")),
            None => {}
        }
        parts.extend(self.sent.as_ref().map(|words| format!("sends {words}")));
        let same = self.sent.is_some() && self.sent == self.came;
        let came = self.came.as_ref().filter(|_| self.heard.is_empty());
        parts.extend(
            came.map(|words| if same { "gets the same back".into() } else { format!("gets {words}") }),
        );
        let hears = |words: &str, after: Duration| {
            let time = units::duration(after);
            if after > LATE {
                format!("hears {words}, {time} late")
            } else {
                format!("hears {words} after {time}")
            }
        };
        match self.heard.iter().map(|(_, after)| *after).max() {
            Some(worst) if self.heard.len() >= SEVERAL => {
                parts.push(hears(&format!("{} news", units::grouped(self.heard.len() as u64)), worst));
            }
            _ => parts.extend(self.heard.iter().map(|(words, after)| hears(words, *after))),
        }
        parts.extend(self.closed.then(|| match (self.reset, self.posts) {
            (true, true) => "the connection of the POST is reset".into(),
            (true, false) => "is reset".into(),
            (false, _) => "closes".into(),
        }));
        parts.join(", ")
    }
}
