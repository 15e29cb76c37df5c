//! The settings of a `compare` fence: `key: value`.

use std::time::Duration;

use super::{POLL, Reader};
use crate::lesson::parse::page::Piece;
use crate::lesson::parse::values::{duration, is_client_name, nearest, positive};
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

impl<'a> Reader<'_, 'a> {
    pub(super) fn setting(&mut self, key: Piece<'a>, value: Piece<'a>) {
        if self.seen.contains(&key.text) {
            self.page.mistake(key, format!("{} is there twice", key.text), "one line of it");
            return;
        }
        match key.text {
            "transports" => self.transports(value),
            "poll" => self.workload.poll = positive(value, self.page).unwrap_or(POLL),
            "rtt" => self.rtt(value),
            "stall" => self.workload.network.stall = self.stall(value),
            "cut" => self.workload.network.cut = self.time(value),
            "size" => self.workload.size = self.size(value),
            "clients" => self.clients(value),
            other => {
                let near = nearest(other, SETTINGS);
                let mend = if is_client_name(other) && near.is_none() {
                    format!("a time before it: 3s {other}: {}", value.text)
                } else {
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
            self.page.mistake(value, message, format!("{}/{twice}", time.trim().text));
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
}
