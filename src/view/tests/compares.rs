//! What the views draw of a compare.

use std::collections::HashMap;

use super::super::lanes::Lanes;
use super::super::text::Look;
use super::*;
use crate::timeline::{ConnId, Side, Transport, Who};
use unicode_width::UnicodeWidthStr as _;

/// Every group of lines that was shown, with its kind.
#[derive(Clone, Default)]
struct Groups(Arc<Mutex<Vec<Shown>>>);

type Shown = (Group, Vec<String>);

impl Out for Groups {
    fn show(&mut self, group: Group, lines: &[Line]) -> io::Result<()> {
        let lines = lines.iter().map(|line| line.text().trim_end().to_owned()).collect();
        self.0.lock().expect("no panic holds it").push((group, lines));
        Ok(())
    }
}

fn groups(events: &[Event], width: usize, brief: bool) -> Vec<Shown> {
    let groups = Groups::default();
    let mut view = Narrator::new(groups.clone(), Options { width, ascii: false, hex: false, brief });
    for event in events {
        view.event(event).expect("it takes everything");
    }
    view.finish().expect("it takes everything");
    groups.0.lock().expect("no panic holds it").clone()
}

fn text(events: &[Event], width: usize, ascii: bool, brief: bool) -> String {
    let page = Page::default();
    drawn(Narrator::new(page.clone(), Options { width, ascii, hex: false, brief }), &page, events)
}

fn compares() -> [(&'static str, Vec<Event>); 9] {
    [
        ("seven", sample::seven()),
        ("sealed", sample::sealed()),
        ("cut", sample::cut()),
        ("load", sample::load()),
        ("partial", sample::partial()),
        ("compare", sample::compare()),
        ("many_goals", sample::many_goals()),
        ("crowded", sample::crowded()),
        ("all_lost", sample::all_lost()),
    ]
}

#[test]
fn in_a_class() {
    for width in [100, 80, 60] {
        insta::assert_snapshot!(
            format!("compare_{width}_brief"),
            text(&sample::compare(), width, false, true)
        );
    }
}

#[test]
fn in_ascii() {
    for (_, events) in compares() {
        assert!(text(&events, 80, true, false).is_ascii());
    }
    insta::assert_snapshot!("compare_80_ascii", text(&sample::compare(), 80, true, false));
}

#[test]
fn with_many_messages_and_with_none() {
    for (name, events) in compares().into_iter().skip(6) {
        insta::assert_snapshot!(format!("{name}_80"), text(&events, 80, false, false));
        let plain = plainly(&events);
        let end = plain.find("  heard after, median: ").expect("the numbers are told");
        insta::assert_snapshot!(format!("{name}_plain"), plain[end..]);
    }
}

#[test]
fn of_all_transports() {
    for (name, events) in compares().into_iter().take(5) {
        for width in [100, 80, 60] {
            for brief in [true, false] {
                let form = if brief { "brief" } else { "full" };
                // The first has all there is to see.
                if name == "seven" || (brief == (width == 60)) {
                    insta::assert_snapshot!(
                        format!("{name}_{width}_{form}"),
                        text(&events, width, false, brief)
                    );
                }
            }
        }
        insta::assert_snapshot!(format!("{name}_plain"), plainly(&events));
    }
}

#[test]
fn no_line_is_too_wide_at_any_width() {
    for (name, events) in compares() {
        let all = name != "crowded";
        for width in (48..=140).chain([200, 300, 400]).filter(|width| all || width % 13 == 0) {
            for (brief, ascii) in [(false, false), (true, true)] {
                let text = text(&events, width, ascii, brief);
                let wide = text.lines().find(|line| line.width() > width);
                assert_eq!(wide, None, "{name} at {width}");
                assert!(!ascii || text.is_ascii(), "{name} at {width}: {text}");
            }
        }
    }
}

/// A projector is 80 by 24; what follows a gap may stand on a page of its own.
#[test]
fn each_block_of_the_end_fits_a_page() {
    for (name, events) in compares() {
        for (width, brief) in [(60, true), (80, true), (80, false), (100, false)] {
            let groups = groups(&events, width, brief);
            let end = groups.iter().position(|(_, lines)| {
                lines
                    .iter()
                    .any(|it| it.contains("├─") && (it.contains(" opened") || it.contains(" per client")))
            });
            for (group, lines) in &groups[end.expect("the picture is drawn")..] {
                assert_eq!(*group, Group::Block);
                assert!(lines.len() <= 14, "{name} at {width}: {} lines\n{}", lines.len(), lines.join("\n"));
            }
            let verdict = groups.iter().rfind(|(_, lines)| lines.iter().any(|it| it.contains("Both sides")));
            let (_, lines) = verdict.expect("there is a verdict");
            // And a gap.
            assert!(lines.len() <= 11 || width < 80, "{name} at {width}: {}", lines.join("\n"));
        }
    }
}

/// A row is one time: nothing of the next stands in it.
#[test]
fn a_row_is_shown_when_it_is_complete() {
    for width in [60, 80, 100] {
        for (group, lines) in groups(&sample::compare(), width, true) {
            let timed = |line: &&String| line.get(..8).is_some_and(|it| it.trim().parse::<f64>().is_ok());
            let times = lines.iter().filter(timed).count();
            assert!(times <= 1, "{lines:?}");
            assert!(group == Group::Row || times == 0, "{lines:?}");
        }
    }
}

/// Not when something else happens.
#[test]
fn news_is_shown_at_once() {
    let events = sample::compare();
    let heard = |event: &Event| matches!(&event.kind, Kind::Heard { client, .. } if client == "websocket");
    let first = events.iter().position(heard).expect("somebody hears");
    for width in [60, 80, 100] {
        let page = Page::default();
        let mut view = Narrator::new(page.clone(), Options { width, ascii: false, hex: false, brief: true });
        events[..=first].iter().for_each(|event| view.event(event).expect("a page takes everything"));
        let text = page.text();
        assert!(text.contains("GOAL 1-0, 0.30 ms"), "{text}");
    }
}

/// What is drawn of the delays, and what is told of them, are the same numbers.
#[test]
fn the_plot_says_what_the_scoreboard_says() {
    for (name, events) in compares().into_iter().filter(|(name, _)| *name != "load") {
        let names = events.iter().find_map(|event| match &event.kind {
            Kind::Say { lanes, .. } if !lanes.is_empty() => Some(lanes),
            _ => None,
        });
        let mut lanes = Lanes::new(Look::default(), 80, names.expect("they are named"));
        for event in &events {
            if lanes.takes(event) {
                lanes.event(event);
            }
        }
        let told = events.iter().find_map(|event| match &event.kind {
            Kind::Summary(summary) => Some(&summary.transports),
            _ => None,
        });
        for it in told.expect("it is summed up") {
            let mut delays = lanes.lane(&it.name).expect("it has a lane").delays.clone();
            delays.sort_unstable();
            let spread = delays.last().map(|worst| {
                let median = (delays[(delays.len() - 1) / 2] + delays[delays.len() / 2]) / 2;
                (median, *worst)
            });
            assert_eq!(it.heard_after.map(|it| (it.median.0, it.worst.0)), spread, "{name}: {}", it.name);
            assert_eq!(it.events - it.lost, delays.len() as u64, "{name}: {}", it.name);
        }
    }
}

/// What the client says itself comes back to it, and is no news.
#[test]
fn an_echo_is_not_a_delay() {
    let mut events = sample::compare();
    let echo = events.iter().position(|it| match &it.kind {
        Kind::Frame(frame) => {
            frame.from == Side::Server && frame.text.as_deref().is_some_and(|it| it.contains("nice"))
        }
        _ => false,
    });
    let echo = echo.expect("it comes back");
    let heard =
        Kind::Heard { client: "websocket".into(), conn: Some(ConnId(1)), id: 90, after: Default::default() };
    events.insert(echo + 1, Event { kind: heard, ..events[echo].clone() });
    assert!(plainly(&events).contains("WebSocket: 3 heard, after 0.30 ms"));
}

/// Two frames and two hearings at the same time: each is told beside the frame that brought it.
#[test]
fn what_was_heard_stands_beside_what_brought_it() {
    let events = sample::compare();
    let text = text(&events, 80, false, true);
    let mut rows: HashMap<&str, usize> = HashMap::new();
    for name in ["GOAL 1-0, 0.30 ms", "GOAL 2-0, 0.30 ms", "nice!────►◄───nice!", "─close 1000►◄───same─×"]
    {
        *rows.entry(name).or_default() += text.matches(name).count();
    }
    assert!(rows.values().all(|count| *count == 1), "{rows:?}\n{text}");
}

#[test]
fn at_the_narrowest() {
    insta::assert_snapshot!("compare_48_brief", text(&sample::compare(), 48, false, true));
}

/// A burst is one row in each lane, however late it is heard, and its number is not cut away.
#[test]
fn a_burst_is_one_row() {
    for (late, size, name) in [
        (0, 0, "websocket"),
        (5000, 0, "websocket"),
        (60_000, 0, "websocket"),
        (900, 300, "websocket"),
        (0, 300, "x"),
    ] {
        let mut story = sample::Story::default();
        story.lanes(&[name, "keep-alive"]).open(1, name).open(2, "keep-alive").ms(300);
        if name == "websocket" {
            story.upgraded(1);
        }
        let words = |n: u64| format!("GOAL {n}-0{}", ".".repeat(size));
        for n in 1..=30 {
            story.us(20).push(Kind::World { what: "say".into(), id: Some(n), text: words(n) });
            // The first are on their way before the last are made.
            if n > 3 && name == "websocket" {
                story.frame(1, Side::Server, crate::timeline::Opcode::Text, words(n - 3).as_bytes());
            }
        }
        story.us(late);
        for n in (1..=30).filter(|_| name == "websocket") {
            story.us(20).hears(name, n, std::time::Duration::from_millis(6));
        }
        story.ms(400).news("END").ms(400).played();
        for width in [60, 80, 100] {
            let text = text(&story.events, width, false, false);
            assert_eq!(text.matches("GOAL").count(), 1, "{text}");
            assert!(text.contains(" and 29 more"), "{text}");
            assert!(name == "x" || text.matches("30 news, 6.00 ms").count() == 1, "{text}");
        }
        let plain = plainly(&story.events);
        assert!(plain.contains(" and 29 more\n"), "{plain}");
        assert!(name == "x" || plain.contains("WebSocket: hears 30 news after 6.00 ms"), "{plain}");
        assert_eq!(plain.matches("GOAL").count(), 1, "{plain}");
    }
}

/// What all seven do by default is drawn to its end, at each width.
#[test]
fn the_default_work_is_drawn_to_its_end() {
    let mut events = sample::seven();
    let played = events
        .iter()
        .position(|it| matches!(&it.kind, Kind::Say { role: crate::timeline::Role::Played, .. }));
    let end = events.split_off(played.expect("it ends"));
    // Four times as much.
    let asks = events.iter().position(|it| matches!(&it.kind, Kind::World { .. })).expect("there is news");
    let again: Vec<Event> = events.get(asks..).unwrap_or_default().to_vec();
    let shift = |event: &Event, n: u64| Event {
        at: crate::timeline::Elapsed(event.at.0 + std::time::Duration::from_secs(5 * n)),
        ..event.clone()
    };
    let closes = |event: &Event| matches!(event.kind, Kind::Fin { .. } | Kind::Closed { .. });
    let more: Vec<Event> =
        (1..=2).flat_map(|n| again.iter().filter(|it| !closes(it)).map(move |it| shift(it, n))).collect();
    events.extend(more);
    events.push(Event {
        kind: Kind::World { what: "say".into(), id: None, text: "THE LAST".into() },
        ..shift(&events[0], 9)
    });
    events.extend(end);
    for width in [60, 80, 100] {
        let text = text(&events, width, false, false);
        assert!(!text.contains("the rest is counted") && text.contains("THE LAST"), "{text}");
    }
    assert!(plainly(&events).contains("THE LAST"));
}

/// In a run of many clients there are no lanes, and a ladder of rungs is no place for it.
#[test]
fn a_failure_without_lanes_is_told_in_words() {
    let mut events = sample::load();
    let at = events.iter().position(|it| matches!(it.kind, Kind::Summary(_))).expect("it is summed up");
    let text = "websocket: its child process is gone".to_owned();
    let failed = Kind::World { what: "failed".into(), id: None, text };
    events.insert(at - 2, Event { kind: failed, ..events[at].clone() });
    for told in [text_of(&events), plainly(&events)] {
        assert_eq!(told.matches("WebSocket failed: its child process is gone.").count(), 1, "{told}");
        assert!(!told.contains("CLIENT") && !told.contains("failed websocket"), "{told}");
    }
}

fn text_of(events: &[Event]) -> String {
    text(events, 80, false, false)
}

/// Who failed is not in the table of what was computed, and that is said.
#[test]
fn who_is_not_computed_is_named() {
    let mut events = sample::load();
    for event in &mut events {
        if let Kind::Summary(summary) = &mut event.kind {
            summary.transports[3].failed = Some("gone".into());
            summary.scaled.iter_mut().for_each(|it| it.transports.truncate(3));
        }
    }
    for told in [text_of(&events), plainly(&events)] {
        assert!(told.contains("Not computed: WebSocket, which failed."), "{told}");
    }
}

/// A connection is as long as it was open, and one that broke ends so at each width.
#[test]
fn what_broke_is_as_long_as_it_lived() {
    for width in [60, 80, 100] {
        let text = text(&sample::cut(), width, false, false);
        let line = |name: &str| {
            let line =
                text.lines().find(|it| it.contains(name) && it.contains(" broken")).expect("it is drawn");
            line.chars().skip(19).collect::<String>()
        };
        let (socket, stream, io) = (line("WebSocket"), line("SSE"), line("Socket.IO"));
        let cross = |line: &str| line.chars().position(|c| c == '×').expect("it broke");
        let end = stream.chars().position(|c| c == '┤').expect("it came back");
        // At 1.5 of 5 s.
        let part = cross(&socket) as f64 / end as f64;
        assert!((0.2..0.4).contains(&part), "{width}: {part}\n{text}");
        assert!(!socket.contains('┤') && io.contains('×') && io.contains('┤'), "{text}");
        assert_eq!(cross(&socket), cross(&stream), "{text}");
    }
}

/// A kept connection that is reset while nobody asks is neither closed in order nor broken.
#[test]
fn a_reset_while_idle_is_told_apart() {
    let mut story = sample::Story::default();
    story.lanes(&["keep-alive", "long-poll"]).open(1, "keep-alive").open(2, "long-poll").us(50);
    story.request(2, 1, "GET /x?wait=20 HTTP/1.1\r\n\r\n").open(3, "long-poll");
    story.request(3, 1, "POST /x HTTP/1.1\r\n\r\n").ms(900);
    story.closed(1, Who::Reset, Some(Side::Client)).closed(2, Who::Reset, Some(Side::Client)).ms(400);
    story.open(4, "keep-alive").ms(400).closed(3, Who::Reset, Some(Side::Client));
    let all = [("keep-alive", 0), ("long-poll", 1)].map(|(name, broken)| Transport {
        name: name.into(),
        broken,
        ..Transport::default()
    });
    story.summary_with(2.0, all.to_vec(), |_| ());
    let text = text_of(&story.events);
    assert!(text.contains("2 opened, 1 reset while idle"), "{text}");
    assert!(text.contains("reset (POST) ×"), "{text}");
    // The POST is still on its way when nothing is waited for any more.
    let after = text.lines().find(|line| line.trim_start().starts_with("1.30 +")).expect("it opens again");
    assert!(!after.contains("waits"), "{text}");
}

/// Of many clients nobody saw when it broke; that most did not come back is known.
#[test]
fn what_broke_for_many_does_not_end_in_order() {
    let mut events = sample::load();
    for event in &mut events {
        if let Kind::Summary(summary) = &mut event.kind {
            (summary.transports[3].broken, summary.transports[3].recovered) = (1000, 0);
        }
    }
    for width in [60, 80, 100] {
        let text = text(&events, width, false, false);
        let line = text
            .lines()
            .find(|it| it.contains("WebSocket") && it.contains("1,000 broken"))
            .expect("it is drawn");
        assert!(line.contains('×') && !line.contains('┤'), "{line}");
    }
}

/// What is left out at the keys can be asked for, and that is said.
#[test]
fn what_is_left_out_is_shown_on_demand() {
    let brief = text(&sample::compare(), 80, false, true);
    assert!(brief.contains("x shows more: bytes of each side.") && !brief.contains("bytes from"), "{brief}");
    let asked = bytes(&sample::compare(), 80, false);
    assert!(asked.contains("bytes from") && asked.contains("server speaks"), "{asked}");
    assert!(!text(&sample::compare(), 80, false, false).contains("x shows more"));
}
