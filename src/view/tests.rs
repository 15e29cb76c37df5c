//! What the views draw, looked at.

use std::io;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::sample;
use super::{Narrator, Options, Plain, View};
use crate::terminal::{Group, Line, Out};
use crate::timeline::{Event, Kind, Show, Side};

mod compares;
mod hostile;
mod recorded;
mod remarks;
mod visitors;
mod words;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<Line>>>);

impl Out for Page {
    fn show(&mut self, _: Group, lines: &[Line]) -> io::Result<()> {
        self.0.lock().expect("no panic holds it").extend_from_slice(lines);
        Ok(())
    }
}

impl Page {
    fn lines(&self) -> Vec<Line> {
        self.0.lock().expect("no panic holds it").clone()
    }

    fn text(&self) -> String {
        self.lines().iter().map(|line| line.text().trim_end().to_owned() + "\n").collect()
    }
}

fn drawn(mut view: impl View, page: &Page, events: &[Event]) -> String {
    drawn_by(&mut view, events);
    view.finish().expect("a page takes everything");
    page.text()
}

fn drawn_by(view: &mut dyn View, events: &[Event]) {
    for event in events {
        view.event(event).expect("a page takes everything");
    }
}

fn narrated(events: &[Event], width: usize, ascii: bool, hex: bool) -> String {
    let page = Page::default();
    drawn(Narrator::new(page.clone(), Options { width, ascii, hex, brief: false }), &page, events)
}

/// As on a terminal where somebody can ask for more.
fn in_brief(events: &[Event], width: usize, ascii: bool) -> String {
    let page = Page::default();
    drawn(Narrator::new(page.clone(), Options { width, ascii, hex: false, brief: true }), &page, events)
}

/// Only what is drawn when somebody asks for the bytes.
fn asked(view: impl FnOnce(Page) -> Box<dyn View>, events: &[Event]) -> String {
    let page = Page::default();
    let mut view = view(page.clone());
    drawn_by(&mut *view, events);
    page.0.lock().expect("no panic holds it").clear();
    view.bytes().expect("a page takes everything");
    page.text()
}

fn bytes(events: &[Event], width: usize, ascii: bool) -> String {
    let options = Options { width, ascii, hex: false, brief: true };
    asked(|page| Box::new(Narrator::new(page, options)), events)
}

fn plain_bytes(events: &[Event]) -> String {
    let options = Options { width: 100, ascii: false, hex: false, brief: true };
    asked(|page| Box::new(Plain::new(page, options)), events)
}

fn plainly(events: &[Event]) -> String {
    let page = Page::default();
    drawn(
        Plain::new(page.clone(), Options { width: 100, ascii: true, hex: false, brief: false }),
        &page,
        events,
    )
}

fn all() -> Vec<(&'static str, Vec<Event>)> {
    vec![
        ("http_close", sample::http_close()),
        ("keep_alive", sample::keep_alive()),
        ("socket", sample::socket(Show::Heads)),
        ("bits", sample::socket(Show::Bits)),
        ("endings", sample::endings()),
        ("polling", sample::polling()),
        ("compare", sample::compare()),
        ("garbage", sample::garbage()),
        ("silence", sample::silence()),
        ("change", sample::change()),
        ("foreign", sample::foreign()),
        ("packets", sample::packets()),
        ("packets_chatted", sample::packets_chatted(Show::Ladder)),
        ("packets_bits", sample::packets_chatted(Show::Bits)),
    ]
}

#[test]
fn at_100_80_and_60_columns() {
    for (name, events) in all() {
        for width in [100, 80, 60] {
            insta::assert_snapshot!(format!("{name}_{width}"), narrated(&events, width, false, false));
        }
    }
}

#[test]
fn in_brief_at_80_columns() {
    for (name, events) in all() {
        if ["http_close", "keep_alive", "socket", "bits", "polling", "change", "packets"].contains(&name) {
            insta::assert_snapshot!(format!("{name}_80_brief"), in_brief(&events, 80, false));
        }
    }
}

#[test]
fn all_bytes_on_demand() {
    for (name, events) in [("http_close", sample::http_close()), ("bits", sample::socket(Show::Bits))] {
        for width in [100, 80, 60] {
            insta::assert_snapshot!(format!("{name}_bytes_{width}"), bytes(&events, width, false));
        }
        insta::assert_snapshot!(format!("{name}_bytes_plain"), plain_bytes(&events));
    }
    insta::assert_snapshot!("packets_bytes_80", bytes(&sample::packets(), 80, false));
    insta::assert_snapshot!("garbage_bytes_80", bytes(&sample::garbage(), 80, false));
    insta::assert_snapshot!("compare_bytes_80", bytes(&sample::compare(), 80, false));
}

#[test]
fn in_plain_sentences() {
    for (name, events) in all() {
        let text = plainly(&events);
        assert!(text.is_ascii(), "{text}");
        insta::assert_snapshot!(format!("{name}_plain"), text);
    }
}

#[test]
fn in_ascii() {
    for (name, events) in all() {
        let text = narrated(&events, 100, true, true);
        assert!(text.is_ascii(), "{name}: {text}");
        if name == "http_close" {
            insta::assert_snapshot!("http_close_ascii_hex", text);
        } else if name == "packets_bits" {
            insta::assert_snapshot!("packets_bits_ascii_hex", text);
        }
    }
}

/// The last lines that are drawn while it goes on are the ones that say so.
#[test]
fn what_nobody_reads_is_not_drawn() {
    for width in [60, 100] {
        let text = narrated(&sample::often(), width, false, false);
        let rows: Vec<&str> = text.lines().collect();
        assert!((110..140).contains(&rows.len()), "{} lines", rows.len());
        assert!(
            rows[rows.len() - 1].ends_with("… the rest is counted below; --json has all of it"),
            "{text}"
        );
        assert_eq!(text.matches("the rest").count(), 1);
    }
}

#[test]
fn many_messages_are_counted_in_the_picture() {
    let text = narrated(&sample::many_goals(), 100, false, false);
    let picture = text.lines().find(|line| line.contains("1 opened")).expect("the picture is drawn");
    assert!(picture.contains("◄x30─") && picture.contains("►x2─"), "{picture}");
}

/// Cause before effect: what the client sent stands above what the server made of it.
#[test]
fn what_is_answered_stands_above_its_answer() {
    for text in [narrated(&sample::garbage(), 100, false, false), plainly(&sample::garbage())] {
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words} in {text}"));
        assert!(at("16 bytes") < at("400, "));
        assert!(at("4 bytes") < at("close 1002"));
        assert!(at("8 bytes") < text.rfind("SERVER hangs up").expect("it is drawn"));
    }
}

#[test]
fn the_heading_is_repeated_after_prose_only() {
    let text = narrated(&sample::garbage(), 100, false, false);
    assert_eq!(text.matches("CLIENT  ").count(), 2, "{text}");
}

/// No byte is unmasked that is not printed above.
#[test]
fn what_is_unmasked_is_shown() {
    for width in [48, 60, 70, 80, 90, 100, 120] {
        let text = narrated(&sample::long_frame(), width, false, false);
        let printed = text.lines().find(|line| line.contains(" 37 fa 21 3d")).expect("the mask is printed");
        let rows = text.lines().filter(|line| line.contains('^'));
        let parts = rows.flat_map(|row| row.rsplit('^').skip(1)).map(|part| &part[part.len() - 2..]);
        let unmasked: Vec<&str> = parts.collect();
        assert!(unmasked.len() >= 2, "{text}");
        let beside = printed.split_once("3d   ").map(|(_, payload)| payload);
        // Where there is no room beside the mask, it stands below the bits.
        let below = || text.lines().find_map(|line| line.trim_start().strip_prefix("payload  "));
        let payload = beside.or_else(below).unwrap_or_default();
        for byte in unmasked {
            assert!(payload.split(' ').any(|it| it == byte), "{byte} at {width}: {text}");
        }
    }
}

/// Every text in the events replaced by this one.
fn spoken(events: Vec<Event>, words: &str) -> Vec<Event> {
    let say = |mut event: Event| {
        match &mut event.kind {
            Kind::Opened { name, .. } => *name = Some(words.into()),
            Kind::Request { method, target, head, .. } => {
                *method = words.into();
                *target = words.into();
                head.headers.push(("sec-websocket-key".into(), words.into()));
            }
            Kind::Response { head, .. } => {
                head.headers.insert(0, ("sec-websocket-accept".into(), words.into()))
            }
            Kind::Frame(frame) => {
                frame.text = Some(words.into());
                frame.reason = Some(words.into());
            }
            Kind::World { text, .. }
            | Kind::Step { title: text, .. }
            | Kind::Predict { text, .. }
            | Kind::Answer { text, .. } => *text = words.into(),
            Kind::Say { text, detail, lanes, .. } => {
                *text = words.into();
                *detail = Some(words.into());
                lanes.iter_mut().take(1).for_each(|lane| *lane = words.into());
            }
            Kind::Heard { client, .. } if client == "close" => *client = words.into(),
            Kind::Claim(claim) => {
                claim.text = words.into();
                claim.saw = Some(words.into());
                claim.remark = Some(words.into());
            }
            Kind::Summary(summary) => {
                summary.transports.iter_mut().take(1).for_each(|it| it.name = words.into());
            }
            Kind::Kernel { state, .. } => *state = words.into(),
            Kind::Packet { event, namespace, text, .. } => {
                [event, namespace, text].into_iter().flatten().for_each(|it| *it = words.into());
            }
            Kind::Bytes { .. }
            | Kind::MessageEnd { .. }
            | Kind::Upgraded { .. }
            | Kind::Fin { .. }
            | Kind::Closed { .. }
            | Kind::Heard { .. } => {}
        }
        event
    };
    events.into_iter().map(say).collect()
}

/// A recording may hold any number.
#[test]
fn the_largest_numbers_are_drawn_too() {
    for (_, mut events) in all() {
        for event in &mut events {
            match &mut event.kind {
                Kind::MessageEnd { body_len, wire_len, .. } => (*body_len, *wire_len) = (u64::MAX, u64::MAX),
                Kind::Frame(frame) => (frame.len, frame.wire_len) = (u64::MAX, u64::MAX),
                Kind::Closed { from_client, from_server, .. } => {
                    (*from_client, *from_server) = (u64::MAX, u64::MAX);
                }
                Kind::Step { n, of, .. } => (*n, *of) = (u64::MAX, u64::MAX),
                Kind::Answer { right, chosen, .. } => (*right, *chosen) = (u64::MAX, Some(u64::MAX)),
                Kind::Summary(summary) => summary.transports.iter_mut().for_each(|it| {
                    (it.from_client, it.from_server, it.events) = (u64::MAX, u64::MAX, u64::MAX);
                }),
                _ => {}
            }
        }
        for width in [1, 60, 100] {
            narrated(&events, width, false, true);
        }
        plainly(&events);
    }
}

/// Groups of lines as they are handed on: what stands together on a page.
#[derive(Clone, Default)]
struct Groups(Arc<Mutex<Vec<Vec<String>>>>);

impl Out for Groups {
    fn show(&mut self, _: Group, lines: &[Line]) -> io::Result<()> {
        self.0.lock().expect("no panic holds it").push(lines.iter().map(Line::text).collect());
        Ok(())
    }
}

#[test]
fn on_every_terminal_everything_fits() {
    for (name, events) in all() {
        for width in 48..=120 {
            for ascii in [false, true] {
                let texts = [
                    narrated(&events, width, ascii, true),
                    in_brief(&events, width, ascii),
                    bytes(&events, width, ascii),
                ];
                for line in texts.iter().flat_map(|text| text.lines()) {
                    let columns = unicode_width::UnicodeWidthStr::width(line);
                    assert!(columns <= width, "{name}, {columns} of {width}: {line}");
                    assert!(!ascii || line.is_ascii(), "{name}: {line}");
                    assert!(!line.chars().any(char::is_control), "{name}: {line:?}");
                }
            }
        }
    }
}

/// At 80 columns and 24 rows there is room for 14.
#[test]
fn what_belongs_together_fits_a_page() {
    for (name, events) in all() {
        for brief in [true, false] {
            let groups = Groups::default();
            let options = Options { width: 80, ascii: false, hex: false, brief };
            let mut view = Narrator::new(groups.clone(), options);
            drawn_by(&mut view, &events);
            if brief {
                view.bytes().expect("groups take everything");
            }
            let groups = groups.0.lock().expect("no panic holds it").clone();
            for group in groups {
                let rows = group.iter().skip_while(|line| line.is_empty()).count();
                // In a compare the page of numbers is somebody else's.
                assert!(!brief || rows <= 14 || name == "compare", "{name}: {group:#?}");
                // The network may take its time: there the heading does not wait.
                let last = group.last().map(String::as_str).unwrap_or_default();
                assert!(name != "http_close" || !last.starts_with("──"), "a heading alone: {group:#?}");
            }
        }
    }
}

#[test]
fn of_steps_that_are_left_out_nothing_is_drawn() {
    let text = narrated(&sample::skipped(), 80, false, false);
    assert!(text.contains("From the middle") && text.contains("Hello"), "{text}");
    assert!(!text.contains("GET /ws") && !text.contains("Switching") && !text.contains("✓"), "{text}");
    assert!(text.contains(" 0.00 #1 anna  ├─ C► text \"Hello\""), "what happened counts: {text}");
    let text = plainly(&sample::skipped());
    assert!(text.contains("Hello") && !text.contains("GET /ws"), "{text}");
    let text = bytes(&sample::skipped(), 80, false);
    assert!(text.contains("Hello") && !text.contains("Switching"), "only of this step: {text}");
}

#[test]
fn bytes_are_those_of_the_step() {
    let mut story = sample::Story::default();
    let nothing = bytes(&story.step(1, 2, "Nothing").events, 80, false);
    assert!(nothing.ends_with("\n\n No bytes crossed in this step.\n"), "{nothing}");
    assert_eq!(plain_bytes(&story.events), "No bytes crossed in this step.\n");
    for n in 1..=100 {
        story.open(n, "anna").request(n, 1, sample::GET).response(n, 1, sample::OK);
    }
    let text = bytes(&story.bytes(1, Side::Client, b"loose").events, 80, false);
    assert!(text.contains(" + 136 more messages, 12,104 bytes, not shown"), "{text}");
    assert!(text.contains("#1 anna, no whole message: 5 bytes") && text.contains("│loose   ┊"), "{text}");
    assert_eq!(text.matches(" again, on #").count(), 31, "{text}");
    let nothing = bytes(&story.step(2, 2, "Nothing again").events, 80, false);
    assert!(nothing.ends_with("\n\n No bytes crossed in this step.\n"), "{nothing}");
}

#[test]
fn what_is_not_answered_is_shown_too() {
    let mut story = sample::Story::default();
    story.step(1, 1, "Cut").open(1, "anna").request(1, 1, sample::GET);
    assert!(bytes(&story.events, 80, false).contains("GET /api/messages HTTP/1.1"));
    story.closed(1, crate::timeline::Who::Reset, Some(Side::Server));
    assert!(bytes(&story.events, 80, false).contains("GET /api/messages HTTP/1.1"));
}

#[test]
fn an_answer_says_what_was_chosen() {
    let with = |chosen| {
        let mut events = sample::http_close();
        for event in &mut events {
            if let Kind::Answer { chosen: it, .. } = &mut event.kind {
                *it = chosen;
            }
        }
        let (drawn, plain) = (narrated(&events, 100, true, false), plainly(&events));
        let answer =
            |text: &str| text.split_once("Never\n").map(|(_, it)| it.replace('\n', " ")).unwrap_or_default();
        assert_eq!(answer(&drawn).split_whitespace().collect::<Vec<_>>().join(" "), answer(&plain).trim());
        answer(&plain).trim().to_owned()
    };
    let rest = "Answer: 2, At her next request. She has no connection. Nobody can tell her.";
    assert_eq!(with(None), rest);
    assert_eq!(with(Some(2)), format!("Right. {rest}"));
    assert_eq!(with(Some(1)), format!("No: you said 1, At once. {rest}"));
    assert_eq!(with(Some(9)), format!("No: you said 9. {rest}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_line_is_wider_than_asked_and_nothing_raw_is_written(
        words in "[a-z漢字\u{1b}\u{7}\u{202e}é\u{301}👍 \n]{0,80}",
        any in any::<String>(),
        width in 48_usize..130,
        ascii in any::<bool>(),
    ) {
        for (name, events) in all() {
            for words in [&words, &any] {
                let events = spoken(events.clone(), words);
                let text = narrated(&events, width, ascii, true)
                    + &in_brief(&events, width, ascii)
                    + &bytes(&events, width, ascii);
                for line in text.lines() {
                    let columns = unicode_width::UnicodeWidthStr::width(line);
                    prop_assert!(columns <= width, "{name}, {columns} of {width}: {line}");
                }
                prop_assert!(!text.chars().any(|c| c != '\n' && c.is_control()), "{name}: {text:?}");
                let turned = text.contains('\u{202e}');
                prop_assert!(!turned);
                prop_assert!(!ascii || text.is_ascii());
            }
        }
    }
}
