//! The data of an event or of an answer, and what somebody may have meant by what is none.

use super::expects::brief;
use super::page::{Page, Piece};
use super::values::hex;
use crate::lesson::script::{One, Values};
use crate::lesson::template;

/// JSON, or `binary HEX`; several values are separated by commas.
pub(super) fn values(data: Piece<'_>, page: &mut Page<'_>) -> Option<Values> {
    let parts = parts(data);
    if !parts.iter().any(|part| is_binary(*part)) {
        return json(data, page).map(Values::Json);
    }
    let mut values = Vec::new();
    for part in parts {
        let after_bytes = matches!(values.last(), Some(One::Binary(_)));
        values.push(if is_binary(part) {
            One::Binary(bytes(part, page)?)
        } else if part.is_empty() {
            page.mistake(data, "a comma without a value before or after it", r#""red", binary 01 02"#);
            return None;
        } else if after_bytes && part.text.chars().all(|c| c.is_ascii_hexdigit() || c == ' ') {
            let message = "between bytes there are no commas; another value begins with `binary`";
            page.mistake(part, message, format!("binary {}", part.text));
            return None;
        } else {
            One::Json(json(part, page)?)
        });
    }
    Some(Values::Mixed(values))
}

/// What the commas separate that are in no string, list or object.
fn parts(data: Piece<'_>) -> Vec<Piece<'_>> {
    let (mut depth, mut inside, mut escaped, mut start) = (0_i32, false, false, 0);
    let mut parts = Vec::new();
    for (at, c) in data.text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ if inside => {}
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(data.part(start..at).trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(data.from(start).trim());
    parts
}

fn is_binary(part: Piece<'_>) -> bool {
    part.word().0.text == "binary"
}

fn bytes(part: Piece<'_>, page: &mut Page<'_>) -> Option<Vec<u8>> {
    let (word, rest) = part.word();
    if rest.is_empty() {
        page.mistake(word, "`binary` wants bytes, in HEX", "binary 01 02 ff");
        return None;
    }
    hex(rest, page)
}

/// One value, or several.
fn json(data: Piece<'_>, page: &mut Page<'_>) -> Option<String> {
    let Err(error) = several(data.text) else { return Some(data.text.to_owned()) };
    let bare = data.text.chars().all(|c| !matches!(c, '"' | '\'' | '{' | '[' | '\\' | ','));
    let (why, mend) = match meant(data.text) {
        Some((why, mend)) => (why.to_owned(), mend),
        None if bare && !data.is_empty() => {
            ("text stands in quotes".to_owned(), serde_json::Value::from(data.text).to_string())
        }
        // Where something is missing at its end, the bracket that was added is not to blame.
        None => {
            let error = template::json(data.text).err().filter(serde_json::Error::is_eof).unwrap_or(error);
            (brief(&error), String::new())
        }
    };
    page.mistake(data, format!("the data is no JSON: {why}"), mend);
    None
}

fn several(text: &str) -> Result<serde_json::Value, serde_json::Error> {
    template::json(&format!("[{text}]"))
}

/// As it was meant, where that can be told.
pub(super) fn mended(text: &str) -> String {
    let mend = several(text).err().and_then(|_| meant(text));
    mend.map_or_else(|| text.to_owned(), |(_, mend)| mend)
}

/// What is wrong, and how it would be JSON: it was written as in JavaScript, or a comma is missing.
fn meant(text: &str) -> Option<(&'static str, String)> {
    let doubled = text.replace('\'', "\"");
    let named = quoted_names(&doubled);
    let quotes = !text.contains('"') && text.contains('\'');
    // Where both kinds of quotes stand, there is no telling.
    if !quotes && text.contains('\'') {
        return None;
    }
    let commas = commas(&named).map(|mend| ("several values have commas between them", mend));
    let mends = [
        quotes.then_some(("strings stand in double quotes", doubled)),
        Some(("a field's name stands in double quotes", named)),
        commas,
    ];
    mends.into_iter().flatten().find(|(_, mend)| several(mend).is_ok())
}

/// `{a:1}` with quotes around its names; those of a template, `{a}`, have no colon.
fn quoted_names(text: &str) -> String {
    let mut named = String::with_capacity(text.len() + 8);
    let (mut rest, mut inside) = (text, false);
    while let Some(c) = rest.chars().next() {
        let other = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$'));
        let len = if inside || other(c) { c.len_utf8() } else { rest.find(other).unwrap_or(rest.len()) };
        let (word, after) = rest.split_at(len);
        let field = !inside && !other(c) && after.trim_start().starts_with(':');
        let quote = if field { "\"" } else { "" };
        named.extend([quote, word, quote]);
        inside ^= c == '"';
        rest = after;
    }
    named
}

/// The values that stand side by side, with commas between them.
fn commas(text: &str) -> Option<String> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<&serde_json::value::RawValue>();
    let values: Result<Vec<_>, _> = values.map(|value| value.map(|value| value.get())).collect();
    values.ok().filter(|values| values.len() > 1).map(|values| values.join(", "))
}
