//! What a station that slept has missed, and how it is told.

use super::*;
use crate::telegraph::THE_TELEGRAPH;

#[test]
fn one_that_slept_is_brought_up_to_date_before_it_hears_pushes() {
    let mut office = Office::new();
    let since = office.engine.hub(THE_TELEGRAPH).telegraph().seq();
    for order in 1..=100 {
        office.order(&format!("order {order}"));
    }
    let station = office.comes_back(Wire::Json, Some(since));
    let texts = station.texts();
    assert_eq!(texts.len(), 1 + 100 + 1, "welcome, what it missed, roll");
    for (text, order) in texts[1..].iter().zip(1..=100) {
        assert!(text.contains(&format!(r#"\"status\":\"order {order}\""#)));
    }
    office.order("7");
    assert_eq!(station.texts().len(), 1);
}

#[test]
fn what_it_missed_is_fed_as_its_socket_drains_and_nothing_is_owed_ahead() {
    let mut office = Office::new();
    let since = office.engine.hub(THE_TELEGRAPH).telegraph().seq();
    for _ in 0..300 {
        office.order(&"x".repeat(1000));
    }
    let station = office.joins(Wire::Text);
    drop(station);
    office.secrets += 1;
    let cable = Cable::default();
    cable.0.borrow_mut().room = Some(5_000);
    let peer = Peer::at(Ipv4Addr::new(192, 0, 2, 1).into());
    let (secret, since, wire) = ("slow".to_owned(), Some(since), Wire::Json);
    let arrival = Arrival {
        telegraph: THE_TELEGRAPH,
        unread: Vec::new(),
        wire,
        peer,
        secret,
        known_seq: since,
    };
    let key = office.engine.admit(office.now, cable.clone(), arrival);
    let station = Station { key, cable };
    let mut states = 0;
    for _ in 0..1_000 {
        while office.engine.serve_all(office.now) {}
        let slot = office.engine.slot(key).unwrap();
        assert!(slot.outbox.as_ref().is_none_or(|outbox| outbox.owed() < 3_000));
        states += station.texts().iter().filter(|it| it.contains(r#"\"state\""#)).count();
        office.order("while it is being told");
        office.takes(&station, 2_000);
    }
    assert!(states > 300, "{states}");
    office.takes(&station, 10_000_000);
    office.order("the last");
    assert!(station.texts().pop().is_some_and(|last| last.contains("the last")));
}

#[test]
fn one_who_is_replaced_in_the_midst_of_a_message_is_heard_until_the_close_is_answered() {
    let mut office = Office::new();
    let older = office.joins(Wire::Json);
    let mut message = frame::encode(opcode::TEXT, b"eeeeeeeeeeee");
    message[1] |= 0x80;
    message.splice(2..2, [0; 4]);
    let (half, rest) = message.split_at(9);
    office.sends_raw(&older, half);
    office.secrets -= 1;
    office.joins(Wire::Json);
    assert_eq!(older.frames().last().unwrap().0, opcode::CLOSE);
    office.sends_raw(&older, rest);
    assert_eq!(office.engine.sockets(), 2, "the rest of the message makes sense");
    office.sends(&older, opcode::CLOSE, &4_001_u16.to_be_bytes());
    assert_eq!(office.engine.sockets(), 1);
}
