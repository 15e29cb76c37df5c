//! A `compare` fence: what is said, and when, on several transports.

use std::time::Duration;

use super::page::{Page, Piece};
use super::values::{CLIENT_NAME, client_name_mend, duration, is_client_name, nearest, positive, remark};
use crate::lesson::script::{
    DEFAULT_TRANSPORTS, MAX_EVENTS, MAX_RUN, MAX_TEXT, Planned, TRANSPORTS, Workload,
};
use crate::lesson::template;
use crate::tap::Network;

/// The longest round trip that may be added.
const MAX_RTT: Duration = Duration::from_secs(10);

/// How often polling transports ask, unless the workload says otherwise.
const POLL: Duration = Duration::from_secs(2);

const SETTINGS: [&str; 3] = ["transports", "poll", "rtt"];

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
        full: false,
        page,
    };
    for &line in lines {
        let line = remark(line).0.trim();
        if !line.is_empty() && !line.text.starts_with('#') {
            reader.line(line);
        }
    }
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
    /// That there are too many events has been said.
    full: bool,
    page: &'p mut Page<'a>,
}

impl<'a> Reader<'_, 'a> {
    fn rtt(&mut self, value: Piece<'a>) {
        match duration(value, self.page) {
            Some(rtt) if rtt > MAX_RTT => {
                self.page.mistake(value, "no round trip here is longer than 10s", "80ms");
            }
            Some(rtt) if !rtt.is_zero() && rtt < Duration::from_millis(1) => {
                self.page.mistake(value, "a round trip that is added takes at least 1ms", "1ms, or 0ms");
            }
            Some(rtt) => self.workload.network.rtt = rtt,
            None => {}
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
            let mend = "0.9s server: GOAL 1-0, or every 500ms x20 server: tick {n}";
            self.page.mistake(
                line,
                "a line of a workload is a setting, or begins with a time or with `every`",
                mend,
            );
        }
    }

    fn setting(&mut self, key: Piece<'a>, value: Piece<'a>) {
        if self.seen.contains(&key.text) {
            self.page.mistake(key, format!("{} is there twice", key.text), "one line of it");
            return;
        }
        match key.text {
            "transports" => self.transports(value),
            "poll" => self.workload.poll = positive(value, self.page).unwrap_or(POLL),
            "rtt" => self.rtt(value),
            other => {
                let mend = if is_client_name(other) && nearest(other, SETTINGS).is_none() {
                    format!("a time before it: 3s {other}: {}", value.text)
                } else {
                    let near = nearest(other, SETTINGS);
                    near.map_or_else(
                        || format!("one of: {}", SETTINGS.join(", ")),
                        |near| format!("{near}: {}", value.text),
                    )
                };
                self.page.mistake(key, format!("a workload has no setting named \"{other}\""), mend);
                return;
            }
        }
        self.seen.push(key.text);
    }

    fn transports(&mut self, value: Piece<'a>) {
        let mut chosen = Vec::new();
        let mut rest = Some(value);
        while let Some(list) = rest {
            let (one, more) = list.split(',').map_or((list, None), |(one, more)| (one, Some(more)));
            rest = more;
            let one = one.trim();
            if !TRANSPORTS.contains(&one.text) {
                let mend = nearest(one.text, TRANSPORTS)
                    .map_or_else(|| format!("one of: {}", TRANSPORTS.join(", ")), str::to_owned);
                let message = if one.is_empty() {
                    "a transport is missing".to_owned()
                } else {
                    format!("no transport is named \"{}\"", one.text)
                };
                self.page.mistake(one, message, mend);
            } else if chosen.iter().any(|before| before == one.text) {
                self.page.mistake(one, format!("{} is there twice", one.text), "each transport once");
            } else {
                chosen.push(one.text.to_owned());
            }
        }
        self.workload.transports = chosen;
    }

    /// `0.9s server: GOAL 1-0`
    fn once(&mut self, time: Piece<'a>, rest: Piece<'a>) {
        let at = duration(time, self.page);
        let said = self.said(rest);
        if let Some((at, (client, text))) = at.zip(said) {
            if let Some((place, name)) = template::places(text.text).next() {
                let message = format!("nothing stands for {{{name}}} here; {{n}} counts in an `every` line");
                self.page.mistake(text.part(place), message, "every 500ms x20 server: tick {n}");
                return;
            }
            self.plan(text, Planned { at, client, text: text.text.to_owned() });
        }
    }

    /// `every 500ms x20 server: tick {n}`
    fn every(&mut self, line: Piece<'a>, rest: Piece<'a>) {
        let (time, rest) = rest.word();
        let (times, rest) = rest.word();
        let every = positive(time, self.page);
        let Some(count) = times.text.strip_prefix('x').and_then(|n| n.parse::<u32>().ok()).filter(|n| *n > 0)
        else {
            let at = if times.is_empty() { line } else { times };
            self.page.mistake(at, "how many times?", "every 500ms x20 server: tick {n}");
            return;
        };
        let said = self.said(rest);
        let Some((every, (client, text))) = every.zip(said) else {
            return;
        };
        if let Some((place, name)) = template::places(text.text).find(|(_, name)| *name != "n") {
            self.page.mistake(text.part(place), format!("nothing stands for {{{name}}} here"), "{n}");
            return;
        }
        if every.checked_mul(count).is_none_or(|end| end > MAX_RUN) {
            self.page.mistake(line, "a workload takes at most an hour", format!("every {} x10", time.text));
            return;
        }
        for n in 1..=count {
            let said = template::fill(text.text, &|name| (name == "n").then(|| n.to_string()));
            if !self.plan(text, Planned { at: every * n, client: client.clone(), text: said }) {
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
        self.workload.events.push(event);
        true
    }
}

#[cfg(test)]
mod tests;
