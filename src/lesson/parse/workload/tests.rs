use std::time::Duration;

use super::*;
use crate::lesson::parse::parse as parse_lesson;
use crate::lesson::script::Part;

/// The events of a workload.
fn compare(lines: &str) -> Result<Workload, Vec<String>> {
    let body = format!("## S\n```compare\n{lines}\n```\n");
    let text = format!("---\ntitle: A\nsummary: B\n---\n{body}");
    match parse_lesson("x", "x.md", &text) {
        Ok(mut lesson) => match lesson.steps.remove(0).parts.remove(0) {
            Part::Compare(workload) => Ok(workload),
            other => panic!("{other:?}"),
        },
        Err(found) => Err(found
            .0
            .into_iter()
            .map(|m| format!("{}:{}: {} ({})", m.line - 4, m.column, m.message, m.mend))
            .collect()),
    }
}

#[test]
fn workloads_are_checked() {
    let wrong = |lines: &str| {
        let mut found = compare(lines).expect_err("invalid");
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    };
    assert_eq!(
        wrong("transports: close, websockets\n1s server: a"),
        "3:20: no transport is named \"websockets\" (websocket)"
    );
    assert!(wrong("transports: close, close\n1s server: a").contains("close is there twice"));
    assert!(wrong("pol: 2s\n1s server: a").ends_with("(poll: 2s)"));
    assert!(wrong("poll: 0s\n1s server: a").contains("longer than nothing"));
    assert!(wrong("rtt: 5\n1s server: a").ends_with("(5s or 5ms)"));
    assert!(wrong("rtt: 11s\n1s server: a").contains("longer than 10s"));
    assert!(wrong("rtt: 10us\n1s server: a").contains("at least 1ms"));
    assert!(wrong("rtt: 0ms\nrtt: 0ms\n1s server: a").contains("twice"));
    assert!(wrong("poll: 2s").starts_with("2:1: nothing is said"));
    assert!(wrong("server: a").ends_with("(a time before it: 3s server: a)"));
    assert!(wrong("1s a").contains("who says it?"));
    assert!(wrong("1s Anna: a").ends_with("(anna)"));
    assert!(wrong("1s anna:").contains("nothing is said"));
    assert!(wrong("1s anna: tick {n}").contains("{n} counts where there are several"));
    assert!(wrong("every 1s x2 anna: {m}").ends_with("({n})"));
    assert!(wrong("every 1s 20 server: a").starts_with("3:10: how many times?"));
    assert!(wrong("every 1s x0 server: a").contains("how many times?"));
    assert!(wrong("soon").contains("begins with a time or with `every`"));
    assert!(wrong("every 1s x3601 server: a").contains("at most an hour"));
    assert!(wrong("every 1ms x10001 server: a").contains("at most 10000 things"));
    assert!(wrong("every 1ms x10000 server: a\n1s server: b\n1s server: c").starts_with("4:12:"));
    assert!(wrong(&format!("1s server: {}", "x".repeat(1025))).contains("1024 is the most"));
    assert_eq!(compare("1s server: a").expect("valid").transports, ["close", "keep-alive", "websocket"]);
    assert_eq!(compare("1s server: a").expect("valid").poll, Duration::from_secs(2));
    assert_eq!(compare("1s server: a").expect("valid").network.rtt, Duration::ZERO);
    assert_eq!(compare("rtt: 80ms\n1s server: a").expect("valid").network.rtt, Duration::from_millis(80));
}

#[test]
fn what_is_changed_is_set() {
    let all = "transports: close, keep-alive, long-poll, sse, websocket, socketio, socketio-upgrade\n\
               size: 2KiB\nstall: 3s/20s\ncut: 5s\nclients: 1000\nrtt: 80ms\n1s server: a";
    let workload = compare(all).expect("valid");
    assert_eq!(workload.transports.len(), 7);
    assert_eq!((workload.size, workload.clients), (Some(2048), 1000));
    let seconds = Duration::from_secs;
    assert_eq!(workload.network.stall, Some(crate::tap::Stall { time: seconds(3), every: seconds(20) }));
    assert_eq!(workload.network.cut, Some(seconds(5)));
    let stalled = compare("stall: 3s\n1s server: a").expect("valid").network.stall;
    assert_eq!(stalled.map(|stall| stall.every), Some(seconds(10)));
    for (size, bytes) in [("1", 1), ("200", 200), ("200B", 200), ("200 B", 200), ("32KiB", 32_768)] {
        assert_eq!(compare(&format!("size: {size}\n1s server: a")).expect(size).size, Some(bytes));
    }
    let plain = compare("1s server: a").expect("valid");
    assert_eq!((plain.size, plain.clients, plain.network.is_changed()), (None, 1, false));
}

#[test]
fn what_cannot_be_set_is_told_with_what_to_type() {
    let wrong = |line: &str| {
        let mut found = compare(&format!("{line}\n3s server: GOAL 1-0")).expect_err(line);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    };
    for (line, end) in [
        ("size: 0", "1 byte to 32KiB (200 or 2KiB)"),
        ("size: 33KiB", "1 byte to 32KiB (200 or 2KiB)"),
        ("size: 99999999999999999999", "1 byte to 32KiB (200 or 2KiB)"),
        ("size: lots", "\"lots\" is no size (200 or 2KiB)"),
        ("size: 2 MiB", "\"2 MiB\" is no size (200 or 2KiB)"),
        ("size:", "\"\" is no size (200 or 2KiB)"),
        ("size: 5", "this says 8 bytes, and `size` is 5 (a shorter text, or size: 8)"),
        ("stall: 3s/3s", "a stall must end before the next begins (3s/6s)"),
        ("stall: 1m", "a stall must end before the next begins (1m/2m)"),
        ("stall: 50m/40m", "(3s/10s)"),
        ("stall: 3s 10s", "(3s/10s)"),
        ("poll: 1us", "at least 1ms (500ms or 2s)"),
        ("poll 2s", "(poll: 2s)"),
        ("transports: sse ws", "(sse, websocket)"),
        ("foo: 3", "(one of: transports, poll, rtt, stall, cut, size, clients)"),
        ("foo: bar", "3s foo: bar; or one of: transports, poll, rtt, stall, cut, size, clients)"),
        ("events: 20", "(every 500ms x20 server: tick {n})"),
        ("burst: 3", "(2s x30 server: tick {n})"),
        ("stall: 3s/", "a time is missing (500ms or 2s)"),
        ("stall: 0s", "longer than nothing (500ms or 2s)"),
        ("stall: 1us", "at least 1ms (500ms or 2s)"),
        ("cut: soon", "\"soon\" is no time (500ms or 2s)"),
        ("cut: 1us", "at least 1ms (500ms or 2s)"),
        ("clients: 0", "from 1 to 5000 clients take part (1000)"),
        ("clients: 5001", "from 1 to 5000 clients take part (1000)"),
        ("clients: 1,000", "\"1,000\" is no number of clients (1000)"),
        ("clients: 2'500", "\"2'500\" is no number of clients (2500)"),
        ("clients: many", "\"many\" is no number of clients (1000)"),
        ("client: 5", "a workload has no setting named \"client\" (clients: 5)"),
        ("sizes: 5", "a workload has no setting named \"sizes\" (size: 5)"),
        (
            "rtt: 5s",
            "a round trip of 5s is longer than the schedule, 3s (80ms, or something that is said later)",
        ),
    ] {
        let told = wrong(line);
        assert!(told.ends_with(end), "{line}: {told}");
    }
}

#[test]
fn transports_are_known_by_their_other_names() {
    for (other, name) in [
        ("polling", "keep-alive, or close"),
        ("short-poll", "keep-alive, or close"),
        ("Short Polling", "keep-alive, or close"),
        ("longpoll", "long-poll"),
        ("long_polling", "long-poll"),
        ("EventSource", "sse"),
        ("ws", "websocket"),
        ("web-socket", "websocket"),
        ("socket.io", "socketio"),
        ("Socket.IO", "socketio"),
        ("keepalive", "keep-alive"),
    ] {
        assert_eq!(likely_transport(other), Some(name), "{other}");
    }
    assert_eq!(likely_transport("carrier pigeon"), None);
    for (_, meant) in settings::ALSO {
        let named = meant.split(", or ").all(|name| crate::lesson::script::TRANSPORTS.contains(&name));
        assert!(named, "{meant}");
    }
}

#[test]
fn several_things_are_said_at_once() {
    let said = |lines: &str| -> Vec<(u128, String)> {
        let workload = compare(lines).expect(lines);
        workload.events.into_iter().map(|event| (event.at.as_millis(), event.text)).collect()
    };
    let is =
        |all: &[(u128, &str)]| all.iter().map(|(at, text)| (*at, (*text).to_owned())).collect::<Vec<_>>();
    assert_eq!(said("2s x3 server: tick {n}"), is(&[(2000, "tick 1"), (2000, "tick 2"), (2000, "tick 3")]));
    assert_eq!(said("3s anna: b\n2s x1 server: a"), is(&[(2000, "a"), (3000, "b")]));
    assert_eq!(said("1s x: hello"), is(&[(1000, "hello")]), "x is a client's name");
    let wrong = |lines: &str| compare(lines).expect_err(lines).remove(0);
    assert!(wrong("2s x0 server: a").starts_with("3:4: how many times? (2s x30 server: tick {n})"));
    assert!(wrong("2s x1o server: a").contains("how many times?"));
    assert!(wrong("2s x30 server: {m}").ends_with("({n})"));
    assert!(wrong("2s x30").contains("who says it?"));
    assert!(
        wrong("3s x20000 server: a")
            .ends_with("3:4: a workload says at most 10000 things (x10000, or fewer)")
    );
    assert!(wrong("3s x99999999999 server: a").contains("at most 10000 things"));
    assert!(
        wrong("every 1s x9999999999 server: a")
            .ends_with("3:10: a workload takes at most an hour (x3600, or fewer)")
    );
    assert!(wrong("61m x2 server: a").contains("longer than an hour"));
    assert!(wrong("size: 6\n2s x10 server: tick {n}").contains("this says 7 bytes"));
}

#[test]
fn all_mistakes_of_a_workload_are_told_at_once() {
    let found = compare("transports: ws, sse\nsize: big\nrtt: 9s\nclients: 0\n2s x0 server: a\n1s server: b");
    let found = found.expect_err("invalid");
    let lines: Vec<_> = found.iter().filter_map(|told| told.split(':').next()).collect();
    assert_eq!(lines, ["3", "4", "5", "6", "7"], "{found:#?}");
}
