//! The tools that the checks need beside cargo: found, installed where that is ours to do, or
//! named.

mod install;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

pub(crate) use install::{may_install, packages as install};

/// A tool, and what brings it.
struct Tool {
    /// The program.
    program: &'static str,
    /// The Debian package, or the crate.
    source: Source,
    /// What needs it.
    purpose: &'static str,
}

/// Where a tool comes from.
#[derive(Clone, Copy)]
enum Source {
    Debian(&'static str),
    Crate(&'static str),
}

use Source::{Crate, Debian};

const TOOLS: [Tool; 19] = [
    Tool { program: "node", source: Debian("nodejs"), purpose: "the panel's tests" },
    Tool { program: "npm", source: Debian("npm"), purpose: "the browser tests" },
    Tool { program: "chromium", source: Debian("chromium"), purpose: "the browser tests" },
    Tool { program: "curl", source: Debian("curl"), purpose: "the README's commands" },
    Tool { program: "openssl", source: Debian("openssl"), purpose: "the reverse-proxy test" },
    Tool { program: "nginx", source: Debian("nginx-light"), purpose: "the reverse-proxy test" },
    Tool { program: "caddy", source: Debian("caddy"), purpose: "the reverse-proxy test" },
    // The program without a service.
    Tool { program: "apache2", source: Debian("apache2-bin"), purpose: "probes and proxies" },
    Tool { program: "haproxy", source: Debian("haproxy"), purpose: "probes and proxies" },
    Tool { program: "zsh", source: Debian("zsh"), purpose: "completions in real shells" },
    Tool { program: "fish", source: Debian("fish"), purpose: "completions in real shells" },
    Tool { program: "strace", source: Debian("strace"), purpose: "calls that are made to fail" },
    Tool { program: "bindfs", source: Debian("bindfs"), purpose: "mounts that hang" },
    Tool { program: "ffmpeg", source: Debian("ffmpeg"), purpose: "cameras that speak RTSP" },
    Tool {
        program: "python3",
        source: Debian("python3-venv"),
        purpose: "foreign servers and clients",
    },
    Tool {
        program: "qemu-system-arm",
        source: Debian("qemu-system-arm"),
        purpose: "the emulated board",
    },
    Tool { program: "systemd-analyze", source: Debian("systemd"), purpose: "the units" },
    // It gives each test an end of its own, which `cargo test` does not.
    Tool { program: "cargo-nextest", source: Crate("cargo-nextest"), purpose: "the Rust tests" },
    Tool { program: "cargo-deny", source: Crate("cargo-deny"), purpose: "the dependencies" },
];

/// The oldest node that the tests run on: it is the first one with `--test-timeout`.
const NODE: (u32, u32) = (20, 11);

/// Makes sure that every tool is there. As root on a Debian machine what is missing is installed;
/// elsewhere it is named.
pub(crate) fn ensure() -> Result<()> {
    let missing: Vec<_> = TOOLS.iter().filter(|tool| find(tool.program).is_none()).collect();
    let packages: Vec<_> = missing.iter().filter_map(|tool| tool.package()).collect();
    let crates: Vec<_> = missing.iter().filter_map(|tool| tool.crate_name()).collect();
    if may_install() {
        if !packages.is_empty() {
            install::programs(&packages)?;
        }
        for name in crates {
            // Without optimisation it is there in half the time, and fast enough.
            run(cargo().args(["install", "--locked", "--debug", name]))?;
        }
    } else if !missing.is_empty() {
        for tool in missing {
            eprintln!("missing: {} (for {})", tool.program, tool.purpose);
        }
        let mut advice = Vec::new();
        if !packages.is_empty() {
            let packages: Vec<_> = packages.iter().map(|(_, package)| *package).collect();
            let packages = packages.join(" ");
            advice.push(format!(
                "on Debian: sudo apt-get install --no-install-recommends {packages}"
            ));
        }
        if !crates.is_empty() {
            advice.push(format!("cargo install --locked {}", crates.join(" ")));
        }
        bail!("{}", advice.join("; "));
    }
    let version = output(Command::new("node").arg("--version"))?;
    let mut parts = version.trim_start_matches('v').split('.').map(|n| n.parse().unwrap_or(0));
    if (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < NODE {
        let (major, minor) = NODE;
        bail!("node {} is too old for the tests, which need {major}.{minor}", version.trim());
    }
    Ok(())
}

impl Tool {
    /// The program, and the Debian package that brings it.
    fn package(&self) -> Option<(&'static str, &'static str)> {
        if let Debian(name) = self.source { Some((self.program, name)) } else { None }
    }

    fn crate_name(&self) -> Option<&'static str> {
        if let Crate(name) = self.source { Some(name) } else { None }
    }
}

/// Cargo at the root of the workspace, as a shell would start it.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(env!("CARGO"));
    cargo.current_dir(root());
    cargo
}

/// A program that may start cargo, without the variables in which `cargo run` tells this program
/// about its own package. Build scripts may look at them (ring's does), and would run anew whenever a
/// shell and this program take turns. Tools that were only unpacked are on its path.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    if install::unpacked().exists() {
        let path =
            env::join_paths(places()).unwrap_or_else(|_| env::var_os("PATH").unwrap_or_default());
        command.env("PATH", path);
    }
    for (name, _) in env::vars_os() {
        let ours = name.to_str().is_some_and(|name| {
            name == "CARGO" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if ours {
            command.env_remove(name);
        }
    }
    command
}

/// Where this program is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    places().map(|place| place.join(program)).find(|candidate| candidate.is_file())
}

/// Where programs are looked for: the path, after what was only unpacked, and before the daemons'
/// directories, which users often leave out.
fn places() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let path: Vec<_> = env::split_paths(&path).collect();
    let sbin = [PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")];
    std::iter::once(install::unpacked()).chain(path).chain(sbin)
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
    let text = output(cargo().args(["metadata", "--no-deps", "--format-version=1"]))?;
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
