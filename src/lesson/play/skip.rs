//! What comes before the step to begin with: it happens on the wire, as fast as it can, and is not told.

use super::player::{PlayError, Player};
use crate::lesson::script::{Part, Step};
use crate::lesson::template;
use crate::timeline::{Kind, Role};

/// How a transcript is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Manner {
    /// With its story, its times and its claims.
    #[default]
    Told,
    /// Without a story and without claims, but with its times: what is told next speaks of them.
    Unseen,
    /// Without a story, without claims, and no time passes.
    Hurried,
}

/// What prose may say of the transcript before it that is different where no time passes.
const TIMES: [&str; 3] = ["silence", "late", "lived"];

impl Player<'_> {
    /// Plays what comes before the step to begin with, and says which step that is, from 1.
    pub(super) async fn skip(&mut self) -> Result<u64, PlayError> {
        let steps = &self.lesson.steps;
        let first = self.flags.from.clamp(1, steps.len().max(1) as u64);
        let (before, told) = steps.split_at(usize::try_from(first - 1).unwrap_or_default());
        if before.is_empty() {
            return Ok(first);
        }
        self.taps.bus().append(Kind::Say {
            lesson: self.lesson.name.clone(),
            role: Role::Skip,
            text: skipped(before.len()),
            detail: None,
            show: None,
            from: None,
            packet: None,
            lanes: Vec::new(),
        });
        let last = parts(before).filter(|part| is_run(part)).last();
        let timed = last.filter(|_| speaks_of_times(told));
        for part in parts(before) {
            self.catch_up();
            match part {
                Part::Wire(wire) => {
                    let takes_its_time = timed.is_some_and(|timed| std::ptr::eq(timed, part));
                    self.manner = if takes_its_time { Manner::Unseen } else { Manner::Hurried };
                    self.measured.begin();
                    self.transcript(wire).await?;
                    self.asked = None;
                }
                Part::Compare(_) => {
                    self.measured.skip();
                    self.asked = None;
                }
                // What was predicted in an earlier run of this lesson is answered after the run that is told.
                Part::Predict(question) => {
                    let chosen = self.outcome.predictions.get(&question.line).copied();
                    self.asked = chosen.map(|chosen| (question, Some(chosen)));
                    if chosen.is_some() {
                        self.put(question);
                    }
                }
                Part::Prose(_) | Part::Code { .. } | Part::Note { .. } => {}
            }
            if self.is_over() {
                break;
            }
        }
        self.manner = Manner::Told;
        self.catch_up();
        Ok(first)
    }

    /// Whether a claim that did not hold has ended it, or whoever was in haste.
    pub(super) fn is_over(&self) -> bool {
        self.cut_short || (self.flags.strict && self.outcome.broken > 0)
    }
}

fn skipped(count: usize) -> String {
    match count {
        1 => "step 1 was played unseen".into(),
        n => format!("steps 1 to {n} were played unseen"),
    }
}

fn parts(steps: &[Step]) -> impl Iterator<Item = &Part> {
    steps.iter().flat_map(|step| &step.parts)
}

fn is_run(part: &Part) -> bool {
    matches!(part, Part::Wire(_) | Part::Compare(_))
}

/// Whether prose, before anything else is run, names a time that was measured before.
fn speaks_of_times(told: &[Step]) -> bool {
    parts(told).take_while(|part| !is_run(part)).any(|part| match part {
        Part::Prose(prose) => template::names(&prose.text).any(|name| TIMES.contains(&name)),
        Part::Code { .. } | Part::Wire(_) | Part::Compare(_) | Part::Predict(_) | Part::Note { .. } => false,
    })
}
