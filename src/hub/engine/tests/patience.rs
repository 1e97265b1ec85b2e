//! How long a silent, slow or stuck station is waited for.

use super::*;
use crate::telegraph::THE_TELEGRAPH;

#[test]
fn a_station_is_pinged_and_dropped_after_forty_seconds_of_silence() {
    let mut office = Office::new();
    let (silent, good) = (office.text_station(), office.text_station());
    office.wait(PING_SECONDS);
    assert_eq!(silent.frames(), [(opcode::PING, String::new())]);
    for _ in 0..3 {
        office.sends(&good, opcode::PONG, b"");
        office.wait(10);
    }
    assert_eq!(office.engine.sockets(), 1, "the silent one is gone after 45 s, the good one stays");
    assert_eq!(office.engine.hub(THE_TELEGRAPH).stations(), 1);
    assert_eq!((office.engine.tally().silent, office.engine.tally().stuck), (1, 0));
}

#[test]
fn silence_counts_although_there_was_now_and_then_no_room_for_a_push() {
    let mut office = Office::new();
    let silent = office.text_station();
    for round in 0..25 {
        silent.cable.0.borrow_mut().room = Some(2);
        office.order(&format!("order {round}"));
        office.takes(&silent, 100);
        office.wait(2);
    }
    assert_eq!(office.engine.sockets(), 0, "it takes everything, and says nothing for 50 s");
}

#[test]
fn json_stations_hear_a_beat_every_heartbeat() {
    let mut office = Office::new();
    let station = office.joins(Wire::Json);
    station.frames();
    office.wait(HEARTBEAT_SECONDS * 2);
    assert_eq!(station.texts().len(), 2);
    assert!(office.text_station().texts().is_empty());
}

#[test]
fn one_who_takes_nothing_is_gone_after_fifteen_seconds_and_one_who_takes_a_little_stays() {
    let mut office = Office::new();
    let (stuck, slow) = (office.text_station(), office.text_station());
    for station in [&stuck, &slow] {
        station.cable.0.borrow_mut().room = Some(2);
    }
    office.order(&"x".repeat(100));
    for _ in 0..20 {
        office.takes(&slow, 1);
        office.wait(1);
    }
    assert!(office.engine.socket(stuck.key).is_none());
    assert!(office.engine.socket(slow.key).is_some());
    assert_eq!((office.engine.tally().silent, office.engine.tally().stuck), (0, 1));
}

#[test]
fn while_the_loop_stood_still_nobody_was_silent_or_took_nothing() {
    let mut office = Office::new();
    let (silent, stuck) = (office.text_station(), office.text_station());
    stuck.cable.0.borrow_mut().room = Some(2);
    office.order(&"x".repeat(100));
    silent.frames();
    office.stand_still(3_600);
    assert_eq!(office.engine.sockets(), 2);
    assert_eq!(silent.frames(), [(opcode::PING, String::new())]);
    office.wait(STUCK_SECONDS);
    assert!(office.engine.socket(stuck.key).is_none());
    office.wait(SILENCE_SECONDS - STUCK_SECONDS);
    assert_eq!(office.engine.sockets(), 0, "from then on their time runs");
}

#[test]
fn whoever_was_closed_before_the_loop_stood_still_may_still_answer() {
    let mut office = Office::new();
    let station = office.text_station();
    office.sends_raw(&station, &[0x83, 0x80, 0, 0, 0, 0]);
    office.stand_still(60);
    assert_eq!(office.engine.sockets(), 1);
    office.wait(LINGER_SECONDS);
    assert_eq!(office.engine.sockets(), 0);
}
