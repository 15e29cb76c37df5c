use std::time::Duration;

use super::*;
use crate::lesson::script::What;

pub(super) const VALID: &str = r#"---
title: One request, one response
summary: Why a server that has news cannot tell you
minutes: 12
heartbeat: 25s
---
The API is at `{api}`.

<!-- for the author only -->

```note
Wait until it is quiet.
```

## Anna asks

She asks
for **all** messages.

- one
  two
- three

1. first

### By the way

```js
fetch("/api/messages")

```

```wire ladder
anna: > GET /api/messages
anna: > connection: close
anna: < 200
anna: <
anna: < {"id":{id}}
= closed by server                  # the server hangs up first
```

It took {late}. Message {id}.

~~~predict
GOAL! The server knows. When will Anna know?
- [ ] At once
- [x] At her next request
> She has no connection.
~~~

---

## Both ##

```compare
transports: close, websocket
poll: 1s
rtt: 0ms
3s anna: nice!                      # unasked
every 500ms x2 server: tick {n}
0.9s server: GOAL 1-0
```

```wire bits
! say "GOAL! {id}"
```
"#;

fn lesson() -> Lesson {
    parse("x", "x.md", VALID).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[track_caller]
fn mistakes(body: &str) -> Vec<String> {
    let text = format!("---\ntitle: A\nsummary: B\n---\n{body}");
    let found = parse("x", "x.md", &text).expect_err("invalid").0;
    found.into_iter().map(|m| format!("{}:{}: {} ({})", m.line - 4, m.column, m.message, m.mend)).collect()
}

#[track_caller]
fn mistake(body: &str) -> String {
    let mut found = mistakes(body);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[test]
fn a_lesson_is_read_from_front_to_back() {
    let lesson = lesson();
    assert_eq!((lesson.name.as_str(), lesson.file.as_str()), ("x", "x.md"));
    assert_eq!((lesson.minutes, lesson.heartbeat), (Some(12), Some(Duration::from_secs(25))));
    let prose = |text: &str, line| Part::Prose(Prose { text: text.into(), line });
    assert_eq!(
        lesson.intro,
        [prose("The API is at `{api}`.", 7), Part::Note { text: "Wait until it is quiet.".into(), line: 11 }]
    );
    let step = &lesson.steps[0];
    assert_eq!((step.title.as_str(), step.line, lesson.steps[1].title.as_str()), ("Anna asks", 15, "Both"));
    assert_eq!(
        step.parts[..6],
        [
            prose("She asks for **all** messages.", 17),
            prose("- one two", 20),
            prose("- three", 22),
            prose("1. first", 24),
            prose("**By the way**", 26),
            Part::Code { lang: "js".into(), text: "fetch(\"/api/messages\")\n".into(), line: 28 },
        ]
    );
    let Part::Wire(wire) = &step.parts[6] else { panic!("{:?}", step.parts[6]) };
    assert_eq!((wire.show, wire.line, wire.acts.len()), (Show::Ladder, 33, 3));
    assert!(wire.text.starts_with("anna: > GET") && wire.text.ends_with("hangs up first"));
    assert_eq!(wire.acts[2].remark.as_deref(), Some("the server hangs up first"));
    assert_eq!(wire.acts[2].line, 39);
    assert!(
        matches!(&step.parts[8], Part::Predict(question) if question.choices.len() == 2 && question.line == 44)
    );
    let Part::Compare(workload) = &lesson.steps[1].parts[0] else { panic!("{:?}", lesson.steps[1].parts[0]) };
    assert_eq!(workload.transports, ["close", "websocket"]);
    assert_eq!(workload.poll, Duration::from_secs(1));
    let said: Vec<_> = workload.events.iter().map(|event| event.text.as_str()).collect();
    assert_eq!(said, ["tick 1", "GOAL 1-0", "tick 2", "nice!"]);
    let Part::Wire(wire) = &lesson.steps[1].parts[1] else { panic!("{:?}", lesson.steps[1].parts[1]) };
    assert!(matches!(&wire.acts[0].what, What::World(_)));
}

#[test]
fn line_ends_and_a_byte_order_mark_make_no_difference() {
    let windows = format!("\u{feff}{}", VALID.replace('\n', "\r\n"));
    assert_eq!(parse("x", "x.md", &windows), Ok(lesson()));
}

#[test]
fn ten_mistakes_are_told_at_once() {
    let text = "\
---
titel: Ten mistakes
summary: One of each
---

## Anna asks

Her list is at {ap}.

```wirr
> GET /
```

```wire ladders
anna: > GTE /api/messages
anna: < 200
= closd by server
= silence 5
ben: > text hello
```

```predict
When?
- [ ] Now
- [ ] Never
```

```compare
transports: close, websockets
1s server: GOAL
```
";
    let found = parse("ten", "lessons/ten.md", text).expect_err("invalid");

    insta::assert_snapshot!(found, @r#"
    error: the front matter has no key "titel"
     --> lessons/ten.md:2:1
      |
    2 | titel: Ten mistakes
      | ^^^^^
      try: title: Ten mistakes

    error: nothing is known by the name {ap} here
     --> lessons/ten.md:8:16
      |
    8 | Her list is at {ap}.
      |                ^^^^
      try: {api}

    error: "wirr" is nearly `wire`, but is not run
      --> lessons/ten.md:10:4
       |
    10 | ```wirr
       |    ^^^^
       try: wire

    error: a `wire` fence cannot be shown as "ladders"
      --> lessons/ten.md:14:9
       |
    14 | ```wire ladders
       |         ^^^^^^^
       try: wire ladder

    error: a `>` line has no verb or method named "GTE"
      --> lessons/ten.md:15:9
       |
    15 | anna: > GTE /api/messages
       |         ^^^
       try: GET /api/messages

    error: a `=` line has no claim named "closd by server"
      --> lessons/ten.md:17:3
       |
    17 | = closd by server
       |   ^^^^^^^^^^^^^^^
       try: closed by server

    error: "5" is no time
      --> lessons/ten.md:18:11
       |
    18 | = silence 5
       |           ^
       try: 5s or 5ms

    error: ben has opened no socket yet
      --> lessons/ten.md:19:8
       |
    19 | ben: > text hello
       |        ^^^^^^^^^^
       try: two lines before it: ben: > GET /ws and ben: > upgrade: websocket

    error: none of the answers is right
      --> lessons/ten.md:22:1
       |
    22 | ```predict
       | ^^^^^^^^^^
       try: - [x] before the right one

    error: no transport is named "websockets"
      --> lessons/ten.md:29:20
       |
    29 | transports: close, websockets
       |                    ^^^^^^^^^^
       try: websocket

    10 mistakes in lessons/ten.md
    "#);
}

#[test]
fn a_lesson_has_steps() {
    assert_eq!(mistake("words\n"), "1:1: a lesson has at least one step (## Anna asks)");
    assert_eq!(mistake(""), "1:1: a lesson has at least one step (## Anna asks)");
    assert_eq!(mistake("# A\n"), "1:1: the title is in the front matter; each step begins with ## (## A)");
    assert!(mistake("words\n---\n").starts_with("1:1: an underlined heading"));
    assert!(mistake("##\n").contains("no words"));
    assert_eq!(parse("x", "x.md", "").expect_err("empty").0.len(), 2);
}

#[test]
fn a_fence_that_is_never_closed_is_told_and_nothing_else() {
    assert_eq!(
        mistake("```wire\nwords\n## A\n"),
        "1:1: this fence is not closed (a line ``` after its last line)"
    );
    assert_eq!(
        mistake("## A\n~~~~js\n~~~\n"),
        "2:1: this fence is not closed (a line ~~~~ after its last line)"
    );
}

#[test]
fn fences_are_known_or_shown() {
    let fence = |info: &str| format!("## A\n```{info}\n> connect\n```\n");
    assert_eq!(mistake(&fence("wier")), "2:4: \"wier\" is nearly `wire`, but is not run (wire)");
    assert_eq!(mistake(&fence("Wire bits")), "2:4: \"Wire\" is nearly `wire`, but is not run (wire bits)");
    assert_eq!(mistake(&fence("wire bit")), "2:9: a `wire` fence cannot be shown as \"bit\" (wire bits)");
    assert!(mistake(&fence("note me")).contains("nothing may follow `note`"));
    assert!(mistake(&fence("exercise")).contains("cannot play an exercise"));
    assert!(mistake(&fence("include")).contains("cannot play an include"));
    assert!(mistake("## A\n\ninclude http#Anna\n").contains("cannot play an include"));
    assert!(mistake("## A\n```wire\n```\n").contains("nothing in this transcript"));
    for info in ["js", "sh", "rust", "text", "dot", "", "json", "html"] {
        let text = format!("---\ntitle: A\nsummary: B\n---\n{}", fence(info));
        let lesson = parse("x", "x.md", &text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(matches!(&lesson.steps[0].parts[0], Part::Code { lang, .. } if lang == info), "{info}");
    }
}

#[test]
fn what_is_played_stands_in_a_step_at_the_left_margin() {
    assert!(
        mistake("```wire\n> connect\n```\n\n## A\n").starts_with("1:1: a `wire` fence belongs to a step")
    );
    assert!(mistake("## A\n- a\n  ```wire\n  > connect\n  ```\n").contains("not inside a list"));
}

#[test]
fn markdown_that_a_terminal_cannot_show_is_told() {
    assert!(mistake("## A\n\n> GET /x\n").ends_with("(```wire before it and ``` after it)"));
    assert!(mistake("## A\n\n> She asks.\n").ends_with("(the words without the >)"));
    assert!(mistake("## A\n\n<div>\n").contains("HTML is not shown"));
    assert!(mistake("## A\n\n| a | b |\n|---|---|\n").contains("a table is not shown"));
}

#[test]
fn prose_may_use_what_is_measured_or_was_captured() {
    assert_eq!(
        mistake("## A\n\nIt took\n{latte}.\n"),
        "4:1: nothing is known by the name {latte} here ({late})"
    );
    let wire = "## A\n```wire\n> GET /\n< 200\n< etag: {tag}\n```\n";
    let text = format!("---\ntitle: A\nsummary: B\n---\n{wire}\nIt was {{tag}}.\n- and {{tag}}\n");
    assert!(parse("x", "x.md", &text).is_ok());
    assert!(mistake(&format!("## A\n{{tag}}\n\n{wire}")).starts_with("2:1:"), "used before it is captured");
    assert!(mistake("## A\n```predict\nHow {x}?\n- [x] a\n- [ ] b\n```\n").starts_with("3:5:"));
}
