//! The firmware, a workspace of its own: the instrument is tested here, both images are built and
//! looked at. The emulated board's tests then start one of them.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::tools::{self, run};

/// Debian's way to build for the board where rustup has no core library for it.
const PACKAGES: [&str; 6] =
    ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "lld", "llvm"];

/// What shows that they are there.
const SIGNS: [&str; 6] = [
    "/usr/bin/rustc",
    "/usr/bin/cargo",
    "/usr/lib/rustlib/src/rust/library/core",
    "/usr/bin/cargo-clippy",
    "/usr/bin/ld.lld",
    "/usr/bin/llvm-objcopy",
];

pub(super) fn check() -> Result<()> {
    let place = tools::root().join("firmware");
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        run(cargo.args(arguments).current_dir(&place))
    };
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--locked", "--all-targets", "--", "-D", "warnings"])?;
    cargo(&["test", "--locked", "--quiet"])?;
    if tools::may_install() && SIGNS.iter().any(|sign| !Path::new(sign).exists()) {
        tools::install(&PACKAGES)?;
    }
    // It names what is missing where it cannot be installed.
    run(Command::new("./build").arg("--clippy").current_dir(&place))?;
    run(Command::new("./build").current_dir(&place))
}
