//! A real file, faults before every system call, and a process that is killed there.

mod attributes;
mod lock;
mod writer;

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use super::steps::WriteStep;
use super::*;
use crate::disk::Calls;

const STEPS: [WriteStep; 6] = [
    WriteStep::Create,
    WriteStep::Write,
    WriteStep::Sync,
    WriteStep::Stat,
    WriteStep::Rename,
    WriteStep::SyncDirectory,
];

/// Longer than any machine takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

struct Scratch {
    directory: tempfile::TempDir,
    path: PathBuf,
}

impl Scratch {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("accept.eot");
        Self { directory, path }
    }

    fn open(&self) -> DurableFile {
        DurableFile::open(&self.path).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    /// The names of all that is there.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries.map(|e| name(e).into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn store(file: &DurableFile, text: &str) -> Result<Stamp, String> {
    file.write(format!("{text}\n").as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn a_reply_is_in_the_file_with_a_newline_and_nothing_else_is_left() {
    let place = Scratch::new();
    let file = place.open();
    for text in ["7", "all is well"] {
        store(&file, text).unwrap();
        assert_eq!(place.text(), format!("{text}\n"));
        assert_eq!(place.names(), ["accept.eot", "accept.eot.lock"]);
    }
}

#[test]
fn the_stamp_is_known_before_the_writing_can_be_seen() {
    let place = Scratch::new();
    let file = place.open();
    store(&file, "6").unwrap();
    let mut prepared = None;
    let seen = |stamp| {
        assert_eq!(place.text(), "6\n");
        prepared = Some(stamp);
    };
    file.write_if(b"7\n", seen, || true).unwrap();
    let meta = fs::metadata(&place.path).unwrap();
    let mtime = (meta.mtime(), meta.mtime_nsec());
    assert_eq!(prepared, Some(Stamp { mtime, size: 2 }));
}

#[test]
fn readers_never_see_half_a_reply_or_none() {
    let place = Scratch::new();
    let file = place.open();
    let (long, short) = ("x".repeat(3_000), "7".to_owned());
    store(&file, &short).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) || reads < 1_000 {
                let text = place.text();
                let text = text.strip_suffix('\n').expect("a whole line");
                assert!(text == long || text == short, "{} bytes", text.len());
                reads += 1;
            }
        });
        for _ in 0..150 {
            store(&file, &long).unwrap();
            store(&file, &short).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
}

#[test]
fn mode_owner_and_group_are_kept() {
    let place = Scratch::new();
    let file = place.open();
    for mode in [0o600, 0o640, 0o664, 0o666, 0o400] {
        fs::write(&place.path, "6\n").unwrap();
        fs::set_permissions(&place.path, Permissions::from_mode(mode)).unwrap();
        // Only root may give a file away; for others this changes nothing.
        drop(std::os::unix::fs::chown(&place.path, Some(1_234), Some(4_321)));
        let before = fs::metadata(&place.path).unwrap();
        store(&file, "7").unwrap();
        let after = fs::metadata(&place.path).unwrap();
        assert_eq!(after.mode() & 0o7777, mode);
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        fs::remove_file(&place.path).unwrap();
    }
}

#[test]
fn a_new_file_has_the_mode_that_any_new_file_has() {
    let place = Scratch::new();
    store(&place.open(), "7").unwrap();
    fs::write(place.directory.path().join("other"), "7").unwrap();
    let mode = |name: &str| fs::metadata(place.directory.path().join(name)).unwrap().mode();
    assert_eq!(mode("accept.eot"), mode("other"));
}

#[test]
fn a_symlink_is_replaced_and_its_target_is_not_touched() {
    let place = Scratch::new();
    let target = place.directory.path().join("target");
    fs::write(&target, "precious").unwrap();
    symlink(&target, &place.path).unwrap();
    store(&place.open(), "7").unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert!(fs::symlink_metadata(&place.path).unwrap().is_file());
    assert_eq!(place.text(), "7\n");
}

#[test]
fn a_fifo_is_replaced_without_waiting_for_a_reader() {
    let place = Scratch::new();
    assert!(Command::new("mkfifo").arg(&place.path).status().unwrap().success());
    store(&place.open(), "7").unwrap();
    assert_eq!(place.text(), "7\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_is_never_replaced() {
    use rustix::fs::{CWD, FileType, makedev, mknodat};

    let place = Scratch::new();
    // As /dev/null is; of one's own.
    if let Err(error) =
        mknodat(CWD, &place.path, FileType::CharacterDevice, 0o666.into(), makedev(1, 3))
    {
        assert!(std::env::var_os("CI").is_none(), "CI is root");
        eprintln!("SKIPPED: only root makes devices: {error}");
        return;
    }
    let why = "accept.eot cannot be written: it is no file, and none takes its place";
    let (own, others) = (place.open(), DurableFile::shared(&place.path).unwrap());
    for file in [own, others] {
        assert_eq!(store(&file, "7").unwrap_err(), why);
        assert_eq!(file.rehearse().unwrap_err().to_string(), why);
        assert_eq!(file.survey().unwrap_err().to_string(), why);
    }
    assert!(fs::metadata(&place.path).unwrap().file_type().is_char_device());
    assert_eq!(place.names(), ["accept.eot", "accept.eot.lock"]);
}

#[test]
fn what_others_write_and_is_no_file_is_not_replaced() {
    let place = Scratch::new();
    let there = place.directory.path().join("there");
    symlink("there", &place.path).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(&there).unwrap();
    let file = DurableFile::shared(&place.path).unwrap();
    let why = "accept.eot cannot be written: it is no file, and none takes its place";
    assert_eq!(store(&file, "7").unwrap_err(), why);
    assert!(fs::metadata(&there).unwrap().file_type().is_socket());
    fs::remove_file(&there).unwrap();
    store(&file, "7").unwrap();
    assert_eq!(fs::read(&there).unwrap(), b"7\n", "what is not there is made");
}

#[test]
fn a_temporary_file_that_can_be_neither_renamed_nor_removed_stays_the_only_one() {
    let place = Scratch::new();
    let mut file = place.open();
    let stuck = std::sync::Arc::new(AtomicBool::new(true));
    let sticks = std::sync::Arc::clone(&stuck);
    file.fail_point = FailPoint(Box::new(move |step| match step {
        WriteStep::Rename | WriteStep::Remove if sticks.load(Ordering::Relaxed) => {
            Err(io::ErrorKind::PermissionDenied.into())
        }
        _ => Ok(()),
    }));
    for _ in 0..3 {
        file.rehearse().unwrap_err();
        store(&file, "7").unwrap_err();
        assert_eq!(place.names().len(), 2, "{:?}", place.names());
    }
    stuck.store(false, Ordering::Relaxed);
    store(&file, "7").unwrap();
    assert_eq!(place.names(), ["accept.eot", "accept.eot.lock"]);
}

#[cfg(target_os = "linux")]
#[test]
fn in_a_directory_that_can_be_appended_to_only_nothing_is_left_behind() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};

    let place = Scratch::new();
    let file = place.open();
    let directory = fs::File::open(place.directory.path()).unwrap();
    let set = |on: bool| {
        let flags = ioctl_getflags(&directory)?;
        ioctl_setflags(&directory, if on { flags | IFlags::APPEND } else { flags - IFlags::APPEND })
    };
    if let Err(error) = set(true) {
        eprintln!("SKIPPED: directories here have no such attribute: {error}");
        return;
    }
    let said = [file.survey(), file.rehearse(), file.write(b"7\n").map(drop)];
    let names = place.names();
    set(false).unwrap();
    for said in said {
        assert_eq!(
            said.unwrap_err().to_string(),
            "accept.eot cannot be written: in its directory nothing can be replaced (chattr -a)"
        );
    }
    assert_eq!(names, ["accept.eot.lock"]);
    file.rehearse().unwrap();
}

#[test]
fn a_directory_in_its_place_is_an_error_and_leaves_nothing() {
    let place = Scratch::new();
    fs::create_dir(&place.path).unwrap();
    let error = store(&place.open(), "7").unwrap_err();
    assert_eq!(error, "accept.eot cannot be written: is a directory");
    assert_eq!(place.names(), ["accept.eot", "accept.eot.lock"]);
}

#[test]
fn a_directory_that_is_gone_is_an_error() {
    let place = Scratch::new();
    let file = place.open();
    fs::remove_dir_all(place.directory.path()).unwrap();
    let error = store(&file, "7").unwrap_err();
    assert_eq!(error, "accept.eot cannot be written: no such file or directory");
}

#[test]
fn a_fault_at_any_step_is_told_and_leaves_the_file_whole() {
    for step in STEPS {
        let place = Scratch::new();
        let mut file = place.open();
        store(&file, "6").unwrap();
        file.fail_point = FailPoint(Box::new(move |at| {
            if at == step { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }));
        let error = store(&file, "7").unwrap_err();
        assert_eq!(error, "accept.eot cannot be written: no storage space");
        let text = if step == WriteStep::SyncDirectory { "7\n" } else { "6\n" };
        assert_eq!(place.text(), text, "{step:?}");
        assert_eq!(place.names(), ["accept.eot", "accept.eot.lock"], "{step:?}");
        file.fail_point = FailPoint::default();
        store(&file, "8").unwrap();
        assert_eq!(place.text(), "8\n");
    }
}

/// Runs one of the tests of this file in a process of its own; they are the ignored ones.
fn child(test: &str, path: &Path) -> std::process::Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", &format!("durable::tests::{test}")])
        .env("LIVE_FILE_OF_A_TEST", path)
        .output()
        .unwrap()
}

fn path_for_child() -> PathBuf {
    std::env::var_os("LIVE_FILE_OF_A_TEST").expect("the path").into()
}

#[test]
#[ignore = "run by the test below"]
fn killed_at_a_step() {
    let path = path_for_child();
    let mut file = DurableFile::open(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let step = STEPS[text.trim().parse::<usize>().unwrap() - 100];
    file.fail_point = FailPoint(Box::new(move |at| {
        if at == step {
            std::process::abort();
        }
        Ok(())
    }));
    drop(store(&file, "killed"));
}

#[test]
fn a_process_killed_at_any_step_leaves_old_or_new_and_at_most_one_file_to_sweep() {
    for (index, step) in STEPS.into_iter().enumerate() {
        let place = Scratch::new();
        let old = format!("{}\n", 100 + index);
        fs::write(&place.path, &old).unwrap();
        assert!(!child("killed_at_a_step", &place.path).status.success());
        let text = if step == WriteStep::SyncDirectory { "killed\n" } else { &old };
        assert_eq!(place.text(), text, "{step:?}");
        assert!(place.names().len() <= 3, "{step:?}: {:?}", place.names());
        drop(place.open());
        assert_eq!(place.names(), ["accept.eot", "accept.eot.lock"], "{step:?}");
    }
}

#[test]
fn a_full_disk_is_told_and_leaves_the_file_as_it_was() {
    let place = Scratch::new();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"])
        .arg(place.directory.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        // Without the right to mount, the made-up full disk of the steps' test must do.
        eprintln!("no small disk can be mounted here, so no real one was filled");
        return;
    }
    let file = place.open();
    store(&file, "6").unwrap();
    drop(fs::write(place.directory.path().join("filler"), vec![b'x'; 64 * 1024]));
    let error = store(&file, &"7".repeat(4_000));
    let (text, names) = (place.text(), place.names());
    drop(file);
    let unmounted = Command::new("umount").arg("-l").arg(place.directory.path()).status();
    assert!(unmounted.unwrap().success());
    assert_eq!(error.unwrap_err(), "accept.eot cannot be written: no space left on device");
    assert_eq!(text, "6\n");
    assert_eq!(names, ["accept.eot", "accept.eot.lock", "filler"]);
}
