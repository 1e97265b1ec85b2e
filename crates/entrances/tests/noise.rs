//! Seeded noise through every entrance: the seeds of `fuzz/`, and thousands of their descendants.
//!
//! A failure prints the bytes; `CHADBURN_NOISE=n` sends so many descendants through each.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its seeds has failed")]

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use entrances::{ALL, Entrance};

/// How many descendants go through each entrance, if nobody says otherwise.
const NOISE: u32 = 3_000;

/// The longest descendant, in bytes.
const LONGEST: usize = 2_048;

/// xorshift64*, enough to shake a parser with.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let rolled = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(rolled).unwrap() % sides.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.roll(256).to_le_bytes()[0]
    }

    /// Bytes like these, or their elder's.
    fn descendant(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.roll(seeds.len())].clone();
        for _ in 0..=self.roll(4) {
            let at = self.roll(bytes.len() + 1);
            match self.roll(7) {
                0 => bytes.insert(at, self.byte()),
                1 if at < bytes.len() => bytes[at] ^= 1 << self.roll(8),
                2 if at < bytes.len() => bytes[at] = self.byte(),
                3 => bytes.truncate(at),
                4 => drop(bytes.drain(at..(at + self.roll(8)).min(bytes.len()))),
                5 => {
                    let again = bytes[at..].to_vec();
                    bytes.extend(again);
                }
                _ => {
                    let other = &seeds[self.roll(seeds.len())];
                    let from = self.roll(other.len() + 1);
                    bytes.splice(at..at, other[from..].iter().copied());
                }
            }
            bytes.truncate(LONGEST);
        }
        bytes
    }
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
    let mut dice = Dice(0x1873);
    for _ in 0..noise {
        send(name, entrance, &dice.descendant(&seeds));
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
