//! What was typed, with some of it changed: for hints, which are to keep all that somebody asked for.

/// The command line, with these flags in place of what it says of them.
pub(super) fn with(flags: &[(&str, String)]) -> String {
    let typed = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    changed(typed, flags)
}

fn changed(typed: impl IntoIterator<Item = String>, flags: &[(&str, String)]) -> String {
    let mut words = vec!["wsdemo".to_owned()];
    let mut typed = typed.into_iter();
    while let Some(word) = typed.next() {
        let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
        if !flags.iter().any(|(flag, _)| *flag == name) {
            words.push(quoted(&word));
        } else if name == word {
            // Its value is the next word.
            typed.next();
        }
    }
    for (flag, value) in flags {
        words.extend([(*flag).to_owned(), quoted(value)]);
    }
    words.join(" ")
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
