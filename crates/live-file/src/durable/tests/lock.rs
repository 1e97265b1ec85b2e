//! Who may write the file, and what is swept when the lock is had.

use std::ffi::OsStr;

use super::*;

#[test]
#[ignore = "run by the test below"]
fn opened_by_another_process() {
    let error = DurableFile::open(&path_for_child()).unwrap_err();
    assert_eq!(error.to_string(), "another process writes accept.eot");
}

#[test]
fn no_two_processes_write_one_file() {
    let place = Scratch::new();
    let file = place.open();
    let again = DurableFile::open(&place.path).unwrap_err();
    assert_eq!(again.to_string(), "another process writes accept.eot");
    let output = child("lock::opened_by_another_process", &place.path);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    drop(file);
    drop(place.open());
    assert_eq!(place.names(), ["accept.eot.lock"], "the lock file stays");
}

#[test]
fn a_lock_is_its_owners_alone_and_an_older_one_is_mended() {
    let place = Scratch::new();
    let lock = place.directory.path().join("accept.eot.lock");
    let mode = || fs::metadata(&lock).unwrap().mode() & 0o777;
    drop(place.open());
    assert_eq!(mode(), 0o600);
    for old in [0o644, 0o666, 0o640, 0o400] {
        fs::set_permissions(&lock, Permissions::from_mode(old)).unwrap();
        let file = place.open();
        assert_eq!(mode(), 0o600, "it was {old:o}");
        assert!(DurableFile::open(&place.path).is_err(), "it is the same lock");
        drop(file);
    }
}

#[test]
fn a_lock_that_cannot_be_had_is_no_reason_not_to_serve() {
    for put in [|lock: &Path| symlink("elsewhere", lock), |lock: &Path| fs::create_dir(lock)] {
        let place = Scratch::new();
        put(&place.directory.path().join("accept.eot.lock")).unwrap();
        store(&place.open(), "7").unwrap();
        assert_eq!(place.text(), "7\n");
        assert!(!place.directory.path().join("elsewhere").exists());
    }
}

#[test]
fn a_fifo_as_lock_file_does_not_block() {
    let place = Scratch::new();
    let lock = place.directory.path().join("accept.eot.lock");
    assert!(Command::new("mkfifo").arg(&lock).status().unwrap().success());
    store(&place.open(), "7").unwrap();
}

#[test]
fn own_strays_are_swept_and_nothing_else_is() {
    let place = Scratch::new();
    let stray = TempName::of(OsStr::new("accept.eot")).fresh();
    let [capitals, longer] = ["X", "~"].map(|end| {
        let mut name = stray.clone();
        name.push(end);
        name.into_string().unwrap()
    });
    let foreign = [
        stray.to_str().unwrap().to_uppercase(),
        capitals,
        longer,
        TempName::of(OsStr::new("status.eot2")).fresh().into_string().unwrap(),
        ".accept.eo".to_owned(),
        ".accept.eot.tmp".to_owned(),
    ];
    for name in &foreign {
        fs::write(place.directory.path().join(name), "").unwrap();
    }
    let directory = TempName::of(OsStr::new("accept.eot")).fresh();
    fs::create_dir(place.directory.path().join(&directory)).unwrap();
    let stray = place.directory.path().join(stray);
    fs::write(&stray, "half").unwrap();
    drop(place.open());
    assert!(!stray.exists());
    assert_eq!(place.names().len(), foreign.len() + 2, "{:?}", place.names());
}

#[test]
fn another_process_temporary_file_is_not_swept_from_under_it() {
    let place = Scratch::new();
    let _file = place.open();
    let temp = place.directory.path().join(TempName::of(OsStr::new("accept.eot")).fresh());
    fs::write(&temp, "in use").unwrap();
    DurableFile::open(&place.path).unwrap_err();
    assert!(temp.exists());
}

#[test]
fn a_file_whose_lock_was_removed_is_written_by_one_only() {
    let place = Scratch::new();
    let lock = place.directory.path().join("accept.eot.lock");
    let first = place.open();
    fs::remove_file(&lock).unwrap();
    store(&first, "6").unwrap();
    assert!(lock.exists(), "it is taken again");
    fs::remove_file(&lock).unwrap();
    let second = place.open();
    let why = "accept.eot cannot be written: another process writes it";
    assert_eq!(store(&first, "7").unwrap_err(), why);
    assert_eq!(first.survey().unwrap_err().to_string(), why);
    assert_eq!(first.rehearse().unwrap_err().to_string(), why);
    store(&second, "8").unwrap();
    drop(second);
    store(&first, "9").unwrap();
    assert_eq!(place.text(), "9\n");
}
