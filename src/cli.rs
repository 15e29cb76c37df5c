//! What one can type. These types never leave this room: `commands` turns them into what the rest understands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod workload;

pub use workload::{Scaling, Way, WorkloadFlags};

/// HTTP or WebSocket? See who may speak, who hangs up, and what it costs, from the bytes on the wire.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// One request, one response, one goodbye; then keep-alive, open and still mute
    Http(Playing),
    /// The handshake, events both ways unasked, two ways to leave; then frames bit by bit
    Socket(Playing),
    /// The same news over several transports side by side: what each costs, who is late
    Compare {
        /// How it is played.
        #[command(flatten)]
        playing: Playing,
        /// What is compared.
        #[command(flatten)]
        workload: WorkloadFlags,
    },
    /// Plays a lesson; without a name lists them
    Lesson {
        /// What is to be done with which lesson.
        #[command(flatten)]
        task: LessonTask,
        /// How it is played.
        #[command(flatten)]
        playing: Playing,
    },
    /// Keeps the servers up: for your own client, for a browser, for curl
    ///
    /// Everything at one port: an HTTP API, long polling, Server-Sent Events, WebSockets, and a web page that says what is here. One line for each
    /// thing that strangers do. Ctrl-C closes every socket with 1001.
    Serve(Serving),
    /// One side of a compare with many clients: started by `wsdemo compare --clients`, and told by it what to do
    #[command(hide = true)]
    Load {
        /// Which.
        #[arg(value_enum)]
        side: LoadSide,
    },
}

/// The two processes of a compare with many clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LoadSide {
    /// It serves
    Server,
    /// They visit
    Clients,
}

/// All flags of [`Playing`]: what is not played cannot have them.
const PLAYING: [&str; 13] = [
    "auto", "speed", "from", "port", "json", "plain", "hex", "ascii", "width", "color", "rtt", "stall", "cut",
];

/// What `wsdemo lesson` is to do.
#[derive(Debug, Clone, Args)]
pub struct LessonTask {
    /// A lesson's name, or a file; with --check as many as you like
    #[arg(value_name = "LESSON")]
    pub lessons: Vec<String>,
    /// Play unattended, and fail on the first claim that does not hold
    ///
    /// Each LESSON (or all that there are) is played without pauses, all at the same time, each on a server of its own. Times are real: it
    /// takes as long as the longest silence of the longest lesson asks for. A question is not answered. Exit code 1 where a claim does not hold.
    #[arg(long, conflicts_with_all = PLAYING)]
    pub check: bool,
    /// Write a lesson to begin with, which shows all that a lesson can hold
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lessons", "check"], conflicts_with_all = PLAYING)]
    pub new: Option<PathBuf>,
}

/// Flags of all commands that play.
#[derive(Debug, Clone, Args)]
pub struct Playing {
    /// Go on without keys: pauses long enough to read
    #[arg(long)]
    pub auto: bool,
    /// Make the pauses of --auto so many times shorter; the network is never scaled
    #[arg(long, value_name = "N", default_value = "1", value_parser = speed)]
    pub speed: f64,
    /// Begin with this step: its number, or a part of its title; what comes before it happens unseen
    #[arg(long, value_name = "STEP")]
    pub from: Option<String>,
    /// The first of as many consecutive ports as needed; 0: any that are free
    #[arg(long, value_name = "PORT", default_value_t = 0, value_parser = |text: &str| number::<u16>(text, 0, 65_535))]
    pub port: u16,
    /// Print the timeline instead: one JSON object a line
    #[arg(long, conflicts_with_all = ["plain", "hex", "ascii", "width"])]
    pub json: bool,
    /// Plain sentences: nothing drawn, nothing repainted
    #[arg(long, conflicts_with = "width")]
    pub plain: bool,
    /// Show the bytes of every message
    #[arg(long)]
    pub hex: bool,
    /// Use ASCII characters only
    #[arg(long)]
    pub ascii: bool,
    /// Draw so many columns wide, also where there is no terminal
    #[arg(long, value_name = "N", value_parser = |text: &str| number::<u16>(text, 48, 400))]
    pub width: Option<u16>,
    /// Colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
    /// What is added to the network.
    #[command(flatten)]
    pub network: NetworkFlags,
}

/// Flags that add to the network.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct NetworkFlags {
    /// Add this to each round trip, 1ms to 10s: 80ms
    ///
    /// Half of it before the server has what a client sends, half before what the server sends leaves. A new connection waits one whole
    /// round trip more, for TCP's handshake.
    #[arg(long, value_name = "TIME", value_parser = rtt)]
    pub rtt: Option<Duration>,
    /// Let nothing pass for TIME, each 10s or EVERY: 3s, or 3s/20s
    ///
    /// For each connection EVERY after it opened, and EVERY after each stall began; 10s unless it is given. What is sent meanwhile
    /// waits, and comes late, whole and in order. Each from 1ms to 1h, TIME shorter than EVERY.
    #[arg(long, value_name = "TIME[/EVERY]", value_parser = stall)]
    pub stall: Option<Stalling>,
    /// Reset each connection when it has been open for TIME: 30s
    ///
    /// From 1ms to 1h. In a compare who comes back by itself does, and who does not is told as lost.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub cut: Option<Duration>,
}

/// How a network stalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stalling {
    /// For how long.
    pub time: Duration,
    /// How often.
    pub every: Duration,
}

/// Flags of `wsdemo serve`.
#[derive(Debug, Clone, Args)]
pub struct Serving {
    /// Where it listens, on 127.0.0.1; 0: any port that is free
    #[arg(long, value_name = "PORT", default_value_t = 3001, value_parser = |text: &str| number::<u16>(text, 0, 65_535))]
    pub port: u16,
    /// Show nothing of what strangers do, and only count it
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
    /// Print the timeline instead: one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// So many connections at once; who comes then is answered 503
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = |text: &str| number::<u32>(text, 1, 1_000_000))]
    pub max_connections: u32,
    /// The longest message on a socket, and the longest frame: 64KiB, 16MiB
    #[arg(long, value_name = "SIZE", default_value = "64KiB", value_parser = size)]
    pub max_message: usize,
    /// Let pages of this origin in too, at every door: http://localhost:8080
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub allow_origin: Vec<String>,
    /// Speak TLS: https and wss, with a certificate made at the start, whose fingerprint is printed
    #[arg(long)]
    pub tls: bool,
    /// Use ASCII characters only
    #[arg(long, conflicts_with = "json")]
    pub ascii: bool,
    /// Colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
    /// What is added to the network.
    #[command(flatten)]
    pub network: NetworkFlags,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR or CLICOLOR=0 say otherwise
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Where a user's own lessons are.
#[must_use]
pub fn lessons_folder() -> Option<PathBuf> {
    std::env::var_os("WSDEMO_LESSONS").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// A whole number within these bounds.
fn number<N: TryFrom<u64>>(text: &str, least: u64, most: u64) -> Result<N, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    let number = number.and_then(|number| N::try_from(number).ok());
    number.ok_or_else(|| {
        let what = if is_number(text) { "must be" } else { "a whole number" };
        format!("{what} from {} to {}", grouped(least), grouped(most))
    })
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// `10,000`
fn grouped(number: u64) -> String {
    if number < 1000 {
        return number.to_string();
    }
    format!("{},{:03}", grouped(number / 1000), number % 1000)
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "a number such as 2 or 0.5".to_owned())?;
    if (0.01..=1000.0).contains(&speed) { Ok(speed) } else { Err("must be from 0.01 to 1000".into()) }
}

fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|_| match is_number(text) {
        true => format!("the unit is missing: {text}ms or {text}s"),
        false => "a time such as 500ms or 2s".to_owned(),
    })?;
    match time {
        _ if time < Duration::from_millis(1) => Err("must be at least 1ms".into()),
        _ if time > Duration::from_secs(3600) => Err("must be at most 1h".into()),
        _ => Ok(time),
    }
}

fn rtt(text: &str) -> Result<Duration, String> {
    let rtt = time(text)?;
    if rtt > Duration::from_secs(10) { Err("must be at most 10s".into()) } else { Ok(rtt) }
}

/// `3s`, `3s/20s`
fn stall(text: &str) -> Result<Stalling, String> {
    let (length, every) = text.split_once('/').map_or((text, "10s"), |(length, every)| (length, every));
    let stalling = Stalling { time: time(length)?, every: time(every)? };
    if stalling.time < stalling.every {
        Ok(stalling)
    } else {
        Err(format!("must be shorter than {every}, which is how often: 3s/20s"))
    }
}

/// `64KiB`, `16MiB`, or a number of bytes.
fn size(text: &str) -> Result<usize, String> {
    match whole(text).ok_or("a size such as 64KiB or 16MiB")? {
        Some(size @ 125..=67_108_864) => Ok(size),
        Some(_) | None => Err("must be from 125 bytes to 64MiB".into()),
    }
}

/// A number of bytes, with its unit, or `None` within where it is too large for a number; `None` where it is no size.
fn whole(text: &str) -> Option<Option<usize>> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        // Known, and any of them is too large.
        "GiB" | "TiB" => usize::MAX,
        _ => return None,
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit)))
}

/// As a browser writes it (RFC 6454, 6.2): scheme, host, and a port that is not the scheme's own.
fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let well_formed = host.is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    });
    if well_formed {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("an origin such as http://localhost:8080: no path, no slash at its end".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_network_has_its_bounds() {
        let seconds = Duration::from_secs;
        assert_eq!(rtt("80ms"), Ok(Duration::from_millis(80)));
        assert!(rtt("11s").is_err() && rtt("0ms").is_err());
        assert_eq!(stall("3s"), Ok(Stalling { time: seconds(3), every: seconds(10) }));
        assert_eq!(stall("3s/20s"), Ok(Stalling { time: seconds(3), every: seconds(20) }));
        assert!(stall("10s").is_err() && stall("3s/3s").is_err() && stall("3s/").is_err());
    }

    #[test]
    fn what_cannot_be_taken_is_told_what_can() {
        assert_eq!((size("64KiB"), size("125"), size("64MiB")), (Ok(65_536), Ok(125), Ok(67_108_864)));
        for text in ["124", "65MiB", "99GiB", "1TiB", "0GiB", "99999999999999999999"] {
            assert_eq!(size(text), Err("must be from 125 bytes to 64MiB".into()), "{text}");
        }
        for text in ["lots", "", "GiB", "1.5MiB", "64kb", "-1KiB"] {
            assert_eq!(size(text), Err("a size such as 64KiB or 16MiB".into()), "{text}");
        }
        assert_eq!(time("80"), Err("the unit is missing: 80ms or 80s".into()));
        assert_eq!(time("80 parsecs"), Err("a time such as 500ms or 2s".into()));
    }

    #[test]
    fn numbers_have_bounds_in_words() {
        let number = |text: &str| number::<u32>(text, 1, 10_000);
        assert_eq!((number("1"), number("10000")), (Ok(1), Ok(10_000)));
        for text in ["0", "10001", "-1", "99999999999999999999"] {
            assert_eq!(number(text), Err("must be from 1 to 10,000".into()), "{text}");
        }
        for text in ["", "many", "1.5", "-", "1e3", "1,000"] {
            assert_eq!(number(text), Err("a whole number from 1 to 10,000".into()), "{text}");
        }
        assert_eq!([grouped(0), grouped(999), grouped(1_000_000)], ["0", "999", "1,000,000"]);
    }

    #[test]
    fn what_is_not_played_has_none_of_the_flags_of_playing() {
        let command = Playing::augment_args(clap::Command::new("any"));
        let mut flags: Vec<_> = command.get_arguments().map(|flag| flag.get_id().as_str()).collect();
        let mut refused = PLAYING.to_vec();
        flags.sort_unstable();
        refused.sort_unstable();
        assert_eq!(flags, refused);
    }
}
