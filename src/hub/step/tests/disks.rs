//! Disks that do not answer.

use super::*;

const WHY: &str = "accept.eot: no answer for 5 s";

fn unanswered(file: File, why: Option<&str>) -> Event<'static> {
    Event::Unanswered { file, why: why.map(str::to_owned) }
}

fn told(effects: &[Effect]) -> Vec<Value> {
    let told = effects.iter().filter_map(|effect| match effect {
        Effect::TellHealth(message) => Some(serde_json::from_str(message).unwrap()),
        _ => None,
    });
    told.collect()
}

#[test]
fn who_waits_for_a_write_that_hangs_is_told_so_and_later_ones_at_once() {
    let mut office = Office::with_order("7");
    for slot in 1..=3 {
        office.joins(slot, Wire::Text, HERE);
    }
    let (ticket, _) = stored(&office.hears(1, "Accept&7")).unwrap();
    office.hears(2, "Accept&8");
    let effects = office.happens(unanswered(File::Accept, Some(WHY)));
    let no = [format!("Accept failed: {WHY}")];
    for slot in [1, 2] {
        assert_eq!(said(&effects, slot), no);
        assert!(effects.contains(&Effect::Resume(key(slot))));
    }
    assert!(effects.contains(&Effect::Abandon { file: File::Accept, ticket }));
    assert_eq!(office.hub.pending_writes(), 0, "nothing keeps the server from its end");
    let effects = office.hears(3, "Accept&9");
    assert_eq!((said(&effects, 3), stored(&effects)), (no.to_vec(), None));
    let effects = office.happens(unanswered(File::Accept, Some("accept.eot: no answer for 6 s")));
    let again = effects.iter().any(|effect| matches!(effect, Effect::Abandon { .. }));
    assert!(!again && said(&effects, 1).is_empty(), "it is said once");
}

#[test]
fn a_write_that_hung_is_waited_for_before_the_next_and_credited_if_it_was_carried_out() {
    for well in [true, false] {
        let mut office = Office::with_order("7");
        office.joins(1, Wire::Text, HERE);
        let (ticket, _) = stored(&office.hears(1, "Accept&7")).unwrap();
        office.happens(unanswered(File::Accept, Some(WHY)));
        // It wakes, and is noted late.
        office.happens(Event::Prepared { file: File::Accept, ticket, stamp: stamp(77) });
        office.happens(unanswered(File::Accept, None));
        assert_eq!(stored(&office.hears(1, "Accept&8")), None, "one write at a time");
        let result = if well { Ok(()) } else { Err("timed out".into()) };
        let effects = office.happens(Event::Stored { file: File::Accept, ticket, result });
        assert!(said(&effects, 1).is_empty(), "it has had its answer");
        let (next, text) = stored(&effects).unwrap();
        assert_eq!((next, text), (ticket + 1, "8"));
        let report = Report::Written(Writing { stamp: stamp(77), text: "7".into() });
        office.happens(Event::Source { file: File::Accept, report });
        let by = if well { By::Station(id(1)) } else { By::File };
        assert_eq!(office.hub.telegraph().reply().unwrap().by, by);
        assert_eq!(said(&office.is_stored(File::Accept, next), 1), ["Accepted state: 8"]);
    }
}

#[test]
fn a_disk_that_does_not_answer_is_health_whatever_the_source_says_and_heals() {
    for (file, state) in
        [(File::Status, "unreadable"), (File::Accept, "unreadable"), (File::Book, "unwritable")]
    {
        let mut office = Office::new();
        office.joins(1, Wire::Json, ELSEWHERE);
        let why = Some("it: no answer for 5 s");
        let first = told(&office.happens(unanswered(file, why)));
        assert_eq!((&first[0]["health"], &first[0]["detail"]), (&state.into(), &why.into()));
        let health = Health { state: Condition::Ok, detail: String::new(), watch: Watch::Inotify };
        let report = Report::Health(health);
        let effects = office.happens(Event::Source { file, report });
        let still = told(&effects);
        assert!(still.iter().all(|it| it["health"] == state), "{still:?}");
        let grown = told(&office.happens(unanswered(file, Some("it: no answer for 6 s"))));
        assert_eq!(grown[0]["detail"], "it: no answer for 6 s");
        let healed = told(&office.happens(unanswered(file, None)));
        assert_eq!((&healed[0]["health"], &healed[0]["detail"]), (&"ok".into(), &"".into()));
        assert_eq!(healed[0]["watch"], "inotify");
    }
}

#[test]
fn another_files_disk_holds_up_no_answer() {
    for in_progress in [false, true] {
        let mut office = Office::with_order("7");
        office.joins(1, Wire::Text, HERE);
        let asked = in_progress.then(|| office.hears(1, "Accept&7"));
        for file in [File::Status, File::Book] {
            let effects = office.happens(unanswered(file, Some("it: no answer for 5 s")));
            assert_eq!(said(&effects, 1), <[&str; 0]>::default(), "{file}");
        }
        let asked = asked.unwrap_or_else(|| office.hears(1, "Accept&7"));
        let (ticket, _) = stored(&asked).unwrap();
        assert_eq!(said(&office.is_stored(File::Accept, ticket), 1), ["Accepted state: 7"]);
    }
}
