//! What peers are made of: Debian's packages, npm's and Python's. Found, fetched where that is ours to
//! do, or named. Nothing is fetched again that is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::tools;

/// Where distributions put nginx's modules.
const NGINX_MODULES: [&str; 3] =
    ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules"];

/// A program that this Debian package brings.
pub(super) fn debian(program: &str, package: &str) -> Result<PathBuf> {
    installed(program, package, || tools::find(program))
}

/// Where nchan is among nginx's modules.
pub(super) fn nchan() -> Result<PathBuf> {
    installed("nchan", "libnginx-mod-nchan", || {
        let places = NGINX_MODULES.iter().map(PathBuf::from);
        places.into_iter().find(|place| place.join("ngx_nchan_module.so").is_file())
    })
}

fn installed(thing: &str, package: &str, find: impl Fn() -> Option<PathBuf>) -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if !tools::may_install() {
        bail!("{thing} is missing; on Debian: apt-get install --no-install-recommends {package}");
    }
    tools::install(&[package])?;
    find().with_context(|| format!("{package} brought no {thing}"))
}

/// The versions of Debian packages, as far as they are Debian's.
pub(super) fn debian_versions(packages: &[&str]) -> String {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat", "${Package} ${Version}, "]).args(packages);
    tools::output(&mut query).map_or_else(
        |_| "not Debian's".to_owned(),
        |versions| versions.trim_end_matches(", ").to_owned(),
    )
}

/// The directory with the npm packages of `place`. No package runs anything of its own: they are
/// whole without that.
pub(super) fn npm(place: &Path) -> Result<PathBuf> {
    let npm = debian("npm", "npm")?;
    let modules = place.join("node_modules");
    once(&modules.join("made"), &fs::read_to_string(place.join("package-lock.json"))?, || {
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
        tools::run(Command::new(npm).args(arguments).current_dir(place))
    })?;
    Ok(modules)
}

/// The version of an installed npm package.
pub(super) fn npm_version(package: &Path) -> Result<String> {
    #[derive(serde::Deserialize)]
    struct Package {
        version: String,
    }
    let text = fs::read_to_string(package.join("package.json"))?;
    Ok(serde_json::from_str::<Package>(&text)?.version)
}

/// Bun's program, which is in a package of its own for each kind of machine.
pub(super) fn bun(modules: &Path) -> Result<PathBuf> {
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x64",
        other => other,
    };
    let system = std::env::consts::OS;
    let program = modules.join(format!("@oven/bun-{system}-{machine}/bin/bun"));
    ensure!(program.is_file(), "the package bun has nothing for {system} on {machine}");
    Ok(program)
}

/// The Python of an environment with these packages.
pub(crate) fn python(place: &Path, list: &Path) -> Result<PathBuf> {
    let python = place.join("bin/python");
    once(&place.join("made"), &fs::read_to_string(list)?, || {
        let maker = debian("python3", "python3-venv")?;
        tools::run(Command::new(maker).args(["-m", "venv", "--clear"]).arg(place))?;
        let arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        tools::run(Command::new(&python).args(arguments).arg(list))
    })?;
    Ok(python)
}

/// Makes something, unless a note says that just this has been made.
fn once(note: &Path, wanted: &str, make: impl FnOnce() -> Result<()>) -> Result<()> {
    if fs::read_to_string(note).is_ok_and(|made| made == wanted) {
        return Ok(());
    }
    make()?;
    fs::write(note, wanted).with_context(|| format!("cannot write {}", note.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_made_again_only_when_something_else_is_wanted() {
        let directory = tempfile::tempdir().unwrap();
        let note = directory.path().join("made");
        let made = |wanted| {
            let mut made = false;
            once(&note, wanted, || {
                made = true;
                Ok(())
            })
            .unwrap();
            made
        };
        assert_eq!(["a", "a", "b", "b"].map(made), [true, false, true, false]);
        assert!(once(&note, "c", || bail!("no")).is_err());
        assert!(made("c"), "a failure leaves no note");
    }
}
