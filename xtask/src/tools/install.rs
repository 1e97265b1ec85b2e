//! Installing what the checks need, and leaving the rest of the machine as it was: nothing is removed
//! or upgraded, and no service starts, now or at the next boot.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{find, output, root, run};

/// Whether what is missing is ours to install: as root, on a Debian machine.
pub(crate) fn may_install() -> bool {
    rustix::process::geteuid().is_root() && find("apt-get").is_some()
}

/// Installs Debian packages. Services that were there before are not touched. The policy against
/// starting new ones is in a file, which a shell also removes when it is interrupted.
const INSTALL: &str = r#"
set -e
policy=/usr/sbin/policy-rc.d
lists=$(mktemp -d)
trap 'rm -rf "$lists"; [ -z "$ours" ] || rm -f "$policy"' EXIT
trap 'exit 130' INT TERM
if [ ! -e "$policy" ]; then
    ours=1
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
installed() { dpkg-query --show --showformat '${binary:Package}\n' | sort; }
installed > "$lists/before"
apt-get install -y -qq --no-install-recommends --no-remove --no-upgrade "$@" >&2
installed | comm -13 "$lists/before" - | xargs -r dpkg-query --listfiles |
    sed -n -E 's:^(/usr)?/lib/systemd/system/([^/@]*\.(service|socket|timer|path))$:\2:p' |
    sort -u > "$lists/units"
if [ -s "$lists/units" ] && command -v systemctl > /dev/null; then
    xargs systemctl disable --quiet --no-warn < "$lists/units" >&2
fi
"#;

/// Unpacks a Debian package, and what it needs and is not installed, into the directory `$1`.
const UNPACK: &str = r#"
set -e
mkdir -p "$1/packages" "$1/root"
cd "$1/packages"
apt-get install -s -q --no-install-recommends "$2" | sed -n 's/^Inst \([^ ]*\) .*/\1/p' |
    xargs apt-get download -qq -o APT::Sandbox::User=root
for package in *.deb; do
    dpkg-deb --extract "$package" "$1/root"
    rm "$package"
done
"#;

/// Installs Debian packages that bring these programs. A package that could only come in place of
/// another is unpacked below `target` instead, where [`find`] looks first.
pub(super) fn programs(missing: &[(&str, &str)]) -> Result<()> {
    update()?;
    let (fitting, others): (Vec<_>, Vec<_>) =
        missing.iter().partition(|(_, package)| fits(package));
    let fitting: Vec<_> = fitting.iter().map(|(_, package)| *package).collect();
    if !fitting.is_empty() {
        install(&fitting)?;
    }
    others.into_iter().try_for_each(|(program, package)| unpack(program, package))
}

/// Installs Debian packages beside what is there.
pub(crate) fn packages(packages: &[&str]) -> Result<()> {
    update()?;
    install(packages)
}

/// Brings the lists of packages up to date.
fn update() -> Result<()> {
    eprintln!("apt-get update");
    run(Command::new("apt-get").args(["update", "-qq"]))
}

fn install(packages: &[&str]) -> Result<()> {
    eprintln!("installing {}", packages.join(" "));
    let mut shell = Command::new("sh");
    shell.args(["-c", INSTALL, "install"]).args(packages);
    let status = shell.env("DEBIAN_FRONTEND", "noninteractive").status();
    if !status.context("cannot run sh")?.success() {
        let packages = packages.join(" ");
        bail!("apt-get could not install {packages} beside what is installed; nothing was removed");
    }
    Ok(())
}

/// Whether a package can be installed without removing another.
fn fits(package: &str) -> bool {
    let mut attempt = Command::new("apt-get");
    attempt.args(["install", "-s", "-qq", "--no-install-recommends", "--no-remove", package]);
    output(&mut attempt).is_ok()
}

/// Where programs are whose packages could not be installed.
pub(super) fn unpacked() -> PathBuf {
    root().join("target/tools/bin")
}

/// Unpacks a package, and makes a script that starts its program with the libraries beside it.
fn unpack(program: &str, package: &str) -> Result<()> {
    let place = root().join("target/tools").join(package);
    eprintln!(
        "unpacking {package} into {}, for it cannot be installed beside what is there",
        place.display()
    );
    run(Command::new("sh").args(["-c", UNPACK, "unpack"]).arg(&place).arg(package))?;
    let unpacked = place.join("root");
    let mut libraries = Command::new("find");
    libraries.arg(&unpacked).args(["-name", "*.so*", "-printf", "%h\n"]);
    let libraries = output(&mut libraries)?;
    let mut libraries: Vec<_> = libraries.lines().collect();
    libraries.sort_unstable();
    libraries.dedup();
    let script = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}/usr/bin/{program}' \"$@\"\n",
        libraries.join(":"),
        unpacked.display(),
    );
    fs::create_dir_all(self::unpacked())?;
    let path = self::unpacked().join(program);
    fs::write(&path, script)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
