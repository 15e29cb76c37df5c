//! Long polling: each answer waits until there is news.

use std::time::Duration;

use hyper::header::{ACCEPT, HOST};
use hyper::{Request, StatusCode};
use tokio::time::{Instant, sleep};

use super::dialer::Dialer;
use super::inbox::Body;
use super::line::{Line, refusal};
use super::mouth::{AGAIN, Mouth};
use super::running::{Ending, Health};
use super::transport::{Lane, LaneError, Running, Transport};

/// How long an answer may wait for news, seconds: as long as the server allows.
const WAIT: u32 = 30;

/// A question that has waited so long, and two round trips, waits for news: whoever does not want it says so sooner.
const ACCEPTED: Duration = Duration::from_millis(50);

/// The longest answer, bytes: the whole list.
const MAX_BODY: usize = 128 << 20;

/// The transport.
#[derive(Debug)]
pub(super) struct LongPoll;

impl Transport for LongPoll {
    fn name(&self) -> &'static str {
        "long-poll"
    }

    fn client_talks_by(&self) -> &'static str {
        "second connection"
    }

    fn run(self: Box<Self>, lane: Lane) -> Running {
        Box::pin(run(lane))
    }
}

/// As a careful loop around `fetch` does it: after a failure it waits a moment before it asks again, and what it missed is in the
/// next answer.
async fn run(lane: Lane) -> Result<(), LaneError> {
    let dialer = Dialer::of(&lane, "long-poll");
    let ending = Ending::of(&lane);
    let Lane { clock, mut ear, speech, counts, rtt, .. } = lane;
    let mut mouth = Mouth::new(&dialer, speech, ending);
    let mut health = Health::new(&counts);
    let mut open: Option<Line> = None;
    let mut begun = false;
    mouth.during(clock.connects()).await?;
    while !mouth.is_over() {
        let reused = open.is_some();
        if open.is_none() {
            match mouth.during(Line::dial(&dialer)).await? {
                Some(Ok(line)) => open = Some(line),
                Some(Err(why)) if !begun => return Err(LaneError::Ended(why)),
                Some(Err(why)) => {
                    health.unreachable(why);
                    mouth.during(sleep(AGAIN)).await?;
                }
                None => {}
            }
        }
        let Some(mut line) = open.take() else { continue };
        if !std::mem::replace(&mut begun, true) {
            // Whatever is made from here on is newer than what it asks for.
            clock.ready();
        }
        let question = question(&dialer.host(), ear.last().unwrap_or(0))?;
        let asked = Instant::now();
        let answer = mouth.on(&line.leave(), line.ask(question, MAX_BODY)).await?;
        if !matches!(answer, Some(Ok(_))) && asked.elapsed() >= ACCEPTED + 2 * rtt {
            // What there is to wait for may never come, and it is back all the same.
            health.works();
        }
        match answer {
            Some(Ok((StatusCode::OK, body))) => {
                health.works();
                counts.empty.add(u64::from(body == "[]"));
                ear.answer(&body, ear.conn_from(line.local));
                open = Some(line);
            }
            Some(Ok((status, body))) => return Err(LaneError::Ended(refusal(status, &body))),
            // It ended between two questions.
            Some(Err(broken)) if broken.untaken && reused => {}
            Some(Err(broken)) if !mouth.is_over() => {
                health.broke(broken.why);
                mouth.during(sleep(AGAIN)).await?;
            }
            Some(Err(_)) | None => {}
        }
    }
    mouth.end(open).await;
    health.verdict()
}

fn question(host: &str, since: u64) -> Result<Request<Body>, LaneError> {
    let target = format!("/api/messages?since={since}&wait={WAIT}");
    let request = Request::get(target).header(HOST, host).header(ACCEPT, "*/*").body(Body::default());
    request.map_err(|error| LaneError::Ended(error.to_string()))
}
