//! Claims and answers in words. One that did not hold is told at once; those that held, together.

use super::labels;
use super::message::Detail;
use super::text::{Look, wrap, wrap_text};
use crate::terminal::{Ink, Line, Span};
use crate::timeline::{Choice, Claim};

/// The most events that are named as evidence.
const MOST: usize = 8;

/// `The wire disagreed (line 14): expected …, saw …`
pub(super) fn disagreement(claim: &Claim) -> String {
    let mut text = format!("The wire disagreed (line {}): {}.", claim.line, claim.text);
    let expected = claim.expected.as_ref().map(|expected| format!("expected {expected}"));
    let saw = claim.saw.as_ref().map(|saw| format!("saw {saw}"));
    let parts: Vec<String> = expected.into_iter().chain(saw).collect();
    if !parts.is_empty() {
        text = format!("The wire disagreed (line {}): {}.", claim.line, parts.join(", "));
    }
    text
}

/// A claim that did not hold.
pub(super) fn failed(look: Look, claim: &Claim, width: usize) -> Vec<Line> {
    let mut lines = wrap_text(Ink::Bold, &look.text(&disagreement(claim)), " ! ", "   ", width);
    // Where all of it was expected, it stands there already.
    let is_said = claim.expected.as_ref() == Some(&claim.text);
    if !is_said && (claim.expected.is_some() || claim.saw.is_some()) {
        let claimed = look.text(&format!("The lesson said: {}", claim.text));
        lines.extend(wrap_text(Ink::Plain, &claimed, "   ", "   ", width));
    }
    lines
}

/// Those that held, in one line if they fit, and those that cannot be seen here.
pub(super) fn held(look: Look, claims: &[Claim], width: usize, detail: Detail) -> Vec<Line> {
    let of = |held| claims.iter().filter(move |claim| claim.held == held);
    let texts: Vec<String> = of(Some(true)).map(|claim| look.text(&remarked(claim))).collect();
    let mut lines = Vec::new();
    if !texts.is_empty() {
        let mut evidence: Vec<u64> = of(Some(true)).flat_map(|it| &it.evidence).map(|seq| seq.0).collect();
        evidence.sort_unstable();
        evidence.dedup();
        let dot = if look.ascii { " - " } else { " · " };
        let mut spans = vec![Span { ink: Ink::Plain, text: counted(&texts).join(dot) }];
        // A class has no use for the numbers of events.
        if detail == Detail::Full {
            spans.push(Span { ink: Ink::Dim, text: format!("   ({})", events(&evidence)) });
        }
        lines.extend(wrap(&spans, " ✓ ", "   ", width));
    }
    for claim in of(None) {
        let text = look.text(&format!("not visible here: {}", claim.text));
        lines.extend(wrap_text(Ink::Dim, &text, "   ", "   ", width));
    }
    lines
}

/// `closed by server: the server hangs up first`. A silence has its remark in the ladder.
fn remarked(claim: &Claim) -> String {
    let remark = claim.remark.as_ref().filter(|_| labels::silence(&claim.text).is_none());
    remark.map_or_else(|| claim.text.clone(), |remark| format!("{}: {remark}", claim.text))
}

/// Each once, with how often it was said.
fn counted(texts: &[String]) -> Vec<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for text in texts {
        match counts.iter_mut().find(|(earlier, _)| earlier == text) {
            Some((_, count)) => *count += 1,
            None => counts.push((text, 1)),
        }
    }
    let said = |(text, count): (&str, usize)| {
        if count == 1 { text.into() } else { format!("{text}, {count} times") }
    };
    counts.into_iter().map(said).collect()
}

/// `Right. `, `No: you said 1, at once. `: what was chosen among these.
pub(super) fn verdict(choices: &[Choice], chosen: u64, right: u64) -> String {
    let choice = chosen.checked_sub(1).and_then(|n| usize::try_from(n).ok()).and_then(|n| choices.get(n));
    if choice.map_or(chosen == right, |choice| choice.right) {
        return "Right. ".into();
    }
    let words = choice.map(|choice| format!(", {}", choice.text.trim_end_matches('.'))).unwrap_or_default();
    format!("No: you said {chosen}{words}. ")
}

/// The claims in sentences.
pub(super) fn sentences(claims: &[Claim], detail: Detail) -> Vec<String> {
    let sentence = |claim: &Claim| {
        let evidence: Vec<u64> = claim.evidence.iter().map(|seq| seq.0).collect();
        match claim.held {
            Some(true) if detail == Detail::Brief => Some(format!("True on the wire: {}", remarked(claim))),
            Some(true) => Some(format!("True on the wire: {} ({})", remarked(claim), events(&evidence))),
            None => Some(format!("Not visible here: {}", claim.text)),
            Some(false) => None,
        }
    };
    claims.iter().filter_map(sentence).collect()
}

/// `events 5, 9 and 3 more`
fn events(evidence: &[u64]) -> String {
    let named: Vec<String> = evidence.iter().take(MOST).map(u64::to_string).collect();
    let more = evidence.len().saturating_sub(MOST);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let noun = if evidence.len() == 1 { "event" } else { "events" };
    format!("{noun} {}{more}", named.join(", "))
}
