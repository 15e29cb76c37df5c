//! Runs one workload with many clients, on one transport after another, in processes of their own.

use std::time::Duration;

use super::Listening;
use super::ahead::grouped;
use super::compare::{length, length_unasked};
use super::player::{PlayError, Player};
use super::scale::scaled;
use super::tally::{polls, stays};
use crate::client::{Speech, transport};
use crate::lesson::script::{Planned, Workload};
use crate::load::{self, Histogram, Report, Spec};
use crate::timeline::{Elapsed, Kind, MadeOf, Once, Parts, Summary, TimeWait, Transport};

impl Player<'_> {
    pub(super) async fn crowds(
        &mut self,
        workload: &Workload,
        haste: &mut Listening,
    ) -> Result<Summary, PlayError> {
        let clients = u64::from(workload.clients);
        self.begins(workload, Some(what(workload)), Vec::new());
        let (mut transports, mut partial) = (Vec::new(), false);
        for (n, name) in workload.transports.iter().enumerate() {
            let spec = self.spec(name, n, workload);
            let working =
                self.working(&format!("{name}, {} clients", grouped(workload.clients)), spec.length);
            let done = load::run(&spec, haste.asked()).await;
            drop(working);
            let transport = match done {
                Ok(report) => {
                    partial = report.partial;
                    told(name, clients, &report)
                }
                Err(error) => failed(name, error.to_string()),
            };
            if let Some(why) = &transport.failed {
                let text = format!("{name}: {why}");
                self.taps.bus().append(Kind::World { what: "failed".into(), id: None, text });
                if workload.network.cut.is_none() {
                    self.failed(name, workload.line, why.clone());
                }
            }
            transports.push(transport);
            if partial {
                break;
            }
        }
        // What ended early ran for another time.
        let complete = transports.len() - usize::from(partial);
        let scaled = scaled(self.flags.changes.scale.unwrap_or_default(), clients, &transports[..complete]);
        let seconds = transports.iter().map(|it| it.ran).max().unwrap_or_default();
        Ok(Summary { seconds, clients, partial, transports, scaled })
    }

    fn spec(&self, name: &str, n: usize, workload: &Workload) -> Spec {
        let length = takes(name, workload);
        let own = |event: &&Planned| event.client.is_none();
        let news = workload.events.iter().filter(own).map(|event| (event.at, event.text.clone()));
        let speech = |event: &Planned| {
            let from = event.client.clone()?;
            Some((event.at, Speech { from, text: event.text.clone() }))
        };
        Spec {
            transport: name.into(),
            port: self.ports.later(n),
            network: workload.network,
            tls: self.flags.changes.tls,
            clients: workload.clients,
            size: workload.size,
            poll: workload.poll,
            news: news.collect(),
            speeches: workload.events.iter().filter_map(speech).collect(),
            length,
        }
    }
}

/// How long a transport takes. Those of many clients that poll last do so almost a whole poll after the first.
fn takes(name: &str, workload: &Workload) -> Duration {
    if polls(name) { length(workload) + workload.poll } else { length_unasked(workload) }
}

/// `1000 clients on each, one transport after another, 126 s in all`
fn what(workload: &Workload) -> String {
    let all: Duration = workload.transports.iter().map(|name| takes(name, workload)).sum();
    let (clients, seconds) = (grouped(workload.clients), all.as_secs_f64().ceil());
    match workload.transports.len() {
        1 => format!("{clients} clients, {seconds} s"),
        _ => format!("{clients} clients on each, one transport after another, {seconds} s in all"),
    }
}

fn talks_by(name: &str) -> String {
    transport(name).map_or_else(String::new, |it| it.client_talks_by().to_owned())
}

/// Of one whose processes did not come to tell what they counted: nothing is known of it.
fn failed(name: &str, why: String) -> Transport {
    Transport {
        name: name.into(),
        client_talks_by: talks_by(name),
        failed: Some(why),
        ..Transport::default()
    }
}

/// What both processes counted, as one.
fn told(name: &str, clients: u64, report: &Report) -> Transport {
    let Report { served, visited, .. } = report;
    let (heard, reached) = (Histogram::from(visited.heard.clone()), Histogram::from(visited.reached.clone()));
    // Without TLS there is none.
    let plain = |plain: u64| Some(plain).filter(|plain| *plain > 0);
    let (requests, first) = visited.requests;
    // What was on its way when nobody wanted to wait any more is not lost.
    let whole = !report.partial || visited.failed.is_some();
    let failed = visited.failed.as_ref().map(|(count, why)| match *count {
        count if count == clients => why.clone(),
        count => format!("{} of {} clients: {why}", grouped(count), grouped(clients)),
    });
    Transport {
        name: name.into(),
        ran: Elapsed(report.ran),
        events: served.news,
        heard_after: heard.spread(),
        delays: heard.delays(),
        connections: served.connections,
        requests,
        empty: visited.empty,
        from_client: served.from_client,
        from_server: served.from_server,
        payload: visited.content_sent + visited.content_heard,
        made_of: MadeOf {
            client: Parts::of(served.from_client, plain(served.plain.0), visited.content_sent),
            server: Parts::of(served.from_server, plain(served.plain.1), visited.content_heard),
        },
        once: if stays(name) {
            let (connections, bytes) = (served.staying, visited.bytes_once);
            Once { connections, requests: first, bytes, cpu: Elapsed(served.cpu_once) }
        } else {
            Once::default()
        },
        lost: if whole { (served.news * clients).saturating_sub(heard.len()) } else { 0 },
        doubled: visited.doubled,
        client_talks_by: talks_by(name),
        sent: visited.sent,
        unreached: if whole { visited.wanted.saturating_sub(reached.len()) } else { 0 },
        reached_after: reached.spread(),
        broken: visited.broken,
        recovered: visited.recovered,
        time_wait: served.time_wait.map(|(server, client)| TimeWait { client, server }),
        cpu: Some(Elapsed(served.cpu)),
        memory: served.memory.map(|memory| memory / clients.max(1)),
        failed,
    }
}
