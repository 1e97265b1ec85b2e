//! An answer on its way: it goes in pieces, and keeps its permit until the last one has gone.
//!
//! An answer may be megabytes, and a peer may take them slowly or never. The permits bound what
//! all of them hold together, and are told how much of it was taken.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};

use super::permits::Permit;

/// How much goes at once, in bytes: not more than the connection holds by itself.
const PIECE: usize = 16 * 1024;

/// What has not gone yet.
struct AnswerBody {
    rest: Bytes,
    /// Given back when this is dropped.
    permit: Permit,
}

/// The body of an answer that keeps this permit.
pub(super) fn body(rest: Bytes, permit: Permit) -> Body {
    Body::new(AnswerBody { rest, permit })
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.rest.len().min(PIECE);
        self.permit.goes_on(length);
        let piece = (length > 0).then(|| self.rest.split_to(length));
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
