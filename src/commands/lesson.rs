//! `wsdemo lesson`: lists the lessons, or plays one.

use std::io::{self, Write as _};

use super::play;
use crate::cli::{Playing, lessons_folder};
use crate::failure::Failure;
use crate::lesson::library::Library;
use crate::lesson::parse::parse;
use crate::lesson::play::Flags;

pub(super) fn run(lesson: Option<&str>, playing: &Playing) -> Result<(), Failure> {
    match lesson {
        Some(lesson) => play::lesson(lesson, &format!("lesson {lesson}"), playing, Flags::default()),
        None => list(),
    }
}

/// Each lesson's name and summary; one that cannot be read says so instead.
fn list() -> Result<(), Failure> {
    let library = Library::new(lessons_folder());
    let mut out = io::stdout().lock();
    for name in library.names() {
        let summary = match library.find(&name) {
            Ok(source) => match parse(&source.name, &source.file, &source.text) {
                Ok(lesson) => lesson.summary,
                Err(_) => format!("(has mistakes: wsdemo lesson {name})"),
            },
            Err(error) => format!("({error})"),
        };
        match writeln!(out, "{name:<12} {summary}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.map_err(|error| Failure::new(format!("cannot write: {error}")))?,
        }
    }
    Ok(())
}
