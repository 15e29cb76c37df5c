//! The words on a row.

use serde_json::Value;

use super::{parcels, units};
use crate::timeline::{Frame, Opcode};
use crate::wire::engineio;

/// So much is left of a name that has to give way, in characters.
const SHORT: usize = 9;

/// The name as a reader knows it.
pub(super) fn nice(name: &str) -> &str {
    match name {
        "close" => "HTTP, close",
        "keep-alive" => "HTTP, keep-alive",
        "long-poll" => "Long polling",
        "sse" => "SSE",
        "websocket" => "WebSocket",
        "socketio" => "Socket.IO",
        "socketio-upgrade" => "Socket.IO upgrade",
        other => other,
    }
}

/// `, 82 bytes`
pub(super) fn tail(len: u64) -> String {
    format!(", {}", units::bytes(len))
}

/// `"Hello"`, `1000 bye`: what a frame says, without what it is; of an event only the words.
pub(super) fn payload(frame: &Frame) -> String {
    let words = frame.text.as_deref().filter(|_| frame.opcode == Opcode::Text).and_then(event);
    if let Some((_, words)) = words {
        return quoted(&words);
    }
    let label = self::frame(frame);
    label.split_once(' ').map(|(_, rest)| rest.to_owned()).unwrap_or_default()
}

/// What an event of our doors says, out of the JSON that carries it: `message`, `GOAL! 1-0`.
pub(super) fn event(json: &str) -> Option<(String, String)> {
    let event: Value = serde_json::from_str(json).ok()?;
    let name = event.get("event")?.as_str()?.to_owned();
    let data = event.get("data")?;
    let words = data.get("text").and_then(Value::as_str).map_or_else(|| data.to_string(), str::to_owned);
    Some((name, words))
}

/// `text "Hello"`, `text message "GOAL! 1-0"` for an event, `text+ "Hel"` where more follows, `ping "x"`,
/// `close 1000 bye`.
pub(super) fn frame(frame: &Frame) -> String {
    let more = if frame.fin { "" } else { "+" };
    if frame.opcode == Opcode::Text
        && let Some((name, words)) = frame.text.as_deref().and_then(event)
    {
        return format!("text {name} {}", quoted(&words));
    }
    let said = |name: &str| match frame.text.as_deref() {
        Some(text) if !text.is_empty() => format!("{name}{more} {}", quoted(text)),
        Some(_) | None => format!("{name}{more}"),
    };
    match frame.opcode {
        Opcode::Text => said("text"),
        Opcode::Continuation => said("continuation"),
        Opcode::Binary => format!("binary{more} of {}", frame.len),
        Opcode::Ping => said("ping"),
        Opcode::Pong => said("pong"),
        Opcode::Close => {
            let code = frame.code.map(|code| format!(" {code}")).unwrap_or_default();
            let reason = frame.reason.as_deref().filter(|reason| !reason.is_empty());
            format!("close{code}{}", reason.map(|reason| format!(" {reason}")).unwrap_or_default())
        }
        Opcode::Reserved(bits) => format!("reserved opcode {bits}"),
    }
}

/// `text "GOAL! 1-0"` and `"GOAL! 1-0"` of an event, for where its name does not fit; `"Hello"` of a text;
/// `close 1000` without the reason.
pub(super) fn briefer(frame: &Frame) -> Vec<String> {
    match (frame.opcode, frame.text.as_deref(), frame.code) {
        (Opcode::Close, _, Some(code)) => vec![format!("close {code}")],
        (Opcode::Text, Some(text), _) if frame.fin && !text.is_empty() => match event(text) {
            Some((_, words)) => vec![format!("text {}", quoted(&words)), quoted(&words)],
            None => vec![quoted(text)],
        },
        (Opcode::Close | Opcode::Text | Opcode::Binary | Opcode::Continuation, _, _)
        | (Opcode::Ping | Opcode::Pong | Opcode::Reserved(_), _, _) => Vec::new(),
    }
}

/// `GET …/messages?since=1`, `GET …?since=1`: the end of a path says more than its beginning. Of a session of Engine.IO the transport
/// says most: `GET …transport=polling…`, `GET …=polling…`.
pub(super) fn paths(method: &str, target: &str) -> Vec<String> {
    const TRANSPORT: &str = "transport=";
    if let Some(at) = target.find(TRANSPORT).filter(|_| engineio::is_target(target)) {
        let end = target[at..].find('&').map_or(target.len(), |end| at + end);
        let more = if end < target.len() { "…" } else { "" };
        let shown = [&target[at..end], &target[at + TRANSPORT.len() - 1..end]];
        return shown.map(|shown| format!("{method} …{shown}{more}")).into();
    }
    let ends = target.char_indices().skip(1).filter(|(_, c)| matches!(c, '/' | '?'));
    let ends = ends.map(|(at, _)| &target[at..]).filter(|end| end.len() > 1);
    ends.map(|end| format!("{method} …{end}")).collect()
}

/// `connect() :40511, SYN, SYN+ACK, ACK`, and with less and less of it.
pub(super) fn connect(port: Option<u16>) -> (String, Vec<String>) {
    let packets = "SYN, SYN+ACK, ACK";
    match port {
        Some(port) => {
            let briefer = vec![format!(":{port}, {packets}"), packets.to_owned()];
            (format!("connect() :{port}, {packets}"), briefer)
        }
        None => (format!("connect(), {packets}"), vec![packets.to_owned()]),
    }
}

/// What a frame is, in words of the specification.
pub(super) fn opcode(opcode: Opcode) -> String {
    String::from(opcode)
}

/// `sse message`, `socket.io event "tick"`.
pub(super) fn packet(layer: &str, packet: &str, event: Option<&str>) -> String {
    let event = event.map(|event| format!(" \"{event}\"")).unwrap_or_default();
    format!("{layer} {packet}{event}")
}

/// `anna learns of "GOAL! 1-0"`, and the same with a shorter name, and with none. A transport is no person: its
/// client is.
pub(super) fn heard(client: &str, words: Option<&str>) -> (String, Vec<String>) {
    let what = words.map_or_else(|| "it".into(), quoted);
    let learns = format!("learns of {what}");
    if nice(client) != client {
        return (format!("the client {learns}"), vec![learns]);
    }
    (format!("{client} {learns}"), vec![format!("{} {learns}", short(client)), learns])
}

/// A name with room for words beside it.
pub(super) fn short(name: &str) -> String {
    let end = name.char_indices().nth(SHORT).map_or(name.len(), |(at, _)| at);
    if end < name.len() { format!("{}…", &name[..end]) } else { name.to_owned() }
}

/// In quotes, unless it is JSON, which has its own: quotes within quotes are hard to read.
fn quoted(text: &str) -> String {
    if text.starts_with(['{', '[']) || parcels::is_json(text) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('"', "\\\""))
}

/// `silence, 10 s` of a claim `silence 10s`; `anna: silence, 10 s` where one client is meant.
pub(super) fn silence(claim: &str) -> Option<String> {
    let (whose, claim) = claim.split_once(": ").map_or(("", claim), |(name, claim)| (name, claim));
    let time = claim.strip_prefix("silence ")?.trim();
    let unit = time.find(char::is_alphabetic)?;
    let whose = if whose.is_empty() { String::new() } else { format!("{whose}: ") };
    Some(format!("{whose}silence, {} {}", time[..unit].trim_end(), &time[unit..]))
}

/// Whose connection it is: the lesson's name for its client, none for its only one; a guest came from outside.
pub(super) fn client(name: Option<&str>) -> Option<&str> {
    match name {
        Some("client") => None,
        Some(name) => Some(nice(name)),
        None => Some("guest"),
    }
}
