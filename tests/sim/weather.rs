//! What sort of world a seed makes: how the files are watched, who writes them and how, what goes
//! wrong. Everything that is chosen once stands here.

use crate::book::{MS, SECOND};
use crate::rng::Rng;

/// How the source learns of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// The kernel tells.
    Kernel,
    /// The kernel was to tell, and says nothing at all.
    Deaf,
    /// By looking often.
    Poll,
}

/// What sort of world it is.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Weather {
    /// How the files are watched.
    pub watching: Watching,
    /// For how many microseconds the clock that stamps files stands still.
    pub tick: u64,
    /// Inodes have other numbers at each look.
    pub renumbers: bool,
    /// For how many microseconds the clock that stamps files is behind, as a file server's may be.
    /// Where the kernel tells of all changes, it is the server's own.
    pub skew: u64,
    /// One in so many things that happen is that something is mounted over a file, or unmounted.
    pub mounts: u64,
    /// Several writers may have a file open at once.
    pub overlap: bool,
    /// The longest pause inside a writing that another writer may overlap, in microseconds.
    pub pause: u64,
    /// The longest time between two writings, in microseconds.
    pub calm: u64,
    /// The files turn into things that cannot be read.
    pub faults: bool,
    /// The kernel tells of an opening before the emptying that comes with it.
    pub opens_first: bool,
    /// One in so many renames and closes is told of late.
    pub late: u64,
    /// How many events fit into the kernel's queue.
    pub room: usize,
    /// One in so many steps of storing a reply fails.
    pub disk_fails: u64,
    /// One in so many looks, and steps of storing a reply, hangs for longer than anybody waits.
    pub hangs: u64,
    /// A disk takes so long at most, in microseconds.
    pub disk: u64,
    /// How many stations there are.
    pub stations: usize,
    /// The wall clock jumps.
    pub jumps: bool,
    /// One in so many things that happen to the server is its end.
    pub crashes: u64,
    /// How long the life lasts without its end, in microseconds.
    pub length: u64,
}

impl Weather {
    /// The weather of a seed.
    pub fn new(rng: &mut Rng, length: u64) -> Self {
        let watching = match rng.below(10) {
            0 => Watching::Deaf,
            1 | 2 => Watching::Poll,
            _ => Watching::Kernel,
        };
        let (overlap, renumbers) = (rng.one_in(2), rng.one_in(6));
        // Where inodes are others at each look, nothing tells a late rename from another within a tick.
        let late =
            if watching == Watching::Kernel && !renumbers { rng.pick(&[0, 0, 4]) } else { 0 };
        let stormy = rng.one_in(if overlap { 2 } else { 4 });
        Self {
            watching,
            tick: rng.pick(&[0, MS, 4 * MS, 4 * MS]),
            renumbers,
            skew: if watching == Watching::Kernel { 0 } else { rng.pick(&[0, 0, 30 * SECOND]) },
            mounts: rng.pick(&[0, 0, 0, 0, 0, 8]),
            overlap,
            pause: rng.pick(&[300, 3 * MS, 30 * MS]),
            calm: if stormy { 20 * MS } else { rng.pick(&[200 * MS, SECOND, 5 * SECOND]) },
            faults: rng.one_in(3),
            opens_first: rng.one_in(2),
            late,
            room: if rng.one_in(5) { rng.pick(&[3, 8]) } else { 16_384 },
            disk_fails: rng.pick(&[0, 0, 30, 5]),
            hangs: rng.pick(&[0, 0, 0, 100]),
            disk: rng.pick(&[200, 5 * MS, 50 * MS]),
            stations: rng.pick(&[1, 3, 6, 10]),
            jumps: rng.one_in(4),
            crashes: rng.pick(&[0, 0, 2_000, 300]),
            length,
        }
    }

    /// How long a farewell may take. A text may be on its way as it begins, and another wait behind it;
    /// on a disk that hangs each takes as long as the server waits for one.
    #[must_use]
    pub fn farewell(&self) -> u64 {
        if self.hangs > 0 { 11 * SECOND } else { 8 * SECOND }
    }

    /// For how long a writing must stand to be told for certain.
    #[must_use]
    pub fn patience(&self) -> u64 {
        match self.watching {
            Watching::Kernel => 250 * MS,
            Watching::Poll => 450 * MS,
            Watching::Deaf => 2_500 * MS,
        }
    }
}
