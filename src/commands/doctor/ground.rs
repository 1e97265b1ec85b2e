//! The files and the machine they are on.

use std::fs;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::{Resource, getrlimit};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::Finding;
use chadburn_host::token_file;
use live_file::disk::{DEADLINE, no_answer};
use live_file::durable::{DurableFile, OpenError};
use live_file::plain::plain;
use live_file::resolve;
use live_file::source::{Survey, survey};

/// What a descriptor limit should at least be: the server itself needs 40.
const DESCRIPTORS: u64 = 256;

/// That nobody has to poll.
pub(super) const TOLD: &str = if cfg!(target_os = "linux") {
    "changes are told by inotify"
} else {
    "changes are told by the system"
};

/// What is looked at on a disk, each aside, since a disk may not answer: what it is called, and the
/// look.
type Check = (String, Box<dyn FnOnce() -> Vec<Finding> + Send>);

/// All that is known of these files and of how changes will be noticed.
pub(super) async fn disks(status: &Path, accept: &Path, token: Option<&Path>) -> Vec<Finding> {
    let mut checks: Vec<Check> = vec![
        check(status, |status| vec![readable(status)]),
        check(accept, |accept| vec![takes(accept, DurableFile::unlocked(accept), "answers")]),
        check(status, |it| vec![takes(it, DurableFile::shared(it), "orders over the network")]),
    ];
    checks.extend(token.map(|token| check(token, self::token)));
    checks.push(check(status, |status| vec![watching(status)]));
    let begun = checks.into_iter().map(|(name, look)| (name, spawn_blocking(look)));
    let begun: Vec<_> = begun.collect();
    let deadline = Instant::now() + DEADLINE;
    let mut findings = Vec::new();
    for (name, look) in begun {
        let found = match timeout_at(deadline, look).await {
            Ok(Ok(found)) => found,
            Ok(Err(panic)) => vec![Finding::Bad(format!("{name}: {panic}"), UNKNOWN.into())],
            Err(_) => vec![Finding::Bad(no_answer(&name, DEADLINE), UNKNOWN.into())],
        };
        // That a disk does not answer is one thing, whatever was asked.
        findings.extend(found.into_iter().filter(|it| !findings.contains(it)).collect::<Vec<_>>());
    }
    findings
}

/// What to do where a disk does not answer.
const UNKNOWN: &str = "look at what it is mounted from; the server goes on when that answers";

fn check(path: &Path, look: impl FnOnce(&Path) -> Vec<Finding> + Send + 'static) -> Check {
    let (name, path) = (path.display().to_string(), path.to_owned());
    (name, Box::new(move || look(&path)))
}

/// Whether the status file can be read.
fn readable(status: &Path) -> Finding {
    let shown = status.display();
    match resolve::stat(status) {
        Err(error) => Finding::Bad(
            format!("{shown}: {}", plain(&error)),
            "start the server where it is, or name it with --status-file".into(),
        ),
        Ok((meta, _)) if !meta.is_file() => {
            Finding::Bad(format!("{shown} is no file"), "name a file with --status-file".into())
        }
        Ok(_) => match resolve::open(status, OFlags::RDONLY) {
            Ok(_) => Finding::Well(format!("{shown} can be read")),
            Err(error) => Finding::Bad(
                format!("{shown}: {}", plain(&error)),
                format!("let the server's user read it: chmod a+r {shown}"),
            ),
        },
    }
}

/// Whether a file can be replaced.
fn takes(path: &Path, file: Result<DurableFile, OpenError>, what: &str) -> Finding {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).display();
    let rehearsed = file.map_err(|error| error.to_string());
    match rehearsed.and_then(|it| it.rehearse().map_err(|error| error.to_string())) {
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
    }
}

/// Whether the token in this file is nobody else's.
fn token(path: &Path) -> Vec<Finding> {
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
    if let Some(why) = &survey.needs_polling {
        let what = format!("{}: {why}", status.display());
        return Finding::Note(what, "the server looks ten times a second");
    }
    match instances {
        Some(most) if most < 16 => Finding::Note(
            format!("a user may have only {most} inotify instances"),
            "raise fs.inotify.max_user_instances with sysctl if the server says that it polls",
        ),
        Some(_) => Finding::Well(TOLD.into()),
        None => Finding::Note("there is no inotify".into(), "the server looks ten times a second"),
    }
}

#[cfg(not(target_os = "linux"))]
fn watching(_: &Path) -> Finding {
    Finding::Well(TOLD.into())
}

/// How many stations find a seat.
pub(super) fn descriptors() -> Finding {
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
            let survey = Survey { needs_polling: deaf.map(str::to_owned), replaced: None };
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
