//! The words of the status line: where one is, how long something has been open, and what one can press now.

use std::collections::BTreeMap;
use std::time::Duration;

use super::asked::Asked;
use super::tempo::Tempo;
use crate::terminal::{Ink, Line};
use crate::timeline::{ConnId, Elapsed};

/// What the status line is made of.
#[derive(Debug)]
pub(super) struct Now<'a> {
    /// The step that is shown, and how many there are.
    pub step: Option<(u64, u64)>,
    /// Since when connections have been open.
    pub open: &'a BTreeMap<ConnId, Elapsed>,
    /// The question that waits for an answer.
    pub asked: Option<&'a Asked>,
    /// The page is full.
    pub full: bool,
    /// Rows wait for their turn.
    pub reveals: bool,
    /// Something recorded is shown.
    pub past: bool,
    /// All of it is on the screen.
    pub rests: bool,
    pub said: Option<u64>,
    /// The lesson is being left.
    pub over: bool,
    pub tempo: Tempo,
}

impl Now<'_> {
    /// `[3/12] open 3 min 12 s`, `[3/12] auto ×2`
    pub fn place(&self, now: Elapsed) -> String {
        let step = self.step.map(|(n, of)| format!("[{n}/{of}]"));
        let speed = if self.tempo.speed == 1.0 { String::new() } else { format!(" ×{}", self.tempo.speed) };
        let auto = self.tempo.auto.then(|| format!("auto{speed}"));
        let open = open(self.open, now);
        step.into_iter().chain(auto).chain(open).collect::<Vec<_>>().join(" ")
    }

    /// What one can press, in so many columns; `lines`: followed by Enter.
    pub fn keys(&self, room: usize, lines: bool) -> String {
        if self.over {
            return String::new();
        }
        if lines {
            return self.in_a_line();
        }
        let pieces: Vec<String> = match self.asked {
            _ if self.full => {
                ["Space more", "x bytes", "b again", "? keys", "q quit"].map(str::to_owned).to_vec()
            }
            _ if self.past && self.rests => self.at_a_recording(),
            Some(asked) => self.at_a_stop(asked),
            None if self.reveals => {
                vec!["Space all at once".into(), "shown slowly; times are real".into()]
            }
            None => self.said.map(|said| format!("you said {said}")).into_iter().collect(),
        };
        fit(pieces, room)
    }

    fn at_a_recording(&self) -> Vec<String> {
        let auto = self.tempo.auto.then_some("a by hand");
        let pieces = ["Space on", "recorded", "b back"].into_iter().chain(auto);
        pieces.chain(["x bytes", "? keys", "q quit"]).map(str::to_owned).collect()
    }

    fn at_a_stop(&self, asked: &Asked) -> Vec<String> {
        let on = match (asked.choices(), asked.is_last()) {
            (0, true) => "Space end".into(),
            (0, false) => "Space next".into(),
            (choices, _) => format!("1-{choices} predict · Space skip"),
        };
        let mut pieces = vec![on];
        if self.tempo.auto {
            pieces.push("a by hand".into());
        }
        if asked.choices() == 0 {
            pieces.push("x bytes".into());
        }
        pieces.extend(["? keys".into(), "q quit".into()]);
        pieces
    }

    /// `[3/12] Enter: next.` for where no key is read by itself.
    fn in_a_line(&self) -> String {
        let step = self.step.map(|(n, of)| format!("[{n}/{of}] ")).unwrap_or_default();
        match self.asked {
            _ if self.past && self.rests => {
                format!("{step}Recorded. Enter: on. b: the step before. q: quit.")
            }
            None => String::new(),
            Some(asked) if asked.choices() > 0 => {
                format!("{step}Type 1 to {} and Enter. Enter alone: skip.", asked.choices())
            }
            Some(asked) if asked.is_last() => format!("{step}Enter: end. x: bytes. r: run again. ?: keys."),
            Some(_) => format!("{step}Enter: next. ?: other keys. q: quit."),
        }
    }
}

/// A line that is none of the keys.
pub(super) const NO_KEY: &str = "That is none of the keys; a ? and Enter lists them.";

/// A number that is no choice.
pub(super) fn no_choice(choice: u64, choices: u64) -> String {
    match choices {
        0 => NO_KEY.into(),
        choices => format!("{choice} is none of 1 to {choices}."),
    }
}

/// As many pieces as fit: how to go on, how to learn of the others and how to leave stay longest, in that order from the last.
fn fit(mut pieces: Vec<String>, room: usize) -> String {
    loop {
        let text = pieces.join(" · ");
        if text.chars().count() <= room || pieces.len() < 2 {
            return text;
        }
        let last = |wanted: &dyn Fn(&str) -> bool| pieces.iter().skip(1).rposition(|piece| wanted(piece));
        let least = last(&|piece| !KEPT.contains(&piece)).or_else(|| last(&|piece| piece != KEPT[1]));
        pieces.remove(least.unwrap_or_default() + 1);
    }
}

/// What stays where there is little room.
const KEPT: [&str; 2] = ["? keys", "q quit"];

/// `open 3 min 12 s`: the connection that has been open longest; with how many, where there are several.
fn open(open: &BTreeMap<ConnId, Elapsed>, now: Elapsed) -> Option<String> {
    let longest = now.since(*open.values().min()?);
    let several = if open.len() > 1 { format!("{} ", open.len()) } else { String::new() };
    Some(format!("{several}open {}", ago(longest)))
}

/// `12 s`, `3 min 12 s`
fn ago(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min {} s", seconds / 60, seconds % 60) }
}

/// What the keys are; `lines`: followed by Enter.
pub(super) fn help(lines: bool) -> Vec<Line> {
    let on = if lines { "Enter" } else { "Space Enter Right PgDn" };
    let back = if lines { "b" } else { "b Left PgUp" };
    let keys = [
        (on, "go on; show the rest at once"),
        (back, "the step again, as recorded"),
        ("b b", "the step before it"),
        ("1 to 9", "predict"),
        ("x", "the bytes of this step"),
        ("r", "run the step again, for real"),
        ("a", "go on without keys, or with"),
        ("+ -", "faster, slower"),
        ("q", "quit"),
    ];
    let key = |(key, what): (&str, &str)| {
        if lines {
            return Line::plain(format!("{key}: {what}"));
        }
        let mut line = Line::plain(" ").with(Ink::Bold, key);
        line.pad(25);
        line.with(Ink::Plain, what)
    };
    let after = lines.then(|| Line::plain("Each is followed by Enter."));
    gap(lines).into_iter().chain(keys.map(key)).chain(after).collect()
}

/// Above a step that is shown once more.
pub(super) fn recorded(lines: bool) -> Vec<Line> {
    let text = "Recorded: nothing is sent again.";
    let line = if lines { Line::plain(text) } else { Line::plain(" ").with(Ink::Dim, text) };
    gap(lines).into_iter().chain([line]).collect()
}

/// Plain sentences stand close together, and without inks.
fn gap(lines: bool) -> Option<Line> {
    (!lines).then(Line::default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_to_go_on_and_how_to_leave_stay() {
        let pieces = || ["Space next", "x bytes", "? keys", "q quit"].map(str::to_owned).to_vec();
        assert_eq!(fit(pieces(), 80), "Space next · x bytes · ? keys · q quit");
        assert_eq!(fit(pieces(), 30), "Space next · ? keys · q quit");
        assert_eq!(fit(pieces(), 20), "Space next · q quit");
        assert_eq!(fit(pieces(), 5), "Space next");
    }

    #[test]
    fn the_keys_fit_the_narrowest_screen() {
        for line in [help(true), help(false)].concat() {
            assert!(line.width() <= 60 && line.text().is_ascii(), "{}", line.text());
        }
        assert!(help(false).len() <= 14);
    }

    #[test]
    fn minutes_are_told_from_a_minute_on() {
        assert_eq!(ago(Duration::from_millis(59_900)), "59 s");
        assert_eq!(ago(Duration::from_secs(192)), "3 min 12 s");
    }
}
