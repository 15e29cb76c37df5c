//! A `compare` fence: what is said, and when, on several transports.

use std::time::Duration;

use super::page::{Page, Piece};
use super::values::{CLIENT_NAME, client_name_mend, duration, is_client_name, positive, remark};
use crate::lesson::script::{DEFAULT_TRANSPORTS, MAX_EVENTS, MAX_RUN, MAX_TEXT, Planned, Workload};
use crate::lesson::template;
use crate::tap::Network;

mod settings;

pub use settings::likely_transport;

/// How often polling transports ask, unless the workload says otherwise.
const POLL: Duration = Duration::from_secs(2);

/// Reads the lines of a fence. `fence` is its first line, `text` its content.
pub(super) fn parse<'a>(
    lines: &[Piece<'a>],
    fence: Piece<'a>,
    text: &str,
    page: &mut Page<'a>,
) -> Option<Workload> {
    let before = page.count();
    let mut reader = Reader {
        workload: Workload {
            text: text.to_owned(),
            line: fence.line,
            transports: DEFAULT_TRANSPORTS.map(str::to_owned).to_vec(),
            poll: POLL,
            network: Network::default(),
            size: None,
            clients: 1,
            events: Vec::new(),
        },
        seen: Vec::new(),
        said: Vec::new(),
        rtt: None,
        full: false,
        page,
    };
    for &line in lines {
        let line = remark(line).0.trim();
        if !line.is_empty() && !line.text.starts_with('#') {
            reader.line(line);
        }
    }
    reader.fits();
    let mut workload = reader.workload;
    if page.count() > before {
        return None;
    }
    if workload.events.is_empty() {
        page.mistake(fence, "nothing is said in this workload", "0.9s server: GOAL 1-0");
        return None;
    }
    workload.events.sort_by_key(|event| event.at);
    Some(workload)
}

struct Reader<'p, 'a> {
    workload: Workload,
    seen: Vec<&'a str>,
    /// What is said, as it is written, and the most bytes that it says.
    said: Vec<(Piece<'a>, usize)>,
    /// The round trip, as it is written.
    rtt: Option<Piece<'a>>,
    /// That there are too many events has been said.
    full: bool,
    page: &'p mut Page<'a>,
}

impl<'a> Reader<'_, 'a> {
    /// What can be told of several lines only: a text that `size` has no room for, a round trip that outlasts all that is said.
    fn fits(&mut self) {
        for (at, len) in std::mem::take(&mut self.said) {
            if let Some(size) = self.workload.size.filter(|size| *size < len) {
                let message = format!("this says {len} bytes, and `size` is {size}");
                self.page.mistake(at, message, format!("a shorter text, or size: {len}"));
            }
        }
        let (rtt, last) =
            (self.workload.network.rtt, self.workload.events.iter().map(|event| event.at).max());
        if let Some((at, last)) = self.rtt.zip(last).filter(|(_, last)| rtt > *last) {
            let message = format!(
                "a round trip of {} is longer than the schedule, {}",
                humantime::format_duration(rtt),
                humantime::format_duration(last)
            );
            self.page.mistake(at, message, "80ms, or something that is said later");
        }
    }

    fn line(&mut self, line: Piece<'a>) {
        let (first, rest) = line.word();
        if first.text == "every" {
            self.every(line, rest);
        } else if first.text.starts_with(|c: char| c.is_ascii_digit()) {
            self.once(first, rest);
        } else if let Some((key, value)) =
            line.split(':').filter(|(key, _)| !key.trim_end().text.contains(' '))
        {
            self.setting(key.trim_end(), value.trim());
        } else {
            let said = "0.9s server: GOAL 1-0, 2s x30 server: tick {n}, or every 500ms x20 server: tick {n}";
            let mend = if settings::is_setting(first.text) {
                format!("{}: {}", first.text, rest.text)
            } else {
                said.to_owned()
            };
            self.page.mistake(
                line,
                "a line of a workload is a setting, or begins with a time or with `every`",
                mend,
            );
        }
    }

    /// `0.9s server: GOAL 1-0`, or at once `2s x30 server: tick {n}`
    fn once(&mut self, time: Piece<'a>, rest: Piece<'a>) {
        let (times, after) = rest.word();
        if times.text.strip_prefix('x').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit())) {
            return self.burst(time, times, after);
        }
        let at = duration(time, self.page);
        let said = self.said(rest);
        if let Some((at, (client, text))) = at.zip(said) {
            if let Some((place, name)) = template::places(text.text).next() {
                let message =
                    format!("nothing stands for {{{name}}} here; {{n}} counts where there are several");
                self.page.mistake(text.part(place), message, "every 500ms x20 server: tick {n}");
                return;
            }
            self.plan(text, Planned { at, client, text: text.text.to_owned() });
        }
    }

    /// `2s x30 server: tick {n}`: so many at once.
    fn burst(&mut self, time: Piece<'a>, times: Piece<'a>, rest: Piece<'a>) {
        let at = duration(time, self.page);
        let count = self.count(times, times, "2s x30 server: tick {n}");
        if count.is_some_and(|count| !self.has_room(times, count)) {
            return;
        }
        if let (Some(at), Some(count), Some((client, text))) = (at, count, self.counted(rest)) {
            self.several(count, client, text, |_| at);
        }
    }

    /// `every 500ms x20 server: tick {n}`
    fn every(&mut self, line: Piece<'a>, rest: Piece<'a>) {
        let (time, rest) = rest.word();
        let (times, rest) = rest.word();
        let every = positive(time, self.page);
        let Some(count) = self.count(times, line, "every 500ms x20 server: tick {n}") else { return };
        if every.is_some_and(|every| every.checked_mul(count).is_none_or(|end| end > MAX_RUN)) {
            let most = every.map_or(0, |every| MAX_RUN.as_nanos() / every.as_nanos().max(1));
            let mend = format!("x{}, or fewer", most.clamp(1, MAX_EVENTS as u128));
            self.page.mistake(times, "a workload takes at most an hour", mend);
            return;
        }
        if !self.has_room(times, count) {
            return;
        }
        let Some((every, (client, text))) = every.zip(self.counted(rest)) else { return };
        self.several(count, client, text, |n| every * n);
    }

    /// `x20`; where that is not there, something is wrong with the whole line.
    fn count(&mut self, times: Piece<'a>, line: Piece<'a>, mend: &str) -> Option<u32> {
        let digits = times.text.strip_prefix('x').filter(|n| n.bytes().all(|digit| digit.is_ascii_digit()));
        // What is too large for a number is too many as well.
        let number = digits.filter(|n| !n.is_empty()).map(|n| n.parse::<u32>().unwrap_or(u32::MAX));
        let count = number.filter(|n| *n > 0);
        if count.is_none() {
            let at = if times.is_empty() { line } else { times };
            self.page.mistake(at, "how many times?", mend);
        }
        count
    }

    /// Whether so many more can be said; where one line alone says too many, its number is to be changed.
    fn has_room(&mut self, times: Piece<'a>, count: u32) -> bool {
        let fits = count as usize <= MAX_EVENTS;
        if !fits && !std::mem::replace(&mut self.full, true) {
            let message = format!("a workload says at most {MAX_EVENTS} things");
            self.page.mistake(times, message, format!("x{MAX_EVENTS}, or fewer"));
        }
        fits
    }

    /// Who says what, where `{n}` counts.
    fn counted(&mut self, rest: Piece<'a>) -> Option<(Option<String>, Piece<'a>)> {
        let (client, text) = self.said(rest)?;
        if let Some((place, name)) = template::places(text.text).find(|(_, name)| *name != "n") {
            self.page.mistake(text.part(place), format!("nothing stands for {{{name}}} here"), "{n}");
            return None;
        }
        Some((client, text))
    }

    /// So many of them, the nth at its time.
    fn several(&mut self, count: u32, client: Option<String>, text: Piece<'a>, at: impl Fn(u32) -> Duration) {
        for n in 1..=count {
            let said = template::fill(text.text, &|name| (name == "n").then(|| n.to_string()));
            if !self.plan(text, Planned { at: at(n), client: client.clone(), text: said }) {
                return;
            }
        }
    }

    /// `server: GOAL 1-0`
    fn said(&mut self, rest: Piece<'a>) -> Option<(Option<String>, Piece<'a>)> {
        let Some((who, text)) = rest.split(':').map(|(who, text)| (who.trim(), text.trim())) else {
            let message = "who says it? a name and a colon come before the words";
            self.page.mistake(rest, message, format!("server: {}", rest.text).trim_end().to_owned());
            return None;
        };
        if !is_client_name(who.text) {
            let message = format!("\"{}\" is nobody's name: {CLIENT_NAME}", who.text);
            self.page.mistake(who, message, client_name_mend(who.text, ""));
            return None;
        }
        if text.is_empty() {
            self.page.mistake(who, "nothing is said", format!("{}: GOAL 1-0", who.text));
            return None;
        }
        Some(((who.text != "server").then(|| who.text.to_owned()), text))
    }

    /// False where there is no room for it.
    fn plan(&mut self, at: Piece<'a>, event: Planned) -> bool {
        if event.text.len() > MAX_TEXT {
            let message = format!("this says {} bytes; {MAX_TEXT} is the most", event.text.len());
            self.page.mistake(at, message, "a shorter text");
            return false;
        }
        if self.workload.events.len() >= MAX_EVENTS {
            if !std::mem::replace(&mut self.full, true) {
                self.page.mistake(
                    at,
                    format!("a workload says at most {MAX_EVENTS} things"),
                    "fewer of them",
                );
            }
            return false;
        }
        match self.said.last_mut() {
            Some((last, len)) if *last == at => *len = (*len).max(event.text.len()),
            Some(_) | None => self.said.push((at, event.text.len())),
        }
        self.workload.events.push(event);
        true
    }
}

#[cfg(test)]
mod tests;
