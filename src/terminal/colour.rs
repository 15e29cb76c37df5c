//! How many colours there are, decided once and purely; and what the environment says, read in one place.

use std::env;

/// What `--color` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColourChoice {
    /// Colours where a terminal shows them and nobody objects.
    #[default]
    Auto,
    /// Colours, whatever the environment says.
    Always,
    /// None.
    Never,
}

/// How many colours a stream has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// No escape code at all.
    #[default]
    None,
    /// The 16 of every terminal.
    Ansi16,
    /// 256.
    Ansi256,
    /// Any.
    TrueColour,
}

/// The variables that say what the user's terminal is like. Unset is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// `NO_COLOR`: no colours where it is not empty.
    pub no_color: Option<String>,
    /// `CLICOLOR`: no colours where it is 0.
    pub clicolor: Option<String>,
    /// `CLICOLOR_FORCE`: colours also in a pipe, unless it is 0.
    pub clicolor_force: Option<String>,
    /// `COLORTERM`: `truecolor` or `24bit`.
    pub colorterm: Option<String>,
    /// `TERM`.
    pub term: Option<String>,
    /// `LC_ALL`: comes before the two that follow.
    pub lc_all: Option<String>,
    /// `LC_CTYPE`: comes before `LANG`.
    pub lc_ctype: Option<String>,
    /// `LANG`.
    pub lang: Option<String>,
    /// `ACCESSIBLE`: plain sentences where it is not empty.
    pub accessible: Option<String>,
}

impl Environment {
    /// Of this process.
    #[must_use]
    pub fn read() -> Self {
        let get = |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self {
            no_color: get("NO_COLOR"),
            clicolor: get("CLICOLOR"),
            clicolor_force: get("CLICOLOR_FORCE"),
            colorterm: get("COLORTERM"),
            term: get("TERM"),
            lc_all: get("LC_ALL"),
            lc_ctype: get("LC_CTYPE"),
            lang: get("LANG"),
            accessible: get("ACCESSIBLE"),
        }
    }

    /// Whether the locale's characters are UTF-8. Where no locale is named, other than on Unix, they are.
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        let named = [&self.lc_all, &self.lc_ctype, &self.lang];
        match named.into_iter().flatten().find(|value| !value.is_empty()) {
            Some(locale) => {
                let locale = locale.to_ascii_lowercase();
                locale.contains("utf-8") || locale.contains("utf8")
            }
            None => cfg!(not(unix)),
        }
    }

    /// Whether no line may be repainted and no picture drawn: `ACCESSIBLE`, `TERM=dumb`, and a terminal of which nothing is
    /// known.
    #[must_use]
    pub fn wants_plain(&self) -> bool {
        let unknown = cfg!(unix) && !is_set(&self.term);
        is_set(&self.accessible) || unknown || self.term.as_deref() == Some("dumb")
    }

    fn terminal_depth(&self) -> Depth {
        let term = self.term.as_deref().unwrap_or_default();
        // The crate that renders looks at the same variable before it writes 24-bit codes.
        if matches!(self.colorterm.as_deref(), Some("truecolor" | "24bit")) {
            Depth::TrueColour
        } else if term.contains("256") {
            Depth::Ansi256
        } else {
            Depth::Ansi16
        }
    }
}

impl Depth {
    /// Of a stream, which is a terminal or is not.
    #[must_use]
    pub fn decide(is_terminal: bool, choice: ColourChoice, environment: &Environment) -> Self {
        let forced = environment.clicolor_force.as_deref().is_some_and(|it| !it.is_empty() && it != "0");
        let refused = environment.clicolor.as_deref() == Some("0")
            || matches!(environment.term.as_deref(), None | Some("dumb" | ""));
        let colours = match choice {
            ColourChoice::Always => true,
            ColourChoice::Never => false,
            ColourChoice::Auto if is_set(&environment.no_color) => false,
            ColourChoice::Auto => forced || (is_terminal && !refused),
        };
        if colours { environment.terminal_depth() } else { Self::None }
    }
}

fn is_set(value: &Option<String>) -> bool {
    value.as_deref().is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xterm(change: impl FnOnce(&mut Environment)) -> Environment {
        let mut environment = Environment { term: Some("xterm-256color".into()), ..Environment::default() };
        change(&mut environment);
        environment
    }

    fn set(value: &str) -> Option<String> {
        Some(value.into())
    }

    #[test]
    fn a_terminal_has_the_colours_it_names() {
        let decide = |environment| Depth::decide(true, ColourChoice::Auto, &environment);
        assert_eq!(decide(xterm(|_| {})), Depth::Ansi256);
        assert_eq!(decide(xterm(|it| it.colorterm = set("truecolor"))), Depth::TrueColour);
        assert_eq!(decide(xterm(|it| it.term = set("xterm"))), Depth::Ansi16);
        assert_eq!(decide(xterm(|it| it.term = set("dumb"))), Depth::None);
        assert_eq!(decide(Environment::default()), Depth::None);
    }

    #[test]
    fn a_pipe_has_none_unless_forced() {
        let decide = |choice, environment| Depth::decide(false, choice, &environment);
        assert_eq!(decide(ColourChoice::Auto, xterm(|_| {})), Depth::None);
        assert_eq!(decide(ColourChoice::Auto, xterm(|it| it.clicolor_force = set("1"))), Depth::Ansi256);
        assert_eq!(decide(ColourChoice::Auto, xterm(|it| it.clicolor_force = set("0"))), Depth::None);
        assert_eq!(decide(ColourChoice::Always, Environment::default()), Depth::Ansi16);
    }

    #[test]
    fn the_users_refusal_counts() {
        let decide = |choice, environment| Depth::decide(true, choice, &environment);
        assert_eq!(decide(ColourChoice::Auto, xterm(|it| it.no_color = set("1"))), Depth::None);
        assert_eq!(decide(ColourChoice::Auto, xterm(|it| it.no_color = set(""))), Depth::Ansi256);
        assert_eq!(decide(ColourChoice::Auto, xterm(|it| it.clicolor = set("0"))), Depth::None);
        assert_eq!(decide(ColourChoice::Always, xterm(|it| it.no_color = set("1"))), Depth::Ansi256);
        assert_eq!(decide(ColourChoice::Never, xterm(|_| {})), Depth::None);
    }

    #[test]
    fn the_first_locale_that_is_set_counts() {
        let utf8 = |all, ctype, lang| {
            Environment { lc_all: set(all), lc_ctype: set(ctype), lang: set(lang), ..Environment::default() }
                .is_utf8()
        };
        assert!(utf8("", "", "de_DE.UTF-8"));
        assert!(utf8("C.utf8", "C", "C"));
        assert!(!utf8("C", "", "de_DE.UTF-8"));
        assert!(!utf8("", "", ""));
    }
}
