//! A lesson's file to a [`Lesson`], or all its mistakes at once.

mod data;
mod expects;
mod front;
mod markdown;
mod page;
mod predict;
mod scope;
mod sends;
mod socketio;
mod statements;
mod transcript;
mod values;
mod workload;

use markdown::{Block, Kind};
use page::{Page, Piece};
use scope::Scope;
pub(in crate::lesson) use values::nearest;
pub use workload::likely_transport;

use crate::lesson::diagnostic::Mistakes;
use crate::lesson::script::{Lesson, Part, Prose, Step, Wire};
use crate::timeline::Show;

/// The info strings that mean something.
const FENCES: [&str; 5] = ["wire", "compare", "predict", "exercise", "note"];

/// Parses and checks a whole lesson. `name` is the file's stem, `file` what diagnostics call it.
///
/// # Errors
///
/// All that is wrong with it.
pub fn parse(name: &str, file: &str, text: &str) -> Result<Lesson, Mistakes> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let mut page = Page::new(file, &text);
    let (front, first) = front::parse(&mut page);
    let mut reader =
        Reader { page, scope: Scope::default(), intro: Vec::new(), steps: Vec::new(), unclosed: false };
    for block in markdown::blocks(&text, reader.page.start_of(first)) {
        reader.block(block);
    }
    let Reader { mut page, intro, steps, unclosed, .. } = reader;
    // A fence that is never closed has swallowed the rest: what is not there may be in it.
    if steps.is_empty() && !unclosed {
        page.mistake(
            page.line(first.min(page.last_line())),
            "a lesson has at least one step",
            "## Anna asks",
        );
    }
    let mistakes = page.into_mistakes();
    if !mistakes.is_empty() {
        return Err(Mistakes(mistakes));
    }
    Ok(Lesson {
        name: name.to_owned(),
        file: file.to_owned(),
        title: front.title.unwrap_or_default(),
        summary: front.summary.unwrap_or_default(),
        minutes: front.minutes,
        heartbeat: front.heartbeat,
        intro,
        steps,
    })
}

struct Reader<'a> {
    page: Page<'a>,
    scope: Scope,
    intro: Vec<Part>,
    steps: Vec<Step>,
    unclosed: bool,
}

impl<'a> Reader<'a> {
    fn block(&mut self, block: Block) {
        let pieces = self.page.pieces(block.range.clone());
        let Some(first) = pieces.first().map(|piece| piece.trim()) else {
            return;
        };
        match block.kind {
            Kind::Heading(level) => self.heading(level, first),
            Kind::Paragraph => self.paragraph(&pieces),
            Kind::Item(number) => self.item(number, &pieces),
            Kind::Fence { nested, text } => self.fence(&pieces, nested, &text),
            Kind::Indented(text) => {
                self.push(Part::Code { lang: String::new(), text: without_end(&text), line: first.line })
            }
            Kind::Html if first.text.starts_with("<!--") => {}
            Kind::Html => {
                self.page.mistake(
                    first,
                    "HTML is not shown: a lesson is seen in a terminal too",
                    "the same in plain words",
                );
            }
            Kind::Quote => {
                let words = first.from(1).trim().text;
                let mend = if sends::begins(words) {
                    "```wire before it and ``` after it"
                } else {
                    "the words without the >"
                };
                self.page.mistake(first, "a quotation is no part of a lesson", mend);
            }
        }
    }

    fn push(&mut self, part: Part) {
        self.steps.last_mut().map_or(&mut self.intro, |step| &mut step.parts).push(part);
    }

    fn heading(&mut self, level: usize, line: Piece<'a>) {
        let hashes = line.text.len() - line.text.trim_start_matches('#').len();
        let words = line.from(hashes).trim().text;
        // `## Title ##` is a heading too.
        let open = words.trim_end_matches('#');
        let title = if open.is_empty() || open.ends_with([' ', '\t']) { open.trim_end() } else { words };
        if hashes == 0 {
            self.page.mistake(
                line,
                "an underlined heading: is a line of --- too near to the words above it?",
                format!("## {title}"),
            );
        } else if title.is_empty() {
            self.page.mistake(line, "this heading has no words", "## Anna asks");
        } else if level == 1 {
            self.page.mistake(
                line,
                "the title is in the front matter; each step begins with ##",
                format!("## {title}"),
            );
        }
        if level > 2 {
            self.scope.prose(line, &mut self.page);
            self.push(Part::Prose(Prose { text: format!("**{title}**"), line: line.line }));
        } else {
            self.steps.push(Step { title: title.to_owned(), line: line.line, parts: Vec::new() });
        }
    }

    fn paragraph(&mut self, pieces: &[Piece<'a>]) {
        for piece in pieces {
            let (first, rest) = piece.word();
            if first.text == "include" && rest.text.contains('#') && !rest.text.contains(' ') {
                self.page.mistake(piece.trim(), "this version cannot play an include", "the step itself");
                return;
            }
            if first.text.starts_with('|') {
                self.page.mistake(
                    piece.trim(),
                    "a table is not shown: a lesson is seen in a terminal too",
                    "a list: - one line each",
                );
                return;
            }
            self.scope.prose(*piece, &mut self.page);
        }
        self.prose(String::new(), pieces, 0);
    }

    fn item(&mut self, number: Option<u64>, pieces: &[Piece<'a>]) {
        for piece in pieces {
            self.scope.prose(*piece, &mut self.page);
        }
        let first = pieces.first().map_or("", |piece| piece.text.trim_start());
        let digits = first.len() - first.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let indent = pieces.first().map_or(0, |piece| piece.text.len()) - first.len();
        let mark = number.map_or_else(|| "- ".to_owned(), |number| format!("{number}. "));
        // The digits of a number, and the sign.
        self.prose(mark, pieces, indent + digits + 1);
    }

    /// The words, folded to one line, without the first `skip` bytes.
    fn prose(&mut self, mark: String, pieces: &[Piece<'a>], skip: usize) {
        let lines =
            pieces.iter().enumerate().map(|(n, piece)| if n == 0 { piece.from(skip) } else { *piece });
        let words: Vec<_> = lines.map(|line| line.text.trim()).filter(|line| !line.is_empty()).collect();
        if let (Some(first), false) = (pieces.first(), words.is_empty()) {
            self.push(Part::Prose(Prose { text: mark + &words.join(" "), line: first.line }));
        }
    }

    fn fence(&mut self, pieces: &[Piece<'a>], nested: bool, text: &str) {
        let Some((opener, body)) = pieces.split_first().map(|(first, body)| (first.trim(), body)) else {
            return;
        };
        let mark = opener.text.chars().next().unwrap_or('`');
        let marks = |text: &str| text.len() - text.trim_start_matches(mark).len();
        let count = marks(opener.text);
        let closes = |line: &&Piece<'_>| {
            marks(line.text.trim()) >= count && marks(line.text.trim()) == line.text.trim().len()
        };
        let Some(body) = body.last().filter(closes).map(|_| &body[..body.len() - 1]) else {
            self.unclosed = true;
            let mend = format!("a line {} after its last line", &opener.text[..count]);
            self.page.mistake(opener, "this fence is not closed", mend);
            return;
        };
        let info = opener.from(count).trim();
        let (word, more) = info.word();
        if word.text == "include" {
            self.page.mistake(word, "this version cannot play an include", "the step itself");
        } else if let Some(near) = meant(word.text) {
            let message = format!("\"{}\" is nearly `{near}`, but is not run", word.text);
            self.page.mistake(word, message, format!("{near} {}", more.text).trim_end().to_owned());
        } else if !FENCES.contains(&word.text) {
            let text = without_end(text);
            self.push(Part::Code { lang: info.text.to_owned(), text, line: opener.line });
        } else if nested {
            let message = format!("a `{}` fence stands at the left margin, not inside a list", word.text);
            self.page.mistake(opener, message, "the fence after the list, without spaces before it");
        } else {
            self.notation(opener, word, more, body, text);
        }
    }

    /// One of [`FENCES`].
    fn notation(
        &mut self,
        opener: Piece<'a>,
        word: Piece<'a>,
        more: Piece<'a>,
        body: &[Piece<'a>],
        text: &str,
    ) {
        if self.steps.is_empty() && word.text != "note" {
            self.page.mistake(
                opener,
                format!("a `{}` fence belongs to a step", word.text),
                "a line before it: ## Anna asks",
            );
        }
        if word.text != "wire" && !more.is_empty() {
            self.page.mistake(more, format!("nothing may follow `{}`", word.text), word.text);
        }
        match word.text {
            "wire" => self.wire(opener, more, body, text),
            "compare" => {
                let workload = workload::parse(body, opener, &without_end(text), &mut self.page);
                workload.into_iter().for_each(|workload| self.push(Part::Compare(workload)));
            }
            "predict" => {
                body.iter().for_each(|line| self.scope.prose(*line, &mut self.page));
                let question = predict::parse(body, opener, &mut self.page);
                question.into_iter().for_each(|question| self.push(Part::Predict(question)));
            }
            "note" => self.push(Part::Note { text: without_end(text), line: opener.line }),
            other => self.page.mistake(
                opener,
                format!("this version cannot play an {other}"),
                "a `wire` fence that shows it",
            ),
        }
    }

    fn wire(&mut self, opener: Piece<'a>, more: Piece<'a>, body: &[Piece<'a>], text: &str) {
        let show = match more.text {
            "" => Show::Heads,
            "ladder" => Show::Ladder,
            "bits" => Show::Bits,
            other => {
                let mend = nearest(other, ["ladder", "bits"])
                    .map_or("wire, wire ladder or wire bits".to_owned(), |near| format!("wire {near}"));
                self.page.mistake(more, format!("a `wire` fence cannot be shown as \"{other}\""), mend);
                Show::Heads
            }
        };
        let before = self.page.count();
        let acts = transcript::parse(body, &mut self.scope, &mut self.page);
        if acts.is_empty() && self.page.count() == before {
            self.page.mistake(opener, "there is nothing in this transcript", "> GET /api/messages");
        }
        self.push(Part::Wire(Wire { text: without_end(text), line: opener.line, show, acts }));
    }
}

/// Which fence was meant, if the word is a letter or two away from one. Of a short word with two letters wrong the
/// first must be right, or `dot` would be a note.
fn meant(word: &str) -> Option<&'static str> {
    if FENCES.contains(&word) {
        return None;
    }
    let word: String = word.to_lowercase().chars().take(16).collect();
    let near = |fence: &&str| match strsim::osa_distance(&word, fence) {
        0 | 1 => true,
        2 => fence.len() > 4 || word.chars().next() == fence.chars().next(),
        _ => false,
    };
    FENCES.into_iter().find(near)
}

fn without_end(text: &str) -> String {
    text.strip_suffix('\n').unwrap_or(text).to_owned()
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
