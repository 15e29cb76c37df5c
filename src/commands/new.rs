//! `wsdemo lesson --new FILE`: a lesson to begin with.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::lesson::library::STARTING_POINT;
use crate::terminal::safe;

pub(super) fn run(wanted: &Path) -> Result<(), Failure> {
    let file = named(wanted)?;
    let mut opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file)
        .map_err(|error| refused(&file, &error))?;
    opened
        .write_all(STARTING_POINT.as_bytes())
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", shown(&file))))?;
    super::print(&[
        format!("{} is written: a lesson that shows all that a lesson can hold.", shown(&file)),
        format!("  play it:   wsdemo lesson {}", typed(&file)),
        format!("  check it:  wsdemo lesson --check {}", typed(&file)),
    ])
}

/// With `.md` at its end, by which a file is told from a lesson's name.
fn named(wanted: &Path) -> Result<PathBuf, Failure> {
    let is_folder = wanted.is_dir() || wanted.to_string_lossy().ends_with(std::path::is_separator);
    let Some(name) = wanted.file_name().filter(|_| !is_folder) else {
        return Err(Failure::new(format!("{} is a folder, and a lesson is a file", shown(wanted)))
            .with_hint(format!("wsdemo lesson --new {}", typed(&wanted.join("mine.md")))));
    };
    if wanted.extension().is_some_and(|ending| ending == "md") {
        return Ok(wanted.to_owned());
    }
    let mut name = name.to_owned();
    name.push(".md");
    Ok(wanted.with_file_name(name))
}

fn refused(file: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let failure = Failure::new(format!("{} is there already, and stays as it is", shown(file)));
            failure.with_hint(format!("wsdemo lesson --new {}", typed(&other(file))))
        }
        io::ErrorKind::NotFound => {
            let folder = file.parent().unwrap_or(Path::new("."));
            Failure::new(format!("there is no folder {}", shown(folder)))
                .with_hint(format!("mkdir -p {}", typed(folder)))
        }
        _ => Failure::new(format!("cannot write {}: {error}", shown(file))),
    }
}

/// A name like it that nobody has.
fn other(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let names = (2..1000).map(|n| file.with_file_name(format!("{stem}-{n}.md")));
    names.into_iter().find(|name| !name.exists()).unwrap_or_else(|| file.with_file_name("another.md"))
}

fn shown(file: &Path) -> String {
    safe(&file.display().to_string())
}

/// As a shell takes it for one word, and we for no flag.
fn typed(file: &Path) -> String {
    let text = shown(file);
    let text = if text.starts_with('-') { format!("./{text}") } else { text };
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@:,~".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesson_ends_in_md() {
        let name = |wanted: &str| named(Path::new(wanted)).expect("a file").display().to_string();
        assert_eq!([name("mine"), name("mine.md"), name("a/b.c")], ["mine.md", "mine.md", "a/b.c.md"]);
        for folder in ["/", "mine/", "..", ""] {
            assert!(named(Path::new(folder)).is_err(), "{folder}");
        }
    }

    #[test]
    fn what_is_to_be_typed_can_be_typed() {
        let word = |file: &str| typed(Path::new(file));
        assert_eq!([word("a/b-1.md"), word("-x.md")], ["a/b-1.md", "./-x.md"]);
        assert_eq!([word("my own.md"), word("it's.md")], ["'my own.md'", r"'it'\''s.md'"]);
    }
}
