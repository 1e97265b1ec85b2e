//! Years of the server from seeds: its real hub, engine, rule of writings, look and memory of the
//! bell book, on a disk, a kernel, sockets and clocks that are made up, with hands that write in
//! every way, stations that behave in every way and come back, and crashes at any moment.
//!
//! Read in this order: `world` lives a life (`world/runs`: the server's runs, `world/guests`: who
//! comes, and comes again), `server` turns the real code's crank, `source` turns the rule's;
//! `ground` is what goes on meanwhile: `disk`, `author`, `writers`, `clerk`, `kernel`, and `ledger`,
//! the bell book from which the next run begins. `client` is a station: what it says (`words`,
//! `acts`) and all that it makes sure of (`hears`, `track`: no state twice and none left out without
//! a word, `rolls`, `ask`: one right answer to each question). What must hold is in `truth`
//! (writings), `moment` and `model` (the telegraph). `book` is not the bell book, but what the
//! simulator notes of a life, and `faults` what it counts. `crowd` is a test of its own: ten thousand
//! who come and go. Those lives are dense and last a minute or so; `years` lives long ones, an office's
//! weeks, most of them calm, and `world/calm` says how calm is passed and what that assumes.
#![expect(unreachable_pub, reason = "the modules can be moved as they are")]

mod author;
mod book;
mod clerk;
mod client;
mod crowd;
mod disk;
mod faults;
mod ground;
mod kernel;
mod ledger;
mod model;
mod moment;
mod rng;
mod server;
mod socket;
mod source;
mod stats;
mod truth;
mod weather;
mod world;
mod writers;
mod years;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use book::Failure;
use stats::Stats;

/// How many lives are lived unless `CHADBURN_SEEDS` says otherwise, as `cargo xtask test --all` does.
const SEEDS: u64 = 500;

/// How many steps a life has before its end.
const STEPS: u64 = 6_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_happens_the_telegraph_tells_the_truth() {
    if let Some(seed) = number("CHADBURN_SEED") {
        match world::run(seed, number("CHADBURN_STEPS").unwrap_or(STEPS)) {
            Ok(stats) => eprintln!("{stats:?}"),
            Err(failure) => panic!("\n{failure}"),
        }
        return;
    }
    let seeds = number("CHADBURN_SEEDS").unwrap_or(SEEDS);
    let begin = Instant::now();
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut sum, mut failures) = (Stats::default(), Vec::new());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(|| lives(&next, seeds))).collect();
        for thread in threads {
            let (stats, failed) = thread.join().expect("a panic is a failure of its seed");
            sum = sum.and(stats);
            failures.extend(failed);
        }
    });
    let seconds = begin.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "only to be read")]
    let speed = seeds as f64 / seconds;
    eprintln!("{seeds} seeds in {seconds:.1} s, {speed:.0} a second: {sum:?}");
    failures.sort_by_key(|failure: &Failure| failure.seed);
    for Failure { seed, at, what, .. } in &failures {
        eprintln!("seed {seed} at {} ms: {what:.300}", at / 1_000);
    }
    // Where the kernel tells of everything a writing need not wait to be looked at twice.
    assert!(sum.prompt * 5 >= sum.watched * 3, "too few writings are told at once: {sum:?}");
    if let Some(first) = failures.first() {
        panic!("\n{first}");
    }
}

/// Lives until a life fails, or all are lived if `CHADBURN_ALL` is set.
fn lives(next: &AtomicU64, seeds: u64) -> (Stats, Vec<Failure>) {
    let (mut sum, mut failures) = (Stats::default(), Vec::new());
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds {
            return (sum, failures);
        }
        match world::run(seed, STEPS) {
            Ok(stats) => sum = sum.and(stats),
            Err(failure) => {
                failures.push(failure);
                if std::env::var_os("CHADBURN_ALL").is_none() {
                    next.store(seeds, Ordering::Relaxed);
                }
            }
        }
    }
}
