//! A real file in a real directory, watched by a real source.

mod dates;
mod measure;
mod place;

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::SystemTime;

use super::watch::KERNEL;
use super::*;
use crate::format::LINE;

/// Longer than any machine takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough for every look that something may have caused.
const SILENCE: Duration = Duration::from_millis(400);

struct Watched {
    directory: tempfile::TempDir,
    reports: Receiver<Report>,
    source: Source,
    path: PathBuf,
}

/// A source of the status file at this path, and who hears what it says.
fn source(path: &Path, mode: WatchMode, mut hears: impl FnMut(Report) + Send + 'static) -> Source {
    let (pool, calls) = (Pool::default(), Calls::default());
    let options = Options { mode, may_be_missing: false, format: LINE };
    Source::start(&pool, path, options, &calls, move |report, _| hears(report)).unwrap()
}

/// A source that watches `status.eot` in a directory prepared beforehand.
fn watch(mode: WatchMode, prepare: impl FnOnce(&Path)) -> Watched {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("status.eot");
    prepare(&path);
    let (sender, reports) = channel();
    let source = source(&path, mode, move |report| drop(sender.send(report)));
    Watched { directory, reports, source, path }
}

/// One that has told the status `1` and that all is well.
fn well(mode: WatchMode) -> Watched {
    let watched = watch(mode, |path| fs::write(path, "1\n").unwrap());
    watched.expect("1");
    watched.expect_health(Condition::Ok, "");
    watched
}

impl Watched {
    fn next(&self) -> Report {
        self.reports.recv_timeout(PATIENCE).expect("a report")
    }

    #[track_caller]
    fn expect(&self, text: &str) {
        match self.next() {
            Report::Written(writing) => assert_eq!(writing.text, text),
            other @ Report::Health(_) => panic!("{other:?} instead of {text}"),
        }
    }

    #[track_caller]
    fn expect_health(&self, state: Condition, detail: &str) {
        match self.next() {
            Report::Health(health) => assert_eq!((health.state, &*health.detail), (state, detail)),
            other @ Report::Written(_) => panic!("{other:?} instead of {state:?}"),
        }
    }

    /// The same, perhaps after word that nothing is there: whoever puts something else into the place may
    /// be robbed of the processor in between.
    #[track_caller]
    fn expect_health_after_gaps(&self, state: Condition, detail: &str) {
        loop {
            match self.next() {
                Report::Health(health) if health.state == Condition::Missing => {}
                Report::Health(health) => {
                    assert_eq!((health.state, &*health.detail), (state, detail));
                    return;
                }
                other @ Report::Written(_) => panic!("{other:?} instead of {state:?}"),
            }
        }
    }

    #[track_caller]
    fn expect_silence(&self) {
        let said = self.reports.recv_timeout(SILENCE);
        assert!(said.is_err(), "{said:?}");
    }

    /// What is said up to `text`, which must come.
    #[track_caller]
    fn up_to(&self, text: &str) -> Vec<String> {
        let mut said = Vec::new();
        while said.last().is_none_or(|last| last != text) {
            said.push(self.next_writing());
        }
        said
    }

    /// The next writing, whatever is said of the file's health before it: a writer that is robbed
    /// of the processor between emptying the file and filling it leaves it empty for real.
    #[track_caller]
    fn next_writing(&self) -> String {
        loop {
            if let Report::Written(writing) = self.next() {
                return writing.text;
            }
        }
    }

    /// Nothing more was written.
    #[track_caller]
    fn expect_no_writing(&self) {
        while let Ok(report) = self.reports.recv_timeout(SILENCE) {
            assert!(matches!(report, Report::Health(_)), "{report:?}");
        }
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
    }

    fn rename_in(&self, text: &str) {
        let temp = self.beside("new");
        fs::write(&temp, text).unwrap();
        fs::rename(&temp, &self.path).unwrap();
    }
}

const MODES: [WatchMode; 3] = [WatchMode::Auto, WatchMode::Kernel, WatchMode::Poll];

#[test]
fn a_writing_is_told_in_whichever_way_it_is_written() {
    for mode in MODES {
        let watched = well(mode);
        watched.rename_in("renamed in\n");
        assert_eq!(watched.next_writing(), "renamed in");
        watched.write("in place\n");
        assert_eq!(watched.next_writing(), "in place");
        fs::remove_file(&watched.path).unwrap();
        watched.write("made again\n");
        assert_eq!(watched.next_writing(), "made again");
        let mut file = fs::File::options().append(true).open(&watched.path).unwrap();
        file.write_all(b"and more").unwrap();
        assert_eq!(watched.next_writing(), "made again\nand more");
        drop(file);
        watched.expect_no_writing();
    }
}

#[test]
fn how_it_is_watched_is_said() {
    for (mode, watch) in MODES.into_iter().zip([KERNEL, KERNEL, Watch::Poll]) {
        let watched = super::tests::watch(mode, |path| fs::write(path, "1\n").unwrap());
        watched.expect("1");
        let Report::Health(health) = watched.next() else { panic!("no health") };
        assert_eq!(health.watch, watch);
    }
}

#[test]
fn a_writing_with_a_pause_after_the_truncation_is_told_once() {
    let watched = well(WatchMode::Auto);
    for round in 0..50 {
        let text = round.to_string();
        let mut file = fs::File::create(&watched.path).unwrap();
        std::thread::sleep(Duration::from_micros(300));
        file.write_all(text.as_bytes()).unwrap();
        drop(file);
        assert_eq!(watched.next_writing(), text);
    }
    watched.expect_no_writing();
}

#[test]
fn a_touch_is_a_repeat_and_a_chmod_is_nothing() {
    for mode in MODES {
        let watched = well(mode);
        fs::set_permissions(&watched.path, Permissions::from_mode(0o600)).unwrap();
        watched.expect_silence();
        let file = fs::File::options().append(true).open(&watched.path).unwrap();
        file.set_modified(SystemTime::now()).unwrap();
        drop(file);
        watched.expect("1");
        drop(fs::File::options().append(true).open(&watched.path).unwrap());
        drop(fs::read(&watched.path).unwrap());
        watched.expect_silence();
    }
}

#[test]
fn of_a_storm_the_last_writing_arrives_and_none_that_was_never_written() {
    for pieces in [1, 3] {
        let watched = well(WatchMode::Auto);
        for round in 0..2_000 {
            let mut file = fs::File::create(&watched.path).unwrap();
            for _ in 0..pieces {
                write!(file, "{round:05}").unwrap();
            }
        }
        let text = |round: usize| format!("{round:05}").repeat(pieces);
        let mut least = 0;
        for said in watched.up_to(&text(1_999)) {
            let round = (least..2_000).find(|round| text(*round) == said);
            least =
                round.unwrap_or_else(|| panic!("{said} was never written, or is told late")) + 1;
        }
        watched.expect_no_writing();
    }
}

#[test]
fn of_a_storm_of_renames_the_last_one_arrives_also_when_reports_are_taken_slowly() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("status.eot");
    let (sender, reports) = std::sync::mpsc::sync_channel(0);
    let source = source(&path, WatchMode::Auto, move |report| drop(sender.send(report)));
    let temp = directory.path().join("new");
    for round in 0..2_000 {
        fs::write(&temp, round.to_string()).unwrap();
        fs::rename(&temp, &path).unwrap();
    }
    let mut said = Vec::new();
    while said.last().is_none_or(|last| last != "1999") {
        match reports.recv_timeout(PATIENCE).unwrap() {
            Report::Written(writing) => said.push(writing.text),
            Report::Health(_) => {}
        }
    }
    assert!(said.len() < 100, "folded: {}", said.len());
    drop(reports);
    source.stop();
}

#[test]
fn stopping_ends_the_thread_at_once_from_whatever_it_does() {
    for mode in MODES {
        let watched = well(mode);
        let start = Instant::now();
        watched.source.stop();
        assert!(start.elapsed() < Duration::from_millis(500));
        fs::write(&watched.path, "2").unwrap();
        assert!(watched.reports.recv().is_err(), "nobody is left to say anything");
    }
}

#[test]
fn a_panic_in_the_thread_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let (sender, reports) = channel();
    let mut first = true;
    let path = directory.path().join("status.eot");
    let source = source(&path, WatchMode::Auto, move |report| {
        assert!(!std::mem::take(&mut first), "made up");
        drop(sender.send(report));
    });
    let Report::Health(health) = reports.recv_timeout(PATIENCE).unwrap() else { panic!("told") };
    assert_eq!(health.state, Condition::Unreadable);
    assert!(health.detail.contains("no longer watched"), "{}", health.detail);
    drop(source);
}

/// In a process of its own, because it takes all descriptors there are.
#[test]
#[ignore = "run by the test below"]
fn without_descriptors() {
    let watched = well(WatchMode::Poll);
    watched.source.stop();
    let mut hoard = Vec::new();
    rustix::process::setrlimit(
        rustix::process::Resource::Nofile,
        rustix::process::Rlimit { current: Some(64), maximum: Some(64) },
    )
    .unwrap();
    let path = watched.directory.path().join("other.eot");
    fs::write(&path, "1").unwrap();
    while let Ok(file) = fs::File::open("/dev/null") {
        hoard.push(file);
    }
    let (sender, reports) = channel();
    let source = source(&path, WatchMode::Auto, move |report| drop(sender.send(report)));
    let health = |state, detail: &str, watch| {
        Some(Report::Health(Health { state, detail: detail.to_owned(), watch }))
    };
    let next = || reports.recv_timeout(PATIENCE).ok();
    let detail = "other.eot cannot be read: too many open files";
    assert_eq!(next(), health(Condition::Unreadable, detail, Watch::Poll));
    drop(hoard);
    assert!(matches!(next(), Some(Report::Written(_))));
    assert_eq!(next(), health(Condition::Ok, "", Watch::Poll));
    assert_eq!(next(), health(Condition::Ok, "", KERNEL), "and it is watched after all");
    drop(source);
}

#[test]
fn without_descriptors_it_says_so_and_heals_when_there_are_some() {
    let test = std::env::current_exe().unwrap();
    let arguments = ["--ignored", "--exact", "source::tests::without_descriptors"];
    let output = std::process::Command::new(test).args(arguments).output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && out.contains("1 passed"), "{out}");
}

#[test]
fn a_task_is_not_woken_for_a_knock_unless_nothing_else_would_wake_it() {
    let (now, soon) = (Duration::from_secs(7), Duration::from_millis(7_020));
    for (for_knock, knocks, asleep_until, wakes) in [
        (true, true, now + EVERY, false),
        (true, false, now + EVERY, true),
        (false, true, now + EVERY, true),
        // It has found the other thread at a look.
        (true, true, Duration::MAX, true),
        (false, true, now, false),
    ] {
        let pause = Pause { until: soon, for_knock };
        assert_eq!(pause.wakes(asleep_until, now, knocks), wakes, "{pause:?} {asleep_until:?}");
    }
}
