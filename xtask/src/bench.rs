//! `cargo xtask bench`: Chadburn beside the floor, interleaved, at several numbers of stations and
//! in every write mode. It knows which programs to start and what to ask of them; how to measure is
//! `chadburn-bench`'s business.

mod family;
mod figures;
mod interval;
mod neighbours;
mod peers;
mod program;
mod server;
mod size;
mod table;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use figures::{Figures, Round};
use neighbours::Work;
use peers::Peers;
pub(crate) use peers::python;
use program::{Call, Program, Role};
use server::Server;
use size::{Pace, Size};
use table::Speed;

use crate::tools;

/// What every other is measured against: the first in each round.
const FLOOR: usize = 0;
/// Rounds at each number of stations.
const RUNS: usize = 5;
/// The same with `--peers`, whose rounds are four times as long.
const PEERS_RUNS: usize = 3;
/// A round counts as undisturbed while no more than this many cores were busy elsewhere.
const QUIET: f64 = 0.1;
/// Beyond this in the median round nothing is said of how fast anybody is.
const LOUD: f64 = 0.3;
/// It is measured until the 95 % interval of each ratio is within so much of its middle, or the time is up.
const EXACT: f64 = 0.03;
/// Quiet stations, and how many send without end beside them.
const GREEDY: (usize, usize) = (1_000, 100);
/// No round is begun that would not be over by then, at one number of stations, except the first.
const BUDGET: Duration = Duration::from_secs(90);
/// The same with `--quick`.
const QUICK_BUDGET: Duration = Duration::from_secs(7);
/// The same with `--peers`, unless it is to be quick.
const PEERS_BUDGET: Duration = Duration::from_mins(4);

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Numbers of stations; "most" is as many as the limit of descriptors allows [default:
    /// 100,1000,10000, and most with --peers]
    #[arg(long, value_delimiter = ',')]
    stations: Vec<Size>,
    /// At which paces orders are written: 0, as soon as everybody has the one before, or a time such as 30ms or
    /// 1s [default: 0]
    #[arg(long, value_delimiter = ',')]
    pace: Vec<Pace>,
    /// Messages in each run, instead of a number that suits the stations
    #[arg(long)]
    messages: Option<usize>,
    /// Rounds at least, unless time runs out; more while the ratios are not known to 3 % [default: 5, and 3
    /// with --peers]
    #[arg(long)]
    runs: Option<usize>,
    /// A chadburn to measure instead of the one in this tree; may be given several times
    #[arg(long, value_name = "PATH")]
    server: Vec<PathBuf>,
    /// Measure the floor against itself: all ratios should be 1.00, and what they are is the noise
    #[arg(long, conflicts_with = "server")]
    check: bool,
    /// Measure servers of other houses too: Bun, node ws, nginx with nchan, mosquitto and the Python
    /// original. What they need is installed as root on Debian; it takes 20 minutes
    #[arg(long, conflicts_with = "check")]
    peers: bool,
    /// Be done within 40 seconds, or 5 minutes with --peers, and be less exact
    #[arg(long)]
    quick: bool,
    /// Write the tables into this file too, as Markdown
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What the programs were heard to do in the write modes.
type Faults<'a> = Vec<(&'static str, &'a str, Result<Figures, String>)>;

/// Builds, measures and prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    size::raise_limit()?;
    let (programs, peers) = choose(options)?;
    let begun = Instant::now();
    let mut speed = Vec::new();
    for pace in options.paces() {
        for stations in options.sizes() {
            speed.push(measure_speed(options, &programs, stations, pace)?);
        }
    }
    // They write as fast as they can, whatever the pace of the rest.
    let at_once = options.paces().iter().any(|pace| pace.0.is_zero());
    let greedy = if at_once { measure_greedy(options, &programs)? } else { Vec::new() };
    let faults = if at_once { measure_faults(options, &programs)? } else { Vec::new() };
    progress(&format!("measured in {:.0} s\n", begun.elapsed().as_secs_f64()));

    let names: Vec<&str> = programs.iter().map(|program| program.name.as_str()).collect();
    let mut text = table::speed(&names, &speed, FLOOR, &peers.absent);
    if !peers.versions.is_empty() {
        writeln!(text, "{}\n", peers.note())?;
    }
    if at_once {
        text.push_str(&table::greedy(GREEDY, &greedy));
        text.push_str(&table::faults(&faults));
    }
    println!("{text}");
    if let Some(file) = &options.out {
        std::fs::write(file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    for ((mode, name, figures), program) in faults.iter().zip(programs.iter().cycle()) {
        ensure!(
            program.role != Role::Ours || figures.as_ref().is_ok_and(Figures::is_faultless),
            "{name} is not faultless in write mode {mode}"
        );
    }
    Ok(())
}

/// A program's rounds without greedy stations, and with them.
type Greedy<'a> = (&'a str, [Vec<Round>; 2]);

/// Our own servers without greedy stations beside the others, and with them, in turns.
fn measure_greedy<'a>(options: &Options, programs: &'a [Program]) -> Result<Vec<Greedy<'a>>> {
    let mut rows = Vec::new();
    for program in programs.iter().filter(|program| program.role == Role::Ours) {
        let mut rounds = [Vec::new(), Vec::new()];
        for round in 1..=options.rounds() {
            progress(&format!("greedy stations, round {round}: {}", program.name));
            for (greedy, rounds) in [0, GREEDY.1].into_iter().zip(&mut rounds) {
                let figures = program.measure(&options.greedy_load(greedy))?;
                rounds.push(vec![Some(figures)]);
            }
        }
        rows.push((program.name.as_str(), rounds));
    }
    Ok(rows)
}

fn measure_faults<'a>(options: &Options, programs: &'a [Program]) -> Result<Faults<'a>> {
    let mut faults = Vec::new();
    for mode in ["rename", "inplace", "gap"] {
        for program in programs {
            progress(&format!("write mode {mode}: {}", program.name));
            let figures = match program.measure(&options.fault_load(mode)) {
                Err(why) if program.role == Role::Peer => {
                    Err(server::one_line(&format!("{why:#}")))
                }
                other => Ok(other?),
            };
            faults.push((mode, program.name.as_str(), figures));
        }
    }
    Ok(faults)
}

/// Rounds of all programs, interleaved: at least as many undisturbed ones as are wanted, and more until the ratios
/// are known exactly enough, as far as time allows. If there are enough undisturbed ones only these count, else the
/// quietest. A peer that failed is not asked again at this number of stations.
fn measure_speed(
    options: &Options,
    programs: &[Program],
    stations: usize,
    pace: Pace,
) -> Result<Speed> {
    let load = options.speed_load(stations, pace);
    let wanted = options.rounds();
    let (begun, before) = (Instant::now(), Work::so_far());
    let mut longest = Duration::ZERO;
    let mut rounds: Vec<Round> = Vec::new();
    let mut failures = vec![None; programs.len()];
    loop {
        let quiet: Vec<Round> =
            rounds.iter().filter(|round| figures::disturbance(round) <= QUIET).cloned().collect();
        if quiet.len() >= wanted && (options.quick || table::is_exact(&quiet, FLOOR, EXACT)) {
            break;
        }
        let round_begun = Instant::now();
        if !rounds.is_empty() && round_begun - begun + longest > options.budget() {
            break;
        }
        let mut round = Vec::new();
        for (program, failure) in programs.iter().zip(&mut failures) {
            let number = rounds.len() + 1;
            progress(&format!("{stations} stations, {pace}, round {number}: {}", program.name));
            let measured = failure.is_none().then(|| program.measure(&load));
            round.push(match measured {
                None => None,
                Some(Err(why)) if program.role == Role::Peer => {
                    *failure = Some(server::one_line(&format!("{why:#}")));
                    None
                }
                Some(figures) => {
                    let figures = figures?;
                    if program.role == Role::Peer {
                        *failure = figures.failure();
                    }
                    Some(figures)
                }
            });
        }
        rounds.push(round);
        longest = longest.max(round_begun.elapsed());
    }
    let neighbours = Work::so_far().since(&before, begun.elapsed().as_secs_f64());
    rounds.sort_by(|a, b| figures::disturbance(a).total_cmp(&figures::disturbance(b)));
    let quiet = rounds.iter().filter(|round| figures::disturbance(round) <= QUIET).count();
    rounds.truncate(quiet.max(wanted));
    let busy: Vec<f64> = rounds.iter().map(|round| figures::disturbance(round)).collect();
    let is_loud = figures::median(&busy) > LOUD;
    Ok(Speed { stations, pace, messages: load.messages, rounds, failures, neighbours, is_loud })
}

/// What is being done, in place of what was said before.
fn progress(what: &str) {
    eprint!("\r\x1b[K{what}");
}

/// Builds or fetches what is to be measured. The floor comes first, and the peers last.
fn choose(options: &Options) -> Result<(Vec<Program>, Peers)> {
    let target = tools::target()?;
    let bench = target.join("release/chadburn-bench");
    let mut packages = vec!["chadburn-bench"];
    let own = options.server.is_empty() && !options.check;
    if own {
        packages.push("chadburn");
    }
    build(&packages)?;

    let mut programs = vec![floor("floor", &bench)];
    let mut servers = options.server.clone();
    if own {
        servers.push(target.join("release/chadburn"));
    }
    for (index, path) in servers.iter().enumerate() {
        let number = if servers.len() > 1 { format!(" {}", index + 1) } else { String::new() };
        let ours = [("text", "text"), ("JSON", "json"), ("SSE", "sse")];
        let ours = ours
            .map(|(name, wire)| chadburn(format!("chadburn{number}, {name}"), path, wire, &bench));
        match Server::start(&ours[0]) {
            Ok(_) => programs.extend(ours),
            Err(error) if own => eprintln!("not measured, since it does not serve: {error:#}"),
            Err(error) => return Err(error),
        }
    }
    if programs.len() == 1 {
        programs.push(floor("floor again", &bench));
    }
    let mut peers = if options.peers { peers::prepare(&bench) } else { Peers::default() };
    programs.append(&mut peers.programs);
    Ok((programs, peers))
}

fn floor(name: &str, bench: &Path) -> Program {
    let call = Call::new(bench, ["floor", "--port", "0", "--status-file", "@status@"]);
    Program {
        name: name.to_owned(),
        role: Role::Floor,
        wire: "text",
        calls: vec![call],
        configuration: None,
        bench: bench.to_path_buf(),
    }
}

fn chadburn(name: String, path: &Path, wire: &'static str, bench: &Path) -> Program {
    let place = ["serve", "--port", "0", "--bind", "127.0.0.1"];
    let files = ["--accept-file", "@accept@", "--status-file", "@status@"];
    Program {
        name,
        role: Role::Ours,
        wire,
        calls: vec![Call::new(path, place.into_iter().chain(files))],
        configuration: None,
        bench: bench.to_path_buf(),
    }
}

fn build(packages: &[&str]) -> Result<()> {
    let mut cargo = tools::cargo();
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
