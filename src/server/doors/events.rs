//! `GET /api/events`: Server-Sent Events (WHATWG HTML, 9.2).

use std::fmt::Write as _;
use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::server::context::{Body, Context};
use crate::server::presence::Presence;
use crate::server::shutdown::Guard;
use crate::server::store::{Following, News, NewsId};

/// How soon a browser shall come back when the stream has ended, milliseconds.
const RETRY: u32 = 2_000;

/// How often something is sent to a reader where nothing happens, so that everything between the two knows that it is still
/// there. Only by a server with limits: in a lesson nothing is sent because time passes.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How much is said at once, bytes, and a block more.
const MAX_TURN: usize = 64 * 1024;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The stream of what happens to the list.
pub(in crate::server) fn stream<B>(
    request: &Request<B>,
    context: &Context,
    presence: &Presence,
) -> Response<Body> {
    let since = since(request.headers());
    let Following { missed, at, news, .. } = context.store.follow(since);
    let first = stream::iter(opening(missed, at));
    let feed = Feed {
        news,
        keep_alive: context.options.limits.idle.map(|_| every(KEEP_ALIVE)),
        guard: context.shutdown.guard(),
        presence: presence.clone(),
    };
    let rest = stream::unfold(feed, |mut feed| async { Some((feed.next().await?, feed)) });
    let mut response = Response::new(Body::feed(first.chain(rest)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What the client heard last. What is no id of ours is as none.
fn since(headers: &HeaderMap) -> Option<NewsId> {
    headers.get(LAST_EVENT_ID)?.to_str().ok()?.parse().ok()
}

/// When to come back, what was missed, and the id of where the list is now: whoever leaves before the first event can say so
/// on coming back. What was missed is put together when it is its turn.
fn opening(missed: Vec<News>, at: NewsId) -> impl Iterator<Item = Bytes> {
    let up_to_date = missed.last().is_some_and(|last| last.id == at);
    let mut missed = missed.into_iter();
    let mut begun = false;
    std::iter::from_fn(move || {
        let mut text = String::new();
        if !std::mem::replace(&mut begun, true) {
            let _ = write!(text, "retry: {RETRY}\n\n");
            if !up_to_date && missed.len() == 0 {
                let _ = write!(text, "id: {at}\n\n");
            }
        }
        while text.len() < MAX_TURN
            && let Some(news) = missed.next()
        {
            block(&news, &mut text);
            if missed.len() == 0 && !up_to_date {
                let _ = write!(text, "id: {at}\n\n");
            }
        }
        (!text.is_empty()).then(|| text.into())
    })
}

/// One event.
fn block(news: &News, text: &mut String) {
    // The data is JSON on one line.
    let _ = write!(text, "event: {}\nid: {}\ndata: {}\n\n", news.event, news.id, news.data());
}

fn every(time: Duration) -> Interval {
    let mut ticks = tokio::time::interval_at(Instant::now() + time, time);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// What one reader is still to hear.
struct Feed {
    news: Receiver<News>,
    keep_alive: Option<Interval>,
    guard: Guard,
    presence: Presence,
}

impl Feed {
    /// What there is to say next. None ends the stream: the server stops, or the reader has left, or it fell so far behind that
    /// something is lost; it will come back and say what it heard last.
    async fn next(&mut self) -> Option<Bytes> {
        let first = tokio::select! {
            biased;
            () = self.guard.told() => return None,
            news = self.news.recv() => match news {
                Ok(news) => news,
                Err(RecvError::Lagged(_) | RecvError::Closed) => return None,
            },
            // Nobody asks for a stream of events and then half-closes.
            () = self.presence.left() => return None,
            () = tick(&mut self.keep_alive) => return Some(Bytes::from_static(b":\n\n")),
        };
        let mut text = String::new();
        block(&first, &mut text);
        while text.len() < MAX_TURN
            && let Ok(news) = self.news.try_recv()
        {
            block(&news, &mut text);
        }
        if let Some(ticks) = &mut self.keep_alive {
            ticks.reset();
        }
        Some(text.into())
    }
}

async fn tick(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => pending().await,
    }
}
