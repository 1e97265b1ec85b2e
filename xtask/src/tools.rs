//! The tools that the checks need beside cargo: found, installed where that is ours to do, or
//! named.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A tool, and the Debian package that brings it.
struct Tool {
    /// The program.
    program: &'static str,
    /// The package.
    package: &'static str,
    /// What needs it.
    purpose: &'static str,
}

const TOOLS: [Tool; 11] = [
    Tool { program: "node", package: "nodejs", purpose: "the panel's tests" },
    Tool { program: "npm", package: "npm", purpose: "the browser tests" },
    Tool { program: "chromium", package: "chromium", purpose: "the browser tests" },
    Tool { program: "curl", package: "curl", purpose: "the README's commands" },
    Tool { program: "openssl", package: "openssl", purpose: "the reverse-proxy test" },
    Tool { program: "nginx", package: "nginx-light", purpose: "the reverse-proxy test" },
    Tool { program: "caddy", package: "caddy", purpose: "the reverse-proxy test" },
    Tool { program: "strace", package: "strace", purpose: "calls that are made to fail" },
    Tool { program: "python3", package: "python3-venv", purpose: "a foreign WebSocket server" },
    Tool { program: "qemu-system-arm", package: "qemu-system-arm", purpose: "the emulated board" },
    Tool { program: "systemd-analyze", package: "systemd", purpose: "the units" },
];

/// The oldest node that the tests run on.
const NODE: u32 = 20;

/// Makes sure that every tool is there. As root on a Debian machine what is missing is installed;
/// elsewhere it is named.
pub(crate) fn ensure() -> Result<()> {
    let missing: Vec<_> = TOOLS.iter().filter(|tool| find(tool.program).is_none()).collect();
    if !missing.is_empty() {
        let packages: Vec<_> = missing.iter().map(|tool| tool.package).collect();
        if may_install() {
            install(&packages)?;
        } else {
            for tool in missing {
                eprintln!("missing: {} (for {})", tool.program, tool.purpose);
            }
            bail!("on Debian: sudo apt-get install --no-install-recommends {}", packages.join(" "));
        }
    }
    let version = output(Command::new("node").arg("--version"))?;
    let major = version.trim_start_matches('v').split('.').next().and_then(|n| n.parse().ok());
    if major.is_none_or(|major: u32| major < NODE) {
        bail!("node {} is too old for the tests, which need {NODE}", version.trim());
    }
    Ok(())
}

/// Whether what is missing is ours to install: as root, on a Debian machine.
pub(crate) fn may_install() -> bool {
    rustix::process::geteuid().is_root() && find("apt-get").is_some()
}

/// Installs Debian packages, and lets none of them start a service: what the checks need of nginx is
/// its program. The policy that says so is in a file, which a shell also removes when it is interrupted.
const INSTALL: &str = r#"
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "$@" >&2
"#;

/// Installs Debian packages.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    eprintln!("installing {}", packages.join(" "));
    let mut shell = Command::new("sh");
    shell.args(["-c", INSTALL, "install"]).args(packages);
    let status = shell.env("DEBIAN_FRONTEND", "noninteractive").status();
    if !status.context("cannot run sh")?.success() {
        bail!("apt-get could not install {}", packages.join(" "));
    }
    Ok(())
}

/// Where this program is on the path. Daemons live in `sbin`, which users often leave out.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let sbin = [PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")];
    let mut places = env::split_paths(&path).chain(sbin).map(|place| place.join(program));
    places.find(|candidate| candidate.is_file())
}

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> Result<PathBuf> {
    #[derive(serde::Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let arguments = ["metadata", "--no-deps", "--format-version=1"];
    let text = output(Command::new(env!("CARGO")).args(arguments).current_dir(root()))?;
    Ok(serde_json::from_str::<Metadata>(&text)?.target_directory)
}

/// The room of the browser tests, with the packages it needs.
pub(crate) fn browser_tests() -> Result<PathBuf> {
    let place = root().join("tests/browser");
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&place))?;
    Ok(place)
}

/// Runs a command; it must succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("cannot run {shown}"))?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// What a command prints; it must succeed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command.output().with_context(|| format!("cannot run {shown}"))?;
    if !output.status.success() {
        bail!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shown(command: &Command) -> String {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    let program = command.get_program().to_string_lossy();
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}
