use std::time::Duration;

use super::*;
use crate::client::Mode;
use crate::lesson::script::{One, Statement, Values, World};
use crate::timeline::Side;

fn read(text: &str) -> (Vec<Act>, Vec<String>) {
    let mut page = Page::new("x.md", text);
    let lines: Vec<_> = (1..=page.last_line()).map(|line| page.line(line)).collect();
    let acts = parse(&lines, &mut Scope::default(), &mut page);
    let mistakes = page.into_mistakes();
    (
        acts,
        mistakes
            .into_iter()
            .map(|m| format!("{}:{}: {} ({})", m.line, m.column, m.message, m.mend))
            .collect(),
    )
}

#[track_caller]
fn acts(text: &str) -> Vec<Act> {
    let (acts, mistakes) = read(text);
    assert_eq!(mistakes, [""; 0]);
    acts
}

/// The first mistake of a text that has just one.
#[track_caller]
fn mistake(text: &str) -> String {
    let (_, mut mistakes) = read(text);
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
    mistakes.remove(0)
}

/// What a line says, after lines that make it possible.
#[track_caller]
fn what(line: &str) -> What {
    let before = "> GET /ws\n> upgrade: websocket\n< 101\nanna: > connect\n";
    acts(&format!("{before}{line}")).pop().expect("an act").what
}

#[track_caller]
fn wrong(line: &str) -> String {
    let before = "> GET /ws\n> upgrade: websocket\n< 101\nanna: > connect\n";
    mistake(&format!("{before}{line}")).trim_start_matches("5:").to_owned()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn the_lines_of_a_request_and_of_a_response_belong_together() {
    let text = "\
# Anna asks
anna: > POST /api/messages HTTP/1.1   # she must speak first
anna: > content-type: application/json

anna: >                               # end of the head
anna: > {\"from\":\"Anna\",
anna: >  \"text\":\"a  # b\"}
anna: < 201
anna: < location: /api/messages/{id}
anna: <
anna: < {\"id\":{id}}
";
    let acts = acts(text);
    assert_eq!(acts.len(), 2);
    assert_eq!((acts[0].client.as_deref(), acts[0].line), (Some("anna"), 2));
    assert_eq!(acts[0].source, "anna: > POST /api/messages HTTP/1.1");
    assert_eq!(acts[0].remark.as_deref(), Some("she must speak first; end of the head"));
    assert_eq!(
        acts[0].what,
        What::Send(Send::Request {
            method: "POST".into(),
            target: "/api/messages".into(),
            headers: vec![pair("content-type", "application/json")],
            body: Some("{\"from\":\"Anna\",\n \"text\":\"a  # b\"}".into()),
        })
    );
    let expect = Expect::Response {
        status: 201,
        headers: vec![pair("location", "/api/messages/{id}")],
        body: Some("{\"id\":{id}}".into()),
    };
    assert_eq!(acts[1].what, What::Expect(expect, Duration::from_secs(5)));
}

#[test]
fn another_client_direction_or_message_begins_a_new_act() {
    let text = "\
> GET /a
> GET /b
ben: > GET /c
> GET /d
>
< 200
< 200
< server: *
<
ben: < within 30s 404
";
    let acts = acts(text);
    let told: Vec<_> = acts.iter().map(|act| (act.client.as_deref().unwrap_or_default(), act.line)).collect();
    assert_eq!(
        told,
        [("client", 1), ("client", 2), ("ben", 3), ("client", 4), ("client", 6), ("client", 7), ("ben", 10)]
    );
    assert!(matches!(&acts[3].what, What::Send(Send::Request { body: None, .. })), "a bare > alone: no body");
    assert!(
        matches!(&acts[5].what, What::Expect(Expect::Response { body: Some(body), .. }, _) if body.is_empty())
    );
    assert!(matches!(&acts[6].what, What::Expect(_, within) if *within == Duration::from_secs(30)));
}

#[test]
fn a_body_of_json_ends_where_it_is_complete() {
    let acts = acts(
        "> GET /ws\n> upgrade: websocket\n< 101\n> POST /a\n>\n> {\"a\":\n> 1}\n> text hi\n< 200\n<\n< [{id}]\n< text hi\n",
    );
    assert_eq!(acts.iter().map(|act| act.line).collect::<Vec<_>>(), [1, 3, 4, 8, 9, 12]);
}

#[test]
fn every_verb_of_a_client_is_read() {
    let text = |text: &str, fin| What::Send(Send::Text { text: text.into(), fin });
    assert_eq!(what("> text Hello,  world"), text("Hello,  world", true));
    assert_eq!(what(r#"> text "a\nb  # c"  # d"#), text("a\nb  # c", true));
    assert_eq!(what("> text"), text("", true));
    assert_eq!(what("> text+ Hel"), text("Hel", false));
    assert_eq!(what("> cont+ l"), What::Send(Send::Continuation { text: "l".into(), fin: false }));
    assert_eq!(what("> cont lo"), What::Send(Send::Continuation { text: "lo".into(), fin: true }));
    assert_eq!(what("> binary 00 ff"), What::Send(Send::Binary { data: vec![0, 255], fin: true }));
    assert_eq!(what("> binary+ 00FF"), What::Send(Send::Binary { data: vec![0, 255], fin: false }));
    assert_eq!(what("> ping"), What::Send(Send::Ping(String::new())));
    assert_eq!(what("> pong hi"), What::Send(Send::Pong("hi".into())));
    assert_eq!(what("> close"), What::Send(Send::Close(None)));
    assert_eq!(what("> close 1000 bye bye"), What::Send(Send::Close(Some((1000, "bye bye".into())))));
    assert_eq!(what("ben: > connect"), What::Send(Send::Connect));
    assert_eq!(what("anna: > raw 81 05"), What::Send(Send::Raw(vec![0x81, 5])));
    assert_eq!(what("anna: > fin"), What::Send(Send::Fin));
    assert_eq!(what("anna: > reset"), What::Send(Send::Reset));
    assert!(matches!(what("> BREW /pot"), What::Send(Send::Request { method, .. }) if method == "BREW"));
}

#[test]
fn every_form_of_what_a_client_gets_is_read() {
    let expect = |line: &str| match what(line) {
        What::Expect(expect, within) => (expect, within.as_secs()),
        other => panic!("{other:?}"),
    };
    assert_eq!(expect("< text *"), (Expect::Text("*".into()), 5));
    assert_eq!(expect("< within 30s text \"a b\""), (Expect::Text("a b".into()), 30));
    assert_eq!(expect("< binary *").0, Expect::Binary(None));
    assert_eq!(expect("< binary 0a").0, Expect::Binary(Some(vec![10])));
    assert_eq!(expect("< ping").0, Expect::Ping(String::new()));
    assert_eq!(expect("< pong {x}").0, Expect::Pong("{x}".into()));
    assert_eq!(expect("< close").0, Expect::Close { code: None, reason: None });
    assert_eq!(expect("< close 1001").0, Expect::Close { code: Some(1001), reason: None });
    let reason = Some("going away".into());
    assert_eq!(expect("< close 1001 going away").0, Expect::Close { code: Some(1001), reason });
    let data = r#"{"id":{id}}"#;
    assert_eq!(
        expect(&format!("< event message {data}")).0,
        Expect::Event { name: "message".into(), data: Values::Json(data.into()) }
    );
    assert_eq!(expect("< event message *").0, Expect::Event { name: "message".into(), data: Values::Any });
    assert_eq!(expect("anna: < *").0, Expect::Anything);
}

#[test]
fn the_lines_of_a_stream_of_events_are_read() {
    let stream = "> GET /api/events\n< 200\n< retry 2000\n< retry *\n< id 7\n< id {seen}\n< event goal *\n= response goes on";
    let acts = acts(stream);
    let expected = [
        Expect::Retry(Some(2000)),
        Expect::Retry(None),
        Expect::Id("7".into()),
        Expect::Id("{seen}".into()),
        Expect::Event { name: "goal".into(), data: Values::Any },
    ];
    let read: Vec<_> = acts[2..7].iter().map(|act| &act.what).collect();
    for (what, expected) in read.into_iter().zip(expected) {
        assert!(matches!(what, What::Expect(expect, _) if *expect == expected), "{what:?}");
    }
    assert_eq!(acts[7].what, What::Claim(Statement::GoesOn));
    // What is asked for elsewhere, in so many words, is a stream too; a field of that name is no line of its own.
    assert_eq!(self::acts("> GET /other\n> accept: text/event-stream\n< 200\n< id: 7\n< event a *").len(), 3);
    let stream = |line: &str| mistake(&format!("> GET /api/events\n< 200\n{line}"));
    assert_eq!(stream("< retry"), "3:3: `retry` wants a number of milliseconds (retry 2000)");
    assert_eq!(stream("< retry soon"), "3:9: `retry` wants a number of milliseconds (retry 2000)");
    assert_eq!(stream("< id"), "3:3: `id` wants the last event's id (id {seen})");
    assert_eq!(
        stream("= response go on"),
        "3:3: a `=` line has no claim named \"response go on\" (response goes on)"
    );
    assert!(stream("< text a").contains("has opened no socket yet (two lines before it"));
    assert_eq!(
        mistake("anna: > GET /api/messages\nanna: < id 7\nanna: < retry 1"),
        "2:9: anna has asked for no stream of events yet (a line before it: anna: > GET /api/events)"
    );
    assert_eq!(
        mistake("> GET /api/messages\n< 200\n< event message *"),
        "3:3: client has opened no socket yet, and asked for no stream of events \
         (before it: > GET /api/events, or > GET /ws and > upgrade: websocket)"
    );
}

#[test]
fn what_the_world_does_claims_and_waits_are_read() {
    assert_eq!(what(r#"! say "GOAL! 1-0""#), What::World(World::Say("GOAL! 1-0".into())));
    assert_eq!(what("! cut"), What::World(World::Cut));
    assert_eq!(what("! stall 3s"), What::World(World::Stall(Duration::from_secs(3))));
    assert_eq!(what("anna: ! vanish"), What::World(World::Vanish));
    assert_eq!(what("~ 2s"), What::Wait(Duration::from_secs(2)));
    for (line, claim) in [
        ("open", Statement::Open),
        ("closed by server", Statement::ClosedBy(Side::Server)),
        ("closed by client", Statement::ClosedBy(Side::Client)),
        ("closed by reset", Statement::Reset),
        ("closed with 1006", Statement::ClosedWith(1006)),
        ("same connection", Statement::SameConnection),
        ("new connection", Statement::NewConnection),
        ("2 connections", Statement::Connections(2)),
        ("1 connection", Statement::Connections(1)),
        ("silence 500ms", Statement::Silence(Duration::from_millis(500))),
        ("server holds TIME_WAIT", Statement::TimeWait(Side::Server)),
        ("under 20 bytes from server", Statement::Under(20, Side::Server)),
    ] {
        assert_eq!(what(&format!("= {line}  # remark")), What::Claim(claim), "{line}");
    }
    let acts = acts("anna: > connect\nanna: = open\n= open");
    assert_eq!((acts[1].client.as_deref(), &acts[2].client), (Some("anna"), &None));
}

#[test]
fn a_word_that_is_none_is_told_with_the_nearest() {
    assert_eq!(wrong("> txet hi"), r#"3: a `>` line has no verb or method named "txet" (text hi)"#);
    assert_eq!(wrong("> get /x"), r#"3: a `>` line has no verb or method named "get" (GET /x)"#);
    assert_eq!(wrong("> GTE /x"), r#"3: a `>` line has no verb or method named "GTE" (GET /x)"#);
    assert!(wrong("> elephant").contains("or one of text, text+"));
    assert_eq!(wrong("< txt hi"), r#"3: a `<` line has no form named "txt" (text hi)"#);
    assert_eq!(wrong("! sya \"x\""), r#"3: a `!` line has no verb named "sya" (say "x")"#);
    assert_eq!(
        wrong("= closd by server"),
        r#"3: a `=` line has no claim named "closd by server" (closed by server)"#
    );
    assert_eq!(
        wrong("= udner 7 bytes from client"),
        r#"3: a `=` line has no claim named "udner 7 bytes from client" (under 7 bytes from client)"#
    );
    assert!(wrong("= silense 5s").ends_with("(silence 5s)"));
    assert!(wrong("= elephant").contains("(one of: open, closed by server"));
}

#[test]
fn a_line_needs_a_marker_and_a_client_a_name() {
    assert!(wrong("GET /x").ends_with("(> GET /x)"));
    assert!(wrong("200").ends_with("(< 200)"));
    assert!(wrong("anna < 200").ends_with("(anna: < 200)"));
    assert!(wrong("silence 5s").ends_with("(= silence 5s)"));
    assert!(wrong("cut").ends_with("(! cut)"));
    assert_eq!(
        wrong("Anna B: > GET /x"),
        r#"1: "Anna B" is no client's name: a to z first, then a to z, 0 to 9 and - (anna-b: > GET /x)"#
    );
    assert!(wrong("server: > GET /x").starts_with("1: the server is no client"));
    assert_eq!(wrong("ana: ! cut"), "1: no client named ana has done anything yet (anna)");
    for bare in ["!", "=", "~"] {
        assert!(wrong(bare).contains("line needs"), "{bare}");
    }
}

#[test]
fn what_has_no_sense_yet_is_told() {
    assert_eq!(
        mistake("< 200"),
        "1:3: client has sent nothing that could be answered (a line before it: > GET /api/messages)"
    );
    assert_eq!(
        mistake("> GET /ws\n< 200\n> text a\n> text b"),
        "3:3: client has opened no socket yet (two lines before it: > GET /ws and > upgrade: websocket)"
    );
    assert_eq!(
        mistake("anna: > GET /ws\nanna: > upgrade: websocket\nben: < text a"),
        "3:8: ben has opened no socket yet (two lines before it: ben: > GET /ws and ben: > upgrade: websocket)"
    );
    assert!(mistake("> POST /ws\n> upgrade: websocket\n> ping").starts_with("3:3: client has opened no"));
    assert!(mistake("> reset").contains("no connection yet"));
    assert!(mistake("= open").contains("nothing has happened"));
    assert!(mistake("~ 2s\n= silence 2s").starts_with("2:1: nothing has happened"));
    assert!(wrong("! vanish").ends_with("(anna: ! vanish)"));
    assert!(wrong("anna: ! say \"x\"").contains("no client's name goes before it"));
    // A client that sends bytes of its own making may get anything.
    acts("> connect\n> raw 47 45 54\n< text a\n< 400");
    assert!(mistake("> raw 00").contains("no connection yet"));
}

#[test]
fn rules_of_the_protocols_are_cited() {
    assert!(wrong("> close 1006").contains("1006 never crosses the wire (RFC 6455, 7.4.1)"));
    assert!(wrong("> close 999").contains("RFC 6455, 7.4.1"));
    assert!(wrong("> close 5000").contains("RFC 6455, 7.4.1"));
    assert!(wrong("> close soon").contains("no close code"));
    assert!(wrong("< close 1005").ends_with("(= closed with 1005)"));
    assert!(wrong("= closed with 7").ends_with("(closed with 1006)"));
    assert!(
        wrong(&format!("> ping {}", "x".repeat(126))).contains("at most 125 bytes, not 126 (RFC 6455, 5.5)")
    );
    assert!(wrong(&format!("< pong {}", "ä".repeat(63))).contains("not 126"));
    assert!(wrong(&format!("> close 1000 {}", "x".repeat(124))).contains("room for 123 bytes"));
    what(&format!("> close 1000 {}", "x".repeat(123)));
    assert_eq!(
        wrong("> GET /x\n> content type: a"),
        r#"6:3: "content type" is no header's name (RFC 9110, 5.1) (content-type: a)"#
    );
    assert!(wrong("> GET /x\n> a: b\u{7}c").contains("no control characters"));
}

#[test]
fn what_a_line_lacks_or_has_too_much_is_told() {
    for (line, part) in [
        ("> GET", "(GET /api/messages)"),
        ("> GET x", "(GET /x)"),
        ("> GET /x HTTP/1.0", "(GET /x)"),
        ("> raw", "(raw 81 85)"),
        ("> raw 8", "half a byte"),
        ("> raw 0x81", r#""x" is no HEX digit"#),
        ("> fin now", "(fin)"),
        ("> text \"a\" b", r#"(text "#),
        ("> content-type: x", "without a request"),
        ("< content-type: x", "without a status"),
        ("< 200 OK", "(200)"),
        ("< HTTP/1.1 204", "(204)"),
        ("< 99", "from 100 to 599"),
        ("< within 30s", "(within 30s 200)"),
        ("< within soon 200", r#""soon" is no time (500ms or 2s)"#),
        ("< event", "(event message *)"),
        ("< event goal", "(event goal *)"),
        ("< event goal {\"a\"", "the data is no JSON: EOF while parsing"),
        ("! say GOAL", r#"(say "GOAL")"#),
        ("! say \"GOAL", r#"("GOAL")"#),
        ("! stall", "a time is missing"),
        ("! cut anna", "(cut)"),
        ("= silence 0s", "longer than nothing"),
        ("= silence 5", "(5s or 5ms)"),
        ("~ 2 s", r#""2 s" is no time"#),
        ("~ 2h", "longer than an hour"),
        ("anna: >", "no head before it"),
    ] {
        let found = wrong(line);
        let quotes = line.starts_with("> text");
        assert!(found.contains(part) || (quotes && found.contains("no JSON string")), "{line}: {found}");
    }
}

#[test]
fn what_belongs_to_a_mistake_is_not_told_again() {
    assert!(mistake("> GTE /x\n> accept: */*\n>\n> body\n< 200\n< text a").starts_with("1:3:"));
    assert!(mistake("> GET /x\n< 20O\n< a: b\n<\n< body").starts_with("2:3:"));
    assert!(mistake("GET /x\n> accept: */*\n< 200").starts_with("1:1:"));
    assert!(mistake("Anna: > GET /x\nanna: < 200").starts_with("1:1:"));
}

#[test]
fn a_body_that_begins_like_json_must_be_json() {
    let found = mistake("> GET /x\n< 200\n<\n< {\"a\":1,\n# still the body\n< \"b\" 2}\n= open");
    assert!(found.starts_with("6:1: the body begins like JSON, but is none: expected `:`"), "{found}");
    acts("> GET /x\n< 200\n<\n< {body}");
    acts("> GET /x\n>\n> {\"broken\":\n< 400\n<\n< *");
}

#[test]
fn names_are_captured_before_they_are_used() {
    let text = "> POST /a\n< 201\n< location: {where}\n> GET {where}?p={port}\n! say \"{where}\"\n";
    acts(text);
    assert!(
        mistake("> GET /a/{id}\n< 200\n<\n< {\"id\":{id}}")
            .starts_with("1:10: nothing is known by the name {id} here (capture it")
    );
    let found = mistake("> GET /a\n< 200\n< etag: {etag}\n> GET /a\n> if-match: {ettag}");
    assert_eq!(found, "5:13: nothing is known by the name {ettag} here ({etag})");
    assert!(mistake("> connect\n= under {n} bytes from server").starts_with("2:9: nothing is known"));
}

#[test]
fn a_fence_that_swallows_another_is_told_once() {
    assert!(mistake("> GET /x\n## Next\nwords\nwords").starts_with("2:1: this fence is not closed"));
    assert!(mistake("> GET /x\n```js\nwords").starts_with("2:1: this fence is not closed"));
}

#[test]
fn the_lines_of_a_socket_io_client_are_read() {
    let io = |line: &str| match acts(line).pop().unwrap().what {
        What::Send(Send::Io { mode, namespace }) => (mode, namespace),
        other => panic!("{other:?}"),
    };
    assert_eq!(io("> io"), (Mode::Upgrade, "/".into()));
    assert_eq!(io("> io websocket"), (Mode::WebSocket, "/".into()));
    assert_eq!(io("> io polling /class"), (Mode::Polling, "/class".into()));
    assert_eq!(io("> io /class"), (Mode::Upgrade, "/class".into()));
    let after = |line: &str| acts(&format!("> io\n{line}")).pop().unwrap().what;
    let emit = |line: &str| match after(line) {
        What::Send(Send::Emit { name, data, asks: false }) => (name, data),
        other => panic!("{other:?}"),
    };
    let json = |text: &str| Values::Json(text.into());
    assert_eq!(emit("> emit hello"), ("hello".into(), json("")));
    assert_eq!(
        emit(r#"> emit room-message "red", {"a":1}"#),
        ("room-message".into(), json(r#""red", {"a":1}"#))
    );
    assert_eq!(
        emit("> emit echo binary 01 ff"),
        ("echo".into(), Values::Mixed(vec![One::Binary(vec![1, 255])]))
    );
    assert_eq!(
        emit(r#"> emit room-message "a, binary", binary 0102, {"a":[1,2]}, binary ff"#).1,
        Values::Mixed(vec![
            One::Json(r#""a, binary""#.into()),
            One::Binary(vec![1, 2]),
            One::Json(r#"{"a":[1,2]}"#.into()),
            One::Binary(vec![255]),
        ])
    );
    assert_eq!(after("> disconnect"), What::Send(Send::Disconnect));
    let expect = |line: &str| match after(&format!("> emit echo\n{line}")) {
        What::Expect(expect, _) => expect,
        other => panic!("{other:?}"),
    };
    assert_eq!(expect("< connect"), Expect::Connect(None));
    assert_eq!(expect(r#"< connect {"sid":"{sid}"}"#), Expect::Connect(Some(r#"{"sid":"{sid}"}"#.into())));
    assert_eq!(expect("< connect_error *"), Expect::ConnectError(None));
    assert_eq!(expect("< ack"), Expect::Ack(Values::Any));
    assert_eq!(expect("< within 1s ack 1, 2"), Expect::Ack(json("1, 2")));
    assert_eq!(expect("< ack binary 00"), Expect::Ack(Values::Mixed(vec![One::Binary(vec![0])])));
    assert_eq!(expect("< disconnect"), Expect::Disconnect);
    assert_eq!(expect("< upgrade"), Expect::Upgrade);
}

#[test]
fn an_emit_asks_for_an_answer_where_one_is_written() {
    let text = "\
anna: > io
ben: > io
anna: > emit a
anna: > emit b
ben: > emit c
anna: < ack
ben: < event x *
anna: > emit d
ben: < ack 1
";
    let asks: Vec<_> = acts(text)
        .into_iter()
        .filter_map(|act| match act.what {
            What::Send(Send::Emit { name, asks, .. }) => Some((name, asks)),
            _ => None,
        })
        .collect();
    let asks: Vec<_> = asks.iter().map(|(name, asks)| (name.as_str(), *asks)).collect();
    assert_eq!(asks, [("a", false), ("b", true), ("c", true), ("d", false)]);
    let wrong = mistake("anna: > io\nanna: < ack *\n");
    assert!(wrong.starts_with("2:1: an `ack` answers one `emit`"), "{wrong}");
    assert!(wrong.contains("(a line before it: anna: > emit echo \"hi\")"), "{wrong}");
    let twice = mistake("> io\n> emit a\n< ack\n< ack\n");
    assert!(twice.starts_with("4:1:") && twice.contains("it: > emit"), "{twice}");
}

#[test]
fn what_is_wrong_with_a_socket_io_line_is_told() {
    for (line, part) in [
        ("> io websockets", "(websocket)"),
        ("> io nowhere", "io /class)"),
        ("> io polling websocket", "(io websocket /class)"),
        ("> emit", "(emit message \"hello\")"),
        ("> emit hello world", "text stands in quotes (\"world\")"),
        ("> emit \"hello\", \"world\"", "(emit hello \"world\")"),
        ("> emit hello {\"a\"", "EOF while parsing"),
        ("> emit hello 1 2", "several values have commas between them (1, 2)"),
        ("> emit hello \"red\" {a:'b'}", "the data is no JSON"),
        ("> emit hello 'a', {b: 'c d'}", "double quotes (\"a\", {\"b\": \"c d\"})"),
        ("> emit hello 'a'", "the data is no JSON: strings stand in double quotes (\"a\")"),
        ("> emit hello {a:1, b_2 : {c:\"d:e\"}}", "({\"a\":1, \"b_2\" : {\"c\":\"d:e\"}})"),
        ("> emit hello \"red\" {\"a\":1}", "(\"red\", {\"a\":1})"),
        ("> emit hello [1", "EOF while parsing a list ()"),
        ("> emit 'hello', 'world'", "without quotes and without a comma (emit hello \"world\")"),
        ("> emit hello, 1", "without a comma (emit hello 1)"),
        ("> emit hello \"red\", binary 0x", "\"x\" is no HEX digit"),
        ("> emit hello \"red\", binary", "(binary 01 02 ff)"),
        ("> emit hello binary 01, 02", "begins with `binary` (binary 02)"),
        ("> emit hello binary 01,", "a comma without a value"),
        ("> emit hello binary 01, red", "text stands in quotes (\"red\")"),
        ("> emit hello \"red\" binary 01", "the data is no JSON"),
        ("< event x \"red\", binary 1", "half a byte"),
        ("> emit hello binary", "(binary 01 02 ff)"),
        ("> disconnect now", "(disconnect)"),
        ("> disconect", "(disconnect)"),
        ("< connect x", "the data is no JSON"),
        ("< upgrade now", "(upgrade)"),
    ] {
        let found = mistake(&format!("> io\n{line}"));
        assert!(found.contains(part), "{line}: {found}");
    }
    // What was wrong with an `emit` is wrong once.
    for emit in ["emit hello 'a'", "emit hello {", "emit", "emti hello"] {
        mistake(&format!("anna: > io\nanna: > {emit}\nanna: < ack *"));
    }
    let bare = mistake("anna: > io websocket\nanna: < connect\nanna: < upgrade");
    assert!(bare.starts_with("3:9: `io websocket` never upgrades"), "{bare}");
    assert!(mistake("> io polling\n< upgrade").contains("`io polling` never upgrades"));
    acts("> io websocket\n> io\n< upgrade");
    let none = mistake("anna: > emit hello");
    assert!(none.contains("anna has no Socket.IO session yet (a line before it: anna: > io)"), "{none}");
    assert!(mistake("> connect\n< connect").contains("no Socket.IO session yet"));
}
