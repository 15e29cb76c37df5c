//! A session's WebSocket: its handshake, its probe, its messages.

use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::LIMIT;
use super::packet::Packet;
use crate::client::dialer::Dialer;
use crate::client::handshake;
use crate::client::line::{ended, no_connection};
use crate::client::talk::{By, Talk, Turn};

/// What a WebSocket is asked first, and answers.
const PING: &str = "2probe";
const PONG: &str = "3probe";

/// Opens one beside polling, and tries it.
pub(super) async fn probe(dialer: Dialer, target: String) -> Result<Talk, String> {
    // The connection of polling is opened first: a session's newest is its WebSocket.
    tokio::task::yield_now().await;
    let stream = dialer.dial().await.map_err(|error| no_connection(&error))?;
    let until = Instant::now() + LIMIT + dialer.stall;
    let host = dialer.host();
    let opening = handshake::open(stream, &target, &host, &dialer.counts);
    let opened = timeout_at(until, opening).await;
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

/// As a message.
pub(super) fn message(packet: Packet) -> Message {
    match packet {
        Packet::Text(text) => Message::Text(text.into()),
        Packet::Binary(data) => Message::Binary(data),
    }
}

/// In words, what came instead of a packet.
pub(in crate::client) fn closed(message: &Message) -> String {
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
pub(in crate::client) fn how(error: &Error) -> String {
    match error {
        Error::Io(error) => ended(Some(error.kind())),
        Error::ConnectionClosed | Error::AlreadyClosed => ended(None),
        Error::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        ) => ended(None),
        other => other.to_string(),
    }
}
