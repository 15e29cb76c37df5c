//! One connection for all requests, with reqwest, which keeps it open as long as it is not told otherwise.
//!
//! It ends it by its own way: with TLS it says `close_notify` and closes, without waiting for the server's, so that the kernel
//! answers that with a reset. Nothing is lost by it.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use reqwest::header::CONTENT_TYPE;

use super::{Answer, Failed, PATIENCE, Question};
use crate::client::line::{ended, no_connection};
use crate::client::transport::LaneError;
use crate::client::{Counts, Lane, Trust};

/// Who keeps it.
pub(super) struct Keeping {
    client: reqwest::Client,
    /// Where the server is.
    base: String,
    counts: Arc<Counts>,
    /// The last request was answered: the next one finds a connection.
    connected: bool,
}

/// A request, which is counted when it is known to be on the wire, or when nobody waits for its answer any more.
struct Asked {
    counts: Arc<Counts>,
    /// Of its content, bytes.
    len: u64,
    /// As far as that is known.
    on_the_wire: bool,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.on_the_wire {
            self.counts.requests.add(1);
            self.counts.content_sent.add(self.len);
        }
    }
}

impl Keeping {
    pub fn new(lane: &Lane) -> Result<Self, LaneError> {
        let scheme = if lane.trust.is_some() { "https" } else { "http" };
        let (base, counts) = (format!("{scheme}://{}", lane.server), Arc::clone(&lane.counts));
        Ok(Self { client: client(lane)?, base, counts, connected: false })
    }

    pub async fn exchange(&mut self, Question { target, words }: Question) -> Result<Answer, Failed> {
        let url = format!("{}{target}", self.base);
        let len = words.as_ref().map_or(0, String::len) as u64;
        let request = match words {
            None => self.client.get(url),
            Some(words) => self.client.post(url).header(CONTENT_TYPE, "application/json").body(words),
        };
        let on_the_wire = std::mem::take(&mut self.connected);
        let mut asked = Asked { counts: Arc::clone(&self.counts), len, on_the_wire };
        let response = request.send().await.map_err(|error| failed(&error));
        asked.on_the_wire = !matches!(response, Err(Failed { unreachable: true, .. }));
        drop(asked);
        let mut response = response?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| failed(&error))? {
            self.counts.content_heard.add(piece.len() as u64);
            body.extend_from_slice(&piece);
        }
        self.connected = true;
        Ok(Answer { status, body: body.into(), local: None })
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
        Some(cause) if error.is_connect() => Failed::unreachable(no_connection(cause)),
        None if error.is_connect() => Failed::unreachable("no connection".into()),
        _ if error.is_timeout() => Failed::late(),
        cause => Failed::broke(ended(cause.map(io::Error::kind))),
    }
}

fn client(lane: &Lane) -> Result<reqwest::Client, LaneError> {
    // Always its own: without one, reqwest would look for those of the system, which takes a while for each client.
    let tls = lane.trust.as_ref().map_or_else(Trust::nobody, |trust| Ok(trust.of_its_own()));
    let tls = tls.map_err(|error| LaneError::Ended(error.to_string()))?;
    let builder = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE + lane.stall)
        .tls_backend_preconfigured((**tls.config()).clone())
        // However seldom one asks, it is the same connection; and no task has to look after it.
        .pool_idle_timeout(None);
    Ok(builder.build()?)
}
