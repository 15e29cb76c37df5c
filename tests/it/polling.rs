//! The lessons on how HTTP imitates push, and on which way for what: their claims, and what their words say of the numbers.

use std::sync::OnceLock;

use wsdemo::timeline::{Kind, Side, Summary, Transport};

use crate::harness::{Run, json, output, wsdemo};
use crate::{facts, shape};

fn polling() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| json(&["lesson", "polling"]))
}

fn choosing() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| json(&["lesson", "choosing"]))
}

fn summaries(run: &Run) -> Vec<&Summary> {
    let summaries = run.kinds().filter_map(|kind| match kind {
        Kind::Summary(summary) => Some(&**summary),
        _ => None,
    });
    summaries.collect()
}

fn one<'a>(summary: &'a Summary, name: &str) -> &'a Transport {
    summary.transports.iter().find(|it| it.name == name).unwrap()
}

fn bytes(it: &Transport) -> u64 {
    it.from_client + it.from_server
}

#[test]
fn they_hold_and_their_facts_add_up() {
    for run in [polling(), choosing()] {
        facts::check(run);
        shape::check(run);
    }
}

/// What the steps are about happened as their words say, whatever the numbers.
#[test]
fn http_imitates_push_as_it_is_told() {
    let mut steps = Vec::new();
    for kind in polling().kinds() {
        match kind {
            Kind::Step { .. } => steps.push((0, 0, 0)),
            Kind::Request { .. } => steps.last_mut().unwrap().0 += 1,
            Kind::Heard { .. } => steps.last_mut().unwrap().1 += 1,
            Kind::Packet { packet, from: Side::Server, .. } if packet == "event" => {
                steps.last_mut().unwrap().2 += 1
            }
            _ => {}
        }
    }
    // Requests, news heard, events of a stream: of each way.
    let expected =
        [(0, 0, 0), (4, 2, 0), (1, 1, 0), (1, 0, 0), (2, 2, 0), (1, 2, 2), (1, 0, 1), (1, 1, 1), (0, 0, 0)];
    assert_eq!(steps[..9], expected);
    let ways = summaries(polling())[0];
    let worst = |name: &str| one(ways, name).heard_after.unwrap().worst;
    for waiting in ["long-poll", "sse", "websocket"] {
        assert!(worst(waiting) < worst("keep-alive"), "{waiting}");
    }
    assert!(ways.transports.iter().all(|it| it.lost == 0));
    assert_eq!((one(ways, "websocket").requests, one(ways, "sse").requests), (1, 3), "one, and two to speak");
}

#[test]
fn what_is_chosen_is_what_the_numbers_say() {
    let [chat, score, ticker, form, notification, game] = summaries(choosing())[..] else { panic!("six") };
    // Both speak often: of the three that are compared a WebSocket takes the fewest bytes, whatever the machine.
    for both in [chat, game] {
        let least = both.transports.iter().min_by_key(|it| bytes(it)).unwrap();
        assert_eq!(least.name, "websocket");
        assert!(both.transports.iter().all(|it| it.lost == 0 && it.unreached == 0));
        assert_eq!(one(both, "sse").requests, one(both, "sse").sent + 1);
        assert_eq!(one(both, "websocket").requests, 1);
    }
    // Most of what a request of a few bytes takes is its headers.
    let parts = one(game, "sse").made_of.client;
    assert!(parts.headers > parts.messages, "{parts:?}");
    // Only the server speaks: one request, and all is heard.
    for one_way in [score, ticker] {
        assert_eq!((one(one_way, "sse").requests, one(one_way, "sse").lost), (1, 0));
    }
    assert!(bytes(one(ticker, "keep-alive")) < bytes(one(ticker, "websocket")), "a burst is one answer");
    assert_eq!(one(ticker, "sse").events, 48);
    assert!(bytes(one(form, "websocket")) < bytes(one(form, "keep-alive")));
    assert_eq!(one(form, "keep-alive").connections, 1);
    // All are away when the news is made; who comes back by itself hears of it.
    let back = |name: &str| (one(notification, name).lost, one(notification, name).recovered > 0);
    assert_eq!([back("long-poll"), back("sse"), back("websocket")], [(0, true), (0, true), (2, false)]);
    assert!(one(notification, "websocket").failed.is_some());
}

/// On a projector of 80 by 24, what a transcript shows fits beside its question.
#[test]
fn a_step_fits_on_a_projector() {
    let output = output(wsdemo(&["lesson", "polling", "--width", "80"]));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    let steps: Vec<&str> = said.split("\n── ").skip(1).collect();
    assert_eq!(steps.len(), 10);
    for step in &steps[..9] {
        let rows = step.lines().skip_while(|line| !line.contains("CLIENT")).skip(1);
        let rows = rows.take_while(|line| !line.is_empty() && !line.starts_with(" ✓"));
        assert!(rows.clone().count() <= 14, "{step}");
    }
}
