//! The accept loop: it survives every error, and says no when the house is full.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{self, Reception};
use super::{Admit, House};

/// How long to wait when the system has no descriptor or memory for another connection.
const BACK_OFF: Duration = Duration::from_millis(200);

/// What somebody is told for whom there is no seat; no request is read for it.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\
    Content-Length: 0\r\n\r\n";

/// How many of those are given the time to read it; their sockets come out of the reserve that
/// [`seats`](fn@super::seats) leaves. Whoever comes beyond is closed upon without a word.
const AT_THE_DOOR: usize = 8;

/// How long they get.
const DOOR_PATIENCE: Duration = Duration::from_secs(1);

/// Serves every connection of this listener until told to stop, each in a task of the tracker.
/// When this returns the listener is closed; idle connections end at once, answers under way get
/// a second, and all that is left is to wait for the tracker.
pub async fn listen<A: Admit>(
    listener: TcpListener,
    house: House<A>,
    stop: CancellationToken,
    tracker: &TaskTracker,
) {
    let reception = Arc::new(Reception::new(house));
    let door = Arc::new(Semaphore::new(AT_THE_DOOR));
    let mut mood = Mood::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                mood.accepts();
                let seat = reception.house.seats.clone().try_acquire_owned();
                mood.seats(seat.is_ok());
                if let Ok(seat) = seat {
                    let (reception, stop) = (reception.clone(), stop.clone());
                    tracker.spawn(connection::serve(reception, stream, address, seat, stop));
                } else {
                    reception.house.metrics.turned_away();
                    if let Ok(place) = door.clone().try_acquire_owned() {
                        tracker.spawn(turn_away(stream, place, stop.clone()));
                    }
                }
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                mood.fails(&error);
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(BACK_OFF) => {}
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

/// Says that the house is full, and waits a little for the peer to have read it: closing at once,
/// with its request unread, would reset the connection and lose the answer.
async fn turn_away(mut stream: TcpStream, place: OwnedSemaphorePermit, stop: CancellationToken) {
    let said = async {
        stream.write_all(FULL).await?;
        stream.shutdown().await?;
        let mut request = [0; 1024];
        while stream.read(&mut request).await? > 0 {}
        io::Result::Ok(())
    };
    tokio::select! {
        _ = tokio::time::timeout(DOOR_PATIENCE, said) => {}
        () = stop.cancelled() => {}
    }
    drop(place);
}

/// What was last said of how accepting goes: only changes are worth a line.
#[derive(Default)]
struct Mood {
    /// The error that keeps connections out, by its number.
    failing: Option<i32>,
    /// There was no seat for the last connection.
    full: bool,
}

impl Mood {
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
