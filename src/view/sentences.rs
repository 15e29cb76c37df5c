//! Messages and frames in plain sentences: directions, bits and bytes in words.

use super::caught::{Exchange, Message, Seen};
use super::fence::Fence;
use super::kept::{Item, Loose};
use super::message::{self, Detail};
use super::{bits, exchange, hexdump, kept, labels, units};
use crate::timeline::{ConnId, Side};
use crate::wire::anatomy::{self, HeadAnatomy, Lines};
use crate::wire::handshake::Working;

/// The most lines of a body, and characters of a line.
const BODY_LINES: usize = 6;
const LINE: usize = 500;
/// How many bytes of a payload are written out, and how many are unmasked one by one.
const PAYLOAD: usize = 32;
const UNMASKED: usize = 4;

/// `#1 anna`; in a compare `#9, lane "HTTP, close"`: a transport is no person.
pub(super) fn who(conn: ConnId, client: Option<&str>) -> String {
    match labels::client(client) {
        Some(name) if client.is_some_and(|client| client != name) => format!("{conn}, lane \"{name}\""),
        Some(name) => format!("{conn} {name}"),
        None => conn.to_string(),
    }
}

/// `client to server`
pub(super) fn direction(from: Side) -> String {
    format!("{} to {}", from.word(), from.other().word())
}

/// All exchanges of a transcript.
pub(super) fn exchanges(fence: &Fence, detail: Detail) -> Vec<String> {
    let all = fence.all_exchanges();
    if all.len() > exchange::MOST {
        let sum = |message: fn(&Exchange) -> &Option<Message>| {
            let lengths = all.iter().filter_map(|it| message(it).as_ref()).map(|it| it.wire_len);
            units::bytes(lengths.fold(0, u64::saturating_add))
        };
        let (asked, answered) = (sum(|it| &it.request), sum(|it| &it.response));
        let count = units::count(all.len() as u64, "exchange");
        return vec![format!("{count}: client to server {asked}, server to client {answered}.")];
    }
    all.iter().flat_map(|it| one(it, detail)).collect()
}

fn one(it: &Exchange, detail: Detail) -> Vec<String> {
    let who = who(ConnId(it.conn), it.client.as_deref());
    let request = it.request.as_ref().map(|message| of_message(&who, Side::Client, message, detail));
    let response = it.response.as_ref().map(|message| of_message(&who, Side::Server, message, detail));
    request.into_iter().chain(response).flatten().collect()
}

fn of_message(who: &str, from: Side, message: &Message, detail: Detail) -> Vec<String> {
    let what = if from == Side::Client { "request" } else { "response" };
    let mut text = vec![format!("{who}  {}  {what}, {}:", direction(from), units::bytes(message.wire_len))];
    let Some(bytes) = &message.bytes else {
        text.push("    too long to be kept".into());
        return text;
    };
    match anatomy::head(bytes) {
        Some(parts) => text.extend(lines(from, &parts, message, detail)),
        None => text.extend(body(bytes, message.wire_len)),
    }
    text
}

fn lines(from: Side, parts: &HeadAnatomy<'_>, of: &Message, detail: Detail) -> Vec<String> {
    let interim = parts.interim.iter().map(Lines::wire_len).sum::<usize>();
    let before = (parts.skipped + interim + parts.head.wire_len()) as u64;
    let body_len = of.wire_len.saturating_sub(before);
    let mut text: Vec<String> =
        parts.interim.iter().map(|it| format!("    {}  (more follows)", it.start.text)).collect();
    text.push(format!("    {}", parts.head.start.text));
    let (mut count, mut sum) = (0, 0);
    for line in &parts.head.headers {
        if detail == Detail::Brief && message::story(line, &parts.head, body_len > 0).is_none() {
            (count, sum) = (count + 1, sum + line.len as u64);
            continue;
        }
        let remark = line.remark().map(|remark| format!("  ({remark})")).unwrap_or_default();
        text.push(format!("    {}{remark}", line.text));
    }
    if count > 0 {
        text.push(format!("    and {}, {} (x)", units::count(count, "line"), units::bytes(sum)));
    }
    text.push(format!("    empty line  ({})", message::ends(from, &parts.head, body_len > 0)));
    if of.load.is_empty() {
        text.extend(body(parts.body, body_len));
    } else {
        text.extend(message::packets_told(&of.load, message::Lens::of(&parts.head, body_len, of.wire_len)));
    }
    text
}

fn body(body: &[u8], len: u64) -> Vec<String> {
    if len == 0 {
        return Vec::new();
    }
    let Some(all) = message::beginning(body) else {
        return vec![format!("    {}, not text", units::bytes(len))];
    };
    let mut text = Vec::new();
    let mut shown = 0_u64;
    for raw in all.split_inclusive('\n').take(BODY_LINES) {
        let end = raw.char_indices().nth(LINE).map_or(raw.len(), |(at, _)| at);
        shown += end as u64;
        text.push(format!("    {}", raw[..end].trim_end_matches(['\r', '\n'])));
        if end < raw.len() {
            break;
        }
    }
    text.extend((shown < len).then(|| format!("    and {} more", units::bytes(len - shown))));
    text
}

/// The handshakes and frames of a transcript, in words.
pub(super) fn bits(fence: &Fence) -> Vec<String> {
    let handshakes = fence.all_exchanges();
    let frames = fence.frames.iter().take(bits::MOST).flat_map(frame);
    let more = fence.frames.len().saturating_sub(bits::MOST);
    let more = (more > 0).then(|| format!("and {}", units::count(more as u64, "more frame")));
    handshakes.iter().flat_map(handshake).chain(frames).chain(more).collect()
}

fn handshake(it: &Exchange) -> Vec<String> {
    let (Some(key), Some(seen)) = (&it.key, &it.accept) else { return Vec::new() };
    let Working { guid, sha1_hex, accept, .. } = Working::of(key);
    let verdict = bits::verdict(accept == *seen);
    vec![
        "The accept key, worked out.".into(),
        format!("    key, from the client: {key}"),
        format!("    GUID, the same for everybody: {guid}"),
        format!("    SHA-1 of both: {sha1_hex}"),
        format!("    base64 of that, worked out here: {accept}"),
        format!("    accept key, seen: {seen}, {verdict}"),
    ]
}

/// A frame: what its bits say, its key, its payload, and how that is unmasked.
fn frame(seen: &Seen) -> Vec<String> {
    let frame = &seen.frame;
    let payload = labels::payload(frame);
    let says = if payload.is_empty() { String::new() } else { format!(": {payload}") };
    let (direction, name) = (direction(frame.from), labels::opcode(frame.opcode));
    let mut text =
        vec![format!("{}  {direction}  {name} frame, {}{says}", frame.conn, units::bytes(frame.wire_len))];
    let Some(parts) = seen.bytes.as_deref().and_then(anatomy::frame) else {
        text.push("    too long to be kept".into());
        return text;
    };
    let [length, mask, opcode, reserved, fin] = bits::words(&parts, frame.from);
    text.push(format!("    {fin}; {reserved}; {opcode}; {mask}"));
    let extended = match parts.extended {
        [] => String::new(),
        bytes => format!(", {} is {}", bits::hex(bytes), units::grouped(parts.len)),
    };
    text.push(format!("    length {}{extended}", length.trim_start_matches("length ")));
    text.extend(parts.key.map(|key| format!("    key: {}", bits::hex(&key))));
    if !parts.wire.is_empty() {
        let shown = parts.wire.len().min(PAYLOAD);
        let more = parts.wire.len() - shown;
        let more = if more == 0 { String::new() } else { format!(" and {} more", units::bytes(more as u64)) };
        text.push(format!("    payload: {}{more}", bits::hex(&parts.wire[..shown])));
    }
    let one = |(wire, key, plain): (u8, u8, u8)| format!("{wire:02x} xor {key:02x} is {plain:02x}");
    let unmasked: Vec<String> = parts.unmasking().take(UNMASKED).map(one).collect();
    if !unmasked.is_empty() {
        let repeats = if parts.wire.len() > UNMASKED { "; then the key repeats" } else { "" };
        text.push(format!("    unmasked: {}{repeats}", unmasked.join(", ")));
    }
    if let (Some(code), [high, low, ..]) = (frame.code, &*parts.plain) {
        text.push(format!("    {high:02x} {low:02x} is the code {code}"));
    }
    text.extend(bits::packet_told(seen));
    text
}

/// The bytes of a message or a frame.
pub(super) fn hex(what: &str, from: Side, bytes: &[u8], len: u64) -> Vec<String> {
    let title = format!("{what}{}, {}, in hexadecimal:", direction(from), units::bytes(len));
    std::iter::once(title).chain(hexdump::plain(bytes, len)).collect()
}

/// All bytes of a step.
pub(super) fn step(fence: &Fence) -> Vec<String> {
    let items = fence.step_items();
    let mut shown: Vec<&Exchange> = Vec::new();
    let mut text = Vec::new();
    for item in &items {
        match item {
            Item::Exchange(it) if shown.iter().any(|earlier| exchange::is_same(earlier, it)) => {
                text.push(exchange::again_text(it));
            }
            Item::Exchange(it) => {
                text.extend(one(it, Detail::Full));
                text.extend(handshake(it));
                for (from, message) in [(Side::Client, &it.request), (Side::Server, &it.response)] {
                    let Some(Message { wire_len, bytes: Some(bytes), .. }) = message else { continue };
                    text.extend(hex("", from, bytes, *wire_len));
                }
                shown.push(it);
            }
            Item::Frame(seen) => {
                text.extend(frame(seen));
                let (from, len) = (seen.frame.from, seen.frame.wire_len);
                text.extend(seen.bytes.iter().flat_map(|it| hex("", from, it, len)));
            }
            Item::Loose(Loose { conn, client, from, message }) => {
                let whose = format!("{}  no whole message  ", who(*conn, client.as_deref()));
                text.extend(message.bytes.iter().flat_map(|it| hex(&whose, *from, it, message.wire_len)));
            }
        }
    }
    text.extend(kept::rest(fence.beyond()).map(|rest| rest.trim_start().to_owned()));
    if text.is_empty() {
        text.push(kept::NOTHING.into());
    }
    text
}
