//! The messages between a processor, the relay and a client: JSON texts, each with a `type`.
//!
//! What is read is within its bounds, or it is no message. Unknown fields are ignored; a field that is `null` is as if
//! it were not there. Who may say what, and when, is the relay's.

mod bounded;

pub use bounded::{BadValue, CameraId, Image, Label, ObjectId, Rect};

use bounded::RawTarget;
use serde::{Deserialize, Serialize};

/// The subprotocol of clients that want to be told more than a client of old is.
pub const SUBPROTOCOL: &str = "chadburn-eye.v1";

/// The most boxes of one frame.
pub const MAX_BOXES: usize = 32;

/// The most numbers of a feature map.
pub const MAX_FEATURES: usize = 1_024;

/// The longest message, in bytes: an image of 1 MiB in base64, and room for the rest.
pub const MAX_MESSAGE: usize = 3 << 19;

/// What a processor says to the relay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FromProcessor {
    /// Its first message: which camera it is.
    Identifier {
        /// The camera.
        id: CameraId,
    },
    /// What it sees in a frame.
    BoundingBoxes(Boxes),
    /// What an object looks like.
    FeatureMap(Update),
}

/// What the relay says to a processor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ToProcessor {
    /// What an object looks like, by another processor.
    FeatureMap(Update),
    /// From now on look for what is there.
    Start {
        /// What it is called.
        object_id: ObjectId,
        /// Where it is seen.
        #[serde(flatten)]
        target: Target,
    },
    /// Look for it no more.
    Stop {
        /// The object.
        object_id: ObjectId,
    },
}

/// What a client says to the relay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FromClient {
    /// Let a camera look for what is there.
    Start {
        /// The camera.
        camera_id: CameraId,
        /// Where it is seen.
        #[serde(flatten)]
        target: Target,
    },
    /// Let nobody look for it any more.
    Stop {
        /// The object.
        object_id: ObjectId,
    },
}

/// What a client that asks for [`SUBPROTOCOL`] says when it is told [`ToClient::TokenRequired`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[expect(missing_debug_implementations, reason = "a token is not shown")]
pub enum FromPanel {
    /// The token.
    Token {
        /// Its text.
        token: String,
    },
}

/// What the relay says to a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ToClient {
    /// What a camera sees in a frame.
    BoundingBoxes {
        /// The camera.
        camera_id: CameraId,
        /// What it sees.
        #[serde(flatten)]
        boxes: Boxes,
    },
    /// The token has to come before anything else is said: the handshake had none, as a page's cannot. This and what
    /// follows is said only to those who ask for [`SUBPROTOCOL`].
    TokenRequired,
    /// All cameras that are connected.
    Cameras {
        /// In the order of their names.
        cameras: Vec<CameraId>,
    },
    /// All objects that are tracked.
    Objects {
        /// The one that was heard of last is last.
        objects: Vec<Tracked>,
    },
    /// A start of this client has gone to its camera.
    Started {
        /// What it is called now.
        object_id: ObjectId,
        /// The camera.
        camera_id: CameraId,
    },
    /// A start of this client has gone nowhere.
    Refused {
        /// The camera that was meant.
        camera_id: CameraId,
        /// Why, for a person.
        reason: String,
    },
}

/// An object that is tracked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tracked {
    /// The object.
    pub object_id: ObjectId,
    /// The camera that it was started at, if it was started here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera_id: Option<CameraId>,
    /// Whether it is known what it looks like.
    pub has_map: bool,
}

/// What is seen in a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Boxes {
    /// The frame: Unix seconds, rising.
    pub frame_id: f64,
    /// At most [`MAX_BOXES`].
    #[serde(deserialize_with = "bounded::at_most::<_, _, MAX_BOXES>")]
    pub boxes: Vec<BoundingBox>,
}

/// Something that is seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoundingBox {
    /// What it is called while it is followed from frame to frame.
    pub box_id: Label,
    /// Where it is.
    pub rect: Rect,
    /// What kind of thing it is.
    pub object_type: Label,
    /// How certain that is.
    pub certainty: f64,
    /// The object that is tracked, if this is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<ObjectId>,
}

/// What an object looks like now; replaces what was said of it before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Update {
    /// The object.
    pub object_id: ObjectId,
    /// At most [`MAX_FEATURES`] numbers; it may be empty.
    #[serde(deserialize_with = "bounded::at_most::<_, _, MAX_FEATURES>")]
    pub feature_map: Vec<f64>,
}

/// Where something is seen that is to be tracked: a box of a frame, an image, or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawTarget", rename_all = "camelCase")]
pub struct Target {
    /// The frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_id: Option<f64>,
    /// The box in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub box_id: Option<Label>,
    /// The image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
}

/// The longest reason why a text is no message, in bytes: it may quote the text.
const MAX_REASON: usize = 200;

/// The message in this text.
///
/// # Errors
/// In one line, why it is none.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    if text.len() > MAX_MESSAGE {
        return Err(format!("a message has at most {MAX_MESSAGE} bytes"));
    }
    serde_json::from_str(text).map_err(|error| {
        let why = error.to_string().replace(char::is_control, " ");
        why[..why.floor_char_boundary(MAX_REASON)].to_owned()
    })
}

/// The text of this message.
///
/// # Panics
/// If the type cannot be JSON; those of this module can.
pub fn write<T: Serialize>(message: &T) -> String {
    serde_json::to_string(message).expect("a message can be JSON")
}

#[cfg(test)]
mod tests;
