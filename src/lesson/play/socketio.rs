//! Compares what reached a Socket.IO client with what a `<` line expects.

use super::expect::{Captures, fill, json_fits, shortened, value_fits};
use crate::client::{Arg, Io};
use crate::lesson::script::{Expect, One, Values};
use crate::lesson::template;

/// Whether it is that; what it captures is found.
pub(super) fn io_fits(wanted: &Expect, io: &Io, known: &Captures, found: &mut Captures) -> bool {
    match (wanted, io) {
        (Expect::Connect(pattern), Io::Connect(data))
        | (Expect::ConnectError(pattern), Io::ConnectError(data)) => {
            pattern.as_ref().is_none_or(|pattern| json_fits(pattern, data, known, found))
        }
        (Expect::Event { name: wanted, data }, Io::Event { name, args }) => {
            wanted == name && values_fit(data, args, known, found)
        }
        (Expect::Ack(data), Io::Ack { args, .. }) => values_fit(data, args, known, found),
        (Expect::Disconnect, Io::Disconnect | Io::Ended(_) | Io::Left) => true,
        _ => false,
    }
}

/// As many values as are written, each matching.
pub(super) fn values_fit(wanted: &Values, args: &[Arg], known: &Captures, found: &mut Captures) -> bool {
    match wanted {
        Values::Any => true,
        Values::Mixed(wanted) => {
            wanted.len() == args.len()
                && wanted.iter().zip(args).all(|(wanted, arg)| match (wanted, arg) {
                    (One::Binary(wanted), Arg::Binary(data)) => data == wanted,
                    (One::Json(pattern), Arg::Json(value)) => json_fits(pattern, value, known, found),
                    (One::Binary(_), Arg::Json(_)) | (One::Json(_), Arg::Binary(_)) => false,
                })
        }
        Values::Json(pattern) => {
            let Ok(serde_json::Value::Array(patterns)) =
                template::json(&format!("[{}]", fill(pattern, known)))
            else {
                return false;
            };
            patterns.len() == args.len()
                && patterns.iter().zip(args).all(|(pattern, arg)| match arg {
                    Arg::Json(value) => value_fits(pattern, value, found),
                    Arg::Binary(_) => false,
                })
        }
    }
}

/// As a `<` line would say it, short enough for one.
pub(super) fn describe(io: &Io) -> String {
    match io {
        Io::Connect(data) => format!("connect {}", shortened(&data.to_string())),
        Io::ConnectError(data) => format!("connect_error {}", shortened(&data.to_string())),
        Io::Event { name, args } => format!("event {name} {}", values(args)).trim_end().into(),
        Io::Ack { args, .. } => format!("ack {}", values(args)).trim_end().into(),
        Io::Disconnect => "disconnect".into(),
        Io::Left => "disconnect: the client left".into(),
        Io::Ended(how) => format!("disconnect: {how}"),
        Io::Failed(why) => format!("no session: {why}"),
    }
}

fn values(args: &[Arg]) -> String {
    let value = |arg: &Arg| match arg {
        Arg::Json(value) => value.to_string(),
        Arg::Binary(data) => format!("binary, {} bytes", data.len()),
    };
    shortened(&args.iter().map(value).collect::<Vec<_>>().join(", "))
}
