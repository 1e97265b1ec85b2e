//! Looks at a made-up disk that changes between any two calls, and at the real one.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::*;
use crate::format::LINE;

/// A disk on which, before every call, the next thing happens.
struct Stage {
    scenes: VecDeque<Scene>,
    scene: Scene,
    opened: u32,
    reads: u32,
}

#[derive(Clone, Copy)]
struct Scene {
    bytes: &'static str,
    /// The size that `fstat` tells, if it is not that of the bytes.
    size: Option<u64>,
    mtime: i64,
    kind: Kind,
}

const fn scene(bytes: &'static str, mtime: i64) -> Scene {
    Scene { bytes, size: None, mtime, kind: Kind::Regular }
}

impl Stage {
    /// The first scene is for `stat` and `open`, the others for each call after them.
    fn new(first: Scene, others: &[Scene]) -> Self {
        Self { scenes: others.iter().copied().collect(), scene: first, opened: 0, reads: 0 }
    }

    fn go_on(&mut self) {
        self.scene = self.scenes.pop_front().unwrap_or(self.scene);
    }

    fn meta(&self) -> Meta {
        Meta {
            kind: self.scene.kind,
            stamp: Stamp {
                mtime: (self.scene.mtime, 0),
                size: self.scene.size.unwrap_or(self.scene.bytes.len() as u64),
            },
            link: false,
            version: None,
        }
    }
}

impl Disk for Stage {
    type Open = ();

    fn stat(&mut self) -> io::Result<Meta> {
        Ok(self.meta())
    }

    fn open(&mut self) -> io::Result<()> {
        self.opened += 1;
        Ok(())
    }

    fn fstat(&mut self, (): &mut ()) -> io::Result<Meta> {
        self.go_on();
        Ok(self.meta())
    }

    fn read(&mut self, (): &mut (), limit: usize) -> io::Result<Vec<u8>> {
        self.go_on();
        self.reads += 1;
        Ok(self.scene.bytes.as_bytes()[..self.scene.bytes.len().min(limit)].to_vec())
    }

    fn clock(&mut self) -> Moment {
        (1, 0)
    }
}

fn seen(look: Look) -> Result<String, (Condition, String)> {
    match look.seen {
        Seen::Text(writing) => Ok(writing.text),
        Seen::Fault(fault) => Err((fault.condition, fault.detail)),
        Seen::Moving => Ok("(moving)".to_owned()),
    }
}

fn real(path: &Path) -> Result<String, (Condition, String)> {
    seen(look(&mut RealDisk::new(path, LINE.max_file), "status.eot", &LINE))
}

fn wrong(condition: Condition, detail: &str) -> Result<String, (Condition, String)> {
    Err((condition, format!("status.eot {detail}")))
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_again() {
    let [old, new] = [scene("old", 1), scene("newer", 2)];
    let mut stage = Stage::new(old, &[old, old, new, new, new]);
    assert_eq!(seen(look(&mut stage, "f", &LINE)), Ok("newer".into()));
    assert_eq!((stage.opened, stage.reads), (1, 2));
}

#[test]
fn a_text_that_is_not_as_long_as_the_file_is_not_taken() {
    // Emptied and half written within one tick of the clock, and back to its size.
    let [full, half] = [scene("12345", 1), scene("67", 1)];
    let mut stage = Stage::new(full, &[full, half, full, scene("67890", 1)]);
    assert_eq!(seen(look(&mut stage, "f", &LINE)), Ok("67890".into()));
}

#[test]
fn a_file_that_never_holds_still_is_given_up_after_eight_reads() {
    let scenes: Vec<_> = (0..100).map(|mtime| scene("x", mtime)).collect();
    let mut stage = Stage::new(scene("x", 0), &scenes);
    assert_eq!(seen(look(&mut stage, "f", &LINE)), Ok("(moving)".into()));
    assert_eq!(stage.reads, 8);
}

#[test]
fn a_file_that_never_has_the_size_it_claims_is_taken_in_the_end() {
    let odd = Scene { size: Some(4_096), ..scene("7\n", 1) };
    assert_eq!(seen(look(&mut Stage::new(odd, &[]), "f", &LINE)), Ok("7".into()));
}

#[test]
fn only_regular_files_are_opened_and_only_small_ones_read() {
    for (kind, what) in [
        (Kind::Directory, "a directory"),
        (Kind::Fifo, "a FIFO"),
        (Kind::Socket, "a socket"),
        (Kind::Device, "a device"),
    ] {
        let there = Scene { kind, ..scene("7", 1) };
        let mut stage = Stage::new(there, &[]);
        let detail = format!("f is {what}, not a file");
        assert_eq!(seen(look(&mut stage, "f", &LINE)), Err((Condition::NotAFile, detail.clone())));
        assert_eq!(stage.opened, 0);
        let mut stage = Stage::new(scene("7", 1), &[there]);
        assert_eq!(seen(look(&mut stage, "f", &LINE)), Err((Condition::NotAFile, detail)));
        assert_eq!(stage.reads, 0, "also when it takes the file's place just before it is opened");
    }
    let large = Scene { size: Some(8_193), ..scene("7", 1) };
    let mut stage = Stage::new(large, &[]);
    assert_eq!(seen(look(&mut stage, "f", &LINE)).unwrap_err().0, Condition::TooLarge);
    assert_eq!(stage.opened, 0);
}

#[test]
fn a_file_that_is_larger_than_it_claims_is_not_read_to_its_end() {
    let padded = |count: usize| -> &'static str { format!("7{}", " ".repeat(count)).leak() };
    let claims_less = |count| {
        let large = Scene { size: Some(1), ..scene(padded(count), 1) };
        seen(look(&mut Stage::new(large, &[]), "f", &LINE))
    };
    assert_eq!(claims_less(8_191), Ok("7".into()));
    assert_eq!(claims_less(8_192).unwrap_err().0, Condition::TooLarge);
}

#[test]
fn an_empty_file_is_told_from_one_emptied_anew() {
    let empty = |mtime| look(&mut Stage::new(scene("\n", mtime), &[]), "f", &LINE).seen;
    assert_eq!(empty(1), empty(1));
    assert_ne!(empty(1), empty(2));
}

#[test]
fn what_stands_at_a_real_path_is_named_without_waiting_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("status.eot");
    let link = |to: &str| {
        drop(fs::remove_file(&path));
        symlink(to, &path).unwrap();
    };
    assert_eq!(real(&path), wrong(Condition::Missing, "does not exist"));
    assert_eq!(real(&path.join("7")), wrong(Condition::Missing, "does not exist"));
    fs::write(&path, "7\n").unwrap();
    assert_eq!(real(&path), Ok("7".into()));
    assert_eq!(real(&path.join("7")), wrong(Condition::Missing, "does not exist"));
    fs::remove_file(&path).unwrap();
    let socket = UnixListener::bind(&path).unwrap();
    assert_eq!(real(&path), wrong(Condition::NotAFile, "is a socket, not a file"));
    drop(socket);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(real(&path), wrong(Condition::NotAFile, "is a directory, not a file"));
    fs::remove_dir(&path).unwrap();
    mkfifo(&path);
    assert_eq!(real(&path), wrong(Condition::NotAFile, "is a FIFO, not a file"));
    link("/dev/zero");
    assert_eq!(real(&path), wrong(Condition::NotAFile, "is a device, not a file"));
    link("status.eot");
    let Err((Condition::Unreadable, detail)) = real(&path) else { panic!("a loop") };
    assert!(detail.starts_with("status.eot cannot be read: too many levels"), "{detail}");
    link("nowhere");
    assert_eq!(real(&path), wrong(Condition::Missing, "does not exist"));
    fs::write(directory.path().join("nowhere"), "8\n").unwrap();
    let mut disk = RealDisk::new(&path, LINE.max_file);
    assert!(look(&mut disk, "status.eot", &LINE).link);
    assert_eq!(real(&path), Ok("8".into()));
}

#[test]
fn a_huge_file_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("status.eot");
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(real(&path), wrong(Condition::TooLarge, "is larger than 4096 bytes"));
}

#[test]
fn an_error_is_told_in_the_middle_of_a_sentence() {
    let error = io::Error::from(rustix::io::Errno::ACCESS);
    assert_eq!(Wrong::from(error).refused.reason, "cannot be read: permission denied");
    let error = io::Error::from(rustix::io::Errno::MFILE);
    assert_eq!(Wrong::from(error).refused.reason, "cannot be read: too many open files");
}

#[test]
fn a_glance_opens_nothing_unless_something_about_the_file_was_changed() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("status.eot");
    fs::write(&path, "7\n").unwrap();
    let mut disk = RealDisk::new(&path, LINE.max_file);
    // Until the clock that stamps files has gone on for certain.
    let mut last = look(&mut disk, "status.eot", &LINE);
    while !last.version.unwrap().is_older_than(last.clock) {
        let next = glance(&mut disk, "status.eot", &LINE, &last);
        assert!(next.opened, "it might have been written again within the tick");
        last = next;
    }
    let next = glance(&mut disk, "status.eot", &LINE, &last);
    assert!(!next.opened && next.clock >= last.clock, "{next:?}");
    assert_eq!((&next.seen, next.version), (&last.seen, last.version));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(glance(&mut disk, "status.eot", &LINE, &last).opened, "other attributes");
    last = look(&mut disk, "status.eot", &LINE);
    last.clock.0 += 1;
    fs::write(directory.path().join("new"), "7\n").unwrap();
    fs::rename(directory.path().join("new"), &path).unwrap();
    assert!(glance(&mut disk, "status.eot", &LINE, &last).opened, "another file");
    fs::remove_file(&path).unwrap();
    let gone = glance(&mut disk, "status.eot", &LINE, &last);
    assert!(matches!(gone.seen, Seen::Fault(Fault { condition: Condition::Missing, .. })));
}

fn mkfifo(path: &Path) {
    let status = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(status.success());
}
