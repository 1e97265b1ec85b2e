//! The source that needs no camera: a desk with a dial and things that move, as one camera or another sees it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chadburn_sight::scene::View;
use chadburn_sight::scene::desk::Desk;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::picture::Picture;
use crate::source::Sink;

/// The time between two frames.
const EVERY: Duration = Duration::from_millis(100);

/// The things on the desk: pairs of like colour among them.
const THINGS: [u64; 5] = [0, 1, 4, 7, 11];

/// By how many degrees a key turns the pointer.
const STEP: f32 = 5.0;

/// A key that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Key {
    /// Turns the pointer to the left.
    #[serde(rename = "ArrowLeft")]
    Left,
    /// Turns the pointer to the right.
    #[serde(rename = "ArrowRight")]
    Right,
}

/// Whoever turns the pointer. A clone turns the same one.
#[derive(Clone, Debug)]
pub struct Hand(watch::Sender<f32>);

impl Default for Hand {
    fn default() -> Self {
        Self(watch::Sender::new(0.0))
    }
}

impl Hand {
    /// Does what this key means.
    pub fn press(&self, key: Key) {
        let turn = if key == Key::Left { -STEP } else { STEP };
        self.0.send_modify(|pointer| *pointer = (*pointer + turn).rem_euclid(360.0));
    }
}

/// Renders frames for as long as it is polled. Cameras of different numbers see the same desk in another way: its
/// colours, how near and how upright it is.
pub async fn run(camera: u32, hand: &Hand, sink: &Sink) {
    let mut frames = interval(EVERY);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let desk = Arc::new(Desk::new(u64::from(camera), &THINGS, &view(camera)));
    loop {
        frames.tick().await;
        // By the clock, so that two cameras see the things at the same places.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (desk, pointer) = (Arc::clone(&desk), *hand.0.borrow());
        let rendered = spawn_blocking(move || Picture::encode(&desk.frame(now, pointer).picture));
        // It fails only if the program ends.
        let Ok(picture) = rendered.await else { return };
        sink.put(Ok(picture));
    }
}

fn view(camera: u32) -> View {
    let noise = 3.0;
    match camera % 4 {
        1 => View { noise, ..View::default() },
        2 => {
            View { noise, gain: 0.8, balance: [1.15, 1.0, 0.85], rotation: 8.0, ..View::default() }
        }
        3 => View { noise, gain: 1.2, balance: [0.9, 1.0, 1.1], scale: 1.1, ..View::default() },
        _ => View { noise, blur: 1.0, scale: 0.9, rotation: -6.0, ..View::default() },
    }
}
