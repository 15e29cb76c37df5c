//! What may follow a `>`.

use super::page::{Page, Piece};
use super::socketio;
use super::values::{hex, is_token, nearest, payload};
use crate::lesson::script::Send;

/// The verbs of a `>` line.
const VERBS: [&str; 16] = [
    "text",
    "text+",
    "binary",
    "binary+",
    "cont",
    "cont+",
    "ping",
    "pong",
    "close",
    "connect",
    "raw",
    "fin",
    "reset",
    "io",
    "emit",
    "disconnect",
];

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

/// What a control frame can carry (RFC 6455, 5.5).
pub(super) const CONTROL: usize = 125;

/// Whether a line begins a new thing to send, rather than going on with a request.
pub(super) fn begins(rest: &str) -> bool {
    let mut words = rest.split_whitespace();
    let first = words.next().unwrap_or_default();
    let second = words.next();
    // A header has its colon at the end of the first word; verbs and methods have none.
    VERBS.contains(&first) || METHODS.contains(&first) || (is_method(first) && second.is_some_and(is_target))
}

/// A whole line after its `>`, trimmed and not empty. Notes what is wrong with it.
pub(super) fn parse(line: Piece<'_>, page: &mut Page<'_>) -> Option<Send> {
    let (verb, rest) = line.word();
    Some(match verb.text {
        "text" | "text+" => Send::Text { text: payload(rest, page)?, fin: verb.text == "text" },
        "cont" | "cont+" => Send::Continuation { text: payload(rest, page)?, fin: verb.text == "cont" },
        "binary" | "binary+" => Send::Binary { data: hex(rest, page)?, fin: verb.text == "binary" },
        "ping" => Send::Ping(control(rest, page)?),
        "pong" => Send::Pong(control(rest, page)?),
        "close" => Send::Close(close(rest, page)?),
        "raw" => raw(verb, rest, page)?,
        "connect" => alone(verb, rest, Send::Connect, page)?,
        "io" => socketio::io(rest, page)?,
        "emit" => socketio::emit(verb, rest, page)?,
        "disconnect" => alone(verb, rest, Send::Disconnect, page)?,
        "fin" => alone(verb, rest, Send::Fin, page)?,
        "reset" => alone(verb, rest, Send::Reset, page)?,
        _ => request(verb, rest, page)?,
    })
}

fn alone(verb: Piece<'_>, rest: Piece<'_>, send: Send, page: &mut Page<'_>) -> Option<Send> {
    if rest.is_empty() {
        return Some(send);
    }
    page.mistake(rest, format!("nothing may follow `{}`", verb.text), verb.text);
    None
}

fn raw(verb: Piece<'_>, rest: Piece<'_>, page: &mut Page<'_>) -> Option<Send> {
    if rest.is_empty() {
        page.mistake(verb, "`raw` wants the bytes to send, in HEX", "raw 81 85");
        return None;
    }
    hex(rest, page).map(Send::Raw)
}

/// The payload of a ping or pong.
pub(super) fn control(rest: Piece<'_>, page: &mut Page<'_>) -> Option<String> {
    let text = payload(rest, page)?;
    if text.len() > CONTROL {
        let message =
            format!("a control frame carries at most {CONTROL} bytes, not {} (RFC 6455, 5.5)", text.len());
        page.mistake(rest, message, "a shorter payload");
        return None;
    }
    Some(text)
}

fn close(rest: Piece<'_>, page: &mut Page<'_>) -> Option<Option<(u16, String)>> {
    if rest.is_empty() {
        return Some(None);
    }
    let (code, reason) = code_and_reason(rest, page)?;
    let at = rest.word().0;
    if matches!(code, 1005 | 1006 | 1015) {
        let message = format!("{code} never crosses the wire (RFC 6455, 7.4.1)");
        page.mistake(at, message, "close 1000; for a peer that breaks the rule, raw HEX");
        return None;
    }
    if !(1000..=4999).contains(&code) {
        let message = format!("{code} is no close code: they go from 1000 to 4999 (RFC 6455, 7.4.1)");
        page.mistake(at, message, "close 1000; for a peer that breaks the rule, raw HEX");
        return None;
    }
    Some(Some((code, reason)))
}

/// `CODE reason`; what the code is, is not checked.
pub(super) fn code_and_reason(rest: Piece<'_>, page: &mut Page<'_>) -> Option<(u16, String)> {
    let (code, reason) = rest.word();
    let Ok(number) = code.text.parse::<u16>() else {
        page.mistake(code, format!("\"{}\" is no close code", code.text), "close 1000 bye");
        return None;
    };
    let text = payload(reason, page)?;
    if text.len() > CONTROL - 2 {
        let message = format!(
            "a close frame has room for {} bytes of reason, not {} (RFC 6455, 5.5)",
            CONTROL - 2,
            text.len()
        );
        page.mistake(reason, message, "a shorter reason");
        return None;
    }
    Some((number, text))
}

fn request(method: Piece<'_>, rest: Piece<'_>, page: &mut Page<'_>) -> Option<Send> {
    if !is_method(method.text)
        || (rest.is_empty() && !METHODS.contains(&method.text))
        || misspelt(method.text)
    {
        unknown(method, rest, page);
        return None;
    }
    let (target, version) = rest.word();
    if target.is_empty() {
        page.mistake(method, "a request needs a target", format!("{} /api/messages", method.text));
        return None;
    }
    if !is_target(target.text) {
        let message = format!("\"{}\" is no target of a request", target.text);
        page.mistake(target, message, format!("{} /{}", method.text, target.text));
        return None;
    }
    // Lines copied from curl have it, and it is what will be sent.
    if !version.is_empty() && version.text != "HTTP/1.1" {
        let message = "a request line is a method and a target; HTTP/1.1 is added";
        page.mistake(version, message, format!("{} {}", method.text, target.text));
        return None;
    }
    Some(Send::Request {
        method: method.text.to_owned(),
        target: target.text.to_owned(),
        headers: Vec::new(),
        body: None,
    })
}

fn unknown(verb: Piece<'_>, rest: Piece<'_>, page: &mut Page<'_>) {
    if verb.text.ends_with(':') && verb.text.len() > 1 {
        let message = "a header line without a request before it";
        page.mistake(verb, message, "> GET /api/messages, and the header line right after it");
        return;
    }
    let names = METHODS.iter().chain(&VERBS).copied();
    // What has a target is a request, whatever its method looks like.
    let upper = verb.text.to_uppercase();
    let near = if is_target(rest.text) {
        nearest(verb.text, METHODS).or_else(|| is_method(&upper).then_some(upper.as_str()))
    } else {
        nearest(verb.text, names)
    };
    let mend = near.map_or_else(
        || format!("a request (> GET /api/messages) or one of {}", VERBS.join(", ")),
        |near| format!("{near} {}", rest.text).trim_end().to_owned(),
    );
    page.mistake(verb, format!("a `>` line has no verb or method named \"{}\"", verb.text), mend);
}

/// Capital letters: methods of one's own are allowed, but a lower-case one is nearly always a slip.
fn is_method(text: &str) -> bool {
    is_token(text)
        && text.chars().all(|c| !c.is_ascii_lowercase())
        && text.starts_with(|c: char| c.is_ascii_uppercase())
}

/// A method of nobody's, but very much like a real one.
fn misspelt(method: &str) -> bool {
    !METHODS.contains(&method) && nearest(method, METHODS).is_some()
}

fn is_target(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let starts = ["/", "{", "http://", "https://"].iter().any(|start| first.starts_with(start));
    (starts || first == "*") && first.chars().all(|c| c.is_ascii_graphic())
}
