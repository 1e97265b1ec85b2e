//! What stands in the file's place, and what happens to it.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Instant;

use super::*;

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Opens and keeps the book where something else stands; returns what is said of it.
fn complaint(desk: &Desk) -> (Kept, String) {
    let begun = Instant::now();
    let kept = desk.keep();
    kept.orders(1..=2);
    let said = kept.health().expect("a complaint");
    assert!(matches!(kept.query(None, 10), Err(BookError::Unreadable(_))));
    assert!(begun.elapsed() < Duration::from_secs(10), "nothing blocks");
    (kept, said)
}

#[test]
fn what_is_no_file_is_health_blocks_nobody_and_heals() {
    type Maker = (&'static str, fn(&Path));
    let makers: [Maker; 5] = [
        ("is a FIFO", fifo),
        ("is a directory", |path| fs::create_dir(path).unwrap()),
        ("is a socket", |path| drop(UnixListener::bind(path).unwrap())),
        ("is a symbolic link", |path| symlink("target", path).unwrap()),
        ("is a symbolic link", |path| symlink("/dev/zero", path).unwrap()),
    ];
    for (what, make) in makers {
        let desk = Desk::new();
        make(&desk.book());
        assert_eq!(desk.past(), Past::default());
        let (kept, said) = complaint(&desk);
        assert_eq!(said, format!("bell-book.jsonl {what}"));
        assert!(!desk.at("target").exists(), "no link is followed");
        fs::rename(desk.book(), desk.at("aside")).unwrap();
        assert_eq!(kept.health(), None);
        kept.stop();
        assert_eq!(seqs(&desk.lines()), [1, 2], "{what}");
    }
}

#[test]
fn whoever_asks_does_not_make_it_well() {
    let desk = Desk::new();
    fs::create_dir(desk.book()).unwrap();
    let kept = desk.keep_with(Limits { sync_interval: PATIENCE, ..quick() }, FaultHook::default());
    assert!(kept.health().is_some());
    (0..3).for_each(|_| kept.flush());
    assert!(kept.health.try_recv().is_err());
    // But finds out when it is.
    fs::remove_dir(desk.book()).unwrap();
    kept.flush();
    assert_eq!(kept.health(), None);
    kept.stop();
}

#[test]
fn a_fifo_with_a_reader_gets_nothing() {
    let desk = Desk::new();
    fifo(&desk.book());
    let reader = fs::OpenOptions::new().read(true).write(true).open(desk.book()).unwrap();
    let (kept, said) = complaint(&desk);
    assert_eq!(said, "bell-book.jsonl is a FIFO");
    kept.stop();
    rustix::io::ioctl_fionbio(&reader, true).unwrap();
    let read = std::io::Read::read(&mut &reader, &mut [0; 10]).unwrap_err();
    assert_eq!(read.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn a_directory_that_is_gone_is_health_and_heals() {
    let desk = Desk::new();
    let directory = desk.at("sub");
    fs::create_dir(&directory).unwrap();
    let (_, book) = open(&directory.join("bell-book.jsonl"), quick());
    let (tell, health) = channel();
    let keeper = book.keep(move |health| drop(tell.send(health))).unwrap();
    let next = || health.recv_timeout(PATIENCE).unwrap();
    assert_eq!(next().state, Condition::Ok);
    fs::remove_dir_all(&directory).unwrap();
    assert_eq!(next().detail, "bell-book.jsonl cannot be written: no such file or directory");
    keeper.recorder().record(order(1));
    fs::write(&directory, "").unwrap();
    assert_eq!(next().detail, "bell-book.jsonl cannot be written: not a directory");
    fs::remove_file(&directory).unwrap();
    assert_ne!(next().state, Condition::Ok);
    fs::create_dir(&directory).unwrap();
    assert_eq!(next().state, Condition::Ok);
    keeper.stop(PATIENCE);
    assert_eq!(seqs(&Desk::lines_of(&directory.join("bell-book.jsonl"))), [1]);
}

#[test]
fn a_file_that_was_taken_away_is_made_anew_at_once() {
    let desk = Desk::new();
    let kept = desk.keep();
    kept.orders(1..=2);
    kept.flush();
    fs::rename(desk.book(), desk.at("rotated")).unwrap();
    kept.orders(3..=4);
    kept.flush();
    fs::remove_file(desk.book()).unwrap();
    kept.orders(5..=6);
    kept.flush();
    assert_eq!(seqs(&Desk::lines_of(&desk.at("rotated"))), [1, 2]);
    assert_eq!(seqs(&desk.lines()), [5, 6]);
    // Without anything to write, too: whoever turned it over finds a file again.
    fs::remove_file(desk.book()).unwrap();
    let begun = Instant::now();
    while !desk.book().exists() {
        assert!(begun.elapsed() < PATIENCE, "it is not made anew");
    }
    // Emptied in place (`copytruncate`).
    kept.orders(7..=8);
    kept.flush();
    fs::File::options().write(true).open(desk.book()).unwrap().set_len(0).unwrap();
    kept.orders(9..=9);
    kept.stop();
    assert_eq!(seqs(&desk.lines()), [9]);
}

#[test]
fn a_file_put_in_its_place_is_written_on_behind_what_it_says() {
    let desk = Desk::new();
    let kept = desk.keep();
    kept.orders(1..=2);
    kept.flush();
    fs::write(desk.at("other"), "no newline at the end").unwrap();
    fs::rename(desk.at("other"), desk.book()).unwrap();
    kept.orders(3..=4);
    kept.stop();
    let text = fs::read_to_string(desk.book()).unwrap();
    assert_eq!(text, format!("no newline at the end\n{}{}", line(&order(3)), line(&order(4))));
}

#[test]
fn a_directory_in_its_place_while_it_is_kept_is_health() {
    let desk = Desk::new();
    let kept = desk.keep();
    assert_eq!(kept.health(), None);
    fs::remove_file(desk.book()).ok();
    let made = Instant::now();
    while fs::create_dir(desk.book()).is_err() {
        assert!(made.elapsed() < PATIENCE);
        fs::remove_file(desk.book()).ok();
    }
    assert_eq!(kept.health(), Some("bell-book.jsonl is a directory".into()));
    fs::remove_dir(desk.book()).unwrap();
    assert_eq!(kept.health(), None);
    kept.stop();
}

#[test]
fn the_file_is_for_its_owner_and_group() {
    let desk = Desk::new();
    // This process's mask, without changing it for everybody else.
    fs::write(desk.at("probe"), "").unwrap();
    let mask = !(fs::metadata(desk.at("probe")).unwrap().mode() | 0o111) & 0o777;
    let kept = desk.keep();
    kept.record(order(1));
    kept.flush();
    assert_eq!(fs::metadata(desk.book()).unwrap().mode() & 0o777, 0o660 & !mask);
    // What somebody has set is kept.
    fs::set_permissions(desk.book(), fs::Permissions::from_mode(0o600)).unwrap();
    kept.record(order(2));
    kept.stop();
    assert_eq!(fs::metadata(desk.book()).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn two_servers_do_not_write_one_book() {
    let desk = Desk::new();
    let first = desk.keep();
    assert_eq!(first.health(), None);
    first.orders(1..=2);
    first.flush();
    let torn = || fs::OpenOptions::new().append(true).open(desk.book()).unwrap();
    io::Write::write_all(&mut torn(), b"{\"seq\":3").unwrap();
    let second = desk.keep();
    let why = "bell-book.jsonl is written by another server: give this one its own with \
               --bell-book FILE";
    assert_eq!(second.health(), Some(why.into()));
    assert!(fs::read_to_string(desk.book()).unwrap().ends_with("{\"seq\":3"), "it is not cut");
    assert_eq!(desk.past(), Past::default(), "another telegraph's past is not ours");
    assert_eq!(second.query(None, 10), Err(BookError::Unreadable(why.into())));
    second.orders(5..=6);
    first.stop();
    second.flush();
    // It may be started again, and must not find that the other has taken its place.
    let first = desk.keep();
    assert_eq!(first.health(), None);
    second.stop();
    first.stop();
    let entries = [order(1), order(2)];
    assert_eq!(desk.past().entries, entries);
}

#[test]
fn a_book_whose_lock_was_removed_is_written_by_one_server_only() {
    let desk = Desk::new();
    let lock = desk.at("bell-book.jsonl.lock");
    let first = desk.keep();
    first.orders(1..=2);
    first.flush();
    fs::remove_file(&lock).unwrap();
    let removed = std::time::Instant::now();
    while !lock.exists() {
        assert!(removed.elapsed() < PATIENCE, "it is taken again");
        std::thread::yield_now();
    }
    assert_eq!(first.health(), None);
    // Others are quicker.
    let second = loop {
        fs::remove_file(&lock).ok();
        let second = desk.keep();
        if second.health().is_none() {
            break second;
        }
        second.stop();
    };
    let why = "bell-book.jsonl is written by another server: give this one its own with \
               --bell-book FILE";
    assert_eq!(first.health(), Some(why.into()));
    assert_eq!(first.query(None, 10), Err(BookError::Unreadable(why.into())));
    second.orders(3..=4);
    second.stop();
    first.orders(5..=6);
    first.stop();
    assert_eq!(seqs(&desk.lines()), [1, 2, 3, 4]);
}

#[test]
fn a_book_whose_disk_answers_late_is_kept_from_then_on_behind_what_was_there() {
    let desk = Desk::new();
    fs::write(desk.book(), text(&[order(1)])).unwrap();
    let (go, wait) = channel::<()>();
    let path = desk.book();
    let late = move || {
        let _ = wait.recv();
        Some(open(&path, quick()).1)
    };
    let (tell, health) = channel();
    let book = Book::late(&desk.book(), quick(), late);
    let keeper = book.keep(move |health| drop(tell.send(health))).unwrap();
    keeper.recorder().record(order(2));
    // It is known that it waits.
    while keeper.calls().longest().is_none() {
        std::thread::yield_now();
    }
    assert_eq!(seqs(&desk.lines()), [1]);
    drop(go);
    assert_eq!(health.recv_timeout(PATIENCE).unwrap().state, Condition::Ok);
    keeper.stop(PATIENCE);
    assert_eq!(seqs(&desk.lines()), [1, 2]);
}

#[test]
fn whoever_reads_the_book_and_holds_it_keeps_nobody_from_writing_it() {
    let desk = Desk::new();
    fs::write(desk.book(), text(&[order(1)])).unwrap();
    let reader = fs::File::open(desk.book()).unwrap();
    reader.lock().unwrap();
    assert_eq!(desk.past().entries, [order(1)]);
    let kept = desk.keep();
    assert_eq!(kept.health(), None);
    kept.record(order(2));
    kept.stop();
    assert_eq!(desk.lines().len(), 2);
}
