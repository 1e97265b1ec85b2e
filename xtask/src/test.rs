//! `cargo xtask test`: the checks, in the order in which a failure is cheapest to find.
//!
//! There are two tiers: what a newcomer and a developer run before each commit, and with `--all` what
//! takes longer. CI runs all. A check that cannot run is a failure.

mod firmware;
mod units;

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::soak;
use crate::tools::{self, cargo};

/// Which checks to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only the checks whose name contains this.
    only: Option<String>,
    /// Also the checks that take long: the whole simulator, the soak, every window of the panel
    #[arg(long)]
    all: bool,
}

/// A check: its name, in which tier it is, and what it does.
type Check = (&'static str, Tier, fn() -> Result<()>);

/// When a check is made.
#[derive(Clone, Copy, PartialEq)]
enum Tier {
    /// Always.
    Always,
    /// Where all are.
    All,
}

use Tier::{All, Always};

const CHECKS: [Check; 15] = [
    ("format", Always, format),
    ("clippy", Always, clippy),
    ("panel modules", Always, panel_modules),
    // Before the tests, which start its image.
    ("firmware", Always, firmware::check),
    ("unit and integration tests", Always, tests),
    ("dependencies", Always, dependencies),
    ("systemd units", Always, units::check),
    ("panel in a browser", Always, panel_in_a_browser),
    ("long tests", All, long_tests),
    ("doc tests", All, doc_tests),
    ("documentation", All, documentation),
    ("release build", All, release),
    ("soak", All, soaked),
    ("browser", All, browser),
    ("size", All, crate::size::run),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted = options.only.as_deref().unwrap_or("");
    let is_wanted = |name: &str| name.contains(wanted);
    let is_due = |tier| options.all || !wanted.is_empty() || tier == Always;
    let checks: Vec<_> =
        CHECKS.into_iter().filter(|(name, tier, _)| is_wanted(name) && is_due(*tier)).collect();
    if checks.is_empty() {
        let names: Vec<_> = CHECKS.iter().map(|(name, ..)| *name).collect();
        bail!("no check is called {wanted:?}; there are: {}", names.join(", "));
    }
    tools::ensure()?;
    for (name, _, check) in &checks {
        println!("\n== {name}");
        let start = Instant::now();
        check().with_context(|| format!("the check \"{name}\" failed"))?;
        println!("== {name}: passed in {:.1} s", start.elapsed().as_secs_f32());
    }
    println!("\n{} checks passed", checks.len());
    if checks.len() < CHECKS.len() {
        println!("cargo xtask test --all makes all {}", CHECKS.len());
    }
    Ok(())
}

fn format() -> Result<()> {
    tools::run(cargo().args(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    tools::run(cargo().args(arguments))
}

fn tests() -> Result<()> {
    tools::run(cargo().args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]))
}

/// How many lives the simulator lives where all checks are made.
const LIVES: u32 = 2_000;

/// How many lives of each kind a relay lives then; one takes about half a second.
const RELAY_LIVES: u32 = 40;

fn long_tests() -> Result<()> {
    tools::run(
        cargo()
            .args(["nextest", "run", "--locked", "--package", "chadburn", "--test", "sim"])
            .env("CHADBURN_SEEDS", LIVES.to_string()),
    )?;
    tools::run(
        cargo()
            .args(["nextest", "run", "--locked", "--package", "chadburn-eye", "--lib"])
            .args(["--filterset", "test(sim::)"])
            .env("CHADBURN_SEEDS", RELAY_LIVES.to_string()),
    )
}

fn doc_tests() -> Result<()> {
    tools::run(cargo().args(["test", "--workspace", "--locked", "--doc"]))
}

fn documentation() -> Result<()> {
    tools::run(
        cargo()
            .args(["doc", "--workspace", "--locked", "--no-deps", "--document-private-items"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}

fn dependencies() -> Result<()> {
    // Fuzzing needs nightly and is not done here, but its lock file is to keep up with ours.
    tools::run(
        cargo()
            .args(["metadata", "--locked", "--format-version=1", "--quiet"])
            .args(["--manifest-path", "fuzz/Cargo.toml"])
            .stdout(std::process::Stdio::null()),
    )?;
    tools::run(cargo().args([
        "deny",
        "--locked",
        "--workspace",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))?;
    let database = cargo().args(["deny", "--locked", "fetch", "db"]).output();
    if database.is_ok_and(|it| it.status.success()) {
        return tools::run(cargo().args([
            "deny",
            "--locked",
            "--workspace",
            "check",
            "advisories",
        ]));
    }
    println!("advisories were not checked: their database cannot be had from here");
    Ok(())
}

/// How long one file of the panel's tests may take, in ms: node 20 counts the file, not the test.
const PANEL_FILE_MS: u32 = 60_000;

/// The same for a file of browser tests; each of their tests has an end of its own long before
/// (`tests/browser/bounded.js`).
const BROWSER_FILE_MS: u32 = 1_800_000;

/// node's runner; whatever hangs in it fails after this many ms.
fn node_tests(file_ms: u32) -> Command {
    let mut node = tools::command("node");
    node.arg("--test").arg(format!("--test-timeout={file_ms}"));
    node
}

fn panel_modules() -> Result<()> {
    tools::run(node_tests(PANEL_FILE_MS).arg("tests/panel/").current_dir(tools::root()))
}

fn release() -> Result<()> {
    // One after the other: together they would share the features of their dependencies.
    for package in ["chadburn", "chadburn-eye"] {
        tools::run(cargo().args(["build", "--release", "--locked", "--package", package]))?;
    }
    Ok(())
}

fn soaked() -> Result<()> {
    let binary = tools::target()?.join("release/chadburn");
    soak::run(&soak::Options { minutes: soak::IN_CI, binary: Some(binary) })
}

/// What the panel is for, in a browser: seen, answered, heard, without a dial, by many people.
const SOME: [&str; 3] = ["panel.test.js", "no-dial.test.js", "people.test.js"];

fn panel_in_a_browser() -> Result<()> {
    in_a_browser(&SOME, "debug")
}

fn browser() -> Result<()> {
    in_a_browser(&["."], "release")
}

/// Makes these browser tests against the program of this profile, which has been built.
fn in_a_browser(files: &[&str], profile: &str) -> Result<()> {
    let place = tools::browser_tests()?;
    let binary = tools::target()?.join(profile).join("chadburn");
    tools::run(
        // Side by side: a browser waits more than it works.
        node_tests(BROWSER_FILE_MS)
            .arg("--test-concurrency=3")
            .args(files)
            .current_dir(&place)
            .env("CHADBURN_BIN", binary),
    )
}
