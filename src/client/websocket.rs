//! WebSocket: one handshake, then both sides speak when they have something to say.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::inbox::Body;
use super::key::new_key;
use super::transport::{Lane, LaneError, Running, Speech, Transport};
use super::{Link, http, socket};
use crate::timeline::ConnId;

/// How long the server may take to agree to the end.
const PATIENCE: Duration = Duration::from_secs(2);

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
    tokio::time::sleep_until(lane.clock.connects).await;
    let link = lane.connect("websocket").await?;
    let local = link.local;
    let mut ws = shake_hands(link, &lane).await?;
    let conn = lane.ear.conn_from(local);
    lane.clock.ready();
    loop {
        tokio::select! {
            () = lane.clock.over() => break,
            incoming = ws.next() => hear(incoming, &mut lane, conn)?,
            Some(Speech { from, text }) = lane.speech.recv() => {
                let event = json!({ "event": "message", "data": { "from": from, "text": text } });
                ws.send(Message::Text(event.to_string().into())).await.map_err(failed)?;
            }
        }
    }
    ws.close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() })).await.map_err(failed)?;
    // The close handshake is a round trip, and the end of TCP another half.
    let patience = PATIENCE + 2 * lane.rtt;
    // What comes before the server's close frame is still heard; after it, the server's FIN is waited for.
    let end = async {
        while let Some(Ok(message)) = ws.next().await {
            hear(Some(Ok(message)), &mut lane, conn)?;
        }
        ws.into_inner().read_to_end().await;
        Ok(())
    };
    tokio::time::timeout(patience, end).await.unwrap_or(Ok(()))
}

fn hear(
    incoming: Option<Result<Message, Error>>,
    lane: &mut Lane,
    conn: Option<ConnId>,
) -> Result<(), LaneError> {
    match incoming {
        Some(Ok(Message::Text(text))) => lane.ear.event(&text, conn),
        Some(Ok(_)) => {}
        Some(Err(error)) => return Err(failed(error)),
        None => return Err(LaneError::Socket("the server hung up".into())),
    }
    Ok(())
}

async fn shake_hands(link: Link, lane: &Lane) -> Result<WebSocketStream<Link>, LaneError> {
    let refused = |error: hyper::Error| LaneError::Socket(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(link)).await.map_err(refused)?;
    let request = Request::builder()
        .uri("/ws")
        .header("host", lane.server.to_string())
        .header("upgrade", "websocket")
        .header("connection", "Upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", new_key())
        .body(Body::default())
        .map_err(|error| LaneError::Socket(error.to_string()))?;
    // The connection may end, for HTTP, in the moment in which it brings the response.
    let mut driver = http::Driver::new(connection.without_shutdown());
    let response = driver.alongside(sender.send_request(request)).await.map_err(refused)?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(LaneError::Socket(format!("the handshake was answered {}", response.status())));
    }
    drop((response, sender));
    let parts = driver.finish().await.map_err(refused)?;
    Ok(socket::open(parts.io.into_inner(), &parts.read_buf).await)
}

fn failed(error: Error) -> LaneError {
    LaneError::Socket(error.to_string())
}
