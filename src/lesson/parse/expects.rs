//! What may follow a `<`.

use std::time::Duration;

use super::page::{Page, Piece};
use super::sends::{code_and_reason, control};
use super::values::{hex, nearest, payload, positive};
use super::{data, socketio};
use crate::lesson::script::{Expect, Values};

/// How long a message may take to come, unless the lesson says otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

const FORMS: [&str; 15] = [
    "text",
    "binary",
    "ping",
    "pong",
    "close",
    "event",
    "id",
    "retry",
    "connect",
    "connect_error",
    "ack",
    "disconnect",
    "upgrade",
    "within",
    "*",
];

/// Whether a line begins a new thing to expect, rather than going on with a response.
pub(super) fn begins(rest: &str) -> bool {
    let first = rest.split_whitespace().next().unwrap_or_default();
    FORMS.contains(&first) || is_status_word(first)
}

/// A whole line after its `<`, trimmed and not empty. Notes what is wrong with it.
pub(super) fn parse(line: Piece<'_>, page: &mut Page<'_>) -> Option<(Expect, Duration)> {
    let (first, rest) = line.word();
    if first.text != "within" {
        return Some((message(line, page)?, PATIENCE));
    }
    let (time, rest) = rest.word();
    let within = positive(if time.is_empty() { first } else { time }, page)?;
    if rest.is_empty() {
        page.mistake(line, "what is to come within that time?", format!("{} 200", line.text));
        return None;
    }
    Some((message(rest, page)?, within))
}

fn message(line: Piece<'_>, page: &mut Page<'_>) -> Option<Expect> {
    let (form, rest) = line.word();
    Some(match form.text {
        "text" => Expect::Text(payload(rest, page)?),
        "binary" if rest.text == "*" => Expect::Binary(None),
        "binary" => Expect::Binary(Some(hex(rest, page)?)),
        "ping" => Expect::Ping(control(rest, page)?),
        "pong" => Expect::Pong(control(rest, page)?),
        "close" => close(rest, page)?,
        "event" => event(form, rest, page)?,
        "id" => id(form, rest, page)?,
        "retry" => retry(form, rest, page)?,
        "connect" => Expect::Connect(socketio::along(rest, page)?),
        "connect_error" => Expect::ConnectError(socketio::along(rest, page)?),
        "ack" => socketio::ack(rest, page)?,
        "disconnect" => alone(form, rest, Expect::Disconnect, page)?,
        "upgrade" => alone(form, rest, Expect::Upgrade, page)?,
        "*" if rest.is_empty() => Expect::Anything,
        word if is_status_word(word) => status(form, rest, page)?,
        _ => {
            unknown(form, rest, page);
            return None;
        }
    })
}

fn is_status_word(word: &str) -> bool {
    word.starts_with("HTTP/") || (!word.is_empty() && word.chars().all(|c| c.is_ascii_digit()))
}

fn status(word: Piece<'_>, rest: Piece<'_>, page: &mut Page<'_>) -> Option<Expect> {
    if word.text.starts_with("HTTP/") {
        let code = rest.word().0.text;
        let mend = if is_status_word(code) { code } else { "200" };
        page.mistake(word, "a `<` line begins with the status, without the version", mend);
        return None;
    }
    let status = word.text.parse().ok().filter(|status| (100..=599).contains(status));
    let Some(status) = status else {
        page.mistake(word, format!("{} is no status: they go from 100 to 599", word.text), "200");
        return None;
    };
    if !rest.is_empty() {
        page.mistake(rest, "the status stands alone: the words after it are not compared", word.text);
        return None;
    }
    Some(Expect::Response { status, headers: Vec::new(), body: None })
}

fn close(rest: Piece<'_>, page: &mut Page<'_>) -> Option<Expect> {
    if rest.is_empty() {
        return Some(Expect::Close { code: None, reason: None });
    }
    let (code, reason) = code_and_reason(rest, page)?;
    if matches!(code, 1005 | 1006 | 1015) {
        let message = format!("{code} never crosses the wire (RFC 6455, 7.4.1)");
        page.mistake(rest.word().0, message, format!("= closed with {code}"));
        return None;
    }
    let written = !rest.word().1.is_empty();
    Some(Expect::Close { code: Some(code), reason: written.then_some(reason) })
}

fn event(form: Piece<'_>, rest: Piece<'_>, page: &mut Page<'_>) -> Option<Expect> {
    let (name, data) = rest.word();
    if name.is_empty() {
        page.mistake(form, "`event` wants the event's name and its data", "event message *");
        return None;
    }
    if data.is_empty() {
        page.mistake(name, "the event's data is missing", format!("event {} *", name.text));
        return None;
    }
    let data = if data.text == "*" { Values::Any } else { data::values(data, page)? };
    Some(Expect::Event { name: name.text.to_owned(), data })
}

/// `id 7`, `id {seen}`, `id *`
fn id(form: Piece<'_>, rest: Piece<'_>, page: &mut Page<'_>) -> Option<Expect> {
    if rest.is_empty() {
        page.mistake(form, "`id` wants the last event's id", "id {seen}");
        return None;
    }
    payload(rest, page).map(Expect::Id)
}

/// `retry 2000`, `retry *`
fn retry(form: Piece<'_>, rest: Piece<'_>, page: &mut Page<'_>) -> Option<Expect> {
    if rest.text == "*" {
        return Some(Expect::Retry(None));
    }
    let time = rest.text.parse().ok();
    if time.is_none() {
        let at = if rest.is_empty() { form } else { rest };
        page.mistake(at, "`retry` wants a number of milliseconds", "retry 2000");
    }
    time.map(|time| Expect::Retry(Some(time)))
}

fn alone(form: Piece<'_>, rest: Piece<'_>, expect: Expect, page: &mut Page<'_>) -> Option<Expect> {
    if rest.is_empty() {
        return Some(expect);
    }
    page.mistake(rest, format!("nothing may follow `{}`", form.text), form.text);
    None
}

/// serde_json's message without its place, which counts from the start of the value and not of the line.
pub(super) fn brief(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

fn unknown(form: Piece<'_>, rest: Piece<'_>, page: &mut Page<'_>) {
    if form.text.ends_with(':') && form.text.len() > 1 {
        page.mistake(
            form,
            "a header line without a status before it",
            "< 200, and the header line right after it",
        );
        return;
    }
    let mend = nearest(form.text, FORMS).map_or_else(
        || format!("a status (< 200) or one of {}", FORMS.join(", ")),
        |near| format!("{near} {}", rest.text).trim_end().to_owned(),
    );
    page.mistake(form, format!("a `<` line has no form named \"{}\"", form.text), mend);
}
