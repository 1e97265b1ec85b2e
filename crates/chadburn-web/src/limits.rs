//! How much one address may take: connections at once, requests a second, wrong tokens.
//!
//! Pure: told who comes, asks, guesses and leaves, and what time it is, it says yes or no. It knows no
//! socket. Without limits and without a token, which is the rule, it keeps nothing and says yes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Over this time an address may ask as often as the limit says, evenly or all at once.
const WINDOW: Duration = Duration::from_secs(1);

/// How many wrong tokens an address may give all at once: more than a person mistypes.
const WRONG_TOKEN_BURST: u32 = 20;

/// After how long it may give one more.
const WRONG_TOKEN_REFILL: Duration = Duration::from_secs(1);

/// How many addresses are kept before those are looked for that can be forgotten.
const MIN_PRUNE: usize = 64;

/// What one address may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, stations and idle ones included.
    pub connections: Option<NonZeroU32>,
    /// Requests a second, handshakes included.
    pub requests: Option<NonZeroU32>,
    /// There is a token that could be guessed.
    pub token_configured: bool,
}

/// Holds an address's connection; it is given back by being dropped, wherever that is.
#[derive(Debug, Default)]
#[must_use]
pub struct AddressPermit {
    state: Option<Arc<AddressState>>,
}

/// What all connections of an address share.
#[derive(Debug, Default)]
struct AddressState {
    /// Wrong tokens that came over them and have not been reckoned with.
    unapplied_wrong_tokens: AtomicU32,
}

impl AddressPermit {
    /// A wrong token came over this connection, elsewhere than in a request's head.
    pub fn wrong_token(&self) {
        if let Some(state) = &self.state {
            state.unapplied_wrong_tokens.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// An address has taken as much as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitReached {
    /// Nobody was told yet that this address is at its limit.
    pub is_first: bool,
}

/// All who have come and not left, and all who have asked lately.
///
/// There are never many more than the seats, the requests of a second and the wrong tokens of twenty: whenever
/// their number has doubled, those are forgotten who have no connection, may ask as much as ever, and whose wrong
/// tokens are forgiven.
#[derive(Debug)]
pub struct Accounts {
    limits: Limits,
    addresses: HashMap<IpAddr, Account>,
    /// How many addresses there may be before the next look at who can be forgotten.
    prune_at: usize,
}

/// What is known of one address.
#[derive(Debug, Default)]
struct Account {
    /// Cloned for each of its connections, so that its count is theirs and one more.
    state: Arc<AddressState>,
    /// When its wrong tokens are forgiven; since the start.
    wrong_tokens_expire_at: Duration,
    /// When what it has asked is used up, if it asks no faster than it may; since the start.
    requests_tat: Duration,
    /// It was said that this address is at its limit.
    limit_logged: bool,
}

impl Accounts {
    /// Nobody is here yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, addresses: HashMap::new(), prune_at: MIN_PRUNE }
    }

    /// A connection from this address, at this time since the start.
    ///
    /// # Errors
    /// [`LimitReached`] if the address has as many as it may.
    pub fn connect(&mut self, from: IpAddr, now: Duration) -> Result<AddressPermit, LimitReached> {
        let Limits { connections, token_configured, .. } = self.limits;
        if connections.is_none() && !token_configured {
            return Ok(AddressPermit::default());
        }
        let account = self.account(from, now);
        let here = u32::try_from(Arc::strong_count(&account.state) - 1).unwrap_or(u32::MAX);
        if connections.is_none_or(|most| here < most.get()) {
            return Ok(AddressPermit { state: Some(Arc::clone(&account.state)) });
        }
        Err(account.limit_reached())
    }

    /// A request from this address, at this time since the start. One that is refused costs
    /// nothing.
    ///
    /// # Errors
    /// [`LimitReached`] if the address has asked as often as it may; in a second it may again.
    pub fn request(&mut self, from: IpAddr, now: Duration) -> Result<(), LimitReached> {
        let Some(most) = self.limits.requests else {
            return Ok(());
        };
        let account = self.account(from, now);
        let requests_tat = account.requests_tat.max(now) + WINDOW / most.get();
        if requests_tat > now + WINDOW {
            return Err(account.limit_reached());
        }
        account.requests_tat = requests_tat;
        Ok(())
    }

    /// A request with a token, right or wrong, or a station that has still to give one.
    ///
    /// # Errors
    /// [`LimitReached`] if the address has given so many wrong ones lately that it must wait.
    pub fn try_token(&mut self, from: IpAddr, now: Duration) -> Result<(), LimitReached> {
        if !self.limits.token_configured {
            return Ok(());
        }
        let account = self.account(from, now);
        account.apply_wrong_tokens(now);
        let most = now + WRONG_TOKEN_BURST * WRONG_TOKEN_REFILL;
        if account.wrong_tokens_expire_at + WRONG_TOKEN_REFILL > most {
            Err(account.limit_reached())
        } else {
            Ok(())
        }
    }

    /// The token was wrong.
    pub fn wrong_token(&mut self, from: IpAddr, now: Duration) {
        if self.limits.token_configured {
            self.account(from, now).state.unapplied_wrong_tokens.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn account(&mut self, from: IpAddr, now: Duration) -> &mut Account {
        if self.addresses.len() >= self.prune_at {
            self.addresses.retain(|_, account| {
                account.apply_wrong_tokens(now);
                !account.can_be_forgotten(now)
            });
            self.prune_at = MIN_PRUNE.max(2 * self.addresses.len());
        }
        self.addresses.entry(prefix(from)).or_default()
    }
}

impl Account {
    fn limit_reached(&mut self) -> LimitReached {
        LimitReached { is_first: !std::mem::replace(&mut self.limit_logged, true) }
    }

    /// Takes over how many wrong tokens its connections have given since this was last done.
    fn apply_wrong_tokens(&mut self, now: Duration) {
        let wrong = self.state.unapplied_wrong_tokens.swap(0, Ordering::Relaxed);
        // More than this is held against nobody, so that it ends.
        let most = now + WRONG_TOKEN_BURST * WRONG_TOKEN_REFILL;
        self.wrong_tokens_expire_at = (self.wrong_tokens_expire_at.max(now)
            + wrong.min(WRONG_TOKEN_BURST) * WRONG_TOKEN_REFILL)
            .min(most);
    }

    /// Whether forgetting it changes nothing.
    fn can_be_forgotten(&self, now: Duration) -> bool {
        Arc::strong_count(&self.state) == 1
            && self.requests_tat <= now
            && self.wrong_tokens_expire_at <= now
    }
}

/// What counts as one address: of IPv6 the first 64 bits, since the rest is the host's to choose
/// (RFC 4291, 2.5.4), and an IPv4 address in whatever form.
#[must_use]
pub fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests;
