//! Short polling: ask every so often, over a connection that closes each time, or over one that stays.

mod closing;
mod keeping;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::json;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::line::refusal;
use super::running::{Ending, Health};
use super::transport::{Lane, LaneError, Running, Speech, Transport};

use closing::Closing;
use keeping::Keeping;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The list, and who says something adds to it.
const LIST: &str = "/api/messages";

/// Polling.
#[derive(Debug)]
pub(super) struct Polling {
    close: bool,
}

impl Polling {
    /// A connection for each request.
    pub fn closing() -> Self {
        Self { close: true }
    }

    /// One connection for all.
    pub fn keeping_alive() -> Self {
        Self { close: false }
    }
}

impl Transport for Polling {
    fn name(&self) -> &'static str {
        if self.close { "close" } else { "keep-alive" }
    }

    fn client_talks_by(&self) -> &'static str {
        if self.close { "new connection" } else { "new request" }
    }

    fn polls(&self) -> bool {
        true
    }

    fn stays(&self) -> bool {
        !self.close
    }

    fn run(self: Box<Self>, lane: Lane) -> Running {
        Box::pin(async move { poll(lane, self.close).await })
    }
}

/// Who asks.
struct Asker {
    way: Way,
    health: Health,
}

/// Over which connections.
enum Way {
    Close(Closing),
    KeepAlive(Keeping),
}

/// A request.
struct Question {
    /// What is asked for.
    target: String,
    /// The JSON of what is said, where it says something.
    words: Option<String>,
}

/// A whole response.
struct Answer {
    status: StatusCode,
    body: Bytes,
    /// Our address of the connection, where that is known.
    local: Option<SocketAddr>,
}

/// Why there is no answer.
struct Failed {
    /// In words.
    why: String,
    /// The request was certainly not taken. Otherwise, perhaps it was.
    untaken: bool,
    /// No connection could be made.
    unreachable: bool,
}

impl Failed {
    fn unreachable(why: String) -> Self {
        Self { why, untaken: true, unreachable: true }
    }

    fn broke(why: String) -> Self {
        Self { why, untaken: false, unreachable: false }
    }

    fn late() -> Self {
        Self::broke(format!("no answer came within {} s", PATIENCE.as_secs()))
    }
}

async fn poll(mut lane: Lane, close: bool) -> Result<(), LaneError> {
    let mut asker = Asker::new(&lane, close)?;
    let mut ending = Ending::of(&lane);
    lane.clock.ready();
    let Some(start) = ending.or(lane.clock.started()).await else { return Ok(()) };
    let mut ticks = ticks(start + lane.phase, lane.poll.max(Duration::from_millis(1)));
    // Words that the server certainly did not take: they are said again at the next poll.
    let mut unsaid: Option<Speech> = None;
    loop {
        let said = tokio::select! {
            biased;
            () = ending.wait() => break,
            // Before the next question: where a round trip takes as long as a poll, there is always one to be asked.
            Some(speech) = lane.speech.recv(), if unsaid.is_none() => Some(speech),
            _ = ticks.tick() => None,
        };
        let asks = said.is_none();
        if let Some(speech) = said.or(unsaid.take()) {
            let Some(untaken) = ending.or_soon(asker.say(&speech, &lane)).await else { break };
            unsaid = untaken?.then_some(speech);
        }
        if asks && ending.or_soon(asker.ask(&mut lane)).await.transpose()?.is_none() {
            break;
        }
    }
    if let Way::Close(closing) = asker.way {
        closing.end(ending.grace).await;
    }
    asker.health.verdict()
}

/// A late answer must not make two requests follow each other at once.
fn ticks(first: Instant, poll: Duration) -> Interval {
    let mut ticks = interval_at(first, poll);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

impl Asker {
    fn new(lane: &Lane, close: bool) -> Result<Self, LaneError> {
        let way = if close { Way::Close(Closing::new(lane)) } else { Way::KeepAlive(Keeping::new(lane)?) };
        Ok(Self { way, health: Health::new(&lane.counts) })
    }

    /// Asks for what is new. Where that fails, the next question is for the same.
    async fn ask(&mut self, lane: &mut Lane) -> Result<(), LaneError> {
        let query = lane.ear.last().map_or_else(String::new, |id| format!("?since={id}"));
        match self.exchange(Question { target: format!("{LIST}{query}"), words: None }).await {
            Ok(Answer { status: StatusCode::OK, body, local }) => {
                self.health.works();
                lane.counts.empty.add(u64::from(body == "[]"));
                let conn = match local {
                    Some(local) => lane.ear.conn_from(local),
                    None => lane.ear.newest_conn_to(lane.server),
                };
                lane.ear.answer(&body, conn);
            }
            Ok(Answer { status, body, .. }) => return Err(LaneError::Ended(refusal(status, &body))),
            Err(failed) => self.failed(failed),
        }
        Ok(())
    }

    /// Says something; what it said itself, the client learns of like everybody: from the list. True where it has to be said
    /// again. Where nobody knows whether the server took it, it is not: it might be heard twice.
    async fn say(&mut self, Speech { from, text }: &Speech, lane: &Lane) -> Result<bool, LaneError> {
        let words = json!({ "from": from, "text": text }).to_string();
        // A connection that is only for these words brings no news.
        let brings_news = matches!(self.way, Way::KeepAlive(_));
        let mut untaken = false;
        match self.exchange(Question { target: LIST.into(), words: Some(words) }).await {
            Ok(Answer { status: StatusCode::CREATED, .. }) if brings_news => self.health.works(),
            Ok(Answer { status: StatusCode::CREATED, .. }) => {}
            Ok(Answer { status, body, .. }) => return Err(LaneError::Ended(refusal(status, &body))),
            Err(failed) => {
                untaken = failed.untaken;
                if brings_news {
                    self.failed(failed);
                }
            }
        }
        lane.counts.sent.add(u64::from(!untaken));
        Ok(untaken)
    }

    fn failed(&mut self, Failed { why, unreachable, .. }: Failed) {
        if unreachable { self.health.unreachable(why) } else { self.health.broke(why) }
    }

    async fn exchange(&mut self, question: Question) -> Result<Answer, Failed> {
        match &mut self.way {
            Way::Close(closing) => closing.exchange(question).await,
            Way::KeepAlive(keeping) => keeping.exchange(question).await,
        }
    }
}
