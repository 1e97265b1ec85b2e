//! The way into the hub.

use super::engine::tests::{Outside, facts};
use super::*;

#[test]
fn what_the_writer_of_a_file_says_keeps_its_order_with_what_is_read_of_it() {
    let poll = mio::Poll::new().unwrap();
    let (inputs, mut rooms) = mpsc::channel(QUEUE);
    let (reports, mut said) = mpsc::channel(1);
    let clock = Clock::start();
    let handle = Handle {
        telegraph: crate::telegraph::THE_TELEGRAPH,
        inputs,
        reports,
        waker: Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).unwrap()),
        alive_at: Arc::default(),
        clock,
    };
    let stamp = Stamp { mtime: (0, 0), size: 2 };
    let writer = std::thread::spawn(move || {
        let file = File::Accept;
        handle.send_from_writer(Event::Prepared { file, ticket: 1, stamp }).unwrap();
        handle.send_from_writer(Event::Stored { file, ticket: 1, result: Ok(()) }).unwrap();
        handle.report(file, Report::Health(Health::UNSETTLED), Instant::now()).unwrap();
        handle.send_from_writer(Event::Prepared { file, ticket: 2, stamp }).unwrap();
    });
    let mut order = Vec::new();
    while let Some(FileEvent { event, .. }) = said.blocking_recv() {
        order.push(match event {
            Event::Prepared { ticket, .. } => format!("prepared {ticket}"),
            Event::Stored { ticket, .. } => format!("stored {ticket}"),
            Event::Source { .. } => "read".to_owned(),
            other => panic!("{other:?}"),
        });
    }
    writer.join().unwrap();
    assert_eq!(order, ["prepared 1", "stored 1", "read", "prepared 2"]);
    assert!(rooms.try_recv().is_err(), "nothing of a file goes another way");
}

#[tokio::test]
async fn a_writer_that_has_something_to_say_does_not_hold_up_the_end() {
    let clock = Clock::start();
    let running = driver::start(clock, Hub::new(clock.now(), facts()), |handle| {
        let handle = handle.clone();
        let writer = std::thread::spawn(move || {
            let writable = || Event::Writable { file: File::Accept, result: Ok(()) };
            while handle.send_from_writer(writable()).is_ok() {}
        });
        let mut ports = Outside::default();
        ports.writer = Some(writer);
        Ok(ports)
    });
    let driver::Running { handle, ended } = running.unwrap();
    handle.send(Input::Event(Event::Shutdown)).await.unwrap();
    let ended = tokio::time::timeout(std::time::Duration::from_secs(30), ended).await;
    assert!(matches!(ended, Ok(Ok(driver::Ended::Well))), "{ended:?}");
}
