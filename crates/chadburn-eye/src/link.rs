//! The link to an orchestrator: what is seen goes there, and what is to be looked for comes from there.
//!
//! Reading goes on whatever becomes of it.

mod queue;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chadburn_client::{Event, Failure, Full, Link, Settings, Typed};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use self::queue::Queue;
use crate::frames::Frames;
use crate::picture::Picture;
use crate::vision;
use crate::wire::{self, Boxes, CameraId, FromProcessor, Label, Target, ToProcessor, Update};

/// After the wait for an orchestrator is over, it is looked for again so often.
const AGAIN: Duration = Duration::from_mins(1);

/// The largest image of a start, in bytes.
const MAX_IMAGE: usize = 1024 * 1024;

/// Of what is wrong with a message no more is told, in characters: it may quote the message.
const MAX_REASON: usize = 200;

/// An orchestrator speaks so.
type Orchestrator = Typed<FromProcessor, ToProcessor>;

/// How the link is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It is looked for.
    #[default]
    Connecting,
    /// It is up.
    Up,
    /// It was looked for in vain, for as long as was said.
    Gone,
}

impl State {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Up => "up",
            Self::Gone => "gone",
        }
    }
}

/// What others may know of a link.
#[derive(Debug, Default)]
pub struct Status {
    /// How it is.
    pub state: watch::Sender<State>,
    /// Messages that nobody could read.
    pub unreadable: AtomicU64,
    /// Frames whose boxes were left out, since nobody took them in time.
    pub dropped: AtomicU64,
    /// Feature maps that were sent.
    pub updates: AtomicU64,
}

/// How to reach an orchestrator: on each connection it is told first which camera this is.
pub fn settings(url: &str, id: &CameraId, wait: Duration) -> Result<Settings, Failure> {
    let identifier = wire::write(&FromProcessor::Identifier { id: id.clone() });
    let settings = Settings::new(url)?.window(wait).identity(identifier);
    // With room for one message, boxes enter an empty outbox only; what else waits, waits here.
    Ok(settings.outbox(1, Full::Wait).longest(wire::MAX_MESSAGE).inbox_bytes(8 * wire::MAX_MESSAGE))
}

/// Keeps a link for as long as it is polled. It returns if the first attempt is refused: then whoever wrote the address
/// must act.
pub async fn run(settings: Settings, frames: &Arc<Frames>, status: &Status) -> Failure {
    let mut talk = Talk { frames, status, queue: Queue::default(), was_up: false };
    let mut newest = frames.newest();
    loop {
        let mut link = match Link::open(settings.clone()) {
            Ok(link) => Orchestrator::from(link),
            Err(failure) => return failure,
        };
        status.state.send_replace(State::Connecting);
        let failure = talk.over(&mut link, &mut newest).await;
        if let (false, Failure::Refused { .. } | Failure::Setting(_)) = (talk.was_up, &failure) {
            return failure;
        }
        tracing::warn!("the orchestrator is given up for a minute: {failure}");
        status.state.send_replace(State::Gone);
        let again = Instant::now() + AGAIN;
        while tokio::select! {
            () = sleep_until(again) => false,
            Ok(()) = newest.changed() => true,
        } {
            talk.see(&mut newest);
        }
    }
}

/// What is said and heard.
struct Talk<'a> {
    frames: &'a Arc<Frames>,
    status: &'a Status,
    queue: Queue,
    /// It has been up at least once.
    was_up: bool,
}

impl Talk<'_> {
    /// Talks until the link ends.
    async fn over(
        &mut self,
        link: &mut Orchestrator,
        newest: &mut watch::Receiver<Option<Arc<crate::frames::Frame>>>,
    ) -> Failure {
        loop {
            self.say(link.link());
            let room = link.link().room();
            tokio::select! {
                event = link.recv() => match event {
                    Some(Event::Failed(failure)) => return failure,
                    Some(event) => self.hear(event).await,
                    None => return Failure::Setting("the link was closed".into()),
                },
                () = room, if !self.queue.is_empty() => {}
                Ok(()) = newest.changed() => self.see(newest),
            }
        }
    }

    fn see(&mut self, newest: &mut watch::Receiver<Option<Arc<crate::frames::Frame>>>) {
        if let Some(frame) = newest.borrow_and_update().as_ref() {
            self.queue.see(Boxes { frame_id: frame.id, boxes: frame.boxes.clone() });
            self.status.dropped.store(self.queue.dropped(), Ordering::Relaxed);
        }
    }

    /// Gives the link as much as it takes.
    fn say(&mut self, link: &Link) {
        while let Some(message) = self.queue.next() {
            // What a link that has ended does not take waits for the next one.
            let Ok(None) = link.try_send(wire::write(&message)) else { return };
            self.queue.taken();
            if matches!(message, FromProcessor::FeatureMap(_)) {
                self.status.updates.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    async fn hear(&mut self, event: Event<ToProcessor>) {
        match event {
            Event::Up => {
                self.was_up = true;
                self.status.state.send_replace(State::Up);
                self.queue.up();
                tracing::info!("the orchestrator is there");
            }
            Event::Down(why) => {
                self.status.state.send_replace(State::Connecting);
                tracing::warn!("the orchestrator is lost: {why}");
            }
            Event::Message(message) => self.obey(message).await,
            Event::Unreadable { why, .. } => {
                self.status.unreadable.fetch_add(1, Ordering::Relaxed);
                let why: String = why.chars().take(MAX_REASON).collect();
                tracing::warn!("the orchestrator says what cannot be read: {why}");
            }
            Event::Lagged(count) => {
                tracing::warn!(count, "messages of the orchestrator were left out");
            }
            _ => {}
        }
    }

    async fn obey(&mut self, message: ToProcessor) {
        match message {
            ToProcessor::FeatureMap(update) => {
                if let Err(why) = self.frames.vision().learn(&update) {
                    tracing::warn!(object = %update.object_id, "cannot be looked for here: {why}");
                }
            }
            ToProcessor::Stop { object_id } => {
                tracing::info!(object = %object_id, "is not looked for any more");
                self.frames.vision().forget(object_id);
                self.queue.forget(object_id);
            }
            ToProcessor::Start { object_id, target } => match looks(self.frames, target).await {
                Ok(feature_map) => {
                    let update = Update { object_id, feature_map };
                    let learnt = self.frames.vision().learn(&update);
                    match learnt {
                        Ok(()) if self.queue.learn(update) => {
                            tracing::info!(object = %object_id, "is looked for");
                        }
                        Ok(()) => {
                            tracing::warn!(object = %object_id, "too many objects are looked for");
                        }
                        Err(why) => {
                            tracing::warn!(object = %object_id, "cannot be looked for: {why}");
                        }
                    }
                }
                Err(why) => tracing::warn!(object = %object_id, "cannot be looked for: {why}"),
            },
        }
    }
}

/// What the thing looks like that is meant.
async fn looks(frames: &Frames, target: Target) -> Result<Vec<f64>, String> {
    let Target { frame_id, box_id, image } = target;
    let place = frame_id.zip(box_id).and_then(|(id, label): (f64, Label)| frames.find(id, &label));
    let (picture, rect) = match (place, image) {
        (Some((picture, rect)), _) => (picture, Some(rect)),
        (None, Some(image)) => (picture(image.url())?, None),
        (None, None) => return Err("there is no such box in the last 32 frames".into()),
    };
    let looked = spawn_blocking(move || Ok(vision::looks(&picture.decode()?, rect)));
    let looked = looked.await.map_err(|error| error.to_string())?;
    looked.map_err(|why: crate::picture::BadPicture| why.to_string())
}

/// The picture in a data URL.
fn picture(url: &str) -> Result<Picture, String> {
    let (_, data) = url.split_once(";base64,").ok_or("the image is no data URL in base64")?;
    if data.len() / 4 * 3 > MAX_IMAGE {
        return Err("the image is larger than 1 MiB".into());
    }
    let bytes =
        STANDARD.decode(data).map_err(|error| format!("the image is no base64: {error}"))?;
    Picture::new(bytes.into()).map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_picture_within_its_bounds() {
        let url = |data: &str| format!("data:image/png;base64,{data}");
        for (data, why) in [
            ("", "a picture is neither JPEG nor PNG"),
            ("aGVsbG8=", "a picture is neither JPEG nor PNG"),
            ("/9j/", "a picture is cut short"),
            ("!", "the image is no base64: Invalid symbol 33, offset 0."),
        ] {
            assert_eq!(picture(&url(data)).unwrap_err(), why, "{data}");
        }
        let large = STANDARD.encode(vec![0; MAX_IMAGE + 3]);
        assert_eq!(picture(&url(&large)).unwrap_err(), "the image is larger than 1 MiB");
        assert!(picture("data:image/png,hello").is_err());
    }
}
