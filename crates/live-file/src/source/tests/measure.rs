//! How long a writing takes until it is reported. It measures, and proves nothing; see it with
//! `cargo test --release --lib measure -- --ignored --nocapture`.

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use super::{WatchMode, well};
use crate::writing::Report;

fn median(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

#[test]
#[ignore = "measures, and proves nothing"]
fn latency_of_a_writing() {
    let watched = well(WatchMode::Auto);
    for mode in ["in place", "renamed in"] {
        let times = (0..1_000).map(|round| {
            let text = format!("{mode} {round}");
            let temp = watched.directory.path().join("new");
            let start = if mode == "in place" {
                let mut file = fs::File::create(&watched.path).unwrap();
                file.write_all(text.as_bytes()).unwrap();
                let start = Instant::now();
                drop(file);
                start
            } else {
                fs::write(&temp, &text).unwrap();
                let start = Instant::now();
                fs::rename(&temp, &watched.path).unwrap();
                start
            };
            watched.expect(&text);
            let time = start.elapsed();
            std::thread::sleep(Duration::from_millis(2));
            time
        });
        let (median, late) = median(times.collect());
        eprintln!("{mode}: median {median:?}, p99 {late:?}");
    }
}

#[test]
#[ignore = "measures, and proves nothing"]
fn reports_during_a_storm() {
    for pieces in [1, 4] {
        let watched = well(WatchMode::Auto);
        let start = Instant::now();
        let mut writes = 0;
        while start.elapsed() < Duration::from_secs(3) {
            let mut file = fs::File::create(&watched.path).unwrap();
            for _ in 0..pieces {
                file.write_all(format!("{writes:06};").as_bytes()).unwrap();
            }
            writes += 1;
        }
        let told: Vec<_> = watched.reports.try_iter().collect();
        eprintln!("{pieces} pieces: {} of {writes} in {:?}", told.len(), start.elapsed());
        let start = Instant::now();
        eprintln!(
            "then {:?} after {:?}",
            watched.reports.recv_timeout(Duration::from_secs(1)),
            start.elapsed()
        );
    }
}

#[test]
#[ignore = "measures, and proves nothing"]
fn reports_of_a_steady_writer() {
    for (pace, gap) in [(3, 0), (3, 300), (1, 300), (20, 300)] {
        let watched = well(WatchMode::Auto);
        let reader = std::thread::spawn(move || {
            let mut late: Vec<_> = Vec::new();
            while let Ok(report) = watched.reports.recv_timeout(Duration::from_millis(500)) {
                late.push((report, Instant::now()));
            }
            (watched.source, late)
        });
        let path = watched.path;
        let mut ends = Vec::new();
        for round in 0..1000 {
            let mut file = fs::File::create(&path).unwrap();
            if gap > 0 {
                std::thread::sleep(Duration::from_micros(gap));
            }
            file.write_all(format!("{round}").as_bytes()).unwrap();
            drop(file);
            ends.push(Instant::now());
            std::thread::sleep(Duration::from_millis(pace));
        }
        let (_, told) = reader.join().unwrap();
        let mut late = vec![];
        for (report, time) in &told {
            if let Report::Written(writing) = report {
                late.push(
                    time.saturating_duration_since(ends[writing.text.parse::<usize>().unwrap()]),
                );
            }
        }
        let over = late.iter().filter(|time| **time > Duration::from_millis(50)).count();
        eprintln!(
            "pace {pace} gap {gap}: told {} of 1000, {:?}, over 50 ms: {over}",
            told.len(),
            median(late)
        );
    }
}
