//! One WebSocket: takes what has come, feeds what there is to say, sends it all at once.
//!
//! tokio-tungstenite is the protocol, over a stream that is `seen`; `talk` is what is spoken, `pulse` whether anybody is there,
//! `ending` the end.

mod ending;
mod pulse;
mod seen;
mod talk;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::context::{Context, Hold};
use super::shutdown::Guard;
use crate::tap::{Control, Stream};
use ending::{End, Last};
use pulse::{Beat, Pulse};
use seen::Seen;
use talk::Heard;
pub(super) use talk::Talk;

/// How many messages of the client are looked at before what is fed is sent and others have their turn.
const TURN: usize = 64;

/// The same of what others said: all of it, or one listener would fall behind many who speak.
const HEARD: usize = 1024;

/// How much may be fed before it is sent, bytes. tungstenite keeps the room that it took.
const ENOUGH: usize = 16 * 1024;

/// How much is read at once, bytes. Each socket keeps as much, and it is zeroed before each read.
const READ: usize = 2 * 1024;

/// The longest header of a server's frame, bytes (RFC 6455, 5.2).
const HEADER: usize = 10;

/// How long a client may keep what is sent to it from going out.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same when the server stops: well within [`super::shutdown::GRACE`].
const LAST_PATIENCE: Duration = Duration::from_millis(500);

/// How often it is looked, while a client does not read, whether too much waits for it.
const LOOK: Duration = Duration::from_millis(100);

/// As good as never.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The server's end of one socket.
pub(super) struct Socket {
    ws: WebSocketStream<Seen>,
    /// The most that was fed, or is answered by tungstenite itself, and may not be sent yet, bytes.
    unsent: usize,
    talk: Talk,
    context: Arc<Context>,
}

/// What the client said; nothing at the end of the stream.
type Said = Option<Result<Message, Error>>;

/// What woke the loop.
enum Wake {
    Said(Said),
    Heard(Heard),
    Beat,
}

/// Of what there may be more.
struct More {
    /// What the client said.
    said: bool,
    /// What others did.
    heard: bool,
}

impl More {
    fn any(&self) -> bool {
        self.said || self.heard
    }
}

impl Socket {
    /// `early` is what the client sent before it had our 101.
    pub async fn new(stream: Stream, early: &[u8], talk: Talk, context: Arc<Context>) -> Self {
        let most = Some(context.options.limits.message);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ)
            .write_buffer_size(ENOUGH)
            .max_message_size(most)
            .max_frame_size(most);
        let pulse = Pulse::new(context.options.heartbeat, context.options.limits.silence, Instant::now());
        let seen = Seen::new(stream, pulse);
        let ws = WebSocketStream::from_partially_read(seen, early.to_vec(), Role::Server, Some(config)).await;
        Self { ws, unsent: 0, talk, context }
    }

    /// Serves the socket to its end.
    pub async fn run(mut self, mut hold: Hold) {
        let end = self.serve(&mut hold.guard).await;
        let Self { ws, talk, context, .. } = self;
        // A lesson has no limits, and tells its own story.
        if let Some(why) = end.limit().filter(|_| context.options.limits.silence.is_some()) {
            ws.get_ref().stream.control().limit(why);
        }
        // Out of its room, before the end takes its time.
        drop(talk);
        Last { ws }.end(end).await;
        drop(hold);
    }

    async fn serve(&mut self, guard: &mut Guard) -> End {
        let again = guard.clone();
        let mut told = pin!(guard.told());
        let mut timer = pin!(sleep_until(Instant::now() + NEVER));
        // What came with the handshake is there already.
        let mut more = More { said: true, heard: true };
        loop {
            // Looked at here, since others come first below.
            if again.is_told() {
                return End::Leave(CloseCode::Away, "the server stops");
            }
            if let Err(end) = self.turn(&mut more, &again).await {
                return end;
            }
            if more.any() {
                // The others' turn.
                tokio::task::yield_now().await;
            }
            self.set(timer.as_mut());
            let wake = tokio::select! {
                biased;
                heard = self.talk.hear(), if !more.heard => Wake::Heard(heard),
                // Also in a loud room; but not before what came is taken, so that it stays little.
                said = self.ws.next(), if !more.said => Wake::Said(said),
                () = &mut told => continue,
                () = &mut timer => Wake::Beat,
                () = std::future::ready(()), if more.any() => continue,
            };
            if let Err(end) = self.wake(wake, &mut more, &again).await {
                return end;
            }
        }
    }

    /// Sets the timer where something is to be done earlier than it is set to. Later is no matter: then nothing is to be done,
    /// and it is set again.
    fn set(&self, timer: Pin<&mut Sleep>) {
        let next = self.ws.get_ref().pulse.next().unwrap_or_else(|| Instant::now() + NEVER);
        if next < timer.deadline() || timer.is_elapsed() {
            timer.reset(next);
        }
    }

    /// Does what woke the loop. There may be more of the same.
    async fn wake(&mut self, wake: Wake, more: &mut More, guard: &Guard) -> Result<(), End> {
        match wake {
            Wake::Said(said) => {
                more.said = true;
                self.take(said, guard).await
            }
            Wake::Heard(heard) => {
                more.heard = true;
                self.tell(heard, guard).await
            }
            Wake::Beat => match self.ws.get_mut().pulse.beat(Instant::now()) {
                Beat::Wait => Ok(()),
                Beat::Ping => self.feed(Message::Ping(Vec::new().into()), guard).await,
                Beat::Gone => Err(End::Silent),
                Beat::Dawdles => Err(End::Leave(CloseCode::Policy, "the message takes too long")),
            },
        }
    }

    /// Does what there may be to do, then sends all of it at once.
    async fn turn(&mut self, more: &mut More, guard: &Guard) -> Result<(), End> {
        if more.said {
            let said = self.said(guard).await;
            // Also what came before the end: a fault, or a close, takes nothing back.
            self.talk.said();
            more.said = said?;
        }
        if more.heard {
            more.heard = self.heard(guard).await?;
        }
        self.send(guard).await
    }

    /// Takes what the client said. Whether there may be more.
    async fn said(&mut self, guard: &Guard) -> Result<bool, End> {
        for _ in 0..self.talk.turn().min(TURN) {
            let now = poll_fn(|cx| match self.ws.poll_next_unpin(cx) {
                Poll::Ready(said) => Poll::Ready(Some(said)),
                Poll::Pending => Poll::Ready(None),
            });
            let Some(said) = now.await else { return Ok(false) };
            self.take(said, guard).await?;
        }
        Ok(true)
    }

    async fn take(&mut self, said: Said, guard: &Guard) -> Result<(), End> {
        let message = said.ok_or(End::Gone)??;
        let pulse = &mut self.ws.get_mut().pulse;
        match message {
            Message::Text(_) | Message::Binary(_) => {
                pulse.ended();
                if let Some(answer) = self.talk.say(message, &self.context).await {
                    self.feed(answer, guard).await?;
                }
            }
            // The pong is queued by tungstenite, and goes out with the next that it reads or sends.
            Message::Ping(payload) => {
                pulse.control(payload.len());
                self.unsent += payload.len() + HEADER;
            }
            Message::Pong(payload) => pulse.control(payload.len()),
            // Also queued: what was sent, or 1002 in answer to a code that may not be.
            Message::Close(_) => return Err(End::Asked),
            // Never read.
            Message::Frame(_) => {}
        }
        Ok(())
    }

    /// Takes what others did. Whether there may be more.
    async fn heard(&mut self, guard: &Guard) -> Result<bool, End> {
        for _ in 0..HEARD {
            let Some(heard) = self.talk.heard() else { return Ok(false) };
            self.tell(heard, guard).await?;
        }
        Ok(true)
    }

    async fn tell(&mut self, heard: Heard, guard: &Guard) -> Result<(), End> {
        match heard {
            Heard::Message(message) => self.feed(message, guard).await,
            Heard::Frames(frames) => {
                if self.unsent > 0 {
                    self.send(guard).await?;
                }
                self.ws.get_mut().push(frames);
                self.send_enough(guard).await
            }
            Heard::TooMuch => Err(End::Deaf),
            Heard::End => Err(End::Leave(CloseCode::Away, "the server stops")),
        }
    }

    /// Hands a message to tungstenite, which never waits here: what goes beyond its room is sent before more is fed.
    async fn feed(&mut self, message: Message, guard: &Guard) -> Result<(), End> {
        self.unsent += message.len() + HEADER;
        self.ws.feed(message).await?;
        self.send_enough(guard).await
    }

    async fn send_enough(&mut self, guard: &Guard) -> Result<(), End> {
        if self.waiting() > ENOUGH { self.send(guard).await } else { Ok(()) }
    }

    /// What may wait to be sent, bytes.
    fn waiting(&self) -> usize {
        self.unsent + self.ws.get_ref().pushed()
    }

    /// Sends what waits. The client is not listened to meanwhile: who does not read need not be answered.
    async fn send(&mut self, guard: &Guard) -> Result<(), End> {
        if self.waiting() == 0 {
            return Ok(());
        }
        let Self { ws, talk, .. } = self;
        let control = Arc::clone(ws.get_ref().stream.control());
        tokio::select! {
            biased;
            sent = ws.flush() => sent?,
            end = given_up(&control, talk, guard) => return Err(end),
        }
        self.unsent = 0;
        Ok(())
    }
}

/// Ends when a client has not read for too long, or when too much waits for it.
async fn given_up(control: &Control, talk: &Talk, guard: &Guard) -> End {
    let mut guard = guard.clone();
    tokio::select! {
        () = control.stuck(PATIENCE) => End::Deaf,
        () = behind(talk) => End::Deaf,
        () = async {
            guard.told().await;
            control.stuck(LAST_PATIENCE).await;
        } => End::Cut,
    }
}

async fn behind(talk: &Talk) {
    // Not at once: that something cannot be sent may also only mean that it is the others' turn.
    loop {
        tokio::time::sleep(LOOK).await;
        if talk.is_behind() {
            return;
        }
    }
}
