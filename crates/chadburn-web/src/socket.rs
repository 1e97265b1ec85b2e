//! A TCP stream that gives up on a peer which takes nothing, and keeps back a last answer.
//!
//! hyper does not tell the time that a request's head may take from the rest between two requests, and does not
//! limit how long an answer may. And it writes an answer at once, where the hub could send it together with its
//! greeting.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::http::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Sleep, sleep};

/// How long a peer may take nothing of what it asked for; the same patience stations get.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long the first request's head may take from the connection's begin on, and any other's from its first byte.
const HEAD: Duration = Duration::from_secs(10);

/// How long a connection may rest between an answer and the next request. Those who ask every minute keep theirs,
/// and so do browsers' pools; nginx has the same.
const IDLE: Duration = Duration::from_secs(75);

/// [`IDLE`], as a head says it (RFC 2068, 19.7.1.1).
pub(crate) const KEEP_ALIVE: HeaderValue = HeaderValue::from_static("timeout=75");

/// What others tell the socket of a connection.
#[derive(Debug, Default)]
pub struct Control {
    /// Nothing more goes out: what is written is kept for whoever takes the stream.
    holds: AtomicBool,
    /// Its time is over, and nothing is written any more.
    is_cut: AtomicBool,
    /// How many heads have come and how many answers are decided on, together: odd while one is under way.
    steps: AtomicU32,
    /// Whom to tell, while the peer takes nothing.
    stalled: Mutex<Option<Waker>>,
}

impl Control {
    /// Keeps back what is written from now on.
    pub(crate) fn hold(&self) {
        self.holds.store(true, Ordering::Relaxed);
    }

    /// A request's head has come.
    pub(crate) fn asked(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// What is answered to it is known.
    pub(crate) fn answered(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends the connection with its next write, or at once if its peer takes nothing.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::Release);
        if let Some(waker) = self.stalled().take() {
            waker.wake();
        }
    }

    fn stalled(&self) -> MutexGuard<'_, Option<Waker>> {
        self.stalled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stream.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    /// Runs while the peer takes nothing. Most connections never need it.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Runs while a request is awaited.
    awaited: Option<Pin<Box<Sleep>>>,
    /// Some of that request has come.
    begun: bool,
    /// The steps that were made when it was begun to wait for that request.
    steps: u32,
    /// Notified when another connection finds no free seat.
    evict_idle: Arc<Notify>,
    /// Waits for that, while the connection rests between two requests.
    yields: Option<Pin<Box<OwnedNotified>>>,
    /// What it is told.
    control: Arc<Control>,
    /// What was kept.
    held: Vec<u8>,
}

impl Socket {
    /// A socket that follows `control`, and closes while idle when `evict_idle` is notified.
    pub(crate) fn new(stream: TcpStream, control: Arc<Control>, evict_idle: Arc<Notify>) -> Self {
        Self {
            stream,
            stalled: None,
            awaited: None,
            begun: false,
            steps: 0,
            evict_idle,
            yields: None,
            control,
            held: Vec::new(),
        }
    }

    /// The stream, and what was kept back.
    pub(crate) fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.held)
    }

    /// Passes on what a write came to, unless it has come to nothing for too long.
    fn patiently<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.control.is_cut.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if let Poll::Ready(written) = write(Pin::new(&mut self.stream), cx) {
            self.stalled = None;
            return Poll::Ready(written);
        }
        // Told first and asked then, so that nothing is missed.
        *self.control.stalled() = Some(cx.waker().clone());
        if self.control.is_cut.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let steps = self.control.steps.load(Ordering::Relaxed);
        if self.steps != steps {
            (self.steps, self.awaited, self.begun) = (steps, None, false);
            self.yields = None;
        }
        // A body has its own deadline.
        if steps % 2 == 1 {
            return read;
        }
        match read {
            Poll::Ready(read) => {
                if buffer.filled().len() > before
                    && !std::mem::replace(&mut self.begun, true)
                    && steps > 0
                {
                    self.awaited = None;
                }
                Poll::Ready(read)
            }
            Poll::Pending if steps > 0 && !self.begun => {
                let awaited = self.awaited.get_or_insert_with(|| Box::pin(sleep(IDLE)));
                let is_over = awaited.as_mut().poll(cx).is_ready();
                let evict_idle = self.evict_idle.clone();
                let yields =
                    self.yields.get_or_insert_with(|| Box::pin(evict_idle.notified_owned()));
                if is_over || yields.as_mut().poll(cx).is_ready() {
                    // Like the peer's own end.
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending
            }
            Poll::Pending => {
                let awaited = self.awaited.get_or_insert_with(|| Box::pin(sleep(HEAD)));
                ready!(awaited.as_mut().poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.control.holds.load(Ordering::Relaxed) {
            self.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        self.patiently(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.control.holds.load(Ordering::Relaxed) {
            let before = self.held.len();
            for slice in slices {
                self.held.extend_from_slice(slice);
            }
            return Poll::Ready(Ok(self.held.len() - before));
        }
        self.patiently(cx, |stream, cx| stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.control.holds.load(Ordering::Relaxed) {
            // The conversation is over for HTTP, and begins for whoever takes the stream.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
