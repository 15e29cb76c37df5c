//! One WebSocket: reads until there is nothing to read, feeds what there is to say, flushes once.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::broadcast;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::News;
use super::context::{Context, Hold};
use super::doors::messages;
use super::hang_up::hang_up;
use super::shutdown::{self, Guard};
use crate::tap::{Control, Stream};

/// How much may be read and fed before what is fed is sent.
const TURN: usize = 64;

/// How long a client may keep what is sent to it from going out.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same when the server stops: well within [`shutdown::GRACE`].
const LAST_PATIENCE: Duration = Duration::from_millis(500);

/// What is spoken on a socket.
#[derive(Debug)]
pub(super) enum Talk {
    /// The list of messages, and what happens to it.
    List(broadcast::Receiver<News>),
}

/// The server's end of one socket. It owns the loop, and everything that the loop needs.
pub(super) struct Socket {
    ws: WebSocketStream<Stream>,
    news: broadcast::Receiver<News>,
    context: Arc<Context>,
    heartbeat: Option<Heartbeat>,
    /// Our close frame is said, or is the answer to the client's: nothing may be said after it (RFC 6455, 5.5.1).
    closing: bool,
}

struct Heartbeat {
    ticks: Interval,
    /// A ping was sent, and nothing has come since.
    unanswered: bool,
}

/// What woke the loop.
enum Turn {
    Incoming(Option<Result<Message, Error>>),
    News(Result<News, broadcast::error::RecvError>),
    Heartbeat,
    Shutdown,
}

/// Whether the loop goes on.
enum Next {
    Go,
    /// The close handshake is done, or there is nobody left to do it with.
    Over,
}

impl Socket {
    /// `early` is what the client sent before it had our 101.
    pub async fn new(stream: Stream, early: &[u8], Talk::List(news): Talk, context: Arc<Context>) -> Self {
        let longest = Some(context.options.limits.message);
        // An idle socket costs little: see `read_buffer_size` in tungstenite, which is zeroed before each read.
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .max_message_size(longest)
            .max_frame_size(longest);
        let ws =
            WebSocketStream::from_partially_read(stream, early.to_vec(), Role::Server, Some(config)).await;
        let heartbeat = context.options.heartbeat.map(Heartbeat::every);
        Self { ws, news, context, heartbeat, closing: false }
    }

    /// Serves the socket to its end.
    pub async fn run(mut self, mut hold: Hold) {
        let control = Arc::clone(self.ws.get_ref().control());
        let guard = hold.guard.clone();
        let ended = tokio::select! {
            () = self.serve(&mut hold) => true,
            () = stuck(&control, guard) => false,
        };
        if ended {
            // The server closes TCP first (RFC 6455, 7.1.1).
            hang_up(self.ws.into_inner()).await;
        } else {
            // What it did not read would keep a FIN waiting for ever.
            control.cut();
            // Before the hold.
            drop(self);
        }
    }

    async fn serve(&mut self, hold: &mut Hold) {
        loop {
            let turn = tokio::select! {
                incoming = self.ws.next() => Turn::Incoming(incoming),
                news = self.news.recv() => Turn::News(news),
                () = Heartbeat::tick(&mut self.heartbeat) => Turn::Heartbeat,
                () = hold.guard.told() => Turn::Shutdown,
            };
            match self.turn(turn).await {
                Ok(Next::Go) => {}
                Ok(Next::Over) => return,
                Err(error) => return self.refuse(&error).await,
            }
        }
    }

    /// Does what woke the loop, and everything else that waits already; then sends it all at once.
    async fn turn(&mut self, first: Turn) -> Result<Next, Error> {
        let mut turn = first;
        for _ in 0..TURN {
            let next = match turn {
                Turn::Incoming(incoming) => self.incoming(incoming).await?,
                Turn::News(news) => self.tell(news).await?,
                Turn::Heartbeat => self.beat().await?,
                Turn::Shutdown => return self.leave(CloseCode::Away, "the server stops").await,
            };
            if matches!(next, Next::Over) {
                return Ok(next);
            }
            turn = if let Some(incoming) = self.ws.next().now_or_never() {
                Turn::Incoming(incoming)
            } else if let Some(news) = self.news.recv().now_or_never() {
                Turn::News(news)
            } else {
                break;
            };
        }
        self.ws.flush().await?;
        Ok(Next::Go)
    }

    async fn incoming(&mut self, incoming: Option<Result<Message, Error>>) -> Result<Next, Error> {
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.unanswered = false;
        }
        match incoming {
            Some(Ok(Message::Text(text))) => self.hear(&text).await?,
            Some(Ok(Message::Binary(_))) => self.complain("this door understands text messages only").await?,
            // Pongs, and the answer to a close, are queued by tungstenite; the flush sends them.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(_))) => self.closing = true,
            Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => return Ok(Next::Over),
            Some(Err(error)) => return Err(error),
        }
        Ok(Next::Go)
    }

    /// `{"event":"message","data":{…}}` joins the list, and is heard like everything else: by subscription.
    async fn hear(&mut self, text: &str) -> Result<(), Error> {
        let envelope: Value = match serde_json::from_str(text) {
            Ok(envelope) => envelope,
            Err(error) => return self.complain(&format!("the message is not JSON: {error}")).await,
        };
        if envelope.get("event").and_then(Value::as_str) != Some("message") {
            return self.complain(r#"send {"event":"message","data":{"from":"…","text":"…"}}"#).await;
        }
        let data = envelope.get("data").unwrap_or(&Value::Null);
        let posted = match messages::draft(data) {
            Ok(draft) => self.context.store.post(draft).await.map_err(|error| error.to_string()),
            Err(problem) => Err(problem.detail().to_owned()),
        };
        match posted {
            Ok(_) => Ok(()),
            Err(detail) => self.complain(&detail).await,
        }
    }

    async fn complain(&mut self, detail: &str) -> Result<(), Error> {
        let json = serde_json::json!({ "event": "error", "data": { "detail": detail } });
        self.feed(json.to_string().into()).await
    }

    async fn tell(&mut self, news: Result<News, broadcast::error::RecvError>) -> Result<Next, Error> {
        match news {
            Ok(news) => {
                self.feed(news.json).await?;
                Ok(Next::Go)
            }
            Err(broadcast::error::RecvError::Lagged(_)) => {
                self.leave(CloseCode::Again, "you read too slowly").await
            }
            Err(broadcast::error::RecvError::Closed) => self.leave(CloseCode::Away, "the server stops").await,
        }
    }

    async fn feed(&mut self, text: Utf8Bytes) -> Result<(), Error> {
        if self.closing { Ok(()) } else { self.ws.feed(Message::Text(text)).await }
    }

    /// An answer that waits already counts: the tick may have been late.
    async fn beat(&mut self) -> Result<Next, Error> {
        match self.ws.next().now_or_never() {
            Some(incoming) => match self.incoming(incoming).await? {
                Next::Go => self.ping().await,
                Next::Over => Ok(Next::Over),
            },
            None => self.ping().await,
        }
    }

    async fn ping(&mut self) -> Result<Next, Error> {
        let Some(heartbeat) = self.heartbeat.as_mut().filter(|_| !self.closing) else { return Ok(Next::Go) };
        if heartbeat.unanswered {
            // Nobody there: no close frame could be answered either.
            return Ok(Next::Over);
        }
        heartbeat.unanswered = true;
        self.ws.feed(Message::Ping(Vec::new().into())).await?;
        Ok(Next::Go)
    }

    /// Begins the close handshake and waits for the other side's part of it (RFC 6455, 7.1.2).
    async fn leave(&mut self, code: CloseCode, reason: &'static str) -> Result<Next, Error> {
        self.closing = true;
        let frame = CloseFrame { code, reason: reason.into() };
        let closing = async {
            self.ws.close(Some(frame)).await?;
            while let Some(message) = self.ws.next().await {
                message?;
            }
            Ok::<(), Error>(())
        };
        match tokio::time::timeout(shutdown::GRACE, closing).await {
            Ok(Err(error)) if !matches!(error, Error::ConnectionClosed | Error::AlreadyClosed) => Err(error),
            Ok(_) | Err(_) => Ok(Next::Over),
        }
    }

    /// Says what the client did wrong: tungstenite ends such a connection without a word.
    async fn refuse(&mut self, error: &Error) {
        let code = match error {
            Error::Protocol(protocol) if is_an_end(protocol) => return,
            Error::Protocol(_) => CloseCode::Protocol,
            Error::Utf8(_) => CloseCode::Invalid,
            Error::Capacity(_) => CloseCode::Size,
            _ => return,
        };
        let reason: String = error.to_string().chars().take(100).collect();
        let frame = close_frame(code, &reason);
        let sending = async {
            // What was fed before the fault still goes out first.
            let _ = self.ws.flush().await;
            if self.closing {
                return Ok(());
            }
            let stream = self.ws.get_mut();
            stream.write_all(&frame).await?;
            stream.flush().await
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), sending).await;
    }
}

/// Ends when the client has not read for too long: nobody is heard meanwhile, and no close frame would reach it.
async fn stuck(control: &Control, mut guard: Guard) {
    tokio::select! {
        () = control.stuck(PATIENCE) => {}
        () = async {
            guard.told().await;
            control.stuck(LAST_PATIENCE).await;
        } => {}
    }
}

/// The client went without a close frame: there is nobody to send one to.
fn is_an_end(error: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    matches!(error, ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing)
}

/// A whole close frame (RFC 6455, 5.5.1); `reason` is at most 123 bytes.
fn close_frame(code: CloseCode, reason: &str) -> Vec<u8> {
    let reason = &reason.as_bytes()[..reason.len().min(123)];
    let mut frame = vec![0x88, 2 + reason.len() as u8];
    frame.extend(u16::from(code).to_be_bytes());
    frame.extend(reason);
    frame
}

impl Heartbeat {
    fn every(time: Duration) -> Self {
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + time, time);
        // Ticks that were missed must not follow each other at once: nobody could answer in between.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, unanswered: false }
    }

    /// Ends at the next tick; never without a heartbeat.
    async fn tick(heartbeat: &mut Option<Self>) {
        match heartbeat {
            Some(heartbeat) => drop(heartbeat.ticks.tick().await),
            None => pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn after_a_stall_the_heartbeat_gives_time_to_answer() {
        let beat = Duration::from_millis(50);
        let mut heartbeat = Some(Heartbeat::every(beat));
        std::thread::sleep(4 * beat);
        Heartbeat::tick(&mut heartbeat).await;
        assert!(Heartbeat::tick(&mut heartbeat).now_or_never().is_none());
    }
}
