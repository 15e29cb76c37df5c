//! What one can say of a compare's workload.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{time, whole};

/// The longest text, bytes: what every door takes.
const LONGEST_TEXT: usize = 32 * 1024;

/// Flags that change the workload of a compare.
#[derive(Debug, Clone, Default, Args)]
pub struct WorkloadFlags {
    /// Compare all seven transports
    #[arg(long, conflicts_with = "only")]
    pub all: bool,
    /// Compare these, in this order: sse,websocket
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    pub only: Option<Vec<Way>>,
    /// How many news the server makes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub events: Option<u32>,
    /// How far apart they are: 500ms, 2s
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub every: Option<Duration>,
    /// How many of them are made at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub burst: Option<u32>,
    /// How many messages clients send, spread over the run
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub cheers: Option<u32>,
    /// Fill each text up to so many bytes: 200, 2KiB
    #[arg(long, value_name = "SIZE", value_parser = text_size)]
    pub size: Option<usize>,
    /// How often the polling transports ask: 500ms, 2s
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub poll: Option<Duration>,
    /// So many clients at once, on one transport after another, in processes of their own
    ///
    /// One process serves and one visits, so that the server's processor time and memory are its own. They are told for each client.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub clients: Option<u32>,
    /// Compute the cost for so many clients and so long: 10000x1h
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

/// `200`, `2KiB`
fn text_size(text: &str) -> Result<usize, String> {
    match whole(text)? {
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
        for text in ["0", "33KiB", "lots", "", "1.5KiB", "99999999999999999999"] {
            assert!(text_size(text).is_err(), "{text}");
        }
    }
}
