//! The change from polling to a WebSocket, as far as the client tries whether it works: `2probe`, `3probe`, `5`.
//!
//! socketioxide has no way back once it has the stream: where the WebSocket dies then, the session neither polls nor beats any
//! more. So the trial is done here, while the session goes on polling, and the stream is handed over when the client has made up its mind.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::interval;

use super::session::Session;
use crate::tap::Stream;
use crate::wire::Opcode;
use crate::wire::engineio::PROBE;
use crate::wire::websocket::{Header, mask};

/// Longer than any frame of the trial, bytes.
const LONG: usize = 64;

/// How often a poll that waits is answered by nothing, so that the client can stop polling; as Engine.IO's own server does.
const RELEASE: Duration = Duration::from_millis(100);

/// What we say to it.
const PONG: &[u8] = b"\x81\x063probe";

/// How many bytes that is: socketioxide will say it again.
pub(super) const SAID: usize = PONG.len();

/// What the client said, as socketioxide is told again; masked with zeros (RFC 6455, 5.3).
const HEARD: &[u8] = b"\x81\x86\0\0\0\x002probe\x81\x81\0\0\0\x005";

/// Lets the client try. What it said is given back, and what it said behind that; nothing where it thought better of it.
pub(super) async fn probe(stream: &mut Stream, early: Vec<u8>, session: &Session) -> Option<Vec<u8>> {
    let mut came = early;
    if next(stream, &mut came).await? != format!("2{PROBE}") {
        return None;
    }
    stream.write_all(PONG).await.ok()?;
    stream.flush().await.ok()?;
    let mut release = interval(RELEASE);
    let said = {
        let mut said = std::pin::pin!(next(stream, &mut came));
        loop {
            tokio::select! {
                biased;
                said = &mut said => break said?,
                _ = release.tick() => session.release(),
            }
        }
    };
    (said == "5").then(|| [HEARD, &came].concat())
}

/// The next frame's text. What came behind it stays.
async fn next(stream: &mut Stream, came: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(header) = Header::parse(came)
            && let Ok(len) = usize::try_from(header.wire_len())
            && came.len() >= len
        {
            let mut payload = came[header.size..len].to_vec();
            came.drain(..len);
            // Unmasked, or no text: not what is tried here.
            mask(&mut payload, header.key?, 0);
            let text = String::from_utf8(payload).ok()?;
            return (header.opcode == Opcode::Text && header.fin).then_some(text);
        }
        if came.len() > LONG || stream.read_buf(came).await.ok()? == 0 {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_again_is_what_was_said() {
        let first = Header::parse(HEARD).unwrap();
        let (one, two) = HEARD.split_at(usize::try_from(first.wire_len()).unwrap());
        assert_eq!((&one[first.size..], first.key), (&b"2probe"[..], Some([0; 4])));
        let second = Header::parse(two).unwrap();
        assert_eq!((&two[second.size..], second.wire_len()), (&b"5"[..], two.len() as u64));
        assert_eq!(Header::parse(PONG).unwrap().wire_len(), PONG.len() as u64);
    }
}
