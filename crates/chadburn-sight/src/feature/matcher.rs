//! Where things are seen again: compares what is followed with the maps of what is looked for, over some pictures.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{FeatureMap, Looks};

/// The most things that are looked for.
pub const MOST: usize = 256;

/// Over how many pictures looks are averaged.
pub const PICTURES: usize = 4;

/// How alike a thing must look, as the mean cosine of [`PICTURES`] pictures.
pub const ALIKE: f32 = 0.83;

/// By how much it must look more alike than the second.
pub const LEAD: f32 = 0.02;

/// By how much less alike a thing may look that has been found.
pub const TOLERANCE: f32 = 0.05;

/// For how long a thing that was found may look less alike than that, or not be there.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// A thing that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// The number of what was looked for.
    pub object: u64,
    /// The number of the box that it is in.
    pub id: u64,
    /// The mean cosine: 0 to 1.
    pub certainty: f32,
}

/// There is no room for one more map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{MOST} things are looked for already")
    }
}

impl std::error::Error for Full {}

/// Looks for things among those that are followed.
///
/// ```
/// use std::time::Duration;
/// use chadburn_sight::feature::matcher::Matcher;
/// use chadburn_sight::feature::{Balance, Looks};
/// use chadburn_sight::image::{Rect, Rgb, Size};
///
/// let picture = Rgb::filled(Size::new(64, 48)?, [200, 60, 60]);
/// let rect = Rect::new([0.2, 0.2, 0.6, 0.6]).expect("it is in the picture");
/// let looks = Looks::of(&picture, rect, &Balance::of(&picture));
/// let mut matcher = Matcher::default();
/// matcher.learn(7, looks.upright().clone())?;
/// let seen: Vec<_> = (0..4)
///     .map(|it| matcher.find(&[(1, looks.clone())], Duration::from_millis(100 * it)))
///     .collect();
/// assert!(seen[2].is_empty());
/// assert_eq!((seen[3][0].object, seen[3][0].id), (7, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    /// What is looked for, by its number.
    wanted: BTreeMap<u64, FeatureMap>,
    /// How the boxes of the last pictures looked, by their numbers.
    looks: BTreeMap<u64, VecDeque<Looks>>,
    /// Where things were found, by their numbers.
    found: BTreeMap<u64, Found>,
}

/// Where a thing was found.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// The box.
    id: u64,
    /// When it last looked alike.
    at: Duration,
}

impl Matcher {
    /// Looks for a thing, or for the same one with other looks.
    pub fn learn(&mut self, object: u64, map: FeatureMap) -> Result<(), Full> {
        if self.wanted.len() >= MOST && !self.wanted.contains_key(&object) {
            return Err(Full);
        }
        self.wanted.insert(object, map);
        Ok(())
    }

    /// Looks for a thing no longer.
    pub fn forget(&mut self, object: u64) {
        self.wanted.remove(&object);
        self.found.remove(&object);
    }

    /// The things that are in this picture, of which these boxes with their looks are seen; boxes keep their numbers
    /// while they are followed. `at` is the picture's moment, since any beginning. A box is one thing at most, and
    /// a thing in one box.
    pub fn find(&mut self, seen: &[(u64, Looks)], at: Duration) -> Vec<Match> {
        self.remember(seen);
        let alike = self.alike();
        self.found.retain(|object, found| {
            let now = alike.iter().find(|it| (it.object, it.id) == (*object, found.id));
            if now.is_some_and(|it| it.certainty > ALIKE - TOLERANCE) {
                found.at = at;
            }
            let best = alike.iter().find(|it| it.id == found.id);
            let is_beaten = now.zip(best).is_some_and(|(a, b)| a.certainty < b.certainty - LEAD);
            at.saturating_sub(found.at) < PATIENCE && !is_beaten
        });
        for best in &alike {
            // Who has been found stays so; who is in nobody's way is found now.
            let is_free = !self.found.contains_key(&best.object)
                && self.found.values().all(|it| it.id != best.id);
            if is_free && best.certainty > ALIKE && leads(best, &alike) && self.is_known(best.id) {
                self.found.insert(best.object, Found { id: best.id, at });
            }
        }
        let is_found =
            |it: &&Match| self.found.get(&it.object).is_some_and(|found| found.id == it.id);
        alike.iter().filter(is_found).copied().collect()
    }

    /// Keeps the looks of the last pictures of each box, and forgets boxes that are gone.
    fn remember(&mut self, seen: &[(u64, Looks)]) {
        self.looks.retain(|id, _| seen.iter().any(|(other, _)| id == other));
        for (id, looks) in seen {
            let last = self.looks.entry(*id).or_default();
            last.push_back(looks.clone());
            if last.len() > PICTURES {
                last.pop_front();
            }
        }
    }

    /// How alike each box and each thing are, the most alike first.
    fn alike(&self) -> Vec<Match> {
        let mut alike = Vec::with_capacity(self.looks.len() * self.wanted.len());
        for (id, looks) in &self.looks {
            for (object, map) in &self.wanted {
                let certainty = Looks::alike(looks, map);
                alike.push(Match { object: *object, id: *id, certainty });
            }
        }
        alike.sort_by(|a, b| b.certainty.total_cmp(&a.certainty));
        alike
    }

    /// Whether a box has been seen often enough.
    fn is_known(&self, id: u64) -> bool {
        self.looks.get(&id).is_some_and(|it| it.len() == PICTURES)
    }
}

/// Whether no other box looks nearly as much like this thing.
fn leads(best: &Match, alike: &[Match]) -> bool {
    let mut rivals = alike.iter().filter(|it| it.object == best.object && it.id != best.id);
    rivals.all(|it| it.certainty <= best.certainty - LEAD)
}

#[cfg(test)]
mod tests;
