//! What it cost. Whoever lost news is not compared: it did less.

use std::cmp::Ordering;

use super::{Sentence, get, is_whole, names, plain};
use crate::timeline::{Summary, Transport};
use crate::view::labels::nice;
use crate::view::{scoreboard, units, ways};

pub(super) fn total(it: &Transport) -> u64 {
    it.from_client.saturating_add(it.from_server)
}

/// Who did all the work: heard everything, and went on to the end.
fn is_compared(it: &Transport) -> bool {
    is_whole(it) && it.failed.is_none()
}

fn whole(all: &[Transport]) -> Vec<&Transport> {
    all.iter().filter(|it| is_compared(it)).collect()
}

/// Who wins by less has not won: the next run may turn it around.
const HAIR: f64 = 1.1;

fn alike(left: f64, right: f64) -> bool {
    left.max(right) <= left.min(right) * HAIR
}

/// Where not all are compared, who is.
fn among(all: &[Transport], text: &str) -> Sentence {
    let whom = match (all.iter().all(is_compared), all.iter().all(is_whole)) {
        (true, _) => return plain(text.to_owned()),
        (false, true) => "Of those that ran to the end",
        (false, false) => "Of those that heard everything",
    };
    // A name keeps its capital.
    let lower = |first: char| if text.starts_with("Web") { first } else { first.to_ascii_lowercase() };
    let text: String = text.chars().take(1).map(lower).chain(text.chars().skip(1)).collect();
    plain(format!("{whom}, {text}"))
}

/// Where WebSocket does not win, that is said; where it does, by how much.
pub(super) fn bytes(all: &[Transport]) -> Option<Sentence> {
    let whole = whole(all);
    let others = || whole.iter().copied().filter(|it| it.name != "websocket");
    let Some(socket) = get(all, "websocket").filter(|it| is_compared(it)) else {
        let least = whole.iter().copied().min_by_key(|it| total(it))?;
        let most = whole.iter().copied().max_by_key(|it| total(it))?;
        let (few, many) = (units::grouped(total(least)), units::grouped(total(most)));
        let differ = !alike(total(least) as f64, total(most) as f64);
        let (least, most) = (nice(&least.name), nice(&most.name));
        return differ.then(|| among(all, &format!("Fewest bytes: {least} {few}. Most: {most} {many}.")));
    };
    // Of two that are alike, the one that is more like it.
    let best = others().min_by_key(|it| (total(it), it.name == "close"))?;
    let (name, other, ws) = (nice(&best.name), units::grouped(total(best)), units::grouped(total(socket)));
    Some(among(
        all,
        &match total(best).cmp(&total(socket)) {
            Ordering::Equal => format!("WebSocket and {name} moved the same number of bytes, {ws}."),
            _ if alike(total(best) as f64, total(socket) as f64) => {
                format!("WebSocket and {name} moved about as many bytes: {ws} and {other}.")
            }
            Ordering::Less => format!("WebSocket does not win on bytes: {name} {other}, WebSocket {ws}."),
            Ordering::Greater if others().count() > 2 => {
                format!("WebSocket moved the fewest bytes: {ws}. Next: {name}, {other}.")
            }
            Ordering::Greater => format!("WebSocket moved fewer bytes than {name}: {ws} against {other}."),
        },
    ))
}

/// `Fewest requests, 1: SSE, WebSocket.`
pub(super) fn requests(all: &[Transport]) -> Option<Sentence> {
    let whole = whole(all);
    let least = whole.iter().map(|it| it.requests).min()?;
    let (few, others): (Vec<&Transport>, Vec<&Transport>) = whole.iter().partition(|it| it.requests == least);
    (!others.is_empty())
        .then(|| among(all, &format!("Fewest requests, {}: {}.", units::grouped(least), names(few))))
}

/// The server's processor time and memory, where they were its own.
pub(super) fn server(summary: &Summary) -> Option<Sentence> {
    let whole = whole(&summary.transports);
    let clients = summary.clients.max(1) as f64;
    let cpu = whole.iter().filter_map(|it| Some((it.cpu?.seconds() / clients, *it))).collect();
    // Where nothing stays open, nothing is kept.
    let holds = whole.iter().filter(|it| ways::stays(&it.name));
    let memory = holds.filter_map(|it| Some((it.memory? as f64, *it))).collect();
    let mut parts = Vec::new();
    if let Some((names, least)) = least(cpu) {
        parts.push(format!("Least server CPU per client: {names}, {}.", units::fine(least)));
    }
    if let Some((names, least)) = least(memory) {
        parts.push(format!("Least memory per client: {names}, {}.", units::memory(least)));
    }
    (!parts.is_empty()).then(|| among(&summary.transports, &parts.join(" ")))
}

/// Those that needed least, and how much; `None` where all are alike.
fn least(all: Vec<(f64, &Transport)>) -> Option<(String, f64)> {
    let least = all.iter().map(|(value, _)| *value).reduce(f64::min)?;
    let (few, others): (Vec<_>, Vec<_>) = all.iter().partition(|(value, _)| alike(least, *value));
    (!others.is_empty()).then(|| (ways::and(few.iter().map(|(_, it)| it.name.as_str())), least))
}

/// Where another one moves the fewest bytes of many and for long: why that is.
pub(super) fn scaled(summary: &Summary) -> Option<Sentence> {
    let scaled = summary.scaled.as_ref()?;
    let whole = whole(&summary.transports);
    let bytes =
        |it: &Transport| scaled.transports.iter().find(|load| load.name == it.name).map(|it| it.bytes);
    let now = whole.iter().copied().min_by_key(|it| total(it))?;
    let then = whole.iter().copied().filter(|it| bytes(it).is_some());
    let then =
        then.min_by(|left, right| bytes(left).partial_cmp(&bytes(right)).unwrap_or(Ordering::Equal))?;
    let differ = bytes(then)? * HAIR < bytes(now)?;
    // What it needs once must be what makes the difference.
    let once = then.once.bytes > now.once.bytes;
    (differ && once).then(|| {
        let (now, then) = (nice(&now.name), nice(&then.name));
        let title = scoreboard::title(scaled);
        plain(format!("{title}: {then} moves fewer bytes than {now}. What it needs once counts less there."))
    })
}
