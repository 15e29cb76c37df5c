//! `wsdemo lesson --check` and `--new`: lessons as tests, and a lesson to begin with.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::harness::{output, wsdemo};
use crate::pty::Terminal;

const GOOD: &str = "## One\n\n```wire\n> GET /api/messages\n> connection: close\n< 200\n= closed by server\n= 1 connection\n```\n";

/// A folder with these lessons in it.
fn folder(lessons: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, steps) in lessons {
        let text = format!("---\ntitle: Mine\nsummary: Mine\n---\n\n{steps}");
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn run_in(folder: &TempDir, args: &[&str]) -> Output {
    let mut command = wsdemo(&[&["lesson"], args].concat());
    command.current_dir(folder.path());
    output(command)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The seconds that it took, which are different each time.
fn untimed(text: &str) -> String {
    let lines = text.lines().map(|line| match line.rsplit_once(", ") {
        Some((before, time)) if line.starts_with("ok ") && time.ends_with(" s") => format!("{before}, TIME"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_lesson_that_is_built_in_holds() {
    let output = output(wsdemo(&["lesson", "--check"]));
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""), "{said}");
    let files: Vec<_> = said.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(
        files,
        [
            "lessons/http.md",
            "lessons/socket.md",
            "lessons/compare.md",
            "lessons/polling.md",
            "lessons/ways.md",
            "lessons/choosing.md",
            "lessons/socketio.md",
            "lessons/react.md"
        ]
    );
    assert!(said.lines().all(|line| line.starts_with("ok ") && line.ends_with(" s")), "{said}");
    assert!(said.contains("claims held") && said.contains("1 comparison"), "{said}");
}

#[test]
fn each_lesson_ends_at_its_first_claim_that_does_not_hold_and_the_others_go_on() {
    let folder = folder(&[
        ("good.md", GOOD),
        (
            "claims.md",
            "## One\n\n```wire\n> GET /api/messages\n> connection: close\n< 200\n= closed by client        # no\n= 2 connections\n```\n\n## Two\n\n```wire\n~ 1h\n```\n",
        ),
        ("expects.md", "## One\n\n```wire\n> GET /api/messages\n< 201\n~ 1h\n```\n"),
        (
            "more.md",
            "## One\n\n```wire\n> GET /api/messages\n> GET /api/messages\n< 200\n```\n\n```wire\n~ 1h\n```\n",
        ),
        ("predict.md", "## One\n\n```predict\nWhat?\n- [x] a\n- [ ] b\n```\n"),
    ]);
    let output = run_in(&folder, &["--check", "good.md", "claims.md", "expects.md", "more.md", "predict.md"]);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(1), "error: 3 lessons failed\n"));
    insta::assert_snapshot!(untimed(&text(&output.stdout)), @r#"
    ok      good.md     2 claims held, TIME
    failed  claims.md:12: expected closed by client, saw closed by server
               |
            12 | = closed by client        # no
               | ^^^^^^^^^^^^^^^^^^
    failed  expects.md:10: expected < 201, saw response 200
               |
            10 | < 201
               | ^^^^^
    failed  more.md:8: expected no message beyond those written, saw client: < response 200
              |
            8 | ```wire
              | ^^^^^^^
    ok      predict.md  0 claims held, TIME
    "#);
}

#[test]
fn all_mistakes_of_all_lessons_are_told_before_any_is_played() {
    let folder = folder(&[("good.md", GOOD), ("a.md", "## One\n\n```wier\n```\n"), ("b.md", "Nothing.\n")]);
    let output = run_in(&folder, &["--check", "a.md", "good.md", "b.md", "nowhere.md"]);
    let said = text(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{said}");
    for words in
        ["--> a.md:8:4", "try: wire", "1 mistake in a.md", "in b.md", "error: cannot read nowhere.md"]
    {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
    let output = run_in(&folder, &["--check", "a.md", "htpp"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("1 mistake in a.md") && said.contains("did you mean http?"), "{said}");
}

#[test]
fn ctrl_c_says_what_was_done_so_far() {
    let folder = folder(&[("long.md", "## One\n\n```wire\n~ 1h\n```\n"), ("good.md", GOOD)]);
    let mut command = wsdemo(&["lesson", "--check", "good.md", "long.md", "good.md"]);
    command.current_dir(folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    stdout.read_line(&mut said).unwrap();
    assert!(said.starts_with("ok      good.md"), "{said}");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    stdout.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(130), ""));
    assert!(said.contains("\nstopped long.md  not finished\n"), "{said}");
    assert_eq!(said.lines().count(), 3, "{said}");
}

#[test]
fn on_a_terminal_it_says_how_far_it_is() {
    let folder = folder(&[("good.md", GOOD), ("longer.md", "## One\n\n```wire\n~ 1s\n```\n")]);
    let mut command = wsdemo(&["lesson", "--check", "good.md", "longer.md"]);
    command.current_dir(folder.path());
    let terminal = Terminal::start(command);
    terminal.sees("checking 2 lessons: 1 done");
    let (status, shown) = terminal.ends();
    assert!(status.success(), "{shown}");
    assert!(shown.contains("ok      longer.md  0 claims held, 1."), "{shown}");
}

#[test]
fn a_closed_pipe_ends_it_silently() {
    let folder = folder(&[("good.md", GOOD)]);
    let mut command = wsdemo(&["lesson", "--check", "good.md"]);
    command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn a_new_lesson_plays_and_holds_and_is_never_written_over() {
    let folder = folder(&[]);
    let written = run_in(&folder, &["--new", "mine"]);
    assert!(written.status.success() && written.stderr.is_empty(), "{written:?}");
    insta::assert_snapshot!(text(&written.stdout), @r#"
    mine.md is written: a lesson that shows all that a lesson can hold.
      play it:   wsdemo lesson mine.md
      check it:  wsdemo lesson --check mine.md
    "#);
    let checked = run_in(&folder, &["--check", "mine.md"]);
    assert!(checked.status.success(), "{checked:?}");
    assert!(
        text(&checked.stdout).starts_with("ok      mine.md  9 claims held, 1 comparison, "),
        "{checked:?}"
    );

    let path = folder.path().join("mine.md");
    std::fs::write(&path, "my work").unwrap();
    for (args, words) in [
        (["--new", "mine.md"], ["mine.md is there already", "try: wsdemo lesson --new mine-2.md"]),
        (["--new", "mine"], ["mine.md is there already", "try: wsdemo lesson --new mine-2.md"]),
        (["--new", "none/mine.md"], ["there is no folder none", "try: mkdir -p none"]),
        (["--new", "."], [". is a folder", "try: wsdemo lesson --new ./mine.md"]),
    ] {
        let refused = run_in(&folder, &args);
        let said = text(&refused.stderr);
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0), "{args:?}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{args:?}: {said}");
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), "my work");
}
