//! The systemd units, as systemd itself judges them.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::tools::{self, run};

/// Where the units expect the programs. The checks put another program's path in their place, because
/// nothing is installed on the machine that runs them. The longer name comes first: the other is its beginning.
const INSTALLED: [&str; 2] = ["/usr/local/bin/chadburn-eye", "/usr/local/bin/chadburn"];

/// The worst exposure that is allowed, in tenths (`systemd-analyze security`).
const THRESHOLD: &str = "--threshold=15";

pub(super) fn check() -> Result<()> {
    let place = tools::target()?.join("units");
    fs::create_dir_all(&place)?;
    let mut units = Vec::new();
    for entry in fs::read_dir(tools::root().join("systemd"))? {
        let path = entry?.path();
        let name = path.file_name().context("a directory's entry has a name")?.to_owned();
        let unit = path.extension().is_some_and(|kind| kind == "service" || kind == "socket");
        if unit {
            let mut text = fs::read_to_string(&path)?;
            for program in INSTALLED {
                text = text.replace(program, "/bin/true");
            }
            fs::write(place.join(&name), text)?;
            units.push(name);
        }
    }
    let verdict = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(units.iter().map(|name| place.join(name)))
        .output()?;
    // It warns of unknown or misspelt settings and calls that a success.
    let complaints = String::from_utf8_lossy(&verdict.stderr);
    ensure!(verdict.status.success() && complaints.is_empty(), "systemd-analyze: {complaints}");
    for service in units.iter().filter(|name| name.to_string_lossy().ends_with(".service")) {
        run(Command::new("systemd-analyze")
            .args(["security", "--offline=true", THRESHOLD, "--no-pager"])
            .arg(place.join(service)))?;
    }
    let sysusers = tools::root().join("systemd/chadburn.sysusers.conf");
    run(Command::new("systemd-sysusers").arg("--dry-run").arg(sysusers))
}
