//! `/api/messages` and `/api/messages/{id}`: the list, as REST has it.

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::server::content;
use crate::server::context::{Body, Context};
use crate::server::problem::Problem;
use crate::server::store::{Change, Draft, StoreError};

/// The longest name of a sender, bytes.
const MAX_FROM: usize = 64;

type Answer = Result<Response<Body>, Problem>;

/// `/api/messages`
pub(in crate::server) async fn list(request: Request<Incoming>, context: &Context) -> Answer {
    let store = &context.store;
    match *request.method() {
        Method::GET | Method::HEAD => {
            let since = since(request.uri().query().unwrap_or_default())?;
            json(StatusCode::OK, &store.newer(since))
        }
        Method::POST => {
            let draft = whole(&content(request, context).await?)?;
            let message = store.post(draft).await?;
            let mut response = json(StatusCode::CREATED, &message)?;
            let location = format!("/api/messages/{}", message.id);
            if let Ok(location) = HeaderValue::try_from(location) {
                response.headers_mut().insert(LOCATION, location);
            }
            Ok(response)
        }
        _ => Err(Problem::method_not_allowed("GET, HEAD, POST")),
    }
}

/// `/api/messages/{id}`
pub(in crate::server) async fn one(request: Request<Incoming>, context: &Context, id: &str) -> Answer {
    let store = &context.store;
    let method = request.method().clone();
    let allowed = [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE];
    if !allowed.contains(&method) {
        return Err(Problem::method_not_allowed("GET, HEAD, PUT, PATCH, DELETE"));
    }
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
async fn content(request: Request<Incoming>, context: &Context) -> Result<Value, Problem> {
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

/// `?since=ID`; other parameters are nobody's business.
fn since(query: &str) -> Result<Option<u64>, Problem> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("since="));
    let Some(value) = value else { return Ok(None) };
    let bad =
        || Problem::new(StatusCode::BAD_REQUEST, format!("`since` must be the id of a message, not {value}"));
    number(value).map(Some).ok_or_else(bad)
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
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
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
