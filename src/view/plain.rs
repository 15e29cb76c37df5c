//! Plain sentences, for pipes and for screen readers: nothing is drawn, nothing depends on columns.

use std::io;

use super::fence::Fence;
use super::labels::nice;
use super::ladder::{Ladder, Row, Shape};
use super::lanes::{self, Lanes};
use super::message::Detail;
use super::sentences::{self, direction, who};
use super::skipping::{Skipping, Told};
use super::text::Look;
use super::{Options, View, claims, delays, exchange, prose, scoreboard, units, verdict};
use crate::terminal::{Group, Line, Out};
use crate::timeline::{Choice, Event, Kind, Role, Show, Slice, Summary};

/// Wide enough that nothing is wrapped.
const NO_WRAPPING: usize = 4096;

/// Writes a sentence for everything.
#[derive(Debug)]
pub struct Plain<O> {
    out: O,
    look: Look,
    hex: bool,
    brief: bool,
    skipping: Skipping,
    ladder: Ladder,
    fence: Fence,
    playing: Option<Show>,
    choices: Vec<Choice>,
    lanes: Option<Lanes>,
}

impl<O: Out> Plain<O> {
    /// Sentences that are written to `out`. The width in the options does not matter.
    pub fn new(out: O, options: Options) -> Self {
        let look = Look { ascii: options.ascii };
        let (ladder, fence) = (Ladder::default(), Fence::default());
        Self {
            out,
            look,
            hex: options.hex,
            brief: options.brief,
            skipping: Skipping::default(),
            ladder,
            fence,
            playing: None,
            choices: Vec::new(),
            lanes: None,
        }
    }

    fn sentence(&mut self, text: &str) -> io::Result<()> {
        let text = self.look.text(text);
        self.out.show(Group::Block, &[Line::plain(text)])
    }

    /// Sentences that belong together.
    fn sentences(&mut self, text: &[String]) -> io::Result<()> {
        let lines: Vec<Line> = text.iter().map(|text| Line::plain(self.look.text(text))).collect();
        if lines.is_empty() { Ok(()) } else { self.out.show(Group::Block, &lines) }
    }

    fn rows(&mut self, rows: &[Row]) -> io::Result<()> {
        rows.iter().try_for_each(|row| {
            let line = Line::plain(self.look.text(&self.row(row)));
            self.out.show(Group::Row, &[line])
        })
    }

    /// `0.35 ms  #1 anna  server to client  200, 142 bytes  (the server may only answer)`
    fn row(&self, row: &Row) -> String {
        let mut parts = vec![format!("{} ms", units::column(row.since).trim_end_matches(" s"))];
        if row.since.as_secs_f64() >= 99.9995 {
            parts = vec![units::column(row.since)];
        }
        parts.extend(row.conn.map(|conn| who(conn, row.client.as_deref())));
        parts.extend(match row.shape {
            Shape::Dotted(side) | Shape::Solid(side) | Shape::Broken(side) => Some(direction(side)),
            Shape::Beside(side) => Some(format!("at the {}", side.word())),
            Shape::Across => None,
            Shape::Within(_) => Some("inside it".into()),
        });
        parts.push(format!("{}{}", row.label, row.tail));
        parts.extend(row.remark.as_ref().map(|remark| match remark.text.contains('(') {
            true => remark.text.clone(),
            false => format!("({})", remark.text),
        }));
        parts.join("  ")
    }

    fn fact(&mut self, event: &Event) -> io::Result<()> {
        self.fence.event(event);
        if let Some(lanes) = &mut self.lanes
            && lanes.takes(event)
        {
            let rows = lanes.event(event);
            let told = self.ladder.event(event);
            // Every byte of several lanes is more than anybody follows, unless it is asked for.
            return if self.hex {
                self.rows(&told)
            } else {
                rows.into_iter().try_for_each(|row| self.row_of_lanes(row))
            };
        }
        let rows = self.ladder.event(event);
        self.rows(&rows)?;
        lanes::failure(&event.kind).map_or(Ok(()), |text| self.sentence(&text))
    }

    fn row_of_lanes(&mut self, mut lines: Vec<Line>) -> io::Result<()> {
        lines.iter_mut().flat_map(|line| &mut line.0).for_each(|span| span.text = self.look.text(&span.text));
        if lines.is_empty() || self.hex { Ok(()) } else { self.out.show(Group::Row, &lines) }
    }

    /// What was held back of the lanes, for what might have happened together with it.
    fn flush(&mut self) -> io::Result<()> {
        let lines = self.lanes.as_mut().map(Lanes::flush).unwrap_or_default();
        self.row_of_lanes(lines)
    }

    fn say(&mut self, event: &Event) -> io::Result<()> {
        let Kind::Say { role, text, detail, show, lanes, .. } = &event.kind else {
            return Ok(());
        };
        let rows = self.ladder.event(event);
        match role {
            Role::Title => {
                self.sentence(text)?;
                detail.as_ref().map_or(Ok(()), |detail| self.sentence(detail))
            }
            Role::Prose => self.sentence(&prose::plain(text)),
            Role::Code if is_picture(text, detail.as_deref()) => Ok(()),
            Role::Code => {
                let lines: Vec<String> = text.trim_end().lines().map(|line| format!("    {line}")).collect();
                self.sentences(&lines)
            }
            Role::Wire => {
                self.fence.begin();
                self.lanes = None;
                self.playing = Some(show.unwrap_or_default());
                Ok(())
            }
            Role::Compare => {
                self.fence.compare();
                self.lanes = (!lanes.is_empty()).then(|| Lanes::told(lanes));
                detail.as_ref().map_or(Ok(()), |added| self.sentence(added))
            }
            Role::Skip => {
                self.skipping.begin();
                Ok(())
            }
            Role::Remark => Ok(()),
            Role::Played => {
                self.rows(&rows)?;
                self.played()
            }
        }
    }

    fn played(&mut self) -> io::Result<()> {
        self.flush()?;
        // Their connections may close later: that belongs to no ladder.
        self.lanes.iter_mut().for_each(Lanes::end);
        let detail = if self.brief { Detail::Brief } else { Detail::Full };
        match self.playing.take() {
            Some(Show::Heads) => {
                self.sentences(&sentences::exchanges(&self.fence, detail))?;
                let accounts = exchange::accounts(self.look, &self.fence, NO_WRAPPING, detail);
                let accounts: Vec<String> =
                    accounts.iter().map(|it| it.text().trim_start().to_owned()).collect();
                self.sentences(&accounts)?;
            }
            Some(Show::Bits) => self.sentences(&sentences::bits(&self.fence))?,
            Some(Show::Ladder) | None => {}
        }
        if self.hex {
            let dump = |it: &Slice| {
                sentences::hex(&format!("{}  ", it.conn), it.from, &it.bytes, it.bytes.len() as u64)
            };
            self.sentences(&self.fence.messages.iter().flat_map(dump).collect::<Vec<_>>())?;
        }
        self.sentences(&claims::sentences(&self.fence.claims, detail))?;
        self.fence.end();
        Ok(())
    }

    /// An event of a step that is left out: it counts.
    fn skipped(&mut self, event: &Event) {
        if let Kind::Predict { choices, .. } = &event.kind {
            self.choices.clone_from(choices);
        }
        self.fence.event(event);
        drop(self.ladder.event(event));
    }

    fn predict(&mut self, text: &str, choices: &[Choice]) -> io::Result<()> {
        self.choices = choices.to_vec();
        let question = format!("Question: {}", prose::plain(text));
        let choices = choices.iter().enumerate();
        let choices = choices.map(|(n, choice)| format!("  {} {}", n + 1, prose::plain(&choice.text)));
        self.sentences(&std::iter::once(question).chain(choices).collect::<Vec<_>>())
    }

    fn answer(&mut self, right: u64, text: &str, because: &str, chosen: Option<u64>) -> io::Result<()> {
        let choices = std::mem::take(&mut self.choices);
        let verdict = chosen.map(|it| claims::verdict(&choices, it, right)).unwrap_or_default();
        let text = text.trim_end_matches('.');
        self.sentence(prose::plain(&format!("{verdict}Answer: {right}, {text}. {because}")).trim_end())
    }

    /// `name: value` for each transport.
    fn values(&mut self, title: &str, names: &[&str], rows: &[scoreboard::Row]) -> io::Result<()> {
        for (n, name) in names.iter().enumerate().filter(|_| !rows.is_empty()) {
            let title = if title.is_empty() { String::new() } else { format!(", {title}") };
            self.sentence(&format!("{}{title}", nice(name)))?;
            for (whole, values) in rows {
                let value = values.get(n).map(String::as_str).unwrap_or_default();
                // Parts of the number before them.
                let name = whole
                    .strip_prefix("= ")
                    .or(whole.strip_prefix("+ "))
                    .map(|part| format!("of these, {part}"));
                let name = name.unwrap_or_else(|| (*whole).to_owned());
                self.sentence(&format!("  {name}: {value}"))?;
            }
        }
        Ok(())
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        self.flush()?;
        if summary.partial {
            self.sentence(scoreboard::PARTIAL)?;
        }
        scoreboard::of_all(summary).map_or(Ok(()), |text| self.sentence(&text))?;
        let names: Vec<&str> = summary.transports.iter().map(|it| it.name.as_str()).collect();
        self.values("", &names, &scoreboard::measured(summary))?;
        scoreboard::explained(summary, false).iter().try_for_each(|text| self.sentence(text))?;
        let told = |it: &verdict::Sentence| format!("{}{}", it.bold, it.plain);
        let failures: Vec<String> = scoreboard::failures(summary).iter().map(told).collect();
        let delays = delays::sentences(&summary.transports, self.lanes.as_ref());
        failures.iter().chain(&delays).try_for_each(|text| self.sentence(text))?;
        if let Some(scaled) = &summary.scaled {
            self.sentence(&scoreboard::assumed(scaled))?;
            let names: Vec<&str> = scaled.transports.iter().map(|it| it.name.as_str()).collect();
            self.values(&scoreboard::title(scaled), &names, &scoreboard::scaled(scaled))?;
            scoreboard::not_computed(summary, scaled).map_or(Ok(()), |text| self.sentence(&text))?;
        }
        verdict::sentences(summary).iter().try_for_each(|it| self.sentence(&told(it)))
    }
}

impl<O: Out> View for Plain<O> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match self.skipping.told(event) {
            Told::All => {}
            Told::Nothing => {
                self.skipped(event);
                return Ok(());
            }
            Told::Wrong(claim) => {
                self.skipped(event);
                return self.sentence(&claims::disagreement(claim));
            }
        }
        match &event.kind {
            Kind::Opened { .. }
            | Kind::Bytes { .. }
            | Kind::Request { .. }
            | Kind::Response { .. }
            | Kind::MessageEnd { .. }
            | Kind::Upgraded { .. }
            | Kind::Frame(_)
            | Kind::Packet { .. }
            | Kind::Fin { .. }
            | Kind::Closed { .. }
            | Kind::Kernel { .. }
            | Kind::World { .. }
            | Kind::Heard { .. } => self.fact(event),
            Kind::Step { n, of, title, .. } => {
                self.fence.step();
                self.sentence(&format!("Step {n} of {of}: {title}"))
            }
            Kind::Say { .. } => self.say(event),
            Kind::Predict { text, choices, .. } => self.predict(text, choices),
            Kind::Answer { right, text, because, chosen, .. } => {
                self.answer(*right, text, because.as_deref().unwrap_or_default(), *chosen)
            }
            Kind::Claim(claim) => {
                self.fence.event(event);
                let rows = self.ladder.event(event);
                self.rows(&rows)?;
                if claim.held == Some(false) { self.sentence(&claims::disagreement(claim)) } else { Ok(()) }
            }
            Kind::Summary(summary) => self.summary(summary),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.playing.is_some() || self.lanes.is_some() { self.played() } else { Ok(()) }
    }

    fn quiet(&mut self) -> io::Result<()> {
        self.flush()
    }

    fn bytes(&mut self) -> io::Result<()> {
        self.sentences(&sentences::step(&self.fence))
    }
}

/// Whether code is a drawing: read aloud it is noise, and what it shows the prose says.
fn is_picture(text: &str, language: Option<&str>) -> bool {
    language == Some("text") && text.contains(|c| matches!(c, '\u{2500}'..='\u{257f}'))
}
