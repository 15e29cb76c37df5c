//! The columns of the scoreboard. Which of them there are depends on what there is to say.

use std::time::Duration;

use crate::timeline::{MadeOf, Spread, Summary, Transport};
use crate::view::table::{Align, Column};
use crate::view::{units, ways};

/// So few transports, with one client each, and only what a class needs is shown.
const FEW: usize = 3;

/// Whether not everything is shown: who compares more, or many clients, wants the numbers.
pub(super) fn is_brief(summary: &Summary, brief: bool) -> bool {
    brief && summary.clients <= 1 && summary.transports.len() <= FEW
}

/// The tables of a summary; each is made of groups of columns that should stand together.
pub(super) fn tables(summary: &Summary, brief: bool) -> Vec<Vec<Vec<Column>>> {
    let brief = is_brief(summary, brief);
    let mut scores = scores(summary);
    let mut others = Vec::new();
    if shows_p99(summary) || summary.transports.iter().any(|it| it.lost > 0) {
        // They would not fit with it.
        others.push(vec![talks_by(summary)]);
    } else {
        scores.push(talks_by(summary));
    }
    if !brief {
        others.push(speaks(summary));
        others.push(reached(summary));
    }
    others.push(trouble(summary));
    if !brief {
        others.push(costs(summary));
    }
    others.retain(|group| !group.is_empty());
    let mut tables = vec![vec![scores]];
    if !brief {
        tables.push(made_of(summary));
    }
    tables.push(others);
    tables.retain(|groups| !groups.is_empty());
    tables
}

/// What is left out of them where not everything is shown.
pub(super) fn rest(summary: &Summary) -> Vec<Vec<Vec<Column>>> {
    let mut others = vec![speaks(summary), reached(summary), costs(summary)];
    others.retain(|group| !group.is_empty());
    vec![made_of(summary), others]
}

/// Whether the worst of a hundred is another one than the worst of all.
fn shows_p99(summary: &Summary) -> bool {
    summary.transports.iter().filter_map(|it| it.heard_after).any(|it| differs(&it))
}

/// Histograms round: what is as near as that is the same delay.
pub(super) fn differs(spread: &Spread) -> bool {
    spread.p99.seconds() < spread.worst.seconds() * 0.99
}

/// Numbers stand at the right.
fn right(summary: &Summary, heads: &'static [&'static str], value: impl Fn(&Transport) -> String) -> Column {
    Column { heads, values: summary.transports.iter().map(value).collect(), align: Align::Right }
}

fn left(summary: &Summary, heads: &'static [&'static str], value: impl Fn(&Transport) -> String) -> Column {
    Column { align: Align::Left, ..right(summary, heads, value) }
}

fn scores(summary: &Summary) -> Vec<Column> {
    let heard = |heads, of: fn(Spread) -> Duration| {
        right(summary, heads, move |it| {
            let nothing = if it.lost > 0 { "never" } else { "-" };
            delay(it.heard_after, of).unwrap_or_else(|| nothing.into())
        })
    };
    let number = |heads, of: fn(&Transport) -> u64| right(summary, heads, move |it| units::grouped(of(it)));
    let mut columns = Vec::new();
    // Before the delays of what was heard: who lost the late ones looks soon.
    if summary.transports.iter().any(|it| it.lost > 0) {
        columns.push(number(&["never heard", "never\nheard"], |it| it.lost));
    }
    let median = &["heard after, median", "heard after,\nmedian", "heard\nafter,\nmedian"];
    columns.push(heard(median, |it| it.median.0));
    if shows_p99(summary) {
        columns.push(heard(&["p99"], |it| it.p99.0));
        columns.push(heard(&["worst"], |it| it.worst.0));
    } else {
        columns.push(heard(&["p99, worst", "p99,\nworst"], |it| it.worst.0));
    }
    columns.push(number(&["connections", "connections", "connec-\ntions"], |it| it.connections));
    columns.push(number(&["requests"], |it| it.requests));
    columns.push(number(&["empty"], |it| it.empty));
    columns.push(number(&["bytes"], super::total));
    columns
}

fn talks_by(summary: &Summary) -> Column {
    left(summary, &["client talks by", "client\ntalks by"], |it| it.client_talks_by.clone())
}

fn speaks(summary: &Summary) -> Vec<Column> {
    let speaks = |it: &Transport| ways::server_speaks(&it.name).to_owned();
    vec![left(summary, &["server speaks", "server\nspeaks"], speaks)]
}

/// From a client to the server.
fn reached(summary: &Summary) -> Vec<Column> {
    let any = |of: fn(Spread) -> bool| summary.transports.iter().filter_map(|it| it.reached_after).any(of);
    let column = |heads, of: fn(Spread) -> Duration| {
        right(summary, heads, move |it| delay(it.reached_after, of).unwrap_or_else(|| "-".into()))
    };
    let mut columns = Vec::new();
    if any(|_| true) {
        columns.push(column(
            &["server heard after, median", "server heard\nafter, median", "server\nheard after,\nmedian"],
            |it| it.median.0,
        ));
        if any(|it| differs(&it)) {
            columns.push(column(&["server heard p99", "p99"], |it| it.p99.0));
            columns.push(column(&["server heard worst", "worst"], |it| it.worst.0));
        } else {
            columns.push(column(&["server heard p99, worst", "p99,\nworst"], |it| it.worst.0));
        }
    }
    columns
}

/// What the bytes of each side are made of; in recordings of earlier versions, those of both.
fn made_of(summary: &Summary) -> Vec<Vec<Column>> {
    let all = &summary.transports;
    let number = |heads, of: fn(&Transport) -> u64| right(summary, heads, move |it| units::grouped(of(it)));
    let client = number(&["bytes from client", "bytes from\nclient", "from\nclient"], |it| it.from_client);
    let server = number(&["bytes from server", "bytes from\nserver", "from\nserver"], |it| it.from_server);
    if all.iter().all(|it| it.made_of == MadeOf::default()) {
        return vec![vec![
            client,
            server,
            number(&["in messages", "in\nmessages"], |it| it.payload),
            number(&["around them", "around\nthem"], |it| super::total(it).saturating_sub(it.payload)),
        ]];
    }
    let sealed = all.iter().any(|it| it.made_of.client.tls > 0 || it.made_of.server.tls > 0);
    let mut from_client = vec![
        client,
        number(&["= headers", "=\nheaders", "=\nheaders"], |it| it.made_of.client.headers),
        number(&["+ messages", "+\nmessages", "+\nmessages"], |it| it.made_of.client.messages),
    ];
    let mut from_server = vec![
        server,
        number(&["= headers", "=\nheaders", "=\nheaders"], |it| it.made_of.server.headers),
        number(&["+ messages", "+\nmessages", "+\nmessages"], |it| it.made_of.server.messages),
    ];
    if sealed {
        from_client.push(number(&["+ TLS", "+\nTLS", "+\nTLS"], |it| it.made_of.client.tls));
        from_server.push(number(&["+ TLS", "+\nTLS", "+\nTLS"], |it| it.made_of.server.tls));
    }
    vec![from_client, from_server]
}

/// What went wrong, where anything did.
fn trouble(summary: &Summary) -> Vec<Column> {
    let mut columns = Vec::new();
    let mut number = |heads, of: fn(&Transport) -> u64| {
        if summary.transports.iter().any(|it| of(it) > 0) {
            columns.push(right(summary, heads, move |it| units::grouped(of(it))));
        }
    };
    number(&["heard again", "heard\nagain"], |it| it.doubled);
    number(&["server never heard", "server\nnever\nheard"], |it| it.unreached);
    number(&["broken"], |it| it.broken);
    if summary.transports.iter().any(|it| it.broken > 0) {
        columns.push(right(summary, &["came back", "came\nback"], |it| units::grouped(it.recovered)));
    }
    columns
}

/// What it cost the server, for each client; and what the kernel still remembers.
fn costs(summary: &Summary) -> Vec<Column> {
    let clients = summary.clients.max(1);
    let all = &summary.transports;
    let unknown = || "-".to_owned();
    let mut columns = Vec::new();
    if all.iter().any(|it| it.cpu.is_some()) {
        let cpu =
            |it: &Transport| it.cpu.map_or_else(unknown, |cpu| units::fine(cpu.seconds() / clients as f64));
        columns.push(right(
            summary,
            &["server CPU per client", "server CPU\nper client", "CPU per\nclient"],
            cpu,
        ));
    }
    if all.iter().any(|it| it.memory.is_some()) {
        let memory = |it: &Transport| it.memory.map_or_else(unknown, |it| units::memory(it as f64));
        columns.push(right(summary, &["server memory per client", "memory\nper client"], memory));
    }
    if all.iter().any(|it| it.time_wait.is_some()) {
        let client = |it: &Transport| it.time_wait.map_or_else(unknown, |it| units::grouped(it.client));
        let server = |it: &Transport| it.time_wait.map_or_else(unknown, |it| units::grouped(it.server));
        columns.push(right(summary, &["TIME_WAIT at client", "TIME_WAIT\nat client"], client));
        columns.push(right(summary, &["TIME_WAIT at server", "TIME_WAIT\nat server"], server));
    }
    columns
}

fn delay(spread: Option<Spread>, of: fn(Spread) -> Duration) -> Option<String> {
    spread.map(|spread| units::duration(of(spread)))
}
