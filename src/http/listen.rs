//! The accept loop: it survives every error, and lets in whom there is a place for.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{self, Reception};
use super::{Admit, House};
use chadburn_web::door::{Door, Refusal};

/// How long to wait when the system has no descriptor or memory for another connection.
const BACK_OFF: Duration = Duration::from_millis(200);

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
    let door = Door::default();
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
                if seat.is_err() {
                    reception.crowd.notify_one();
                }
                let admitted = match (seat, reception.guests.comes(address.ip())) {
                    (Ok(seat), Some(guest)) => Ok((seat, guest)),
                    (_, None) => Err(Refusal::TooManyOfThem),
                    (Err(_), _) => Err(Refusal::Full),
                };
                match admitted {
                    Ok(place) => {
                        let (reception, stop) = (reception.clone(), stop.clone());
                        tracker.spawn(connection::serve(reception, stream, address, place, stop));
                    }
                    Err(refusal) => {
                        reception.house.metrics.turned_away();
                        door.turn_away(stream, refusal, tracker, &stop);
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
