//! What each key does, on a pseudo-terminal of a projector's size; and that the terminal is left as it was.

use std::io::Write as _;
use std::process::Command;

use rustix::process::Signal;
use tempfile::NamedTempFile;
use wsdemo::terminal::{Keys, Part, Reading, Status};

use crate::harness::wsdemo;
use crate::pty::{Terminal, lines};

const HEAD: &str = "---\ntitle: Keys\nsummary: Keys\n---\n\n";

const THREE: &str = "## One\n\nFirst words.\n\n## Two\n\nSecond words.\n\n## Three\n\nLast words.\n";

/// Six rows, the first at once.
const ROWS: &str = "## One\n\n```wire ladder\nanna: > GET /api/messages\nanna: > connection: close\nanna: < 200\n= closed by server\n```\n\nAll was said.\n";

const QUESTION: &str = "## One\n\n```predict\nWho hangs up first?\n- [ ] the client\n- [x] the server\n- [ ] nobody\n> The request said so.\n```\n\n```wire ladder\n> GET /api/messages\n> connection: close\n< 200\n= closed by server\n```\n\n## Two\n\nWords.\n";

/// Two steps, the second on the first's socket.
const SOCKET: &str = "## One\n\n```wire ladder\nanna: > GET /ws\nanna: > upgrade: websocket\nanna: < 101\n```\n\n## Two\n\n```wire ladder\nanna: > text {\"event\":\"message\",\"data\":{\"from\":\"anna\",\"text\":\"Hello\"}}\nanna: < event message {\"text\":\"Hello\"}\nanna: = open\n```\n";

struct Playing {
    terminal: Terminal,
    mark: usize,
    _file: NamedTempFile,
}

impl Playing {
    fn lesson(steps: &str, flags: &[&str]) -> Self {
        Self::with(steps, flags, |command| command)
    }

    fn with(steps: &str, flags: &[&str], change: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut file = tempfile::Builder::new().suffix(".md").tempfile().unwrap();
        write!(file, "{HEAD}{steps}").unwrap();
        let mut command = wsdemo(&[&["lesson", file.path().to_str().unwrap()], flags].concat());
        // Colours would stand between the words.
        change(command.env("NO_COLOR", "1"));
        Self { terminal: Terminal::start(command), mark: 0, _file: file }
    }

    /// Waits for new text; what came between is what a reader saw.
    fn sees(&mut self, text: &str) -> String {
        let from = self.mark;
        self.mark = self.terminal.sees_after(from, &[text]).1;
        self.terminal.lines(from, self.mark).join("\n")
    }

    /// Waits for whichever comes first.
    fn sees_one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        let (seen, mark) = self.terminal.sees_after(self.mark, texts);
        self.mark = mark;
        seen
    }

    fn press(&self, keys: &str) {
        self.terminal.press(keys);
    }

    /// Ends well; what was on the screen then.
    fn ends(self) -> String {
        let (status, shown) = self.terminal.ends();
        assert_eq!(status.code(), Some(0), "{shown}");
        lines(&shown).join("\n")
    }
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn every_key_that_goes_on_does() {
    for key in [" ", "\r", "\n", "\x1b[C", "\x1b[6~"] {
        let mut playing = Playing::lesson(THREE, &[]);
        for step in ["[1/3] Space next", "[2/3] Space next", "[3/3] Space end"] {
            playing.sees(step);
            playing.press(key);
        }
        let shown = playing.ends();
        assert!(shown.contains("First words.") && shown.contains("Last words."), "{shown}");
        assert!(!shown.contains("Space"), "the status line is left: {shown}");
    }
}

#[test]
fn back_shows_what_was_recorded_and_sends_nothing() {
    for key in ["b", "\x1b[D", "\x1b[5~"] {
        let mut playing = Playing::lesson(SOCKET, &[]);
        playing.sees("Space next");
        playing.press(" ");
        playing.sees("Space end");
        playing.press(key);
        let again = playing.sees("recorded");
        assert!(again.contains("Recorded: nothing is sent again.") && again.contains("2/2 Two"), "{again}");
        playing.press(key);
        playing.sees("1/2 One");
        playing.sees("recorded");
        playing.press(" ");
        playing.sees("2/2 Two");
        playing.sees("Space on");
        playing.press(" ");
        let shown = playing.ends();
        // The first run and the two recordings of it say the same, to the port and the microsecond.
        let upgrades: Vec<&str> = shown.lines().filter(|line| line.contains("GET /ws")).collect();
        assert_eq!(upgrades.len(), 2, "{shown}");
        assert_eq!(upgrades[0], upgrades[1]);
        let hellos: Vec<&str> =
            shown.lines().filter(|line| line.contains("C►") && line.contains("Hello")).collect();
        assert!(hellos.len() == 3 && hellos.iter().all(|line| *line == hellos[0]), "{shown}");
    }
}

#[test]
fn x_shows_the_bytes() {
    let mut playing = Playing::lesson(ROWS, &[]);
    playing.sees("Space end");
    playing.press("x");
    playing.sees("GET /api/messages HTTP/1.1");
    // "GET " in hexadecimal, on the next page.
    playing.sees("Space more");
    playing.press(" ");
    playing.sees("47 45 54 20");
}

#[test]
fn question_mark_shows_the_keys() {
    let mut playing = Playing::lesson(THREE, &[]);
    playing.sees("Space next");
    playing.press("?");
    let help = playing.sees("[1/3] Space next");
    for key in ["Space", "b ", "1 to 9", "x ", "r ", "a ", "+ -", "q "] {
        assert!(help.contains(key), "{key} in {help}");
    }
}

#[test]
fn a_goes_on_by_itself_and_plus_makes_it_faster() {
    let mut playing = Playing::lesson(THREE, &[]);
    playing.sees("[1/3] Space next");
    playing.press("++++");
    playing.press("a");
    playing.sees("[2/3]");
    let shown = playing.ends();
    assert!(shown.contains("Last words."), "{shown}");
}

#[test]
fn a_stops_what_goes_on_by_itself_and_minus_makes_it_slower() {
    let mut playing = Playing::lesson(THREE, &["--auto", "--speed", "0.25"]);
    playing.sees("[1/3] auto ×0.25");
    playing.press("+");
    playing.sees("[1/3] auto ×0.5");
    playing.press("-a");
    playing.sees("[1/3] Space next · x bytes");
    playing.press("q");
    assert!(!playing.ends().contains("Second words."));
}

#[test]
fn r_runs_the_step_again_on_a_new_connection() {
    let mut playing = Playing::lesson(SOCKET, &[]);
    playing.sees("Space next");
    playing.press(" ");
    playing.sees("Space end");
    playing.press("r");
    let again = playing.sees("Space end");
    let port = |text: &str| text.split("127.0.0.1:").nth(1).map(|rest| rest[..5].to_owned());
    let before = playing.terminal.lines(0, playing.mark).join("\n");
    assert!(again.contains("once more, on a new server") && port(&again) == port(&before), "{again}");
    assert!(again.contains("2/2 Two") && again.contains("Hello") && !again.contains("1/2 One"), "{again}");
    playing.press("q");
    let shown = playing.ends();
    assert_eq!(count(&shown, "2/2 Two"), 2, "{shown}");
    assert!(!shown.contains("disagreed"), "{shown}");
}

#[test]
fn rows_come_one_after_the_other_and_space_shows_the_rest() {
    let mut playing = Playing::lesson(ROWS, &[]);
    playing.sees("shown slowly; times are real");
    let first = playing.terminal.mark();
    assert!(!playing.terminal.lines(0, first).join("").contains("All was said."));
    playing.press(" ");
    playing.sees("All was said.");
    playing.sees("Space end");
    playing.press("q");
    playing.ends();
}

#[test]
fn a_prediction_is_told_right_or_not_and_counted() {
    for (key, verdict, score) in [("2", "Right.", "1 of 1"), ("1", "No", "0 of 1")] {
        let mut playing = Playing::lesson(QUESTION, &[]);
        playing.sees("1-3 predict · Space skip");
        // No choice, and no way to go on.
        playing.press("7");
        playing.press(key);
        let run = playing.sees("Space next");
        let (before, after) = run.split_once("hangs up first").expect(&run);
        assert!(!before.contains("The request said so."), "{run}");
        assert!(after.contains(verdict) && after.contains("The request said so."), "{run}");
        playing.press(" ");
        playing.sees("Space end");
        playing.press(" ");
        let shown = playing.ends();
        assert!(shown.contains(&format!("Your predictions: {score} right.")), "{shown}");
    }
}

#[test]
fn a_prediction_may_be_skipped() {
    let mut playing = Playing::lesson(QUESTION, &[]);
    playing.sees("Space skip");
    playing.press(" ");
    let run = playing.sees("Space next");
    assert!(run.contains("The request said so.") && !run.contains("Right."), "{run}");
    playing.press(" ");
    playing.sees("Space end");
    playing.press(" ");
    assert!(!playing.ends().contains("Your predictions"));
}

#[test]
fn q_leaves_also_in_the_middle_of_something() {
    let mut playing = Playing::lesson("## One\n\n```wire\n~ 100s\n! say \"late\"\n```\n", &[]);
    playing.sees("waiting");
    playing.press("q");
    assert!(!playing.ends().contains("late"));
}

#[test]
fn resizing_in_the_middle_of_a_ladder_is_followed() {
    let mut playing = Playing::lesson(ROWS, &[]);
    playing.sees("shown slowly");
    playing.terminal.resize(60);
    let resized = playing.terminal.mark();
    // With remarks on lines of their own it may be more than a page.
    if playing.sees_one_of(&["Space more", "All was said."]) == "Space more" {
        playing.press(" ");
        playing.sees("All was said.");
    }
    playing.sees("Space end");
    let end = playing.mark;
    playing.press("?");
    playing.sees("quit");
    playing.press("q");
    let rest = playing.terminal.lines(resized, end);
    // What was waiting already may still be as wide as it was.
    let wide = rest.iter().skip(2).filter(|line| line.chars().count() > 60).collect::<Vec<_>>();
    assert!(wide.is_empty() && rest.iter().any(|line| line.contains("├")), "{rest:#?}");
    playing.ends();
}

/// As from a shell with job control, which says when the program is stopped and waits for Enter.
fn in_a_shell(command: &mut Command, then: &str) {
    let program: Vec<_> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(ToOwned::to_owned).collect();
    let script = format!("set -m; \"$@\"; echo stopped; read -r; {then}");
    let mut shell = wsdemo(&[]);
    shell.env("NO_COLOR", "1");
    let environment: Vec<_> =
        shell.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    *command = Command::new("bash");
    command.args(["-c", &script, "bash"]).args(program);
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

#[test]
fn suspended_and_continued_the_terminal_is_the_shells_and_then_ours_again() {
    for steps in [SOCKET, "## One\n\n```wire\n~ 100s\n```\n\n## Two\n\nWords.\n"] {
        let mut playing = Playing::with(steps, &[], |command| {
            in_a_shell(command, "fg >/dev/null");
            command
        });
        // At a stop, and while something goes on that repaints the status line.
        playing.sees("[1/2]");
        let told = playing.sees_one_of(&["Space next", "waiting"]);
        playing.press("\x1a");
        playing.sees("stopped");
        assert!(playing.terminal.is_as_before());
        let shown = playing.terminal.lines(0, playing.mark).join("\n");
        assert!(!shown.contains(told), "the status line is gone: {shown}");
        playing.press("\n");
        playing.sees(told);
        assert!(playing.terminal.single_keys());
        playing.press("q");
        playing.ends();
    }
}

/// A shell sends both, and the program must not touch a terminal that is the shell's by then.
#[test]
fn ended_while_suspended_it_ends() {
    let mut playing = Playing::with(SOCKET, &[], |command| {
        in_a_shell(command, "kill %1; kill -CONT %1; wait %1; echo ended with $?");
        command
    });
    playing.sees("Space next");
    playing.press("\x1a");
    playing.sees("stopped");
    playing.press("\n");
    playing.sees("ended with 143");
    playing.ends();
}

/// As with `ssh -t host wsdemo`: nobody could continue it.
#[test]
fn where_no_shell_is_it_is_not_suspended() {
    let mut playing = Playing::lesson(SOCKET, &[]);
    playing.sees("Space next");
    playing.press("\x1a");
    playing.press(" ");
    playing.sees("Space end");
    playing.press("q");
    playing.ends();
}

#[test]
fn whatever_ends_it_the_terminal_is_as_it_was_and_the_status_line_is_gone() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut playing = Playing::lesson(SOCKET, &[]);
        playing.sees("Space next");
        playing.terminal.signal(signal);
        let (status, shown) = playing.terminal.ends();
        assert_eq!(status.code(), Some(code), "{shown}");
        let last = lines(&shown).pop();
        assert_eq!(last.as_deref(), Some(""), "{shown}");
        assert!(lines(&shown).join("\n").contains("close 1001"), "{shown}");
    }
}

/// Not a test of its own: what the next one starts in a terminal.
#[test]
fn panics_with_single_keys() {
    if std::env::var_os("WSDEMO_TESTS_PANIC").is_none() {
        return;
    }
    let _keys = Keys::open(Reading::Single).unwrap();
    Status::stderr(80, false, false, false).show(Part::Keys, "Space next");
    panic!("on purpose");
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "keys::panics_with_single_keys", "--nocapture"]);
    command.env("WSDEMO_TESTS_PANIC", "1").env("RUST_BACKTRACE", "0");
    let (status, shown) = Terminal::start(command).ends();
    assert!(!status.success());
    let shown = lines(&shown).join("\n");
    assert!(shown.contains("on purpose") && !shown.contains("Space next"), "{shown}");
}

#[test]
fn in_plain_sentences_it_pauses_and_asks_by_number_and_enter() {
    let ways: [(&[&str], (&str, &str)); 3] =
        [(&["--plain"], ("TERM", "xterm")), (&[], ("ACCESSIBLE", "1")), (&[], ("TERM", "dumb"))];
    for (flags, (variable, value)) in ways {
        let mut playing = Playing::with(QUESTION, flags, |command| command.env(variable, value));
        playing.sees("Type 1 to 3 and Enter.");
        playing.press("7\nzzz\n");
        playing.sees("7 is none of 1 to 3.");
        playing.sees("That is none of the keys");
        playing.sees("Type 1 to 3 and Enter.");
        assert!(!playing.terminal.single_keys());
        playing.press("2\n");
        playing.sees("Right.");
        playing.sees("Enter: next.");
        playing.press("?\n");
        playing.sees("followed by Enter");
        playing.sees("Enter: next.");
        playing.press("\n");
        playing.sees("Enter: end.");
        playing.press("\n");
        let (status, shown) = playing.terminal.ends();
        assert!(status.success());
        assert!(!shown.contains('\x1b') && !shown.replace("\r\n", "").contains('\r'), "{shown:?}");
    }
}

/// How a class sees them: never more than 14 rows without a pause, never wider than the screen.
#[test]
fn the_built_in_lessons_come_in_pages_of_fourteen_rows() {
    std::thread::scope(|scope| {
        for name in ["http", "socket", "compare"] {
            for columns in [60, 80, 100] {
                scope.spawn(move || pages(name, columns));
            }
        }
    });
}

fn pages(name: &str, columns: u16) {
    let terminal = Terminal::sized(wsdemo(&[name]), columns);
    let prompts = ["Space next", "Space more", "Space skip", "Space all", "Space end"];
    let (mut from, mut mark) = (0, 0);
    loop {
        let (prompt, end) = terminal.sees_after(mark, &prompts);
        mark = end;
        terminal.press(" ");
        if prompt == "Space all" {
            continue;
        }
        let mut rows = terminal.lines(from, end);
        // The last is the status line; the empty ones around it are what it erased.
        rows.pop();
        let rows: Vec<_> = rows.into_iter().skip_while(String::is_empty).collect();
        assert!(rows.len() <= 14, "{name} at {columns}: {} rows\n{}", rows.len(), rows.join("\n"));
        let widest = rows.iter().map(|row| row.chars().count()).max().unwrap_or_default();
        assert!(widest <= columns.into(), "{name} at {columns}: {widest}\n{}", rows.join("\n"));
        from = end;
        if prompt == "Space end" {
            break;
        }
    }
    let (status, shown) = terminal.ends();
    assert!(status.success(), "{name}: {shown}");
}
