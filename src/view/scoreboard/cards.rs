//! The scoreboard where no table fits: a card for each transport.

use super::columns::{differs, is_brief};
use super::{Drawing, total};
use crate::terminal::{Ink, Line};
use crate::timeline::{MadeOf, Parts, Spread, Summary, Transport};
use crate::view::labels::nice;
use crate::view::text::wrap_text;
use crate::view::{units, verdict};

/// So many lines are one block, and a gap.
const ROWS: usize = 13;

impl Drawing {
    /// All cards, as many in a block as a small screen holds.
    pub(super) fn cards(self, summary: &Summary) -> Vec<Vec<Line>> {
        let mut blocks: Vec<Vec<Line>> = Vec::new();
        for it in &summary.transports {
            let card = self.card(summary, it);
            match blocks.last_mut().filter(|block| block.len() + card.len() <= ROWS) {
                Some(block) => block.extend(card),
                None => blocks.push(card),
            }
        }
        blocks
    }

    /// What a row of the tables says, in words.
    fn card(self, summary: &Summary, it: &Transport) -> Vec<Line> {
        let counts = format!(
            "{}, {}, {} empty",
            units::count(it.connections, "connection"),
            units::count(it.requests, "request"),
            units::grouped(it.empty)
        );
        let talks = talks_by(&it.client_talks_by);
        let lost = (it.lost > 0).then(|| format!("{} never heard", units::grouped(it.lost)));
        let mut texts: Vec<String> = lost.into_iter().chain([heard(it), counts]).collect();
        texts.push(format!("{}. The client talks by {talks}.", units::bytes(total(it))));
        texts.extend(trouble(it));
        if !is_brief(summary, self.brief) {
            texts.extend(it.reached_after.map(|spread| {
                let (median, worst) = (units::duration(spread.median.0), units::duration(spread.worst.0));
                format!("the server heard after {median}, worst {worst}")
            }));
            texts.extend(bytes(it));
            texts.extend(costs(summary, it));
        }
        let name = Line::plain(" ")
            .with(Ink::Bold, self.look.cut(&self.look.text(nice(&it.name)), self.width.saturating_sub(1)));
        let lines =
            |text: String| wrap_text(Ink::Plain, &self.look.text(&text), "   ", "     ", self.width.min(100));
        std::iter::once(name).chain(texts.into_iter().flat_map(lines)).collect()
    }
}

fn heard(it: &Transport) -> String {
    match it.heard_after {
        Some(spread) => {
            let Spread { median, p99, worst } = spread;
            let [median, p99, worst] = [median, p99, worst].map(|it| units::duration(it.0));
            if differs(&spread) {
                format!("heard after {median} (median), p99 {p99}, worst {worst}")
            } else {
                format!("heard after {median} (median), p99 and worst {worst}")
            }
        }
        None => verdict::unheard(it).into(),
    }
}

fn bytes(it: &Transport) -> Vec<String> {
    if it.made_of == MadeOf::default() {
        let (client, server) = (units::grouped(it.from_client), units::grouped(it.from_server));
        let (payload, around) =
            (units::grouped(it.payload), units::grouped(total(it).saturating_sub(it.payload)));
        return vec![
            format!("bytes: {client} from the client, {server} from the server"),
            format!("bytes: {payload} in messages, {around} around them"),
        ];
    }
    let side = |side: &str, all: u64, parts: Parts| {
        let tls = if parts.tls > 0 { format!(" + TLS {}", units::grouped(parts.tls)) } else { String::new() };
        let (headers, messages) = (units::grouped(parts.headers), units::grouped(parts.messages));
        format!("from {side} {} = headers {headers} + messages {messages}{tls}", units::grouped(all))
    };
    vec![side("client", it.from_client, it.made_of.client), side("server", it.from_server, it.made_of.server)]
}

fn trouble(it: &Transport) -> Option<String> {
    let counts =
        [(it.doubled, "heard again"), (it.unreached, "never heard by the server"), (it.broken, "broken")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> =
        counts.map(|(count, what)| format!("{} {what}", units::grouped(count))).collect();
    match it.recovered {
        0 => {}
        1 => parts.push("came back once".into()),
        times => parts.push(format!("came back {} times", units::grouped(times))),
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn costs(summary: &Summary, it: &Transport) -> Vec<String> {
    let clients = summary.clients.max(1) as f64;
    let cpu = it.cpu.map(|cpu| format!("CPU {}", units::fine(cpu.seconds() / clients)));
    let memory = it.memory.map(|memory| format!("memory {}", units::memory(memory as f64)));
    let server: Vec<String> = cpu.into_iter().chain(memory).collect();
    let server = (!server.is_empty()).then(|| format!("server, per client: {}", server.join(", ")));
    let waits = it.time_wait.map(|it| {
        format!(
            "TIME_WAIT: {} at clients, {} at the server",
            units::grouped(it.client),
            units::grouped(it.server)
        )
    });
    server.into_iter().chain(waits).collect()
}

/// `a new connection`, `a second connection`, `the same connection`
fn talks_by(how: &str) -> String {
    match how.split(' ').next() {
        Some("new" | "second") => format!("a {how}"),
        Some("same") => format!("the {how}"),
        Some(_) | None => how.into(),
    }
}
