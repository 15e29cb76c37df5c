//! Goes through a lesson, step by step.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::Person;
use crate::lesson::pace::{Asking, Go, Pacer, Reply, Stop, Working};
use crate::lesson::script::{Lesson, Part, Prose, Question};
use crate::lesson::template;
use crate::server::{Options, Servers};
use crate::tap::{Network, Taps};
use crate::timeline::{Claim, Kind, Role, Seq, Side, State};

use super::changes::Changes;
use super::haste::Haste;
use super::measured::Measured;
use super::needs::{has_transcripts, lesson_end, parts, ports_needed, speakers};
use super::skip::Manner;
use super::stage::{PortError, Ports, Stage};

/// How long what clients do may take to be seen.
const SETTLING: Duration = Duration::from_secs(1);

/// What a command's flags change in a lesson.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// What is different in a compare.
    pub changes: Changes,
    /// What is added to the network. A round trip that is none leaves a compare its own.
    pub network: Network,
    /// The step to begin with, from 1: what comes before it happens, as fast as it can, and is not told. 0 is the first.
    pub from: u64,
    /// Whether the first claim that does not hold ends the lesson.
    pub strict: bool,
}

/// How a lesson went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Claims that did not hold.
    pub broken: usize,
    /// The step that is to run once more.
    pub again: Option<u64>,
    /// What was predicted.
    pub predictions: Predictions,
    /// Where it listened.
    pub ports: Vec<u16>,
}

/// What was predicted: the choice, from 1, by the line of the question. A second answer to a question replaces the first.
pub type Predictions = BTreeMap<usize, u64>;

/// Why a lesson cannot be played on.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// No server.
    #[error(transparent)]
    Port(#[from] PortError),
    /// No connection, or a request that cannot be made.
    #[error("line {line}: {what}")]
    Line {
        /// In the lesson's file.
        line: usize,
        /// What happened.
        what: String,
    },
}

/// Plays one lesson.
pub struct Player<'a> {
    pub(super) lesson: &'a Lesson,
    pub(super) taps: Taps,
    pub(super) servers: Servers,
    pub(super) ports: Ports,
    pub(super) flags: Flags,
    /// Opened by the first transcript; a lesson that only compares has none.
    pub(super) stage: Option<Stage>,
    /// What the facts add up to, as far as they were read.
    pub(super) state: State,
    pub(super) measured: Measured,
    pub(super) captures: HashMap<String, String>,
    /// In whose names the lesson speaks: what others say is a guest's.
    pub(super) speakers: HashSet<String>,
    /// Who sent something or was answered last in this transcript.
    pub(super) spoke: Option<String>,
    pub(super) outcome: Outcome,
    pub(super) read: Seq,
    pub(super) manner: Manner,
    pacer: &'a mut dyn Pacer,
    words: usize,
    /// Asked, and to be answered after the next run, with what was chosen.
    pub(super) asked: Option<(&'a Question, Option<u64>)>,
    /// What was told when somebody last said to go on: a stop right there would be one too many.
    agreed: Seq,
    /// Where it is told that somebody does not want to wait.
    pub(super) haste: Haste,
    /// Whether somebody did not.
    pub(super) cut_short: bool,
}

impl<'a> Player<'a> {
    /// Starts the lesson's server, if one of its transcripts will need it.
    ///
    /// # Errors
    /// Where a port cannot be had.
    pub async fn new(
        lesson: &'a Lesson,
        taps: Taps,
        servers: Servers,
        mut ports: Ports,
        flags: Flags,
        pacer: &'a mut dyn Pacer,
    ) -> Result<Self, PlayError> {
        ports.bind(ports_needed(lesson, &flags)).await?;
        let mut player = Self {
            lesson,
            taps,
            servers,
            ports,
            flags,
            stage: None,
            state: State::default(),
            measured: Measured::default(),
            captures: HashMap::new(),
            speakers: speakers(lesson),
            spoke: None,
            outcome: Outcome::default(),
            read: Seq(0),
            manner: Manner::default(),
            pacer,
            words: 0,
            asked: None,
            agreed: Seq(0),
            haste: Haste::default(),
            cut_short: false,
        };
        if has_transcripts(lesson) {
            player.stage()?;
        }
        Ok(player)
    }

    /// The same with what was predicted in an earlier run.
    #[must_use]
    pub fn predicted(mut self, predictions: Predictions) -> Self {
        self.outcome.predictions = predictions;
        self
    }

    /// The same, for somebody who may not want to wait.
    #[must_use]
    pub fn hasted(mut self, haste: Haste) -> Self {
        self.haste = haste;
        self
    }

    /// Plays it to its end, and stops the server.
    ///
    /// # Errors
    /// Where it cannot go on.
    pub async fn play(mut self) -> Result<Outcome, PlayError> {
        let own = self.address().map(|address| address.port());
        self.outcome.ports = own.into_iter().chain(self.ports.numbers()).collect();
        let where_to = self.listens();
        self.tell(Role::Title, &self.lesson.title, where_to);
        let played = self.steps().await;
        self.answer();
        self.unexpected(lesson_end(self.lesson)).await;
        self.servers.stop().await;
        played?;
        Ok(self.outcome)
    }

    /// `loopback 127.0.0.1:53817, no added delay`, or what is added; nothing where there is nothing to connect to.
    fn listens(&self) -> Option<String> {
        let ports = listed(&self.outcome.ports)?;
        let once_more = if self.ports.is_again() { "once more, on a new server: " } else { "" };
        let network = self.flags.network;
        // Where a workload adds its own, it says so itself.
        let own = parts(self.lesson)
            .any(|part| matches!(part, Part::Compare(workload) if workload.network.is_changed()));
        let added = if own && !network.is_changed() { String::new() } else { format!(", {network}") };
        Some(format!("{once_more}loopback 127.0.0.1:{ports}{added}"))
    }

    async fn steps(&mut self) -> Result<(), PlayError> {
        let lesson = self.lesson;
        let first = self.skip().await?;
        let intro = if first == 1 { lesson.intro.as_slice() } else { &[] };
        for part in intro {
            self.part(part).await?;
        }
        let of = lesson.steps.len() as u64;
        for (step, n) in lesson.steps.iter().zip(1..).skip_while(|(_, n)| *n < first) {
            if self.is_over() {
                return Ok(());
            }
            let title = step.title.clone();
            self.taps.bus().append(Kind::Step { lesson: lesson.name.clone(), n, of, title });
            for part in &step.parts {
                let go = self.part(part).await?;
                if go != Go::On {
                    self.outcome.again = again(go);
                    return Ok(());
                }
                if self.is_over() {
                    return Ok(());
                }
            }
            if n == of {
                self.answer();
                self.score();
            }
            let go = self.stop(n, of).await;
            if go != Go::On {
                self.outcome.again = again(go);
                return Ok(());
            }
        }
        Ok(())
    }

    async fn stop(&mut self, step: u64, of: u64) -> Go {
        let words = std::mem::take(&mut self.words);
        let shown = self.taps.bus().last();
        // The last step has its stop as well: whoever watches may want to look at its bytes.
        let go = if shown == self.agreed {
            Go::On
        } else {
            self.pacer.pause(Stop { step, of, words, shown }).await
        };
        self.agreed = self.taps.bus().last();
        go
    }

    async fn part(&mut self, part: &'a Part) -> Result<Go, PlayError> {
        match part {
            Part::Prose(prose) => self.prose(prose),
            Part::Code { lang, text, .. } => self.tell(Role::Code, text, Some(lang.clone())),
            Part::Note { .. } => {}
            Part::Predict(question) => return Ok(self.ask(question).await),
            Part::Wire(wire) => {
                self.transcript(wire).await?;
                self.answer();
            }
            Part::Compare(workload) => {
                self.workload(workload).await?;
            }
        }
        Ok(Go::On)
    }

    /// Shows that something is under way, until the answer is dropped.
    pub(super) fn working(&mut self, what: &str, time: Duration) -> Box<dyn Working> {
        self.pacer.working(what, time)
    }

    fn prose(&mut self, prose: &Prose) {
        self.catch_up();
        let text = self.fill(&prose.text);
        self.tell(Role::Prose, &text, None);
    }

    async fn ask(&mut self, question: &'a Question) -> Go {
        self.answer();
        self.put(question);
        let words = std::mem::take(&mut self.words);
        let asking = Asking { choices: question.choices.len() as u64, words, shown: self.taps.bus().last() };
        let reply = self.pacer.ask(asking).await;
        self.agreed = self.taps.bus().last();
        let (chosen, go) = match reply {
            Reply::Chosen(chosen) => (Some(chosen), Go::On),
            Reply::Skipped => (None, Go::On),
            Reply::Left(go) => (None, go),
        };
        self.asked = (go == Go::On).then_some((question, chosen));
        self.outcome.predictions.extend(chosen.map(|chosen| (question.line, chosen)));
        go
    }

    /// Appends the question.
    pub(super) fn put(&mut self, question: &Question) {
        let (text, choices) = (question.text.clone(), question.choices.clone());
        self.count_words(&text);
        choices.iter().for_each(|choice| self.count_words(&choice.text));
        self.taps.bus().append(Kind::Predict { lesson: self.lesson.name.clone(), text, choices });
    }

    /// After the run that answers the question.
    pub(super) fn answer(&mut self) {
        let Some((question, chosen)) = self.asked.take() else { return };
        let right: Vec<_> = question.choices.iter().zip(1..).filter(|(choice, _)| choice.right).collect();
        let text = right.iter().map(|(choice, _)| choice.text.as_str()).collect::<Vec<_>>().join("; ");
        self.catch_up();
        let because = question.because.as_ref().map(|because| self.fill(because));
        self.count_words(because.as_deref().unwrap_or_default());
        self.taps.bus().append(Kind::Answer {
            lesson: self.lesson.name.clone(),
            right: right.first().map_or(0, |(_, n)| *n),
            text,
            because,
            chosen,
        });
    }

    /// How many predictions came true.
    fn score(&mut self) {
        let predictions = &self.outcome.predictions;
        if predictions.is_empty() {
            return;
        }
        let questions = parts(self.lesson).filter_map(|part| match part {
            Part::Predict(question) => Some(question),
            Part::Prose(_) | Part::Code { .. } | Part::Wire(_) | Part::Compare(_) | Part::Note { .. } => None,
        });
        let right = questions.filter(|question| {
            let chosen = predictions.get(&question.line).and_then(|chosen| usize::try_from(*chosen).ok());
            let choice = chosen.and_then(|chosen| question.choices.get(chosen.wrapping_sub(1)));
            choice.is_some_and(|choice| choice.right)
        });
        let text = format!("Your predictions: {} of {} right.", right.count(), predictions.len());
        self.tell(Role::Prose, &text, None);
    }

    /// Tells something.
    pub(super) fn tell(&mut self, role: Role, text: &str, detail: Option<String>) {
        self.count_words(text);
        self.say(role, text, detail, (None, None));
    }

    /// A remark for the margin of that client's next row in that direction, or of the row of that packet.
    pub(super) fn remark(&mut self, text: &str, client: &str, from: Side, packet: Option<String>) {
        self.say(Role::Remark, text, Some(client.into()), (Some(from), packet));
    }

    fn say(
        &mut self,
        role: Role,
        text: &str,
        detail: Option<String>,
        (from, packet): (Option<Side>, Option<String>),
    ) {
        self.taps.bus().append(Kind::Say {
            lesson: self.lesson.name.clone(),
            role,
            text: text.into(),
            detail,
            show: None,
            from,
            packet,
            lanes: Vec::new(),
        });
    }

    fn count_words(&mut self, text: &str) {
        self.words += text.split_whitespace().count();
    }

    /// Tells whether a statement held.
    pub(super) fn claim(&mut self, claim: Claim) {
        self.outcome.broken += usize::from(claim.held == Some(false));
        self.taps.bus().append(Kind::Claim(claim));
    }

    /// Reads the facts that came since the last time.
    pub(super) fn catch_up(&mut self) {
        for event in self.taps.bus().after(self.read) {
            self.read = event.seq;
            self.state.event(&event);
            self.measured.event(&event, &self.state);
        }
    }

    /// The lesson's server and clients.
    ///
    /// # Errors
    /// Where a port cannot be had.
    pub(super) fn stage(&mut self) -> Result<&mut Stage, PlayError> {
        match &mut self.stage {
            Some(stage) => Ok(stage),
            stage @ None => {
                let heartbeat = self.lesson.heartbeat;
                let options = Options { heartbeat, network: self.flags.network, ..Options::default() };
                let opened = Stage::open(&self.taps, &self.servers, &mut self.ports, options)?;
                Ok(stage.insert(opened))
            }
        }
    }

    /// What may take so long may take longer over a changed network: a new connection and an answer are two round trips, its
    /// orderly end two more.
    pub(super) fn patience(&self, time: Duration) -> Duration {
        patience(self.flags.network, time)
    }

    /// Where the lesson's server listens.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.stage.as_ref().map(|stage| stage.server.address)
    }

    /// Waits until something is so of every client: a second at most, since a network may be stalled.
    pub(super) async fn settle(&mut self, is_so: impl Fn(&Person, &State) -> bool) {
        let deadline = Instant::now() + self.patience(SETTLING);
        loop {
            self.catch_up();
            let state = &self.state;
            if self.stage.iter_mut().flat_map(Stage::people).all(|(_, person)| is_so(person, state)) {
                return;
            }
            // Whatever a client does, it ends in an event.
            let bus = self.taps.bus().clone();
            if tokio::time::timeout_at(deadline, bus.find(self.read, |_| Some(()))).await.is_err() {
                return self.catch_up();
            }
        }
    }

    /// Fills captured and measured values into a text.
    pub(super) fn fill(&self, text: &str) -> String {
        let address = self.address();
        template::fill(text, &|name| match name {
            "host" => address.map(|address| address.ip().to_string()),
            "port" => address.map(|address| address.port().to_string()),
            "api" => address.map(|address| format!("http://{address}/api/messages")),
            "ws" => address.map(|address| format!("ws://{address}/ws")),
            _ => self.captures.get(name).cloned().or_else(|| self.measured.get(name, &self.state)),
        })
    }
}

/// How many ports are told one by one.
const FEW: usize = 4;

/// `53817`, `53817, :53820`, `53817 to :53834`, `53817 and 17 more`
fn listed(ports: &[u16]) -> Option<String> {
    let (first, rest) = ports.split_first()?;
    let consecutive = ports.windows(2).all(|pair| matches!(pair, [a, b] if a.checked_add(1) == Some(*b)));
    Some(match rest {
        [.., last] if consecutive && rest.len() > 1 => format!("{first} to :{last}"),
        rest if rest.len() >= FEW => format!("{first} and {} more", rest.len()),
        rest => rest.iter().fold(first.to_string(), |all, port| format!("{all}, :{port}")),
    })
}

pub(super) fn patience(network: Network, time: Duration) -> Duration {
    let stall = network.stall.map_or(Duration::ZERO, |stall| stall.time);
    time + 4 * network.rtt + stall
}

fn again(go: Go) -> Option<u64> {
    match go {
        Go::Again(step) => Some(step),
        Go::On | Go::Quit => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_told_in_a_line() {
        let listed = |ports: &[u16]| listed(ports).unwrap_or_default();
        assert_eq!([listed(&[]), listed(&[3001]), listed(&[3001, 3002])], ["", "3001", "3001, :3002"]);
        assert_eq!(listed(&[40_001, 40_002, 40_003, 40_004]), "40001 to :40004");
        assert_eq!(listed(&[9, 4, 5, 6]), "9, :4, :5, :6");
        assert_eq!(listed(&[9, 4, 5, 6, 7]), "9 and 4 more");
        assert_eq!(listed(&[65_534, 65_535, 0]), "65534, :65535, :0");
    }
}
