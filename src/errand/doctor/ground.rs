//! The files and the machine they are on.

use std::fs::{self, File};
use std::path::Path;

use rustix::fs::{Access, access, statfs};
use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::plain::plain;
use crate::token_file;

/// What a descriptor limit should at least be: the server itself needs 40.
const DESCRIPTORS: u64 = 256;

/// File systems of whose changes by other machines the kernel does not tell (`statfs(2)`): NFS, SMB
/// and CIFS, 9p, FUSE.
const REMOTE: [(u32, &str); 6] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
];

/// Whether the status file can be read, and the accept file replaced.
pub(super) fn files(status: &Path, accept: &Path) -> Vec<Finding> {
    let shown = |path: &Path| path.display().to_string();
    let mut findings = vec![match fs::metadata(status) {
        Err(error) => Finding::Bad(
            format!("{}: {}", shown(status), plain(&error)),
            "start the server where it is, or name it with --status-file".into(),
        ),
        Ok(metadata) if !metadata.is_file() => Finding::Bad(
            format!("{} is no file", shown(status)),
            "name a file with --status-file".into(),
        ),
        Ok(_) => match File::open(status) {
            Ok(_) => Finding::Well(format!("{} can be read", shown(status))),
            Err(error) => Finding::Bad(
                format!("{}: {}", shown(status), plain(&error)),
                format!("let the server's user read it: chmod a+r {}", shown(status)),
            ),
        },
    }];
    // Both files are replaced by renaming, so it is their directories that must be writable.
    for (path, what) in [(accept, "answers"), (status, "orders over the network")] {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        findings.push(match access(folder, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Finding::Well(format!("{} takes {what}", shown(folder))),
            Err(error) => Finding::Bad(
                format!("{} takes no {what}: {}", shown(folder), plain(&error.into())),
                format!("let the server's user write there: chown or chmod {}", shown(folder)),
            ),
        });
    }
    findings
}

/// Whether the token in this file is nobody else's.
pub(super) fn token(path: &Path) -> Vec<Finding> {
    let shown = path.display();
    let doubts = match token_file::doubts(path) {
        Ok(doubts) => doubts,
        Err(bad) => {
            let then = "the server does not start with it, and on SIGHUP keeps the old one";
            return vec![Finding::Bad(bad.to_string(), then.into())];
        }
    };
    if doubts.is_empty() {
        return vec![Finding::Well(format!("token file {shown} is nobody else's"))];
    }
    let note = |doubt| {
        let what = format!("token file {shown}: {doubt}");
        Finding::Note(what, "whoever has the token may do what it allows")
    };
    doubts.into_iter().map(note).collect()
}

/// How changes will be noticed, and how many stations find a seat.
pub(super) fn machine(status: &Path) -> Vec<Finding> {
    let folder = status.parent().filter(|it| !it.as_os_str().is_empty());
    vec![watching(folder.unwrap_or(Path::new("."))), descriptors()]
}

#[cfg(target_os = "linux")]
fn watching(folder: &Path) -> Finding {
    let kind = match statfs(folder) {
        // The kernel's constants are 32 bits wide, whatever the field is.
        Ok(facts) => u32::try_from(facts.f_type & 0xffff_ffff).unwrap_or(0),
        Err(error) => {
            let what = format!("{}: {}", folder.display(), plain(&error.into()));
            return Finding::Bad(what, "start the server where the status file is".into());
        }
    };
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_user_instances");
    noticing(folder, kind, most.ok().and_then(|text| text.trim().parse().ok()))
}

/// How changes will be noticed on a file system of this kind, by a user with so many instances.
#[cfg(target_os = "linux")]
fn noticing(folder: &Path, kind: u32, instances: Option<u32>) -> Finding {
    if let Some((_, name)) = REMOTE.iter().find(|(known, _)| *known == kind) {
        let what = format!("{} is on {name}, of whose changes no kernel tells", folder.display());
        return Finding::Note(what, "the server looks ten times a second");
    }
    match instances {
        Some(most) if most < 16 => Finding::Note(
            format!("a user may have only {most} inotify instances"),
            "raise fs.inotify.max_user_instances with sysctl if the server says that it polls",
        ),
        Some(_) => Finding::Well("changes are told by inotify".into()),
        None => Finding::Note("there is no inotify".into(), "the server looks ten times a second"),
    }
}

#[cfg(not(target_os = "linux"))]
fn watching(_: &Path) -> Finding {
    Finding::Well("changes are told by the system".into())
}

fn descriptors() -> Finding {
    // The server raises its soft limit to this by itself.
    match getrlimit(Resource::Nofile).maximum {
        Some(most) if most < DESCRIPTORS => Finding::Bad(
            format!("a process may have only {most} descriptors, and each station needs one"),
            "raise the limit: ulimit -Hn 65536, or LimitNOFILE= in the unit".into(),
        ),
        Some(most) => Finding::Well(format!("a process may have {most} descriptors")),
        None => Finding::Well("a process may have as many descriptors as it likes".into()),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn how_changes_are_noticed_depends_on_the_file_system_and_on_what_is_left_of_inotify() {
        const EXT4: u32 = 0xef53;
        let notes = |kind, instances, word: &str| match noticing(Path::new("/e"), kind, instances) {
            Finding::Note(what, _) => what.contains(word),
            _ => false,
        };
        assert!(notes(0x6969, Some(128), "/e is on NFS"));
        assert!(notes(EXT4, Some(8), "only 8 inotify instances"));
        assert!(notes(EXT4, None, "no inotify"));
        assert!(matches!(noticing(Path::new("/e"), EXT4, Some(128)), Finding::Well(_)));
    }
}
