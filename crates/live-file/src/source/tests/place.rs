//! What stands at the path: nothing, something else, a symlink, another directory.

use super::*;

#[test]
fn a_missing_file_is_health_until_it_is_there() {
    for mode in MODES {
        let watched = watch(mode, |_| {});
        watched.expect_health(Condition::Missing, "status.eot does not exist");
        watched.write("2\n");
        watched.expect("2");
        watched.expect_health(Condition::Ok, "");
    }
}

#[test]
fn every_fault_is_health_and_heals() {
    let watched = well(WatchMode::Auto);
    let huge = "x".repeat(4_097);
    for (bytes, condition, detail) in [
        (&b"caf\xE9"[..], Condition::NotUtf8, "status.eot is not UTF-8"),
        (b" \n", Condition::Empty, "status.eot is empty"),
        (huge.as_bytes(), Condition::TooLarge, "status.eot is larger than 4096 bytes"),
    ] {
        fs::write(&watched.path, bytes).unwrap();
        watched.expect_health(condition, detail);
        watched.write("2\n");
        watched.expect("2");
        watched.expect_health(Condition::Ok, "");
    }
}

#[test]
fn whatever_takes_the_place_of_the_file_is_health_and_the_file_comes_back() {
    let watched = well(WatchMode::Auto);
    let aside = watched.beside("aside");
    let put = |what: &str| match what {
        "is a directory" => fs::create_dir(&watched.path).unwrap(),
        "is a FIFO" => {
            let made = std::process::Command::new("mkfifo").arg(&watched.path).status();
            assert!(made.unwrap().success());
        }
        _ => symlink("/dev/zero", &watched.path).unwrap(),
    };
    for what in ["is a directory", "is a FIFO", "is a device"] {
        fs::rename(&watched.path, &aside).unwrap();
        put(what);
        watched.expect_health_after_gaps(
            Condition::NotAFile,
            &format!("status.eot {what}, not a file"),
        );
        drop(fs::remove_file(&watched.path).or_else(|_| fs::remove_dir(&watched.path)));
        fs::rename(&aside, &watched.path).unwrap();
        // It is the very same writing as before.
        watched.expect_health_after_gaps(Condition::Ok, "");
    }
    watched.write("2");
    watched.expect("2");
}

#[test]
fn a_swap_of_what_a_symlink_leads_through_is_told() {
    let watched = watch(WatchMode::Auto, |path| {
        let directory = path.parent().unwrap();
        for (name, text) in [("..1", "one"), ("..2", "two")] {
            fs::create_dir(directory.join(name)).unwrap();
            fs::write(directory.join(name).join("status.eot"), text).unwrap();
        }
        symlink("..1", directory.join("..data")).unwrap();
        symlink("..data/status.eot", path).unwrap();
    });
    watched.expect("one");
    watched.expect_health(Condition::Ok, "");
    for (directory, text) in [("..2", "two"), ("..1", "one"), ("..2", "two")] {
        symlink(directory, watched.beside("..tmp")).unwrap();
        fs::rename(watched.beside("..tmp"), watched.beside("..data")).unwrap();
        watched.expect(text);
    }
    fs::write(watched.beside("..2/status.eot"), "in place").unwrap();
    watched.expect("in place");
    fs::write(watched.beside("another"), "file").unwrap();
    watched.expect_silence();
}

#[test]
fn a_symlink_of_somebody_elses_is_health_and_what_it_leads_to_is_not_told() {
    const STRANGER: u32 = 54_321;
    for mode in MODES {
        let watched = well(mode);
        let (secret, link) = (watched.beside("secret"), watched.beside("link"));
        fs::write(&secret, "for the process alone").unwrap();
        symlink(&secret, &link).unwrap();
        if std::os::unix::fs::lchown(&link, Some(STRANGER), Some(STRANGER)).is_err() {
            assert!(!rustix::process::geteuid().is_root(), "root may give a link away");
            eprintln!("SKIPPED: only root can make a link of somebody else's");
            return;
        }
        fs::rename(&link, &watched.path).unwrap();
        let path = watched.path.display();
        watched.expect_health(
            Condition::Unreadable,
            &format!(
                "status.eot cannot be read: the link {path} belongs to user {STRANGER}, and only \
                 those of root and of this process's own user are followed"
            ),
        );
        fs::write(&secret, "still for the process alone").unwrap();
        watched.expect_silence();
        watched.rename_in("2");
        watched.expect("2");
        watched.expect_health(Condition::Ok, "");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_tells_of_this_process_itself_is_health() {
    let watched = well(WatchMode::Auto);
    symlink("/proc/self/environ", watched.beside("link")).unwrap();
    fs::rename(watched.beside("link"), &watched.path).unwrap();
    let detail = "status.eot cannot be read: it is on procfs, which tells of this process itself";
    watched.expect_health(Condition::Unreadable, detail);
    watched.rename_in("2");
    watched.expect("2");
    watched.expect_health(Condition::Ok, "");
}

#[test]
fn a_file_that_becomes_a_symlink_is_followed() {
    let watched = well(WatchMode::Auto);
    let there = tempfile::tempdir().unwrap();
    let target = there.path().join("real");
    fs::write(&target, "there").unwrap();
    symlink(&target, watched.beside("link")).unwrap();
    fs::rename(watched.beside("link"), &watched.path).unwrap();
    watched.expect("there");
    for round in 0..5 {
        let text = round.to_string();
        fs::write(&target, &text).unwrap();
        watched.expect(&text);
    }
}

#[test]
fn a_directory_made_again_is_watched_again() {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("status.eot");
    fs::write(&path, "1").unwrap();
    let (sender, reports) = channel();
    let source = source(&path, WatchMode::Auto, move |report| drop(sender.send(report)));
    let watched = Watched { directory: outer, reports, source, path };
    watched.expect("1");
    watched.expect_health(Condition::Ok, "");
    fs::remove_dir_all(&inner).unwrap();
    watched.expect_health(Condition::Missing, "status.eot does not exist");
    fs::create_dir(&inner).unwrap();
    watched.write("2");
    watched.expect("2");
    watched.expect_health(Condition::Ok, "");
    // Subscription anew by now, or within a second: until then the look every second finds it.
    let begin = Instant::now();
    for round in 3..20 {
        let text = round.to_string();
        fs::write(inner.join("new"), &text).unwrap();
        fs::rename(inner.join("new"), &watched.path).unwrap();
        watched.expect(&text);
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "only the look every second finds it");
}
