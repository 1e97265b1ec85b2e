//! Limits per address, over the time that passes, with a line of log when one is first reached.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{self, AddressPermit, LimitReached, Limits};

/// The accounts of [`limits`], and the clock for them.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// Locked only while a decision is made; to release a permit takes no lock.
    rule: Mutex<limits::Accounts>,
    begun: Instant,
}

impl Limiter {
    /// No addresses yet.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { rule: Mutex::new(limits::Accounts::new(limits)), begun: Instant::now() }
    }

    /// A place for a connection from this address, if it may have one more.
    pub(crate) fn connect(&self, from: IpAddr) -> Option<AddressPermit> {
        let came = self.rule(|rule, now| rule.connect(from, now));
        came.map_err(|reached| report(reached, from, "connections at once")).ok()
    }

    /// Whether this address may ask once more.
    pub(crate) fn request(&self, from: IpAddr) -> bool {
        let asked = self.rule(|rule, now| rule.request(from, now));
        asked.map_err(|reached| report(reached, from, "requests a second")).is_ok()
    }

    /// Whether this address may try a token.
    pub(crate) fn try_token(&self, from: IpAddr) -> bool {
        let tried = self.rule(|rule, now| rule.try_token(from, now));
        tried.map_err(|reached| report(reached, from, "wrong tokens")).is_ok()
    }

    /// The token that this address gave was wrong.
    pub(crate) fn wrong_token(&self, from: IpAddr) {
        self.rule(|rule, now| rule.wrong_token(from, now));
    }

    fn rule<T>(&self, judge: impl FnOnce(&mut limits::Accounts, Duration) -> T) -> T {
        // After a panic at worst one address is miscounted.
        let mut rule = self.rule.lock().unwrap_or_else(PoisonError::into_inner);
        judge(&mut rule, self.begun.elapsed())
    }
}

/// Logs one line an address, until its entry is removed.
fn report(reached: LimitReached, from: IpAddr, what: &str) {
    if reached.is_first {
        tracing::warn!(address = %from, "an address has reached its limit of {what}");
    }
}
