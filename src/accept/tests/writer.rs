//! The thread that writes for whoever asks.

use super::*;

#[test]
fn the_writer_notes_and_then_says_how_it_went() {
    let place = Place::new();
    let (sender, outcomes) = channel();
    let writer = Writer::spawn(place.open(), move |outcome| drop(sender.send(outcome))).unwrap();
    let next = || outcomes.recv_timeout(PATIENCE).unwrap();
    assert_eq!(next(), Outcome::Able(Ok(())));
    writer.submit(Store { ticket: 1, text: "7".to_owned() }).unwrap();
    assert!(matches!(next(), Outcome::Noted { ticket: 1, .. }));
    assert_eq!(next(), Outcome::Stored { ticket: 1, result: Ok(()) });
    assert_eq!(place.text(), "7\n");
    fs::remove_file(&place.path).unwrap();
    fs::create_dir(&place.path).unwrap();
    writer.submit(Store { ticket: 2, text: "8".to_owned() }).unwrap();
    let result = Err("accept.eot cannot be written: is a directory".to_owned());
    assert_eq!(next(), Outcome::Stored { ticket: 2, result: result.clone() });
    assert_eq!(next(), Outcome::Able(result));
    // It is tried until it can be done again.
    fs::remove_dir(&place.path).unwrap();
    assert_eq!(next(), Outcome::Able(Ok(())));
    assert_eq!(place.names(), ["accept.eot.lock"]);
}

#[test]
fn a_writer_that_could_not_write_says_so_before_anybody_asks() {
    let place = Place::new();
    fs::create_dir(&place.path).unwrap();
    let (sender, outcomes) = channel();
    let writer = Writer::spawn(place.open(), move |outcome| drop(sender.send(outcome))).unwrap();
    let why = "accept.eot cannot be written: is a directory".to_owned();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Outcome::Able(Err(why)));
    writer.stop();
}

#[test]
fn a_writer_that_is_busy_refuses_at_once_and_one_that_stops_finishes_first() {
    let place = Place::new();
    let (sender, outcomes) = channel();
    let (go, wait) = channel::<()>();
    let writer = Writer::spawn(place.open(), move |outcome| {
        if matches!(outcome, Outcome::Noted { ticket: 1, .. }) {
            drop(sender.send(outcome));
            let _ = wait.recv();
        } else {
            drop(sender.send(outcome));
        }
    })
    .unwrap();
    let submit = |ticket: u64| writer.submit(Store { ticket, text: ticket.to_string() });
    submit(1).unwrap();
    assert_eq!(outcomes.recv_timeout(PATIENCE).unwrap(), Outcome::Able(Ok(())));
    outcomes.recv_timeout(PATIENCE).unwrap();
    submit(2).unwrap();
    assert_eq!(submit(3), Err(Busy::Full));
    drop(go);
    writer.stop();
    assert_eq!(place.text(), "2\n");
    let results = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Stored { .. }));
    assert_eq!(results.count(), 2);
}

#[test]
fn a_writer_whose_thread_has_panicked_takes_no_more() {
    let place = Place::new();
    let (sender, outcomes) = channel::<()>();
    let writer = Writer::spawn(place.open(), move |_| {
        let _sender = &sender;
        panic!("made up");
    })
    .unwrap();
    let store = || writer.submit(Store { ticket: 1, text: "7".to_owned() });
    outcomes.recv_timeout(PATIENCE).unwrap_err();
    while store() != Err(Busy::Ended) {
        std::thread::yield_now();
    }
    assert_eq!(place.names(), ["accept.eot.lock"]);
}
