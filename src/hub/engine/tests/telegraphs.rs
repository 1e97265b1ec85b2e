//! Several telegraphs in one engine: what happens to one is nobody else's.

use super::*;
use crate::telegraph::TelegraphId;

impl Office {
    fn joins_of(&mut self, telegraph: TelegraphId, wire: Wire) -> Station {
        let station = self.is_at_the_door_of(telegraph, wire, None);
        while self.engine.serve_all(self.now) {}
        station
    }
}

#[test]
fn an_order_reaches_the_stations_of_its_telegraph_alone() {
    let mut office = Office::new();
    let other = office.engine.open(Hub::new(office.now, facts()));
    office.order_of(other, "8");
    let (mine, theirs) = (office.joins(Wire::Text), office.joins_of(other, Wire::Text));
    assert!(mine.texts()[1].starts_with("6&"));
    assert!(theirs.texts()[1].starts_with("8&"));
    for (telegraph, text) in [(THE_TELEGRAPH, "7"), (other, "9"), (other, "10")] {
        office.order_of(telegraph, text);
    }
    assert_eq!(mine.texts(), ["7"]);
    assert_eq!(theirs.texts(), ["9", "10"]);
    let stations = |of| office.engine.hub(of).stations();
    assert_eq!((stations(THE_TELEGRAPH), stations(other)), (1, 1));
}

#[test]
fn whoever_speaks_or_leaves_is_known_to_its_own_telegraph() {
    let mut office = Office::new();
    let other = office.engine.open(Hub::new(office.now, facts()));
    office.order_of(other, "8");
    let (mine, theirs) = (office.joins(Wire::Text), office.joins_of(other, Wire::Text));
    office.says(&theirs, "Accept&8");
    assert_eq!(office.engine.ports().stores.len(), 1);
    assert_eq!(office.engine.hub(other).pending_writes(), 1);
    assert_eq!(office.engine.hub(THE_TELEGRAPH).pending_writes(), 0);
    let (ticket, _) = office.engine.ports().stores[0];
    let stored = Event::Stored { file: File::Accept, ticket, result: Ok(()) };
    office.happens_to(other, stored);
    while office.engine.serve_all(office.now) {}
    assert_eq!(theirs.texts().last().unwrap(), "Accepted state: 8");
    theirs.cable.0.borrow_mut().reset = true;
    office.engine.give_up(theirs.key);
    while office.engine.serve_all(office.now) {}
    let stations = |of| office.engine.hub(of).stations();
    assert_eq!((stations(THE_TELEGRAPH), stations(other)), (1, 0));
    office.says(&mine, "hello");
    assert_eq!(mine.texts().last().unwrap(), "Server echoed: hello");
}

#[test]
fn one_telegraph_that_ends_leaves_the_others_in_conversation() {
    let mut office = Office::new();
    let other = office.engine.open(Hub::new(office.now, facts()));
    let (mine, theirs) = (office.joins(Wire::Text), office.joins_of(other, Wire::Text));
    mine.frames();
    theirs.frames();
    office.happens_to(other, Event::Shutdown);
    while office.engine.serve_all(office.now) {}
    assert_eq!(theirs.frames().len(), 2, "a farewell and a close");
    assert!(mine.frames().is_empty());
    assert!(!office.engine.is_over());
    office.order("7");
    assert_eq!(mine.texts(), ["7"]);
}
