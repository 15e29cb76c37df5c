//! Compares what arrived with what a `<` line expects; what it captures on the way is handed back.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::socketio::{self, io_fits, values_fit};
use crate::client::{Arg, Incoming, Io, Streamed};
use crate::lesson::script::Expect;
use crate::lesson::template;

/// Values that were captured, by name.
pub(super) type Captures = HashMap<String, String>;

/// Whether a message is of a kind that is skipped unless it is written.
pub(super) fn is_skipped(expect: &Expect, incoming: &Incoming) -> bool {
    match incoming {
        Incoming::Ping(_) => !matches!(expect, Expect::Ping(_)),
        Incoming::Pong(_) => !matches!(expect, Expect::Pong(_)),
        Incoming::Streamed(Streamed::Id(_)) => !matches!(expect, Expect::Id(_)),
        Incoming::Streamed(Streamed::Retry(_)) => !matches!(expect, Expect::Retry(_)),
        // The end of an earlier session is no answer to a new one.
        Incoming::Io(Io::Ended(_)) => matches!(expect, Expect::Connect(_) | Expect::ConnectError(_)),
        // Who left knows it, and need not say so.
        Incoming::Io(Io::Left) => *expect != Expect::Disconnect,
        Incoming::Response { .. }
        | Incoming::Text(_)
        | Incoming::Binary(_)
        | Incoming::Close(_)
        | Incoming::Streamed(Streamed::Event { .. })
        | Incoming::Io(_)
        | Incoming::Unsent(_) => false,
    }
}

/// Whether it is news on a socket, or in a stream of events, that nobody of the lesson made: a guest's, which is no business of a transcript unless
/// a line asks for it.
pub(super) fn is_news_of_others(incoming: &Incoming, speakers: &HashSet<String>) -> bool {
    let data = match incoming {
        Incoming::Text(text) => {
            let mut event: Value = serde_json::from_str(text).unwrap_or_default();
            event.get_mut("data").map(Value::take)
        }
        Incoming::Streamed(Streamed::Event { data, .. }) => serde_json::from_str(data).ok(),
        Incoming::Io(Io::Event { args, .. }) => match args.first() {
            Some(Arg::Json(data)) => Some(data.clone()),
            Some(Arg::Binary(_)) | None => None,
        },
        Incoming::Io(_)
        | Incoming::Streamed(_)
        | Incoming::Response { .. }
        | Incoming::Binary(_)
        | Incoming::Ping(_)
        | Incoming::Pong(_)
        | Incoming::Close(_)
        | Incoming::Unsent(_) => None,
    };
    let from = data.as_ref().and_then(|data| data.get("from")).and_then(Value::as_str);
    from.is_some_and(|from| !speakers.contains(from))
}

/// A message that was not what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// Which part of the expectation it did not meet; `None`: the first line.
    pub expected: Option<String>,
    /// What was there instead.
    pub saw: String,
}

impl Mismatch {
    fn whole(incoming: &Incoming) -> Self {
        Self { expected: None, saw: describe(incoming) }
    }
}

/// What was captured, or what was seen instead.
pub(super) fn matches(expect: &Expect, incoming: &Incoming, known: &Captures) -> Result<Captures, Mismatch> {
    let mut found = Captures::new();
    let fits = match (expect, incoming) {
        (_, Incoming::Unsent(_)) => false,
        (Expect::Anything, _) => true,
        (Expect::Response { status, headers, body }, Incoming::Response { .. }) => {
            return response((*status, headers, body.as_deref()), incoming, known);
        }
        (Expect::Text(pattern), Incoming::Text(text)) => text_fits(pattern, text, known, &mut found),
        (Expect::Binary(expected), Incoming::Binary(data)) => {
            expected.as_ref().is_none_or(|expected| expected == data)
        }
        (Expect::Ping(pattern), Incoming::Ping(data)) | (Expect::Pong(pattern), Incoming::Pong(data)) => {
            text_fits(pattern, &String::from_utf8_lossy(data), known, &mut found)
        }
        (Expect::Close { code, reason }, Incoming::Close(frame)) => {
            let (seen, said) = frame.clone().unwrap_or((1005, String::new()));
            code.is_none_or(|code| code == seen) && reason.as_ref().is_none_or(|reason| *reason == said)
        }
        (Expect::Event { name, data }, Incoming::Text(text)) => match serde_json::from_str::<Value>(text) {
            Ok(event) => {
                let value = event.get("data").cloned().unwrap_or_default();
                event.get("event").and_then(Value::as_str) == Some(name)
                    && values_fit(data, &[Arg::Json(value)], known, &mut found)
            }
            Err(_) => false,
        },
        (Expect::Event { name, data }, Incoming::Streamed(Streamed::Event { name: seen, data: text })) => {
            // What is no JSON is a text.
            let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
            name == seen && values_fit(data, &[Arg::Json(value)], known, &mut found)
        }
        (Expect::Id(pattern), Incoming::Streamed(Streamed::Id(id))) => {
            text_fits(pattern, id, known, &mut found)
        }
        (Expect::Retry(time), Incoming::Streamed(Streamed::Retry(seen))) => {
            time.is_none_or(|time| time == *seen)
        }
        (wanted, Incoming::Io(io)) => io_fits(wanted, io, known, &mut found),
        _ => false,
    };
    if fits { Ok(found) } else { Err(Mismatch::whole(incoming)) }
}

/// In words, short enough for one line.
pub(super) fn describe(incoming: &Incoming) -> String {
    match incoming {
        Incoming::Response { status, .. } => format!("response {status}"),
        Incoming::Text(text) => format!("text {}", shortened(text)),
        Incoming::Binary(data) => format!("binary, {} bytes", data.len()),
        Incoming::Ping(data) => format!("ping {}", shortened(&String::from_utf8_lossy(data))),
        Incoming::Pong(data) => format!("pong {}", shortened(&String::from_utf8_lossy(data))),
        Incoming::Close(Some((code, reason))) => format!("close {code} {reason}").trim_end().into(),
        Incoming::Close(None) => "close without a code".into(),
        Incoming::Io(io) => socketio::describe(io),
        Incoming::Streamed(Streamed::Event { name, data }) => format!("event {name} {}", shortened(data)),
        Incoming::Streamed(Streamed::Id(id)) => format!("id {}", shortened(id)),
        Incoming::Streamed(Streamed::Retry(time)) => format!("retry {time}"),
        Incoming::Unsent(why) => format!("not sent: {why}"),
    }
}

type ExpectedResponse<'a> = (u16, &'a [(String, String)], Option<&'a str>);

fn response(
    expected: ExpectedResponse<'_>,
    incoming: &Incoming,
    known: &Captures,
) -> Result<Captures, Mismatch> {
    let Incoming::Response { status, headers, body } = incoming else {
        return Err(Mismatch::whole(incoming));
    };
    let (wanted_status, wanted_headers, wanted_body) = expected;
    let mut found = Captures::new();
    if *status != wanted_status {
        return Err(Mismatch::whole(incoming));
    }
    for (name, pattern) in wanted_headers {
        let expected = Some(format!("{name}: {pattern}"));
        let values = headers.iter().filter(|(seen, _)| seen.eq_ignore_ascii_case(name));
        let seen: Vec<_> = values.map(|(_, value)| value.as_str()).collect();
        if seen.is_empty() {
            return Err(Mismatch { expected, saw: format!("no such header with the {status}") });
        }
        if !seen.iter().any(|value| text_fits(pattern, value, known, &mut found)) {
            return Err(Mismatch { expected, saw: format!("{name}: {}", seen.join(", ")) });
        }
    }
    let text = String::from_utf8_lossy(body);
    match wanted_body {
        Some(pattern) if !body_fits(pattern, &text, known, &mut found) => Err(Mismatch {
            expected: Some(format!("the body {}", shortened(pattern))),
            saw: format!("the body {}", shortened(&text)),
        }),
        _ => Ok(found),
    }
}

fn body_fits(pattern: &str, text: &str, known: &Captures, found: &mut Captures) -> bool {
    match serde_json::from_str(text) {
        Ok(value) if template::json(&fill(pattern, known)).is_ok() => {
            json_fits(pattern, &value, known, found)
        }
        Ok(_) | Err(_) => text_fits(pattern, text, known, found),
    }
}

/// Exactly the text, with `{name}` standing for a known value or for whatever is there; `*` alone is anything, and `*` at the
/// end any rest.
pub(super) fn text_fits(pattern: &str, text: &str, known: &Captures, found: &mut Captures) -> bool {
    let pattern = fill(pattern, known);
    let (pattern, open) = match pattern.strip_suffix('*') {
        Some(start) => (start, true),
        None => (pattern.as_str(), false),
    };
    // One capture a text: several could be divided in more than one way.
    let Some((place, name)) = template::places(pattern).next() else {
        return if open { text.starts_with(pattern) } else { pattern == text };
    };
    let (before, after) = (&pattern[..place.start], &pattern[place.end..]);
    let value = text.strip_prefix(before).and_then(|rest| match open {
        true if after.is_empty() => Some(rest),
        true => rest.split_once(after).map(|(value, _)| value),
        false => rest.strip_suffix(after),
    });
    match value {
        Some(value) if !value.is_empty() => {
            found.insert(name.into(), value.into());
            true
        }
        _ => false,
    }
}

pub(super) fn json_fits(pattern: &str, value: &Value, known: &Captures, found: &mut Captures) -> bool {
    if pattern.trim() == "*" {
        return true;
    }
    template::json(&fill(pattern, known)).is_ok_and(|pattern| value_fits(&pattern, value, found))
}

/// The fields that are named must match. Of a list, the items that are written must be there, in that order; others may
/// stand between them, since guests may post. An empty list is an empty list.
pub(super) fn value_fits(pattern: &Value, value: &Value, found: &mut Captures) -> bool {
    match (pattern, value) {
        (Value::Object(fields), Value::Object(_)) => fields
            .iter()
            .all(|(name, pattern)| value.get(name).is_some_and(|value| value_fits(pattern, value, found))),
        (Value::Array(patterns), Value::Array(values)) => {
            let mut rest = values.iter();
            let mut is_there = |pattern| rest.any(|value| value_fits(pattern, value, found));
            if patterns.is_empty() { values.is_empty() } else { patterns.iter().all(&mut is_there) }
        }
        (Value::String(pattern), value) if template::names(pattern).next().is_some() => {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            text_fits(pattern, &text, &Captures::new(), found)
        }
        (Value::String(pattern), Value::String(_)) if pattern == "*" => true,
        (pattern, value) => pattern == value,
    }
}

pub(super) fn fill(pattern: &str, known: &Captures) -> String {
    template::fill(pattern, &|name| known.get(name).cloned())
}

pub(super) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::script::Values;

    fn ok(body: &str, headers: &[(&str, &str)]) -> Incoming {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Incoming::Response { status: 200, headers, body: body.to_owned().into() }
    }

    fn expect(headers: &[(&str, &str)], body: Option<&str>) -> Expect {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Expect::Response { status: 200, headers, body: body.map(Into::into) }
    }

    #[test]
    fn of_json_the_named_fields_must_match() {
        let incoming = ok(r#"{"id":7,"from":"anna","text":"Nice!"}"#, &[]);
        let known = Captures::new();
        assert!(matches(&expect(&[], Some(r#"{"text":"Nice!"}"#)), &incoming, &known).is_ok());
        assert!(matches(&expect(&[], Some(r#"{"text":"Bad"}"#)), &incoming, &known).is_err());
        assert!(matches(&expect(&[], Some(r#"{"nothing":1}"#)), &incoming, &known).is_err());
    }

    #[test]
    fn an_unknown_name_captures_and_a_known_one_inserts() {
        let incoming = ok(r#"[{"id":7,"text":"a"}]"#, &[("Location", "/api/messages/7")]);
        let wanted = expect(&[("location", "/api/messages/{id}")], None);
        let found = matches(&wanted, &incoming, &Captures::new()).unwrap();
        assert_eq!(found["id"], "7");
        let found = matches(&expect(&[], Some(r#"[{"id":{n}}]"#)), &incoming, &Captures::new()).unwrap();
        assert_eq!(found["n"], "7");
        assert!(
            matches(
                &expect(&[], Some(r#"[{"id":{id},"text":"a"}]"#)),
                &incoming,
                &Captures::from([("id".into(), "7".into())])
            )
            .is_ok()
        );
        let other = Captures::from([("id".to_owned(), "8".to_owned())]);
        let mismatch = matches(&wanted, &incoming, &other).unwrap_err();
        assert_eq!(mismatch.expected.as_deref(), Some("location: /api/messages/{id}"));
        assert_eq!(mismatch.saw, "location: /api/messages/7");
    }

    #[test]
    fn of_a_list_others_may_stand_between_what_is_written() {
        let incoming = ok(r#"[{"text":"a"},{"text":"guest"},{"text":"b"}]"#, &[]);
        let fits = |body| matches(&expect(&[], Some(body)), &incoming, &Captures::new()).is_ok();
        assert!(fits(r#"[{"text":"a"},{"text":"b"}]"#));
        assert!(!fits(r#"[{"text":"b"},{"text":"a"}]"#));
        assert!(!fits("[]"));
    }

    #[test]
    fn events_match_by_name_and_data() {
        let text = Incoming::Text(r#"{"event":"message","data":{"id":3,"text":"GOAL! 1-0"}}"#.into());
        let values = |data: &str| if data == "*" { Values::Any } else { Values::Json(data.into()) };
        let event = |name: &str, data: &str| Expect::Event { name: name.into(), data: values(data) };
        let known = Captures::new();
        assert!(matches(&event("message", r#"{"text":"GOAL! 1-0"}"#), &text, &known).is_ok());
        assert!(matches(&event("message", "*"), &text, &known).is_ok());
        assert!(matches(&event("deleted", "*"), &text, &known).is_err());
    }

    #[test]
    fn a_star_at_the_end_is_any_rest() {
        let open = Incoming::Text(r#"0{"sid":"a*b","upgrades":[]}"#.into());
        let found = |pattern: &str| matches(&Expect::Text(pattern.into()), &open, &Captures::new());
        assert!(found("*").is_ok() && found("0*").is_ok() && found(r#"0{"sid":"a*"#).is_ok());
        assert!(found("4*").is_err() && found("0").is_err());
        assert_eq!(found(r#"0{"sid":"{sid}",*"#).unwrap()["sid"], "a*b");
        assert_eq!(found(r"0{rest}*").unwrap()["rest"], r#"{"sid":"a*b","upgrades":[]}"#);
        assert!(found(r#"0{"sid":"{sid}","none*"#).is_err());
    }

    #[test]
    fn a_close_without_a_code_is_1005() {
        let close = |code| Expect::Close { code, reason: None };
        assert!(matches(&close(Some(1005)), &Incoming::Close(None), &Captures::new()).is_ok());
        assert!(
            matches(&close(None), &Incoming::Close(Some((1000, "bye".into()))), &Captures::new()).is_ok()
        );
        assert!(
            matches(&close(Some(1000)), &Incoming::Close(Some((1001, String::new()))), &Captures::new())
                .is_err()
        );
    }
}
