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

fn p99(it: &Transport) -> f64 {
    it.heard_after.map(|it| it.p99.seconds()).unwrap_or_default()
}

fn with(name: &str, median: f64, worst: f64) -> Transport {
    let elapsed = |seconds| Elapsed(Duration::from_secs_f64(seconds));
    let (median, worst) = (elapsed(median), elapsed(worst));
    Transport { heard_after: Some(Spread { median, p99: worst, worst }), ..transport(name, 1.0, 1000) }
}

/// Added round trips hide the ratio, and not the second.
#[test]
fn almost_a_second_is_noticed() {
    let all = [
        with("close", 1.36, 3.4),
        with("keep-alive", 1.46, 3.5),
        with("long-poll", 1.1, 1.7),
        with("sse", 0.5, 0.52),
        with("websocket", 0.5, 0.51),
    ];
    let text = said(&all).join("\n");
    assert!(text.contains("On time: SSE, WebSocket. Worst delay 520 ms."), "{text}");
    assert!(text.contains("Later: HTTP, close; HTTP, keep-alive; Long polling."), "{text}");
    assert!(!text.contains("Not clearly sooner"), "{text}");
}

#[test]
fn who_was_no_later_by_any_measure_is_not_called_later() {
    let polls = || [with("close", 1.2, 1.78), with("keep-alive", 1.2, 1.78)];
    let all = polls().into_iter().chain([with("long-poll", 0.001, 0.611), with("sse", 0.0015, 1.6)]);
    let all = all.collect::<Vec<_>>();
    let text = said(&all).join("\n");
    assert!(text.contains("Mostly on time: Long polling, SSE."), "{text}");
    let calm = polls().into_iter().chain([with("long-poll", 0.001, 0.05), with("sse", 0.0015, 1.6)]);
    let text = said(&calm.collect::<Vec<_>>()).join("\n");
    assert!(text.contains("On time: Long polling. Mostly on time: SSE."), "{text}");
}

/// What was measured decides, not how it ended.
#[test]
fn cut_after_the_last_news_is_on_time() {
    let mut all = vec![with("close", 1.2, 1.7), with("keep-alive", 1.2, 1.7), with("sse", 0.001, 0.002)];
    all.extend([with("long-poll", 0.001, 0.002), with("websocket", 0.001, 0.002)]);
    (all[4].failed, all[4].broken) = (Some("the connection was reset".into()), 1);
    let text = said(&all).join("\n");
    assert!(text.contains("On time: SSE, Long polling, WebSocket."), "{text}");
    assert!(text.contains("Heard all, did not come back: WebSocket."), "{text}");
    assert!(text.contains("Both sides have news: WebSocket, with code that comes back."), "{text}");
    assert!(!text.contains("not everything") && !text.contains("Of those that heard"), "{text}");
    (all[4].lost, all[2].requests) = (2, 1);
    let text = said(&all).join("\n");
    assert!(text.contains("As soon, but not everything: WebSocket."), "{text}");
    assert!(text.contains("Does not come back by itself: WebSocket."), "{text}");
    assert!(text.contains("Of those that heard everything, fewest requests"), "{text}");
}

#[test]
fn how_often_somebody_came_back() {
    let mut all = vec![with("long-poll", 0.001, 0.5), with("sse", 0.001, 0.5)];
    (all[0].broken, all[0].recovered, all[1].broken, all[1].recovered) = (4, 4, 3, 2);
    let text = said(&all).join("\n");
    assert!(text.contains("Came back each time: Long polling. SSE came back 2 of 3 times."), "{text}");
}

/// Waiting requests are told as soon as whoever is not asked: not the asking is what it costs.
#[test]
fn being_told_is_what_makes_it_soon() {
    let all = [with("close", 1.2, 1.7), with("long-poll", 0.001, 0.002), with("websocket", 0.001, 0.002)];
    let text = said(&all).join("\n");
    assert!(text.contains("Being told when there is news was sooner here."), "{text}");
    assert!(text.contains("WebSocket does not win on delay: Long polling was as soon."), "{text}");
    assert!(!text.contains("without being asked"), "{text}");
}

#[test]
fn nobody_wins_by_a_hair() {
    let cpu = |it: Transport, micros| Transport {
        cpu: Some(Elapsed(Duration::from_micros(micros))),
        memory: Some(if it.name == "close" { 10 } else { 9000 + micros * 10 }),
        ..it
    };
    let close = || transport("close", 0.5, 1050);
    let all = [cpu(close(), 126), cpu(transport("sse", 0.001, 1000), 125)];
    let text = said(&all).join("\n");
    assert!(!text.contains("Least") && !text.contains("Fewest bytes"), "{text}");
    let all = [
        cpu(close(), 300),
        cpu(transport("sse", 0.001, 700), 125),
        cpu(transport("websocket", 0.001, 690), 130),
    ];
    let text = said(&all).join("\n");
    assert!(text.contains("Least server CPU per client: SSE and WebSocket, 0.125 ms."), "{text}");
    assert!(text.contains("WebSocket and SSE moved about as many bytes: 690 and 700."), "{text}");
    assert!(!text.contains("Least memory"), "{text}");
}

#[test]
fn what_is_needed_once_counts_less_for_long() {
    let mut all = vec![transport("websocket", 0.001, 1034), transport("socketio", 0.001, 1300)];
    all[1].once.bytes = 900;
    let load = |name: &str, bytes| crate::timeline::Load {
        name: name.into(),
        connections: 1e4,
        requests: 1e4,
        bytes,
        cpu: None,
        memory: None,
    };
    let transports = vec![load("websocket", 1.4e9), load("socketio", 1.1e9)];
    let seconds = Elapsed(Duration::from_secs(3600));
    let scaled = Some(crate::timeline::Scaled { clients: 10_000, seconds, transports });
    let told = sentences(&Summary { scaled, ..summary(&all) });
    let text = told.into_iter().map(|it| it.bold + &it.plain).collect::<Vec<_>>().join("\n");
    assert!(text.contains("10,000 clients for 1 h: Socket.IO moves fewer bytes than WebSocket."), "{text}");
}

#[test]
fn who_had_no_news_yet_lost_none() {
    let ended = Transport { events: 0, heard_after: None, ..transport("close", 1.0, 100) };
    assert!(said(std::slice::from_ref(&ended))[1].ends_with("It ended before any news."));
    assert!(said(&[Transport { events: 2, ..ended.clone() }])[1].ends_with("It ended before it heard any."));
    assert!(said(&[Transport { events: 2, lost: 2, ..ended }])[1].ends_with("It heard nothing."));
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
        if let Some(spread) = it.heard_after.as_mut().filter(|_| bytes % 3 == 0) {
            spread.p99 = spread.worst;
        } else if let Some(spread) = &mut it.heard_after {
            spread.worst = spread.p99;
        }
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
        let best = soon::best(&all);
        let is_late = |it: &Transport| soon::is_later(best, median(it).unwrap());
        let on_time = named(&all, &text, "On time:");
        for it in &on_time {
            prop_assert!(is_whole(it) && !is_late(it), "{}", text);
            prop_assert!(p99(it) - best <= 0.3 + 1e-9, "{}", text);
        }
        let equally = named(&all, &text, "About equally soon:");
        let mostly = named(&all, &text, "Mostly on time:");
        let later = named(&all, &text, "Later:");
        prop_assert!(later.iter().all(|it| is_late(it)), "{}", text);
        prop_assert!(equally.iter().chain(&mostly).all(|it| is_whole(it) && !is_late(it)), "{}", text);
        // Who heard everything and no later than another, by any measure, stands no lower.
        let ranks = [&on_time, &equally, &mostly, &later];
        for (n, low) in ranks.iter().enumerate() {
            for (sooner, late) in low.iter().flat_map(|it| ranks[..n].iter().flat_map(move |of| of.iter().map(move |up| (*it, *up)))) {
                let [low, up] = [sooner, late].map(|it| it.heard_after.unwrap());
                let no_later = low.median <= up.median && low.p99 <= up.p99;
                prop_assert!(!is_whole(sooner) || !no_later, "{} above {}: {}", late.name, sooner.name, text);
            }
        }
        for it in named(&all, &text, "Came back each time:") {
            prop_assert!(it.broken > 0 && it.recovered >= it.broken, "{}", text);
        }
        for words in ["Did not come back:", "Does not come back by itself:", "Heard all, did not come back:"] {
            for it in named(&all, &text, words) {
                prop_assert!(it.recovered == 0 && it.broken > 0, "{}", text);
                prop_assert!(is_whole(it) == words.starts_with("Heard"), "{}", text);
            }
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
            let others = said.iter().find(|it| it.contains("does not win on delay")).unwrap();
            for it in all.iter().filter(|it| it.name != "websocket" && others.contains(nice(&it.name))) {
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
        // Who is not compared is not left out without a word.
        let costs = ["bytes", "requests", "CPU"].map(|it| said.iter().find(|line| line.contains(it) && line.contains("ewe")));
        for line in costs.into_iter().flatten().filter(|it| !it.starts_with(nice("close")) && it.contains("ewest")) {
            let all = all.iter().all(|it| is_whole(it) && it.failed.is_none());
            prop_assert!(all || line.starts_with("Of those that "), "{}", line);
        }
        prop_assert!(said.len() <= 14, "{}", said.join("\n"));
    }
}
