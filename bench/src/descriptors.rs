//! The one limit that both sides run into first. Knows not what the descriptors are for.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of descriptors to the hard one, and holds that against what is needed.
pub(crate) fn raise_limit(needed: u64) -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    let hard = maximum.unwrap_or(u64::MAX);
    ensure!(needed <= hard, "{needed} descriptors are needed, and the hard limit is {hard}");
    Ok(())
}
