//! What is wrong with a lesson: where, and how to mend it.

use std::fmt;

use unicode_width::UnicodeWidthChar as _;

/// How much of a long line is shown, in characters: about what a projector's terminal has room for.
const SHOWN: usize = 100;

/// How much of a long line is shown before the mistake.
const BEFORE: usize = 40;

/// As many mistakes as are collected; whoever has more mends these first.
pub(super) const MOST: usize = 100;

/// A mistake in a lesson. Its `Display` shows the line, marks the place and says how to mend it, without colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the user knows it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How many characters are meant; 0 where something is missing.
    pub width: usize,
    /// What is wrong.
    pub message: String,
    /// The whole line, as it is in the file.
    pub line_text: String,
    /// What to write instead; may be empty.
    pub mend: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.line.to_string().len();
        writeln!(f, "error: {}", safe(&self.message))?;
        writeln!(f, "{:gutter$}--> {}:{}:{}", "", safe(&self.file), self.line, self.column)?;
        write!(f, "{}", self.marked().join("\n"))?;
        if self.mend.is_empty() {
            return Ok(());
        }
        write!(f, "\n{:gutter$} try: {}", "", safe(&self.mend))
    }
}

impl Diagnostic {
    /// The line with its number, and the place marked below it: lines for a terminal, harmless to it.
    #[must_use]
    pub fn marked(&self) -> [String; 3] {
        let gutter = self.line.to_string().len();
        let (shown, pad, carets) = self.excerpt();
        [
            format!("{:gutter$} |", ""),
            format!("{} | {shown}", self.line),
            format!("{:gutter$} | {:pad$}{:^<carets$}", "", "", ""),
        ]
    }

    /// The line as it can be shown, and where the carets go in it, in columns of a terminal.
    fn excerpt(&self) -> (String, usize, usize) {
        let line: Vec<char> = self.line_text.chars().map(safe_char).collect();
        let column = (self.column.max(1) - 1).min(line.len());
        let end = column.saturating_add(self.width).min(line.len());
        let (first, last) = if line.len() <= SHOWN {
            (0, line.len())
        } else {
            let first = column.saturating_sub(BEFORE);
            (first, line.len().min(first + SHOWN))
        };
        let columns = |part: &[char]| part.iter().map(|c| c.width().unwrap_or(0)).sum::<usize>();
        let (head, tail) = (if first > 0 { "…" } else { "" }, if last < line.len() { "…" } else { "" });
        let pad = head.chars().count() + columns(&line[first..column]);
        let carets = columns(&line[column..end.min(last).max(column)]).max(1);
        let shown: String = line[first..last].iter().collect();
        (format!("{head}{shown}{tail}").trim_end().to_owned(), pad, carets)
    }
}

/// All that is wrong with a lesson, in the order of its lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.list())]
pub struct Mistakes(pub Vec<Diagnostic>);

impl Mistakes {
    fn list(&self) -> String {
        let mut all: String = self.0.iter().map(|mistake| format!("{mistake}\n\n")).collect();
        let file = self.0.first().map_or("", |mistake| mistake.file.as_str());
        all += &match self.0.len() {
            1 => "1 mistake".to_owned(),
            MOST => format!("{MOST} mistakes or more"),
            n => format!("{n} mistakes"),
        };
        all + " in " + &safe(file)
    }
}

fn safe(text: &str) -> String {
    text.chars().map(safe_char).collect()
}

/// A lesson comes from anywhere: what it holds must not reach the terminal as a command, nor make the line look
/// like another one (bidirectional overrides, invisible characters), nor move the carets.
fn safe_char(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Diagnostic {
        Diagnostic {
            file: "lessons/x.md".into(),
            line: 14,
            column: 3,
            width: 15,
            message: "a `=` line has no claim named \"closd by server\"".into(),
            line_text: "= closd by server".into(),
            mend: "closed by server".into(),
        }
    }

    #[test]
    fn a_mistake_shows_its_line_and_its_mend() {
        insta::assert_snapshot!(sample(), @r#"
        error: a `=` line has no claim named "closd by server"
          --> lessons/x.md:14:3
           |
        14 | = closd by server
           |   ^^^^^^^^^^^^^^^
           try: closed by server
        "#);
    }

    #[test]
    fn what_a_terminal_would_obey_is_made_harmless() {
        let mut mistake = sample();
        mistake.line_text = "=\tcl\u{1b}[31m\u{202e}x".into();
        mistake.mend = "a\u{7}b".into();
        let text = mistake.to_string();
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert!(!text.contains('\u{202e}'));
        assert!(text.contains("= cl"));
    }

    #[test]
    fn carets_stand_below_wide_characters() {
        let mut mistake = sample();
        (mistake.line_text, mistake.column, mistake.width) = ("界界 =x".into(), 4, 1);
        assert!(mistake.to_string().contains("\n14 | 界界 =x\n   |      ^\n"), "{mistake}");
    }

    #[test]
    fn of_a_long_line_only_the_neighbourhood_is_shown() {
        let mut mistake = sample();
        (mistake.line_text, mistake.column, mistake.width) = ("x".repeat(100_000), 50_000, 3);
        let text = mistake.to_string();
        assert!(text.lines().all(|line| line.chars().count() < 120), "{text}");
    }

    #[test]
    fn a_place_outside_of_the_line_does_no_harm() {
        let mut mistake = sample();
        (mistake.line_text, mistake.column, mistake.width) = (String::new(), 7, usize::MAX);
        assert!(mistake.to_string().contains("   | ^\n"));
    }

    #[test]
    fn the_last_line_counts() {
        let one = Mistakes(vec![sample()]).to_string();
        assert!(one.ends_with("\n1 mistake in lessons/x.md"), "{one}");
        let three = Mistakes(vec![sample(), sample(), sample()]).to_string();
        assert!(three.ends_with("\n\n3 mistakes in lessons/x.md"), "{three}");
    }
}
