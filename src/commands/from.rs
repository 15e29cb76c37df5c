//! `--from STEP`: which step that is.

use crate::cli::Playing;
use crate::failure::Failure;
use crate::lesson::play::Flags;
use crate::lesson::script::Lesson;
use crate::terminal::safe;

/// The same flags, with the step to begin with; `command` is what the user typed, for hints.
pub(super) fn begin(
    lesson: &Lesson,
    playing: &Playing,
    command: &str,
    flags: Flags,
) -> Result<Flags, Failure> {
    let Some(wanted) = &playing.from else { return Ok(flags) };
    match find(lesson, wanted) {
        Some(from) => Ok(Flags { from, ..flags }),
        None => Err(unknown(lesson, wanted, command)),
    }
}

/// A step's number, its title, or the first title with this in it; in small letters or large.
fn find(lesson: &Lesson, wanted: &str) -> Option<u64> {
    let wanted = wanted.trim().to_lowercase();
    let titles = || lesson.steps.iter().map(|step| step.title.to_lowercase()).zip(1..);
    if let Ok(n) = wanted.parse::<u64>() {
        return titles().map(|(_, number)| number).find(|number| *number == n);
    }
    let whole = titles().find(|(title, _)| *title == wanted);
    let part = || titles().find(|(title, _)| !wanted.is_empty() && title.contains(&wanted));
    whole.or_else(part).map(|(_, n)| n)
}

fn unknown(lesson: &Lesson, wanted: &str, command: &str) -> Failure {
    let mut message = format!("{} has no step \"{}\"; its steps are", safe(&lesson.name), safe(wanted));
    let widest = lesson.steps.len().to_string().len();
    for (step, n) in lesson.steps.iter().zip(1..) {
        message += &format!("\n  {n:>widest$}  {}", safe(&step.title));
    }
    let last = lesson.steps.len() as u64;
    let proposed = wanted.trim().parse::<u64>().map_or(last.min(2), |n| n.clamp(1, last.max(1)));
    Failure::usage(message).with_hint(format!("wsdemo {command} --from {proposed}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::parse::parse;

    fn lesson() -> Lesson {
        let steps = ["Anna asks again", "Anna asks", "The 7 frames", "Look: Ärger"]
            .map(|title| format!("## {title}\n\nWords.\n\n"));
        let text = format!("---\ntitle: T\nsummary: S\n---\n\n{}", steps.concat());
        parse("mine", "mine.md", &text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    #[test]
    fn a_step_goes_by_its_number_its_title_or_a_part_of_it() {
        let found = |wanted| find(&lesson(), wanted);
        assert_eq!([found("1"), found(" 4 "), found("0"), found("5")], [Some(1), Some(4), None, None]);
        // The whole title comes before the first that only holds it.
        assert_eq!([found("anna asks"), found("ANNA"), found("asks ag")], [Some(2), Some(1), Some(1)]);
        assert_eq!([found("ärger"), found("7"), found("7 fr"), found("")], [Some(4), None, Some(3), None]);
    }

    #[test]
    fn a_step_that_is_not_there_is_told_with_those_that_are() {
        let failure = unknown(&lesson(), "Ben", "lesson mine.md");
        insta::assert_snapshot!(failure, @r#"
        error: mine has no step "Ben"; its steps are
          1  Anna asks again
          2  Anna asks
          3  The 7 frames
          4  Look: Ärger
          try: wsdemo lesson mine.md --from 2
        "#);
    }
}
