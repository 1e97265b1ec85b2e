//! What an answer leaves of a request's body: another request can follow only once that is read.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::Request;
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};
use tokio::time::timeout;

use crate::body::{LARGEST, PATIENCE};

/// A body that whoever answers may read, or some of it, and whose rest is read afterwards.
#[derive(Clone)]
pub(super) struct Rest(Arc<Mutex<Incoming>>);

/// The request, and what will be left of its body.
pub(super) fn split(request: Request<Incoming>) -> (Request<Body>, Rest) {
    let (head, body) = request.into_parts();
    let rest = Rest(Arc::new(Mutex::new(body)));
    (Request::from_parts(head, Body::new(rest.clone())), rest)
}

impl Rest {
    /// Reads it, and says whether it ended: not if it is longer than any body that is read here, or comes too late.
    pub(super) async fn ends(&self) -> bool {
        if self.is_end_stream() {
            return true;
        }
        let ends = async {
            let mut read = 0;
            while self.size_hint().lower() + read <= LARGEST as u64 {
                match poll_fn(|cx| Pin::new(&mut *self.body()).poll_frame(cx)).await {
                    None => return true,
                    Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len) as u64,
                    Some(Err(_)) => break,
                }
            }
            false
        };
        timeout(PATIENCE, ends).await.unwrap_or(false)
    }

    fn body(&self) -> MutexGuard<'_, Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Rest {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut *self.body()).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}
