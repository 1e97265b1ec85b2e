//! Dates and inodes: which of them make the same bytes a new writing.

use super::*;

/// The date of these bytes is set, after they were closed.
fn set_date(path: &Path, date: SystemTime) {
    fs::File::open(path).unwrap().set_modified(date).unwrap();
}

/// The same bytes with the same date, in another file.
fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    set_date(to, fs::metadata(from).unwrap().modified().unwrap());
}

#[test]
fn a_date_that_is_set_back_after_the_close_is_no_writing() {
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for mode in MODES {
        let watched = well(mode);
        for (text, date) in [("2", long_ago), ("3", SystemTime::now() - Duration::from_secs(3))] {
            watched.write(text);
            watched.expect(text);
            set_date(&watched.path, date);
            watched.expect_silence();
        }
        watched.write("3");
        watched.expect("3");
    }
}

#[test]
fn the_same_bytes_and_date_in_another_file_are_a_writing_only_if_a_rename_is_heard() {
    for mode in MODES {
        let watched = well(mode);
        copy(&watched.path, &watched.beside("copy"));
        fs::rename(watched.beside("copy"), &watched.path).unwrap();
        if mode == WatchMode::Poll {
            watched.expect_silence();
        } else {
            watched.expect("1");
        }
        // In its place with the date that it had, as `cp -p` does it.
        let date = fs::metadata(&watched.path).unwrap().modified().unwrap();
        let mut file = fs::File::create(&watched.path).unwrap();
        file.write_all(b"1\n").unwrap();
        file.set_modified(date).unwrap();
        drop(file);
        if mode == WatchMode::Poll {
            watched.expect_no_writing();
        } else {
            assert_eq!(watched.next_writing(), "1");
        }
    }
}

#[test]
fn the_same_bytes_and_date_in_another_directory_by_that_name_are_no_writing() {
    for mode in MODES {
        let watched = well(mode);
        let directory = watched.directory.path();
        let away = directory.with_extension("away");
        fs::rename(directory, &away).unwrap();
        fs::create_dir(directory).unwrap();
        copy(&away.join("status.eot"), &watched.path);
        watched.expect_no_writing();
        watched.write("2\n");
        assert_eq!(watched.next_writing(), "2", "{mode:?}");
        fs::remove_dir_all(away).unwrap();
    }
}
