//! Owner, group, mode and access list of a file that is replaced.

use std::ffi::OsStr;
use std::fs::File;
use std::sync::{Arc, Mutex};

use super::*;
use crate::acl::Acl;

/// Everything that can go wrong with attributes.
const ATTRIBUTES: [WriteStep; 3] = [WriteStep::Own, WriteStep::Acl, WriteStep::Mode];

/// An access list as `setfacl -m u:1234:rw,g::---` makes one.
const LIST: [u8; 44] = [
    2, 0, 0, 0, // version
    0x01, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, // owner
    0x02, 0, 6, 0, 0xd2, 0x04, 0, 0, // user 1234
    0x04, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, // group
    0x10, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, // mask
    0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, // others
];

fn acl(path: &Path) -> Option<Acl> {
    Acl::of_path(path).unwrap()
}

/// Gives the file this list; false where the file system has none.
fn give(path: &Path, list: &[u8]) -> bool {
    let given = Acl::from_bytes(list).give(&File::open(path).unwrap());
    if let Err(error) = &given {
        eprintln!("SKIPPED: this file system has no access lists: {error}");
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    }
    given.is_ok()
}

/// A file that is 6 and has these attributes, and where to find what was done to its successor.
fn before(mode: u32) -> (Scratch, DurableFile, Arc<Mutex<Vec<WriteStep>>>) {
    let place = Scratch::new();
    let mut file = place.open();
    store(&file, "6").unwrap();
    fs::set_permissions(&place.path, Permissions::from_mode(mode)).unwrap();
    let done = Arc::new(Mutex::new(Vec::new()));
    let steps = Arc::clone(&done);
    file.fail_point = FailPoint(Box::new(move |step| {
        steps.lock().unwrap().push(step);
        Ok(())
    }));
    (place, file, done)
}

#[test]
fn attributes_that_cannot_be_set_fail_no_reply() {
    for failing in ATTRIBUTES {
        for errno in [1, 5, 22, 38, 95] {
            let (place, mut file, _) = before(0o640);
            // Only root may give a file away; for others there is nothing to set.
            drop(std::os::unix::fs::chown(&place.path, Some(1_234), Some(4_321)));
            let listed = failing == WriteStep::Acl && give(&place.path, &LIST);
            let before = fs::metadata(&place.path).unwrap();
            file.fail_point = FailPoint(Box::new(move |step| {
                if step == failing { Err(io::Error::from_raw_os_error(errno)) } else { Ok(()) }
            }));
            store(&file, "7").unwrap();
            assert_eq!(place.text(), "7\n");
            let after = fs::metadata(&place.path).unwrap();
            let (old, new) = (before.mode(), after.mode());
            assert_eq!(new & !old, 0, "{failing:?} {errno}: {new:o} gives more than {old:o}");
            // The group's bits would be another group's, or those of the list's mask.
            if listed || after.gid() != before.gid() {
                assert_eq!(new & 0o077, 0, "{failing:?} {errno}: {new:o}");
            }
        }
    }
}

#[test]
fn a_list_that_cannot_be_read_gives_its_mask_to_no_group() {
    let meta = |mode| {
        let (place, ..) = before(mode);
        fs::metadata(&place.path).unwrap()
    };
    for (mode, given) in [(0o660, 0o600), (0o664, 0o644), (0o640, 0o600), (0o644, 0o644)] {
        let was = meta(mode);
        let (place, ..) = before(0o600);
        let attributes = Attributes::with(&was, Err(io::Error::other("made up")));
        attributes.give(&File::open(&place.path).unwrap(), &FailPoint::default());
        let now = fs::metadata(&place.path).unwrap().mode() & 0o777;
        assert_eq!(now, given, "{mode:o} became {now:o}");
    }
}

#[test]
fn what_is_right_already_is_not_set() {
    let (place, file, done) = before(0o600);
    store(&file, "7").unwrap();
    let done = done.lock().unwrap();
    assert!(!ATTRIBUTES.iter().any(|step| done.contains(step)), "{done:?}");
    assert_eq!(fs::metadata(&place.path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn at_no_step_has_anybody_more_rights_than_before() {
    for mode in [0o600, 0o640, 0o604, 0o400, 0o666] {
        let (place, mut file, _) = before(mode);
        let directory = place.directory.path().to_owned();
        // Only root can give it away; for others its group is right from the start.
        drop(std::os::unix::fs::chown(&place.path, Some(1_234), Some(4_321)));
        file.fail_point = FailPoint(Box::new(move |step| {
            let names = TempName::of(OsStr::new("accept.eot"));
            for entry in fs::read_dir(&directory)?.flatten() {
                if names.is(&entry.file_name()) {
                    let now = entry.metadata()?.mode() & 0o777;
                    assert_eq!(now & !mode, 0, "beyond {mode:o}");
                    if matches!(step, WriteStep::Own | WriteStep::Mode) {
                        assert_eq!(now & 0o077, 0, "{now:o} for others than its owner");
                    }
                }
            }
            Ok(())
        }));
        store(&file, "7").unwrap();
        assert_eq!(fs::metadata(&place.path).unwrap().mode() & 0o777, mode);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_access_list_is_kept_and_one_of_the_directory_is_not_added() {
    let (place, file, _) = before(0o600);
    if !give(&place.path, &LIST) {
        return;
    }
    let old = (acl(&place.path), fs::metadata(&place.path).unwrap().mode());
    assert_eq!(old.1 & 0o777, 0o660, "the group's bits are the mask");
    for text in ["7", "8"] {
        store(&file, text).unwrap();
        assert_eq!((acl(&place.path), fs::metadata(&place.path).unwrap().mode()), old);
    }
    // What the directory gives every new file is not the file's own.
    fs::remove_file(&place.path).unwrap();
    fs::write(&place.path, "6").unwrap();
    fs::set_permissions(&place.path, Permissions::from_mode(0o640)).unwrap();
    let directory = File::open(place.directory.path()).unwrap();
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::fsetxattr(directory, "system.posix_acl_default", &LIST, flags).unwrap();
    store(&file, "9").unwrap();
    assert_eq!(acl(&place.path), None);
    assert_eq!(fs::metadata(&place.path).unwrap().mode() & 0o777, 0o640);
}
