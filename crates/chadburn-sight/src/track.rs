//! Which finds of a picture were there in the one before: a box keeps its number as long as it is followed. It judges
//! by place, size and motion, and knows no looks.

use std::time::Duration;

use crate::image::Rect;

/// The most things that are followed at a time.
pub const MOST: usize = 32;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A circle.
    Circle,
    /// A thing before the background.
    Blob,
}

impl Kind {
    /// The object type that messages call it by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Circle => "circle",
            Self::Blob => "blob",
        }
    }
}

/// A find in one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub rect: Rect,
    /// How sure that is: 0 to 1.
    pub certainty: f32,
}

/// A find, and which one it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tracked {
    /// Its number, from 1 on. No other thing ever gets it.
    pub id: u64,
    /// What was found in this picture.
    pub detection: Detection,
}

/// How long a thing that is not found keeps its number, in seconds.
const PATIENCE: f32 = 1.0;

/// How far from where it is expected a thing may be found, in its own sizes.
const REACH: f32 = 1.0;

/// How much of a change in speed is believed of one picture.
const BELIEF: f32 = 0.5;

/// In less time a thing's speed cannot be measured, in seconds.
const SHORTEST: f32 = 0.001;

/// How many finds are looked at in one picture, the first ones; others are dropped.
const LOOKED_AT: usize = 256;

/// Follows things from picture to picture.
///
/// ```
/// use std::time::Duration;
/// use chadburn_sight::image::Rect;
/// use chadburn_sight::track::{Detection, Kind, Tracker};
///
/// let mut tracker = Tracker::default();
/// let found = |x| Detection {
///     kind: Kind::Circle,
///     rect: Rect::new([x, 0.4, x + 0.1, 0.5]).expect("it is in the picture"),
///     certainty: 1.0,
/// };
/// let before = tracker.follow(&[found(0.2)], Duration::ZERO);
/// let after = tracker.follow(&[found(0.7), found(0.22)], Duration::from_millis(100));
/// assert_eq!(before[0].id, after[0].id);
/// assert_eq!(after[0].detection, found(0.22));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    tracks: Vec<Track>,
    /// The last number that was given.
    last: u64,
}

/// A thing that is followed.
#[derive(Clone, Debug)]
struct Track {
    id: u64,
    /// Its last find.
    detection: Detection,
    /// The moment of that find.
    at: Duration,
    /// How far its centre moves, in shares of the picture a second.
    speed: [f32; 2],
}

impl Tracker {
    /// The finds of a picture with their numbers, those followed longest first, at most [`MOST`]. `at` is the
    /// picture's moment, since any beginning. Of finds that are new the first are followed, as long as there is room.
    pub fn follow(&mut self, found: &[Detection], at: Duration) -> Vec<Tracked> {
        self.tracks.retain(|track| track.silence(at) <= PATIENCE);
        let found = &found[..found.len().min(LOOKED_AT)];
        let mut pairs = Vec::new();
        for (index, track) in self.tracks.iter().enumerate() {
            for (other, detection) in found.iter().enumerate() {
                let distance = track.distance(detection, at);
                if distance <= REACH {
                    pairs.push((distance, index, other));
                }
            }
        }
        // The nearest pairs first; of equals the older track, so that the outcome does not hang on the sort.
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut taken = vec![false; found.len()];
        let mut seen = vec![false; self.tracks.len()];
        for (_, index, other) in pairs {
            if !seen[index] && !taken[other] {
                (seen[index], taken[other]) = (true, true);
                self.tracks[index].move_to(found[other], at);
            }
        }
        for (detection, _) in found.iter().zip(taken).filter(|(_, taken)| !taken) {
            if self.tracks.len() == MOST {
                break;
            }
            self.last += 1;
            self.tracks.push(Track { id: self.last, detection: *detection, at, speed: [0.0; 2] });
            seen.push(true);
        }
        let tracks = self.tracks.iter().zip(seen).filter(|(_, seen)| *seen);
        tracks.map(|(track, _)| Tracked { id: track.id, detection: track.detection }).collect()
    }
}

impl Track {
    /// For how long it has not been found, in seconds.
    fn silence(&self, at: Duration) -> f32 {
        at.saturating_sub(self.at).as_secs_f32()
    }

    /// How far a find is from where this thing is expected, in sizes of the larger one; infinite if it is of
    /// another kind. A change in size counts as a distance.
    fn distance(&self, found: &Detection, at: Duration) -> f32 {
        if found.kind != self.detection.kind {
            return f32::INFINITY;
        }
        let (before, now) = (self.detection.rect, found.rect);
        let seconds = self.silence(at);
        let ([x1, y1], [x2, y2]) = (before.centre(), now.centre());
        let (dx, dy) = (x1 + self.speed[0] * seconds - x2, y1 + self.speed[1] * seconds - y2);
        let [width, height] = [0, 1].map(|side| before.extent()[side].max(now.extent()[side]));
        let grown = (before.area() / now.area()).ln().abs() / 4.0;
        (dx / width).hypot(dy / height) + grown
    }

    fn move_to(&mut self, detection: Detection, at: Duration) {
        let seconds = self.silence(at);
        if seconds >= SHORTEST {
            let (before, now) = (self.detection.rect.centre(), detection.rect.centre());
            for side in [0, 1] {
                let speed = (now[side] - before[side]) / seconds;
                self.speed[side] += BELIEF * (speed - self.speed[side]);
            }
        }
        self.detection = detection;
        self.at = at;
    }
}

#[cfg(test)]
mod tests;
