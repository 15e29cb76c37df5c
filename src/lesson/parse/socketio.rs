//! What a Socket.IO client says and hears: the lines that are written as with socket.io-client.

use super::data;
use super::expects::brief;
use super::page::{Page, Piece};
use super::scope::{NOBODY, Scope};
use super::values::nearest;
use crate::client::Mode;
use crate::lesson::script::{Act, Expect, Send, Values, What};
use crate::lesson::template;

/// What may follow `io`, beside a namespace.
const TRANSPORTS: [&str; 2] = ["websocket", "polling"];

/// After `io`: at most one transport, at most one namespace.
pub(super) fn io(rest: Piece<'_>, page: &mut Page<'_>) -> Option<Send> {
    let (mut mode, mut namespace) = (Mode::Upgrade, "/");
    let (mut word, mut rest) = rest.word();
    let mut transports = 0;
    let mut namespaces = 0;
    while !word.is_empty() {
        match word.text {
            "websocket" => mode = Mode::WebSocket,
            "polling" => mode = Mode::Polling,
            text if text.starts_with('/') && !text.contains([',', '?']) => {
                namespace = text;
                namespaces += 1;
            }
            text => {
                let mend =
                    nearest(text, TRANSPORTS).map_or("io, io websocket, io polling or io /class", |it| it);
                page.mistake(word, format!("\"{text}\" is no transport and no namespace"), mend);
                return None;
            }
        }
        transports += usize::from(TRANSPORTS.contains(&word.text));
        if transports > 1 || namespaces > 1 {
            page.mistake(word, "`io` takes one transport and one namespace", "io websocket /class");
            return None;
        }
        (word, rest) = rest.word();
    }
    Some(Send::Io { mode, namespace: namespace.to_owned() })
}

/// After `emit`: the event's name, then its values. Whether its answer is waited for is known at the end of the fence.
pub(super) fn emit(verb: Piece<'_>, rest: Piece<'_>, page: &mut Page<'_>) -> Option<Send> {
    let (name, rest) = rest.word();
    if name.is_empty() {
        page.mistake(verb, "`emit` wants the event's name and its data", r#"emit message "hello""#);
        return None;
    }
    if name.text.starts_with(['"', '\'']) || name.text.ends_with(',') {
        let bare = name.text.trim_matches(|c| matches!(c, '"' | '\'' | ','));
        let mend = format!("emit {bare} {}", data::mended(rest.text));
        page.mistake(name, "the event's name stands without quotes and without a comma", mend.trim_end());
        return None;
    }
    let data = if rest.is_empty() { Values::Json(String::new()) } else { data::values(rest, page)? };
    Some(Send::Emit { name: name.text.to_owned(), data, asks: false })
}

/// The data that came along with `connect` or `connect_error`, where it is written.
pub(super) fn along(rest: Piece<'_>, page: &mut Page<'_>) -> Option<Option<String>> {
    if rest.is_empty() || rest.text == "*" {
        return Some(None);
    }
    if let Err(error) = template::json(rest.text) {
        let message = format!("the data is no JSON: {}", brief(&error));
        page.mistake(rest, message, r#"{"message":"Invalid namespace"} or nothing"#);
        return None;
    }
    Some(Some(rest.text.to_owned()))
}

/// After `ack`: its values; nothing, or `*`, is any.
pub(super) fn ack(rest: Piece<'_>, page: &mut Page<'_>) -> Option<Expect> {
    let any = rest.is_empty() || rest.text == "*";
    Some(Expect::Ack(if any { Values::Any } else { data::values(rest, page)? }))
}

/// An `emit` asks for an answer where the transcript has one for it: an `ack` of the same client before its next `emit`,
/// in the same fence: what arrives after a fence is unexpected. Tells
/// which `ack` has no `emit`.
pub(super) fn pair(acts: &mut [Act], scope: &Scope, page: &mut Page<'_>) {
    for at in 0..acts.len() {
        let act = &acts[at];
        if !matches!(act.what, What::Expect(Expect::Ack(_), _)) {
            continue;
        }
        let client = act.client.clone();
        let of_client = |act: &&mut Act| act.client == client;
        let before = acts[..at].iter_mut().rev().filter(of_client);
        let asked = before.map(|act| &mut act.what).find_map(|what| match what {
            What::Send(Send::Emit { asks, .. }) => Some(!std::mem::replace(asks, true)),
            What::Expect(Expect::Ack(_), _) => Some(false),
            _ => None,
        });
        // A line that was not understood may have been the `emit`.
        let lost = scope.may_get_anything(client.as_deref().unwrap_or(NOBODY));
        if asked != Some(true) && !lost {
            let line = page.line(acts[at].line).trim();
            let name = acts[at].client.as_deref().filter(|name| *name != NOBODY);
            let front = name.map(|name| format!("{name}: ")).unwrap_or_default();
            let message = "an `ack` answers one `emit` of the same client, before it in the same fence";
            page.mistake(line, message, format!(r#"a line before it: {front}> emit echo "hi""#));
        }
    }
}
