//! `cargo xtask soak`: a real server for minutes or hours under everything that people, networks and
//! file systems do to it, and then the question what it has kept of that.
//!
//! The time is cut into rounds. Each is a storm of guests, then a calm in which nobody is left but a
//! few steady stations. What is open, running and in memory in a calm must be what it was in the
//! first: the first storm fills what is filled once, such as the remembered part of the bell book.

mod guests;
mod office;
mod peer;
mod steady;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::tools;
use guests::GUESTS;
use office::{Office, Sample};
use steady::Steady;

/// How long it takes as a part of every check there is, in minutes.
pub(crate) const IN_CI: f64 = 2.0;

/// The shortest and the longest round, in seconds; between them there are eight.
const ROUND_S: (f64, f64) = (10.0, 120.0);

/// By how much the memory of the last calm may be above that of the first, in KiB: what an allocator
/// keeps, in pages, of the storms between them. A station that is leaked costs a hundred bytes and
/// more, and there are thousands.
const MEMORY_KIB: u64 = 4 * 1024;

/// By how many descriptors two calms may differ: a file that is being written or looked at.
const DESCRIPTORS: u64 = 3;

/// How long the storm may take to be over once the guests have gone.
const CALM_LIMIT: Duration = Duration::from_secs(25);

/// How long to soak, and what.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// For how many minutes.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) minutes: f64,
    /// A server that is built already; else the release build of this tree.
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
}

/// What has been done, by all guests together.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    /// Stations that were greeted.
    pub(crate) joins: AtomicU64,
    /// Stations that were greeted and read nothing more.
    pub(crate) stuck: AtomicU64,
    /// Connections that brought garbage.
    pub(crate) garbage: AtomicU64,
    /// Writings of the status file.
    pub(crate) writings: AtomicU64,
    /// Directories that were replaced under it.
    pub(crate) replaced: AtomicU64,
    /// Replies that were acknowledged, each found in the accept file.
    pub(crate) accepts: AtomicU64,
}

/// One row of the table.
struct Round {
    seconds: u64,
    storm: Sample,
    calm: Sample,
    deeds: [u64; 6],
    heard: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(options.minutes > 0.0 && options.minutes <= 10_000.0, "that is no time to soak");
    let binary = if let Some(binary) = &options.binary {
        binary.clone()
    } else {
        tools::run(tools::cargo().args(["build", "--release", "--locked"]))?;
        tools::target()?.join("release/chadburn")
    };
    let total = Duration::from_secs_f64(options.minutes * 60.0);
    let round = Duration::from_secs_f64((options.minutes * 7.5).clamp(ROUND_S.0, ROUND_S.1));
    let begun = Instant::now();
    let mut office = Office::open(&binary)?;
    let steady = Steady::connect(&office)?;
    let deeds = Deeds::default();
    let mut rounds = Vec::new();
    // At least two calms, since one is compared with the other.
    while rounds.len() < 2 || begun.elapsed() + round / 2 < total {
        let storm = storm(&office, &deeds, round, rounds.len() as u64)?;
        let heard = steady.hear_of(&office)?;
        let calm = calm(&office, rounds.first().map(|first: &Round| first.calm))?;
        let counted = deeds.counted();
        rounds.push(Round {
            seconds: begun.elapsed().as_secs(),
            storm,
            calm,
            deeds: counted,
            heard,
        });
        print(&rounds);
        steady.well()?;
    }
    steady.leave();
    office.close()?;
    judge(&rounds)
}

/// Lets all guests in for this time, and says the most that was seen meanwhile.
fn storm(office: &Office, deeds: &Deeds, time: Duration, round: u64) -> Result<Sample> {
    let over = AtomicBool::new(false);
    let mut most = Sample::default();
    let guests: Vec<Result<()>> = thread::scope(|scope| {
        let over = &over;
        let guests: Vec<_> = (0..)
            .zip(GUESTS)
            .map(|(index, guest)| {
                let seed = round * GUESTS.len() as u64 + index;
                scope.spawn(move || guest(office, deeds, over, seed))
            })
            .collect();
        let end = Instant::now() + time;
        while Instant::now() < end && !guests.iter().any(thread::ScopedJoinHandle::is_finished) {
            if let Ok(sample) = office.sample() {
                most = most.most(sample);
            }
            thread::sleep(Duration::from_millis(200));
        }
        over.store(true, Ordering::Relaxed);
        let ended = guests.into_iter().map(thread::ScopedJoinHandle::join);
        ended.map(|it| it.unwrap_or_else(|_| Err(anyhow::anyhow!("a guest panicked")))).collect()
    });
    guests.into_iter().collect::<Result<Vec<()>>>()?;
    Ok(most)
}

/// Waits until the server has let go of all guests, and says what is left.
fn calm(office: &Office, first: Option<Sample>) -> Result<Sample> {
    let (begun, mut last) = (Instant::now(), office.sample()?);
    loop {
        thread::sleep(Duration::from_millis(500));
        let sample = office.sample()?;
        let settled = sample.descriptors == last.descriptors && sample.threads == last.threads;
        // Threads that wait for something that blocks are given up after ten seconds of nothing.
        let low = first.is_none_or(|first| {
            sample.descriptors <= first.descriptors + DESCRIPTORS && sample.threads <= first.threads
        });
        // The first calm has nothing to be compared with, and takes its time.
        let patient = first.is_some() || begun.elapsed() > Duration::from_secs(3);
        if (settled && low && patient) || begun.elapsed() > CALM_LIMIT {
            return Ok(sample);
        }
        last = sample;
    }
}

impl Deeds {
    fn counted(&self) -> [u64; 6] {
        let all = [
            &self.joins,
            &self.stuck,
            &self.garbage,
            &self.writings,
            &self.replaced,
            &self.accepts,
        ];
        all.map(|count| count.load(Ordering::Relaxed))
    }
}

/// The latest row, and above the first what its columns are.
fn print(rounds: &[Round]) {
    let Some(round) = rounds.last() else { return };
    if rounds.len() == 1 {
        println!(
            "             in the calm             at most in the storm                                  so far"
        );
        println!(
            "      s   KiB  files threads     KiB  files threads     joins  stuck garbage writings moved accepts   heard"
        );
    }
    let Round { seconds, storm, calm, deeds, heard } = round;
    let [joins, stuck, garbage, writings, replaced, accepts] = deeds;
    println!(
        "{seconds:>7} {:>5} {:>6} {:>7} {:>7} {:>6} {:>7} {joins:>9} {stuck:>6} {garbage:>7} {writings:>8} {replaced:>5} {accepts:>7} {heard:>7}",
        calm.memory, calm.descriptors, calm.threads, storm.memory, storm.descriptors, storm.threads,
    );
}

fn judge(rounds: &[Round]) -> Result<()> {
    let [first, .., last] = rounds else { bail!("there were no two calms to compare") };
    for (index, count) in last.deeds.iter().enumerate() {
        ensure!(*count > 0, "column {} of the deeds is empty: nothing was soaked", index + 1);
    }
    ensure!(last.heard > 0, "the steady stations have heard nothing");
    let grown = last.calm.memory.saturating_sub(first.calm.memory);
    println!(
        "memory {grown} KiB above the first calm (allowed: {MEMORY_KIB}), descriptors {} and {} \
         (allowed: {DESCRIPTORS} apart), threads {} and {} (allowed: no more)",
        first.calm.descriptors, last.calm.descriptors, first.calm.threads, last.calm.threads
    );
    ensure!(grown <= MEMORY_KIB, "memory has grown by {grown} KiB");
    let apart = last.calm.descriptors.abs_diff(first.calm.descriptors);
    ensure!(apart <= DESCRIPTORS, "descriptors have gone astray: {apart}");
    ensure!(last.calm.threads <= first.calm.threads, "threads have gone astray");
    Ok(())
}
