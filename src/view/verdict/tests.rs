use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::timeline::Elapsed;

fn transport(name: &str, median: f64, bytes: u64) -> Transport {
    let elapsed = |seconds| Elapsed(Duration::from_secs_f64(seconds));
    let spread = Spread { median: elapsed(median), p99: elapsed(median), worst: elapsed(median * 2.0) };
    Transport {
        name: name.into(),
        events: 6,
        heard_after: Some(spread),
        connections: if name == "close" { 10 } else { 1 },
        requests: if name == "websocket" { 1 } else { 10 },
        empty: if name == "websocket" { 0 } else { 5 },
        from_client: bytes / 2,
        from_server: bytes - bytes / 2,
        payload: 100,
        lost: 0,
        client_talks_by: "new request".into(),
        sent: 0,
        ..Transport::default()
    }
}

fn summary(transports: &[Transport]) -> Summary {
    Summary {
        seconds: Elapsed(Duration::from_secs(20)),
        clients: 1,
        partial: false,
        transports: transports.to_vec(),
        scaled: None,
    }
}

fn said(transports: &[Transport]) -> Vec<String> {
    sentences(&summary(transports)).into_iter().map(|it| it.bold + &it.plain).collect()
}

#[test]
fn the_numbers_bear_it_out() {
    let said = said(&[
        transport("close", 0.71, 2330),
        transport("keep-alive", 0.70, 2230),
        transport("websocket", 0.04, 800),
    ]);
    insta::assert_snapshot!(said.join("\n"), @r"
    The server's 6 pieces of news, 20 seconds.
    HTTP, close: 10 connections, 10 requests, 5 empty. Worst delay 1.42 s.
    HTTP, keep-alive: 1 connection, 10 requests, 5 empty. Worst delay 1.40 s.
    WebSocket: 1 connection, 1 request. Worst delay 80.0 ms.
    Staying open is not the difference. Sending without being asked is.
    WebSocket moved fewer bytes than HTTP, keep-alive: 800 against 2,230.
    Both sides have news: WebSocket. The client asks now and then: HTTP. Only the server has news: try SSE.
    ");
}

#[test]
fn nothing_is_claimed_that_was_not_measured() {
    let slow_socket = said(&[transport("close", 0.71, 2000), transport("websocket", 0.5, 2000)]);
    assert!(slow_socket.contains(&"WebSocket was not clearly sooner here.".into()));
    let alone = said(&[transport("websocket", 0.04, 800)]);
    assert!(!alone.iter().any(|it| it.contains("sooner") || it.contains("Staying")));
    let differ = said(&[
        transport("close", 2.0, 2000),
        transport("keep-alive", 0.7, 2000),
        transport("websocket", 0.04, 3000),
    ]);
    assert!(!differ.iter().any(|it| it.contains("Staying open is not")));
    assert!(differ.iter().any(|it| it.ends_with("here. HTTP, keep-alive heard sooner than HTTP, close.")));
    assert!(differ.iter().any(|it| it.contains("does not win")));
}

fn seven() -> Vec<Transport> {
    let mut all = vec![
        transport("close", 0.71, 2330),
        transport("keep-alive", 0.70, 2230),
        transport("long-poll", 0.0004, 1830),
        transport("sse", 0.0003, 900),
        transport("websocket", 0.0003, 1030),
        transport("socketio", 0.0004, 1500),
        transport("socketio-upgrade", 0.0005, 2900),
    ];
    all[3].requests = 1;
    all
}

#[test]
fn of_seven_the_groups_are_told() {
    insta::assert_snapshot!(said(&seven()).join("\n"));
}

#[test]
fn who_lost_news_does_not_win() {
    let mut all = seven();
    (all[4].lost, all[4].broken) = (2, 1);
    (all[3].broken, all[3].recovered) = (1, 1);
    (all[5].broken, all[5].recovered, all[5].doubled) = (1, 1, 1);
    all[0].failed = Some("the server is gone".into());
    insta::assert_snapshot!(said(&all).join("\n"));
}

#[test]
fn no_advice_to_try_what_was_tried() {
    let sse = said(&seven()[3..4]);
    assert!(sse.iter().any(|it| it.ends_with("Only the server has news: SSE.")), "{sse:?}");
    let mut lost = seven()[3..5].to_vec();
    lost[0].lost = 1;
    assert!(!said(&lost).iter().any(|it| it.contains("Only the server has news")));
    let waits = said(&seven()[1..3]);
    assert!(waits.iter().any(|it| it.ends_with("long polling, or try SSE.")), "{waits:?}");
}

fn any_transport(name: &'static str) -> impl Strategy<Value = Transport> {
    let numbers = (0_u64..20, 0_u64..5000, 0_u64..3, 0_u64..3, 0_u64..3, any::<bool>());
    (proptest::option::of(0.000_1_f64..3.0), numbers).prop_map(move |(delay, numbers)| {
        let (requests, bytes, lost, broken, recovered, failed) = numbers;
        let mut it = transport(name, delay.unwrap_or(1.0), bytes);
        if delay.is_none() {
            it.heard_after = None;
        }
        (it.requests, it.broken, it.recovered) = (requests, broken, recovered.min(broken));
        it.unreached = u64::from(broken == 2);
        it.lost = if delay.is_none() { it.events } else { lost / 2 };
        it.failed = (failed && lost == 2).then(|| "gone".into());
        it.cpu = Some(Elapsed(Duration::from_micros(requests * 100)));
        it
    })
}

fn any_summary() -> impl Strategy<Value = Vec<Transport>> {
    let names = ["close", "keep-alive", "long-poll", "sse", "websocket", "socketio", "socketio-upgrade"];
    let each = names.map(any_transport);
    (each, proptest::collection::vec(any::<bool>(), 7)).prop_map(|(all, kept)| {
        let some: Vec<_> = all.iter().zip(kept).filter(|(_, kept)| *kept).map(|(it, _)| it.clone()).collect();
        if some.is_empty() { all.to_vec() } else { some }
    })
}

/// Those that are named behind these words, up to the full stop.
fn named<'a>(all: &'a [Transport], said: &str, words: &str) -> Vec<&'a Transport> {
    let Some((_, rest)) = said.split_once(words) else { return Vec::new() };
    let end = rest.find(". ").unwrap_or(rest.len());
    let rest = rest[..end].trim().trim_end_matches('.');
    let comma = if rest.contains(';') || rest.starts_with("HTTP, ") { "; " } else { ", " };
    let of = |name: &str| all.iter().find(|it| nice(&it.name) == name.trim());
    rest.split(comma).filter_map(of).collect()
}

proptest! {
    #[test]
    fn nothing_is_claimed_that_the_numbers_contradict(all in any_summary()) {
        let said = said(&all);
        let text = said.join(" ");
        let best = all.iter().filter_map(median).reduce(f64::min).unwrap_or_default();
        for it in named(&all, &text, "On time:") {
            prop_assert!(is_whole(it) && !soon::is_later(best, median(it).unwrap()), "{}", text);
            prop_assert!(all.iter().filter_map(median).any(|it| soon::is_later(best, it)), "{}", text);
        }
        for it in named(&all, &text, "Later:") {
            prop_assert!(soon::is_later(best, median(it).unwrap()), "{}", text);
        }
        for it in named(&all, &text, "Came back by itself:") {
            prop_assert!(it.broken > 0 && it.recovered >= it.broken, "{}", text);
        }
        for it in named(&all, &text, "Did not come back:") {
            prop_assert!(it.recovered == 0 && it.broken > 0, "{}", text);
        }
        let socket = get(&all, "websocket");
        let others: Vec<_> = all.iter().filter(|it| it.name != "websocket" && is_whole(it)).collect();
        let least = others.iter().map(|it| cost::total(it)).min().unwrap_or_default();
        if text.contains("does not win on bytes") {
            prop_assert!(cost::total(socket.unwrap()) > least);
        }
        if text.contains("WebSocket moved fewer") || text.contains("WebSocket moved the fewest") {
            prop_assert!(is_whole(socket.unwrap()) && cost::total(socket.unwrap()) < least);
        }
        if text.contains("does not win on delay") {
            let socket = median(socket.unwrap()).unwrap();
            prop_assert!(!soon::is_later(best, socket));
            for it in named(&all, &text.replace(" as soon.", "."), "does not win on delay:") {
                prop_assert!(median(it).unwrap() < (socket * 1.5).max(socket + 0.005) + 1e-9, "{}", text);
            }
        }
        if text.contains("Staying open is not the difference") {
            let of = |name| get(&all, name).and_then(median).unwrap();
            let (close, alive) = (of("close"), of("keep-alive"));
            prop_assert!(close.max(alive) <= close.min(alive) * 1.5);
            prop_assert!(all.iter().filter(|it| crate::view::ways::is_unasked(&it.name)).filter_map(median)
                .all(|it| it < close.min(alive)));
        }
        // Whoever lost something is named with it.
        for it in all.iter().filter(|it| it.lost > 0) {
            prop_assert!(text.contains(&format!("{} {} of {}", nice(&it.name), it.lost, it.events)), "{}", text);
        }
        prop_assert!(get(&all, "sse").is_none() || !text.contains("try SSE"), "{}", text);
        prop_assert!(said.len() <= 13, "{}", said.join("\n"));
    }
}
