//! How a link ends that was not closed by its owner.

use std::time::Duration;

use thiserror::Error;

/// Why there is no link, for good.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The address or a setting cannot be used; whoever wrote it must act.
    #[error("{0}")]
    Setting(String),
    /// The other side does not want us, and trying again would not help.
    #[error("{url} refuses: {why}")]
    Refused {
        /// Where.
        url: String,
        /// The status it answered with, if it was a status.
        status: Option<u16>,
        /// What it said.
        why: String,
    },
    /// The window of tries is over.
    #[error("{0}")]
    Gone(Tried),
}

/// What was tried in vain.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{url} cannot be reached: {} in {} s, the last: {cause}", times(*tries), lasted.as_secs())]
pub struct Tried {
    /// Where.
    pub url: String,
    /// How many tries failed.
    pub tries: u32,
    /// From the loss, or the first try, to the last one.
    pub lasted: Duration,
    /// What the last try met with.
    pub cause: String,
}

fn times(tries: u32) -> String {
    if tries == 1 { "one try".into() } else { format!("{tries} tries") }
}

impl From<std::convert::Infallible> for Failure {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
