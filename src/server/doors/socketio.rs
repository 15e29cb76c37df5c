//! `/socket.io/`: the two transports of Engine.IO. What is spoken over them is `server/socketio/`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Buf as _, Bytes};
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::Value;

use crate::server::content::{self, Content};
use crate::server::context::{Body, Context, Next, Visit};
use crate::server::doors::messages::parameter;
use crate::server::doors::websocket;
use crate::server::problem::Problem;
use crate::server::socketio::{Handshake, Session, TOLD};
use crate::wire::engineio::{Packet, SEPARATOR, Type};

/// How many sessions one connection may have begun that have not ended. A proxy may pass on those of several clients.
const SESSIONS: usize = 16;

/// How many packets are handed on at once.
const PIECE: usize = 64;

type Answer = Result<Response<Body>, Problem>;

/// Over HTTP one after the other, or a handshake.
pub(in crate::server) async fn speak(
    request: &mut Request<Content>,
    context: &Context,
    visit: &Visit,
) -> Answer {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let websocket = match parameter(&query, "transport") {
        Some("websocket") => true,
        Some("polling") => false,
        _ => return Ok(refused(0, "Transport unknown")),
    };
    if parameter(&query, "EIO") != Some("4") {
        return Ok(refused(5, "Unsupported protocol version"));
    }
    let sid = parameter(&query, "sid");
    let session = sid.and_then(|sid| context.engine.session(sid));
    if let Some(sid) = sid.filter(|_| session.as_ref().is_none_or(|session| session.ended().is_some())) {
        if session.is_some() {
            context.engine.end(sid).await;
        }
        return Ok(refused(1, "Session ID unknown"));
    }
    match (session, request.method() == Method::GET) {
        (Some(session), true) if websocket && session.is_claimed() => Ok(refused(3, "Bad request")),
        (session, true) if websocket => shake(request, context, visit, session),
        (None, true) => open(request, context, visit).await,
        (None, false) => Ok(refused(2, "Bad handshake method")),
        (Some(_), false) if websocket => Ok(refused(3, "Bad request")),
        (Some(session), true) => poll(request, context, visit, &session).await,
        (Some(session), false) => post(request, context, &session).await,
    }
}

/// A WebSocket: of a new session, or of one that changes to it.
fn shake(
    request: &Request<Content>,
    context: &Context,
    visit: &Visit,
    session: Option<Arc<Session>>,
) -> Answer {
    websocket::upgrade(request, &visit.upgrade, || {
        let is_new = session.is_none();
        let session = session.map_or_else(|| begin(context, visit), Ok)?;
        let mut request = bare(request, ());
        request.extensions_mut().insert(Arc::clone(&session));
        Ok(Next::Engine(Handshake { request, session, is_new }))
    })
}

/// Takes one of the places for sessions, of which more could be begun than there are connections.
fn begin(context: &Context, visit: &Visit) -> Result<Arc<Session>, Problem> {
    let full = |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    if visit.sessions.load(Ordering::Relaxed) >= SESSIONS {
        return Err(full(format!("one connection may have {SESSIONS} sessions")));
    }
    let place = Arc::clone(&context.sessions).try_acquire_owned();
    let place = place.map_err(|_| full("every place for a session is taken; try again later".into()))?;
    Ok(context.engine.begin(place, &visit.sessions))
}

/// A new session, over HTTP.
async fn open(request: &Request<Content>, context: &Context, visit: &Visit) -> Answer {
    let session = begin(context, visit)?;
    let mut bare = bare(request, Full::default());
    bare.extensions_mut().insert(Arc::clone(&session));
    let response = context.engine.answer(bare).await;
    let packet = std::str::from_utf8(response.body()).ok().and_then(Packet::read);
    let open = packet.filter(|packet| packet.what == Type::Open);
    let Some(mut settings) = open.and_then(|open| serde_json::from_str::<Value>(open.content).ok()) else {
        return Ok(response.map(Body::new));
    };
    if let Some(sid) = settings["sid"].as_str() {
        session.is(sid);
    }
    settings["maxPayload"] = TOLD.into();
    Ok(text(&format!("{}{settings}", Type::Open.digit())))
}

/// Waits for packets. A client that leaves meanwhile gets none, and the server does not wait for it when it stops.
async fn poll(request: &Request<Content>, context: &Context, visit: &Visit, session: &Session) -> Answer {
    let mut guard = context.shutdown.guard();
    let response = tokio::select! {
        biased;
        response = context.engine.answer(bare(request, Full::default())) => response,
        () = visit.presence.left() => return Ok(text("")),
        () = guard.told() => return Ok(text(&Type::Close.digit().to_string())),
        () = session.released() => return Ok(text(&Type::Noop.digit().to_string())),
    };
    let body = response.body();
    let separators = body.iter().filter(|&&byte| byte == SEPARATOR as u8).count();
    session.left(separators + usize::from(!body.is_empty()));
    Ok(response.map(Body::new))
}

/// Brings packets. They wait until those before them are dealt with.
async fn post(request: &mut Request<Content>, context: &Context, session: &Session) -> Answer {
    let mut content = content::read(request, &context.options.limits).await?;
    let mut guard = context.shutdown.guard();
    loop {
        tokio::select! {
            () = session.calm() => {}
            () = guard.told() => {}
        }
        let piece = piece(&mut content);
        let ends = piece.split(|&byte| byte == SEPARATOR as u8).any(|packet| packet == b"1");
        let response = context.engine.answer(bare(request, Full::new(piece))).await;
        if ends || response.status() != StatusCode::OK {
            // As it asked for, or because of what it said.
            session.over();
        }
        if content.is_empty() || ends || response.status() != StatusCode::OK {
            return Ok(response.map(Body::new));
        }
    }
}

/// Takes the first packets of a body.
fn piece(content: &mut Bytes) -> Bytes {
    let mut separators = content.iter().enumerate().filter(|&(_, &byte)| byte == SEPARATOR as u8);
    match separators.nth(PIECE - 1) {
        Some((at, _)) => {
            let piece = content.split_to(at);
            content.advance(1);
            piece
        }
        None => std::mem::take(content),
    }
}

/// The request, with this content. A session keeps it, so that it shares nothing with what was read with it, which is kilobytes.
fn bare<B>(request: &Request<Content>, content: B) -> Request<B> {
    let mut bare = Request::new(content);
    *bare.method_mut() = request.method().clone();
    // It was one before.
    *bare.uri_mut() = request.uri().to_string().parse().unwrap_or_default();
    // What the packets are.
    if let Some(kind) = request.headers().get(CONTENT_TYPE) {
        bare.headers_mut().insert(CONTENT_TYPE, kind.clone());
    }
    bare
}

fn text(body: &str) -> Response<Body> {
    let mut response = Response::new(Body::new(Bytes::copy_from_slice(body.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
    response
}

/// In Engine.IO's own words (<https://socket.io/docs/v4/troubleshooting-connection-issues/>), which its clients know.
fn refused(code: u8, message: &str) -> Response<Body> {
    let problem = serde_json::json!({ "code": code, "message": message });
    let mut response = Response::new(Body::new(problem.to_string().into()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
