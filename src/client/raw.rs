//! A connection on which a client says what no library would: read by our own decoders.

use tokio::io::AsyncReadExt as _;

use super::Link;
use super::inbox::{Command, Incoming, NO_SESSION, Post, Queue};
use crate::wire::{Conversation, Meaning, Opcode, Side};

/// Owns the connection to its end. `first` is `None` where the server spoke before the client.
pub(super) async fn own(mut link: Link, first: Option<Command>, mut queue: Queue, post: Post) {
    let mut reading = Reading::default();
    let mut next = first;
    let mut buf = vec![0_u8; 16 * 1024];
    loop {
        if let Some(command) = next.take() {
            obey(command, &link, &mut reading, &queue, &post).await;
            queue.sent();
        }
        tokio::select! {
            command = queue.next() => match command {
                Some(command) => next = Some(command),
                None => {
                    link.fin();
                    return link.read_to_end().await;
                }
            },
            read = link.read(&mut buf) => match read {
                Ok(0) | Err(_) => {
                    reading.end().into_iter().for_each(|incoming| post.deliver(incoming));
                    return;
                }
                Ok(len) => reading.bytes(&buf[..len]).into_iter().for_each(|incoming| post.deliver(incoming)),
            },
        }
    }
}

async fn obey(command: Command, link: &Link, reading: &mut Reading, queue: &Queue, post: &Post) {
    let unsent = |why: &str| post.deliver(Incoming::Unsent(why.into()));
    match command {
        Command::Raw(bytes) => {
            reading.conversation.feed(Side::Client, &bytes);
            if link.write_raw(&bytes).await.is_err() {
                unsent("the connection has ended");
            }
        }
        Command::Fin => link.fin(),
        Command::Reset => link.reset(),
        // Bytes were written past the library: from then on it cannot be used.
        Command::Request(_) => {
            queue.answered();
            unsent("behind raw bytes, requests are raw bytes too");
        }
        Command::Emit(_) | Command::Leave => unsent(NO_SESSION),
        Command::Message(_) => unsent("behind raw bytes, frames are raw bytes too"),
    }
}

/// Of a response: its status, its headers, its length in bytes.
type Head = (u16, Vec<(String, String)>, usize);

/// What was read from the server and is not handed on yet.
#[derive(Debug, Default)]
struct Reading {
    conversation: Conversation,
    bytes: Vec<u8>,
    head: Option<Head>,
}

impl Reading {
    fn bytes(&mut self, bytes: &[u8]) -> Vec<Incoming> {
        self.bytes.extend_from_slice(bytes);
        let meanings = self.conversation.feed(Side::Server, bytes);
        meanings.into_iter().filter_map(|meaning| self.meaning(meaning)).collect()
    }

    fn end(&mut self) -> Vec<Incoming> {
        let meanings = self.conversation.end(Side::Server);
        meanings.into_iter().filter_map(|meaning| self.meaning(meaning)).collect()
    }

    fn meaning(&mut self, meaning: Meaning) -> Option<Incoming> {
        match meaning {
            Meaning::Response { status, headers, head_len, .. } => {
                self.head = Some((status, headers, usize::try_from(head_len).unwrap_or(usize::MAX)));
                None
            }
            Meaning::MessageEnd { from: Side::Server, wire_len, .. } => {
                let message = self.cut(wire_len);
                let (status, headers, head_len) = self.head.take()?;
                let body = message.get(head_len..).unwrap_or_default().to_vec().into();
                Some(Incoming::Response { status, headers, body })
            }
            Meaning::Frame { from: Side::Server, opcode, len, wire_len, text, code, reason, .. } => {
                let frame = self.cut(wire_len);
                let start = frame.len().saturating_sub(usize::try_from(len).unwrap_or(usize::MAX));
                let payload = frame[start..].to_vec();
                match opcode {
                    Opcode::Text => Some(Incoming::Text(text.unwrap_or_default())),
                    Opcode::Ping => Some(Incoming::Ping(payload.into())),
                    Opcode::Pong => Some(Incoming::Pong(payload.into())),
                    Opcode::Close => {
                        Some(Incoming::Close(code.map(|code| (code, reason.unwrap_or_default()))))
                    }
                    Opcode::Binary | Opcode::Continuation | Opcode::Reserved(_) => {
                        Some(Incoming::Binary(payload.into()))
                    }
                }
            }
            Meaning::Request { .. }
            | Meaning::MessageEnd { from: Side::Client, .. }
            | Meaning::Frame { from: Side::Client, .. }
            | Meaning::Upgraded { .. }
            | Meaning::Packet { .. }
            | Meaning::Broken { .. } => None,
        }
    }

    fn cut(&mut self, wire_len: u64) -> Vec<u8> {
        let len = usize::try_from(wire_len).unwrap_or(usize::MAX).min(self.bytes.len());
        let rest = self.bytes.split_off(len);
        std::mem::replace(&mut self.bytes, rest)
    }
}
