//! The added network: what a round trip costs, to the millisecond, in our JSON and in a capture; that it keeps order and ends in order.

use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::Message;
use wsdemo::server::Options;
use wsdemo::tap::{Network, Stall};
use wsdemo::timeline::{ConnId, Kind, Role, Seq, Side, Who};

use crate::harness::{ALONE, Run, free_ports, json, state};
use crate::tshark::{self, Capture};
use crate::visitor::{Host, Socket, Visitor};

const FAR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/lessons/far.md");

const RTT: Duration = Duration::from_millis(80);

/// How far a measured time may be from what it should be, ms.
const NEAR: f64 = 3.0;

fn network(network: Network) -> Options {
    Options { network, ..Options::default() }
}

fn far() -> Options {
    network(Network { rtt: RTT, ..Network::default() })
}

/// Of several, so that one that a busy machine delayed says nothing. Milliseconds.
fn is_about(wanted: f64, mut measured: Vec<f64>, what: &str) {
    assert!(measured.len() >= 6, "{what}: {measured:?}");
    measured.sort_by(f64::total_cmp);
    let median = measured[measured.len() / 2];
    assert!((median - wanted).abs() <= NEAR, "{what}: {median} ms, not {wanted}; {measured:?}");
    // A timer may be early by its grain, and no more; what is late may be the machine's doing.
    assert!(measured[0] >= wanted - NEAR, "{what}: {measured:?}");
}

/// Milliseconds from each request to its response: those that a new connection carried first, and the others.
fn answered(run: &Run) -> (Vec<f64>, Vec<f64>) {
    let (mut new, mut open) = (Vec::new(), Vec::new());
    for event in &run.events {
        let Kind::Response { conn, exchange, .. } = &event.kind else { continue };
        let asked = run.events.iter().find(|it| match &it.kind {
            Kind::Request { conn: of, exchange: nth, .. } => (of, nth) == (conn, exchange),
            _ => false,
        });
        let times = if *exchange == 1 { &mut new } else { &mut open };
        times.push((event.at.seconds() - asked.unwrap().at.seconds()) * 1e3);
    }
    (new, open)
}

#[test]
fn a_push_takes_half_a_round_trip_a_request_one_and_a_new_connection_two() {
    let _alone = ALONE.lock();
    let run = json(&["lesson", FAR, "--rtt", "80ms"]);
    assert_eq!((run.broken(), run.code), (Vec::new(), Some(0)));
    let heard = run.kinds().filter_map(|kind| match kind {
        Kind::Heard { client, after, .. } if client == "cara" => Some(after.0.as_secs_f64() * 1e3),
        _ => None,
    });
    is_about(40.0, heard.collect(), "pushed");
    let (new, open) = answered(&run);
    is_about(160.0, new, "on a new connection");
    is_about(80.0, open, "on an open connection");
    for (id, connection) in &run.state().connections {
        let first = connection.closed.unwrap().first;
        // Ben's connection stays open until the server stops.
        assert_eq!(first, Who::Server, "{id}");
    }
}

#[test]
fn the_title_says_what_is_added() {
    let run = json(&["lesson", FAR, "--rtt", "1ms", "--stall", "1ms/1h", "--cut", "1h"]);
    let title = run.kinds().find_map(|kind| match kind {
        Kind::Say { role: Role::Title, detail, .. } => detail.clone(),
        _ => None,
    });
    let added = "1 ms added to each round trip, nothing passes for 1 ms each 3600 s, cut after 3600 s";
    assert!(title.as_deref().is_some_and(|title| title.ends_with(added)), "{title:?}");
}

/// The same as in the JSON, but measured by an outsider at the client's end.
#[test]
#[ignore = "needs tshark and the right to capture, run by scripts/test"]
fn the_times_are_what_a_capture_shows() {
    let _alone = ALONE.lock();
    let first = free_ports(2);
    let folder = tempfile::tempdir().unwrap();
    let capture = Capture::start(first, 2, folder.path().join("lo.pcapng"));
    let run = json(&["lesson", FAR, "--rtt", "80ms", "--port", &first.to_string()]);
    let streams = capture.finish();
    assert_eq!(run.broken(), Vec::<String>::new());
    let (mut new, mut open, mut pushed, mut apart) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for connection in run.state().connections.values() {
        let stream: &tshark::Stream =
            streams.iter().find(|it| it.client == connection.client.port()).unwrap();
        let [client, server] = &stream.sides;
        assert_eq!((connection.from_client, connection.from_server), (client.bytes(), server.bytes()));
        assert_eq!(connection.closed.unwrap().first, stream.first());
        // What the client sends is told when it arrives: that is how far apart the clocks are.
        let told = run.events.iter().find(|event| {
            matches!(&event.kind, Kind::Bytes { conn, from: Side::Client, .. } if *conn == connection.id)
        });
        apart.push(client.segments[0].2 - told.unwrap().at.seconds());
        new.push((server.segments[0].2 - client.segments[0].2) * 1e3);
        if connection.name.as_deref() == Some("ben") {
            let exchanges = client.segments.iter().zip(&server.segments).skip(1);
            open.extend(exchanges.map(|(asked, answered)| (answered.2 - asked.2) * 1e3));
        }
        if connection.name.as_deref() == Some("cara") {
            // After the 101.
            pushed.extend(server.segments.iter().skip(1).map(|segment| segment.2));
        }
    }
    apart.sort_by(f64::total_cmp);
    let apart = apart[apart.len() / 2];
    let made = run.events.iter().filter(|event| matches!(event.kind, Kind::World { .. }));
    let on_the_way = made.zip(pushed).map(|(made, left)| (left - apart - made.at.seconds()) * 1e3);
    is_about(40.0, on_the_way.collect(), "pushed");
    is_about(160.0, new, "on a new connection");
    is_about(80.0, open, "on an open connection");
}

#[test]
fn a_server_that_stops_says_so_across_the_network() {
    let host = Host::with(far());
    let mut sockets: Vec<_> = (0..3).map(|_| Socket::open(&host)).collect();
    let mut idle = Visitor::connect(&host);
    idle.request("GET", "/api/messages", "", "");
    assert_eq!(idle.response().status, 200);
    let conns: Vec<ConnId> = sockets.iter().map(|socket| host.conn_of(socket)).collect();
    let read = std::thread::spawn(move || {
        let code = |socket: &mut Socket| loop {
            match socket.ws.read() {
                Ok(Message::Close(frame)) => {
                    // The answer leaves with the next read, which ends at the server's FIN.
                    while socket.ws.read().is_ok() {}
                    return frame.map(|frame| u16::from(frame.code));
                }
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        };
        let codes: Vec<_> = sockets.iter_mut().map(code).collect();
        (codes, idle.read_out())
    });
    let began = Instant::now();
    host.stop();
    let took = began.elapsed();
    let (codes, idle) = read.join().unwrap();
    assert_eq!(codes, [Some(1001); 3]);
    assert_eq!(idle.unwrap(), b"");
    // There and back with the close frame, and then the FINs: never as long as the grace that it has.
    assert!(took >= RTT && took < Duration::from_secs(2), "{took:?}");
    for conn in conns {
        assert_eq!(host.ending(conn).first, Who::Server);
    }
}

/// Whatever is added to the network, it ends in time for the last word: whoever stops the program waits 2 s at most.
fn hears_of_the_end(added: Network, after: Duration) {
    let host = Host::with(network(added));
    let opened = Instant::now();
    let mut socket = Socket::open(&host);
    let conn = host.conn_of(&socket);
    std::thread::sleep(after.saturating_sub(opened.elapsed()));
    let stopped = Instant::now();
    let heard = std::thread::spawn(move || {
        let code = loop {
            if let Message::Close(frame) = socket.ws.read().unwrap() {
                break frame.map(|frame| u16::from(frame.code));
            }
        };
        let heard = Instant::now();
        while socket.ws.read().is_ok() {}
        (code, heard)
    });
    host.stop();
    let took = stopped.elapsed();
    let (code, at) = heard.join().unwrap();
    assert_eq!(code, Some(1001));
    assert!(at - stopped < Duration::from_secs(2) && took < Duration::from_secs(2), "{took:?}");
    assert_eq!(host.ending(conn).first, Who::Server);
}

#[test]
fn a_server_that_stops_says_so_however_far_away_it_is() {
    hears_of_the_end(Network { rtt: Duration::from_secs(4), ..Network::default() }, Duration::ZERO);
}

#[test]
fn a_server_that_stops_says_so_in_the_middle_of_a_stall() {
    let s = Duration::from_secs;
    let stall = Some(Stall { time: s(5), every: s(6) });
    hears_of_the_end(Network { stall, ..Network::default() }, s(7));
}

#[test]
fn a_client_that_half_closes_has_its_answer_and_its_fin_was_first() {
    let host = Host::with(far());
    let mut visitor = Visitor::connect(&host);
    let request = visitor.written("GET", "/api/messages", "", "");
    visitor.send(request.as_bytes());
    visitor.end_sending();
    assert_eq!(visitor.response().status, 200);
    assert_eq!(visitor.read_out().unwrap(), b"");
    assert_eq!(host.ending(host.conn(&visitor)).first, Who::Client);
}

#[test]
fn pipelined_requests_keep_their_order_and_none_waits_for_the_one_before() {
    let _alone = ALONE.lock();
    let host = Host::with(far());
    let mut visitor = Visitor::connect(&host);
    visitor.request("GET", "/api/messages", "", "");
    assert_eq!(visitor.response().status, 200);
    let targets = ["/api/messages", "/nowhere", "/api/messages/1", "/api/messages"];
    let began = Instant::now();
    let all: String = targets.iter().map(|target| visitor.written("GET", target, "", "")).collect();
    visitor.send(all.as_bytes());
    let statuses: Vec<u16> = targets.iter().map(|_| visitor.response().status).collect();
    let took = began.elapsed();
    assert_eq!(statuses, [200, 404, 404, 200]);
    assert!(took >= RTT - Duration::from_millis(3) && took < 2 * RTT, "{took:?}");
}

#[test]
fn what_was_vanished_from_the_client_is_an_error_and_a_reset_is_the_clients() {
    let host = Host::with(far());
    let mut visitor = Visitor::connect(&host);
    visitor.request("GET", "/api/messages", "", "");
    assert_eq!(visitor.response().status, 200);
    let conn = host.conn(&visitor);
    rustix::net::sockopt::set_socket_linger(&visitor.stream, Some(Duration::ZERO)).unwrap();
    drop(visitor);
    let ending = host.ending(conn);
    assert_eq!((ending.first, ending.reset_by), (Who::Reset, Some(Side::Client)));
}

#[test]
fn a_connection_is_cut_when_it_is_so_old() {
    let age = Duration::from_millis(300);
    let host = Host::with(network(Network { cut: Some(age), ..Network::default() }));
    let mut socket = Socket::open(&host);
    let conn = host.conn_of(&socket);
    assert!(socket.ws.read().is_err());
    let ending = host.ending(conn);
    assert_eq!((ending.first, ending.reset_by), (Who::Reset, Some(Side::Server)));
    assert!(ending.lived.0 >= age, "{:?}", ending.lived);
}

#[test]
fn while_the_network_stalls_nothing_passes_and_all_of_it_comes_later() {
    let stall = Stall { time: Duration::from_millis(200), every: Duration::from_millis(500) };
    let host = Host::with(network(Network { stall: Some(stall), ..Network::default() }));
    let mut socket = Socket::open(&host);
    let conn = host.conn_of(&socket);
    let writer = host.server.store.clone();
    let said = std::thread::scope(|scope| {
        let heard = scope.spawn(|| (0..60).map(|_| socket.event().1["text"].clone()).collect::<Vec<_>>());
        for n in 0..60 {
            let draft = wsdemo::server::Draft { from: "anna".into(), text: n.to_string() };
            host.block_on(writer.post(draft)).unwrap();
            // A pace, not a wait: news comes in stalls and out of them.
            std::thread::sleep(Duration::from_millis(20));
        }
        heard.join().unwrap()
    });
    assert_eq!(said, (0..60).map(|n| n.to_string()).collect::<Vec<_>>());
    let events = host.bus.after(Seq(0));
    let opened = state(events.iter().map(|event| &**event)).get(conn).unwrap().opened.1;
    let ages: Vec<f64> = events
        .iter()
        .filter(
            |event| matches!(&event.kind, Kind::Bytes { conn: of, from: Side::Server, .. } if *of == conn),
        )
        .map(|event| event.at.since(opened).as_secs_f64() * 1e3)
        .collect();
    let grain = 3.0;
    for age in &ages {
        let into = age % 500.0;
        assert!(*age < 500.0 + grain || into >= 200.0 - grain || into <= grain, "sent in a stall: {ages:?}");
    }
    assert!(ages.iter().any(|age| *age > 700.0 - grain), "{ages:?}");
}

/// A workload's own round trip is added to its lanes and said above them; the flag's takes its place, and is said in the title.
#[test]
fn a_compare_has_its_own_round_trip_unless_the_flag_says_another() {
    let _alone = ALONE.lock();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("far.md");
    let ticks = "every 300ms x7 server: tick {n}";
    let lesson = format!(
        "---\ntitle: Far\nsummary: Far\n---\n\n## One\n\n```compare\ntransports: keep-alive, websocket\npoll: 500ms\nrtt: 60ms\n{ticks}\n0.8s anna: nice\n```\n"
    );
    std::fs::write(&file, lesson).unwrap();
    let file = file.to_str().unwrap();
    for (flags, half, in_title) in [(&[][..], 30.0, false), (&["--rtt", "100ms"], 50.0, true)] {
        let run = json(&[&["lesson", file], flags].concat());
        assert_eq!((run.broken(), run.code), (Vec::new(), Some(0)));
        let said = |wanted: Role| {
            run.kinds().find_map(|kind| match kind {
                Kind::Say { role, detail, .. } if *role == wanted => Some(detail.clone()),
                _ => None,
            })
        };
        let (title, above) = (said(Role::Title).flatten().unwrap(), said(Role::Compare).unwrap());
        let added = format!("{} ms added to each round trip", half * 2.0);
        assert_eq!(title.ends_with(&added), in_title, "{title}");
        assert_eq!(above, (!in_title).then_some(added));
        let heard = run.kinds().filter_map(|kind| match kind {
            Kind::Heard { client, after, .. } if client == "websocket" => Some(after.0.as_secs_f64() * 1e3),
            _ => None,
        });
        is_about(half, heard.collect(), "pushed");
        let summary = run.kinds().find_map(|kind| match kind {
            Kind::Summary(summary) => Some(summary.transports.clone()),
            _ => None,
        });
        for transport in summary.unwrap() {
            assert_eq!((transport.lost, transport.sent, transport.connections), (0, 1, 1), "{transport:?}");
        }
    }
}
