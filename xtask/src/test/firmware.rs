//! The firmware, a workspace of its own: the instrument is tested here, both images are built and
//! looked at. The emulated board's tests then start one of them.

use anyhow::Result;

use crate::tools::{self, output, run};

pub(super) fn check() -> Result<()> {
    let place = tools::root().join("firmware");
    let cargo = |arguments: &[&str]| run(tools::cargo().args(arguments).current_dir(&place));
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--locked", "--all-targets", "--", "-D", "warnings"])?;
    cargo(&["test", "--locked", "--quiet"])?;
    let build = |arguments: &[&str]| {
        let mut build = tools::command("./build");
        build.args(arguments).current_dir(&place);
        build
    };
    let missing = output(&mut build(&["--missing"]))?;
    let packages: Vec<_> = missing.split_whitespace().collect();
    // Where they cannot be installed, the build names them.
    if !packages.is_empty() && tools::may_install() {
        tools::install(&packages)?;
    }
    run(&mut build(&["--clippy"]))?;
    run(&mut build(&[]))
}
