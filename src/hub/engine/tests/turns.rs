//! Stations that say more than the others: everybody has turns, and nobody more than a budget.

use super::*;
use crate::hub::engine::budget::{A_SECOND, A_TURN, BURST};
use crate::telegraph::THE_TELEGRAPH;

/// A message in a frame whose mask changes nothing.
fn masked(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    [&[0x80 | opcode::TEXT, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

fn much(text: &str, times: usize) -> Vec<u8> {
    masked(text).repeat(times)
}

impl Office {
    /// Puts these bytes into a station's socket; nobody has a turn yet.
    fn brings(&mut self, station: &Station, bytes: &[u8]) {
        station.cable.0.borrow_mut().sent.extend(bytes);
        self.engine.ready(station.key);
    }

    /// A second passes, in which everybody has turns.
    fn second(&mut self) {
        self.now.since_start += Duration::from_secs(1);
        for _ in 0..PARTS {
            self.engine.tick(self.now);
            while self.engine.serve_all(self.now) {}
        }
    }
}

#[test]
fn one_who_says_much_has_its_turns_like_everybody() {
    let mut office = Office::new();
    let (loud, quiet) = (office.text_station(), office.text_station());
    office.brings(&loud, &much("status", 1_000));
    office.brings(&quiet, &masked("status"));
    office.brings(&loud, &[]);
    assert!(office.engine.serve(office.now));
    let answers = loud.texts().len();
    assert!((1..=A_TURN as usize).contains(&answers), "{answers} answers in one turn");
    assert!(quiet.texts().is_empty());
    assert!(office.engine.serve(office.now));
    assert_eq!(quiet.texts(), ["Current Status: 6"], "the second turn is the other's");
    while office.engine.serve_all(office.now) {}
    assert_eq!(answers + loud.texts().len(), 1_000, "a thousand at once are nothing to wait for");
}

#[test]
fn a_budget_holds_a_station_back_and_loses_nothing() {
    let mut office = Office::new();
    let loud = office.text_station();
    let lines: Vec<_> = (0..6_000).map(|number| format!("hello {number}")).collect();
    let sent: Vec<_> = lines.iter().flat_map(|line| masked(line)).collect();
    office.brings(&loud, &sent);
    while office.engine.serve_all(office.now) {}
    let mut heard = loud.texts();
    assert!(heard.len() > BURST as usize / 2 && heard.len() <= BURST as usize, "{}", heard.len());
    assert!(!loud.cable.0.borrow().sent.is_empty(), "the rest stays in the socket");
    let (_, kept) = office.engine.owed_and_kept(loud.key).unwrap();
    assert!(kept <= 8 * 1024 + 16, "{kept} bytes are kept");
    office.brings(&loud, &[]);
    assert!(!office.engine.serve_all(office.now), "it does not help to have more");
    assert!(loud.texts().is_empty());
    office.second();
    let more = loud.texts();
    assert!((1..=A_SECOND as usize).contains(&more.len()), "{} in a second", more.len());
    heard.extend(more);
    for _ in 0..6_000 / A_SECOND {
        office.second();
        heard.extend(loud.texts());
    }
    let expected: Vec<_> = lines.iter().map(|line| format!("Server echoed: {line}")).collect();
    assert!(heard == expected, "all of it is heard, in its order");
    assert_eq!(office.engine.sockets(), 1);
}

#[test]
fn whatever_comes_is_paid_for() {
    let fragments = [&[0x01, 0x80, 0, 0, 0, 0][..], &[0, 0x81, 0, 0, 0, 0, b'x'].repeat(20_000)];
    for (what, bytes) in [
        ("pings", [0x89, 0x80, 0, 0, 0, 0].repeat(20_000)),
        ("empty messages", much("", 20_000)),
        ("what is not answered", much("&", 20_000)),
        ("fragments", fragments.concat()),
    ] {
        let mut office = Office::new();
        let station = office.text_station();
        office.brings(&station, &bytes);
        let mut turns = 0;
        while office.engine.serve(office.now) {
            turns += 1;
        }
        let read = bytes.len() - station.cable.0.borrow().sent.len();
        // By messages where there are any, else by bytes.
        assert!(turns * 64 * 1024 >= read && turns > 1, "{what}: {read} bytes in {turns} turns");
    }
}

#[test]
fn a_message_that_comes_byte_by_byte_is_held_back_and_heard() {
    let mut office = Office::new();
    let station = office.text_station();
    let text = "x".repeat(8_000);
    let mut frame = frame::encode(opcode::TEXT, text.as_bytes());
    frame[1] |= 0x80;
    frame.splice(4..4, [0; 4]);
    for byte in &frame {
        office.sends_raw(&station, &[*byte]);
    }
    assert!(station.texts().is_empty(), "reading costs something too");
    office.second();
    assert_eq!(station.texts(), [format!("Server echoed: {text}")]);
}

#[test]
fn a_stream_of_events_may_send_what_it_likes_as_long_as_it_is_not_much() {
    let mut office = Office::new();
    let station = office.joins(Wire::Sse);
    office.brings(&station, &vec![0; 64 << 20]);
    while office.engine.serve_all(office.now) {}
    let left = station.cable.0.borrow().sent.len();
    assert!(left > 32 << 20, "{left} bytes are left");
    office.order("8");
    let received = String::from_utf8(station.cable.0.borrow().received.clone()).unwrap();
    assert!(received.contains(r#""status":"8""#), "and hears what there is");
}

#[test]
fn what_is_told_to_everybody_costs_more_the_more_there_are() {
    let used = |others: usize| {
        let mut office = Office::new();
        let _others: Vec<_> = (0..others).map(|_| office.joins(Wire::Text)).collect();
        let station = office.text_station();
        let mut accepted = 0;
        while accepted < 100 {
            office.says(&station, &format!("Accept&{accepted}"));
            let Some((ticket, _)) = office.engine.ports().stores.pop() else { break };
            office.happens(Event::Stored { file: File::Accept, ticket, result: Ok(()) });
            accepted += 1;
        }
        accepted
    };
    assert_eq!(used(0), 100);
    assert!(used(1_000) < 20, "a thousand others hear of each");
}

#[test]
fn one_who_slept_is_told_in_turns() {
    let mut office = Office::new();
    let first = office.engine.hub(THE_TELEGRAPH).telegraph().seq();
    for number in 0..500 {
        office.order(&number.to_string());
    }
    let quiet = office.text_station();
    let sleeper = office.is_at_the_door(Wire::Json, Some(first));
    office.brings(&quiet, &masked("status"));
    assert!(office.engine.serve(office.now));
    assert!(sleeper.texts().len() <= 1 + A_TURN as usize);
    office.engine.serve(office.now);
    assert_eq!(quiet.texts(), ["Current Status: 499"]);
    while office.engine.serve_all(office.now) {}
    let states = sleeper.texts().iter().filter(|text| text.contains(r#"\"state\""#)).count();
    assert!(states >= 500 - A_TURN as usize, "{states}");
}
