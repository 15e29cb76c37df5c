//! A `predict` fence: the question, the answers, the explanation.

use super::page::{Page, Piece};
use crate::lesson::script::Question;
use crate::timeline::Choice;

/// The keys 1 to 9 answer.
const MOST: usize = 9;

/// Reads the lines of a fence. `fence` is its first line.
pub(super) fn parse(lines: &[Piece<'_>], fence: Piece<'_>, page: &mut Page<'_>) -> Option<Question> {
    let before = page.count();
    let (mut text, mut because) = (Vec::new(), Vec::new());
    let mut choices = Vec::new();
    for line in lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()) {
        if let Some(words) = line.strip(">") {
            because.push(words.text.trim());
        } else if line.text.starts_with('-') {
            choices.extend(choice(line, page));
            if choices.len() == MOST + 1 {
                page.mistake(
                    line,
                    format!("a question has at most {MOST} answers: the keys 1 to {MOST}"),
                    "fewer answers",
                );
            }
        } else if choices.is_empty() {
            text.push(line.text);
        } else {
            page.mistake(
                line,
                "after the answers come only answers and the explanation",
                format!("> {}", line.text),
            );
        }
    }
    if page.count() == before {
        whole(&text, &choices, fence, page);
    }
    (page.count() == before).then(|| Question {
        text: text.join(" "),
        choices,
        because: (!because.is_empty()).then(|| because.join(" ")),
        line: fence.line,
    })
}

fn choice(line: Piece<'_>, page: &mut Page<'_>) -> Option<Choice> {
    let rest = line.from(1).trim();
    for (mark, right) in [("[ ]", false), ("[x]", true), ("[X]", true)] {
        if let Some(words) = rest.strip(mark) {
            let words = words.trim();
            if words.is_empty() {
                page.mistake(line, "this answer has no words", format!("- {mark} At once"));
                return None;
            }
            return Some(Choice { text: words.text.to_owned(), right });
        }
    }
    let words = rest.text.split_once(']').map_or(rest.text, |(_, words)| words).trim();
    page.mistake(line, "an answer begins with `- [ ]`, a right one with `- [x]`", format!("- [ ] {words}"));
    None
}

fn whole(text: &[&str], choices: &[Choice], fence: Piece<'_>, page: &mut Page<'_>) {
    if text.is_empty() {
        page.mistake(fence, "the question is missing", "When will Anna know? before the answers");
    }
    if choices.len() < 2 {
        page.mistake(
            fence,
            "a question has at least two answers",
            "- [ ] At once / - [x] At her next request",
        );
    } else if !choices.iter().any(|choice| choice.right) {
        page.mistake(fence, "none of the answers is right", "- [x] before the right one");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str) -> Result<Question, Vec<String>> {
        let mut page = Page::new("x.md", text);
        let lines: Vec<_> = (2..=page.last_line()).map(|line| page.line(line)).collect();
        let question = parse(&lines, page.line(1), &mut page);
        let mistakes = page.into_mistakes();
        question.ok_or_else(|| {
            mistakes.into_iter().map(|m| format!("{}: {} ({})", m.line, m.message, m.mend)).collect()
        })
    }

    #[test]
    fn a_question_is_read() {
        let question = question(
            "```predict\nGOAL! The server knows.\nWhen will Anna know?\n- [ ] At once\n- [x] At her next request\n\n> She has no connection.\n> Nobody can tell her.\n",
        )
        .expect("valid");
        assert_eq!(question.text, "GOAL! The server knows. When will Anna know?");
        assert_eq!(question.choices[1], Choice { text: "At her next request".into(), right: true });
        assert_eq!(question.because.as_deref(), Some("She has no connection. Nobody can tell her."));
        assert_eq!(question.line, 1);
    }

    #[test]
    fn a_question_needs_its_parts() {
        let mistakes = |text| question(text).expect_err("invalid");
        assert_eq!(
            mistakes("f\n- [x] a\n- [ ] b"),
            ["1: the question is missing (When will Anna know? before the answers)"]
        );
        assert!(mistakes("f\nQ?\n- [x] a")[0].contains("at least two"));
        assert!(mistakes("f\nQ?\n- [ ] a\n- [ ] b")[0].contains("none of the answers is right"));
        assert_eq!(
            mistakes("f\nQ?\n- a\n- [y] b\n- [x]\n- [x] c\nmore")
                .iter()
                .map(|mistake| &mistake[..2])
                .collect::<Vec<_>>(),
            ["3:", "4:", "5:", "7:"]
        );
        let ten = format!("f\nQ?\n{}", "- [x] a\n".repeat(11));
        assert_eq!(mistakes(&ten).len(), 1);
    }
}
