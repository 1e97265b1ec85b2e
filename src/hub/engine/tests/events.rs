//! Readers of events, who are told everything and say nothing.

use super::*;
use crate::wire::sse::COMMENT;

/// What has come since the last time.
fn stream(station: &Station) -> String {
    let received = std::mem::take(&mut station.cable.0.borrow_mut().received);
    String::from_utf8(received).unwrap()
}

#[test]
fn a_stream_of_events_tells_states_and_farewell_and_hears_nothing() {
    let mut office = Office::new();
    let station = office.joins(Wire::Sse);
    let first = stream(&station);
    assert!(first.starts_with("id: ") && first.ends_with("}\n\n"), "{first}");
    assert!(first.contains(r#"data: {"type":"state""#) && !first.contains("roll"));
    office.sends_raw(&station, b"GET / HTTP/1.1\r\n\r\n");
    office.order("8");
    assert!(stream(&station).contains(r#""status":"8""#));
    office.wait(SILENCE_SECONDS + 10);
    assert!(stream(&station).starts_with(": "), "a comment, and it is not dropped for silence");
    station.cable.0.borrow_mut().room = Some(0);
    for order in ["1", "2", "3"] {
        office.order(order);
    }
    office.takes(&station, 100_000);
    let slow = stream(&station);
    assert!(slow.contains("\n\nevent: gap\ndata: {") && slow.contains(r#""status":"3""#), "{slow}");
    office.happens(Event::Shutdown);
    assert!(stream(&station).starts_with("event: farewell\ndata: "));
    assert_eq!(office.engine.sockets(), 0);
}

#[test]
fn a_reader_who_has_ended_its_side_is_told_on_until_it_is_gone() {
    let mut office = Office::new();
    let [reader, gone] = [office.joins(Wire::Sse), office.joins(Wire::Sse)];
    for station in [&reader, &gone] {
        assert!(stream(station).contains(r#""status":"6""#));
        station.cable.0.borrow_mut().gone = true;
        for _ in 0..3 {
            office.takes(station, 100_000);
        }
        assert_eq!(stream(station), COMMENT, "once, which finds out whether it reads");
    }
    // A machine whose program is gone answers so.
    gone.cable.0.borrow_mut().reset = true;
    office.takes(&gone, 100_000);
    assert!(office.engine.socket(gone.key).is_none());
    office.wait(SILENCE_SECONDS + 10);
    office.order("8");
    let told = stream(&reader);
    assert!(told.starts_with(": ") && told.contains(r#""status":"8""#), "{told}");
    reader.cable.0.borrow_mut().room = Some(0);
    office.order("9");
    office.wait(STUCK_SECONDS);
    assert_eq!(office.engine.sockets(), 0, "it takes nothing");
    assert_eq!(office.engine.tally().stuck, 1);
}
