//! What is seen in a frame: circles and moving things, followed, and those of them that are looked for.
//!
//! Pure. It joins the parts of `chadburn-sight` and puts what they find into the messages' words.

use std::collections::BTreeSet;
use std::time::Duration;

use chadburn_sight::blob::Background;
use chadburn_sight::circle::Search;
use chadburn_sight::feature::matcher::Matcher;
use chadburn_sight::feature::{Balance, FeatureMap, Looks};
use chadburn_sight::grey::Grey;
use chadburn_sight::image::{Rect, Rgb, Size};
use chadburn_sight::track::{Detection, Kind, Tracker};

use crate::wire::{BoundingBox, Label, ObjectId, Update};

/// The smallest and the largest radius, as shares of the shorter side: a cup's rim on a desk, and a dial that fills the
/// picture. Half the smallest would cost twice the time of all the rest.
const RADII: (f32, f32) = (0.04, 0.48);

/// A thing that a circle fills so far is the circle.
const SAME: f32 = 0.5;

/// What one camera has seen so far.
#[derive(Debug, Default)]
pub struct Vision {
    background: Background,
    tracker: Tracker,
    matcher: Matcher,
    /// What is looked for. While nothing is, no looks are computed.
    wanted: BTreeSet<ObjectId>,
}

impl Vision {
    /// What is in this picture. `at` is its moment, since any beginning.
    pub fn see(&mut self, picture: &Rgb, at: Duration) -> Vec<BoundingBox> {
        let mut found = circles(picture);
        let blobs = self.background.find(picture, at);
        let others: Vec<_> = blobs
            .iter()
            .filter(|blob| found.iter().all(|circle| circle.rect.overlap(blob.rect) < SAME))
            .map(|blob| Detection { kind: Kind::Blob, rect: blob.rect, certainty: blob.certainty })
            .collect();
        found.extend(others);
        let followed = self.tracker.follow(&found, at);
        let matches = if self.wanted.is_empty() {
            Vec::new()
        } else {
            let balance = Balance::of(picture);
            let looks = |rect| Looks::of(picture, rect, &balance);
            let seen: Vec<_> =
                followed.iter().map(|it| (it.id, looks(it.detection.rect))).collect();
            self.matcher.find(&seen, at)
        };
        let boxes = followed.iter().filter_map(|followed| {
            let found = matches.iter().find(|it| it.id == followed.id);
            Some(BoundingBox {
                box_id: Label::Number(i64::try_from(followed.id).ok()?),
                rect: followed
                    .detection
                    .rect
                    .corners()
                    .map(|it| rounded(it, 10_000.0))
                    .try_into()
                    .ok()?,
                object_type: Label::Text(followed.detection.kind.name().to_owned()),
                certainty: rounded(followed.detection.certainty, 1_000.0),
                object_id: found.and_then(|it| ObjectId::try_from(it.object).ok()),
            })
        });
        boxes.collect()
    }

    /// Looks for what looks like this from now on. Maps that others have made in another way are not looked for.
    pub fn learn(&mut self, update: &Update) -> Result<(), String> {
        #[expect(clippy::cast_possible_truncation, reason = "24 bits are enough for looks")]
        let values: Vec<_> = update.feature_map.iter().map(|value| *value as f32).collect();
        let map = FeatureMap::try_from(&values[..]).map_err(|error| error.to_string())?;
        self.matcher.learn(update.object_id.get(), map).map_err(|error| error.to_string())?;
        self.wanted.insert(update.object_id);
        Ok(())
    }

    /// Looks for it no more.
    pub fn forget(&mut self, object: ObjectId) {
        self.matcher.forget(object.get());
        self.wanted.remove(&object);
    }
}

/// What a thing in this picture looks like; all of the picture if no box says where.
#[must_use]
pub fn looks(picture: &Rgb, rect: Option<Rect>) -> Vec<f64> {
    let rect = rect.or_else(|| Rect::new([0.0, 0.0, 1.0, 1.0]));
    let looks = rect.map(|rect| Looks::of(picture, rect, &Balance::of(picture)));
    let values = looks.iter().flat_map(|looks| looks.upright().values());
    values.map(|value| f64::from(*value)).collect()
}

fn circles(picture: &Rgb) -> Vec<Detection> {
    let size = picture.size();
    let Some(search) = search(size) else { return Vec::new() };
    let found = search.find(&Grey::from_rgb(picture));
    let detection = |circle: &chadburn_sight::circle::Circle| {
        let certainty = circle.support;
        Some(Detection { kind: Kind::Circle, rect: circle.rect(size)?, certainty })
    };
    found.iter().filter_map(detection).collect()
}

/// Which circles a picture of this size may have; none if it is too small for any.
fn search(size: Size) -> Option<Search> {
    #[expect(clippy::cast_precision_loss, reason = "a side has 16,384 pixels at most")]
    let shorter = size.width().min(size.height()) as f32;
    Search::new((RADII.0 * shorter).max(Search::SMALLEST), RADII.1 * shorter).ok()
}

/// A share in so many parts: nobody needs more digits on the wire.
fn rounded(share: f32, parts: f64) -> f64 {
    (f64::from(share) * parts).round() / parts
}
