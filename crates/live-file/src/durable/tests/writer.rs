//! The thread that writes for whoever asks.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender};

use super::*;

/// What the job with this ticket writes.
fn line(ticket: u64) -> Vec<u8> {
    format!("{ticket}\n").into_bytes()
}

fn spawn(file: DurableFile, on: impl FnMut(Outcome) + Send + 'static) -> Writer {
    Writer::spawn(|| Ok(file), &Calls::default(), on).unwrap()
}

#[test]
fn the_writer_notes_and_then_says_how_it_went() {
    let place = Scratch::new();
    let (sender, outcomes) = channel();
    let writer = spawn(place.open(), move |outcome| drop(sender.send(outcome)));
    let next = || outcomes.recv_timeout(PATIENCE).unwrap();
    assert_eq!(next(), Outcome::Writable(Ok(())));
    writer.submit(WriteJob { ticket: 1, contents: b"7\n".to_vec() }).unwrap();
    assert!(matches!(next(), Outcome::Prepared { ticket: 1, .. }));
    assert_eq!(next(), Outcome::Finished { ticket: 1, result: Ok(()) });
    assert_eq!(place.text(), "7\n");
    fs::remove_file(&place.path).unwrap();
    fs::create_dir(&place.path).unwrap();
    writer.submit(WriteJob { ticket: 2, contents: b"8\n".to_vec() }).unwrap();
    let result = Err("accept.eot cannot be written: is a directory".to_owned());
    assert_eq!(next(), Outcome::Finished { ticket: 2, result: result.clone() });
    assert_eq!(next(), Outcome::Writable(result));
    // It is tried until it can be done again.
    fs::remove_dir(&place.path).unwrap();
    assert_eq!(next(), Outcome::Writable(Ok(())));
    assert_eq!(place.names(), ["accept.eot.lock"]);
}

#[test]
fn a_writer_that_could_not_write_says_so_before_anybody_asks() {
    let place = Scratch::new();
    fs::create_dir(&place.path).unwrap();
    let (sender, outcomes) = channel();
    let writer = spawn(place.open(), move |outcome| drop(sender.send(outcome)));
    let why = "accept.eot cannot be written: is a directory".to_owned();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Outcome::Writable(Err(why)));
    writer.stop();
}

#[test]
fn a_writer_that_is_busy_refuses_at_once_and_one_that_stops_finishes_first() {
    let place = Scratch::new();
    let (sender, outcomes) = channel();
    let (go, wait) = channel::<()>();
    let writer = spawn(place.open(), move |outcome| {
        if matches!(outcome, Outcome::Prepared { ticket: 1, .. }) {
            drop(sender.send(outcome));
            let _ = wait.recv();
        } else {
            drop(sender.send(outcome));
        }
    });
    let submit = |ticket: u64| writer.submit(WriteJob { ticket, contents: line(ticket) });
    submit(1).unwrap();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Outcome::Writable(Ok(())));
    outcomes.recv_timeout(PATIENCE).unwrap();
    submit(2).unwrap();
    assert_eq!(submit(3), Err(SubmitError::Full));
    drop(go);
    writer.stop();
    assert_eq!(place.text(), "2\n");
    let results = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Finished { .. }));
    assert_eq!(results.count(), 2);
}

#[test]
fn a_writer_whose_thread_has_panicked_takes_no_more() {
    let place = Scratch::new();
    let (sender, outcomes) = channel::<()>();
    let writer = spawn(place.open(), move |_| {
        let _sender = &sender;
        panic!("made up");
    });
    let job = || writer.submit(WriteJob { ticket: 1, contents: b"7\n".to_vec() });
    outcomes.recv_timeout(PATIENCE).unwrap_err();
    while job() != Err(SubmitError::Ended) {
        std::thread::yield_now();
    }
    assert_eq!(place.names(), ["accept.eot.lock"]);
}

/// A file whose disk hangs at this step until told to go on, and by whom it is said that it does.
fn hangs_at(place: &Scratch, step: WriteStep) -> (DurableFile, Receiver<()>, Sender<()>) {
    let ((tell, begun), (go, wait)) = (channel(), channel::<()>());
    let (wait, armed) = (Mutex::new(wait), AtomicBool::new(true));
    let mut file = place.open();
    // The rehearsal comes first, and has the same steps.
    let rehearsed = AtomicBool::new(false);
    file.fail_point = FailPoint(Box::new(move |now| {
        let job = rehearsed.load(Ordering::Relaxed);
        rehearsed.fetch_or(now == WriteStep::Rename, Ordering::Relaxed);
        if job && now == step && armed.swap(false, Ordering::Relaxed) {
            tell.send(()).unwrap();
            let _ = wait.lock().unwrap().recv();
        }
        Ok(())
    }));
    (file, begun, go)
}

#[test]
fn a_write_that_nobody_waits_for_any_more_is_dropped_before_it_is_seen() {
    for step in STEPS {
        let place = Scratch::new();
        let (file, begun, go) = hangs_at(&place, step);
        let (sender, outcomes) = channel();
        let writer = spawn(file, move |outcome| drop(sender.send(outcome)));
        let submit = |ticket: u64| writer.submit(WriteJob { ticket, contents: line(ticket) });
        submit(1).unwrap();
        begun.recv_timeout(PATIENCE).unwrap();
        // One that waits behind it is dropped, too.
        submit(2).unwrap();
        writer.abandon(2);
        drop(go);
        let stored = || loop {
            match outcomes.recv_timeout(PATIENCE).unwrap() {
                Outcome::Finished { ticket, result } => break (ticket, result.is_ok()),
                Outcome::Writable(able) => assert_eq!(able, Ok(()), "the disk has answered"),
                Outcome::Prepared { .. } => {}
            }
        };
        // What is past the last question, or seen already, is carried out.
        let seen = matches!(step, WriteStep::Rename | WriteStep::SyncDirectory);
        assert_eq!((stored(), stored()), ((1, seen), (2, false)), "{step:?}");
        assert_eq!(place.path.exists(), seen, "{step:?}");
        submit(3).unwrap();
        assert_eq!(stored(), (3, true));
        assert_eq!(place.text(), "3\n");
        assert_eq!(place.names(), ["accept.eot", "accept.eot.lock"]);
    }
}

#[test]
fn a_file_that_turns_out_to_be_anothers_is_never_written() {
    let place = Scratch::new();
    let first = place.open();
    let (sender, outcomes) = channel();
    let path = place.path.clone();
    let open = move || DurableFile::open(&path).map_err(|error| error.to_string());
    let on = move |outcome| drop(sender.send(outcome));
    let writer = Writer::spawn(open, &Calls::default(), on).unwrap();
    let why = Err("another process writes accept.eot".to_owned());
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Outcome::Writable(why.clone()));
    writer.submit(WriteJob { ticket: 1, contents: b"7\n".to_vec() }).unwrap();
    let stored = Outcome::Finished { ticket: 1, result: why };
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), stored);
    assert_eq!(place.names(), ["accept.eot.lock"]);
    drop(first);
}
