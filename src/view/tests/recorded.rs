//! The lessons as they are seen, drawn from recordings of real runs. `scripts/record` makes them again.

use super::*;
use crate::terminal::{Depth, Screen};
use unicode_width::UnicodeWidthStr as _;

const RECORDINGS: [(&str, &str); 7] = [
    ("http", include_str!("../../../tests/recordings/http.jsonl")),
    ("socket", include_str!("../../../tests/recordings/socket.jsonl")),
    ("compare", include_str!("../../../tests/recordings/compare.jsonl")),
    ("polling", include_str!("../../../tests/recordings/polling.jsonl")),
    ("ways", include_str!("../../../tests/recordings/ways.jsonl")),
    ("socketio", include_str!("../../../tests/recordings/socketio.jsonl")),
    ("react", include_str!("../../../tests/recordings/react.jsonl")),
];

/// As a recording has them, without its first line.
fn events(recording: &str) -> Vec<Event> {
    let event = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    recording.lines().skip(1).map(event).collect()
}

fn seen(events: &[Event], width: usize, ascii: bool, brief: bool) -> String {
    let page = Page::default();
    drawn(Narrator::new(page.clone(), Options { width, ascii, hex: false, brief }), &page, events)
}

/// Brief, as where somebody sits and can ask for more.
#[test]
fn in_a_class_at_80_100_and_60_columns() {
    for (name, recording) in RECORDINGS {
        let events = events(recording);
        for width in [80, 100, 60] {
            let text = seen(&events, width, false, true);
            assert!(text.lines().all(|line| line.width() <= width), "{name} at {width}:\n{text}");
            insta::assert_snapshot!(format!("{name}_{width}"), text);
        }
    }
}

#[test]
fn in_ascii() {
    for (name, recording) in RECORDINGS {
        let text = seen(&events(recording), 80, true, true);
        assert!(text.is_ascii(), "{text}");
        insta::assert_snapshot!(format!("{name}_80_ascii"), text);
    }
}

#[test]
fn in_plain_sentences_and_in_colour() {
    for (name, recording) in RECORDINGS {
        let events = events(recording);
        insta::assert_snapshot!(format!("{name}_plain"), plainly(&events));
        let mut colours = Vec::new();
        let mut view = Narrator::new(
            Screen::new(&mut colours, Depth::Ansi256),
            Options { width: 80, ascii: false, hex: false, brief: true },
        );
        events.iter().for_each(|event| view.event(event).expect("a vector takes everything"));
        view.finish().expect("a vector takes everything");
        let colours = String::from_utf8(colours).expect("UTF-8").replace('\x1b', "^");
        insta::assert_snapshot!(format!("{name}_80_colours"), colours);
    }
}
