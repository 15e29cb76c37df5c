//! What lines of several kinds are made of: durations, HEX, strings, names; and what somebody may have meant.

use std::time::Duration;

use super::page::{Page, Piece};

/// The longest time that a lesson may name: nobody sits longer, and sums of such times cannot overflow.
pub(super) const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What somebody may have meant by `word`: the most similar of these, if it is similar at all.
pub(in crate::lesson) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let word: String = word.chars().take(64).collect::<String>().to_lowercase();
    let most = ((word.chars().count() + 1) / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `500ms`, `2s`, `1.5s`, `1m30s`.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
    if text.len() > 32 || !text.chars().all(plain) {
        return None;
    }
    humantime::parse_duration(text).ok()
}

/// A duration, at most [`LONGEST`].
pub(super) fn duration(at: Piece<'_>, page: &mut Page<'_>) -> Option<Duration> {
    let Some(duration) = parse_duration(at.text) else {
        let number = !at.is_empty() && at.text.chars().all(|c| c.is_ascii_digit() || c == '.');
        let mend = if number { format!("{0}s or {0}ms", at.text) } else { "500ms or 2s".to_owned() };
        let message = if at.is_empty() {
            "a time is missing".to_owned()
        } else {
            format!("\"{}\" is no time", at.text)
        };
        page.mistake(at, message, mend);
        return None;
    };
    if duration > LONGEST {
        page.mistake(at, "no time in a lesson is longer than an hour", "500ms or 2s");
        return None;
    }
    Some(duration)
}

/// A duration that is more than nothing.
pub(super) fn positive(at: Piece<'_>, page: &mut Page<'_>) -> Option<Duration> {
    let duration = duration(at, page)?;
    if duration.is_zero() {
        page.mistake(at, "this time must be longer than nothing", "500ms or 2s");
        return None;
    }
    Some(duration)
}

/// Bytes in HEX; spaces may stand between them.
pub(super) fn hex(at: Piece<'_>, page: &mut Page<'_>) -> Option<Vec<u8>> {
    let mut digits = Vec::with_capacity(at.text.len());
    for (offset, c) in at.text.char_indices() {
        match c.to_digit(16) {
            Some(digit) => digits.push(digit as u8),
            None if c.is_whitespace() => {}
            None => {
                let message = format!("\"{c}\" is no HEX digit");
                page.mistake(
                    at.part(offset..offset + c.len_utf8()),
                    message,
                    "two digits for each byte: 81 05 48 65",
                );
                return None;
            }
        }
    }
    if digits.len() % 2 == 1 {
        page.mistake(at, "half a byte is left over", "two digits for each byte: 81 05 48 65");
        return None;
    }
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// The rest of a line as it is, or, where it begins with a quote, a JSON string.
pub(super) fn payload(at: Piece<'_>, page: &mut Page<'_>) -> Option<String> {
    if !at.text.starts_with('"') {
        return Some(at.text.to_owned());
    }
    quoted(at, page)
}

/// A JSON string.
pub(super) fn quoted(at: Piece<'_>, page: &mut Page<'_>) -> Option<String> {
    if let Ok(text) = serde_json::from_str(at.text) {
        return Some(text);
    }
    // `"He said "no""` lacks backslashes, `"GOAL` its end; `"a":1` is no string at all, and its quotes are meant.
    let bare = !at.text.ends_with('"') && at.text.matches('"').count() > 1;
    let outer = at.text.strip_prefix('"').filter(|_| !bare);
    let inner = outer.map_or(at.text, |rest| rest.strip_suffix('"').unwrap_or(rest));
    page.mistake(at, "this is no JSON string", serde_json::Value::from(inner).to_string());
    None
}

/// A client's name: `[a-z][a-z0-9-]*`.
pub(super) fn is_client_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
}

/// Which characters a client's name may have.
pub(super) const CLIENT_NAME: &str = "a to z first, then a to z, 0 to 9 and -";

/// What to write instead of `text`, which is no client's name; `rest` is what follows it in its line. What is left
/// of a name in other letters would be somebody else's.
pub(super) fn client_name_mend(text: &str, rest: &str) -> String {
    let near = format!("{}{rest}", as_client_name(text));
    let foreign = text.chars().any(|c| c.is_alphabetic() && !c.is_ascii());
    if foreign { format!("a name in the letters a to z, as in anna{rest}") } else { near }
}

/// The nearest thing to `text` that is a client's name.
pub(super) fn as_client_name(text: &str) -> String {
    let lower = text.to_lowercase();
    let name: String =
        lower.chars().map(|c| if matches!(c, 'a'..='z' | '0'..='9') { c } else { '-' }).collect();
    let name = name.trim_matches(|c: char| c == '-' || c.is_ascii_digit());
    if name.is_empty() { "anna".to_owned() } else { name.to_owned() }
}

/// A method's or a header's name (RFC 9110, 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

/// The line without its remark, and the remark: two spaces, `#`, and a space or the end. A `#` inside a JSON
/// string begins none.
pub(super) fn remark(line: Piece<'_>) -> (Piece<'_>, Option<&str>) {
    let bytes = line.text.as_bytes();
    let blank = |at: usize| matches!(bytes.get(at), Some(b' ' | b'\t'));
    let mut at = 0;
    // Once one quote is never closed, no later one is: looking again would cost a long line its square.
    let mut closes = true;
    while at < bytes.len() {
        match bytes[at] {
            b'"' if closes => match string_end(bytes, at) {
                Some(end) => at = end,
                None => closes = false,
            },
            b'#' if at >= 2 && blank(at - 1) && blank(at - 2) && (at + 1 == bytes.len() || blank(at + 1)) => {
                let remark = line.from(at + 1).trim().text;
                return (line.part(0..at).trim_end(), (!remark.is_empty()).then_some(remark));
            }
            _ => {}
        }
        at += 1;
    }
    (line.trim_end(), None)
}

/// Where the string that begins here ends; a quote that is never closed begins none.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str) -> Piece<'_> {
        Piece { text, line: 1, column: 1 }
    }

    #[test]
    fn the_nearest_word_is_found_if_it_is_near() {
        assert_eq!(nearest("clsoe", ["close", "cont"]), Some("close"));
        assert_eq!(nearest("PING", ["ping", "pong"]), Some("ping"));
        assert_eq!(nearest("elephant", ["close", "cont"]), None);
    }

    #[test]
    fn remarks_are_told_from_text() {
        let cut = |text| {
            let (line, remark) = remark(piece(text));
            (line.text, remark)
        };
        assert_eq!(cut("= open   # still"), ("= open", Some("still")));
        assert_eq!(cut("> text a #1"), ("> text a #1", None));
        assert_eq!(cut("> text a  #1"), ("> text a  #1", None));
        assert_eq!(cut(r#"> text "a  # b"  # c"#), (r#"> text "a  # b""#, Some("c")));
        assert_eq!(cut(r#"> text "a\"  # b""#), (r#"> text "a\"  # b""#, None));
        assert_eq!(cut(r#"> text 5" wide  # c"#), (r#"> text 5" wide"#, Some("c")));
        assert_eq!(cut(">  #"), (">", None));
    }

    #[test]
    fn times_have_units_and_an_end() {
        let mut page = Page::new("x.md", "");
        assert_eq!(duration(piece("0.9s"), &mut page), Some(Duration::from_millis(900)));
        assert_eq!(duration(piece("1m30s"), &mut page), Some(Duration::from_secs(90)));
        for bad in ["", "2", "2 parsecs", "soon", "-1s", "61m", "99999999999999999999s", "1.s", "µs"] {
            assert_eq!(duration(piece(bad), &mut page), None, "{bad}");
        }
        assert_eq!(positive(piece("0s"), &mut page), None);
        let mends: Vec<_> = page.into_mistakes().into_iter().map(|mistake| mistake.mend).collect();
        assert_eq!(mends[1], "2s or 2ms");
        assert_eq!(mends.len(), 10);
    }

    #[test]
    fn hex_is_whole_bytes() {
        let mut page = Page::new("x.md", "");
        assert_eq!(hex(piece("81 05 4a6B"), &mut page), Some(vec![0x81, 5, 0x4a, 0x6b]));
        assert_eq!(hex(piece(""), &mut page), Some(vec![]));
        assert_eq!(hex(piece("81 0"), &mut page), None);
        assert_eq!(hex(piece("0x81"), &mut page), None);
        assert_eq!(page.count(), 2);
    }

    #[test]
    fn names_are_made_from_what_was_written() {
        assert_eq!(as_client_name("Anna"), "anna");
        assert_eq!(as_client_name("Anna B."), "anna-b");
        assert_eq!(as_client_name("7!"), "anna");
        assert_eq!(client_name_mend("Anna B.", ": > connect"), "anna-b: > connect");
        assert_eq!(
            client_name_mend("zoë", ": > connect"),
            "a name in the letters a to z, as in anna: > connect"
        );
    }
}
