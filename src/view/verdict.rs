//! What the numbers of a compare say, and no more than that. Pure.

use super::labels::nice;
use super::units;
use super::ways::{self, Way, listed};
use crate::timeline::{Spread, Summary, Transport};

mod advice;
mod cost;
mod soon;

#[cfg(test)]
mod tests;

/// So many transports have a sentence each; of more only groups are told.
const EACH: usize = 4;

/// A sentence of the verdict: what stands out, and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    pub bold: String,
    pub plain: String,
}

/// The verdict, sentence by sentence.
pub(super) fn sentences(summary: &Summary) -> Vec<Sentence> {
    let all = &summary.transports;
    let several = all.len() > EACH;
    let mut sentences = vec![plain(opening(summary))];
    if several {
        sentences.extend(soon::groups(all, summary.clients.max(1)));
    } else {
        sentences.extend(all.iter().map(numbers));
        sentences.extend(soon::on_time(all));
    }
    let lateness = soon::lateness(all);
    let told = lateness.as_ref().is_some_and(|it| it.plain.contains(soon::NO_SOONER));
    sentences.extend(lateness);
    sentences.extend(speaks(all));
    sentences.extend(soon::no_later(all).filter(|_| !told));
    sentences.extend(cost::bytes(all));
    if several {
        sentences.extend(cost::requests(all));
    }
    sentences.extend(cost::server(summary));
    sentences.extend(cost::scaled(summary));
    sentences.extend(lost(summary));
    sentences.extend(came_back(all));
    sentences.push(advice::sentence(all));
    sentences
}

fn plain(text: String) -> Sentence {
    Sentence { bold: String::new(), plain: text }
}

/// Not "the same news": what the clients say themselves is not among it.
fn opening(summary: &Summary) -> String {
    let events = summary.transports.iter().map(|it| it.events).max().unwrap_or_default();
    let pieces = if events == 1 { "piece" } else { "pieces" };
    let clients = match summary.clients {
        0 | 1 => String::new(),
        clients => format!(", {} each", units::count(clients, "client")),
    };
    let early = if summary.partial { " Ended early." } else { "" };
    let seconds = units::seconds(summary.seconds.seconds());
    format!("The server's {} {pieces} of news, {seconds}{clients}.{early}", units::grouped(events))
}

/// `HTTP, close: 10 connections, 10 requests, 5 empty. Worst delay 1.26 s.`
fn numbers(it: &Transport) -> Sentence {
    let mut parts = vec![units::count(it.connections, "connection"), units::count(it.requests, "request")];
    if it.empty > 0 {
        parts.push(format!("{} empty", units::grouped(it.empty)));
    }
    let worst = match it.heard_after {
        Some(Spread { worst, .. }) => format!("Worst delay {}.", units::duration(worst.0)),
        None => format!("It {}.", unheard(it)),
    };
    Sentence { bold: format!("{}:", nice(&it.name)), plain: format!(" {}. {worst}", parts.join(", ")) }
}

/// Of somebody who heard nothing: what was not asked for yet is not lost.
pub(super) fn unheard(it: &Transport) -> &'static str {
    match (it.lost, it.events) {
        (1.., _) => "heard nothing",
        (0, 0) => "ended before any news",
        (0, _) => "ended before it heard any",
    }
}

fn get<'a>(transports: &'a [Transport], name: &str) -> Option<&'a Transport> {
    transports.iter().find(|it| it.name == name)
}

fn median(it: &Transport) -> Option<f64> {
    it.heard_after.map(|spread| spread.median.seconds())
}

/// Whether both sides heard everything, also where its connection broke when nothing was to be said any more.
fn is_whole(it: &Transport) -> bool {
    it.lost == 0 && it.unreached == 0 && it.heard_after.is_some()
}

fn names<'a>(all: impl IntoIterator<Item = &'a Transport>) -> String {
    listed(all.into_iter().map(|it| it.name.as_str()))
}

/// Who may speak, where that is not known from the sentence about asking.
fn speaks(all: &[Transport]) -> Option<Sentence> {
    let known = |it: &Transport| ways::way(&it.name) == Some(Way::Asks) || it.name == "websocket";
    if all.iter().all(known) {
        return None;
    }
    let of = |way| all.iter().filter(|it| ways::way(&it.name) == Some(way)).collect::<Vec<_>>();
    let (both, server) = (of(Way::Both), of(Way::Streams));
    let mut parts = Vec::new();
    if !both.is_empty() {
        parts.push(format!("Both may speak at any time: {}.", names(both)));
    }
    if !server.is_empty() {
        parts.push(format!("Only the server: {}.", names(server)));
    }
    (!parts.is_empty()).then(|| plain(parts.join(" ")))
}

/// `Never heard: HTTP, close 2 of 6; WebSocket 1 of 6.`
fn lost(summary: &Summary) -> Option<Sentence> {
    let all = &summary.transports;
    let lost: Vec<String> = all
        .iter()
        .filter(|it| it.lost > 0)
        .map(|it| {
            let made = it.events.saturating_mul(summary.clients.max(1));
            format!("{} {} of {}", nice(&it.name), units::grouped(it.lost), units::grouped(made))
        })
        .collect();
    let doubled: Vec<String> = all
        .iter()
        .filter(|it| it.doubled > 0)
        .map(|it| format!("{} {}", nice(&it.name), units::grouped(it.doubled)))
        .collect();
    let unreached: Vec<String> = all
        .iter()
        .filter(|it| it.unreached > 0)
        .map(|it| format!("{} {}", nice(&it.name), units::grouped(it.unreached)))
        .collect();
    let mut parts = Vec::new();
    if !lost.is_empty() {
        parts.push(format!("Never heard: {}.", lost.join("; ")));
    }
    if !doubled.is_empty() {
        parts.push(format!("Heard again: {}.", doubled.join("; ")));
    }
    if !unreached.is_empty() {
        parts.push(format!("Never reached the server: {}.", unreached.join("; ")));
    }
    (!parts.is_empty()).then(|| plain(parts.join(" ")))
}

/// Who went on by itself after a connection broke.
fn came_back(all: &[Transport]) -> Option<Sentence> {
    let broken = || all.iter().filter(|it| it.broken > 0);
    let group =
        |words: &str, of: Vec<&Transport>| (!of.is_empty()).then(|| format!("{words}: {}.", names(of)));
    let sometimes = broken().filter(|it| (1..it.broken).contains(&it.recovered)).map(|it| {
        let (n, of) = (units::grouped(it.recovered), units::grouped(it.broken));
        format!("{} came back {n} of {of} times.", nice(&it.name))
    });
    let never = || broken().filter(|it| it.recovered == 0);
    // That a WebSocket does not is no accident: nothing in the protocol does it.
    let is_socket = |it: &&Transport| it.name == "websocket";
    let mut parts = Vec::new();
    parts.extend(group("Came back each time", broken().filter(|it| it.recovered >= it.broken).collect()));
    parts.extend(sometimes);
    parts.extend(group("Heard all, did not come back", never().filter(|it| is_whole(it)).collect()));
    let lost = || never().filter(|it| !is_whole(it));
    parts.extend(group("Did not come back", lost().filter(|it| !is_socket(it)).collect()));
    parts.extend(group("Does not come back by itself", lost().filter(is_socket).collect()));
    (!parts.is_empty()).then(|| plain(parts.join(" ")))
}
