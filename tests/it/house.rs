//! The house keeps its order: which room knows which is what the table in ARCHITECTURE.md says, and no file outgrows a
//! reader.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A file much beyond this many lines is to be divided.
const LONG: usize = 520;

/// As long as `main.rs` may be.
const MAIN: usize = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file, with its path from the root, in order.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

#[derive(Debug)]
enum May {
    Everything,
    These(BTreeSet<String>),
}

/// The table `room | what it does | may know`.
fn table() -> BTreeMap<String, May> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with("| room |")).skip(2);
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [room, _, may] = cells[..] else { panic!("not three cells: {line}") };
        let room = room.trim_matches('`').trim_end_matches('/').trim_end_matches(".rs");
        let may = match may {
            "everything" | "what can fail" => May::Everything,
            "nothing" => May::These(BTreeSet::new()),
            rooms => May::These(rooms.split(',').map(|room| room.trim().to_owned()).collect()),
        };
        (room.to_owned(), may)
    };
    rows.take_while(|line| line.starts_with('|')).map(row).collect()
}

#[test]
fn rooms_know_only_whom_they_may() {
    let table = table();
    let mut wrong = Vec::new();
    let mut rooms = BTreeSet::new();
    for (path, text) in sources("src") {
        let room = room_of(&path);
        if room == "main" || room == "lib" {
            continue;
        }
        rooms.insert(room.clone());
        let may = table.get(&room).unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for {room}"));
        for (line, known) in known(&text) {
            let allowed = known == room
                || match may {
                    May::Everything => true,
                    May::These(rooms) => rooms.contains(&known),
                };
            if !allowed {
                let place = path.display();
                wrong.push(format!("{place}:{line}: {room} knows {known}, and may know {may:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "against the table in ARCHITECTURE.md:\n{}", wrong.join("\n"));
    let told: BTreeSet<String> = table.into_keys().collect();
    assert_eq!(told, rooms, "the rows of the table, and the rooms that there are");
}

/// Whatever the table says.
#[test]
fn producers_and_views_never_know_each_other() {
    let table = table();
    let knows = |room: &str, known: &str| match &table[room] {
        May::Everything => true,
        May::These(rooms) => rooms.contains(known),
    };
    for producer in ["tap", "client", "server", "lesson"] {
        assert!(!knows(producer, "view") && !knows("view", producer), "{producer} and view");
        assert!(!knows(producer, "terminal"), "{producer} writes nothing to the screen");
    }
    for pure in ["wire", "timeline"] {
        assert!(
            ["tap", "client", "server", "lesson", "view"].iter().all(|room| !knows(pure, room)),
            "{pure}"
        );
    }
    for room in table.keys().filter(|room| !["commands", "failure"].contains(&room.as_str())) {
        assert!(!knows(room, "cli") && !knows(room, "failure") && !knows(room, "commands"), "{room}");
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        let most = if path == Path::new("src/main.rs") { MAIN } else { LONG };
        let lines = text.lines().count();
        if lines > most {
            wrong.push(format!("{}: {lines} lines, and may have {most}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `src/tap/watch.rs`, `src/tap.rs` and `src/tap/x/y.rs` are in the room `tap`.
fn room_of(path: &Path) -> String {
    let first = path.components().nth(1).unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The rooms that a file names, and in which line.
fn known(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"));
    while let Some((n, line)) = lines.next() {
        for (at, _) in line.match_indices("crate::") {
            // `$crate::` too; but not another crate whose name ends so.
            if line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let after = &line[at + "crate::".len()..];
            let mut names = after.to_owned();
            if after.starts_with('{') {
                // A list may go on over lines.
                while names.matches('{').count() > names.matches('}').count() {
                    names += lines.next().unwrap().1;
                }
            }
            found.extend(first_names(&names).into_iter().map(|name| (n, name)));
        }
    }
    found
}

/// Of `a::b` that is `a`; of `{a::{b, c}, d}` it is `a` and `d`.
fn first_names(path: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let Some(list) = path.strip_prefix('{') else { return vec![word(path)] };
    let mut depth = 0;
    let mut names = vec![String::new()];
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            c => names.last_mut().unwrap().push(c),
        }
    }
    names.iter().map(|name| word(name.trim())).filter(|name| !name.is_empty()).collect()
}

#[test]
fn names_are_found_wherever_they_stand() {
    let text = "use crate::a::B;\n// crate::not\nlet x = &crate::b::C;\nuse crate::{c, d::{E, F},\n    e};\nmycrate::f";
    let names: Vec<_> = known(text).into_iter().map(|(line, name)| format!("{line} {name}")).collect();
    assert_eq!(names, ["1 a", "3 b", "4 c", "4 d", "4 e"]);
}
