//! What strangers do.

use super::*;
use crate::timeline::{ConnId, Data, Layer, Opcode, Seq, Who};
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
    it.ms(10).push(Kind::World { what: "limit".into(), id: None, text: "#5: idle for 75 s".into() });
    it.push(Kind::World { what: "cut".into(), id: None, text: "everybody".into() });
    it.events
}

#[test]
fn each_thing_that_strangers_do_is_a_row() {
    insta::assert_snapshot!(shown(&a_day(), 100, false));
}

#[test]
fn rows_fit_where_there_is_little_room() {
    for width in [48, 60, 80] {
        let text = shown(&a_day(), width, true);
        for line in text.lines() {
            assert!(line.is_ascii() && line.len() <= width, "{line:?}");
        }
        // Nothing that is counted is cut off.
        let words: Vec<&str> = text.split_whitespace().collect();
        let words = words.join(" ");
        assert!(words.contains("130 bytes in, 63 out") && words.contains("a WebSocket, 1000;"), "{words}");
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
    assert!(text.contains("◄S 200\n") && text.contains("after 0.07 ms: not all of it shown; "), "{text}");
}

/// What is shown of these, without the heading and the columns in front.
fn rows(it: &Story, secure: bool) -> Vec<String> {
    let page = Page::default();
    let options = Options { width: 200, ascii: false, hex: false, brief: false };
    let text = drawn(Visitors::new(page.clone(), options).over_tls(secure), &page, &it.events);
    text.lines().skip(1).map(|row| row[9..].trim_start().to_owned()).collect()
}

#[test]
fn an_interim_answer_is_no_answer() {
    let mut it = Story::default();
    it.open_guest(1).request(1, 1, "POST /api/echo HTTP/1.1\r\nExpect: 100-continue\r\n\r\n");
    it.response(1, 1, "HTTP/1.1 100 Continue\r\n\r\n").ms(2).response(1, 1, OK).close(1, Side::Client);
    let rows = rows(&it, false);
    assert_eq!(rows[1], "#1  C► POST /api/echo → 200, after 2.00 ms");
    assert!(rows.len() == 3 && rows[2].contains(": 1 request; "), "{rows:?}");
}

#[test]
fn an_answer_that_comes_before_its_request_is_one() {
    let mut it = Story::default();
    it.open_guest(1).bytes(1, Side::Client, b"GET /").response(1, 1, "HTTP/1.1 431 Too Large\r\n\r\n");
    it.request(1, 1, GET).close(1, Side::Server);
    let rows = rows(&it, false);
    assert_eq!(rows[1], "#1  ◄S 431 to no whole request");
    assert!(rows.len() == 3 && rows[2].contains(": 1 request; "), "{rows:?}");
}

#[test]
fn who_leaves_before_the_answer_is_told_of_with_what_was_asked() {
    let mut it = Story::default();
    it.open_guest(1).request(1, 1, GET).response(1, 1, OK).request(1, 2, GET).close(1, Side::Client);
    let shown = rows(&it, false);
    assert_eq!(shown[2], "#1  C► GET /api/messages");
    assert!(shown[3].contains(": 2 requests, 1 never answered; "), "{shown:?}");
    let mut it = Story::default();
    it.open_guest(1).request(1, 1, GET).close(1, Side::Client);
    assert!(rows(&it, false)[2].contains(": 1 request, never answered; "));
}

/// A socket's end says why, as far as that was said on it.
#[test]
fn a_socket_ends_with_its_first_code_or_without_any() {
    let socket = |frames: &[(Side, &[u8])]| {
        let mut it = Story::default();
        it.open_guest(1).request(1, 1, SOCKET).response(1, 1, SWITCHING).upgraded(1);
        for (from, payload) in frames {
            it.frame(1, *from, Opcode::Close, payload);
        }
        it.closed(1, Who::Reset, Some(Side::Client));
        rows(&it, false).pop().unwrap()
    };
    assert!(socket(&[]).contains(": a WebSocket, no close frame (1006); "));
    assert!(socket(&[(Side::Client, b"")]).contains(": a WebSocket, no code (1005); "));
    let both: [(Side, &[u8]); 2] = [(Side::Server, b"\x03\xf5slow"), (Side::Client, b"\x03\xe8")];
    assert!(socket(&both).contains(": a WebSocket, 1013; "));
}

#[test]
fn what_many_hear_is_one_row() {
    let hi = b"{\"event\":\"message\",\"data\":{\"id\":1,\"from\":\"anna\",\"text\":\"Hi\"}}";
    let event = |conn, name: &str, packet: &str| Kind::Packet {
        conn: ConnId(conn),
        from: Side::Server,
        layer: "sse".into(),
        packet: packet.into(),
        event: Some(name.into()).filter(|_| packet == "event"),
        namespace: None,
        ack: None,
        text: None,
        len: 9,
    };
    let mut it = Story::default();
    for conn in 1..=3 {
        it.us(50).frame(conn, Side::Server, Opcode::Text, hi).us(50);
        // Two at once, one behind the other on each connection.
        it.frame(conn, Side::Server, Opcode::Text, b"x").push(event(conn + 10, "message", "event"));
        it.push(event(conn + 10, "", "comment"));
    }
    it.ms(2).frame(4, Side::Server, Opcode::Text, b"echo").frame(4, Side::Server, Opcode::Text, b"echo");
    // Later it is said again.
    it.ms(400).frame(5, Side::Server, Opcode::Text, b"echo");
    it.frame(4, Side::Client, Opcode::Text, b"bye").us(10).push(event(14, "deleted", "event"));
    let shown = [
        "◄S text message \"Hi\" to 3",
        "◄S text \"x\" to 3",
        "◄S sse event \"message\" to 3",
        "#4  ◄S text \"echo\"",
        "#4  ◄S text \"echo\"",
        "#5  ◄S text \"echo\"",
        "#4  C► text \"bye\"",
        "#14  ◄S sse event \"deleted\"",
    ];
    assert_eq!(rows(&it, false), shown);
}

#[test]
fn who_asks_nothing_over_tls_may_not_have_come_so_far() {
    let secret = Kind::Bytes {
        conn: ConnId(2),
        from: Side::Client,
        len: 1,
        layer: Layer::Tls,
        data: Data(b"G".to_vec().into()),
    };
    let mut it = Story::default();
    it.open_guest(1).bytes(1, Side::Client, b"\x16\x03\x01\x00\x05").close(1, Side::Client);
    it.open_guest(2).bytes(2, Side::Client, b"\x16\x03\x01\x00\x05").push(secret).close(2, Side::Client);
    it.open_guest(3).close(3, Side::Client);
    let shown = |secure| {
        let ends = rows(&it, secure).into_iter().filter(|row| row.contains("closed"));
        ends.map(|row| row.split([':', ';']).nth(1).unwrap().trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(shown(true), ["TLS handshake not finished", "no whole request", "no TLS handshake"]);
    assert_eq!(shown(false)[0], "TLS, where none is spoken");
    assert_eq!(shown(false)[2], "nothing asked");
}

/// By polling, then on a WebSocket: one client, however many connections it takes. What keeps it alive is no row.
#[test]
fn a_client_of_socket_io_is_connected_until_it_is_gone() {
    let sid = "&sid=x1";
    let connected = "40{\"sid\":\"y\"}";
    let mut it = Story::default();
    it.open_guest(1).polls((1, 1), "", "", "0{\"sid\":\"x1\"}").polls((1, 2), sid, "40", "ok");
    it.polls((1, 3), sid, "", connected).polls((1, 4), sid, "42[\"message\",\"Hi\"]", "ok");
    it.polls((1, 5), sid, "", "42[\"message\",{\"id\":1,\"text\":\"Hi\"}]");
    it.poll((1, 6), sid, "").open_guest(2).upgrade(2, sid);
    it.text(2, Side::Client, "2probe").text(2, Side::Server, "3probe").polled((1, 6), "6");
    it.text(2, Side::Client, "5").close(1, Side::Client).text(2, Side::Server, "2").text(
        2,
        Side::Client,
        "3",
    );
    it.text(2, Side::Client, "40/class,").text(2, Side::Server, "40/class,{\"sid\":\"z\"}");
    it.text(2, Side::Client, "421[\"echo\",7]").text(2, Side::Server, "431[7]").text(2, Side::Client, "what");
    it.text(2, Side::Client, "41/class,").closed(2, Who::Reset, Some(Side::Client));
    let shown = [
        "#1  connected from 127.0.0.1:40511",
        "#1  C► GET /socket.io/?EIO=4&transport=polling → 200, after 0.30 ms",
        "#1  Client connected, Socket.IO over polling",
        "#1  C► socket.io message \"Hi\"",
        "#1  ◄S socket.io message \"Hi\"",
        "#2  connected from 127.0.0.1:40512",
        "#2  C► GET /socket.io/?EIO=4&transport=websocket&sid=x1 → 101, a WebSocket, after 0.20 ms",
        "#2  Client is on a WebSocket now",
        "#1  closed by the client after 2.37 ms: 6 requests; 546 bytes in, 542 out",
        "#2  Client connected to /class, Socket.IO over WebSocket",
        "#2  C► socket.io echo 7, asks 1",
        "#2  ◄S socket.io ack 1 7",
        "#2  C► text \"what\"",
        "#2  Client disconnected from /class",
        "#2  Client disconnected",
    ];
    let rows = rows(&it, false);
    assert_eq!(rows[..shown.len()], shown, "{rows:#?}");
    assert_eq!(rows.len(), shown.len() + 1, "{rows:#?}");
}

#[test]
fn what_many_hear_over_socket_io_is_one_row() {
    let hi = "42[\"message\",{\"id\":1,\"text\":\"Hi\"}]";
    let mut it = Story::default();
    for conn in 1..=3 {
        it.open_guest(conn).upgrade(conn, "").text(conn, Side::Server, "40{\"sid\":\"y\"}");
    }
    it.open_guest(4).poll((4, 1), "&sid=x", "");
    it.ms(400);
    for conn in 1..=3 {
        it.text(conn, Side::Server, hi);
    }
    it.polled((4, 1), hi).text(1, Side::Client, "1").text(2, Side::Client, "41").close(3, Side::Client);
    let rows = rows(&it, false);
    let told = rows.iter().filter(|row| row.contains("Client") || row.contains("message"));
    let mut expected: Vec<String> =
        (1..=3).map(|conn| format!("#{conn}  Client connected, Socket.IO over WebSocket")).collect();
    expected.push("◄S socket.io message \"Hi\" to 4".into());
    expected.extend((1..=3).map(|conn| format!("#{conn}  Client disconnected")));
    assert_eq!(told.cloned().collect::<Vec<_>>(), expected);
}

/// A poll is told of by its packets; one that carried none is a row, and one whose session is over says who is gone.
#[test]
fn a_poll_without_packets_is_a_row() {
    let mut it = Story::default();
    it.open_guest(1).polls((1, 1), "", "", "0{\"sid\":\"x1\"}").polls((1, 2), "&sid=x1", "40", "ok");
    it.polls((1, 3), "&sid=x1", "", "40{\"sid\":\"y\"}").polls((1, 4), "&sid=x1", "", "<html>");
    let gone = "HTTP/1.1 400 Bad Request\r\ncontent-length: 41\r\n\r\n{\"code\":1,\"message\":\"Session ID unknown\"}";
    it.poll((1, 5), "&sid=x1", "").us(300).response(1, 5, gone);
    it.open_guest(2).request(2, 1, "GET /api/messages?EIO=4&transport=polling&sid=z HTTP/1.1\r\n\r\n");
    it.us(300).response(2, 1, OK);
    let rows = rows(&it, false);
    let target = "/socket.io/?EIO=4&transport=polling";
    let expected = [
        "#1  Client connected, Socket.IO over polling".to_owned(),
        format!("#1  C► GET {target}&sid=x1 → 200, after 0.30 ms"),
        format!("#1  C► GET {target}&sid=x1 → 400, after 0.30 ms"),
        "#1  Client disconnected".to_owned(),
        "#2  connected from 127.0.0.1:40512".to_owned(),
        "#2  C► GET /api/messages?EIO=4&transport=polling&sid=z → 200, after 0.30 ms".to_owned(),
    ];
    assert_eq!(rows[2..], expected, "{rows:#?}");
}

/// A client may take a connection for each of its requests: only those are told of that are worth another row.
#[test]
fn a_connection_that_only_polled_is_no_row() {
    let sid = "&sid=x1";
    let hi = "42[\"message\",\"Hi\"]";
    let mut it = Story::default();
    let polls = [
        (1, "", "40{\"sid\":\"y\"}"),
        (2, "3", "ok"),
        (3, "", "2"),
        (4, hi, "ok"),
        (5, "", hi),
        (6, "", "6"),
    ];
    for (conn, sent, came) in polls {
        it.open_guest(conn).polls((conn, 1), sid, sent, came).close(conn, Side::Server);
    }
    // Two hear the same, and one never hears anything.
    it.ms(400).open_guest(7).poll((7, 1), sid, "").open_guest(8).poll((8, 1), "&sid=x2", "");
    it.polled((7, 1), hi).close(7, Side::Server).polled((8, 1), hi).close(8, Side::Server);
    it.open_guest(9).poll((9, 1), sid, "").close(9, Side::Client);
    let rows = rows(&it, false);
    let shown: Vec<String> = rows.iter().map(|row| row.split(" after ").next().unwrap().to_owned()).collect();
    let expected = [
        "#1  connected from 127.0.0.1:40511",
        "#1  Client connected, Socket.IO over polling",
        "#1  closed by the server",
        "#4  connected from 127.0.0.1:40514",
        "#4  C► socket.io message \"Hi\"",
        "#4  closed by the server",
        "#5  connected from 127.0.0.1:40515",
        "#5  ◄S socket.io message \"Hi\"",
        "#5  closed by the server",
        "◄S socket.io message \"Hi\" to 2",
        "#9  connected from 127.0.0.1:40519",
        "#9  closed by the client",
    ];
    assert_eq!(shown, expected, "{rows:#?}");
    assert!(rows[11].contains(": 1 request, never answered; "), "{rows:#?}");
}

/// Who asks nothing is there nevertheless: when it is quiet, and where it never is.
#[test]
fn a_beginning_waits_no_longer_than_for_what_is_asked() {
    let page = Page::default();
    let options = Options { width: 100, ascii: false, hex: false, brief: false };
    let mut view = Visitors::new(page.clone(), options);
    let mut it = Story::default();
    it.open_guest(1).open_guest(2).poll((2, 1), "&sid=x1", "");
    drawn_by(&mut view, &it.events);
    assert_eq!(page.text(), "");
    view.quiet().unwrap();
    view.quiet().unwrap();
    assert_eq!(page.text().matches("connected from").count(), 1, "{}", page.text());
    assert!(page.text().contains("#1  connected from"), "{}", page.text());
    let known = it.events.len();
    it.open_guest(3).ms(301).polled((2, 1), "6");
    drawn_by(&mut view, &it.events[known..]);
    assert!(page.text().contains("#3  connected from") && !page.text().contains("#2  "), "{}", page.text());
}
