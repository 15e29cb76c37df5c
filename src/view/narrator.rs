//! The narrated transcript: what the lesson says and what the wire did, in the order in which they came.

use std::io;

use super::fence::Fence;
use super::ladder::{Ladder, Row};
use super::lanes::{self, Lanes};
use super::message::Detail;
use super::rungs::Rungs;
use super::skipping::{Skipping, Told};
use super::text::{Look, chop, wrap_text};
use super::{Options, View, bits, claims, exchange, hexdump, page, prose, scoreboard};
use crate::terminal::{Group, Ink, Line, Out};
use crate::timeline::{Choice, Claim, Event, Kind, Role, Show, Summary};

/// Narrower than this nothing can be drawn, columns.
pub const NARROWEST: usize = 48;

/// Draws for a reader at a screen.
#[derive(Debug)]
pub struct Narrator<O> {
    out: O,
    look: Look,
    width: usize,
    hex: bool,
    brief: bool,
    skipping: Skipping,
    /// A step's heading, until there is something to stand under it: it is never the last line of a page.
    heading: Vec<Line>,
    ladder: Ladder,
    rungs: Rungs,
    fence: Fence,
    playing: Option<Show>,
    lanes: Option<Lanes>,
    choices: Vec<Choice>,
    /// Numbers of the last compare that are shown on demand.
    rest: Vec<Vec<Line>>,
    last: Last,
    /// Whether the ladder's heading stands above already: it is repeated after prose, and where a new clock starts.
    headed: bool,
    /// Whether an empty line is due before what comes next.
    gap: bool,
}

/// What was drawn last, from which follows whether a gap is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Gap,
    Rows,
    Item,
    Step,
    Played,
    Other,
}

impl<O: Out> Narrator<O> {
    /// A narrator that writes to `out`.
    pub fn new(out: O, options: Options) -> Self {
        let look = Look { ascii: options.ascii };
        let width = options.width.max(NARROWEST);
        Self {
            out,
            look,
            width,
            hex: options.hex,
            brief: options.brief,
            skipping: Skipping::default(),
            heading: Vec::new(),
            ladder: Ladder::default(),
            rungs: Rungs::new(look, width),
            fence: Fence::default(),
            playing: None,
            lanes: None,
            choices: Vec::new(),
            rest: Vec::new(),
            last: Last::Gap,
            headed: false,
            gap: false,
        }
    }

    /// Lines that belong together; a gap before them unless there is one.
    fn block(&mut self, lines: Vec<Line>) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.gap();
        self.lines(lines)
    }

    fn lines(&mut self, lines: Vec<Line>) -> io::Result<()> {
        self.show(Group::Block, lines)
    }

    fn show(&mut self, group: Group, mut lines: Vec<Line>) -> io::Result<()> {
        let Some(last) = lines.last() else { return Ok(()) };
        let ends_with_gap = last.0.is_empty();
        let below_heading = self.last == Last::Step && !self.brief;
        if std::mem::take(&mut self.gap) || below_heading {
            lines.insert(0, Line::default());
        }
        lines.splice(0..0, std::mem::take(&mut self.heading));
        self.last = if ends_with_gap { Last::Gap } else { Last::Other };
        let lines: Vec<Line> = lines.into_iter().map(|line| self.look.line(line)).collect();
        self.out.show(group, &lines)
    }

    /// An empty line before what comes next.
    fn gap(&mut self) {
        self.gap |= match self.last {
            Last::Gap => false,
            // Where a page is short, rows are saved.
            Last::Step | Last::Played => !self.brief,
            Last::Rows | Last::Item | Last::Other => true,
        };
        self.last = Last::Gap;
    }

    /// The heading that waits for what follows: that may take its time.
    fn flush(&mut self) -> io::Result<()> {
        let heading: Vec<Line> =
            std::mem::take(&mut self.heading).into_iter().map(|line| self.look.line(line)).collect();
        if heading.is_empty() { Ok(()) } else { self.out.show(Group::Block, &heading) }
    }

    /// A fact: into the lanes of a compare, else onto the ladder.
    fn fact(&mut self, event: &Event) -> io::Result<()> {
        self.fence.event(event);
        let rows = self.ladder.event(event);
        if let Some(lanes) = &mut self.lanes
            && lanes.takes(event)
        {
            let rows = lanes.event(event);
            return rows.into_iter().try_for_each(|lines| self.show(Group::Row, lines));
        }
        self.rows(&rows)?;
        // Of many clients there are no lanes in which it could stand.
        let failure = lanes::failure(&event.kind).map(|text| self.look.text(&text));
        self.block(failure.iter().flat_map(|it| wrap_text(Ink::Bold, it, " ", "   ", self.width)).collect())
    }

    fn rows(&mut self, rows: &[Row]) -> io::Result<()> {
        for row in rows {
            if self.last != Last::Rows {
                self.gap();
            }
            let heading = (!self.headed).then(|| self.rungs.heading(row));
            self.headed = true;
            self.show(Group::Row, heading.into_iter().chain(self.rungs.draw(row)).collect())?;
            self.last = Last::Rows;
        }
        Ok(())
    }

    fn say(&mut self, event: &Event) -> io::Result<()> {
        let Kind::Say { role, text, detail, show, lanes, .. } = &event.kind else {
            return Ok(());
        };
        let rows = self.ladder.event(event);
        match role {
            Role::Title => self.title(text, detail.as_deref().unwrap_or_default()),
            Role::Prose => self.prose(text),
            Role::Code => self.code(text),
            Role::Wire => {
                self.flush()?;
                self.fence.begin();
                self.lanes = None;
                // A new clock starts: it needs its own heading.
                self.headed = false;
                self.last = if self.last == Last::Rows { Last::Other } else { self.last };
                self.playing = Some(show.unwrap_or_default());
                Ok(())
            }
            Role::Compare => {
                self.fence.compare();
                let added = detail.as_ref().map(|added| self.look.text(added));
                let mut heading: Vec<Line> =
                    added.iter().flat_map(|added| wrap_text(Ink::Dim, added, " ", " ", self.width)).collect();
                // Of many clients nobody follows each.
                self.lanes = (!lanes.is_empty()).then(|| Lanes::new(self.look, self.width, lanes));
                heading.extend(self.lanes.iter().flat_map(Lanes::heading));
                self.block(heading)
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

    /// The transcript is over: its bytes, what it came to, and the claims that held.
    fn played(&mut self) -> io::Result<()> {
        self.lanes_end()?;
        // Their connections may close later: those rows belong to no ladder.
        self.lanes.iter_mut().for_each(Lanes::end);
        let detail = if self.brief { Detail::Brief } else { Detail::Full };
        let (mut groups, mut end) = match self.playing.take() {
            Some(Show::Heads) => (
                exchange::draw(self.look, &self.fence, self.width, detail),
                exchange::accounts(self.look, &self.fence, self.width, detail),
            ),
            Some(Show::Bits) => (bits::draw(self.look, &self.fence, self.width), Vec::new()),
            Some(Show::Ladder) | None => (Vec::new(), Vec::new()),
        };
        if self.hex {
            groups.extend(self.fence.messages.iter().map(|slice| {
                let (what, len) = (format!("{}, ", slice.conn), slice.bytes.len() as u64);
                hexdump::draw(self.look, slice.from, &what, &slice.bytes, len, self.width)
            }));
        }
        end.extend(claims::held(self.look, &self.fence.claims, self.width, detail));
        self.fence.end();
        let summed_up = !end.is_empty();
        // What it came to stands on the page of the bytes, if there is room.
        if let Some(last) = groups.last_mut().filter(|last| last.len() + end.len() <= page::ROWS) {
            last.append(&mut end);
        }
        groups.into_iter().try_for_each(|group| self.block(group))?;
        self.lines(end)?;
        if summed_up {
            self.last = Last::Played;
        }
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

    fn title(&mut self, text: &str, detail: &str) -> io::Result<()> {
        let (text, detail) = (self.look.text(text), self.look.text(detail));
        let mut line = Line::plain(" ").with(Ink::Bold, text);
        let detail = Line::default().with(Ink::Dim, detail);
        let room = self.width.saturating_sub(line.width() + 2);
        if line.width() <= self.width && !detail.0.is_empty() && detail.width() <= room {
            line.pad(self.width - detail.width());
            line.0.extend(detail.0);
            return self.block(vec![line]);
        }
        let mut lines = wrap_text(Ink::Bold, &line.text(), " ", " ", self.width);
        if !detail.0.is_empty() {
            lines.extend(wrap_text(Ink::Dim, &detail.text(), " ", " ", self.width));
        }
        self.block(lines)
    }

    fn step(&mut self, n: u64, of: u64, title: &str) -> io::Result<()> {
        self.fence.step();
        self.rest.clear();
        let number = format!("── {n}/{of} ");
        let mut line = Line::default().with(Ink::Dim, number);
        let title = self.look.cut(&self.look.text(title), self.width - line.width() - 3);
        line.push(Ink::Bold, title);
        let rest = self.width - line.width() - 1;
        line.push(Ink::Dim, format!(" {}", "─".repeat(rest)));
        self.headed = false;
        self.flush()?;
        self.last = if self.last == Last::Played { Last::Other } else { self.last };
        self.gap();
        let gap = std::mem::take(&mut self.gap).then(Line::default);
        self.heading = gap.into_iter().chain([line]).collect();
        self.last = Last::Step;
        Ok(())
    }

    fn prose(&mut self, text: &str) -> io::Result<()> {
        let lines = prose::paragraph(self.look, text, self.width);
        let item = text.starts_with("- ");
        self.headed = false;
        if !(item && self.last == Last::Item) {
            self.gap();
        }
        self.lines(lines)?;
        self.last = if item { Last::Item } else { Last::Other };
        Ok(())
    }

    fn code(&mut self, text: &str) -> io::Result<()> {
        self.headed = false;
        let pieces = |line: &str| chop(&self.look.text(line), self.width - 6);
        let line = |text: String| Line::default().with(Ink::Dim, "    │ ").with(Ink::Plain, text);
        self.block(text.trim_end_matches('\n').split('\n').flat_map(pieces).map(line).collect())
    }

    fn predict(&mut self, text: &str, choices: &[Choice]) -> io::Result<()> {
        self.choices = choices.to_vec();
        self.headed = false;
        let width = self.width.min(100);
        let mut lines = wrap_text(Ink::Bold, &self.look.text(text), " ", " ", width);
        let choices: Vec<(String, String)> = choices
            .iter()
            .enumerate()
            .map(|(n, choice)| (format!("   {} ", n + 1), self.look.text(&choice.text)))
            .collect();
        let inline =
            Line::plain(choices.iter().map(|(number, text)| format!("{number}{text}")).collect::<String>());
        if inline.width() <= width {
            lines.push(inline);
        } else {
            let choice =
                |(number, text): &(String, String)| wrap_text(Ink::Plain, text, number, "     ", width);
            lines.extend(choices.iter().flat_map(choice));
        }
        self.last = if self.last == Last::Played { Last::Other } else { self.last };
        self.block(lines)
    }

    fn answer(
        &mut self,
        right: u64,
        text: &str,
        because: Option<&str>,
        chosen: Option<u64>,
    ) -> io::Result<()> {
        let choices = std::mem::take(&mut self.choices);
        self.headed = false;
        let verdict = chosen.map(|chosen| claims::verdict(&choices, chosen, right));
        let answer = format!("Answer: {right}, {}. ", text.trim_end_matches('.'));
        let mut line = Line::default();
        line.push(Ink::Bold, verdict.map(|it| self.look.text(&it)).unwrap_or_default());
        line.push(Ink::Bold, self.look.text(&answer));
        prose::spans(self.look, because.unwrap_or_default())
            .into_iter()
            .for_each(|it| line.push(it.ink, it.text));
        let lines = super::text::wrap(&line.0, " ", " ", self.width.min(100));
        self.last = if self.last == Last::Played { Last::Other } else { self.last };
        self.block(lines)
    }

    fn claim(&mut self, event: &Event, claim: &Claim) -> io::Result<()> {
        self.fence.event(event);
        let rows = self.ladder.event(event);
        if self.lanes.is_none() {
            self.rows(&rows)?;
        }
        if claim.held == Some(false) {
            self.block(claims::failed(self.look, claim, self.width))?;
        }
        Ok(())
    }

    /// The lanes are over, in all their groups. Once.
    fn lanes_end(&mut self) -> io::Result<()> {
        let Some(lanes) = &mut self.lanes else { return Ok(()) };
        let last = lanes.flush();
        let others = lanes.others();
        self.show(Group::Row, last)?;
        for (heading, rows) in others {
            self.block(heading)?;
            rows.into_iter().try_for_each(|lines| self.show(Group::Row, lines))?;
        }
        Ok(())
    }

    /// The end of a compare, or what came before it in recordings of earlier versions.
    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        self.lanes_end()?;
        let drawing = scoreboard::Drawing { look: self.look, width: self.width, brief: self.brief };
        self.rest = drawing.rest(summary);
        let blocks = drawing.blocks(summary, self.lanes.as_ref());
        blocks.into_iter().try_for_each(|lines| self.block(lines))
    }
}

impl<O: Out> View for Narrator<O> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match self.skipping.told(event) {
            Told::All => {}
            Told::Nothing => {
                self.skipped(event);
                return Ok(());
            }
            Told::Wrong(claim) => {
                self.skipped(event);
                return self.block(claims::failed(self.look, claim, self.width));
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
            Kind::Step { n, of, title, .. } => self.step(*n, *of, title),
            Kind::Say { .. } => self.say(event),
            Kind::Predict { text, choices, .. } => self.predict(text, choices),
            Kind::Answer { right, text, because, chosen, .. } => {
                self.answer(*right, text, because.as_deref(), *chosen)
            }
            Kind::Claim(claim) => self.claim(event, claim),
            Kind::Summary(summary) => self.summary(summary),
        }
    }

    fn quiet(&mut self) -> io::Result<()> {
        let lines = self.lanes.as_mut().map(Lanes::flush).unwrap_or_default();
        self.show(Group::Row, lines)
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.lanes.is_some() || self.playing.is_some() {
            self.played()?;
        }
        self.flush()
    }

    fn bytes(&mut self) -> io::Result<()> {
        self.flush()?;
        let rest = self.rest.clone();
        rest.into_iter().try_for_each(|lines| self.block(lines))?;
        for group in page::draw(self.look, &self.fence, self.width) {
            self.last = if self.last == Last::Gap { Last::Gap } else { Last::Other };
            self.gap();
            // What is longer than a page is shown in several.
            group.chunks(page::ROWS).try_for_each(|lines| self.lines(lines.to_vec()))?;
        }
        self.headed = false;
        Ok(())
    }
}
