//! `wsdemo lesson`, and what is said when something is wrong.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Output;

use tempfile::TempDir;
use wsdemo::timeline::Kind;

use crate::facts;
use crate::harness::{Run, free_ports, output, wsdemo};

/// A folder with a lesson in it, and the program run on that.
fn run_in(folder: &TempDir, text: &[u8], args: &[&str]) -> Output {
    std::fs::write(folder.path().join("mine.md"), text).unwrap();
    let mut command = wsdemo(args);
    command.current_dir(folder.path());
    output(command)
}

fn run(text: &str, args: &[&str]) -> Output {
    run_in(&TempDir::new().unwrap(), text.as_bytes(), args)
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn with_head(steps: &str) -> String {
    format!("---\ntitle: Mine\nsummary: Mine\n---\n\n{steps}")
}

/// It ended so, and said all of that on stderr and nothing on stdout.
fn refused(args: &[&str], code: i32, words: &[&str]) {
    let output = output(wsdemo(args));
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(output.stdout.is_empty(), "{args:?}: on stdout");
    assert!(words.iter().all(|word| said.contains(word)), "{args:?}: {said}");
}

#[test]
fn what_cannot_be_meant_is_told_with_what_to_type() {
    refused(&[], 2, &["Usage:", "http", "socket", "compare", "lesson"]);
    refused(&["htpp"], 2, &["htpp", "'http'"]);
    refused(&["http", "--aut"], 2, &["--aut", "--auto"]);
    refused(&["http", "--speed", "fast"], 2, &["--speed", "fast", "2 or 0.5"]);
    for speed in ["0", "1e-300", "1001", "inf", "NaN"] {
        refused(&["http", "--speed", speed], 2, &["from 0.01 to 1000"]);
    }
    refused(&["http", "--width", "10"], 2, &["10", "from 48 to 400"]);
    refused(&["http", "--port", "70000"], 2, &["70000", "from 0 to 65,535"]);
    refused(&["http", "--color", "red"], 2, &["red", "never"]);
    refused(&["http", "--json", "--plain"], 2, &["--json", "--plain"]);
    refused(&["compare", "--every", "soon"], 2, &["soon", "500ms or 2s"]);
    refused(&["compare", "--events", "0"], 2, &["must be from 1 to 10,000"]);
    refused(&["lesson", "htpp"], 2, &["\"htpp\"", "did you mean http?", "try: wsdemo lesson http"]);
    refused(&["lesson", "http", "socket"], 2, &["one at a time", "try: wsdemo lesson --check http socket"]);
    refused(&["lesson", "--from", "2"], 2, &["--from", "try: wsdemo lesson http --from 2"]);
    for flag in ["--auto", "--json", "--from=2", "--speed=2", "--color=never"] {
        refused(&["lesson", "--check", "http", flag], 2, &["--check", flag.split('=').next().unwrap()]);
        refused(&["lesson", "--new", "never.md", flag], 2, &["--new", flag.split('=').next().unwrap()]);
    }
    refused(&["lesson", "zzzzzz"], 2, &["there are http, socket, compare", "try: wsdemo lesson"]);
}

#[test]
fn a_lesson_that_cannot_be_read_does_not_end_the_list() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("latin.md"), b"Tor f\xfcr uns").unwrap();
    std::fs::write(folder.path().join("own.md"), with_head("## One\n\nWords.\n")).unwrap();
    let mut command = wsdemo(&["lesson"]);
    command.env("WSDEMO_LESSONS", folder.path());
    let output = output(command);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    // A long path may push the words to the next line.
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("latin") && words.contains("is not UTF-8 text"), "{said}");
    assert!(said.lines().last().unwrap().starts_with("own "), "{said}");
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    refused(&["lesson", "nowhere.md"], 1, &["error: cannot read nowhere.md", "No such file"]);
    let folder = TempDir::new().unwrap();
    refused(&["lesson", &format!("{}/", folder.path().display())], 1, &["cannot read"]);
    let output = run_in(&folder, b"---\nfine\n\xff\xfe", &["lesson", "mine.md"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "error: mine.md is not UTF-8 text: see line 3\n");
}

#[test]
fn all_mistakes_are_told_at_once_with_their_place_and_their_mend() {
    let text = "---\ntitle: Mine\nsumary: Mine\n---\n\n## One\n\n```wire\n> GTE /api/messages\n= closd by server\n\
                bob: < 200\n```\n\n```wier\n```\n";
    let output = run(text, &["lesson", "mine.md"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = stderr(&output);
    for words in [
        " --> mine.md:3:1\n",
        "3 | sumary: Mine\n",
        "try: summary: Mine\n",
        " --> mine.md:9:3\n",
        "9 | > GTE /api/messages\n  |   ^^^\n",
        "try: GET /api/messages\n",
        "--> mine.md:10:3\n",
        "10 | = closd by server\n   |   ^^^^^^^^^^^^^^^\n   try: closed by server\n",
        "--> mine.md:11:",
        "--> mine.md:14:4\n",
        "try: wire\n",
        " in mine.md\n",
    ] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
    // In the order of their lines.
    let place = |line: &str| said.find(&format!("mine.md:{line}:")).unwrap();
    assert!(place("3") < place("9") && place("9") < place("10") && place("10") < place("14"), "{said}");
}

/// What is proposed is what was meant, also where the payload begins with a quote.
#[test]
fn a_mend_keeps_the_quotes_that_are_meant() {
    for (written, mend) in [
        (r#"text "a":1}"#, r#"try: "\"a\":1}""#),
        (r#"text "He said "no"""#, r#"try: "He said \"no\"""#),
        (r#"text "GOAL"#, r#"try: "GOAL""#),
    ] {
        let steps = format!("## One\n\n```wire\n> GET /ws\n> upgrade: websocket\n< 101\n> {written}\n```\n");
        let output = run(&with_head(&steps), &["lesson", "mine.md"]);
        let said = stderr(&output);
        assert!(said.contains(mend), "{written}: {said}");
    }
}

/// Whatever is chosen: nothing is told or asked that it does not show.
#[test]
fn of_chosen_transports_nothing_is_told_that_is_not_so() {
    let quick = ["--events", "1", "--every", "50ms", "--poll", "50ms", "--json"];
    let played = output(wsdemo(&[&["compare", "--only", "websocket"], &quick[..]].concat()));
    let said = String::from_utf8(played.stdout).unwrap();
    assert_eq!(played.status.code(), Some(0), "{}", String::from_utf8_lossy(&played.stderr));
    assert!(!said.contains("\"kind\":\"predict\"") && said.contains("\"lesson\":\"only\""), "{said}");
    let listed = output(wsdemo(&["lesson"]));
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(!listed.lines().any(|line| line.starts_with("only")), "{listed}");
}

#[test]
fn the_library_lists_what_there_is_and_a_folder_comes_first() {
    let list = output(wsdemo(&["lesson"]));
    let text = String::from_utf8(list.stdout).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with(' '));
    let names: Vec<_> = rows.clone().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["http", "socket", "compare", "polling", "ways", "choosing", "socketio", "react"]);
    for row in rows {
        assert!(row.contains(" steps  ") && row.contains(" min  "), "{row}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains("--new"), "how to go on is for those who sit at a terminal:\n{text}");

    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("http.md"), with_head("## One\n\nMy own words.\n")).unwrap();
    let mut command = wsdemo(&["http"]);
    command.env("WSDEMO_LESSONS", folder.path());
    let output = output(command);
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("My own words."));
}

#[test]
fn a_port_in_use_is_told_with_another_to_type() {
    let first = free_ports(5);
    for (args, taken) in [
        (vec!["http"], first),
        (vec!["lesson", "socket"], first),
        // One for each transport.
        (vec!["compare"], first + 2),
        // All that was asked for is still asked for.
        (vec!["compare", "--only", "sse,websocket", "--events", "1"], first),
    ] {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, taken)).unwrap();
        let port = first.to_string();
        let message = format!("error: port {taken} is already in use\n");
        let hint = format!("  try: wsdemo {} --port ", args.join(" "));
        let output = output(wsdemo(&[&args[..], &["--port", &port]].concat()));
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with(&message) && said.contains(&hint), "{said}");
        drop(held);
        // What it says to type works.
        let other: u16 = said.trim_end().rsplit(' ').next().unwrap().parse().unwrap();
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, other)).is_ok(), "{said}");
    }
}

#[test]
fn a_claim_that_does_not_hold_is_told_and_played_on() {
    let steps = "## One\n\n```wire\n> GET /api/messages\n> connection: close\n< 201\n= closed by client\n\
                 = 2 connections\n```\n\n## Two\n\nPlayed on.\n";
    let output = run(&with_head(steps), &["lesson", "mine.md"]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(1), "error: 3 claims did not hold\n"));
    let shown = String::from_utf8(output.stdout).unwrap();
    for words in ["expected", "response 200", "closed by server", "1 opened", "Played on."] {
        assert!(shown.contains(words), "{words:?} is not in\n{shown}");
    }
    // The same in JSON.
    let json = Run::read(&run(&with_head(steps), &["lesson", "mine.md", "--json"]));
    assert_eq!(json.code, Some(1));
    facts::sound(&json.events);
    let broken: Vec<_> = json
        .kinds()
        .filter_map(|kind| match kind {
            Kind::Claim(claim) if claim.held == Some(false) => {
                Some((claim.line, claim.expected.as_deref().unwrap(), claim.saw.as_deref().unwrap()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        broken,
        [
            (11, "< 201", "response 200"),
            (12, "closed by client", "closed by server"),
            (13, "2 connections", "1 opened")
        ]
    );
    assert!(json.kinds().any(|kind| matches!(kind, Kind::Step { n: 2, .. })), "played on");
}
