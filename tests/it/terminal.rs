//! Keys, colours, the end of a pipe: the program where somebody sits, and where nobody does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;
use wsdemo::timeline::{Kind, Opcode, Side, Who};

use crate::facts;
use crate::harness::{LIMIT, Run, free_ports, output, wsdemo};
use crate::pty::Terminal;
use crate::visitor::Visitor;

const HEAD: &str = "---\ntitle: Keys\nsummary: Keys\n---\n\n";

const THREE: &str = "## One\n\nFirst words.\n\n## Two\n\nSecond words.\n\n## Three\n\nLast words.\n";

const SOCKET: &str = "## One\n\n```wire\n> GET /ws\n> upgrade: websocket\n< 101\n```\n\n## Two\n\nNever.\n";

fn lesson(steps: &str) -> NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".md").tempfile().unwrap();
    write!(file, "{HEAD}{steps}").unwrap();
    file
}

fn on_terminal(file: &NamedTempFile, flags: &[&str]) -> Terminal {
    Terminal::start(wsdemo(&[&["lesson", file.path().to_str().unwrap()], flags].concat()))
}

/// What the status line says where a key is waited for.
const ONE_OF_THREE: &str = "[1/3] Space next";
const TWO_OF_THREE: &str = "[2/3] Space next";
const THREE_OF_THREE: &str = "[3/3] Space end";

#[test]
fn enter_and_space_go_on() {
    let file = lesson(THREE);
    let terminal = on_terminal(&file, &[]);
    terminal.sees(ONE_OF_THREE);
    assert!(terminal.single_keys());
    terminal.press("\r");
    terminal.sees(TWO_OF_THREE);
    terminal.press("7 ");
    terminal.sees(THREE_OF_THREE);
    terminal.press(" ");
    let (status, shown) = terminal.ends();
    assert!(status.success(), "{shown}");
    assert!(shown.contains("First words.") && shown.contains("Last words."), "{shown}");
}

#[test]
fn clickers_go_on() {
    let file = lesson(THREE);
    let terminal = on_terminal(&file, &[]);
    terminal.sees(ONE_OF_THREE);
    // Right, then PageDown.
    terminal.press("\x1b[C");
    terminal.sees(TWO_OF_THREE);
    terminal.press("\x1b[6~");
    terminal.sees(THREE_OF_THREE);
    terminal.press("\x1b[6~");
    assert!(terminal.ends().0.success());
}

#[test]
fn q_quits_and_that_is_no_failure() {
    let file = lesson(THREE);
    let terminal = on_terminal(&file, &[]);
    terminal.sees(ONE_OF_THREE);
    terminal.press("q");
    let (status, shown) = terminal.ends();
    assert_eq!(status.code(), Some(0));
    assert!(!shown.contains("Second words."), "{shown}");
}

#[test]
fn keys_typed_ahead_are_thrown_away() {
    let file = lesson(&THREE.replace("First words.", "First words.\n\n```wire\n~ 1s\n! say \"x\"\n```"));
    let terminal = on_terminal(&file, &[]);
    terminal.sees("First words.");
    terminal.press("  \r  \r");
    terminal.sees(ONE_OF_THREE);
    // Whatever had been kept would be read before this one.
    terminal.press("q");
    let (status, shown) = terminal.ends();
    assert!(status.success());
    assert!(!shown.contains("Second words."), "{shown}");
}

#[test]
fn q_typed_ahead_is_kept() {
    let file = lesson(&THREE.replace("First words.", "First words.\n\n```wire\n~ 1s\n! say \"x\"\n```"));
    let terminal = on_terminal(&file, &[]);
    terminal.sees("First words.");
    terminal.press(" q ");
    let (status, shown) = terminal.ends();
    assert_eq!(status.code(), Some(0));
    assert!(!shown.contains("Second words."), "{shown}");
}

#[test]
fn auto_goes_on_by_itself() {
    let file = lesson(THREE);
    let (status, shown) = on_terminal(&file, &["--auto", "--speed", "100"]).ends();
    assert!(status.success());
    assert!(shown.contains("Last words."), "{shown}");
}

#[test]
fn ctrl_c_closes_sockets_with_1001_and_exits_130() {
    let file = lesson(SOCKET);
    let port = free_ports(1);
    let terminal = on_terminal(&file, &["--port", &port.to_string()]);
    terminal.sees("· q quit");
    // A guest's socket, beside the lesson's own.
    let mut guest = Visitor::to(([127, 0, 0, 1], port).into()).upgrade();
    terminal.press("\x03");
    let closed = guest.ws.read().unwrap();
    assert!(closed.is_close() && format!("{closed:?}").contains("Away"), "{closed:?}");
    while guest.ws.read().is_ok() {}
    let (status, shown) = terminal.ends();
    assert_eq!(status.code(), Some(130), "{shown}");
    assert!(shown.contains("Closing 2 sockets with 1001"), "{shown}");
}

#[test]
fn ctrl_c_where_nobody_sits_is_told_to_the_end() {
    let file = lesson(&SOCKET.replace("< 101\n", "< 101\n~ 60s\n"));
    let mut command = wsdemo(&["lesson", file.path().to_str().unwrap(), "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut all = String::new();
    while !all.contains("\"upgraded\"") {
        assert!(stdout.read_line(&mut all).unwrap() > 0, "{all}");
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    stdout.read_to_string(&mut all).unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.stdout = all.into();
    let run = Run::read(&output);
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    facts::sound(&run.events);
    let state = run.state();
    let socket = state.connections.values().next().unwrap();
    let closes = run.kinds().filter_map(|kind| match kind {
        Kind::Frame(frame) if frame.opcode == Opcode::Close => Some((frame.from, frame.code)),
        _ => None,
    });
    assert_eq!(closes.collect::<Vec<_>>(), [(Side::Server, Some(1001)), (Side::Client, Some(1001))]);
    assert_eq!(socket.closed.unwrap().first, Who::Server);
    assert!(!run.kinds().any(|kind| matches!(kind, Kind::Step { n: 2, .. })));
}

#[test]
fn in_a_pipe_there_are_no_escape_codes_unless_asked_for() {
    let file = lesson(&SOCKET.replace("wire", "wire bits"));
    let drawn = |flags: &[&str], variables: &[(&str, &str)]| {
        let mut command = wsdemo(&[&["lesson", file.path().to_str().unwrap()], flags].concat());
        command.envs(variables.iter().copied());
        let output = output(command);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let plain = drawn(&[], &[]);
    let wide = drawn(&["--width", "100"], &[]);
    assert_ne!(plain, wide);
    for text in [
        &plain,
        &wide,
        &drawn(&["--width", "100"], &[("NO_COLOR", "1")]),
        &drawn(&["--width", "100"], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]),
        &drawn(&["--width", "100", "--color", "never"], &[("CLICOLOR_FORCE", "1")]),
    ] {
        assert!(!text.contains('\x1b'), "{text}");
        assert!(text.lines().all(|line| line.trim_end() == line), "blanks at the end of a line:\n{text}");
    }
    assert!(drawn(&["--width", "100", "--color", "always"], &[("NO_COLOR", "1")]).contains("\x1b["));
    assert!(drawn(&["--width", "100"], &[("CLICOLOR_FORCE", "1")]).contains("\x1b["));
    assert!(drawn(&["--width", "100", "--ascii"], &[]).is_ascii());
    assert!(drawn(&["--width", "100"], &[("LC_ALL", "C")]).is_ascii());
    for width in ["60", "80", "100"] {
        let drawn = drawn(&["--width", width], &[]);
        let widest = drawn.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width.parse().unwrap(), "{widest} columns in {width}:\n{drawn}");
    }
}

/// As with `| head -1`.
#[test]
fn a_closed_pipe_ends_it_silently() {
    let steps: String =
        (1..=200).map(|n| format!("## Step {n}\n\nWords.\n\n```wire\n~ 10ms\n```\n\n")).collect();
    let file = lesson(&steps);
    for flags in [&["--json"][..], &["--plain"], &["--width", "80"]] {
        let mut command = wsdemo(&[&["lesson", file.path().to_str().unwrap()], flags].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), output.stderr),
            (Some(0), Vec::new()),
            "{flags:?}, after {first:?}"
        );
    }
}

#[test]
fn ctrl_c_ends_it_also_where_nobody_reads_what_is_written() {
    // More than a pipe holds.
    let long = format!("{}\n\n", "word ".repeat(40)).repeat(1000);
    let file = lesson(&format!("## One\n\n{long}"));
    let mut command = wsdemo(&["lesson", file.path().to_str().unwrap(), "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    let status = loop {
        std::thread::sleep(Duration::from_millis(300));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(began.elapsed() < LIMIT, "it does not end");
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    };
    assert_eq!(status.code(), Some(130));
}
