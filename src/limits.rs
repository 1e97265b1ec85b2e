//! How much one address may take: connections at once, requests a second, and [`lines`] of the log.
//!
//! Pure: told who comes, asks and leaves, and what time it is, it says yes or no. It knows no
//! socket. Without limits, which is the rule, it keeps nothing and says yes.

pub mod lines;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Over this time an address may ask as often as the limit says, evenly or all at once.
const WINDOW: Duration = Duration::from_secs(1);

/// How many addresses are kept before those are looked for that can be forgotten.
const FEW: usize = 64;

/// What one address may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, stations and idle ones included.
    pub connections: Option<NonZeroU32>,
    /// Requests a second, handshakes included.
    pub requests: Option<NonZeroU32>,
}

/// Holds an address's connection; it is given back by being dropped, wherever that is.
#[derive(Debug, Default)]
#[must_use]
pub struct Guest {
    _place: Option<Arc<()>>,
}

/// An address has taken as much as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enough {
    /// Nobody was told yet that this address is at its limit.
    pub news: bool,
}

/// All who have come and not left, and all who have asked lately.
///
/// There are never many more than the seats and the requests of a second: whoever has left is
/// forgotten once a second has passed since the last request.
#[derive(Debug)]
pub struct Guests {
    limits: Limits,
    addresses: HashMap<IpAddr, Account>,
    /// How many addresses there may be before the next look at who can be forgotten.
    many: usize,
}

/// What is known of one address.
#[derive(Debug, Default)]
struct Account {
    /// Cloned for each of its connections, so that its count is theirs and one more.
    place: Arc<()>,
    /// When what it has asked is used up, if it asks no faster than it may; since the start.
    used_up: Duration,
    /// It was said that this address is at its limit.
    told: bool,
}

impl Guests {
    /// Nobody is here yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, addresses: HashMap::new(), many: FEW }
    }

    /// A connection from this address, at this time since the start.
    ///
    /// # Errors
    /// [`Enough`] if the address has as many as it may.
    pub fn comes(&mut self, from: IpAddr, now: Duration) -> Result<Guest, Enough> {
        let Some(most) = self.limits.connections else {
            return Ok(Guest::default());
        };
        let account = self.account(from, now);
        let here = Arc::strong_count(&account.place) - 1;
        if u32::try_from(here).is_ok_and(|here| here < most.get()) {
            return Ok(Guest { _place: Some(Arc::clone(&account.place)) });
        }
        Err(account.enough())
    }

    /// A request from this address, at this time since the start. One that is refused costs
    /// nothing.
    ///
    /// # Errors
    /// [`Enough`] if the address has asked as often as it may; in a second it may again.
    pub fn asks(&mut self, from: IpAddr, now: Duration) -> Result<(), Enough> {
        let Some(most) = self.limits.requests else {
            return Ok(());
        };
        let account = self.account(from, now);
        let used_up = account.used_up.max(now) + WINDOW / most.get();
        if used_up > now + WINDOW {
            return Err(account.enough());
        }
        account.used_up = used_up;
        Ok(())
    }

    fn account(&mut self, from: IpAddr, now: Duration) -> &mut Account {
        if self.addresses.len() >= self.many {
            self.addresses.retain(|_, account| !account.is_over(now));
            self.many = FEW.max(2 * self.addresses.len());
        }
        self.addresses.entry(household(from)).or_default()
    }
}

impl Account {
    fn enough(&mut self) -> Enough {
        Enough { news: !std::mem::replace(&mut self.told, true) }
    }

    /// Whether forgetting it changes nothing.
    fn is_over(&self, now: Duration) -> bool {
        Arc::strong_count(&self.place) == 1 && self.used_up <= now
    }
}

/// What counts as one address: of IPv6 the first 64 bits, since the rest is the host's to choose
/// (RFC 4291, 2.5.4), and an IPv4 address in whatever form.
#[must_use]
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests;
