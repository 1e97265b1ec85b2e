//! Who may have an answer of the book made and sent, which may be megabytes: so many at once, and nobody
//! keeps a permit from others by taking the answer slowly or not at all.
//!
//! While nobody waits, an answer may take as long as its connection lives. Once somebody does, it must be
//! taken at a certain pace, else its connection is cut and the permit is the next one's. The more wait,
//! the less time an answer has to begin to be taken, so that all have had their turn in time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use chadburn_web::Control;

/// How many permits there are: what bounds the memory of all answers, of some 20 MiB each.
const PERMITS: u32 = 8;

/// How many answers are made at once; two cores are common, and each takes one.
const MAKING: usize = 2;

/// How long one waits for a permit.
const PATIENCE: Duration = Duration::from_secs(5);

/// After how long all who wait have had a permit, as far as answers can be made as fast as that.
const TURN: Duration = Duration::from_secs(4);

/// How long an answer may take while somebody waits, if nothing of it is taken: at most, when few wait.
const GRACE_MAX: Duration = Duration::from_millis(500);

/// The least of it: 6,400 who take nothing have had their turn within [`TURN`]. What a socket's buffers hold
/// goes at once, and counts as taken.
const GRACE_MIN: Duration = Duration::from_millis(5);

/// How much of it must be taken each second beyond that, in bytes: a slow network's pace.
const PACE: u64 = 1 << 20;

/// The permits. A clone is the same ones.
#[derive(Clone, Debug)]
pub(super) struct Permits(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Somebody came, a permit was given back, or an answer began.
    changed: Notify,
}

/// Who has a permit, and who waits.
#[derive(Debug)]
struct State {
    /// The number of the last one who came.
    last: u64,
    in_use: Vec<InUse>,
    /// By number, which is the order in which they came. Each costs no more than its connection.
    waiting: BTreeMap<u64, Waiter>,
    /// How long a permit may be had by one who takes nothing, as of the last turn.
    share: Duration,
    /// The next turn is the newest's.
    is_newest: bool,
}

#[derive(Debug)]
struct Waiter {
    from: IpAddr,
    since: Instant,
    sender: oneshot::Sender<Permit>,
}

/// A permit that somebody has.
#[derive(Debug)]
struct InUse {
    number: u64,
    from: IpAddr,
    since: Instant,
    /// Its answer, once it is on its way.
    answer: Option<Answer>,
}

#[derive(Debug)]
struct Answer {
    since: Instant,
    /// How many bytes of it were taken.
    taken: u64,
    /// Ends the connection.
    control: Arc<Control>,
}

impl InUse {
    /// From when on somebody who waits may have the permit.
    fn due(&self, share: Duration) -> Option<Instant> {
        let answer = self.answer.as_ref()?;
        let grace = share.saturating_sub(answer.since - self.since).clamp(GRACE_MIN, GRACE_MAX);
        Some(answer.since + grace + Duration::from_micros(answer.taken * 1_000_000 / PACE))
    }
}

/// What can be done now.
#[derive(Debug)]
enum Next {
    /// This permit is given to this one.
    Give(u64, oneshot::Sender<Permit>),
    /// Nothing before this time.
    At(Instant),
    /// Nothing before something changes.
    Wait,
}

impl State {
    /// Cuts off an answer, if that is due, for whoever's turn it is.
    fn next(&mut self, now: Instant) -> Next {
        let making = self.in_use.iter().filter(|permit| permit.answer.is_none()).count();
        if self.waiting.is_empty() || making >= MAKING {
            return Next::Wait;
        }
        let mut slowest = None;
        if self.in_use.len() >= PERMITS as usize {
            let dues = self.in_use.iter().enumerate();
            let dues = dues.filter_map(|(index, permit)| Some((permit.due(self.share)?, index)));
            match dues.min() {
                Some((due, index)) if due <= now => slowest = Some(index),
                Some((due, _)) => return Next::At(due),
                None => return Next::Wait,
            }
        }
        self.waiting.retain(|_, waiter| !waiter.sender.is_closed());
        let Some((number, waiter)) = self.turn() else { return Next::Wait };
        let slowest = slowest.map(|index| self.in_use.swap_remove(index));
        slowest.and_then(|permit| permit.answer).iter().for_each(|answer| answer.control.cut());
        self.in_use.push(InUse { number, from: waiter.from, since: now, answer: None });
        self.share = self.share(now);
        Next::Give(number, waiter.sender)
    }

    /// Whose turn it is: every other time the newest's, so that a crowd that was there before makes him wait
    /// for two turns alone; else the oldest's of an address that has fewest permits.
    fn turn(&mut self) -> Option<(u64, Waiter)> {
        self.is_newest = !self.is_newest;
        if self.is_newest {
            return self.waiting.pop_last();
        }
        let has = |from| self.in_use.iter().filter(|permit| permit.from == from).count();
        let order = |(number, waiter): &(&u64, &Waiter)| (has(waiter.from), **number);
        let number = *self.waiting.iter().min_by_key(order)?.0;
        self.waiting.remove_entry(&number)
    }

    /// How long each permit may be had, so that the one who waits longest and all others get one in time.
    fn share(&self, now: Instant) -> Duration {
        let Some((_, oldest)) = self.waiting.first_key_value() else { return Duration::MAX };
        let left = TURN.saturating_sub(now - oldest.since);
        let many = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        left * PERMITS / many
    }
}

impl Permits {
    /// All of them, given in turn by a task of this runtime.
    pub(super) fn new() -> Self {
        let state = State {
            last: 0,
            in_use: Vec::new(),
            waiting: BTreeMap::new(),
            share: Duration::MAX,
            is_newest: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Notify::new() });
        tokio::spawn(give(shared.clone()));
        Self(shared)
    }

    /// A permit for somebody at this address; none if there is none in time.
    pub(super) async fn acquire(&self, from: IpAddr) -> Option<Permit> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.0.state();
            state.last += 1;
            let number = state.last;
            state.waiting.insert(number, Waiter { from, since: Instant::now(), sender });
        }
        self.0.changed.notify_one();
        timeout(PATIENCE, receiver).await.ok()?.ok()
    }
}

/// Gives permits for ever, to one after the other.
async fn give(shared: Arc<Shared>) {
    loop {
        let next = shared.state().next(Instant::now());
        match next {
            // Whoever has gone meanwhile gives it back by that.
            Next::Give(number, sender) => {
                drop(sender.send(Permit { shared: shared.clone(), number }));
            }
            // Whether something changed or is due, the next look tells.
            Next::At(due) => drop(timeout_at(due, shared.changed.notified()).await),
            Next::Wait => shared.changed.notified().await,
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A rule that has panicked has at worst miscounted one permit.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A permit; given back by being dropped.
#[derive(Debug)]
pub(super) struct Permit {
    shared: Arc<Shared>,
    number: u64,
}

impl Permit {
    /// The answer is on its way, over the connection that this ends.
    pub(super) fn begins(&self, control: Arc<Control>) {
        let answer = Answer { since: Instant::now(), taken: 0, control };
        self.with(|permit| permit.answer = Some(answer));
        self.shared.changed.notify_one();
    }

    /// So many bytes more of it were taken.
    pub(super) fn goes_on(&self, bytes: usize) {
        self.with(|permit| {
            if let Some(answer) = &mut permit.answer {
                answer.taken += bytes as u64;
            }
        });
    }

    fn with(&self, change: impl FnOnce(&mut InUse)) {
        let mut state = self.shared.state();
        // The permit may be somebody else's by now.
        if let Some(permit) = state.in_use.iter_mut().find(|permit| permit.number == self.number) {
            change(permit);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.state().in_use.retain(|permit| permit.number != self.number);
        self.shared.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    /// A permit whose answer begins at once, and of which nothing is taken.
    async fn stuck(permits: &Permits, from: IpAddr) -> Option<Permit> {
        let permit = permits.acquire(from).await?;
        permit.begins(Arc::default());
        Some(permit)
    }

    /// Every permit is in use from this address, and no answer moves.
    async fn full(permits: &Permits, from: IpAddr) -> Vec<Permit> {
        let mut all = Vec::new();
        for _ in 0..PERMITS {
            all.push(stuck(permits, from).await.unwrap());
        }
        all
    }

    /// So many more wait, each of whom takes nothing once he has his permit.
    async fn crowd(permits: &Permits, from: IpAddr, many: usize) -> JoinSet<Option<Permit>> {
        let before = permits.0.state().waiting.len();
        let mut crowd = JoinSet::new();
        for _ in 0..many {
            let permits = permits.clone();
            crowd.spawn(async move { stuck(&permits, from).await });
        }
        while permits.0.state().waiting.len() < before + many {
            tokio::task::yield_now().await;
        }
        crowd
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_who_takes_nothing_keeps_a_permit_from_others_however_many_they_are() {
        for many in [1, 50, 150, 1_500] {
            let permits = Permits::new();
            let _stuck = full(&permits, ONE).await;
            let begun = Instant::now();
            let mut crowd = crowd(&permits, ONE, many).await;
            let late = permits.acquire(ONE).await;
            assert!(late.is_some() && begun.elapsed() <= 3 * GRACE_MAX, "{many}");
            drop(late);
            let mut all = Vec::new();
            while let Some(permit) = crowd.join_next().await {
                all.push(permit.unwrap().unwrap_or_else(|| panic!("each of {many} has a turn")));
            }
            let took = begun.elapsed();
            assert!(took <= TURN + 10 * GRACE_MIN, "{many}: {took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_is_kept_while_nobody_waits_and_by_whoever_keeps_the_pace() {
        let permits = Permits::new();
        let all = full(&permits, ONE).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(permits.0.state().in_use.len(), PERMITS as usize);
        for permit in &all[1..] {
            permit.goes_on(usize::try_from(100 * PACE).unwrap());
        }
        let _one = permits.acquire(TWO).await.unwrap();
        let numbers: Vec<_> = permits.0.state().in_use.iter().map(|permit| permit.number).collect();
        assert!(!numbers.contains(&all[0].number), "the slowest has lost it");
        assert!(all[1..].iter().all(|permit| numbers.contains(&permit.number)));
    }

    #[tokio::test(start_paused = true)]
    async fn few_who_wait_leave_an_answer_its_time_even_if_it_was_long_in_the_making() {
        let permits = Permits::new();
        let mut all = full(&permits, ONE).await;
        drop(all.pop());
        for permit in &all {
            permit.goes_on(usize::try_from(100 * PACE).unwrap());
        }
        let slow = permits.acquire(ONE).await.unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
        slow.begins(Arc::default());
        let begun = Instant::now();
        let _two = permits.acquire(TWO).await.unwrap();
        assert_eq!(begun.elapsed(), GRACE_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn so_few_are_made_at_once() {
        let permits = Permits::new();
        let first = permits.acquire(ONE).await.unwrap();
        let second = permits.acquire(ONE).await.unwrap();
        assert!(permits.acquire(TWO).await.is_none(), "there are permits, and nobody to make it");
        first.begins(Arc::default());
        let third = permits.acquire(TWO).await.unwrap();
        drop(second);
        assert!(permits.acquire(TWO).await.is_some());
        drop(third);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_no_answer_on_its_way_goes_before_those_who_have() {
        let permits = Permits::new();
        let mut all = full(&permits, ONE).await;
        let mut waiting = Vec::new();
        for from in [ONE, TWO, ONE, ONE] {
            waiting.push(crowd(&permits, from, 1).await);
        }
        // One of two turns is the newest's, and the other is that of whoever has none.
        drop(all.drain(..2));
        assert!(waiting[1].join_next().await.unwrap().unwrap().is_some());
        assert!(waiting[3].join_next().await.unwrap().unwrap().is_some());
        assert!(waiting[0].try_join_next().is_none() && waiting[2].try_join_next().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_while_he_waits_is_not_waited_for() {
        let permits = Permits::new();
        let all = full(&permits, ONE).await;
        for number in 0..10 {
            crowd(&permits, ONE, number).await.shutdown().await;
        }
        let begun = Instant::now();
        assert!(permits.acquire(TWO).await.is_some());
        assert!(begun.elapsed() <= GRACE_MAX, "{:?}", begun.elapsed());
        assert!(permits.0.state().waiting.is_empty(), "and is forgotten");
        drop(all);
    }
}
