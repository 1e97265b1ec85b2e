//! Values of a message, each within its bounds.

use std::fmt;

use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use super::Target;

/// The longest name of a camera, a box or a kind of thing, in bytes.
const MAX_NAME: usize = 128;

/// The largest number that every JSON reader keeps whole (RFC 8259, 6).
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// How far outside of the picture an edge may be: detectors round, and some guess what is hidden. It is moved to
/// the picture's edge.
const OVERHANG: f64 = 0.05;

/// Why a value is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadValue {
    /// Not a camera's name.
    #[error("a camera's id has 1 to {MAX_NAME} bytes, of which none is a control character")]
    Camera,
    /// Not the name of a box or a kind.
    #[error("a name is a whole number below 2^53, or a text of at most {MAX_NAME} bytes")]
    Label,
    /// Not an object's number.
    #[error("an objectId is a whole number from 0 to 2^53 - 1")]
    Object,
    /// Not a place in the picture.
    #[error("a rect is [x1, y1, x2, y2] in 0..1, with x1 <= x2 and y1 <= y2")]
    Rect,
    /// Not an image.
    #[error("an image is a data URL, data:image/...;base64,...")]
    Image,
    /// Nothing that can be looked for.
    #[error("a start needs frameId and boxId, or an image")]
    Target,
}

/// The name of a camera.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct CameraId(String);

impl CameraId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CameraId {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        let fits = (1..=MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text)) } else { Err(BadValue::Camera) }
    }
}

impl fmt::Display for CameraId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a box, or of a kind of thing: a number or a text, as each processor likes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawLabel", untagged)]
pub enum Label {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawLabel {
    Number(i64),
    Text(String),
}

impl TryFrom<RawLabel> for Label {
    type Error = BadValue;

    fn try_from(raw: RawLabel) -> Result<Self, BadValue> {
        match raw {
            RawLabel::Number(number) if number.unsigned_abs() <= MAX_NUMBER => {
                Ok(Self::Number(number))
            }
            RawLabel::Text(text) if text.len() <= MAX_NAME => Ok(Self::Text(text)),
            _ => Err(BadValue::Label),
        }
    }
}

/// The number of an object that is tracked.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "u64")]
pub struct ObjectId(u64);

impl ObjectId {
    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// The number above this one, if there is one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::try_from(self.0 + 1).ok()
    }
}

impl TryFrom<u64> for ObjectId {
    type Error = BadValue;

    fn try_from(number: u64) -> Result<Self, BadValue> {
        if number <= MAX_NUMBER { Ok(Self(number)) } else { Err(BadValue::Object) }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in the picture, whose width and height are 1: left, top, right, bottom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 4]")]
pub struct Rect([f64; 4]);

impl Rect {
    /// Left, top, right, bottom.
    #[must_use]
    pub fn edges(self) -> [f64; 4] {
        self.0
    }
}

impl TryFrom<[f64; 4]> for Rect {
    type Error = BadValue;

    fn try_from(edges: [f64; 4]) -> Result<Self, BadValue> {
        let [left, top, right, bottom] = edges;
        let fits = |edge: &f64| (-OVERHANG..=1.0 + OVERHANG).contains(edge);
        if edges.iter().all(fits) && left <= right && top <= bottom {
            Ok(Self(edges.map(|edge| edge.clamp(0.0, 1.0))))
        } else {
            Err(BadValue::Rect)
        }
    }
}

/// An image as a data URL. Whether it can be decoded is the processor's to find out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Image(String);

impl Image {
    /// The data URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Image {
    type Error = BadValue;

    fn try_from(url: String) -> Result<Self, BadValue> {
        let is_image = url.starts_with("data:image/") && url.contains(";base64,");
        if is_image && url.len() <= super::MAX_MESSAGE {
            Ok(Self(url))
        } else {
            Err(BadValue::Image)
        }
    }
}

/// A target as it was written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawTarget {
    frame_id: Option<f64>,
    box_id: Option<Label>,
    image: Option<Image>,
}

impl TryFrom<RawTarget> for Target {
    type Error = BadValue;

    fn try_from(raw: RawTarget) -> Result<Self, BadValue> {
        let RawTarget { frame_id, box_id, image } = raw;
        if image.is_some() || (frame_id.is_some() && box_id.is_some()) {
            Ok(Self { frame_id, box_id, image })
        } else {
            Err(BadValue::Target)
        }
    }
}

/// A list that ends before it is too long.
pub(super) fn at_most<'de, D, T, const MOST: usize>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    struct List<T, const MOST: usize>(std::marker::PhantomData<T>);

    impl<'de, T: DeserializeOwned, const MOST: usize> Visitor<'de> for List<T, MOST> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MOST}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut all = Vec::new();
            while let Some(item) = list.next_element()? {
                if all.len() == MOST {
                    return Err(A::Error::invalid_length(MOST + 1, &self));
                }
                all.push(item);
            }
            Ok(all)
        }
    }

    from.deserialize_seq(List::<T, MOST>(std::marker::PhantomData))
}
