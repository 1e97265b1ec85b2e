//! `cargo xtask bench`: Chadburn beside the floor, interleaved, at several numbers of stations and
//! in every write mode. It knows which programs to start and what to ask of them; how to measure is
//! `chadburn-bench`'s business.

mod figures;
mod program;
mod table;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use figures::Figures;
use program::{Kind, Load, Program};
use table::Speed;

use crate::tools;

/// What every other is measured against: the first in each round.
const FLOOR: usize = 0;
/// Deliveries that one run aims at, so that a run takes seconds whatever the number of stations.
const DELIVERIES: usize = 500_000;
/// The same with `--quick`.
const QUICK_DELIVERIES: usize = 50_000;
/// Rounds at each number of stations.
const RUNS: usize = 5;
/// A round counts as undisturbed while no more than this many cores were busy elsewhere.
const QUIET: f64 = 0.1;
/// No round is begun that would not be over by then, at one number of stations, except the first.
const BUDGET: Duration = Duration::from_secs(90);
/// The same with `--quick`.
const QUICK_BUDGET: Duration = Duration::from_secs(7);
/// Fewer messages than this say nothing about a p99 of messages.
const LEAST_MESSAGES: usize = 5;
/// More make a run long, not more exact.
const MOST_MESSAGES: usize = 2000;
/// Messages before the measured ones: a young TCP connection acknowledges its first 16 segments at
/// once, which doubles what they cost; the rest is for code and data that come into the caches.
const WARM_UP: usize = 20;
/// Stations, messages and quick messages of the table of faults.
const FAULTS: (usize, usize, usize) = (10, 3000, 300);

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Numbers of stations
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000")]
    stations: Vec<usize>,
    /// Messages in each run, instead of a number that suits the stations
    #[arg(long)]
    messages: Option<usize>,
    /// Rounds, of which the medians are taken; fewer when time runs out [default: 5]
    #[arg(long)]
    runs: Option<usize>,
    /// A chadburn to measure instead of the one in this tree; may be given several times
    #[arg(long, value_name = "PATH")]
    server: Vec<PathBuf>,
    /// Measure the floor against itself: all ratios should be 1.00, and what they are is the noise
    #[arg(long, conflicts_with = "server")]
    check: bool,
    /// Be done within 40 seconds, and be less exact
    #[arg(long)]
    quick: bool,
}

/// Builds, measures and prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    let programs = choose(options)?;
    let begun = Instant::now();
    let mut speed = Vec::new();
    for &stations in &options.stations {
        speed.push(measure_speed(options, &programs, stations)?);
    }
    let mut faults = Vec::new();
    for mode in ["rename", "inplace", "gap"] {
        for program in &programs {
            progress(&format!("write mode {mode}: {}", program.name));
            let figures = program.measure(&fault_load(options, mode))?;
            faults.push((mode, program.name.clone(), figures));
        }
    }
    progress(&format!("measured in {:.0} s\n", begun.elapsed().as_secs_f64()));

    let names: Vec<&str> = programs.iter().map(|program| program.name.as_str()).collect();
    table::print(&table::speed(&names, &speed, FLOOR))?;
    table::print(&table::faults(&faults))?;
    for ((mode, name, figures), program) in faults.iter().zip(programs.iter().cycle()) {
        ensure!(
            program.kind == Kind::Floor || figures.is_faultless(),
            "{name} is not faultless in write mode {mode}"
        );
    }
    Ok(())
}

/// Rounds of all programs, interleaved. While the machine is busy elsewhere, more rounds are measured
/// than were asked for, as far as time allows, and the quietest of them count.
fn measure_speed(options: &Options, programs: &[Program], stations: usize) -> Result<Speed> {
    let load = speed_load(options, stations);
    let wanted = options.runs.unwrap_or(RUNS).max(1);
    let budget = if options.quick { QUICK_BUDGET } else { BUDGET };
    let (begun, mut longest) = (Instant::now(), Duration::ZERO);
    let mut rounds: Vec<Vec<Figures>> = Vec::new();
    while rounds.iter().filter(|round| figures::disturbance(round) <= QUIET).count() < wanted {
        let round_begun = Instant::now();
        if !rounds.is_empty() && round_begun - begun + longest > budget {
            break;
        }
        let mut round = Vec::new();
        for program in programs {
            progress(&format!("{stations} stations, round {}: {}", rounds.len() + 1, program.name));
            round.push(program.measure(&load)?);
        }
        rounds.push(round);
        longest = longest.max(round_begun.elapsed());
    }
    rounds.sort_by(|a, b| figures::disturbance(a).total_cmp(&figures::disturbance(b)));
    rounds.truncate(wanted);
    Ok(Speed { stations, messages: load.messages, rounds })
}

/// What is being done, in place of what was said before.
fn progress(what: &str) {
    eprint!("\r\x1b[K{what}");
}

fn speed_load(options: &Options, stations: usize) -> Load {
    let aim = if options.quick { QUICK_DELIVERIES } else { DELIVERIES };
    let fitting = (aim / stations.max(1)).clamp(LEAST_MESSAGES, MOST_MESSAGES);
    Load {
        stations,
        messages: options.messages.unwrap_or(fitting),
        warm_up: WARM_UP,
        mode: "rename",
        // Late duplicates are looked for in the table of faults.
        aftermath_ms: 100,
    }
}

fn fault_load(options: &Options, mode: &'static str) -> Load {
    let (stations, messages, quick) = FAULTS;
    Load {
        stations,
        messages: if options.quick { quick } else { messages },
        warm_up: 0,
        mode,
        // By then, a server that looks at its file once a second has looked again.
        aftermath_ms: if options.quick { 200 } else { 1100 },
    }
}

/// Builds what is to be measured. The floor comes first.
fn choose(options: &Options) -> Result<Vec<Program>> {
    let target = tools::target()?;
    let bench = target.join("release/chadburn-bench");
    let mut packages = vec!["chadburn-bench"];
    let own = options.server.is_empty() && !options.check;
    if own {
        packages.push("chadburn");
    }
    build(&packages)?;

    let program =
        |name: String, path: PathBuf, kind| Program { name, path, kind, bench: bench.clone() };
    let mut programs = vec![program("floor".to_owned(), bench.clone(), Kind::Floor)];
    let mut servers = options.server.clone();
    if own {
        servers.push(target.join("release/chadburn"));
    }
    for (index, path) in servers.iter().enumerate() {
        let number = if servers.len() > 1 { format!(" {}", index + 1) } else { String::new() };
        let text = program(format!("chadburn{number}, text"), path.clone(), Kind::Text);
        let json = program(format!("chadburn{number}, JSON"), path.clone(), Kind::Json);
        match text.start() {
            Ok(_) => programs.extend([text, json]),
            Err(error) if own => eprintln!("not measured, since it does not serve: {error:#}"),
            Err(error) => return Err(error),
        }
    }
    if programs.len() == 1 {
        programs.push(program("floor again".to_owned(), bench.clone(), Kind::Floor));
    }
    Ok(programs)
}

fn build(packages: &[&str]) -> Result<()> {
    let mut cargo = Command::new(cargo());
    cargo.args(["build", "--release"]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    let status = cargo.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo build failed");
    }
    Ok(())
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
