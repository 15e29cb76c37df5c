//! The text of a lesson while it is parsed: every piece of it knows where it stands.

use std::ops::Range;

use crate::lesson::diagnostic::{Diagnostic, MOST};

/// A part of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The words.
    pub text: &'a str,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl<'a> Piece<'a> {
    /// A part of it, by bytes; where that is none, nothing.
    pub fn part(self, range: Range<usize>) -> Self {
        let before = self.text.get(..range.start).unwrap_or_default();
        let text = self.text.get(range).unwrap_or_default();
        Self { text, column: self.column + before.chars().count(), ..self }
    }

    pub fn from(self, start: usize) -> Self {
        self.part(start..self.text.len())
    }

    pub fn trim_start(self) -> Self {
        self.from(self.text.len() - self.text.trim_start().len())
    }

    pub fn trim_end(self) -> Self {
        self.part(0..self.text.trim_end().len())
    }

    pub fn trim(self) -> Self {
        self.trim_start().trim_end()
    }

    /// The first word, and what follows it, trimmed.
    pub fn word(self) -> (Self, Self) {
        let this = self.trim();
        let end = this.text.find(char::is_whitespace).unwrap_or(this.text.len());
        (this.part(0..end), this.from(end).trim())
    }

    /// What stands before and after the first `mark`.
    pub fn split(self, mark: char) -> Option<(Self, Self)> {
        let at = self.text.find(mark)?;
        Some((self.part(0..at), self.from(at + mark.len_utf8())))
    }

    pub fn strip(self, prefix: &str) -> Option<Self> {
        self.text.starts_with(prefix).then(|| self.from(prefix.len()))
    }

    pub fn is_empty(self) -> bool {
        self.text.is_empty()
    }
}

/// The file, and what is wrong with it so far.
pub(super) struct Page<'a> {
    file: &'a str,
    text: &'a str,
    /// Where each line begins.
    starts: Vec<usize>,
    mistakes: Vec<Diagnostic>,
}

impl<'a> Page<'a> {
    /// `text` has line feeds only.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file, text, starts, mistakes: Vec::new() }
    }

    /// How many lines there are; at least one.
    pub fn last_line(&self) -> usize {
        self.starts.len()
    }

    /// A line, from 1.
    pub fn line(&self, line: usize) -> Piece<'a> {
        let start = line.checked_sub(1).and_then(|at| self.starts.get(at)).copied();
        let text = start.and_then(|start| self.text.get(start..)).unwrap_or_default();
        Piece { text: text.split('\n').next().unwrap_or_default(), line, column: 1 }
    }

    /// The line that holds this byte.
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset)
    }

    /// Where a line begins; the end of the text where there is no such line.
    pub fn start_of(&self, line: usize) -> usize {
        self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }

    /// The lines of a stretch of the text, without those that are empty at its end.
    pub fn pieces(&self, range: Range<usize>) -> Vec<Piece<'a>> {
        let text = self.text.get(range.clone()).unwrap_or_default().trim_end();
        let end = range.start + text.len();
        let (first, last) = (self.line_of(range.start), self.line_of(end));
        (first..=last)
            .map(|number| {
                let start = self.start_of(number);
                let line = self.line(number);
                let from = range.start.saturating_sub(start).min(line.text.len());
                let to = end.saturating_sub(start).min(line.text.len());
                line.part(from..to.max(from))
            })
            .collect()
    }

    /// Whether there are so many mistakes that no more are noted.
    pub fn is_full(&self) -> bool {
        self.mistakes.len() >= MOST
    }

    /// Notes that something is wrong here, and what to write instead.
    pub fn mistake(&mut self, at: Piece<'_>, message: impl Into<String>, mend: impl Into<String>) {
        if self.is_full() {
            return;
        }
        self.mistakes.push(Diagnostic {
            file: self.file.to_owned(),
            line: at.line,
            column: at.column,
            width: at.text.chars().count(),
            message: message.into(),
            line_text: self.line(at.line).text.to_owned(),
            mend: mend.into(),
        });
    }

    /// How many mistakes there are so far.
    pub fn count(&self) -> usize {
        self.mistakes.len()
    }

    /// All that is wrong, in the order of the lines.
    pub fn into_mistakes(mut self) -> Vec<Diagnostic> {
        self.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        self.mistakes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_know_where_they_stand() {
        let page = Page::new("x.md", "one\n  wö  rd end\n");
        let (word, rest) = page.line(2).word();
        assert_eq!((word.text, word.line, word.column), ("wö", 2, 3));
        let (second, _) = rest.word();
        assert_eq!((second.text, second.column), ("rd", 7));
        assert_eq!(page.line(9).text, "");
        assert_eq!(page.last_line(), 3);
    }

    #[test]
    fn a_stretch_is_cut_into_lines() {
        let text = "ab\ncd\nef\n\n";
        let page = Page::new("x.md", text);
        let texts: Vec<_> =
            page.pieces(1..text.len()).iter().map(|piece| (piece.text, piece.line, piece.column)).collect();
        assert_eq!(texts, [("b", 1, 2), ("cd", 2, 1), ("ef", 3, 1)]);
        assert_eq!(page.pieces(0..0).len(), 1);
    }
}
