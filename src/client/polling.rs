//! Short polling with reqwest: ask every so often, over a connection that closes each time, or over one that stays.

use std::time::Duration;

use reqwest::header::{CONNECTION, HeaderValue};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval_at};

use super::transport::{Lane, LaneError, Running, Speech, Transport};

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

async fn poll(mut lane: Lane, close: bool) -> Result<(), LaneError> {
    let client = client(close)?;
    let url = format!("http://{}/api/messages", lane.server);
    lane.clock.ready();
    let start = lane.clock.started().await;
    let mut ticks = interval_at(start + lane.phase, lane.poll);
    // A late answer must not make two requests follow each other at once.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let response = tokio::select! {
            biased;
            () = lane.clock.over() => return Ok(()),
            // Before the next question: where a round trip takes as long as a poll, there is always one to be asked.
            Some(Speech { from, text }) = lane.speech.recv() => {
                client.post(&url).json(&json!({ "from": from, "text": text })).send().await?
            }
            _ = ticks.tick() => {
                let query = lane.ear.last().map_or_else(String::new, |id| format!("?since={id}"));
                client.get(format!("{url}{query}")).send().await?
            }
        };
        let posted = response.status() == reqwest::StatusCode::CREATED;
        let conn = lane.ear.newest_conn_to(lane.server);
        let body = response.error_for_status()?.bytes().await?;
        // What it said itself, it learns of like everybody: from the list.
        if !posted {
            lane.ear.answer(&body, conn);
        }
    }
}

fn client(close: bool) -> Result<reqwest::Client, LaneError> {
    let mut builder = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    if close {
        let headers = [(CONNECTION, HeaderValue::from_static("close"))];
        builder = builder.default_headers(headers.into_iter().collect()).pool_max_idle_per_host(0);
    }
    Ok(builder.build()?)
}
