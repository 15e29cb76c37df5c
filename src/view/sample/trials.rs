//! What a newcomer tried.

use crate::timeline::{Event, Opcode, Role, Show, Side, Who};

use super::{GET, HANDSHAKE, OK, SWITCHING, Story, goal};

const BAD: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Bytes that are no HTTP, answered; bytes that are no frame, answered; bytes after which the server hangs up; a
/// guest; and a claim that fails in the middle.
pub(in crate::view) fn garbage() -> Vec<Event> {
    let mut story = Story::default();
    story
        .step(1, 1, "What is no HTTP")
        .wire(Show::Ladder)
        .open(1, "client")
        .us(100)
        .bytes(1, Side::Client, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcde")
        .us(100)
        .response(1, 1, BAD)
        .close(1, Side::Server)
        .claim("closed by client", Some(false), Some("closed by server"))
        .open(2, "client")
        .request(2, 1, HANDSHAKE)
        .response(2, 1, SWITCHING)
        .upgraded(2)
        .us(100)
        .bytes(2, Side::Client, b"\x81\x02hi")
        .us(100)
        .frame(2, Side::Server, Opcode::Close, b"\x03\xea")
        .close(2, Side::Server)
        .us(100)
        .open(3, "client")
        .us(100)
        .bytes(3, Side::Client, b"GET /api")
        .us(100)
        .close(3, Side::Server)
        .claim_with("closed by server", Some(true), None, Some("the server gives up"))
        .played()
        .ms(40)
        .open_guest(4)
        .request(4, 1, GET)
        .response(4, 1, OK)
        .close(4, Side::Server)
        .say(Role::Prose, "Prose stands between.")
        .open_guest(5)
        .closed(5, Who::Client, None);
    story.events
}

/// Nobody speaks, with and without a connection; then a goal, and what follows from it.
pub(in crate::view) fn silence() -> Vec<Event> {
    let mut story = Story::default();
    story
        .step(1, 2, "Nobody is there")
        .wire(Show::Heads)
        .ms(500)
        .claim("silence 500ms", Some(true), None)
        .played()
        .say(Role::Prose, "Anna comes.")
        .wire(Show::Ladder)
        .open(1, "anna")
        .request(1, 1, HANDSHAKE)
        .response(1, 1, SWITCHING)
        .upgraded(1)
        .played()
        .step(2, 2, "Nobody speaks")
        .wire(Show::Heads)
        .ms(10_000)
        .claim_with("anna: silence 10s", Some(true), None, Some("nobody has anything to say"))
        .claim("open", Some(true), None)
        .claim("silence 1s", Some(false), Some("something crossed once"))
        .claim("2 connections", None, None)
        .played()
        .wire(Show::Ladder);
    goal(&mut story, 7, "GOAL 1-0");
    story.played();
    story.events
}

/// A frame that does not fit in a line; no two of its bytes are alike on the wire.
pub(in crate::view) fn long_frame() -> Vec<Event> {
    let mut story = Story::default();
    story.wire(Show::Bits).open(1, "anna").request(1, 1, HANDSHAKE).response(1, 1, SWITCHING).upgraded(1);
    story.frame(1, Side::Client, Opcode::Text, b"the quick brown fox jumps over the lazy dog").played();
    story.events
}
