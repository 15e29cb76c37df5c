//! Prose: the inline marks of Markdown, `**bold**` and backquotes.

use super::text::{Look, wrap};
use crate::terminal::{Ink, Line, Span};

/// The widest that prose is set, columns: longer lines are hard to read.
const WIDEST: usize = 100;

/// A paragraph or a list item, wrapped.
pub(super) fn paragraph(look: Look, text: &str, width: usize) -> Vec<Line> {
    let width = width.min(WIDEST);
    match text.strip_prefix("- ") {
        Some(item) => wrap(&spans(look, item), " - ", "   ", width),
        None => wrap(&spans(look, text), " ", " ", width),
    }
}

/// The pieces of a text with its marks taken out. A mark that is never closed is text.
pub(super) fn spans(look: Look, text: &str) -> Vec<Span> {
    let mut line = Line::default();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*']) {
        let (before, marked) = rest.split_at(at);
        let mark = if marked.starts_with("**") { "**" } else { &marked[..1] };
        let inside = &marked[mark.len()..];
        line.push(Ink::Plain, look.text(before));
        match inside.find(mark).filter(|end| *end > 0 && mark != "*") {
            Some(end) => {
                line.push(Ink::Bold, look.text(&inside[..end]));
                rest = &inside[end + mark.len()..];
            }
            None => {
                line.push(Ink::Plain, mark);
                rest = inside;
            }
        }
    }
    line.push(Ink::Plain, look.text(rest));
    line.0
}

/// The same without drawing: bold is taken out, the backquotes around code stay, so that it can be told apart.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (n, part) in text.split('`').enumerate() {
        if n > 0 {
            plain.push('`');
        }
        match n % 2 {
            0 => spans(Look::default(), part).iter().for_each(|span| plain.push_str(&span.text)),
            _ => plain.push_str(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inks(text: &str) -> Vec<(Ink, String)> {
        spans(Look::default(), text).into_iter().map(|span| (span.ink, span.text)).collect()
    }

    #[test]
    fn marks_become_inks() {
        let expected = [
            (Ink::Plain, "a "),
            (Ink::Bold, "b"),
            (Ink::Plain, " c "),
            (Ink::Bold, "d**e"),
            (Ink::Plain, "."),
        ];
        assert_eq!(inks("a **b** c `d**e`."), expected.map(|(ink, text)| (ink, text.to_owned())));
    }

    #[test]
    fn code_stays_code_without_ink() {
        assert_eq!(plain("a **b** `c**d` *e"), "a b `c**d` *e");
    }

    #[test]
    fn lone_marks_are_text() {
        assert_eq!(inks("2 * 3 ** 4 ` 5"), [(Ink::Plain, "2 * 3 ** 4 ` 5".to_owned())]);
    }
}
