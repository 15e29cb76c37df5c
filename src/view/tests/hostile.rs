//! What strangers send: a lane has a port, and whoever finds it may say anything in any order.

use unicode_width::UnicodeWidthStr as _;

use super::super::Visitors;
use super::super::sample::Story;
use super::*;
use crate::timeline::{ConnId, Elapsed, Opcode, Who};

/// Transports, and what is none.
const NAMES: [&str; 8] =
    ["close", "keep-alive", "long-poll", "sse", "websocket", "socketio", "socketio-upgrade", "ä"];

/// What somebody does, on which connection, with which words.
type Deed = (u8, u64, String);

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let words = prop_oneof![
        any::<String>(),
        "[äb漢]{0,4}",
        "[0-6]?[0-6äb\u{1e}]{0,2}(probe)?",
        "4[0-6][-/,0-9a]{0,5}\\[?\"?[a-zä]{0,5}\"?,?\\{?\\}?\\]?",
        "\\{\"event\":\"message\",\"data\":\\{\"id\":[0-9],\"text\":\"[äb ]{0,60}\"\\}\\}",
        "\\[\\{\"id\":[0-9],\"from\":\"[aä]\",\"text\":\"[äb ]{0,60}\"\\}\\]",
        (0_usize..20_000).prop_map(|size| "ä".repeat(size)),
    ];
    proptest::collection::vec((0_u8..18, 1_u64..9, words), 0..60)
}

fn done(story: &mut Story, (deed, conn, words): &Deed) {
    let (deed, conn) = (*deed, *conn);
    let from = if words.len().is_multiple_of(2) { Side::Client } else { Side::Server };
    let name = NAMES[conn as usize - 1];
    let response = |kind: &str, body: &str| format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n\r\n{body}");
    match deed {
        0 => story.open(conn, name),
        1 => story.request(
            conn,
            1,
            &format!("GET /socket.io/?EIO=4&transport=websocket&{words} HTTP/1.1\r\n\r\n{words}"),
        ),
        2 => story.request(conn, 1, &format!("{words} /x?wait=1 HTTP/1.1\r\n\r\n{words}")),
        3 => story.response(conn, 1, &response("application/json", words)),
        4 => story.response(conn, 1, &response("text/event-stream", "")),
        5 => story.upgraded(conn),
        6..=8 => story.frame(conn, from, Opcode::Text, words.as_bytes()),
        9 => story.frame(conn, from, Opcode::Binary, words.as_bytes()),
        10 => story.frame(conn, from, Opcode::Close, words.as_bytes()),
        11 => story.close(conn, from),
        12 => story.closed(conn, Who::Reset, Some(from)),
        13 => story.push(Kind::World { what: "failed".into(), id: None, text: format!("{name}: {words}") }),
        14 => story.push(Kind::World { what: "say".into(), id: Some(conn), text: words.clone() }),
        15 => {
            let after = Elapsed(std::time::Duration::from_micros(words.len() as u64 * 7000));
            let (client, conn) = (name.to_owned(), (conn > 4).then_some(ConnId(conn)));
            story.push(Kind::Heard { client, conn, id: words.len() as u64 % 9, after })
        }
        16 => {
            story.bytes(conn, Side::Server, format!("data: {words}\n\n").as_bytes());
            let (layer, packet, event) = ("sse".into(), "event".into(), Some(words.clone()));
            let (conn, from, len) = (ConnId(conn), Side::Server, words.len() as u64);
            let (namespace, ack, text) = (None, None, None);
            story.push(Kind::Packet { conn, from, layer, packet, event, namespace, ack, text, len })
        }
        _ => story.ms(words.len() as u64),
    };
}

fn told(deeds: &[Deed], lanes: bool) -> Vec<Event> {
    let mut story = Story::default();
    if lanes {
        story.lanes(&NAMES);
        for (conn, name) in (1..).zip(NAMES) {
            story.open(conn, name).us(10);
        }
    }
    deeds.iter().for_each(|deed| done(&mut story, deed));
    story.played();
    story.events
}

/// The second byte is in the middle of a letter.
#[test]
fn a_frame_need_not_begin_with_a_digit() {
    for words in ["äbc", "漢", "", "ä", "2", "2ä", "\u{1f44d}probe"] {
        let deeds = [(1, 6, String::new()), (6, 6, words.to_owned()), (6, 6, format!("{words} "))];
        let told = told(&deeds, true);
        let text = narrated(&told, 100, false, false);
        assert!(text.contains("Socket.IO"), "{text}");
        assert!(!plainly(&told).is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_foreign_breaks_a_view(deeds in deeds(), width in 48_usize..200, lanes in any::<bool>()) {
        let events = told(&deeds, lanes);
        for (ascii, hex, brief) in [(false, false, false), (true, true, true)] {
            let options = Options { width, ascii, hex, brief };
            let page = Page::default();
            let text = drawn(Narrator::new(page.clone(), options), &page, &events);
            let wide = text.lines().find(|line| line.width() > width);
            prop_assert_eq!(wide, None);
            let page = Page::default();
            drawn(Plain::new(page.clone(), options), &page, &events);
            let page = Page::default();
            drawn(Visitors::new(page.clone(), options), &page, &events);
        }
        bytes(&events, width, false);
        plain_bytes(&events);
    }
}
