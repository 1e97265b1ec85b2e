//! A TCP stream that gives up on a peer which takes nothing, and keeps back a last answer.
//!
//! hyper limits how long a request's head may take, and not how long an answer may. And it writes
//! an answer at once, where the hub could send it together with its greeting.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long a peer may take nothing of what it asked for; the same patience stations get.
const PATIENCE: Duration = Duration::from_secs(15);

/// What others tell the socket of a connection.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// Nothing more goes out: what is written is kept for whoever takes the stream.
    holds: AtomicBool,
    /// Its time is over, and nothing is written any more.
    is_cut: AtomicBool,
    /// Whom to tell, while the peer takes nothing.
    stalled: Mutex<Option<Waker>>,
}

impl Control {
    /// Keeps back what is written from now on.
    pub(super) fn hold(&self) {
        self.holds.store(true, Ordering::Relaxed);
    }

    /// Ends the connection with its next write, or at once if its peer takes nothing.
    pub(super) fn cut(&self) {
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
pub(super) struct Socket {
    stream: TcpStream,
    /// Runs while the peer takes nothing. Most connections never need it.
    stalled: Option<Pin<Box<Sleep>>>,
    /// What it is told.
    control: Arc<Control>,
    /// What was kept.
    held: Vec<u8>,
}

impl Socket {
    /// A socket that does what it is told.
    pub(super) fn new(stream: TcpStream, control: Arc<Control>) -> Self {
        Self { stream, stalled: None, control, held: Vec::new() }
    }

    /// The stream, and what was kept back.
    pub(super) fn into_parts(self) -> (TcpStream, Vec<u8>) {
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
        Pin::new(&mut self.stream).poll_read(cx, buffer)
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
