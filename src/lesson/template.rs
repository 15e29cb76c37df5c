//! `{names}` in a lesson's text: where they are, and what stands for them.
//!
//! A name is `{`, a lower-case letter or `_`, more of these or digits, `}`. So `{"from":"x"}` holds none.

use std::ops::Range;

use serde_json::Value;

/// The names that a text holds, in order, without their braces, with the bytes they take up with them.
pub fn places(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    text.match_indices('{').filter_map(move |(at, _)| {
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !is_name_char(c))?;
        let starts_well = end > 0 && !rest.starts_with(|c: char| c.is_ascii_digit());
        (starts_well && rest[end..].starts_with('}')).then(|| (at..at + end + 2, &rest[..end]))
    })
}

/// The names that a text holds, in order.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    places(text).map(|(_, name)| name)
}

/// The text with every name that `value` knows filled in; the others stay as they are.
#[must_use]
pub fn fill(text: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut done = 0;
    for (place, name) in places(text) {
        if let Some(value) = value(name) {
            filled.push_str(&text[done..place.start]);
            filled.push_str(&value);
            done = place.end;
        }
    }
    filled + &text[done..]
}

/// The text as JSON, where a name may stand for a whole value: `{"id":{id}}`. Such a name becomes the string
/// `"{id}"`, the same as one that is written in quotes.
///
/// # Errors
///
/// When it is not JSON.
pub fn json(text: &str) -> Result<Value, serde_json::Error> {
    let mut quoted = String::with_capacity(text.len() + 8);
    let mut done = 0;
    let mut inside = false;
    for (place, _) in places(text) {
        let before = &text[done..place.start];
        inside = ends_inside_string(before, inside);
        let quote = if inside { "" } else { "\"" };
        quoted.extend([before, quote, &text[place.clone()], quote]);
        done = place.end;
    }
    serde_json::from_str(&(quoted + &text[done..]))
}

/// Whether the text ends inside a JSON string, if it began inside one or not.
fn ends_inside_string(text: &str, mut inside: bool) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => inside = !inside,
            '\\' if inside => drop(chars.next()),
            _ => {}
        }
    }
    inside
}

fn is_name_char(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;

    #[test]
    fn names_are_found_and_json_is_not() {
        let text = r#"{id} {"from":"x"} {} {Id} {1a} {a1} {_b {{c}} {d"#;
        assert_eq!(names(text).collect::<Vec<_>>(), ["id", "a1", "c"]);
        assert_eq!(places("ö{id}").next(), Some((2..6, "id")));
    }

    #[test]
    fn only_known_names_are_filled_in() {
        let known = |name: &str| (name == "id").then(|| "{x}7".to_owned());
        assert_eq!(fill("/a/{id}/{other}/{id}", &known), "/a/{x}7/{other}/{x}7");
        assert_eq!(fill("", &known), "");
    }

    #[test]
    fn a_name_may_stand_for_a_value_or_within_a_string() {
        assert_eq!(json(r#"{"id":{id}}"#).ok(), Some(value!({"id": "{id}"})));
        assert_eq!(
            json(r#"{"a":"\"{id}","b":[{id},1]}"#).ok(),
            Some(value!({"a": "\"{id}", "b": ["{id}", 1]}))
        );
        assert_eq!(json("{id}").ok(), Some(value!("{id}")));
        assert!(json(r#"{"id":{id}"#).is_err());
    }
}
