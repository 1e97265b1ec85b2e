//! A real file in a real directory, watched by a real source.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use super::*;

/// Longer than any machine takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

struct Watched {
    directory: tempfile::TempDir,
    reports: Receiver<Report>,
    source: Source,
    path: PathBuf,
}

/// A source that watches `status.eot` in a directory prepared beforehand.
fn watch(mode: WatchMode, prepare: impl FnOnce(&Path)) -> Watched {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("status.eot");
    prepare(&path);
    let (sender, reports) = channel();
    let source = Source::start(&path, File::Status, mode, move |report| {
        drop(sender.send(report));
    });
    Watched { directory, reports, source: source.unwrap(), path }
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

    fn rename_in(&self, text: &str) {
        let temp = self.directory.path().join("new");
        fs::write(&temp, text).unwrap();
        fs::rename(&temp, &self.path).unwrap();
    }
}

fn median(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

#[test]
#[ignore = "measures, and proves nothing"]
fn latency_of_a_writing() {
    let watched = well(WatchMode::Auto);
    for mode in ["in place", "renamed in"] {
        let times = (0..1_000).map(|round| {
            let text = format!("{mode} {round}");
            let temp = watched.directory.path().join("new");
            let start = if mode == "in place" {
                let mut file = fs::File::create(&watched.path).unwrap();
                file.write_all(text.as_bytes()).unwrap();
                let start = Instant::now();
                drop(file);
                start
            } else {
                fs::write(&temp, &text).unwrap();
                let start = Instant::now();
                fs::rename(&temp, &watched.path).unwrap();
                start
            };
            watched.expect(&text);
            let time = start.elapsed();
            std::thread::sleep(Duration::from_millis(2));
            time
        });
        let (median, late) = median(times.collect());
        eprintln!("{mode}: median {median:?}, p99 {late:?}");
    }
}
