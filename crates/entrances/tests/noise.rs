//! Seeded noise through every entrance: the seeds of `fuzz/`, and thousands of their descendants.
//!
//! A failure prints the bytes; `CHADBURN_NOISE=n` sends so many descendants through each.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its seeds has failed")]

use fastrand::Rng;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use entrances::{ALL, Entrance};

/// How many descendants go through each entrance, if nobody says otherwise.
const NOISE: u32 = 3_000;

/// The longest descendant, in bytes.
const LONGEST: usize = 2_048;

/// Bytes like these, or their elder's.
fn descendant(dice: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[dice.usize(..seeds.len())].clone();
    for _ in 0..=dice.usize(..4) {
        let at = dice.usize(..=bytes.len());
        match dice.usize(..7) {
            0 => bytes.insert(at, dice.u8(..)),
            1 if at < bytes.len() => bytes[at] ^= 1 << dice.u8(..8),
            2 if at < bytes.len() => bytes[at] = dice.u8(..),
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..(at + dice.usize(..8)).min(bytes.len()))),
            5 => {
                let again = bytes[at..].to_vec();
                bytes.extend(again);
            }
            _ => {
                let other = &seeds[dice.usize(..seeds.len())];
                let from = dice.usize(..=other.len());
                bytes.splice(at..at, other[from..].iter().copied());
            }
        }
        bytes.truncate(LONGEST);
    }
    bytes
}

fn seeds_of(name: &str) -> Vec<Vec<u8>> {
    let folder = seeds().join(name);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(seeds.len() >= 3, "{name} has seeds");
    assert!(seeds.iter().all(|seed| seed.len() <= LONGEST), "the seeds of {name} are small");
    seeds
}

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds")
}

fn send(name: &str, entrance: Entrance, bytes: &[u8]) {
    let entered = catch_unwind(|| entrance(bytes));
    assert!(entered.is_ok(), "{name} does not stand {:?}", bytes.escape_ascii().to_string());
}

fn send_noise(name: &str) {
    let (name, entrance) = *ALL.iter().find(|(other, _)| *other == name).unwrap();
    let noise = std::env::var("CHADBURN_NOISE").map_or(NOISE, |noise| noise.parse().unwrap());
    let seeds = seeds_of(name);
    for seed in &seeds {
        send(name, entrance, seed);
    }
    let mut dice = Rng::with_seed(0x1873);
    for _ in 0..noise {
        send(name, entrance, &descendant(&mut dice, &seeds));
    }
}

#[test]
fn frames_stand_any_bytes() {
    send_noise("frames");
}

#[test]
fn text_commands_stand_any_bytes() {
    send_noise("text_command");
}

#[test]
fn json_messages_stand_any_bytes() {
    send_noise("json_message");
}

#[test]
fn status_files_stand_any_bytes() {
    send_noise("status_bytes");
}

#[test]
fn origin_and_host_stand_any_bytes() {
    send_noise("origin_and_host");
}

#[test]
fn accept_texts_stand_any_bytes() {
    send_noise("accept_text");
}

#[test]
fn serial_lines_stand_any_bytes() {
    send_noise("serial_line");
}

#[test]
fn dial_files_stand_any_bytes() {
    send_noise("dial_file");
}

#[test]
fn command_lines_stand_any_bytes() {
    send_noise("command_line");
}

#[test]
fn messages_of_eyes_stand_any_bytes() {
    send_noise("eye_message");
}

#[test]
fn relays_stand_any_lines() {
    send_noise("relay_lines");
}

#[test]
fn streams_of_cameras_stand_any_bytes() {
    send_noise("camera_stream");
}

#[test]
fn pictures_stand_any_bytes() {
    send_noise("picture");
}

#[test]
fn addresses_of_cameras_stand_any_bytes() {
    send_noise("camera_address");
}

#[test]
fn every_entrance_is_fuzzed_and_every_folder_of_seeds_is_an_entrances() {
    let names: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
    let mut folders: Vec<_> = fs::read_dir(seeds()).unwrap().map(|it| it.unwrap()).collect();
    folders.sort_by_key(fs::DirEntry::file_name);
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(folders.iter().map(fs::DirEntry::file_name).collect::<Vec<_>>(), sorted);
    let manifest = fs::read_to_string(seeds().join("../Cargo.toml")).unwrap();
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name} is fuzzed");
    }
}
