//! The accept loop: it survives every error, and takes whom there is a seat for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::{self, Shared};
use crate::limits::Limits;
use crate::rejector::{Rejection, Rejector};
use crate::service::Service;
use crate::visitors::Visitors;

/// How long to wait when the system has no descriptor or memory for another connection.
const BACK_OFF: Duration = Duration::from_millis(200);

/// How many connections may wait to be accepted; the kernel takes less if it allows less.
const BACKLOG: u32 = 4096;

/// Listens at this address, as a socket of the standard library that does not block. To be called within a runtime.
///
/// # Errors
/// What the system says.
pub fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted server takes its port at once, although old connections linger in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// A web server over plain HTTP/1.
#[derive(Clone, Debug)]
pub struct Server<S> {
    /// Answers.
    pub service: S,
    /// Who may come and who may read, as of now: what is sent here holds from the next request on.
    pub visitors: watch::Receiver<Visitors>,
    /// A permit for each connection that the process can afford ([`seats`](crate::seats::seats)).
    pub seats: Arc<Semaphore>,
    /// How much one address may take.
    pub limits: Limits,
}

impl<S: Service> Server<S> {
    /// Serves every connection of this listener until told to stop, each in a task of the tracker.
    /// When this returns the listener is closed; idle connections end at once, answers under way get
    /// a second, and all that is left is to wait for the tracker.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: CancellationToken,
        tracker: &TaskTracker,
    ) {
        let Self { service, visitors, seats, limits } = self;
        let shared = Arc::new(Shared::new(service, visitors, limits));
        let rejector = Rejector::default();
        let mut log = AcceptLog::default();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => {
                    log.accepts();
                    let seat = seats.clone().try_acquire_owned();
                    log.seats(seat.is_ok());
                    if seat.is_err() {
                        shared.evict_idle.notify_one();
                    }
                    let admitted = match (seat, shared.limiter.connect(address.ip())) {
                        (Ok(seat), Some(address_permit)) => Ok((seat, address_permit)),
                        (_, None) => Err(Rejection::TooMany),
                        (Err(_), _) => Err(Rejection::Full),
                    };
                    match admitted {
                        Ok(permits) => {
                            let (shared, stop) = (shared.clone(), stop.clone());
                            tracker
                                .spawn(connection::serve(shared, stream, address, permits, stop));
                        }
                        Err(rejection) => {
                            shared.service.rejected();
                            rejector.reject(stream, rejection, tracker, &stop);
                        }
                    }
                }
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    log.fails(&error);
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(BACK_OFF) => {}
                    }
                }
            }
        }
    }
}

/// Whether only one connection is lost, before it was ours.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// What was last said of how accepting goes: only changes are worth a line.
#[derive(Default)]
struct AcceptLog {
    /// The error that keeps connections out, by its number.
    failing: Option<i32>,
    /// There was no seat for the last connection.
    full: bool,
}

impl AcceptLog {
    fn accepts(&mut self) {
        if self.failing.take().is_some() {
            tracing::info!("accepting connections again");
        }
    }

    fn fails(&mut self, error: &io::Error) {
        let number = error.raw_os_error().unwrap_or_default();
        if self.failing.replace(number) != Some(number) {
            tracing::warn!(%error, "no connection can be accepted");
        }
    }

    fn seats(&mut self, free: bool) {
        if self.full == free {
            self.full = !free;
            if free {
                tracing::info!("there are seats again");
            } else {
                tracing::warn!("every seat is taken: raise the limit of descriptors (LimitNOFILE)");
            }
        }
    }
}
