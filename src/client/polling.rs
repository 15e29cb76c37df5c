//! Short polling with reqwest: ask every so often, over a connection that closes each time, or over one that stays.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use serde_json::json;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::line::{ended, no_connection, refusal};
use super::running::{Ending, Health};
use super::transport::{Lane, LaneError, Running, Speech, Transport};
use super::{Counts, Trust};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

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

    fn run(self: Box<Self>, lane: Lane) -> Running {
        Box::pin(async move { poll(lane, self.close).await })
    }
}

/// Who asks.
struct Asker {
    client: reqwest::Client,
    url: String,
    counts: Arc<Counts>,
    health: Health,
}

/// Why there is no answer.
enum Failed {
    /// No connection could be made: the request was certainly not taken.
    Unreachable(String),
    /// Perhaps it was.
    Broke(String),
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
            let Some(untaken) = ending.or_soon(asker.say(&speech)).await else { break };
            unsaid = untaken?.then_some(speech);
        }
        if asks && ending.or_soon(asker.ask(&mut lane)).await.transpose()?.is_none() {
            break;
        }
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
        let scheme = if lane.trust.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/api/messages", lane.server);
        let (client, counts) = (client(lane.trust.as_ref(), close)?, Arc::clone(&lane.counts));
        Ok(Self { client, url, health: Health::new(&counts), counts })
    }

    /// Asks for what is new. Where that fails, the next question is for the same.
    async fn ask(&mut self, lane: &mut Lane) -> Result<(), LaneError> {
        let query = lane.ear.last().map_or_else(String::new, |id| format!("?since={id}"));
        let request = self.client.get(format!("{}{query}", self.url));
        match self.exchange(request, 0).await {
            Ok((StatusCode::OK, body)) => {
                self.health.works();
                self.counts.empty.add(u64::from(body == "[]"));
                let conn = lane.ear.newest_conn_to(lane.server);
                lane.ear.answer(&body, conn);
                Ok(())
            }
            Ok((status, body)) => Err(LaneError::Ended(refusal(status, &body))),
            Err(Failed::Broke(why)) => {
                self.health.broke(why);
                Ok(())
            }
            Err(Failed::Unreachable(why)) => {
                self.health.unreachable(why);
                Ok(())
            }
        }
    }

    /// Says something; what it said itself, the client learns of like everybody: from the list. True where it has to be said
    /// again. Where nobody knows whether the server took it, it is not: it might be heard twice.
    async fn say(&mut self, Speech { from, text }: &Speech) -> Result<bool, LaneError> {
        let body = json!({ "from": from, "text": text }).to_string();
        let len = body.len() as u64;
        let request = self.client.post(&self.url).header(CONTENT_TYPE, "application/json").body(body);
        match self.exchange(request, len).await {
            Ok((StatusCode::CREATED, _)) => self.health.works(),
            Ok((status, body)) => return Err(LaneError::Ended(refusal(status, &body))),
            Err(Failed::Broke(why)) => self.health.broke(why),
            Err(Failed::Unreachable(why)) => {
                self.health.unreachable(why);
                return Ok(true);
            }
        }
        self.counts.sent.add(1);
        Ok(false)
    }

    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        len: u64,
    ) -> Result<(StatusCode, Bytes), Failed> {
        let response = request.send().await.map_err(|error| failed(&error));
        if !matches!(response, Err(Failed::Unreachable(_))) {
            self.counts.requests.add(1);
            self.counts.content_sent.add(len);
        }
        let mut response = response?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| failed(&error))? {
            self.counts.content_heard.add(piece.len() as u64);
            body.extend_from_slice(&piece);
        }
        Ok((status, body.into()))
    }
}

/// In words.
fn failed(error: &reqwest::Error) -> Failed {
    let mut cause = error.source();
    let cause = loop {
        match cause {
            Some(found) if found.is::<io::Error>() => break found.downcast_ref::<io::Error>(),
            Some(other) => cause = other.source(),
            None => break None,
        }
    };
    match cause {
        Some(cause) if error.is_connect() => Failed::Unreachable(no_connection(cause)),
        None if error.is_connect() => Failed::Unreachable("no connection".into()),
        _ if error.is_timeout() => Failed::Broke(format!("no answer came within {} s", PATIENCE.as_secs())),
        cause => Failed::Broke(ended(cause.map(io::Error::kind))),
    }
}

fn client(trust: Option<&Trust>, close: bool) -> Result<reqwest::Client, LaneError> {
    // Always its own: without one, reqwest would look for those of the system, which takes a while for each client.
    let tls = trust.map_or_else(Trust::nobody, |trust| Ok(trust.of_its_own()));
    let tls = tls.map_err(|error| LaneError::Ended(error.to_string()))?;
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .tls_backend_preconfigured((**tls.config()).clone())
        // However seldom one asks, it is the same connection; and no task has to look after it.
        .pool_idle_timeout(None);
    if close {
        let headers = [(CONNECTION, HeaderValue::from_static("close"))];
        builder = builder.default_headers(headers.into_iter().collect()).pool_max_idle_per_host(0);
    }
    Ok(builder.build()?)
}
