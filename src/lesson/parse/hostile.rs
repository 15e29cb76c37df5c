//! Text that nobody means as a lesson.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::parse;
use super::tests::VALID;

/// Pieces from which lessons, and things like lessons, are made.
const PIECES: &[&str] = &[
    "\n",
    " ",
    "  # ",
    "---\n",
    "```",
    "~~~",
    "```wire\n",
    "```predict\n",
    "```compare\n",
    "## ",
    "### ",
    "# ",
    "> ",
    "< ",
    "! ",
    "= ",
    "~ ",
    "- ",
    "1. ",
    "    ",
    "anna",
    ":",
    "server: ",
    "GET /ws",
    "upgrade: websocket\n",
    "text ",
    "\"",
    "\\",
    "{",
    "}",
    "{id}",
    "200",
    "within 2s ",
    "raw ",
    "8",
    "close ",
    "1006",
    "event ",
    "say ",
    "silence ",
    "5s",
    "every ",
    "x9",
    "transports: ",
    "rtt: ",
    "stall: ",
    "/",
    "cut: ",
    "size: ",
    "KiB\n",
    "clients: ",
    ",",
    "[x]",
    "<div>",
    "|",
    "ä",
    "界",
    "\u{202e}",
    "\0",
    "\r",
    "\t",
    "\u{a0}",
    "include a#b",
];

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        drop(parse("x", "x.md", &text).map_err(|mistakes| mistakes.to_string()));
    }

    #[test]
    fn no_heap_of_notation_makes_it_panic(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..120), valid in any::<bool>()) {
        let front = if valid { "---\ntitle: A\nsummary: B\n---\n## A\n```wire\n" } else { "" };
        let text = format!("{front}{}", pieces.concat());
        drop(parse("x", "x.md", &text).map_err(|mistakes| mistakes.to_string()));
    }

    #[test]
    fn no_change_of_a_valid_lesson_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize, prop::sample::select(PIECES)), 1..8),
    ) {
        let mut text: Vec<char> = VALID.chars().collect();
        for (at, gone, new) in changes {
            let at = at.index(text.len());
            let end = (at + gone).min(text.len());
            text.splice(at..end, new.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(found) = parse("x", "x.md", &text) {
            let lines = text.replace("\r\n", "\n").replace('\r', "\n").split('\n').count();
            prop_assert!(!found.0.is_empty());
            prop_assert!(found.0.is_sorted_by_key(|mistake| (mistake.line, mistake.column)));
            for mistake in &found.0 {
                prop_assert!((1..=lines).contains(&mistake.line), "{mistake}");
                prop_assert!(mistake.column >= 1 && mistake.column <= mistake.line_text.chars().count() + 1, "{mistake}");
            }
            drop(found.to_string());
        }
    }
}

/// Large files of one thing, of the kinds that a parser may take the square of their length for.
#[test]
fn no_large_file_takes_long() {
    let front = "---\ntitle: A\nsummary: B\n---\n## A\n";
    let many = |piece: &str| piece.repeat(300_000 / piece.len());
    let began = Instant::now();
    for body in [
        many("{x}"),
        many("- {x}\n"),
        many("- "),
        many("```js\n```\n"),
        format!("```wire\n> text {}\n```\n", many("\\\"")),
        format!("```wire\n> GET /\n>\n> {}\n```\n", many("\"  # ")),
        format!("```wire\n> GET /\n>\n{}```\n", many("> {id}\n")),
        format!("```wire\n{}```\n", many("> connect\n< 200\n")),
        format!("```wire\n> raw {}\n```\n", many("8 1 ")),
        format!("```wire\n> {}\n```\n", many("a b")),
        format!("```compare\n{}```\n", many("every 1ms x9999 server: {n}{n}{n}\n")),
        format!("```compare\n{}```\n", many("1s x9999 server: {n}{n}{n}\n")),
        format!("```compare\nsize: 1\n{}```\n", many("1s x9999 server: {n}{n}{n}\n")),
        format!("```compare\ntransports: {}\n```\n", many("a,")),
        format!("```predict\n{}```\n", many("- [ ] {x}\n")),
        many("\u{202e}{a"),
    ] {
        drop(parse("x", "x.md", &format!("{front}{body}")).map_err(|mistakes| mistakes.to_string()));
        let start: String = body.chars().take(30).collect();
        assert!(began.elapsed() < Duration::from_secs(60), "{start}");
    }
}
