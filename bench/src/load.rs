//! The load generator: opens stations, writes the file, and holds what they heard against what was
//! written. Knows of the server its address, its process id and its file.

mod crowd;
mod figures;
mod greedy;
mod judge;
mod process;
mod station;
mod writer;

use std::io::Write;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::descriptors;
use crate::wire::{self, Wire};
use crowd::Crowd;
use figures::{Report, float, micros, per, percentile, rate};
use greedy::Beside;
use process::{Processes, machine_cpu, own_cpu};
use station::Ledger;
use writer::{Mode, Writer};

/// Six digits number the values.
const MOST_VALUES: u64 = 999_999;
/// Descriptors that are no stations: the poll, the file, the standard ones.
const OTHER_DESCRIPTORS: u64 = 32;
/// A server that is silent for so long has nothing more to say for now.
const QUIET: Duration = Duration::from_millis(100);
/// Nobody waits longer than this for silence.
const QUIET_LIMIT: Duration = Duration::from_secs(2);
/// Fewer values than this say nothing about a p99.
const LEAST_VALUES: u32 = 5;
/// The last value's stragglers are waited for at most so long.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the server listens: 127.0.0.1:PORT
    #[arg(long)]
    url: SocketAddr,
    /// The server's process id; several when it consists of several processes, whose CPU time and
    /// memory are added up
    #[arg(long, required = true, value_delimiter = ',')]
    pid: Vec<i32>,
    /// How many stations to open
    #[arg(long)]
    stations: usize,
    /// How many values to measure
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    messages: u32,
    /// How many values to write before these; they are judged like the others, but not measured. A
    /// young TCP connection acknowledges its first 16 segments at once, which doubles their cost
    #[arg(long, default_value_t = 20)]
    warm_up: u32,
    /// How to write them
    #[arg(long, value_enum, default_value = "rename")]
    mode: Mode,
    /// What the stations speak
    #[arg(long, value_enum, default_value = "text")]
    wire: Wire,
    /// The file that the server watches
    #[arg(long)]
    status_file: PathBuf,
    /// Write the measured values at this pace, whether or not the stations keep up, instead of waiting for them
    #[arg(long)]
    interval_ms: Option<u64>,
    /// Wait at most this long until all stations have a value
    #[arg(long, default_value_t = 1000)]
    wait_ms: u64,
    /// Measure no longer than so many seconds, but at least 5 values: a slow server needs fewer for
    /// the same exactness
    #[arg(long)]
    measure_s: Option<u64>,
    /// Stop writing after this many seconds, and judge what was written by then
    #[arg(long, default_value_t = 60)]
    limit_s: u64,
    /// After the last value, listen so long for what should not come; the default lets a server
    /// that looks at its file once a second look again
    #[arg(long, default_value_t = 1100)]
    aftermath_ms: u64,
    /// So many stations more that send without end, and somebody who asks meanwhile whether the
    /// server is alive
    #[arg(long)]
    greedy: Option<usize>,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json_out: bool,
}

/// Measures and prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !options.url.ip().is_loopback() {
        bail!("{} is not on this machine", options.url);
    }
    let values = u64::from(options.warm_up) + u64::from(options.messages);
    ensure!(values <= MOST_VALUES, "{values} values are more than six digits can number");
    descriptors::raise_limit(options.stations as u64 + OTHER_DESCRIPTORS)?;
    let report = measure(options)?;
    let mut out = std::io::stdout().lock();
    if options.json_out {
        serde_json::to_writer(&mut out, &report)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{report:#?}")?;
    }
    Ok(())
}

fn measure(options: &Options) -> Result<Report> {
    let server = Processes::new(&options.pid)?;
    let deadline = Instant::now() + Duration::from_secs(options.limit_s);
    let idle_kib = server.resident_kib()?;

    let mut probe = Crowd::new(options.url, Ledger::new(options.wire, 0, 0))?;
    probe.open(1, deadline)?;
    probe.leave()?;
    std::thread::sleep(QUIET);
    let before_kib = server.resident_kib()?;

    let deliveries = options.stations * options.messages as usize;
    let mut crowd =
        Crowd::new(options.url, Ledger::new(options.wire, options.warm_up, deliveries))?;
    let connecting = crowd.open(options.stations, deadline)?;
    crowd.settle(QUIET, QUIET_LIMIT)?;
    let greeted_kib = server.resident_kib()?;

    let beside = options.greedy.map(|greedy| Beside::start(options.url, greedy)).transpose()?;
    let writer = Writer::new(options.mode, &options.status_file);
    let warm_up = 1..=options.warm_up;
    let deadlines = Deadlines { hard: deadline, soft: deadline };
    write(options, &writer, (warm_up, None), &mut crowd, deadlines)?;
    let (from, cpu_before) = (Instant::now(), server.cpu()?);
    let soft = options.measure_s.map_or(deadline, |seconds| from + Duration::from_secs(seconds));
    let elsewhere_before = machine_cpu()?.saturating_sub(cpu_before + own_cpu()?);
    let measured = options.warm_up + 1..=options.warm_up + options.messages;
    let pace = options.interval_ms.map(Duration::from_millis);
    write(options, &writer, (measured, pace), &mut crowd, Deadlines { hard: deadline, soft })?;
    let cpu_after = server.cpu()?;
    let cpu = cpu_after.saturating_sub(cpu_before);
    let elsewhere = machine_cpu()?.saturating_sub(cpu_after + own_cpu()?);
    let elsewhere = elsewhere.saturating_sub(elsewhere_before).as_secs_f64();
    let busy_elsewhere = elsewhere / from.elapsed().as_secs_f64();
    let with_kib = greeted_kib.max(server.resident_kib()?);
    let beside = beside.map(Beside::end).transpose()?;
    let aftermath = Duration::from_millis(options.aftermath_ms);
    crowd.settle(aftermath, aftermath)?;

    let faults = crowd.verdict();
    let (lost, why) = crowd.lost();
    if let Some(why) = why {
        eprintln!("{lost} stations were lost, the first because: {why:#}");
    }
    let mut latencies = crowd.ledger.latencies().to_vec();
    latencies.sort_unstable();
    let (mut live, greedy_lost) = beside.map_or((Vec::new(), 0), |it| (it.live, it.lost));
    live.sort_unstable();
    let stations = options.stations as u64;
    let delivered = latencies.len() as u64;
    let report = Report {
        stations,
        written: u64::from(crowd.ledger.written().saturating_sub(options.warm_up)),
        delivered,
        connects_per_s: rate(stations, connecting),
        p50_us: micros(percentile(&latencies, 500)),
        p99_us: micros(percentile(&latencies, 990)),
        max_us: micros(percentile(&latencies, 1000)),
        cpu_us_per_message: per(cpu.as_secs_f64() * 1e6, delivered),
        busy_elsewhere,
        idle_kib,
        before_kib,
        with_kib,
        kib_per_station: per(float(with_kib) - float(before_kib), stations),
        missing_last: faults.missing_last,
        missing: faults.missing,
        duplicates: faults.duplicates,
        empties: faults.empties,
        out_of_order: faults.out_of_order,
        foreign: faults.foreign,
        lost: lost as u64,
        greedy_lost,
        live_p99_us: micros(percentile(&live, 990)),
        others: crowd.ledger.others,
    };
    crowd.leave()?;
    Ok(report)
}

/// When to stop writing.
#[derive(Debug, Clone, Copy)]
struct Deadlines {
    /// Whatever was written.
    hard: Instant,
    /// If at least [`LEAST_VALUES`] were written.
    soft: Instant,
}

/// Writes the values with these numbers at this pace, or each once all stations have the one before or the wait
/// is over, and waits for the last one's deliveries.
fn write(
    options: &Options,
    writer: &Writer,
    (numbers, pace): (RangeInclusive<u32>, Option<Duration>),
    crowd: &mut Crowd,
    deadlines: Deadlines,
) -> Result<()> {
    let wait = pace.unwrap_or(Duration::from_millis(options.wait_ms));
    for (count, number) in (0..).zip(numbers) {
        let now = Instant::now();
        if now > deadlines.hard || (now > deadlines.soft && count >= LEAST_VALUES) {
            break;
        }
        let at = writer.write(&wire::value(number)).context("cannot write the status file")?;
        crowd.ledger.wrote(at);
        listen(crowd, at + wait, pace.is_none())?;
    }
    listen(crowd, Instant::now() + LAST_WAIT, true)?;
    // What the server does after its last send belongs to the message.
    crowd.settle(Duration::from_millis(20), Duration::from_millis(20))
}

/// Listens until `until`, or until all stations have the newest value if that is enough.
fn listen(crowd: &mut Crowd, until: Instant, enough_when_heard: bool) -> Result<()> {
    loop {
        if enough_when_heard && crowd.ledger.reached() >= crowd.present() {
            return Ok(());
        }
        let left = until.saturating_duration_since(Instant::now());
        crowd.poll(left)?;
        if left.is_zero() {
            return Ok(());
        }
    }
}
