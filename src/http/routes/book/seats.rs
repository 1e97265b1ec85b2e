//! Who may have an answer of the book on its way, which may be megabytes: so many at once, and nobody
//! keeps a seat from others by taking its answer slowly or not at all.
//!
//! While nobody waits, an answer may take as long as the connection lives. Once somebody does, it must
//! have been taken at a certain pace, else its connection is cut and the seat is the other's. Those who
//! wait have their turns by what their address has: who has no answer on its way goes before those who
//! have some.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use chadburn_web::Control;

/// How many answers are on their way at once.
const SEATS: usize = 8;

/// How many may wait from one address. Each costs no more than its connection; what is bounded is how
/// long the others behind the same address wait.
const WAITING: usize = 64;

/// How long one waits for a seat.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long an answer may take while somebody waits, if nothing of it is taken: fifty that take nothing
/// have all had a seat within 4 s.
const GRACE: Duration = Duration::from_millis(500);

/// How much of it must be taken each second beyond that, in bytes: a slow network's pace.
const PACE: u64 = 1 << 20;

/// The seats. A clone is the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Seats(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    room: Mutex<Room>,
    /// Rung whenever somebody may have a turn who had none.
    changed: Notify,
}

/// Who has a seat, and who waits.
#[derive(Debug, Default)]
struct Room {
    /// The number of the last one who came.
    last: u64,
    taken: Vec<Taken>,
    /// In the order in which they came.
    waiting: Vec<(u64, IpAddr)>,
}

/// A seat that is taken.
#[derive(Debug)]
struct Taken {
    number: u64,
    from: IpAddr,
    /// Its answer, once it is on its way.
    answer: Option<Answer>,
}

#[derive(Debug)]
struct Answer {
    since: Instant,
    /// How many bytes of it were taken.
    gone: u64,
    /// Ends the connection.
    control: Arc<Control>,
}

impl Answer {
    /// From when on somebody who waits may have the seat.
    fn due(&self) -> Instant {
        self.since + GRACE + Duration::from_micros(self.gone * 1_000_000 / PACE)
    }
}

impl Room {
    fn come(&mut self, from: IpAddr) -> Option<u64> {
        let many = self.waiting.iter().filter(|(_, address)| *address == from).count();
        if many == WAITING {
            return None;
        }
        self.last += 1;
        self.waiting.push((self.last, from));
        Some(self.last)
    }

    /// Gives a seat to the one with this number if it is its turn and there is one, or one that can
    /// be had; else says when it may be worth to ask again.
    fn sit_down(&mut self, number: u64, now: Instant) -> Result<(), Option<Instant>> {
        let has = |from| self.taken.iter().filter(|taken| taken.from == from).count();
        let next = self.waiting.iter().min_by_key(|(number, from)| (has(*from), *number));
        let Some(&(_, from)) = next.filter(|(next, _)| *next == number) else { return Err(None) };
        if self.taken.len() >= SEATS {
            let due = |taken: &Taken| taken.answer.as_ref().map(Answer::due);
            let dues = self.taken.iter().enumerate();
            let first = dues.filter_map(|(index, taken)| Some((due(taken)?, index))).min();
            let Some((due, index)) = first else { return Err(None) };
            if due > now {
                return Err(Some(due));
            }
            let slowest = self.taken.swap_remove(index);
            slowest.answer.iter().for_each(|answer| answer.control.cut());
        }
        self.waiting.retain(|(waiting, _)| *waiting != number);
        self.taken.push(Taken { number, from, answer: None });
        Ok(())
    }
}

impl Seats {
    /// A seat for somebody at this address; none if there is none in time.
    pub(super) async fn sit_down(&self, from: IpAddr) -> Option<Seat> {
        let number = self.room().come(from)?;
        // Whoever goes while it waits is not waited for.
        let seat = Seat { seats: self.clone(), number };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let changed = self.0.changed.notified();
            let result = self.room().sit_down(number, Instant::now());
            let Err(again) = result else {
                // There may be another free seat, and others were behind this one.
                self.0.changed.notify_waiters();
                return Some(seat);
            };
            let until = again.map_or(deadline, |again| again.min(deadline));
            // Whether it was rung or is time, the next look tells.
            let _ = timeout_at(until, changed).await;
        }
        None
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        // A rule that has panicked has at worst miscounted one seat.
        self.0.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A seat, or a place before it; given back by being dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    number: u64,
}

impl Seat {
    /// The answer is on its way, over the connection that this ends.
    pub(super) fn begins(&self, control: Arc<Control>) {
        let answer = Answer { since: Instant::now(), gone: 0, control };
        self.with(|taken| taken.answer = Some(answer));
        self.seats.0.changed.notify_waiters();
    }

    /// So many bytes more of it were taken.
    pub(super) fn goes_on(&self, bytes: usize) {
        self.with(|taken| {
            if let Some(answer) = &mut taken.answer {
                answer.gone += bytes as u64;
            }
        });
    }

    fn with(&self, change: impl FnOnce(&mut Taken)) {
        let mut room = self.seats.room();
        // The seat may be somebody else's by now.
        if let Some(taken) = room.taken.iter_mut().find(|taken| taken.number == self.number) {
            change(taken);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut room = self.seats.room();
        room.taken.retain(|taken| taken.number != self.number);
        room.waiting.retain(|(number, _)| *number != self.number);
        drop(room);
        self.seats.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    /// Every seat is taken from this address, and no answer moves.
    async fn full(seats: &Seats, from: IpAddr) -> Vec<Seat> {
        let mut taken = Vec::new();
        for _ in 0..SEATS {
            let seat = seats.sit_down(from).await.unwrap();
            seat.begins(Arc::default());
            taken.push(seat);
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_who_takes_nothing_keeps_a_seat_from_others() {
        let seats = Seats::default();
        let _stuck = full(&seats, ONE).await;
        let mut after = Vec::new();
        let begun = Instant::now();
        for _ in 0..50 {
            let seat = seats.sit_down(ONE).await.expect("there is one soon");
            seat.begins(Arc::default());
            after.push(seat);
        }
        let took = begun.elapsed();
        assert!(took > GRACE && took < Duration::from_secs(5), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_seat_is_kept_while_nobody_waits_and_by_whoever_keeps_the_pace() {
        let seats = Seats::default();
        let taken = full(&seats, ONE).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(seats.room().taken.len(), SEATS);
        for seat in &taken[1..] {
            seat.goes_on(usize::try_from(100 * PACE).unwrap());
        }
        let _one = seats.sit_down(TWO).await.unwrap();
        let numbers: Vec<_> = seats.room().taken.iter().map(|taken| taken.number).collect();
        assert!(!numbers.contains(&taken[0].number), "the slowest has lost it");
        assert!(taken[1..].iter().all(|seat| numbers.contains(&seat.number)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_answer_on_its_way_goes_before_those_who_have() {
        let seats = Seats::default();
        let mut taken = full(&seats, ONE).await;
        let sit = |from| {
            let seats = seats.clone();
            tokio::spawn(async move { (from, seats.sit_down(from).await) })
        };
        let many: Vec<_> = (0..WAITING).map(|_| sit(ONE)).collect();
        while seats.room().waiting.len() < WAITING {
            tokio::task::yield_now().await;
        }
        assert!(seats.sit_down(ONE).await.is_none(), "as many wait as may");
        let other = sit(TWO);
        while seats.room().waiting.len() == WAITING {
            tokio::task::yield_now().await;
        }
        drop(taken.pop());
        assert!(other.await.unwrap().1.is_some());
        many.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
