//! What strangers do.

use super::*;
use crate::timeline::{ConnId, Opcode, Seq, Who};
use crate::view::Visitors;
use crate::view::sample::Story;

const GET: &str = "GET /api/messages HTTP/1.1\r\nHost: localhost:3001\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
const SOCKET: &str = "GET /ws HTTP/1.1\r\nHost: localhost:3001\r\nUpgrade: websocket\r\n\r\n";
const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\n\r\n";

fn shown(events: &[Event], width: usize, ascii: bool) -> String {
    let page = Page::default();
    let mut view = Visitors::new(page.clone(), Options { width, ascii, hex: false, brief: false });
    drawn_by(&mut view, events);
    view.quiet().unwrap();
    drawn(view, &page, &[])
}

fn a_day() -> Vec<Event> {
    let mut it = Story::default();
    it.ms(2_104).open_guest(1).us(300).request(1, 1, GET).us(310).response(1, 1, OK).close(1, Side::Client);
    it.ms(900).open_guest(2).us(90).request(2, 1, SOCKET).us(200).response(2, 1, SWITCHING).upgraded(2);
    it.ms(700).frame(
        2,
        Side::Client,
        Opcode::Text,
        b"{\"event\":\"message\",\"data\":{\"text\":\"\x1b[2Jhi\"}}",
    );
    it.us(90).frame(2, Side::Server, Opcode::Text, b"{\"event\":\"message\"}");
    it.ms(20_000).frame(2, Side::Server, Opcode::Ping, b"").us(80).frame(2, Side::Client, Opcode::Pong, b"");
    it.ms(3_000).frame(2, Side::Client, Opcode::Close, b"\x03\xe8done").us(90);
    it.frame(2, Side::Server, Opcode::Close, b"\x03\xe8").close(2, Side::Server);
    it.ms(10).open_guest(3).bytes(3, Side::Client, b"what?\r\n\r\n").response(
        3,
        1,
        "HTTP/1.1 400 Bad Request\r\n\r\n",
    );
    it.closed(3, Who::Reset, Some(Side::Client));
    it.ms(10).open_guest(4).ms(30_000).closed(4, Who::Server, None);
    it.open_guest(5).request(5, 1, "GET /api/messages?since=1&wait=30 HTTP/1.1\r\n\r\n");
    it.events
}

#[test]
fn each_thing_that_strangers_do_is_a_row() {
    insta::assert_snapshot!(shown(&a_day(), 100, false));
}

#[test]
fn rows_fit_where_there_is_little_room() {
    for width in [48, 60, 80] {
        for line in shown(&a_day(), width, true).lines() {
            assert!(line.is_ascii() && line.len() <= width, "{line:?}");
        }
    }
}

#[test]
fn whoever_waits_is_shown_waiting_and_then_answered() {
    let page = Page::default();
    let mut view =
        Visitors::new(page.clone(), Options { width: 100, ascii: false, hex: false, brief: false });
    let mut it = Story::default();
    it.open_guest(1).request(1, 1, GET);
    drawn_by(&mut view, &it.events);
    assert!(!page.text().contains("GET"));
    view.quiet().unwrap();
    view.quiet().unwrap();
    assert_eq!(page.text().matches("C► GET /api/messages\n").count(), 1, "{}", page.text());
    let known = it.events.len();
    it.ms(12_000).response(1, 1, OK);
    drawn_by(&mut view, &it.events[known..]);
    assert!(page.text().contains("◄S 200 to GET /api/messages, after 12.00 s\n"), "{}", page.text());
}

#[test]
fn what_was_too_much_is_counted_and_nothing_is_made_up() {
    let page = Page::default();
    let mut view =
        Visitors::new(page.clone(), Options { width: 100, ascii: false, hex: false, brief: false });
    let mut it = Story::default();
    it.open_guest(1).request(1, 1, GET).response(1, 1, OK).close(1, Side::Client);
    let lost: Vec<Event> =
        it.events.iter().filter(|event| event.seq == Seq(1) || event.seq > Seq(4)).cloned().collect();
    assert_eq!(lost[0].kind.conn(), Some(ConnId(1)));
    drawn_by(&mut view, &lost);
    let text = page.text();
    assert!(text.contains("3 events too many to show"), "{text}");
    assert!(text.contains("◄S 200\n") && text.contains("after 0.07 ms: a visit;"), "{text}");
}
