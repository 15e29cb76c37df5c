//! Names and words where they do not fit, or say more than they should.

use super::super::sample::Story;
use super::*;
use crate::timeline::{Choice, ConnId, Elapsed, Opcode, Role};

const LONG: &str = "averyveryveryveryverylongname";

/// A client with a long name that hears of a goal, and sends what holds quotes; then the lesson is over.
fn long_name() -> Vec<Event> {
    let mut story = Story::default();
    story.step(1, 1, "A long name").wire(Show::Ladder).open(1, LONG).upgraded(1).us(100);
    story.push(Kind::World { what: "say".into(), id: Some(1), text: "GOAL! 1-0".into() });
    let heard = Kind::Heard { client: LONG.into(), conn: Some(ConnId(1)), id: 1, after: Elapsed::default() };
    story.us(100).push(heard);
    story.frame(1, Side::Client, Opcode::Text, br#"{"detail":"this is a thing that is long"}"#);
    story.frame(1, Side::Client, Opcode::Text, br#"He said "no" to it"#);
    story.played().ms(2);
    story.frame(1, Side::Server, Opcode::Close, b"\x03\xe9the server stops").close(1, Side::Server);
    std::mem::take(&mut story.events)
}

#[test]
fn a_long_name_leaves_room_for_the_words() {
    for width in [48, 60, 80, 100] {
        let text = narrated(&long_name(), width, false, false);
        assert!(text.contains("learns of \"GOAL! 1-0\""), "{text}");
    }
}

#[test]
fn what_holds_quotes_can_be_read() {
    let text = narrated(&long_name(), 80, false, false);
    assert!(text.contains("► {\"detail\":\"this") && !text.contains("\"{"), "{text}");
    assert!(narrated(&long_name(), 100, false, false).contains(r#""He said \"no\" to it""#));
}

/// Whoever is connected when the lesson ends sees it closed, and why.
#[test]
fn a_close_after_the_last_word_says_why() {
    for width in [48, 60, 80, 100] {
        assert_eq!(narrated(&long_name(), width, false, false).matches("the lesson is over").count(), 1);
    }
    assert!(plainly(&long_name()).contains("20 bytes  (the lesson is over)"));
    // Within a transcript it may be shown for other reasons.
    let mut within = long_name();
    within.retain(|event| !matches!(event.kind, Kind::Say { role: Role::Played, .. }));
    assert!(!narrated(&within, 80, false, false).contains("the lesson is over"));
}

#[test]
fn a_choice_stays_beside_its_number() {
    let choice = |text: &str| Choice { text: text.into(), right: false };
    let mut story = Story::default();
    let choices = vec![choice(&"x".repeat(120)), choice("no")];
    story.push(Kind::Predict { lesson: "x".into(), text: "What?".into(), choices });
    let text = narrated(&story.events, 60, false, false);
    assert!(text.contains("   1 xxxx") && text.contains("   2 no"), "{text}");
}

/// Where the whole line was expected it need not be said again.
#[test]
fn what_was_expected_is_said_once() {
    let mut story = Story::default();
    story.step(1, 1, "Wrong").wire(Show::Ladder).claim("the server's FIN first", Some(false), Some("none"));
    assert!(!narrated(&story.events, 80, false, false).contains("The lesson said"));
    story.claim("closed by server", Some(false), Some("none"));
    assert!(narrated(&story.events, 80, false, false).contains("The lesson said: closed by server"));
}

/// A drawing is for the eye; code is not.
#[test]
fn drawings_are_not_read_out() {
    let mut story = Story::default();
    story.say_with(Role::Code, "WebSocket  ├◄──►┤", Some("text"), None, None);
    story.say_with(Role::Code, "ws.send(\"├\")", Some("js"), None, None);
    let text = plainly(&story.events);
    assert!(!text.contains("WebSocket") && text.contains("ws.send"), "{text}");
}

#[test]
fn a_lane_is_no_person() {
    let options = Options { width: 80, ascii: false, hex: true, brief: false };
    let page = Page::default();
    let text = drawn(Plain::new(page.clone(), options), &page, &sample::compare());
    assert!(
        text.contains("#1, lane \"WebSocket\"  at the client  the client learns of \"GOAL 1-0\""),
        "{text}"
    );
    assert!(!text.contains(" s  WebSocket: hears"), "{text}");
}

/// News is told when it is heard, and not when something else happens.
#[test]
fn plain_news_is_told_at_once() {
    let events = sample::compare();
    let heard = |event: &Event| matches!(&event.kind, Kind::Heard { client, .. } if client == "websocket");
    let first = events.iter().position(heard).expect("somebody hears");
    let page = Page::default();
    let options = Options { width: 80, ascii: false, hex: false, brief: true };
    drawn_by(&mut Plain::new(page.clone(), options), &events[..=first]);
    assert!(page.text().contains("WebSocket: hears \"GOAL 1-0\" after 0.30 ms"), "{}", page.text());
}
