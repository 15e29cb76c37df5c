//! What was typed, with some of it changed: for hints, which are to keep all that somebody asked for.

/// The command line, with these flags in place of what it says of them.
pub(super) fn with(flags: &[(&str, String)]) -> String {
    changed(typed(), flags)
}

/// What follows `wsdemo` on the command line, without this flag.
pub(super) fn without(flag: &str) -> String {
    kept(typed(), &[flag]).join(" ")
}

fn typed() -> impl Iterator<Item = String> {
    std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned())
}

fn changed(typed: impl IntoIterator<Item = String>, flags: &[(&str, String)]) -> String {
    let names: Vec<&str> = flags.iter().map(|(flag, _)| *flag).collect();
    let given = flags.iter().flat_map(|(flag, value)| [(*flag).to_owned(), quoted(value)]);
    let words: Vec<String> = [vec!["wsdemo".to_owned()], kept(typed, &names), given.collect()].concat();
    words.join(" ")
}

/// All words but these flags and their values.
fn kept(typed: impl IntoIterator<Item = String>, flags: &[&str]) -> Vec<String> {
    let mut words = Vec::new();
    let mut typed = typed.into_iter();
    while let Some(word) = typed.next() {
        let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
        if !flags.contains(&name) {
            words.push(quoted(&word));
        } else if name == word {
            // Its value is the next word.
            typed.next();
        }
    }
    words
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+,./:%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_stays() {
        let with = |typed: &str, flags: &[(&str, &str)]| {
            let flags: Vec<_> = flags.iter().map(|(flag, value)| (*flag, (*value).to_owned())).collect();
            changed(typed.split(' ').map(str::to_owned), &flags)
        };
        assert_eq!(
            with("compare --rtt 5s --events 2 --every 500ms", &[("--every", "5s")]),
            "wsdemo compare --rtt 5s --events 2 --every 5s"
        );
        assert_eq!(
            with("compare --clients=5000 --json", &[("--clients", "600")]),
            "wsdemo compare --json --clients 600"
        );
        assert_eq!(
            with("compare --all", &[("--events", "5"), ("--cheers", "5")]),
            "wsdemo compare --all --events 5 --cheers 5"
        );
        assert_eq!(
            changed(["lesson", "my own.md", "it's"].map(str::to_owned), &[]),
            r"wsdemo lesson 'my own.md' 'it'\''s'"
        );
    }
}
