//! `/api/messages` and `/api/messages/{id}`: the list, as REST has it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;

use crate::server::content::{self, Content};
use crate::server::context::{Body, Context};
use crate::server::presence::Presence;
use crate::server::problem::Problem;
use crate::server::store::{Change, Draft, StoreError};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The longest name of a sender, bytes.
const MAX_FROM: usize = 64;

type Answer = Result<Response<Body>, Problem>;

/// How long one may wait for news, seconds.
const MAX_WAIT: f64 = 30.0;

/// `/api/messages`
pub(in crate::server) async fn list(
    request: &mut Request<Content>,
    context: &Context,
    presence: &Presence,
) -> Answer {
    if request.method() == Method::POST {
        return add(request, context).await;
    }
    let query = request.uri().query().unwrap_or_default();
    let (since, wait) = (since(query)?, wait(query)?);
    let newer = tokio::select! {
        newer = newer(context, since, wait) => newer,
        // Who says no more waits no longer either: answered at once, and most likely gone.
        () = presence.left(), if !wait.is_zero() => context.store.newer(since),
    };
    let mut response = Response::new(array(newer));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(response)
}

/// A JSON array of values that are encoded already.
fn array(values: Vec<Bytes>) -> Body {
    let mut pieces = VecDeque::with_capacity(2 * values.len() + 1);
    pieces.push_back(Bytes::from_static(b"["));
    for value in values {
        if pieces.len() > 1 {
            pieces.push_back(Bytes::from_static(b","));
        }
        pieces.push_back(value);
    }
    pieces.push_back(Bytes::from_static(b"]"));
    Body::pieces(pieces)
}

async fn add(request: &mut Request<Content>, context: &Context) -> Answer {
    let draft = whole(&content(request, context).await?)?;
    let message = context.store.post(draft).await?;
    let mut response = json(StatusCode::CREATED, &message)?;
    let location = format!("/api/messages/{}", message.id);
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// What is newer. Where nothing is, and one may wait: as soon as something is, or nothing when the time is over or the
/// server stops.
async fn newer(context: &Context, since: Option<u64>, wait: Duration) -> Vec<Bytes> {
    let store = &context.store;
    // Subscribed before looking, so that nothing falls between the two.
    let mut news = (!wait.is_zero()).then(|| store.subscribe());
    let found = store.newer(since);
    let Some(news) = news.as_mut().filter(|_| found.is_empty()) else { return found };
    let mut guard = context.shutdown.guard();
    let waiting = async {
        loop {
            // A change makes nothing newer; one looks in vain, and waits on.
            match news.recv().await {
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Vec::new(),
            }
            let found = store.newer(since);
            if !found.is_empty() {
                return found;
            }
        }
    };
    tokio::select! {
        found = waiting => found,
        () = tokio::time::sleep(wait) => Vec::new(),
        () = guard.told() => Vec::new(),
    }
}

/// `/api/messages/{id}`
pub(in crate::server) async fn one(request: &mut Request<Content>, context: &Context, id: &str) -> Answer {
    let store = &context.store;
    let method = request.method().clone();
    // What is no number is no id of ours: not found, like any other.
    let missing = || Problem::new(StatusCode::NOT_FOUND, format!("there is no message {id}"));
    let id = number(id).ok_or_else(missing)?;
    match method {
        Method::PUT => {
            let Draft { from, text } = whole(&content(request, context).await?)?;
            json(StatusCode::OK, &store.change(id, Change { from: Some(from), text: Some(text) })?)
        }
        Method::PATCH => {
            let change = part(&content(request, context).await?)?;
            json(StatusCode::OK, &store.change(id, change)?)
        }
        Method::DELETE => {
            store.delete(id)?;
            let mut response = Response::new(Body::default());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        _ => json(StatusCode::OK, &store.get(id)?),
    }
}

/// The content, read as JSON into an object.
async fn content(request: &mut Request<Content>, context: &Context) -> Result<Value, Problem> {
    parse(&content::read(request, &context.options.limits).await?)
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}")))?;
    if value.is_object() { Ok(value) } else { Err(unfit("the body must be a JSON object")) }
}

/// A whole message, for POST and PUT.
fn whole(value: &Value) -> Result<Draft, Problem> {
    let Change { from, text } = part(value)?;
    let missing = |name| unfit(&format!("`{name}` is missing; send {{\"from\":\"…\",\"text\":\"…\"}}"));
    Ok(Draft { from: from.ok_or_else(|| missing("from"))?, text: text.ok_or_else(|| missing("text"))? })
}

/// Part of a message, for PATCH.
fn part(value: &Value) -> Result<Change, Problem> {
    let field = |name: &str| match value.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(unfit(&format!("`{name}` must be a string"))),
    };
    let change = Change { from: field("from")?, text: field("text")? };
    if change.from.as_ref().is_some_and(|from| from.len() > MAX_FROM) {
        return Err(unfit(&format!("`from` may have at most {MAX_FROM} bytes")));
    }
    Ok(change)
}

/// What a draft in JSON is, or what is wrong with it: for the doors that are no HTTP requests.
pub(in crate::server) fn draft(value: &Value) -> Result<Draft, Problem> {
    whole(value)
}

/// A parameter of the query, the first of its name; others are nobody's business.
pub(in crate::server) fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// `?since=ID`
fn since(query: &str) -> Result<Option<u64>, Problem> {
    let Some(value) = parameter(query, "since") else { return Ok(None) };
    let bad =
        || Problem::new(StatusCode::BAD_REQUEST, format!("`since` must be the id of a message, not {value}"));
    number(value).map(Some).ok_or_else(bad)
}

/// `?wait=SECONDS`, whole or decimal.
fn wait(query: &str) -> Result<Duration, Problem> {
    let Some(value) = parameter(query, "wait") else { return Ok(Duration::ZERO) };
    let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
    let (whole, part) = value.split_once('.').unwrap_or((value, "0"));
    let decimal = [whole, part]
        .iter()
        .all(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let seconds = value.parse().ok().filter(|_| decimal);
    let seconds: f64 =
        seconds.ok_or_else(|| bad(format!("`wait` must be seconds, such as 20, not {value}")))?;
    if seconds > MAX_WAIT {
        return Err(bad(format!("`wait` may be {MAX_WAIT} seconds at most, not {value}")));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// An id as we write it: one way for each.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && (text == "0" || !text.starts_with('0')) { text.parse().ok() } else { None }
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let failed =
        |error: serde_json::Error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let body = serde_json::to_vec(value).map_err(failed)?;
    let mut response = Response::new(Body::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(response)
}

fn unfit(detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_whole_or_decimal_and_thirty_at_most() {
        for (query, millis) in [
            ("", 0),
            ("since=3", 0),
            ("waiting=x", 0),
            ("wait=0", 0),
            ("since=3&wait=20", 20_000),
            ("wait=0.25&since=3", 250),
            ("wait=30.000", 30_000),
        ] {
            assert_eq!(wait(query).unwrap(), Duration::from_millis(millis), "{query}");
        }
        let long = format!("wait={}", "9".repeat(400));
        for query in [
            "wait=",
            "wait=-1",
            "wait=+1",
            "wait=1e1",
            "wait=.5",
            "wait=5.",
            "wait=1.2.3",
            "wait=inf",
            "wait=nan",
            "wait=1s",
            "wait=30.001",
            "wait=31",
            &long,
        ] {
            assert!(wait(query).is_err(), "{query}");
        }
    }
}
