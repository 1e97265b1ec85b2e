//! The files and the machine they are on.

use std::fs;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::accept::AcceptFile;
use crate::plain::plain;
use crate::resolve;
use crate::source::{Survey, survey};
use crate::token_file;

/// What a descriptor limit should at least be: the server itself needs 40.
const DESCRIPTORS: u64 = 256;

/// Whether the status file can be read, and the accept file replaced.
pub(super) fn files(status: &Path, accept: &Path) -> Vec<Finding> {
    let shown = |path: &Path| path.display().to_string();
    let mut findings = vec![match resolve::stat(status) {
        Err(error) => Finding::Bad(
            format!("{}: {}", shown(status), plain(&error)),
            "start the server where it is, or name it with --status-file".into(),
        ),
        Ok((meta, _)) if !meta.is_file() => Finding::Bad(
            format!("{} is no file", shown(status)),
            "name a file with --status-file".into(),
        ),
        Ok(_) => match resolve::open(status, OFlags::RDONLY) {
            Ok(_) => Finding::Well(format!("{} can be read", shown(status))),
            Err(error) => Finding::Bad(
                format!("{}: {}", shown(status), plain(&error)),
                format!("let the server's user read it: chmod a+r {}", shown(status)),
            ),
        },
    }];
    let files = [
        (accept, AcceptFile::unlocked(accept), "answers"),
        (status, AcceptFile::shared(status), "orders over the network"),
    ];
    for (path, file, what) in files {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = shown(folder.unwrap_or(Path::new(".")));
        let rehearsed = file.map_err(|error| error.to_string());
        let rehearsed = rehearsed.and_then(|it| it.rehearse().map_err(|error| error.to_string()));
        findings.push(match rehearsed {
            Ok(()) => Finding::Well(format!("{folder} takes {what}")),
            Err(why) => {
                let then = if why.ends_with("permission denied") {
                    format!("let the server's user write there: chown or chmod {folder}")
                } else {
                    "nothing can be written before that is mended".into()
                };
                let why = why.split_once(" cannot be written: ").map_or(&*why, |(_, why)| why);
                Finding::Bad(format!("{folder} takes no {what}: {why}"), then)
            }
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
    vec![watching(status), descriptors()]
}

#[cfg(target_os = "linux")]
fn watching(status: &Path) -> Finding {
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_user_instances");
    let instances = most.ok().and_then(|text| text.trim().parse().ok());
    match survey(status) {
        Ok(survey) => noticing(status, &survey, instances),
        Err(error) => {
            let what = format!("{}: {}", status.display(), plain(&error));
            Finding::Bad(what, "start the server where the status file is".into())
        }
    }
}

/// How changes of a file that stands so will be noticed, by a user with so many instances.
#[cfg(target_os = "linux")]
fn noticing(status: &Path, survey: &Survey, instances: Option<u32>) -> Finding {
    if let Some(why) = survey.replaced {
        return Finding::Bad(format!("{}: {why}", status.display()), "no order gets here".into());
    }
    if let Some(why) = &survey.deaf {
        let what = format!("{}: {why}, of whose changes no kernel tells", status.display());
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
        let noticing = |deaf: Option<&str>, instances| {
            let survey = Survey { deaf: deaf.map(str::to_owned), replaced: None };
            noticing(Path::new("/e/status.eot"), &survey, instances)
        };
        let notes = |deaf, instances, word: &str| match noticing(deaf, instances) {
            Finding::Note(what, _) => what.contains(word),
            _ => false,
        };
        assert!(notes(Some("it is on NFS"), Some(128), "/e/status.eot: it is on NFS"));
        assert!(notes(None, Some(8), "only 8 inotify instances"));
        assert!(notes(None, None, "no inotify"));
        assert!(matches!(noticing(None, Some(128)), Finding::Well(_)));
    }
}
