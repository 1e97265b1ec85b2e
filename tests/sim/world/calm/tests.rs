//! The same stretch of calm, lived in full and passed a second at a time: the same is told, at the
//! same time.

use std::collections::BTreeMap;

use chadburn::file::File;
use chadburn::hub::Wire;
use live_file::source::look::Kind;

use super::World;
use crate::book::{Book, MS, SECOND};
use crate::client::{Client, Temper};
use crate::kernel::Raw;
use crate::server::Server;
use crate::weather::{Watching, Weather};

/// How long the stretch is, in seconds: long enough for sixty pings and two hundred beats.
const STRETCH: u64 = 15 * 60;

/// By how much the moments may differ at which the same is told: a part of a second by the tick, a
/// second by its patience, and some for a station's own pace.
const APART: u64 = 2_100 * MS;

/// An office of this seed, at the end of a storm, and who is there.
fn office(seed: u64, watching: Watching, full: bool) -> World {
    let book = Book::new(true);
    let mut world = World::new(seed, &book);
    (world.full, world.steady) = (full, true);
    (world.ground.peace, world.fate) = (true, u64::MAX);
    let weather = Weather { watching, crashes: 0, ..world.ground.weather.clone() };
    world.ground.turns(weather);
    world.begin();
    world.go_on(3 * SECOND);
    for wire in [Wire::Text, Wire::Json, Wire::Sse, Wire::Json, Wire::Text, Wire::Json] {
        world.let_in(wire, Temper::Good);
        world.go_on(700 * MS);
    }
    world.breeze();
    world.go_on(5 * SECOND);
    world.clients.retain(|client| !client.gone);
    for client in &mut world.clients {
        client.diary = Some(Vec::new());
    }
    world
}

/// The stretch: a station falls silent in it, and one leaves; then somebody gives an order.
fn stretch(world: &mut World) -> u64 {
    let begin = world.book.now();
    world.rest(begin + STRETCH * SECOND / 4);
    let still = |client: &&mut Client| client.wire != Wire::Sse && !client.closing;
    if let Some(client) = world.clients.iter_mut().find(still) {
        client.falls_silent();
    }
    world.rest(begin + STRETCH * SECOND / 2);
    if let Some(client) = world.clients.iter_mut().rfind(still) {
        client.leave();
    }
    world.rest(begin + STRETCH * SECOND);
    let end = world.book.now();
    let disk = &mut world.ground.disk;
    let order = disk.make(Kind::Regular, b"after the calm\n".to_vec(), &[]);
    disk.put(File::Status, order, Raw::MovedTo);
    disk.release(order);
    world.go_on(world.ground.weather.patience() + SECOND);
    world.judge_calm();
    end
}

/// What a station was told until then, and when.
fn told(client: &Client, end: u64) -> BTreeMap<&str, Vec<u64>> {
    let mut told: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (at, what) in client.diary.iter().flatten().filter(|(at, _)| *at < end) {
        told.entry(what).or_default().push(*at);
    }
    told
}

#[test]
fn calm_passed_in_seconds_tells_what_calm_lived_in_full_tells() {
    let mut beats = 0;
    for seed in 0..9 {
        let watching =
            [Watching::Kernel, Watching::Deaf, Watching::Poll][usize::try_from(seed % 3).unwrap()];
        let (mut whole, mut passed) = (office(seed, watching, true), office(seed, watching, false));
        let end = stretch(&mut whole).min(stretch(&mut passed));
        for world in [&whole, &passed] {
            assert!(!world.book.has_failed(), "{}", world.book.verdict(seed).unwrap());
        }
        assert!(passed.stats.calm >= (STRETCH - 60) * SECOND, "{:?}", passed.stats);
        assert!(whole.stats.steps > 4 * passed.stats.steps, "nothing was passed");
        let ((ticks, looks), (other_ticks, other_looks)) =
            (whole.book.routine(), passed.book.routine());
        assert!(ticks.abs_diff(other_ticks) <= 40, "{ticks} and {other_ticks} ticks");
        assert!(looks.abs_diff(other_looks) <= 40, "{looks} and {other_looks} looks");
        let accounts = [&whole, &passed].map(|it| it.server.as_ref().map(Server::account));
        assert_eq!(accounts[0], accounts[1]);
        assert_eq!(whole.clients.len(), passed.clients.len());
        for (client, other) in whole.clients.iter().zip(&passed.clients) {
            assert_eq!(client.heard().status, other.heard().status);
            let (told, other_told) = (told(client, end), told(other, end));
            assert!(told.keys().eq(other_told.keys()), "{told:?}\n{other_told:?}");
            for (what, times) in told {
                let others = &other_told[what];
                beats += if what == "1 beat" { times.len() } else { 0 };
                let near = |(at, other): (&u64, &u64)| at.abs_diff(*other) <= APART;
                assert!(times.iter().zip(others).all(near), "{what}: {times:?}\n{others:?}");
                // The last of them may have come at the very end in the one only.
                let common = times.len().min(others.len());
                let rest = times[common..].iter().chain(&others[common..]);
                assert!(rest.clone().count() <= 1, "{what}: {times:?}\n{others:?}");
                assert!(
                    rest.clone().all(|at| at + 2 * APART > end),
                    "{what}: {times:?} {others:?}"
                );
            }
        }
    }
    assert!(beats > 1_000, "only {beats} beats were compared");
}
