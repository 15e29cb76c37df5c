//! WebSocket: one handshake, then both sides speak when they have something to say.

use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::dialer::Dialer;
use super::engine::{closed, how};
use super::line::{ended, no_connection};
use super::running::Ending;
use super::talk::{By, Talk, Turn};
use super::transport::{Lane, LaneError, Running, Speech, Transport};
use super::{Ear, handshake};
use crate::timeline::ConnId;

/// The WebSocket transport.
#[derive(Debug)]
pub(super) struct WebSocket;

impl Transport for WebSocket {
    fn name(&self) -> &'static str {
        "websocket"
    }

    fn client_talks_by(&self) -> &'static str {
        "same connection"
    }

    fn run(self: Box<Self>, lane: Lane) -> Running {
        Box::pin(run(lane))
    }
}

async fn run(mut lane: Lane) -> Result<(), LaneError> {
    let mut ending = Ending::of(&lane);
    if ending.or(lane.clock.connects()).await.is_none() {
        return Ok(());
    }
    let Some(ws) = ending.or(connect(&lane)).await else { return Ok(()) };
    let mut ws = ws?;
    let conn = lane.ear.conn_from(ws.link().local);
    lane.clock.ready();
    let broke = loop {
        tokio::select! {
            biased;
            () = ending.wait() => break None,
            turn = ws.next() => if let Some(why) = hear(turn, &mut lane.ear, conn) {
                break Some(why);
            },
            Some(Speech { from, text }) = lane.speech.recv(), if ws.has_said_all() => {
                let event = json!({ "event": "message", "data": { "from": from, "text": text } });
                ws.say(Message::Text(event.to_string().into()), By::Rule);
                lane.counts.sent.add(1);
            }
        }
    };
    if broke.is_none() {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        ws.say(Message::Close(Some(frame)), By::Rule);
    }
    let _ = timeout(ending.grace, end(ws, &mut lane.ear, conn)).await;
    match broke {
        None => Ok(()),
        Some(why) => {
            lane.counts.broken.add(1);
            Err(LaneError::Ended(format!("{why}; a WebSocket does not come back by itself")))
        }
    }
}

async fn connect(lane: &Lane) -> Result<Talk, LaneError> {
    let dialer = Dialer::of(lane, "websocket");
    let stream = dialer.dial().await.map_err(|error| LaneError::Ended(no_connection(&error)))?;
    let ws = handshake::open(stream, "/ws", &dialer.host(), &lane.counts).await;
    ws.map_err(|why| LaneError::Ended(format!("no handshake: {why}")))
}

/// In words, why there will be no more.
fn hear(turn: Turn, ear: &mut Ear, conn: Option<ConnId>) -> Option<String> {
    match turn {
        Turn::Said => None,
        Turn::Unsaid(error, _) => Some(how(&error)),
        Turn::Came(None) => Some(ended(None)),
        Turn::Came(Some(Err(error))) => Some(how(&error)),
        Turn::Came(Some(Ok(close @ Message::Close(_)))) => Some(closed(&close)),
        Turn::Came(Some(Ok(Message::Text(text)))) => {
            ear.event(&text, conn);
            None
        }
        Turn::Came(Some(Ok(
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_),
        ))) => None,
    }
}

/// What comes before the server's close frame is still heard; after it, the server's FIN is waited for.
async fn end(mut ws: Talk, ear: &mut Ear, conn: Option<ConnId>) {
    while !ws.has_said_all() {
        if hear(ws.next().await, ear, conn).is_some() {
            break;
        }
    }
    ws.end(|message| drop(hear(Turn::Came(Some(Ok(message))), ear, conn))).await;
}
