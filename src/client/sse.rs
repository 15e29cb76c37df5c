//! Server-Sent Events: one answer that does not end.

use std::time::Duration;

use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode};
use tokio::time::sleep;

use super::dialer::Dialer;
use super::inbox::Body;
use super::line::{Line, refusal};
use super::mouth::Mouth;
use super::running::{Ending, Health};
use super::streamed::{Blocks, Streamed};
use super::transport::{Lane, LaneError, Running, Transport};
use super::{Clock, Ear};

/// How soon to come back where the server says nothing about that.
const RETRY: Duration = Duration::from_secs(3);

/// The most of a refusal that is read, bytes.
const MAX_REFUSAL: usize = 64 * 1024;

/// The transport.
#[derive(Debug)]
pub(super) struct Sse;

impl Transport for Sse {
    fn name(&self) -> &'static str {
        "sse"
    }

    fn client_talks_by(&self) -> &'static str {
        "second connection"
    }

    fn run(self: Box<Self>, lane: Lane) -> Running {
        Box::pin(run(lane))
    }
}

/// What an `EventSource` keeps from one connection to the next (WHATWG HTML, 9.2.2).
struct Source {
    clock: Clock,
    ear: Ear,
    health: Health,
    /// Whether any connection has brought anything.
    begun: bool,
    last_id: String,
    retry: Duration,
}

/// Why a stream is over.
enum Ended {
    /// It broke, or the server ended it: one comes back.
    Broke(String),
    /// The server does not want it: one does not come back.
    Refused(String),
}

async fn run(lane: Lane) -> Result<(), LaneError> {
    let dialer = Dialer::of(&lane, "sse");
    let ending = Ending::of(&lane);
    let Lane { clock, ear, speech, counts, .. } = lane;
    let mut mouth = Mouth::new(&dialer, speech, ending);
    mouth.during(clock.connects()).await?;
    let health = Health::new(&counts);
    let mut source = Source { clock, ear, health, begun: false, last_id: String::new(), retry: RETRY };
    let mut open = None;
    while !mouth.is_over() {
        match mouth.during(Line::dial(&dialer)).await? {
            Some(Ok(mut line)) => {
                let request = source.request(&dialer.host())?;
                match mouth.on(&line.leave(), source.listen(&mut line, request)).await? {
                    Some(Ended::Refused(why)) => return Err(LaneError::Ended(why)),
                    Some(Ended::Broke(why)) if !mouth.is_over() => source.health.broke(why),
                    Some(Ended::Broke(_)) => open = Some(line),
                    None => {}
                }
            }
            Some(Err(why)) if !source.begun => return Err(LaneError::Ended(why)),
            Some(Err(why)) => source.health.unreachable(why),
            None => {}
        }
        mouth.during(sleep(source.retry)).await?;
    }
    mouth.end(open).await;
    source.health.verdict()
}

impl Source {
    fn request(&self, host: &str) -> Result<Request<Body>, LaneError> {
        let mut request = Request::get("/api/events").header(HOST, host).header(ACCEPT, "text/event-stream");
        if !self.last_id.is_empty() {
            request = request.header("last-event-id", &self.last_id);
        }
        request.body(Body::default()).map_err(|error| LaneError::Ended(error.to_string()))
    }

    /// Hears one stream to its end.
    async fn listen(&mut self, line: &mut Line, request: Request<Body>) -> Ended {
        let response = match line.send(request).await {
            Ok(response) => response,
            Err(broken) => return Ended::Broke(broken.why),
        };
        let (status, is_stream) = (response.status(), is_stream(&response));
        let mut body = response.into_body();
        if status != StatusCode::OK || !is_stream {
            let mut text = Vec::new();
            while let Some(Ok(piece)) = line.piece(&mut body).await
                && text.len() < MAX_REFUSAL
            {
                text.extend_from_slice(&piece);
            }
            return Ended::Refused(refusal(status, &text));
        }
        let mut blocks = Blocks::default();
        loop {
            match line.piece(&mut body).await {
                Some(Ok(piece)) => {
                    let streamed = blocks.feed(&piece);
                    if !streamed.is_empty() {
                        self.works();
                    }
                    streamed.into_iter().for_each(|it| self.hear(it, line));
                }
                Some(Err(broken)) => return Ended::Broke(broken.why),
                None => return Ended::Broke("the server ended the stream".into()),
            }
        }
    }

    fn works(&mut self) {
        self.health.works();
        if !std::mem::replace(&mut self.begun, true) {
            self.clock.ready();
        }
    }

    fn hear(&mut self, streamed: Streamed, line: &Line) {
        match streamed {
            Streamed::Event { name, data } if name == "message" => {
                self.ear.answer(data.as_bytes(), self.ear.conn_from(line.local));
            }
            Streamed::Event { .. } => {}
            Streamed::Id(id) => self.last_id = id,
            Streamed::Retry(millis) => self.retry = Duration::from_millis(millis),
        }
    }
}

fn is_stream<B>(response: &Response<B>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}
