//! `wsdemo lesson`: lists the lessons, plays one, checks them, or writes one to begin with.

use unicode_width::UnicodeWidthStr as _;

use super::{check, new, play, print};
use crate::cli::{LessonTask, Playing, lessons_folder};
use crate::failure::Failure;
use crate::lesson::library::Library;
use crate::lesson::parse::parse;
use crate::lesson::play::Flags;
use crate::terminal::{self, safe};

/// The width where there is no terminal to ask, columns.
const WIDTH: usize = 80;

/// The least that a summary has beside the other columns.
const NARROWEST: usize = 20;

/// The most that a name is given.
const LONGEST_NAME: usize = 24;

pub(super) fn run(task: LessonTask, playing: &Playing) -> Result<(), Failure> {
    let LessonTask { lessons, check, new } = task;
    match (new, check, lessons.as_slice()) {
        (Some(file), _, _) => new::run(&file),
        (None, true, lessons) => check::run(lessons),
        (None, false, []) if playing.from.is_some() => {
            Err(Failure::usage("--from needs a lesson").with_hint("wsdemo lesson http --from 2"))
        }
        (None, false, []) => list(),
        (None, false, [lesson]) => play::lesson(lesson, playing, Flags::default()),
        (None, false, several) => Err(Failure::usage("lessons are played one at a time")
            .with_hint(format!("wsdemo lesson --check {}", several.join(" ")))),
    }
}

/// A lesson in the list.
struct Row {
    name: String,
    /// `11 steps`; nothing where it cannot be read.
    steps: String,
    /// `15 min`; nothing where it does not say.
    minutes: String,
    summary: String,
}

/// Each lesson's name, length and summary; one that cannot be read says so instead.
fn list() -> Result<(), Failure> {
    let library = Library::new(lessons_folder());
    let rows: Vec<Row> = library.names().map(|name| row(&library, name)).collect();
    let is_terminal = terminal::stdout_is_terminal();
    let width = if is_terminal { terminal::width() } else { WIDTH };
    let mut lines = table(&rows, width);
    if is_terminal {
        lines.push(String::new());
        let hint = "wsdemo lesson NAME plays one, --check NAME checks it. Your own: --new FILE";
        lines.extend(wrap(hint, width));
    }
    print(&lines)
}

fn row(library: &Library, name: String) -> Row {
    let unread =
        |why: String| Row { name: safe(&name), steps: String::new(), minutes: String::new(), summary: why };
    let source = match library.find(&name) {
        Ok(source) => source,
        Err(error) => return unread(format!("({error})")),
    };
    let Ok(lesson) = parse(&source.name, &source.file, &source.text) else {
        return unread(format!("(has mistakes: wsdemo lesson {name})"));
    };
    let steps = lesson.steps.len();
    Row {
        name: safe(&name),
        steps: format!("{steps} step{}", if steps == 1 { "" } else { "s" }),
        minutes: lesson.minutes.map(|minutes| format!("{minutes} min")).unwrap_or_default(),
        summary: lesson.summary,
    }
}

/// In columns; a summary goes on below itself.
fn table(rows: &[Row], width: usize) -> Vec<String> {
    let widest = |cell: fn(&Row) -> &String| rows.iter().map(|row| cell(row).width()).max().unwrap_or(0);
    let names = widest(|row| &row.name).min(LONGEST_NAME);
    let (steps, minutes) = (widest(|row| &row.steps), widest(|row| &row.minutes));
    let mut lines = Vec::new();
    for row in rows {
        let front = format!(
            "{}{:names$}  {:>steps$}  {:>minutes$}  ",
            row.name,
            "",
            row.steps,
            row.minutes,
            names = names.saturating_sub(row.name.width()),
        );
        let indent = names + steps + minutes + 6;
        let mut front = front;
        for part in wrap(&safe(&row.summary), width.saturating_sub(indent).max(NARROWEST)) {
            lines.push(format!("{front}{part}"));
            front = " ".repeat(indent);
        }
    }
    lines
}

/// At least one line; a word that is longer than a line has one of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_goes_on_below_itself() {
        let row = |name: &str, steps: &str, minutes: &str, summary: &str| Row {
            name: name.into(),
            steps: steps.into(),
            minutes: minutes.into(),
            summary: summary.into(),
        };
        let rows = [
            row("http", "11 steps", "15 min", "The client asks, the server answers, and may not speak first"),
            row("漢字", "1 step", "", "Short"),
            row("broken", "", "", "(has mistakes: wsdemo lesson broken)"),
        ];
        insta::assert_snapshot!(table(&rows, 60).join("\n"), @r#"
    http    11 steps  15 min  The client asks, the server
                              answers, and may not speak first
    漢字      1 step          Short
    broken                    (has mistakes: wsdemo lesson
                              broken)
    "#);
        assert!(table(&rows, 60).iter().all(|line| line.width() <= 60));
    }
}
