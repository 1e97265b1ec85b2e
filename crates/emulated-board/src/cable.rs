//! A cable between a board and its host that is too long, or beside something that hums: bytes are
//! lost, doubled and bent on their way, in either direction.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};

use fastrand::Rng;

use crate::Trouble;
use crate::host::{make_raw, open};
use crate::lines::Closable;
use crate::script::pair;

/// One byte in so many comes to harm. Of the longest lines every third comes to harm then.
const HARM: u64 = 120;

/// After every so many lines comes one that nobody said, and that is too long.
const OVERLONG: usize = 4;

/// A noisy cable. Dropped, it is pulled out at the host's end.
#[derive(Debug)]
pub struct Cable {
    /// Where the host finds the line.
    line: PathBuf,
    /// Whether it is pulled out.
    cut: Arc<AtomicBool>,
    /// Both ways.
    ways: Vec<JoinHandle<()>>,
    /// The host's end is kept open, so that a host may come and go.
    _other: File,
}

impl Cable {
    /// Lays a cable to the board whose line is there. The same seed makes the same noise.
    pub fn noisy(board: &Path, seed: u64) -> Result<Self, Trouble> {
        let board = open(board)?;
        let (end, line, other) = pair().map_err(std::io::Error::from)?;
        make_raw(&other)?;
        let cut = Arc::new(AtomicBool::new(false));
        let mut ways = Vec::new();
        for (seed, from, to) in [(seed, &board, &end), (!seed, &end, &board)] {
            let mut from = Closable::new(from.try_clone()?, Arc::clone(&cut));
            let (mut to, mut noise) = (to.try_clone()?, Noise::new(seed));
            ways.push(spawn(move || {
                let mut bytes = [0; 64];
                while let Ok(count @ 1..) = from.read(&mut bytes) {
                    if to.write_all(&noise.over(&bytes[..count])).is_err() {
                        return;
                    }
                }
            }));
        }
        Ok(Self { line, cut, ways, _other: other })
    }

    /// Where the host finds the line.
    #[must_use]
    pub fn line(&self) -> &Path {
        &self.line
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.cut.store(true, Ordering::Relaxed);
        for way in self.ways.drain(..) {
            // A panic has been told where it happened.
            let _ = way.join();
        }
    }
}

/// What hums beside one of the two ways.
struct Noise {
    /// What harms a line, the same each time.
    dice: Rng,
    /// How many lines have come by.
    lines: usize,
}

impl Noise {
    fn new(seed: u64) -> Self {
        Self { dice: Rng::with_seed(seed), lines: 0 }
    }

    /// What arrives of these bytes.
    fn over(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut arrives = Vec::with_capacity(bytes.len());
        for byte in bytes {
            match self.dice.u64(..3 * HARM) {
                0 => {}
                1 => arrives.extend([*byte; 2]),
                2 => arrives.push(byte ^ (1 << self.dice.u64(..8))),
                _ => arrives.push(*byte),
            }
            if *byte != b'\n' {
                continue;
            }
            self.lines += 1;
            if self.lines.is_multiple_of(OVERLONG) {
                arrives.extend([b'7'; 100]);
                arrives.push(b'\n');
            }
        }
        arrives
    }
}
