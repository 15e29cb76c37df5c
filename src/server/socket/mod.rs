//! One WebSocket: takes what has come, queues what there is to say, sends it all at once.
//!
//! `reader` and `writer` are the protocol, `talk` is what is spoken, `pulse` whether anybody is there, `ending` the end.

mod ending;
mod pulse;
mod reader;
mod talk;
mod writer;

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::context::{Context, Hold};
use super::shutdown::Guard;
use crate::tap::{Control, Stream};
use crate::wire::Opcode;
use ending::{End, Last};
use pulse::{Beat, Pulse};
pub(super) use reader::Data;
use reader::{Message, Reader};
use talk::Heard;
pub(super) use talk::Talk;
pub(super) use writer::Frames;
use writer::Writer;

/// Codes of close frames (RFC 6455, 7.4.1; 1013 is of IANA's registry).
mod code {
    pub const AWAY: u16 = 1001;
    pub const PROTOCOL: u16 = 1002;
    pub const INVALID: u16 = 1007;
    pub const POLICY: u16 = 1008;
    pub const SIZE: u16 = 1009;
    pub const AGAIN: u16 = 1013;
}

/// How many messages, each way, are looked at before what is queued is sent and others have their turn.
const TURN: usize = 64;

/// How much may be queued before it is sent, bytes.
const ENOUGH: usize = 64 * 1024;

/// How much is read at once, bytes.
const READ: usize = 16 * 1024;

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
    stream: Stream,
    reader: Reader,
    writer: Writer,
    talk: Talk,
    pulse: Pulse,
    context: Arc<Context>,
}

/// What woke the loop.
enum Wake {
    /// So many bytes came; none at the end of the stream.
    Came(usize),
    Heard(Heard),
    Beat,
}

/// What a turn did not get to.
struct More {
    /// Of what the client said.
    said: bool,
    /// Of what others did.
    heard: bool,
}

impl More {
    fn any(&self) -> bool {
        self.said || self.heard
    }
}

impl Socket {
    /// `early` is what the client sent before it had our 101.
    pub fn new(stream: Stream, early: &[u8], talk: Talk, context: Arc<Context>) -> Self {
        let mut reader = Reader::new(context.options.limits.message);
        reader.feed(early);
        let pulse = Pulse::new(context.options.heartbeat, context.options.limits.silence, Instant::now());
        Self { stream, reader, writer: Writer::default(), talk, pulse, context }
    }

    /// Serves the socket to its end.
    pub async fn run(mut self, mut hold: Hold) {
        let end = self.serve(&mut hold.guard).await;
        let Self { stream, reader, writer, talk, .. } = self;
        // Out of its room, before the end takes its time.
        drop(talk);
        Last { stream, reader, writer }.end(end).await;
        drop(hold);
    }

    async fn serve(&mut self, guard: &mut Guard) -> End {
        let again = guard.clone();
        let mut told = pin!(guard.told());
        let mut timer = pin!(sleep_until(Instant::now() + NEVER));
        loop {
            // Looked at here, since others come first below.
            if again.is_told() {
                return End::Leave(code::AWAY, "the server stops");
            }
            let more = match self.turn(&again).await {
                Ok(more) => more,
                Err(end) => return end,
            };
            if more.any() {
                // The others' turn.
                tokio::task::yield_now().await;
            }
            self.set(timer.as_mut());
            let wake = tokio::select! {
                biased;
                heard = self.talk.hear(), if !more.heard => Wake::Heard(heard),
                // Also in a loud room; but not before what came is taken, so that it stays little.
                came = receive(&mut self.stream, &mut self.reader), if !more.said => match came {
                    Ok(came) => Wake::Came(came),
                    Err(error) => return error.into(),
                },
                () = &mut told => continue,
                () = &mut timer => Wake::Beat,
                () = std::future::ready(()), if more.any() => continue,
            };
            if let Err(end) = self.wake(wake) {
                return end;
            }
        }
    }

    /// Sets the timer where something is to be done earlier than it is set to. Later is no matter: then nothing is to be done,
    /// and it is set again.
    fn set(&self, timer: Pin<&mut Sleep>) {
        let next = self.pulse.next().unwrap_or_else(|| Instant::now() + NEVER);
        if next < timer.deadline() || timer.is_elapsed() {
            timer.reset(next);
        }
    }

    fn wake(&mut self, wake: Wake) -> Result<(), End> {
        match wake {
            Wake::Came(0) => return Err(End::Gone),
            Wake::Came(came) => self.pulse.heard(came, Instant::now()),
            Wake::Heard(heard) => self.tell(heard)?,
            Wake::Beat => match self.pulse.beat(Instant::now()) {
                Beat::Wait => {}
                Beat::Ping => self.writer.frame(Opcode::Ping, Bytes::new()),
                Beat::Gone => return Err(End::Gone),
                Beat::Dawdles => return Err(End::Leave(code::POLICY, "the message takes too long")),
            },
        }
        Ok(())
    }

    /// Does what there is to do, then sends all of it at once.
    async fn turn(&mut self, guard: &Guard) -> Result<More, End> {
        let said = self.said(guard).await;
        // Also what came before the end: a fault, or a close, takes nothing back.
        self.talk.said();
        let said = said?;
        let heard = self.heard(guard).await?;
        self.send(guard).await?;
        Ok(More { said, heard })
    }

    /// Takes what the client said. Whether there is more.
    async fn said(&mut self, guard: &Guard) -> Result<bool, End> {
        let mut ended = false;
        for _ in 0..TURN {
            let Some(message) = self.reader.next()? else {
                self.pulse.amid(self.reader.is_amid(), ended);
                return Ok(false);
            };
            match message {
                Message::Data(data) => {
                    ended = true;
                    if let Some(answer) = self.talk.say(data, &self.context).await {
                        self.writer.data(answer);
                    }
                }
                Message::Ping(payload) => self.writer.frame(Opcode::Pong, payload),
                Message::Pong => {}
                Message::Close(close) => return Err(End::Asked(close)),
            }
            self.send_enough(guard).await?;
        }
        Ok(true)
    }

    /// Takes what others did. Whether there may be more.
    async fn heard(&mut self, guard: &Guard) -> Result<bool, End> {
        for _ in 0..TURN {
            let Some(heard) = self.talk.heard() else { return Ok(false) };
            self.tell(heard)?;
            self.send_enough(guard).await?;
        }
        Ok(true)
    }

    fn tell(&mut self, heard: Heard) -> Result<(), End> {
        match heard {
            Heard::Data(data) => self.writer.data(data),
            Heard::Frames(frames) => self.writer.frames(frames),
            Heard::TooMuch => return Err(End::Deaf),
            Heard::End => return Err(End::Leave(code::AWAY, "the server stops")),
        }
        Ok(())
    }

    async fn send_enough(&mut self, guard: &Guard) -> Result<(), End> {
        if self.writer.len() > ENOUGH { self.send(guard).await } else { Ok(()) }
    }

    /// Sends what is queued. The client is not listened to meanwhile: who does not read need not be answered.
    async fn send(&mut self, guard: &Guard) -> Result<(), End> {
        if self.writer.len() == 0 {
            return Ok(());
        }
        let Self { stream, writer, talk, .. } = self;
        let control = Arc::clone(stream.control());
        let end = tokio::select! {
            biased;
            sent = writer.flush(stream) => return Ok(sent?),
            end = given_up(&control, talk, guard) => end,
        };
        Err(end)
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
    while !talk.is_behind() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Reads once what has come, however little; 0 at the end of the stream. The room for it is lent by the thread's stack, so
/// that a socket which waits holds none.
async fn receive(stream: &mut Stream, reader: &mut Reader) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut room = [MaybeUninit::uninit(); READ];
        let mut came = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut came))?;
        reader.feed(came.filled());
        Poll::Ready(Ok(came.filled().len()))
    })
    .await
}
