//! Text that fits: measured in columns, cut, wrapped; and its ASCII form.

use unicode_width::UnicodeWidthStr as _;

use crate::terminal::{Ink, Line, Span, safe};

/// The characters that may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Look {
    /// ASCII only.
    pub ascii: bool,
}

impl Look {
    /// Words from an event, as they may be shown. To be called before anything is measured.
    pub fn text(self, text: &str) -> String {
        let shown = safe(text);
        if !self.ascii || shown.is_ascii() {
            return shown;
        }
        shown.chars().fold(String::new(), |mut ascii, c| {
            match c {
                c if c.is_ascii() => ascii.push(c),
                '‘' | '’' => ascii.push('\''),
                '“' | '”' => ascii.push('"'),
                '–' | '—' | '·' => ascii.push('-'),
                '→' => ascii.push_str("->"),
                '←' => ascii.push_str("<-"),
                '…' => ascii.push_str("..."),
                '≤' => ascii.push_str("<="),
                '≥' => ascii.push_str(">="),
                '≠' => ascii.push_str("!="),
                c => match self::ascii(c) {
                    drawn if drawn.is_ascii() => ascii.push(drawn),
                    c => ascii.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
                },
            }
            ascii
        })
    }

    /// A line that we drew, in the characters that may be drawn: one for one, so that no column moves.
    pub fn line(self, mut line: Line) -> Line {
        if self.ascii {
            for span in &mut line.0 {
                span.text = span.text.chars().map(ascii).collect();
            }
        }
        line
    }

    /// As much as fits, with a mark where something is missing.
    pub fn cut(self, text: &str, columns: usize) -> String {
        if text.width() <= columns {
            return text.to_owned();
        }
        let mark = if self.ascii { ".." } else { "…" };
        if columns <= mark.width() {
            return take(text, columns).0.to_owned();
        }
        format!("{}{mark}", take(text, columns - mark.width()).0)
    }
}

fn ascii(glyph: char) -> char {
    match glyph {
        '─' | '━' => '-',
        '═' => '=',
        '│' | '├' | '┤' | '┃' | '║' => '|',
        '┊' => ':',
        '┌' | '┬' | '┐' | '┼' | '└' | '┴' | '┘' | '╔' | '╗' | '╚' | '╝' => '+',
        '►' | '▶' | '→' => '>',
        '◄' | '◀' | '←' => '<',
        '▲' | '↑' => '^',
        '▼' | '↓' => 'v',
        '·' => '.',
        '✓' | '•' | '●' => '*',
        '○' => 'o',
        '×' | '✗' => 'x',
        '…' => '~',
        '\u{a0}' => ' ',
        other => other,
    }
}

/// The longest beginning that is at most so wide, and the rest.
pub(super) fn take(text: &str, columns: usize) -> (&str, &str) {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        // Measured as a whole: some characters change the width of those before them.
        if text[..next].width() > columns {
            break;
        }
        end = next;
    }
    text.split_at(end)
}

/// Breaks text into pieces of at most so many columns; at least one. Never loses a character.
pub(super) fn chop(text: &str, columns: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (head, tail) = take(rest, columns);
        if head.is_empty() {
            // One character wider than the room: there is no way to show it.
            rest = &rest[rest.chars().next().map_or(1, char::len_utf8)..];
            pieces.push("?".into());
            continue;
        }
        pieces.push(head.to_owned());
        rest = tail;
    }
    if pieces.is_empty() {
        pieces.push(String::new());
    }
    pieces
}

/// Wraps at spaces. `first` and `next` stand before the first line and the others.
pub(super) fn wrap(spans: &[Span], first: &str, next: &str, columns: usize) -> Vec<Line> {
    let room = columns.saturating_sub(first.width().max(next.width())).max(1);
    let mut lines: Vec<Line> = Vec::new();
    let mut current = Line::default();
    for word in words(spans) {
        for piece in fit(word, room) {
            let gap = usize::from(!current.0.is_empty());
            if current.width() + gap + piece.width() > room {
                lines.push(std::mem::take(&mut current));
            } else if gap == 1 {
                let ink = space_ink(&current, &piece);
                current.push(ink, " ");
            }
            piece.0.into_iter().for_each(|span| current.push(span.ink, span.text));
        }
    }
    lines.push(current);
    let prefixes = std::iter::once(first).chain(std::iter::repeat(next));
    let prefixed = |(prefix, line): (&str, Line)| {
        let mut whole = Line::plain(prefix);
        line.0.into_iter().for_each(|span| whole.push(span.ink, span.text));
        whole
    };
    prefixes.zip(lines).map(prefixed).collect()
}

/// Wraps text of one ink.
pub(super) fn wrap_text(ink: Ink, text: &str, first: &str, next: &str, columns: usize) -> Vec<Line> {
    wrap(&[Span { ink, text: text.to_owned() }], first, next, columns)
}

/// A space between two words of the same ink has it too, so that they stay one piece.
fn space_ink(before: &Line, after: &Line) -> Ink {
    match (before.0.last(), after.0.first()) {
        (Some(left), Some(right)) if left.ink == right.ink => left.ink,
        _ => Ink::Plain,
    }
}

fn words(spans: &[Span]) -> Vec<Line> {
    let mut words = vec![Line::default()];
    for span in spans {
        for (n, part) in span.text.split(' ').enumerate() {
            if n > 0 {
                words.push(Line::default());
            }
            if let Some(word) = words.last_mut() {
                word.push(span.ink, part);
            }
        }
    }
    words.retain(|word| !word.0.is_empty());
    words
}

/// A word in pieces that fit.
fn fit(word: Line, room: usize) -> Vec<Line> {
    if word.width() <= room {
        return vec![word];
    }
    let chopped =
        |span: Span| chop(&span.text, room).into_iter().map(move |text| Line::default().with(span.ink, text));
    word.0.into_iter().flat_map(chopped).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_cut_says_so() {
        let look = Look::default();
        assert_eq!(look.cut("messages", 8), "messages");
        assert_eq!(look.cut("messages", 5), "mess…");
        assert_eq!(Look { ascii: true }.cut("messages", 5), "mes..");
        assert_eq!(look.cut("漢字漢字", 5), "漢字…");
    }

    #[test]
    fn words_stay_whole_and_keep_their_ink() {
        let spans = [
            Span { ink: Ink::Plain, text: "the server ".into() },
            Span { ink: Ink::Bold, text: "closes first".into() },
            Span { ink: Ink::Plain, text: ".".into() },
        ];
        let lines = wrap(&spans, "- ", "  ", 19);
        assert_eq!(lines.iter().map(Line::text).collect::<Vec<_>>(), ["- the server closes", "  first."]);
        assert_eq!(lines[1].0[1], Span { ink: Ink::Bold, text: "first".into() });
    }

    /// A lesson's own drawing keeps its columns.
    #[test]
    fn what_is_drawn_in_a_lesson_is_drawn_in_ascii() {
        let look = Look { ascii: true };
        assert_eq!(look.text("├─┤ ◄──► ┌┬┐ └┴┘ ┼│ ✓ ×"), "|-| <--> +++ +++ +| * x");
        assert_eq!(look.text("“so” – … → 漢"), "\"so\" - ... -> \\u{6f22}");
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_its_room(text in any::<String>(), columns in 4_usize..40) {
            let look = Look::default();
            let text = look.text(&text);
            prop_assert!(look.cut(&text, columns).width() <= columns);
            for line in wrap_text(Ink::Plain, &text, "- ", "  ", columns) {
                prop_assert!(line.width() <= columns);
            }
            for piece in chop(&text, columns) {
                prop_assert!(piece.width() <= columns);
            }
        }

        #[test]
        fn ascii_is_ascii(text in any::<String>()) {
            let look = Look { ascii: true };
            prop_assert!(look.text(&text).is_ascii());
        }
    }
}
