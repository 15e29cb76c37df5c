//! A lesson's front matter: flat `key: value` between two lines `---`.

use std::time::Duration;

use super::page::{Page, Piece};
use super::values::{nearest, positive};

const KEYS: [&str; 4] = ["title", "summary", "minutes", "heartbeat"];

const EXAMPLE: &str =
    "--- / title: One request, one response / summary: Why a server that has news cannot tell you / ---";

/// What the front matter says.
#[derive(Debug, Default)]
pub(super) struct Front {
    pub title: Option<String>,
    pub summary: Option<String>,
    pub minutes: Option<u32>,
    pub heartbeat: Option<Duration>,
}

/// Reads it; the line at which the rest of the lesson begins.
pub(super) fn parse(page: &mut Page<'_>) -> (Front, usize) {
    let first = page.line(1);
    let mut front = Front::default();
    if first.text.trim_end() != "---" {
        page.mistake(first, "a lesson begins with its front matter", EXAMPLE);
        return (front, 1);
    }
    let mut seen = Vec::new();
    let mut line = 2;
    let closed = loop {
        let piece = page.line(line);
        let over = line > page.last_line() || piece.text.starts_with(['#', '`']);
        if over || piece.text.trim_end() == "---" {
            break !over;
        }
        line += 1;
        if !piece.trim().is_empty() {
            entry(piece, &mut front, &mut seen, page);
        }
    };
    if !closed {
        page.mistake(first, "the front matter is not closed", "a line --- after its last line");
    }
    for (key, example) in [
        ("title", "title: One request, one response"),
        ("summary", "summary: Why a server that has news cannot tell you"),
    ] {
        if !seen.contains(&key) {
            page.mistake(first, format!("the front matter has no {key}"), example);
        }
    }
    (front, if closed { line + 1 } else { line })
}

fn entry(line: Piece<'_>, front: &mut Front, seen: &mut Vec<&'static str>, page: &mut Page<'_>) {
    let Some((key, value)) = line.split(':').map(|(key, value)| (key.trim(), value.trim())) else {
        page.mistake(
            line.trim(),
            "a line of the front matter is `key: value`",
            format!("title: {}", line.trim().text),
        );
        return;
    };
    let Some(known) = KEYS.into_iter().find(|known| *known == key.text) else {
        let near = nearest(key.text, KEYS);
        let mend = near
            .map_or_else(|| format!("one of: {}", KEYS.join(", ")), |near| format!("{near}: {}", value.text));
        // What is misspelt is not missing as well.
        seen.extend(near);
        page.mistake(key, format!("the front matter has no key \"{}\"", key.text), mend);
        return;
    };
    if seen.contains(&known) {
        page.mistake(key, format!("{known} is there twice"), "one line of it");
        return;
    }
    seen.push(known);
    if value.is_empty() {
        page.mistake(
            key,
            format!("{known} is empty"),
            match known {
                "minutes" => "minutes: 12",
                "heartbeat" => "heartbeat: 25s",
                _ => "some words after the colon",
            },
        );
        return;
    }
    match known {
        "title" => front.title = Some(words(value.text)),
        "summary" => front.summary = Some(words(value.text)),
        "minutes" => match value.text.parse() {
            Ok(minutes @ 1..=600) => front.minutes = Some(minutes),
            _ => page.mistake(
                value,
                format!("\"{}\" is no number of minutes from 1 to 600", value.text),
                "minutes: 12",
            ),
        },
        _ => front.heartbeat = positive(value, page),
    }
}

/// Other tools want quotes around what holds a colon: they are not part of the words.
fn words(value: &str) -> String {
    serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(text: &str) -> (Front, usize, Vec<String>) {
        let mut page = Page::new("x.md", text);
        let (front, line) = parse(&mut page);
        let mistakes = page.into_mistakes();
        (
            front,
            line,
            mistakes.into_iter().map(|m| format!("{}: {} ({})", m.line, m.message, m.mend)).collect(),
        )
    }

    #[test]
    fn all_keys_are_read() {
        let (front, line, mistakes) =
            front("---\ntitle: \"A: b\"\nsummary: It's: so\n\nminutes: 12\nheartbeat: 25s\n---\nbody");
        assert_eq!(mistakes, [""; 0]);
        assert_eq!(front.title.as_deref(), Some("A: b"));
        assert_eq!(front.summary.as_deref(), Some("It's: so"));
        assert_eq!((front.minutes, front.heartbeat, line), (Some(12), Some(Duration::from_secs(25)), 8));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let (_, _, mistakes) =
            front("---\ntitel: A\nsummary:\nminutes: soon\nheartbeat: 0s\nminutes: 3\nhello\n---\n");
        insta::assert_snapshot!(mistakes.join("\n"), @r#"
        2: the front matter has no key "titel" (title: A)
        3: summary is empty (some words after the colon)
        4: "soon" is no number of minutes from 1 to 600 (minutes: 12)
        5: this time must be longer than nothing (500ms or 2s)
        6: minutes is there twice (one line of it)
        7: a line of the front matter is `key: value` (title: hello)
        "#);
    }

    #[test]
    fn it_must_be_there_and_must_be_closed() {
        let (_, line, mistakes) = front("# A lesson\n");
        assert_eq!((line, mistakes.len()), (1, 1));
        assert!(mistakes[0].starts_with("1: a lesson begins with its front matter"));
        let (_, line, mistakes) = front("---\ntitle: A\nsummary: B\n## Step\n");
        assert_eq!(
            (line, mistakes),
            (4, vec!["1: the front matter is not closed (a line --- after its last line)".to_owned()])
        );
    }
}
