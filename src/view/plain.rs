//! Plain sentences, for pipes and for screen readers: nothing is drawn, nothing depends on columns.

use std::io;

use super::fence::Fence;
use super::labels::nice;
use super::ladder::{Ladder, Row, Shape};
use super::lanes::Lanes;
use super::text::Look;
use super::{Options, View, claims, delays, exchange, hexdump, labels, prose, scoreboard, units, verdict};
use crate::terminal::{Group, Line, Out};
use crate::timeline::{Choice, ConnId, Event, Kind, Role, Show, Transport};
use crate::wire::handshake::Working;

/// Wide enough that nothing is wrapped.
const NO_WRAPPING: usize = 4096;

/// Writes a sentence for everything.
#[derive(Debug)]
pub struct Plain<O> {
    out: O,
    look: Look,
    hex: bool,
    ladder: Ladder,
    fence: Fence,
    playing: Option<Show>,
    /// Only for what they count.
    lanes: Option<Lanes>,
}

impl<O: Out> Plain<O> {
    /// Sentences that are written to `out`. The width in the options does not matter.
    pub fn new(out: O, options: Options) -> Self {
        let look = Look { ascii: options.ascii };
        let (ladder, fence) = (Ladder::default(), Fence::default());
        Self { out, look, hex: options.hex, ladder, fence, playing: None, lanes: None }
    }

    fn sentence(&mut self, text: &str) -> io::Result<()> {
        let text = self.look.text(text);
        self.out.show(Group::Block, &[Line::plain(text)])
    }

    fn lines(&mut self, lines: Vec<Line>) -> io::Result<()> {
        let lines: Vec<Line> = lines.into_iter().map(|line| self.look.line(line)).collect();
        self.out.show(Group::Block, &lines)
    }

    fn rows(&mut self, rows: &[Row]) -> io::Result<()> {
        rows.iter().try_for_each(|row| self.sentence(&self.row(row)))
    }

    /// `0.35 ms  #1 anna  server to client  200, 142 bytes  (the server may only answer)`
    fn row(&self, row: &Row) -> String {
        let mut parts = vec![format!("{} ms", units::column(row.since).trim_end_matches(" s"))];
        if row.since.as_secs_f64() >= 99.9995 {
            parts = vec![units::column(row.since)];
        }
        parts.extend(row.conn.map(|conn| who(conn, row.client.as_deref())));
        parts.extend(match row.shape {
            Shape::Dotted(side) | Shape::Solid(side) | Shape::Broken(side) => {
                Some(format!("{} to {}", side.word(), side.other().word()))
            }
            Shape::Beside(side) => Some(format!("at the {}", side.word())),
            Shape::Across => None,
        });
        parts.push(format!("{}{}", row.label, row.tail));
        parts.extend(row.remark.as_ref().map(|remark| format!("({})", remark.text)));
        parts.join("  ")
    }

    fn fact(&mut self, event: &Event) -> io::Result<()> {
        self.fence.event(event);
        if let Some(lanes) = &mut self.lanes
            && lanes.takes(event)
        {
            drop(lanes.event(event));
        }
        let rows = self.ladder.event(event);
        self.rows(&rows)
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
            Role::Prose => self.prose(text),
            Role::Code => text.trim_end().lines().try_for_each(|line| self.sentence(&format!("    {line}"))),
            Role::Wire => {
                self.fence.begin();
                self.playing = Some(show.unwrap_or_default());
                Ok(())
            }
            Role::Compare => {
                self.fence.end();
                self.lanes = Some(Lanes::new(self.look, NO_WRAPPING, lanes));
                Ok(())
            }
            Role::Skip | Role::Remark => Ok(()),
            Role::Played => {
                self.rows(&rows)?;
                self.played()
            }
        }
    }

    fn prose(&mut self, text: &str) -> io::Result<()> {
        let words: String = prose::spans(Look::default(), text).into_iter().map(|span| span.text).collect();
        self.sentence(&words)
    }

    fn played(&mut self) -> io::Result<()> {
        match self.playing.take() {
            Some(Show::Heads) => self.lines(exchange::stacked(self.look, &self.fence, NO_WRAPPING))?,
            Some(Show::Bits) => self.bits()?,
            Some(Show::Ladder) | None => {}
        }
        if self.hex {
            let dump = |slice| hexdump::draw(self.look, slice, 100);
            self.lines(self.fence.messages.iter().flat_map(dump).collect())?;
        }
        let claims = claims::sentences(&self.fence.claims);
        claims.iter().try_for_each(|text| self.sentence(text))?;
        self.fence.end();
        Ok(())
    }

    /// The handshake and the frames, in words.
    fn bits(&mut self) -> io::Result<()> {
        let mut sentences = Vec::new();
        for exchange in self.fence.all_exchanges() {
            if let (Some(key), Some(seen)) = (&exchange.key, &exchange.accept) {
                let Working { guid, sha1_hex, accept, .. } = Working::of(key);
                let equal = if accept == *seen { "equal" } else { "not equal" };
                sentences.push(format!("key {key} and GUID {guid}: SHA-1 {sha1_hex}, base64 {accept}"));
                sentences.push(format!("accept seen: {seen}, {equal}"));
            }
        }
        for seen in &self.fence.frames {
            let frame = &seen.frame;
            let bits = seen.bytes.as_deref().and_then(|bytes| bytes.first()).copied().unwrap_or_default();
            sentences.push(format!(
                "{} frame: FIN {}, RSV {}, opcode {} {}, MASK {}, length {}, {} on the wire",
                frame.from.word(),
                u8::from(frame.fin),
                (bits >> 4) & 7,
                bits & 0x0f,
                String::from(frame.opcode),
                u8::from(frame.masked),
                units::grouped(frame.len),
                units::bytes(frame.wire_len)
            ));
        }
        sentences.iter().try_for_each(|text| self.sentence(text))
    }

    fn predict(&mut self, text: &str, choices: &[Choice]) -> io::Result<()> {
        self.sentence(&format!("Question: {text}"))?;
        let mut choices = choices.iter().enumerate();
        choices.try_for_each(|(n, choice)| self.sentence(&format!("  {} {}", n + 1, choice.text)))
    }

    /// `name: value` for each transport.
    fn values(&mut self, title: &str, transports: &[Transport], rows: &[scoreboard::Row]) -> io::Result<()> {
        for (n, transport) in transports.iter().enumerate().filter(|_| !rows.is_empty()) {
            let title = if title.is_empty() { String::new() } else { format!(", {title}") };
            self.sentence(&format!("{}{title}", nice(&transport.name)))?;
            for (name, values) in rows {
                let value = values.get(n).map(String::as_str).unwrap_or_default();
                self.sentence(&format!("  {}: {value}", name.trim_start()))?;
            }
        }
        Ok(())
    }

    fn summary(&mut self, seconds: f64, transports: &[Transport]) -> io::Result<()> {
        self.values("", transports, &scoreboard::measured(transports))?;
        let lanes = self.lanes.take();
        let delays = lanes.as_ref().map(|lanes| delays::sentences(transports, lanes)).unwrap_or_default();
        delays.iter().try_for_each(|text| self.sentence(text))?;
        let scaled = scoreboard::scaled(seconds, transports, lanes.as_ref());
        if !scaled.is_empty() {
            self.sentence(&format!("{}: {}", scoreboard::MANY, scoreboard::ASSUMED))?;
        }
        self.values(scoreboard::MANY, transports, &scaled)?;
        verdict::sentences(seconds, transports)
            .iter()
            .try_for_each(|it| self.sentence(&format!("{}{}", it.bold, it.plain)))
    }
}

fn who(conn: ConnId, client: Option<&str>) -> String {
    match labels::client(client) {
        Some(name) => format!("{conn} {name}"),
        None => conn.to_string(),
    }
}

impl<O: Out> View for Plain<O> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
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
            Kind::Step { n, of, title, .. } => self.sentence(&format!("Step {n} of {of}: {title}")),
            Kind::Say { .. } => self.say(event),
            Kind::Predict { text, choices, .. } => self.predict(text, choices),
            Kind::Answer { right, text, because, chosen, .. } => {
                let chosen = chosen.map(|it| format!("You chose {it}. ")).unwrap_or_default();
                let text = text.trim_end_matches('.');
                self.prose(&format!(
                    "{chosen}Answer: {right}, {text}. {}",
                    because.as_deref().unwrap_or_default()
                ))
            }
            Kind::Claim(claim) => {
                self.fence.event(event);
                let rows = self.ladder.event(event);
                self.rows(&rows)?;
                if claim.held == Some(false) { self.sentence(&claims::disagreement(claim)) } else { Ok(()) }
            }
            Kind::Summary { seconds, transports } => self.summary(seconds.seconds(), transports),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.playing.is_some() { self.played() } else { Ok(()) }
    }
}
