//! `cargo xtask simulate-years`: the simulator's long lives, built for speed with every check left in,
//! until so much time is simulated. It knows how to start them; what they are stands in `tests/sim`.

use anyhow::{Result, ensure};
use clap::Args;

use crate::tools;

/// A year, in seconds.
const YEAR: f64 = 365.25 * 86_400.0;

/// For how many seconds is simulated at most; beyond, microseconds do not fit into 64 bits.
const MOST: f64 = 1e12;

/// Two empty strings are compared twice for every look, which takes glibc on a processor with AVX-512
/// a quarter of a microsecond, a third of all time: its masked loads from nowhere are slow.
const TUNABLES: &str = "glibc.cpu.hwcaps=-AVX512VL";

/// How much to simulate, and what.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// For how many simulated years.
    #[arg(long, conflicts_with = "seconds")]
    pub(crate) years: Option<f64>,
    /// For how many simulated seconds.
    #[arg(long, default_value_t = 1e9)]
    pub(crate) seconds: f64,
    /// The first life; others follow until there is time enough.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let seconds = options.years.map_or(options.seconds, |years| years * YEAR);
    ensure!((1.0..=MOST).contains(&seconds), "that is no time to simulate");
    let mut cargo = tools::cargo();
    cargo.args(["test", "--locked", "--profile", "simulator", "--test", "sim", "--"]);
    cargo.args(["--exact", "years::as_many_years_as_asked_for", "--ignored", "--nocapture"]);
    cargo.env("CHADBURN_SECONDS", format!("{seconds:.0}"));
    cargo.env("CHADBURN_SEED", options.seed.to_string());
    if std::env::var_os("GLIBC_TUNABLES").is_none() {
        cargo.env("GLIBC_TUNABLES", TUNABLES);
    }
    tools::run(&mut cargo)
}
