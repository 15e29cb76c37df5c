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

/// A POST with a body and its 201, a DELETE, a 404 and a 405: what matters differs; and events of people who talk.
pub(in crate::view) fn change() -> Vec<Event> {
    let mut story = Story::default();
    let json = "content-type: application/json\r\n";
    let body = "{\"from\":\"anna\",\"text\":\"Nice!\"}";
    let post = format!(
        "POST /api/messages HTTP/1.1\r\nhost: 127.0.0.1:53817\r\n{json}connection: close\r\ncontent-length: 30\r\n\r\n{body}"
    );
    let created = format!(
        "HTTP/1.1 201 Created\r\n{json}location: /api/messages/12\r\nconnection: close\r\ncontent-length: 38\r\n\
         date: Mon, 23 Nov 2026 04:33:21 GMT\r\n\r\n{{\"id\":12,{}",
        &body[1..]
    );
    let delete = "DELETE /api/messages/12 HTTP/1.1\r\nhost: 127.0.0.1:53817\r\nconnection: close\r\n\r\n";
    let gone = "HTTP/1.1 204 No Content\r\nconnection: close\r\ndate: Mon, 23 Nov 2026 04:33:21 GMT\r\n\r\n";
    let wrong = "PUT /api/messages?since=12 HTTP/1.1\r\nhost: 127.0.0.1:53817\r\nconnection: close\r\n\r\n";
    let allowed = "HTTP/1.1 405 Method Not Allowed\r\ncontent-type: application/problem+json\r\nallow: GET, POST\r\n\
        connection: close\r\ncontent-length: 43\r\n\r\n{\"title\":\"Method Not Allowed\",\"status\":405}\n";
    story.step(1, 1, "Change the data").wire(Show::Heads);
    let exchanges = [(post.as_str(), created.as_str()), (delete, gone), (wrong, allowed)];
    for (n, (request, response)) in (3..).zip(exchanges) {
        story.open(n, "anna").us(350).request(n, 1, request).us(240).response(n, 1, response);
        story.close(n, Side::Server).claim("closed by server", Some(true), None).ms(1);
    }
    story.open(9, "ben").request(9, 1, HANDSHAKE).response(9, 1, SWITCHING).upgraded(9);
    let said = |text: &str| {
        format!("{{\"event\":\"message\",\"data\":{{\"id\":7,\"from\":\"cara\",\"text\":\"{text}\"}}}}")
    };
    story.frame(9, Side::Server, Opcode::Text, said("What a match!").as_bytes());
    story.frame(9, Side::Client, Opcode::Text, said("Who may believe what number 8 did there").as_bytes());
    story.played();
    story.events
}

/// Wide characters, accents and control characters wherever the network can bring them.
pub(in crate::view) fn foreign() -> Vec<Event> {
    let mut story = Story::default();
    let get = "GET /api/messages/\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}?q=\u{1b}[31m HTTP/1.1\r\n\
        host: \u{6f22}\u{5b57}.example\r\nlocation: /\u{202e}txt\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}\r\n\
        connection: close\r\nx-tab: a\tb\u{7}\r\n\r\n";
    let body = "[{\"text\":\"\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}, cafe\u{301} \u{1f44d} \u{9b}2J\"}]\n[]\n";
    let ok =
        format!("HTTP/1.1 200 \u{597d}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    story.step(1, 1, "\u{6f22}\u{5b57}").wire(Show::Heads);
    story
        .open(1, "\u{5b89}\u{5a1c}\u{5b89}\u{5a1c}")
        .request(1, 1, get)
        .us(90)
        .response(1, 1, &ok)
        .close(1, Side::Server)
        .played();
    story
        .wire(Show::Bits)
        .open(2, "b\u{1b}en")
        .request(2, 1, HANDSHAKE)
        .response(2, 1, SWITCHING)
        .upgraded(2);
    story.frame(2, Side::Client, Opcode::Text, "\u{8fdb}\u{7403}\u{4e86}\u{ff01}1-0 \u{1b}[2J".as_bytes());
    story.frame(2, Side::Server, Opcode::Ping, "\u{8fdb}\u{7403}".as_bytes());
    story.frame(2, Side::Server, Opcode::Close, "\u{3}\u{7f}\u{518d}\u{89c1}\r\n".as_bytes()).played();
    story.events
}

/// A lesson that begins at its second step: what came before it happened, but is not shown.
pub(in crate::view) fn skipped() -> Vec<Event> {
    let mut story = Story::default();
    story
        .say(Role::Title, "From the middle")
        .say(Role::Skip, "")
        .wire(Show::Heads)
        .open(1, "anna")
        .request(1, 1, HANDSHAKE)
        .response(1, 1, SWITCHING)
        .upgraded(1)
        .claim("open", Some(true), None)
        .played()
        .step(2, 3, "She speaks")
        .wire(Show::Bits)
        .us(100)
        .frame(1, Side::Client, Opcode::Text, b"Hello")
        .played();
    story.events
}
