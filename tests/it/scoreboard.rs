//! The scoreboard of all transports beside a capture: bytes, connections, requests to the unit, delays by the capture's clock.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use wsdemo::lesson::script::TRANSPORTS;
use wsdemo::timeline::{Kind, Side, Summary, Transport};

use crate::harness::{ALONE, Run, free_ports, output, wsdemo};
use crate::tshark::{Capture, Stream};

/// A short match with words from the clients.
const SHORT: [&str; 9] = ["--all", "--events", "6", "--every", "500ms", "--poll", "400ms", "--cheers", "3"];

/// What was run, and what an outsider saw of it.
struct Captured {
    run: Run,
    first: u16,
    streams: Vec<Stream>,
}

impl Captured {
    fn new(args: &[&str]) -> Self {
        let _alone = ALONE.lock();
        let count = TRANSPORTS.len() as u16 + 1;
        let first = free_ports(count);
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let capture = Capture::start(first, count, folder.path().join("lo.pcapng"));
        let port = first.to_string();
        let mut command = wsdemo(&[&["compare", "--json", "--port", &port], &SHORT[..], args].concat());
        command.env("SSLKEYLOGFILE", &keys);
        let run = Run::read(&output(command));
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let keys = args.contains(&"--tls").then_some(keys);
        Self { run, first, streams: capture.finish_with(keys.as_deref().map(Path::new)) }
    }

    fn summary(&self) -> &Summary {
        match &self.run.events.last().unwrap().kind {
            Kind::Summary(summary) => summary,
            other => panic!("the last is no summary: {other:?}"),
        }
    }

    /// Each transport beside the connections to its port.
    fn lanes(&self) -> impl Iterator<Item = (&Transport, Vec<&Stream>)> {
        let lane = |(it, port): (_, u16)| (it, self.streams.iter().filter(|it| it.server == port).collect());
        self.summary().transports.iter().zip(self.first..).map(lane)
    }

    fn agrees(&self) {
        assert_eq!(self.summary().transports.len(), TRANSPORTS.len());
        for (told, seen) in self.lanes() {
            let bytes = |side: Side| seen.iter().map(|it| it.sides[side as usize].bytes()).sum::<u64>();
            let requests = seen.iter().map(|it| it.methods.len() as u64).sum::<u64>();
            let saw = (seen.len() as u64, requests, bytes(Side::Client), bytes(Side::Server));
            assert_eq!(
                (told.connections, told.requests, told.from_client, told.from_server),
                saw,
                "{told:?}"
            );
            let parts = (told.made_of.client.total(), told.made_of.server.total());
            assert_eq!(parts, (told.from_client, told.from_server), "{told:?}");
            assert_eq!((told.events, told.lost, told.sent, &told.failed), (6, 0, 3, &None), "{told:?}");
        }
    }
}

#[test]
#[ignore = "needs tshark and the right to capture, run by scripts/test"]
fn it_is_what_a_capture_shows() {
    let captured = Captured::new(&[]);
    captured.agrees();
    captured.delays_agree();
}

#[test]
#[ignore = "needs tshark and the right to capture, run by scripts/test"]
fn over_tls_it_is_what_a_capture_shows() {
    Captured::new(&["--tls"]).agrees();
}

#[test]
#[ignore = "needs tshark and the right to capture, run by scripts/test"]
fn of_many_clients_it_is_what_a_capture_shows() {
    for more in [&["--clients", "12"][..], &["--clients", "12", "--tls"]] {
        let captured = Captured::new(more);
        captured.agrees();
        assert_eq!(captured.summary().clients, 12);
    }
}

impl Captured {
    /// From when a message was made until the packet that brought it, for every message and transport.
    fn delays_agree(&self) {
        let started = humantime::parse_rfc3339(self.run.header["started"].as_str().unwrap()).unwrap();
        let started = started.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let state = self.run.state();
        for (told, _) in self.lanes() {
            let mut apart = Vec::new();
            for (made, text) in self.news() {
                let heard = self.run.kinds().find_map(|kind| match kind {
                    Kind::Heard { client, id, conn, after } if *client == told.name && *id == made.0 => {
                        Some((conn.expect("it came on a connection"), after.0))
                    }
                    _ => None,
                });
                let (conn, after) = heard.unwrap_or_else(|| panic!("{}: {text} was not heard", told.name));
                let (client, server) = (state.connections[&conn].client, state.connections[&conn].server);
                let stream =
                    self.streams.iter().find(|it| (it.client, it.server) == (client.port(), server.port()));
                let words = format!("\"text\":\"{text}\"");
                let bytes = self.run.stream(conn, Side::Server);
                let place = bytes.windows(words.len()).position(|it| it == words.as_bytes()).unwrap() as u64;
                let segments = &stream.unwrap().sides[Side::Server as usize].segments;
                let (.., seen) = segments.iter().find(|(begin, len, _)| begin + len > place).unwrap();
                let by_capture = seen - started - made.1.as_secs_f64();
                apart.push((after.as_secs_f64() - by_capture).abs());
            }
            apart.sort_by(f64::total_cmp);
            let (median, worst) = (apart[apart.len() / 2], apart[apart.len() - 1]);
            // Without the compiler's care everything takes a few times as long, the seven lanes' work beside each other too.
            let slower = if cfg!(debug_assertions) { 4.0 } else { 1.0 };
            assert!(median < slower * 0.001 && worst < slower * 0.005, "{}: {apart:?}", told.name);
        }
    }

    /// Each of the server's messages: its id, when it was made, its words.
    fn news(&self) -> Vec<((u64, Duration), String)> {
        let news = self.run.events.iter().filter_map(|event| match &event.kind {
            Kind::World { what, id: Some(id), text } if what == "say" => {
                Some(((*id, event.at.0), text.clone()))
            }
            _ => None,
        });
        news.collect()
    }
}
