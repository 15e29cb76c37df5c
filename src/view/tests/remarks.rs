//! Remarks of a lesson stand on the rows of the packets that they belong to.

use super::*;
use crate::timeline::{Role, Side, Who};
use crate::view::ladder::{Ladder, Shape};
use crate::view::sample::Story;

const SID: &str = "&sid=x1";

/// Of rows with a remark that a lesson wrote: the label's beginning, and the remark.
fn told(story: &Story) -> Vec<(String, String)> {
    let mut ladder = Ladder::default();
    let rows = story.events.iter().flat_map(|event| ladder.event(event));
    rows.filter_map(|row| {
        let remark = row.remark.filter(|remark| remark.told)?;
        let within = if matches!(row.shape, Shape::Within(_)) { "└─ " } else { "" };
        Some((format!("{within}{}", row.label), remark.text))
    })
    .collect()
}

/// Over HTTP, then on a WebSocket, and cut in the end.
fn session() -> Story {
    let (client, server) = (Side::Client, Side::Server);
    let mut it = Story::default();
    it.step(1, 1, "A session").wire(Show::Ladder);
    it.say_with(Role::Remark, "first over HTTP", Some("anna"), None, Some(client));
    it.remark_of("connect", "anna", server, "let in").remark_of("upgrade", "anna", client, "now frames");
    it.open(1, "anna").polls((1, 1), "", "", "0{\"sid\":\"x1\"}").polls((1, 2), SID, "40", "ok");
    it.polls((1, 3), SID, "", "40{\"sid\":\"y\"}").poll((1, 4), SID, "");
    it.open(2, "anna").upgrade(2, SID).text(2, client, "2probe").text(2, server, "3probe");
    it.polled((1, 4), "6").text(2, client, "5");
    it.remark_of("event echo", "anna", client, "asks").remark_of("ack", "anna", server, "the answer");
    it.remark_of("event message", "anna", server, "all hear it");
    it.text(2, server, "2").text(2, client, "3").text(2, client, "420[\"echo\",1]");
    it.text(2, server, "2").text(2, server, "42[\"message\",1]").text(2, server, "430[1]");
    it.remark_of("disconnect", "anna", server, "no word").remark_of("connect", "anna", server, "again");
    it.closed(2, Who::Reset, Some(server)).open(3, "anna").upgrade(3, "");
    it.text(3, server, "0{\"sid\":\"x2\"}")
        .text(3, client, "40")
        .text(3, server, "40{\"sid\":\"z\"}")
        .played();
    it
}

#[test]
fn a_remark_stands_on_the_row_of_its_packet() {
    let expected = [
        ("GET /socket.io/?EIO=4&transport=polling", "first over HTTP"),
        ("└─ connect · 40{\"sid\":\"y\"}", "let in"),
        ("└─ upgrade", "now frames"),
        ("└─ event \"echo\", ack 0", "asks"),
        ("└─ event \"message\"", "all hear it"),
        ("└─ ack 0", "the answer"),
        ("reset (RST)", "no word"),
        ("└─ connect", "again"),
    ];
    let expected = expected.map(|(row, text)| (row.to_owned(), text.to_owned()));
    assert_eq!(told(&session()), expected);
    let text = plainly(&session().events);
    assert!(text.lines().any(|line| line.contains("connect") && line.contains("(let in)")), "{text}");
}

/// A `disconnect` that the server says is the row; else the connection's end.
#[test]
fn who_is_disconnected_is_told_by_a_packet_or_by_the_end() {
    let ended = |end: &dyn Fn(&mut Story)| {
        let mut it = Story::default();
        it.wire(Show::Ladder).open(1, "anna").upgrade(1, "");
        it.remark_of("disconnect", "anna", Side::Server, "over");
        end(&mut it);
        told(&it)
    };
    let over = |row: &str| vec![(row.to_owned(), "over".to_owned())];
    let said = ended(&|it| {
        it.text(1, Side::Server, "41").close(1, Side::Server);
    });
    assert_eq!(said, over("└─ disconnect"));
    let hung_up = ended(&|it| {
        it.close(1, Side::Server);
    });
    assert_eq!(hung_up, over("FIN"));
    let closed = ended(&|it| {
        it.frame(1, Side::Server, crate::timeline::Opcode::Close, b"\x03\xe8");
    });
    assert_eq!(closed.len(), 1, "{closed:?}");
}

/// At other doors events come in frames alone.
#[test]
fn an_event_without_packets_is_the_frames() {
    let mut it = Story::default();
    it.wire(Show::Ladder).open(1, "anna").request(1, 1, "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    it.response(1, 1, "HTTP/1.1 101 Switching Protocols\r\n\r\n").upgraded(1);
    it.remark_of("event message", "anna", Side::Server, "heard");
    it.frame(1, Side::Server, crate::timeline::Opcode::Text, b"{\"event\":\"message\",\"data\":1}");
    assert_eq!(told(&it).len(), 1);
}
