//! A session's WebSocket: its handshake, its probe, its messages.

use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::LIMIT;
use super::dialer::Dialer;
use super::packet::Packet;
use super::polling::{ended, in_words, refusal};
use crate::client::http::Driver;
use crate::client::inbox::Body;
use crate::client::key::new_key;
use crate::client::talk::{By, Talk, Turn};
use crate::client::{Link, socket};

/// What a WebSocket is asked first, and answers.
const PING: &str = "2probe";
const PONG: &str = "3probe";

/// Shakes hands.
pub(super) async fn open(link: Link, target: &str, host: &str) -> Result<Talk, String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(link)).await.map_err(|e| in_words(&e))?;
    let request = Request::builder()
        .uri(target)
        .header(HOST, host)
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "Upgrade")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, new_key())
        .body(Body::default())
        .map_err(|error| error.to_string())?;
    let mut driver = Driver::new(connection.without_shutdown());
    let response = driver.alongside(sender.send_request(request)).await.map_err(|error| in_words(&error))?;
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let body = driver.alongside(response.into_body().collect()).await;
        return Err(refusal(status, &body.map(|body| body.to_bytes()).unwrap_or_default()));
    }
    drop((response, sender));
    let parts = driver.finish().await.map_err(|error| in_words(&error))?;
    Ok(Talk::new(socket::open(parts.io.into_inner(), &parts.read_buf).await))
}

/// Opens one beside polling, and tries it.
pub(super) async fn probe(dialer: Dialer, target: String) -> Result<Talk, String> {
    // The connection of polling is opened first: a session's newest is its WebSocket.
    tokio::task::yield_now().await;
    let link = dialer.dial().await.map_err(|error| format!("no connection: {error}"))?;
    let until = Instant::now() + LIMIT;
    let host = dialer.server.to_string();
    let opened = timeout_at(until, open(link, &target, &host)).await;
    let ws = opened.map_err(|_| "the server did not answer the handshake")??;
    timeout_at(until, probed(ws)).await.map_err(|_| "the server did not answer the probe")?
}

async fn probed(mut ws: Talk) -> Result<Talk, String> {
    ws.say(Message::Text(PING.into()), By::Rule);
    loop {
        match ws.next().await {
            Turn::Came(Some(Ok(Message::Text(text)))) if text.as_str() == PONG => return Ok(ws),
            Turn::Came(Some(Ok(Message::Ping(_) | Message::Pong(_)))) | Turn::Said => {}
            Turn::Came(Some(Ok(Message::Text(text)))) => {
                return Err(format!("the probe was answered by {text}"));
            }
            Turn::Came(Some(Ok(message))) => return Err(closed(&message)),
            Turn::Came(Some(Err(error))) | Turn::Unsaid(error, _) => return Err(how(&error)),
            Turn::Came(None) => return Err(ended(None)),
        }
    }
}

/// Says that it is over.
pub(super) async fn close(ws: &mut Talk) {
    ws.say(Message::Close(None), By::Rule);
    while !ws.has_said_all() {
        // What the server says meanwhile is for nobody; what it does not take any more, it need not.
        if let Turn::Came(None | Some(Err(_))) = ws.next().await {
            return;
        }
    }
}

/// Reads to the end of what the server says; it closes TCP first (RFC 6455, 7.1.1).
pub(super) async fn read_to_end(mut ws: Talk) {
    while let Turn::Came(Some(Ok(_))) = ws.heard().await {}
    ws.into_link().read_to_end().await;
}

/// As a message.
pub(super) fn message(packet: Packet) -> Message {
    match packet {
        Packet::Text(text) => Message::Text(text.into()),
        Packet::Binary(data) => Message::Binary(data),
    }
}

/// In words, what came instead of a packet.
pub(super) fn closed(message: &Message) -> String {
    match message {
        Message::Close(Some(frame)) => {
            let text = format!("the server closed with {} {}", u16::from(frame.code), frame.reason);
            text.trim_end().into()
        }
        Message::Close(None) => "the server closed without a code".into(),
        Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
            "the server sent what is no packet".into()
        }
    }
}

/// How a WebSocket failed, plainly.
pub(super) fn how(error: &Error) -> String {
    match error {
        Error::Io(error) => ended(Some(error.kind())),
        Error::ConnectionClosed | Error::AlreadyClosed => ended(None),
        Error::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        ) => ended(None),
        other => other.to_string(),
    }
}
