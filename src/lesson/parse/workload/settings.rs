//! The settings of a `compare` fence: `key: value`.

use std::time::Duration;

use super::{POLL, Reader};
use crate::lesson::parse::page::Piece;
use crate::lesson::parse::values::{LONGEST, duration, is_client_name, nearest, positive};
use crate::lesson::script::TRANSPORTS;
use crate::tap::Stall;

/// The longest round trip that may be added.
const MAX_RTT: Duration = Duration::from_secs(10);

/// From the start of one stall to the start of the next, unless the workload says otherwise.
const STALL_EVERY: Duration = Duration::from_secs(10);

/// The least time that can be told from none.
const MOMENT: Duration = Duration::from_millis(1);

/// The longest text that every door takes, bytes.
const MAX_SIZE: usize = 32 * 1024;

/// The most clients at once.
const MAX_CLIENTS: u32 = 5_000;

const SETTINGS: [&str; 7] = ["transports", "poll", "rtt", "stall", "cut", "size", "clients"];

/// What flags of a compare say, and how a fence says it.
const AS_FLAGS: [(&str, &str); 4] = [
    ("events", "every 500ms x20 server: tick {n}"),
    ("every", "every 500ms x20 server: tick {n}"),
    ("burst", "2s x30 server: tick {n}"),
    ("cheers", "every 2s x5 anna: cheer {n}"),
];

pub(super) fn is_setting(word: &str) -> bool {
    SETTINGS.contains(&word)
}

/// What people call the transports beside their names here.
pub(super) const ALSO: [(&str, &str); 21] = [
    ("polling", "keep-alive, or close"),
    ("poll", "keep-alive, or close"),
    ("http", "keep-alive, or close"),
    ("https", "keep-alive, or close"),
    ("fetch", "keep-alive, or close"),
    ("short-poll", "keep-alive, or close"),
    ("short-polling", "keep-alive, or close"),
    ("shortpoll", "keep-alive, or close"),
    ("connection-close", "close"),
    ("persistent", "keep-alive"),
    ("comet", "long-poll"),
    ("long", "long-poll"),
    ("hanging-get", "long-poll"),
    ("long-polling", "long-poll"),
    ("eventsource", "sse"),
    ("event-source", "sse"),
    ("events", "sse"),
    ("server-sent-events", "sse"),
    ("ws", "websocket"),
    ("wss", "websocket"),
    ("socket.io-polling", "socketio-upgrade"),
];

/// What somebody may have meant who names a transport like this.
#[must_use]
pub fn likely_transport(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase().replace([' ', '_'], "-");
    let also = ALSO.iter().find(|(also, _)| *also == name).map(|(_, meant)| *meant);
    also.or_else(|| nearest(&name, TRANSPORTS))
}

/// Several transports without commas between them.
fn with_commas(words: &str) -> Option<String> {
    let meant = |word: &str| likely_transport(word).and_then(|likely| likely.split(',').next());
    let all: Option<Vec<&str>> = words.split_whitespace().map(meant).collect();
    all.filter(|all| all.len() > 1).map(|all| all.join(", "))
}

/// What to write instead of a setting that there is not.
fn unknown(key: &str, value: &str) -> String {
    if let Some(near) = nearest(key, SETTINGS) {
        return format!("{near}: {value}");
    }
    if let Some((_, line)) = AS_FLAGS.iter().find(|(flag, _)| *flag == key) {
        return (*line).to_owned();
    }
    let settings = format!("one of: {}", SETTINGS.join(", "));
    let said = format!("a time before it: 3s {key}: {value}");
    match key {
        "server" => said,
        // A number is hardly what somebody says.
        _ if is_client_name(key) && !value.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{said}; or {settings}")
        }
        _ => settings,
    }
}

impl<'a> Reader<'_, 'a> {
    pub(super) fn setting(&mut self, key: Piece<'a>, value: Piece<'a>) {
        if self.seen.contains(&key.text) {
            self.page.mistake(key, format!("{} is there twice", key.text), "one line of it");
            return;
        }
        match key.text {
            "transports" => self.transports(value),
            "poll" => self.workload.poll = self.time(value).unwrap_or(POLL),
            "rtt" => self.rtt(value),
            "stall" => self.workload.network.stall = self.stall(value),
            "cut" => self.workload.network.cut = self.time(value),
            "size" => self.workload.size = self.size(value),
            "clients" => self.clients(value),
            other => {
                let message = format!("a workload has no setting named \"{other}\"");
                self.page.mistake(key, message, unknown(other, value.text));
                return;
            }
        }
        self.seen.push(key.text);
    }

    fn rtt(&mut self, value: Piece<'a>) {
        match duration(value, self.page) {
            Some(rtt) if rtt > MAX_RTT => {
                self.page.mistake(value, "no round trip here is longer than 10s", "80ms");
            }
            Some(rtt) if !rtt.is_zero() && rtt < MOMENT => {
                self.page.mistake(value, "a round trip that is added takes at least 1ms", "1ms, or 0ms");
            }
            Some(rtt) => {
                self.workload.network.rtt = rtt;
                self.rtt = Some(value);
            }
            None => {}
        }
    }

    /// `3s/10s`: for how long nothing passes, and how often. Without the second, each 10 s.
    fn stall(&mut self, value: Piece<'a>) -> Option<Stall> {
        let (first, second) = value.word();
        if !second.is_empty() && !value.text.contains('/') {
            let mend = format!("{}/{}", first.text, second.text);
            self.page.mistake(value, "a slash stands between for how long, and how often", mend);
            return None;
        }
        let (time, every) = value.split('/').map_or((value, None), |(time, every)| (time, Some(every)));
        let time_of = self.time(time.trim());
        let every = match every {
            Some(every) => self.time(every.trim()),
            None => Some(STALL_EVERY),
        };
        let (length, every) = time_of.zip(every)?;
        if length >= every {
            let message = "a stall must end before the next begins";
            let twice = humantime::format_duration(2 * length).to_string().replace(' ', "");
            let fits = 2 * length <= LONGEST;
            let mend = if fits { format!("{}/{twice}", time.trim().text) } else { "3s/10s".to_owned() };
            self.page.mistake(value, message, mend);
            return None;
        }
        Some(Stall { time: length, every })
    }

    /// A time that can be told from none.
    fn time(&mut self, value: Piece<'a>) -> Option<Duration> {
        let time = positive(value, self.page)?;
        if time < MOMENT {
            self.page.mistake(value, "this time must be at least 1ms", "500ms or 2s");
            return None;
        }
        Some(time)
    }

    /// `200`, `2KiB`
    fn size(&mut self, value: Piece<'a>) -> Option<usize> {
        let end = value.text.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.text.len());
        let (number, unit) = value.text.split_at(end);
        let unit = match unit.trim_start() {
            "" | "B" => Some(1),
            "KiB" => Some(1024),
            _ => None,
        };
        let Some(unit) = unit.filter(|_| !number.is_empty()) else {
            self.page.mistake(value, format!("\"{}\" is no size", value.text), "200 or 2KiB");
            return None;
        };
        let size = number.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
        let size = size.filter(|size| (1..=MAX_SIZE).contains(size));
        if size.is_none() {
            self.page.mistake(value, "a text has from 1 byte to 32KiB", "200 or 2KiB");
        }
        size
    }

    fn clients(&mut self, value: Piece<'a>) {
        let plain: String = value.text.chars().filter(|c| !matches!(c, ',' | '_' | '\'')).collect();
        match value.text.parse::<u32>() {
            Ok(count) if (1..=MAX_CLIENTS).contains(&count) => self.workload.clients = count,
            Ok(_) => self.page.mistake(value, "from 1 to 5000 clients take part", "1000"),
            Err(_) => {
                let meant = plain.parse::<u32>().ok().filter(|count| (1..=MAX_CLIENTS).contains(count));
                let mend = meant.map_or_else(|| "1000".to_owned(), |count| count.to_string());
                self.page.mistake(value, format!("\"{}\" is no number of clients", value.text), mend);
            }
        }
    }

    fn transports(&mut self, value: Piece<'a>) {
        let mut chosen = Vec::new();
        let mut rest = Some(value);
        while let Some(list) = rest {
            let (one, more) = list.split(',').map_or((list, None), |(one, more)| (one, Some(more)));
            rest = more;
            let one = one.trim();
            if !TRANSPORTS.contains(&one.text) {
                let mend = likely_transport(one.text)
                    .map(str::to_owned)
                    .or_else(|| with_commas(one.text))
                    .unwrap_or_else(|| format!("one of: {}", TRANSPORTS.join(", ")));
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
}
