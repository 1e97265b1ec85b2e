//! Long lives, one after the other on all cores, and a report of what they were made of.
//!
//! `cargo xtask simulate-years` runs `as_many_years_as_asked_for`; what is short enough is a test.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::book::{Failure, SECOND};
use crate::faults::Fault;
use crate::number;
use crate::stats::Stats;
use crate::world::{self, DAY, Plan};

/// How often a line of progress comes.
const PROGRESS: Duration = Duration::from_secs(20);

/// A year, in seconds.
const YEAR: f64 = 365.25 * 86_400.0;

/// For how many seconds is simulated unless it is said.
const SECONDS: u64 = 1_000_000_000;

/// What has been lived so far.
#[derive(Debug, Default)]
struct Sum {
    lives: u64,
    stats: Stats,
    failures: Vec<Failure>,
}

#[test]
fn whatever_the_weeks_bring_the_telegraph_tells_the_truth() {
    // The last is a run whose milliseconds stop fitting into 32 bits at noon.
    let age = (1 << 32) / 1_000 * SECOND - DAY / 4;
    for seed in 0..8 {
        let age = if seed == 7 { age } else { 0 };
        let plan = Plan { length: DAY / 2, steady: age > 0, age };
        match world::run_long(seed, plan) {
            Ok(stats) => eprintln!("{stats:?}"),
            Err(failure) => panic!("\n{failure}"),
        }
    }
}

#[test]
#[ignore = "it takes as long as one wishes; cargo xtask simulate-years"]
fn as_many_years_as_asked_for() {
    let seconds = number("CHADBURN_SECONDS").unwrap_or(SECONDS);
    let first = number("CHADBURN_SEED").unwrap_or(0);
    let begun = Instant::now();
    let sum = live(first, seconds, begun);
    report(&sum, begun.elapsed().as_secs_f64());
    if let Some(failure) = sum.failures.first() {
        let seed = failure.seed;
        panic!("\n{failure}To live it again: cargo xtask simulate-years --seed {seed} --seconds 1");
    }
}

/// Lives from this seed on, until there are so many seconds or one has failed.
fn live(first: u64, seconds: u64, begun: Instant) -> Sum {
    // The next seed, and how many microseconds all before it last.
    let next = Mutex::new((first, 0));
    let sum = Mutex::new(Sum::default());
    let (over, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((seed, plan)) = take(&next, seconds).filter(|_| !set(&over)) {
                    let lived = world::run_long(seed, plan);
                    let mut sum = sum.lock().expect("no life panics");
                    sum.lives += 1;
                    match lived {
                        Ok(stats) => sum.stats = sum.stats.and(stats),
                        Err(failure) => {
                            sum.failures.push(failure);
                            over.store(true, Ordering::Relaxed);
                        }
                    }
                }
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        let mut told = Instant::now();
        while done.load(Ordering::Relaxed) < threads as u64 {
            thread::sleep(Duration::from_millis(50));
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                let sum = sum.lock().expect("no life panics");
                let (lives, simulated) = (sum.lives, sum.stats.time / SECOND);
                eprintln!("{:>6.0} s: {lives} lives, {simulated} s", begun.elapsed().as_secs_f64());
            }
        }
    });
    let mut sum = sum.into_inner().expect("no life panics");
    sum.failures.sort_by_key(|failure| failure.seed);
    sum
}

/// The next seed and its plan, unless those before it last long enough.
fn take(next: &Mutex<(u64, u64)>, seconds: u64) -> Option<(u64, Plan)> {
    let mut next = next.lock().expect("no life panics");
    let (seed, before) = *next;
    let plan = Plan::of(seed);
    *next = (seed + 1, before + plan.length);
    (before < seconds * SECOND).then_some((seed, plan))
}

fn set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

#[expect(clippy::cast_precision_loss, reason = "only to be read")]
fn report(sum: &Sum, wall: f64) {
    let Sum { lives, stats, failures } = sum;
    let seconds = |micros: u64| micros as f64 / SECOND as f64;
    let time = seconds(stats.time);
    let row = |name: &str, micros: u64| {
        let share = 100.0 * seconds(micros) / time;
        eprintln!("  {name:<44}{:>16.0} s  {share:>7.3} %", seconds(micros));
    };
    let count = |name: &str, count: u64| {
        let hourly = count as f64 * 3_600.0 / time;
        eprintln!("  {name:<44}{count:>16}    {hourly:>7.4} per simulated hour");
    };
    let years = time / YEAR;
    eprintln!("{lives} seeds in {wall:.1} s, {:.3} a second", *lives as f64 / wall);
    eprintln!(
        "{time:.0} s simulated: {years:.2} years, {:.1} years an hour",
        years * 3_600.0 / wall
    );
    row("step by step: storms, orders, their aftermath", stats.time - stats.calm - stats.absent);
    row("calm, with every tick and every look", stats.calm);
    row("without a server", stats.absent);
    count("steps", stats.steps);
    count("ticks", stats.ticks);
    count("looks at a file", stats.looks);
    count("runs of the server", stats.runs);
    count("stations that came", stats.stations);
    count("of them those that came back", stats.returns);
    count("writings begun by other hands", stats.writings);
    count("orders told", stats.told);
    count("replies told", stats.replies);
    count("faults injected", stats.faults.iter().sum());
    for (fault, name) in Fault::ALL {
        count(&format!("  {name}"), stats.faults[fault as usize]);
    }
    eprintln!("{} failures", failures.len());
}
