//! What is to be sent on a socket: frames are queued here, and go out with one call to the kernel for as many as there are.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use super::reader::Data;
use crate::wire::Opcode;

/// A payload up to this size is copied behind its header; a longer one is shared with whoever else is to get it.
const SMALL: usize = 1024;

/// Room that is kept for the next frames.
const KEPT: usize = 2 * 1024;

/// The most pieces that are handed to the kernel at once.
const PIECES: usize = 16;

/// Frames that several sockets are to get, encoded once for all of them.
#[derive(Debug, Default)]
pub(in crate::server) struct Frames {
    bytes: BytesMut,
}

impl Frames {
    pub fn push(&mut self, data: &Data) {
        header(&mut self.bytes, data.opcode, data.payload.len());
        self.bytes.extend_from_slice(&data.payload);
    }

    /// What there is of them, bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// All of them, which are then gone from here.
    pub fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes).freeze()
    }
}

/// Queued frames. A server's are not masked (RFC 6455, 5.1).
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// Goes out first.
    pieces: VecDeque<Bytes>,
    /// What comes after them: headers and small payloads, one behind the other.
    last: BytesMut,
    /// All of it, bytes.
    len: usize,
}

impl Writer {
    /// Bytes that are queued.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn data(&mut self, data: Data) {
        self.frame(data.opcode, data.payload);
    }

    /// A reason is at most 123 bytes (RFC 6455, 5.5).
    pub fn close(&mut self, close: Option<(u16, &str)>) {
        let payload =
            close.map(|(code, reason)| [&code.to_be_bytes(), reason.as_bytes()].concat()).unwrap_or_default();
        self.frame(Opcode::Close, payload.into());
    }

    /// A whole frame.
    pub fn frame(&mut self, opcode: Opcode, payload: Bytes) {
        let before = self.last.len();
        header(&mut self.last, opcode, payload.len());
        self.len += self.last.len() - before;
        self.frames(payload);
    }

    /// Whole frames as they are on the wire, or the payload of one.
    pub fn frames(&mut self, bytes: Bytes) {
        self.len += bytes.len();
        if bytes.len() <= SMALL {
            self.last.extend_from_slice(&bytes);
        } else {
            self.pieces.extend([self.last.split().freeze(), bytes]);
        }
    }

    /// Sends all that is queued. What was sent when this is dropped is not sent again.
    pub async fn flush<S: AsyncWrite + Unpin>(&mut self, stream: &mut S) -> io::Result<()> {
        poll_fn(|cx| self.poll_flush(stream, cx)).await
    }

    fn poll_flush<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.len > 0 {
            let sent = ready!(self.poll_write(stream, cx))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent(sent);
        }
        if self.last.capacity() > KEPT {
            self.last = BytesMut::new();
        }
        Pin::new(stream).poll_flush(cx)
    }

    fn poll_write<S: AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.pieces.is_empty() {
            return Pin::new(stream).poll_write(cx, &self.last);
        }
        let mut slices = [IoSlice::new(&[]); PIECES];
        let all = self.pieces.iter().map(Bytes::as_ref).chain([self.last.as_ref()]);
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(all) {
            *slice = IoSlice::new(piece);
            count += 1;
        }
        Pin::new(stream).poll_write_vectored(cx, &slices[..count])
    }

    fn sent(&mut self, mut sent: usize) {
        self.len -= sent;
        while let Some(piece) = self.pieces.front_mut() {
            let part = sent.min(piece.len());
            piece.advance(part);
            sent -= part;
            if !piece.is_empty() {
                return;
            }
            self.pieces.pop_front();
        }
        self.last.advance(sent);
    }
}

/// The header of a whole frame that is not masked, its length in as few bytes as it takes (RFC 6455, 5.2).
fn header(bytes: &mut BytesMut, opcode: Opcode, len: usize) {
    bytes.put_u8(0x80 | bits(opcode));
    match len {
        0..126 => bytes.put_u8(len as u8),
        126..=0xffff => {
            bytes.put_u8(126);
            bytes.put_u16(len as u16);
        }
        _ => {
            bytes.put_u8(127);
            bytes.put_u64(len as u64);
        }
    }
}

/// The low four bits of a frame's first byte (RFC 6455, 5.2).
fn bits(opcode: Opcode) -> u8 {
    match opcode {
        Opcode::Continuation => 0,
        Opcode::Text => 1,
        Opcode::Binary => 2,
        Opcode::Close => 8,
        Opcode::Ping => 9,
        Opcode::Pong => 10,
        Opcode::Reserved(bits) => bits,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::wire::websocket::Header;

    #[tokio::test]
    async fn frames_arrive_as_they_were_queued_however_little_is_taken_at_once() {
        let (mut near, mut far) = tokio::io::duplex(1000);
        let mut writer = Writer::default();
        let lengths = [0, 125, 126, 1024, 1025, 65_535, 65_536, 3];
        for len in lengths {
            writer.data(Data { opcode: Opcode::Binary, payload: vec![7; len].into() });
        }
        writer.close(Some((1001, "bye")));
        let (all, mut read) = (writer.len(), Vec::new());
        let (sent, received) = tokio::join!(
            async {
                let sent = writer.flush(&mut near).await;
                drop(near);
                sent
            },
            far.read_to_end(&mut read)
        );
        sent.unwrap();
        assert_eq!((received.unwrap(), writer.len()), (all, 0));
        let mut rest = read.as_slice();
        for len in lengths {
            let header = Header::parse(rest).unwrap();
            assert_eq!((header.fin, header.opcode, header.len), (true, Opcode::Binary, len as u64));
            assert_eq!(header.key, None);
            rest = &rest[header.size + len..];
        }
        assert_eq!(rest, b"\x88\x05\x03\xe9bye");
    }
}
