//! How much one address may take: connections at once, requests a second, wrong tokens.
//!
//! Pure: it knows no socket and reads no clock. Without limits and without a token, the default, it keeps
//! nothing and allows everything.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// An address may make as many requests as the limit says within this time, evenly or all at once.
const WINDOW: Duration = Duration::from_secs(1);

/// How many wrong tokens an address may give all at once: more than a person mistypes.
const WRONG_TOKEN_BURST: u32 = 20;

/// After how long it may give one more.
const WRONG_TOKEN_REFILL: Duration = Duration::from_secs(1);

/// The fewest addresses at which those that can be forgotten are removed.
const MIN_PRUNE: usize = 64;

/// What one address may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, stations and idle ones included.
    pub connections: Option<NonZeroU32>,
    /// Requests a second, handshakes included.
    pub requests: Option<NonZeroU32>,
    /// There is a token, which could be guessed; so wrong tokens are counted.
    pub token_configured: bool,
}

/// Permission for one connection of an address; released on drop, on any thread.
#[derive(Debug, Default)]
#[must_use]
pub struct AddressPermit {
    state: Option<Arc<AddressState>>,
}

/// What all connections of an address share.
#[derive(Debug, Default)]
struct AddressState {
    /// Wrong tokens that are not yet added to `wrong_tokens_expire_at`.
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
    /// The first time since this address's entry was made, so it should be logged.
    pub is_first: bool,
}

/// What is known of each address that has connections, or has lately made requests or given wrong tokens.
///
/// Entries are removed lazily, when the map has doubled: those without connections, whose request budget is
/// full again and whose wrong tokens have expired. So there are never many more than the seats, the requests of
/// a second and the wrong tokens of twenty seconds.
#[derive(Debug)]
pub struct Accounts {
    limits: Limits,
    addresses: HashMap<IpAddr, Account>,
    /// At how many addresses those that can be forgotten are removed next.
    prune_at: usize,
}

/// What is known of one address.
#[derive(Debug, Default)]
struct Account {
    /// Shared with the permit of each connection: there are one fewer connections than strong references.
    state: Arc<AddressState>,
    /// GCRA for wrong tokens: when all of them have expired; since the start.
    wrong_tokens_expire_at: Duration,
    /// GCRA for requests: the theoretical arrival time of the next one; since the start.
    requests_tat: Duration,
    /// That this address is at its limit was logged.
    limit_logged: bool,
}

impl Accounts {
    /// No addresses yet.
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

    /// Adds the wrong tokens that have come since the last call.
    fn apply_wrong_tokens(&mut self, now: Duration) {
        let wrong = self.state.unapplied_wrong_tokens.swap(0, Ordering::Relaxed);
        // Capped, so that the wait has an end however many wrong tokens there were.
        let most = now + WRONG_TOKEN_BURST * WRONG_TOKEN_REFILL;
        self.wrong_tokens_expire_at = (self.wrong_tokens_expire_at.max(now)
            + wrong.min(WRONG_TOKEN_BURST) * WRONG_TOKEN_REFILL)
            .min(most);
    }

    /// Whether removing the entry changes no later decision.
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
