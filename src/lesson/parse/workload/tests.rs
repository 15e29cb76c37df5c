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
    assert!(wrong("1s anna: tick {n}").contains("{n} counts in an `every` line"));
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
