//! What an answer consists of.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http_body_util::Full;
use hyper::body::{Frame, SizeHint};

/// What is longer than this is not copied for everybody who asks, bytes.
const SHARED: usize = 16 * 1024;

/// The content of an answer.
pub(super) enum Body {
    /// It is there as a whole.
    Whole(Full<Bytes>),
    /// It is there in pieces, which others share.
    Pieces(VecDeque<Bytes>),
    /// It comes bit by bit; nobody knows how much.
    Feed(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl Body {
    /// These bytes.
    pub fn new(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }

    /// All of these, one behind the other.
    pub fn pieces(pieces: VecDeque<Bytes>) -> Self {
        let len: usize = pieces.iter().map(Bytes::len).sum();
        if len > SHARED {
            return Self::Pieces(pieces);
        }
        let mut whole = BytesMut::with_capacity(len);
        pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
        Self::new(whole.freeze())
    }

    /// Each as soon as it is there, until there is nothing more.
    pub fn feed(stream: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self::Feed(Box::pin(stream))
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(whole) => f.debug_tuple("Whole").field(whole).finish(),
            Self::Pieces(pieces) => f.debug_tuple("Pieces").field(&pieces.len()).finish(),
            Self::Feed(_) => f.debug_tuple("Feed").finish_non_exhaustive(),
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole).poll_frame(cx),
            Self::Pieces(pieces) => Poll::Ready(pieces.pop_front().map(|piece| Ok(Frame::data(piece)))),
            Self::Feed(feed) => feed.poll_next_unpin(cx).map(|bytes| Some(Ok(Frame::data(bytes?)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Pieces(pieces) => pieces.is_empty(),
            Self::Feed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Pieces(pieces) => SizeHint::with_exact(pieces.iter().map(|piece| piece.len() as u64).sum()),
            Self::Feed(_) => SizeHint::default(),
        }
    }
}
