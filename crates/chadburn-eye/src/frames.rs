//! Frames: pictures in which was looked what is seen, the newest for everybody, and the last ones for whoever asks.
//!
//! One pipeline serves all viewers: each picture is decoded and searched once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chadburn_sight::image::{Rect, Rgb};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::health::{self, Condition, Health};
use crate::picture::{BadPicture, Picture};
use crate::source::{Arrival, Sink};
use crate::vision::Vision;
use crate::wire::{BoundingBox, Boxes, Label};

/// The least time between two frames: more than 20 a second are no use to anybody who looks.
const LEAST: Duration = Duration::from_millis(50);

/// How often health is judged when nothing comes.
const TICK: Duration = Duration::from_millis(500);

/// How many frames can be asked for, and how many bytes they may have together.
const RECENT: (usize, usize) = (32, 64 * 1024 * 1024);

/// A picture and what is seen in it.
#[derive(Debug)]
pub struct Frame {
    /// Unix seconds in whole milliseconds, each higher than the last.
    pub id: f64,
    /// As it came.
    pub picture: Picture,
    /// Its pixels.
    pub pixels: Rgb<'static>,
    /// What is seen.
    pub boxes: Vec<BoundingBox>,
}

/// What everybody looks at.
#[derive(Debug)]
pub struct Frames {
    newest: watch::Sender<Option<Arc<Frame>>>,
    health: watch::Sender<Health>,
    recent: Mutex<Recent>,
    vision: Mutex<Vision>,
    /// How long decoding and looking took in all, in microseconds.
    busy: AtomicU64,
    /// How many frames there were.
    count: AtomicU64,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            newest: watch::Sender::new(None),
            health: watch::Sender::default(),
            recent: Mutex::default(),
            vision: Mutex::default(),
            busy: AtomicU64::new(0),
            count: AtomicU64::new(0),
        }
    }
}

impl Frames {
    /// The newest frame.
    #[must_use]
    pub fn newest(&self) -> watch::Receiver<Option<Arc<Frame>>> {
        self.newest.subscribe()
    }

    /// How the source is.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// How many frames there were, and how long decoding and looking took in all.
    #[must_use]
    pub fn work(&self) -> (u64, Duration) {
        let busy = Duration::from_micros(self.busy.load(Ordering::Relaxed));
        (self.count.load(Ordering::Relaxed), busy)
    }

    /// Where this box was, and the frame's picture, if it was one of the last.
    #[must_use]
    pub fn find(&self, frame_id: f64, box_id: &Label) -> Option<(Picture, Rect)> {
        lock(&self.recent).find(frame_id, box_id)
    }

    /// What is known of the camera.
    pub fn vision(&self) -> MutexGuard<'_, Vision> {
        lock(&self.vision)
    }

    /// Decodes a picture and looks what is in it; this takes a while.
    fn look(&self, picture: Picture, id: f64, at: Duration) -> Result<Frame, BadPicture> {
        let begun = Instant::now();
        let pixels = picture.decode()?;
        let boxes = self.vision().see(&pixels, at);
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.busy.fetch_add(took, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(Frame { id, picture, pixels, boxes })
    }

    fn show(&self, frame: Frame) {
        lock(&self.recent).put(&frame);
        self.newest.send_replace(Some(Arc::new(frame)));
    }

    fn judge(&self, watch: &health::Watch, now: Duration) {
        let health = watch.health(now);
        self.health.send_if_modified(|before| {
            let is_other = *before != health;
            if before.condition != health.condition
                || (is_other && health.condition == Condition::NoFrames)
            {
                tell(&health);
            }
            *before = health;
            is_other
        });
    }
}

fn tell(health: &Health) {
    let word = health.condition.word();
    match &health.detail {
        None if health.condition == Condition::Sees => tracing::info!("the eye sees"),
        None => tracing::warn!("the eye cannot see: {word}"),
        Some(why) => tracing::warn!("the eye cannot see: {word} ({why})"),
    }
}

/// Looks at what comes out of a source for as long as it is polled.
pub async fn run(frames: &Arc<Frames>, sink: &Sink, mut watch: health::Watch) {
    let start = Instant::now();
    let (mut newest, mut trouble) = (sink.newest(), sink.trouble());
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut last_id, mut next) = (0.0, start);
    loop {
        tokio::select! {
            biased;
            _ = ticks.tick() => {}
            Ok(()) = trouble.changed() => {
                if let Some(why) = trouble.borrow_and_update().clone() {
                    watch.lost(why);
                }
            }
            Ok(()) = async { sleep_until(next).await; newest.changed().await } => {
                next = Instant::now() + LEAST;
                let arrival = newest.borrow_and_update().clone();
                let Some(arrival) = arrival else { continue };
                let (id, at) = (rising(&mut last_id), start.elapsed());
                match seen(frames, arrival, id, at).await {
                    Ok(frame) => {
                        watch.good(&frame.picture.bytes, at);
                        frames.show(frame);
                    }
                    Err(why) => watch.bad(why.to_string(), at),
                }
            }
        }
        frames.judge(&watch, start.elapsed());
    }
}

async fn seen(
    frames: &Arc<Frames>,
    arrival: Arrival,
    id: f64,
    at: Duration,
) -> Result<Frame, BadPicture> {
    let (picture, frames) = (arrival?, Arc::clone(frames));
    let looked = spawn_blocking(move || frames.look(picture, id, at)).await;
    // Whatever made it panic is in the picture, and the next one is another.
    looked.unwrap_or_else(|error| Err(BadPicture::Undecodable(error.to_string())))
}

/// Now, and later than the last time, whatever the clock says.
fn rising(last: &mut f64) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = (now.as_secs_f64() * 1_000.0).floor();
    // In whole milliseconds, which a double holds exactly.
    let id = now.max((*last * 1_000.0).round() + 1.0) / 1_000.0;
    *last = id;
    id
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last frames, without their pixels.
#[derive(Debug, Default)]
struct Recent {
    frames: VecDeque<(Picture, Boxes)>,
    bytes: usize,
}

impl Recent {
    fn put(&mut self, frame: &Frame) {
        self.bytes += frame.picture.bytes.len();
        let boxes = Boxes { frame_id: frame.id, boxes: frame.boxes.clone() };
        self.frames.push_back((frame.picture.clone(), boxes));
        while self.frames.len() > RECENT.0 || self.bytes > RECENT.1 {
            let Some((picture, _)) = self.frames.pop_front() else { break };
            self.bytes -= picture.bytes.len();
        }
    }

    fn find(&self, frame_id: f64, box_id: &Label) -> Option<(Picture, Rect)> {
        // On its way an id may have lost a digit; two frames are a millisecond apart at least.
        let is_it = |boxes: &Boxes| (boxes.frame_id - frame_id).abs() < 0.000_5;
        let (picture, boxes) = self.frames.iter().find(|(_, boxes)| is_it(boxes))?;
        let found = boxes.boxes.iter().find(|it| it.box_id == *box_id)?;
        #[expect(clippy::cast_possible_truncation, reason = "a place in the picture")]
        let corners = found.rect.edges().map(|edge| edge as f32);
        Some((picture.clone(), Rect::new(corners)?))
    }
}

#[cfg(test)]
mod tests {
    use chadburn_sight::image::Size;

    use super::*;

    fn frame(id: f64, bytes: usize) -> Frame {
        let size = Size::new(4, 4).unwrap();
        let boxes = vec![BoundingBox {
            box_id: Label::Number(7),
            rect: [0.0, 0.0, 0.5, 0.5].try_into().unwrap(),
            object_type: Label::Text("circle".into()),
            certainty: 1.0,
            object_id: None,
        }];
        let picture = Picture::jpeg(vec![0; bytes].into(), size);
        Frame { id, picture, pixels: Rgb::filled(size, [0; 3]), boxes }
    }

    #[test]
    fn a_box_of_the_last_frames_can_be_found() {
        let mut recent = Recent::default();
        for number in 0..100_u32 {
            recent.put(&frame(1_800_000_000.001 + f64::from(number) / 1_000.0, 10));
        }
        let find = |id: f64, number| recent.find(id, &Label::Number(number)).is_some();
        assert!(find(1_800_000_000.100, 7) && find(1_800_000_000.069_000_2, 7));
        assert!(!find(1_800_000_000.068, 7), "it is the 33rd");
        assert!(!find(1_800_000_000.100, 8), "there is no such box");
        assert!(recent.find(f64::NAN, &Label::Number(7)).is_none());
    }

    #[test]
    fn large_pictures_are_fewer() {
        let mut recent = Recent::default();
        for number in 0..32_u32 {
            recent.put(&frame(f64::from(number), 8 * 1024 * 1024));
        }
        assert_eq!((recent.frames.len(), recent.bytes), (8, RECENT.1));
    }

    #[test]
    fn ids_rise_whatever_the_clock_says() {
        let mut last = 9_000_000_000.5;
        let ids: Vec<_> = (0..1_000).map(|_| rising(&mut last)).collect();
        assert!(ids.is_sorted_by(|a, b| b - a > 0.000_9), "{ids:?}");
        assert!((ids[0] - 9_000_000_000.501).abs() < 1e-6);
        let mut last = 0.0;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((rising(&mut last) - now).abs() < 5.0);
    }
}
