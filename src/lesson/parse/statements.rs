//! What may follow a `!`, and what may follow a `=`.

use std::time::Duration;

use super::page::{Page, Piece};
use super::values::{nearest, parse_duration, positive, quoted};
use crate::lesson::script::{Statement, World};
use crate::timeline::Side;

const WORLDS: [&str; 4] = ["say", "cut", "stall", "vanish"];

/// What can be claimed. `N` is a number, `T` a time; an example stands for each.
const CLAIMS: [(&str, &str); 14] = [
    ("open", "open"),
    ("closed by server", "closed by server"),
    ("closed by client", "closed by client"),
    ("closed by reset", "closed by reset"),
    ("closed with N", "closed with 1006"),
    ("same connection", "same connection"),
    ("new connection", "new connection"),
    ("N connections", "2 connections"),
    ("silence T", "silence 500ms"),
    ("server holds TIME_WAIT", "server holds TIME_WAIT"),
    ("client holds TIME_WAIT", "client holds TIME_WAIT"),
    ("under N bytes from server", "under 20 bytes from server"),
    ("under N bytes from client", "under 20 bytes from client"),
    ("response goes on", "response goes on"),
];

/// A whole line after its `!`. `client` is the name in front, `likely` the client that did something last.
pub(super) fn world(
    line: Piece<'_>,
    client: Option<Piece<'_>>,
    likely: &str,
    page: &mut Page<'_>,
) -> Option<World> {
    let (verb, rest) = line.word();
    match verb.text {
        "say" => say(line, client, page),
        "stall" => positive(if rest.is_empty() { rest_of(verb) } else { rest }, page).map(World::Stall),
        "cut" | "vanish" if !rest.is_empty() => {
            page.mistake(rest, format!("nothing may follow `{}`", verb.text), verb.text);
            None
        }
        "cut" => Some(World::Cut),
        "vanish" if client.is_none() => {
            page.mistake(
                verb,
                "whose machine is gone? `vanish` wants a client's name",
                format!("{likely}: ! vanish"),
            );
            None
        }
        "vanish" => Some(World::Vanish),
        other => {
            let mend = nearest(other, WORLDS).map_or_else(
                || r#"say "GOAL! 1-0", cut, stall 3s or anna: ! vanish"#.to_owned(),
                |near| format!("{near} {}", rest.text).trim_end().to_owned(),
            );
            page.mistake(
                if other.is_empty() { line } else { verb },
                format!("a `!` line has no verb named \"{other}\""),
                mend,
            );
            None
        }
    }
}

fn say(line: Piece<'_>, client: Option<Piece<'_>>, page: &mut Page<'_>) -> Option<World> {
    let (verb, words) = line.word();
    if let Some(name) = client {
        let message = "`say` is the referee's, at the server: no client's name goes before it";
        page.mistake(name, message, format!("! {}", line.text));
        return None;
    }
    if !words.text.starts_with('"') {
        let (at, said) = if words.is_empty() { (verb, "GOAL") } else { (words, words.text) };
        let mend = format!("say {}", serde_json::Value::from(said));
        page.mistake(at, "`say` wants its words in quotes", mend);
        return None;
    }
    quoted(words, page).map(World::Say)
}

/// The empty place after a word.
fn rest_of(word: Piece<'_>) -> Piece<'_> {
    word.from(word.text.len())
}

/// A whole line after its `=`.
pub(super) fn claim(line: Piece<'_>, page: &mut Page<'_>) -> Option<Statement> {
    let words: Vec<&str> = line.text.split_whitespace().collect();
    let statement = match words.as_slice() {
        ["open"] => Some(Statement::Open),
        ["response", "goes", "on"] => Some(Statement::GoesOn),
        ["closed", "by", "reset"] => Some(Statement::Reset),
        ["closed", "by", who] => side(who).map(Statement::ClosedBy),
        ["closed", "with", code] => {
            code.parse().ok().filter(|code| (1000..=4999).contains(code)).map(Statement::ClosedWith)
        }
        ["same", "connection"] => Some(Statement::SameConnection),
        ["new", "connection"] => Some(Statement::NewConnection),
        [count, "connections" | "connection"] => count.parse().ok().map(Statement::Connections),
        // Its time has complaints of its own.
        ["silence", _] => return silence(line, page),
        [who, "holds", "TIME_WAIT"] => side(who).map(Statement::TimeWait),
        ["under", count, "bytes" | "byte", "from", who] => {
            count.parse().ok().zip(side(who)).map(|(count, who)| Statement::Under(count, who))
        }
        _ => None,
    };
    if statement.is_none() {
        let (message, mend) = if let ["closed", "with", code] = words.as_slice() {
            let message = format!("\"{code}\" is no close code: they go from 1000 to 4999 (RFC 6455, 7.4.1)");
            (message, "closed with 1006".to_owned())
        } else {
            (format!("a `=` line has no claim named \"{}\"", line.text), meant(&words))
        };
        page.mistake(line, message, mend);
    }
    statement
}

fn silence(line: Piece<'_>, page: &mut Page<'_>) -> Option<Statement> {
    let (_, time) = line.word();
    positive(time, page).map(Statement::Silence)
}

fn side(word: &str) -> Option<Side> {
    match word {
        "client" => Some(Side::Client),
        "server" => Some(Side::Server),
        _ => None,
    }
}

/// The claim that is most like these words, with the numbers that were written.
fn meant(words: &[&str]) -> String {
    let candidates: Vec<String> =
        CLAIMS.iter().map(|(pattern, example)| with_numbers(pattern, example, words)).collect();
    nearest(&words.join(" "), candidates.iter().map(String::as_str)).map_or_else(
        || {
            let all: Vec<_> = CLAIMS.iter().map(|(_, example)| *example).collect();
            format!("one of: {}", all.join(", "))
        },
        str::to_owned,
    )
}

fn with_numbers(pattern: &str, example: &str, words: &[&str]) -> String {
    if pattern.split(' ').count() != words.len() {
        return example.to_owned();
    }
    let word = |((pattern, example), word): ((&str, &str), &&str)| {
        let keep = match pattern {
            "N" => word.parse::<u64>().is_ok(),
            "T" => parse_duration(word).is_some_and(|time| time > Duration::ZERO),
            _ => false,
        };
        if keep { (*word).to_owned() } else { example.to_owned() }
    };
    pattern.split(' ').zip(example.split(' ')).zip(words).map(word).collect::<Vec<_>>().join(" ")
}
