//! The lessons that are built in, and how a file or a folder of one's own overrides them.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::parse::nearest;

/// The lessons that are built in, in the order in which they are taught.
///
/// To add one: `lessons/NAME.md`, and a line here.
const BUILT_IN: [(&str, &str); 8] = [
    ("http", include_str!("../../lessons/http.md")),
    ("socket", include_str!("../../lessons/socket.md")),
    ("compare", include_str!("../../lessons/compare.md")),
    ("polling", include_str!("../../lessons/polling.md")),
    ("ways", include_str!("../../lessons/ways.md")),
    ("choosing", include_str!("../../lessons/choosing.md")),
    ("socketio", include_str!("../../lessons/socketio.md")),
    ("react", include_str!("../../lessons/react.md")),
];

/// Those that a command plays, and that nobody is taught: found by name, and in no list.
const UNLISTED: [(&str, &str); 1] = [("only", include_str!("../../lessons/only.md"))];

/// A lesson to begin with: it shows all that a lesson can hold, and is to be changed.
pub const STARTING_POINT: &str = include_str!("starting-point.md");

/// The largest file that is read as a lesson, in bytes.
pub const MAX_LESSON: u64 = 1024 * 1024;

/// Where lessons come from.
#[derive(Debug, Clone, Default)]
pub struct Library {
    folder: Option<PathBuf>,
}

/// A lesson's text, not parsed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's stem.
    pub name: String,
    /// The file, as the user knows it; of a built-in lesson, where it is in the sources.
    pub file: String,
    /// The text.
    pub text: String,
}

/// Why there is no such lesson.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// Nothing goes by that name.
    #[error("there is no lesson named \"{name}\"{}; there are {}", did_you_mean(.nearest), .names.join(", "))]
    Unknown {
        /// As it was asked for.
        name: String,
        /// What may have been meant.
        nearest: Option<String>,
        /// What there is.
        names: Vec<String>,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {source}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is too large.
    #[error("{} is larger than 1 MiB: that is no lesson", .file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// The file is no text.
    #[error("{} is not UTF-8 text: see line {line}", .file.display())]
    NotText {
        /// The file.
        file: PathBuf,
        /// Where the first byte is that is none, from 1.
        line: usize,
    },
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|near| format!(" (did you mean {near}?)")).unwrap_or_default()
}

impl Library {
    /// The built-in lessons; a file `NAME.md` in `folder` (the user's `WSDEMO_LESSONS`) comes before the one that
    /// is built in.
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The names of all lessons: those that are built in, in the order in which they are taught, then those that
    /// only the folder has.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let entries = self.folder.iter().flat_map(std::fs::read_dir).flatten().flatten();
        let mut own: Vec<String> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
            .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
            .filter(|name| BUILT_IN.iter().all(|(built_in, _)| built_in != name))
            .collect();
        own.sort();
        BUILT_IN.into_iter().map(|(name, _)| name.to_owned()).chain(own)
    }

    /// The lesson of this name; or, where there is a path separator in it or `.md` at its end, the file.
    ///
    /// # Errors
    ///
    /// When there is none, or its file cannot be read as text of at most [`MAX_LESSON`] bytes.
    pub fn find(&self, name_or_file: &str) -> Result<Source, LibraryError> {
        if name_or_file.contains(std::path::is_separator) || name_or_file.ends_with(".md") {
            return read(Path::new(name_or_file));
        }
        if let Some(folder) = &self.folder {
            let file = folder.join(format!("{name_or_file}.md"));
            if file.exists() {
                return read(&file);
            }
        }
        let built_in = BUILT_IN.into_iter().chain(UNLISTED).find(|(name, _)| *name == name_or_file);
        if let Some((name, text)) = built_in {
            return Ok(source(name, format!("lessons/{name}.md"), text.to_owned()));
        }
        // No lesson, but something there: what is wrong with it says more than that it is no lesson.
        if Path::new(name_or_file).exists() {
            return read(Path::new(name_or_file));
        }
        let names: Vec<String> = self.names().collect();
        let nearest = nearest(name_or_file, names.iter().map(String::as_str)).map(str::to_owned);
        Err(LibraryError::Unknown { name: name_or_file.to_owned(), nearest, names })
    }
}

fn source(name: &str, file: String, text: String) -> Source {
    Source { name: name.to_owned(), file, text }
}

fn read(file: &Path) -> Result<Source, LibraryError> {
    let mut bytes = Vec::new();
    // One byte more than is allowed tells too large from just right, whatever the file says of itself.
    File::open(file)
        .and_then(|opened| opened.take(MAX_LESSON + 1).read_to_end(&mut bytes))
        .map_err(|source| LibraryError::Unreadable { file: file.to_owned(), source })?;
    if bytes.len() as u64 > MAX_LESSON {
        return Err(LibraryError::TooLarge { file: file.to_owned() });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        LibraryError::NotText { file: file.to_owned(), line }
    })?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    Ok(source(&name, file.display().to_string(), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::parse::parse;

    fn file(folder: &Path, name: &str, bytes: &[u8]) -> String {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("writable");
        path.display().to_string()
    }

    #[test]
    fn every_built_in_lesson_is_valid() {
        let library = Library::default();
        for name in library.names().chain(["only".into()]) {
            let source = library.find(&name).expect("built in");
            let lesson = parse(&source.name, &source.file, &source.text)
                .unwrap_or_else(|mistakes| panic!("{mistakes}"));
            assert_eq!(lesson.name, name);
        }
    }

    #[test]
    fn the_starting_point_is_valid_and_shows_every_fence() {
        let lesson = parse("new", "new.md", STARTING_POINT).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(lesson.steps.len() > 1);
        for fence in ["js", "wire", "predict", "note", "compare"] {
            assert!(STARTING_POINT.contains(&format!("\n```{fence}\n")), "{fence}");
        }
    }

    #[test]
    fn a_folder_comes_before_what_is_built_in() {
        let folder = tempfile::tempdir().expect("a folder");
        file(folder.path(), "http.md", b"mine");
        file(folder.path(), "own.md", b"my own");
        file(folder.path(), "notes.txt", b"");
        let library = Library::new(Some(folder.path().to_owned()));
        assert_eq!(
            library.names().collect::<Vec<_>>(),
            ["http", "socket", "compare", "polling", "ways", "choosing", "socketio", "react", "own"]
        );
        assert_eq!(library.find("http").expect("found").text, "mine");
        assert_eq!(library.find("own").expect("found").name, "own");
        assert_eq!(library.find("socket").expect("found").file, "lessons/socket.md");
    }

    #[test]
    fn a_name_that_nobody_has_is_told_with_those_that_there_are() {
        let error = Library::new(Some("/nowhere".into())).find("htpp").expect_err("unknown");
        insta::assert_snapshot!(error, @r#"there is no lesson named "htpp" (did you mean http?); there are http, socket, compare, polling, ways, choosing, socketio, react"#);
    }

    #[test]
    fn files_that_are_no_lessons_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let find = |path: &str| Library::default().find(path);
        assert!(matches!(find("nowhere.md"), Err(LibraryError::Unreadable { .. })));
        assert!(matches!(
            find(&format!("{}/", folder.path().display())),
            Err(LibraryError::Unreadable { .. })
        ));
        let latin = file(folder.path(), "latin.md", b"a\nb\nTor f\xfcr uns");
        assert!(matches!(find(&latin), Err(LibraryError::NotText { line: 3, .. })));
        let full = vec![b'x'; MAX_LESSON as usize];
        let just = file(folder.path(), "just.md", &full);
        assert_eq!(find(&just).expect("fits").name, "just");
        let large = file(folder.path(), "large.md", &[full.as_slice(), b"x"].concat());
        assert!(matches!(find(&large), Err(LibraryError::TooLarge { .. })));
    }
}
