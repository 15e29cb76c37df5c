//! What one can say of a compare's workload.

use std::time::Duration;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Args, ValueEnum};

use super::{number, time, whole};

/// The longest text, bytes: what every door takes.
const LONGEST_TEXT: usize = 32 * 1024;

/// Flags that change the workload of a compare.
#[derive(Debug, Clone, Default, Args)]
pub struct WorkloadFlags {
    /// Compare all seven transports
    #[arg(long, conflicts_with = "only")]
    pub all: bool,
    /// Compare these, in this order: sse,websocket
    #[arg(long, value_name = "LIST", value_parser = Named, value_delimiter = ',')]
    pub only: Option<Vec<String>>,
    /// How many events the server makes: 1 to 10,000; 6 unless given
    ///
    /// Goals that come evenly take the place of the match: this many, --every so far apart, --burst of them at once. Any of the three
    /// flags does that. What Anna says in the match stays as far as it falls within the run; --cheers replaces it.
    #[arg(long, value_name = "N", value_parser = |text: &str| number::<u32>(text, 1, 10_000))]
    pub events: Option<u32>,
    /// About how far apart they are, 1ms to 1h: 500ms; 2s unless given
    ///
    /// Each is moved a little, by up to half of it or half a poll: goals in step with the polls would all be heard at once, or all late.
    /// Takes the place of the match, see --events.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub every: Option<Duration>,
    /// How many of them are made at once: 1 to 10,000; 1 unless given
    ///
    /// Takes the place of the match, see --events.
    #[arg(long, value_name = "N", value_parser = |text: &str| number::<u32>(text, 1, 10_000))]
    pub burst: Option<u32>,
    /// How many messages clients send, spread evenly over the run: 0 to 10,000; the match has 2
    ///
    /// They take the place of what Anna says in the match. 0: nobody but the server speaks.
    #[arg(long, value_name = "N", value_parser = |text: &str| number::<u32>(text, 0, 10_000))]
    pub cheers: Option<u32>,
    /// Fill each text up to so many bytes: 200, 2KiB; at most 32KiB
    #[arg(long, value_name = "SIZE", value_parser = text_size)]
    pub size: Option<usize>,
    /// How often the polling transports ask, 1ms to 1h: 500ms; 2s unless given
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub poll: Option<Duration>,
    /// So many clients at once, 1 to 5,000, on one transport after another, in processes of their own
    ///
    /// One process serves and one visits, so that the server's processor time and memory are its own. They are told for each client.
    /// Unless given there is one client on each transport, and all run at once.
    #[arg(long, value_name = "N", value_parser = |text: &str| number::<u32>(text, 1, 5_000))]
    pub clients: Option<u32>,
    /// Compute the cost for so many clients and so long; 10000x1h unless given
    ///
    /// Up to 1,000,000,000 clients, and from 1s to a year. It is computed from what was measured, and marked so, also without this flag.
    #[arg(long, value_name = "NxTIME", value_parser = scale)]
    pub scale: Option<Scaling>,
    /// Over TLS, each transport, with a certificate made at the start
    #[arg(long)]
    pub tls: bool,
}

/// For how many clients and how long something is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaling {
    /// Clients at once.
    pub clients: u64,
    /// For how long.
    pub time: Duration,
}

/// The ways in which a server's news can reach a client, in the order in which all are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// A request every so often, each on a connection of its own
    Close,
    /// A request every so often, all on one connection
    #[value(alias = "keepalive")]
    KeepAlive,
    /// Requests that wait for their answer until there is news
    #[value(alias = "longpoll", alias = "long-polling")]
    LongPoll,
    /// Server-Sent Events: one response that does not end
    #[value(alias = "eventsource")]
    Sse,
    /// One handshake, then both sides speak
    #[value(alias = "ws")]
    Websocket,
    /// Socket.IO over a WebSocket from the first
    #[value(alias = "socket.io")]
    Socketio,
    /// Socket.IO as it is by default: polling, then a WebSocket
    SocketioUpgrade,
}

/// A transport's name, which help lists. What is none is told by whoever knows what it may have meant.
#[derive(Debug, Clone, Copy)]
struct Named;

impl TypedValueParser for Named {
    type Value = String;

    fn parse_ref(
        &self,
        _: &clap::Command,
        _: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        Ok(value.to_string_lossy().into_owned())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Way::value_variants().iter().filter_map(Way::to_possible_value)))
    }
}

/// `200`, `2KiB`
fn text_size(text: &str) -> Result<usize, String> {
    match whole(text).ok_or("a size such as 200 or 2KiB")? {
        Some(size @ 1..=LONGEST_TEXT) => Ok(size),
        Some(_) | None => Err("must be from 1 byte to 32KiB".into()),
    }
}

/// `10000x1h`
fn scale(text: &str) -> Result<Scaling, String> {
    let (clients, length) = text.split_once('x').ok_or("clients and a time, such as 10000x1h")?;
    let digits = clients.replace(['_', ','], "");
    let clients =
        digits.parse().map_err(|_| format!("{clients:?} is no number of clients, as in 10000x1h"))?;
    let length = humantime::parse_duration(length)
        .map_err(|_| format!("{length:?} is no time, as in {clients}x1h"))?;
    if !(1..=1_000_000_000).contains(&clients) {
        return Err("from 1 to 1000000000 clients".into());
    }
    if !(Duration::from_secs(1)..=Duration::from_secs(366 * 24 * 3600)).contains(&length) {
        return Err("from 1s to a year".into());
    }
    Ok(Scaling { clients, time: length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_and_a_time() {
        let hour = Duration::from_secs(3600);
        assert_eq!(scale("10000x1h"), Ok(Scaling { clients: 10_000, time: hour }));
        assert_eq!(scale("10_000x60m"), Ok(Scaling { clients: 10_000, time: hour }));
        for text in ["", "10000", "x1h", "0x1h", "-1x1h", "10x", "10x1", "10x0s", "10x2years", "1h x10"] {
            assert!(scale(text).is_err(), "{text}");
        }
    }

    #[test]
    fn texts_have_a_length() {
        assert_eq!((text_size("1"), text_size("200"), text_size("32KiB")), (Ok(1), Ok(200), Ok(32_768)));
        for text in ["0", "33KiB", "99999999999999999999", "1MiB"] {
            assert_eq!(text_size(text), Err("must be from 1 byte to 32KiB".into()), "{text}");
        }
        for text in ["lots", "", "1.5KiB", "100MB"] {
            assert_eq!(text_size(text), Err("a size such as 200 or 2KiB".into()), "{text}");
        }
    }
}
