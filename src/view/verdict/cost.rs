//! What it cost. Whoever lost news is not compared: it did less.

use std::cmp::Ordering;

use super::{Sentence, get, is_whole, names, plain};
use crate::timeline::{Summary, Transport};
use crate::view::labels::nice;
use crate::view::units;

pub(super) fn total(it: &Transport) -> u64 {
    it.from_client.saturating_add(it.from_server)
}

fn whole(all: &[Transport]) -> Vec<&Transport> {
    all.iter().filter(|it| is_whole(it)).collect()
}

/// Where WebSocket does not win, that is said; where it does, by how much.
pub(super) fn bytes(all: &[Transport]) -> Option<Sentence> {
    let whole = whole(all);
    let others = || whole.iter().copied().filter(|it| it.name != "websocket");
    let Some(socket) = get(all, "websocket").filter(|it| is_whole(it)) else {
        let least = whole.iter().copied().min_by_key(|it| total(it))?;
        let most = whole.iter().copied().max_by_key(|it| total(it))?;
        let (few, many) = (units::grouped(total(least)), units::grouped(total(most)));
        let differ = total(least) < total(most);
        return differ.then(|| {
            plain(format!("Fewest bytes: {} {few}. Most: {} {many}.", nice(&least.name), nice(&most.name)))
        });
    };
    // Of two that are alike, the one that is more like it.
    let best = others().min_by_key(|it| (total(it), it.name == "close"))?;
    let (name, other, ws) = (nice(&best.name), units::grouped(total(best)), units::grouped(total(socket)));
    Some(plain(match total(best).cmp(&total(socket)) {
        Ordering::Less => format!("WebSocket does not win on bytes: {name} {other}, WebSocket {ws}."),
        Ordering::Equal => format!("WebSocket and {name} moved the same number of bytes, {ws}."),
        Ordering::Greater if others().count() > 2 => {
            format!("WebSocket moved the fewest bytes: {ws}. Next: {name}, {other}.")
        }
        Ordering::Greater => format!("WebSocket moved fewer bytes than {name}: {ws} against {other}."),
    }))
}

/// `Fewest requests, 1: SSE, WebSocket.`
pub(super) fn requests(all: &[Transport]) -> Option<Sentence> {
    let whole = whole(all);
    let least = whole.iter().map(|it| it.requests).min()?;
    let (few, others): (Vec<&Transport>, Vec<&Transport>) = whole.iter().partition(|it| it.requests == least);
    (!others.is_empty())
        .then(|| plain(format!("Fewest requests, {}: {}.", units::grouped(least), names(few))))
}

/// The server's processor time and memory, where they were its own.
pub(super) fn server(summary: &Summary) -> Option<Sentence> {
    let whole = whole(&summary.transports);
    let clients = summary.clients.max(1) as f64;
    let cpu: Vec<_> = whole.iter().filter_map(|it| Some((it.cpu?.0, *it))).collect();
    let memory: Vec<_> = whole.iter().filter_map(|it| Some((it.memory?, *it))).collect();
    let mut parts = Vec::new();
    if let (2.., Some((least, it))) = (cpu.len(), cpu.iter().min_by_key(|(cpu, _)| *cpu)) {
        let least = units::fine(least.as_secs_f64() / clients);
        parts.push(format!("Least server CPU a client: {}, {least}.", nice(&it.name)));
    }
    if let (2.., Some((least, it))) = (memory.len(), memory.iter().min_by_key(|(memory, _)| *memory)) {
        parts.push(format!("Least memory: {}, {}.", nice(&it.name), units::memory(*least as f64)));
    }
    (!parts.is_empty()).then(|| plain(parts.join(" ")))
}
