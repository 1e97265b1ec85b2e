//! The stream for programs that show no page: parts of a multipart answer, with boxes burnt in.
//!
//! They are drawn and encoded once for all, and only while somebody watches. A tick without a new frame sends the last
//! one again, since Chromium shows a part only when the next one begins.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, header};
use chadburn_sight::draw;
use chadburn_sight::image::{Colour, Rect, Rgb};
use tokio::sync::{Notify, OwnedSemaphorePermit, watch};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::View;
use super::pace::EVERY;
use crate::frames::Frame;
use crate::picture::Picture;
use crate::wire::{BoundingBox, Label};

/// What stands between two parts.
const BOUNDARY: &str = "\r\n--frame\r\n";

/// What the answer says of itself.
const KIND: HeaderValue = HeaderValue::from_static("multipart/x-mixed-replace; boundary=frame");

/// The colours of a thing, and of one that is looked for: the page has the same.
const BOX: Colour = [255, 215, 116];
const OBJECT: Colour = [96, 220, 150];

/// The newest part, for whoever watches.
#[derive(Clone)]
pub(super) struct Parts {
    newest: watch::Sender<Bytes>,
    watched: Arc<Notify>,
}

/// Starts what makes the parts.
pub(super) fn start(view: &View, stop: &CancellationToken, tracker: &TaskTracker) -> Parts {
    let parts = Parts { newest: watch::Sender::default(), watched: Arc::default() };
    let (own, view, stop) = (parts.clone(), view.clone(), stop.clone());
    tracker.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = own.make(&view) => {}
        }
    });
    parts
}

impl Parts {
    /// The stream, for whoever has this permit, until the program ends.
    pub(super) fn answer(
        &self,
        permit: OwnedSemaphorePermit,
        stop: CancellationToken,
    ) -> Response<Body> {
        let newest = self.newest.subscribe();
        self.watched.notify_one();
        let begin = Bytes::from_static(BOUNDARY.as_bytes());
        let parts =
            futures_util::stream::unfold((newest, Some(begin)), move |(mut newest, begin)| {
                let (stop, _permit) = (stop.clone(), &permit);
                async move {
                    if let Some(begin) = begin {
                        return Some((begin, (newest, None)));
                    }
                    tokio::select! {
                        () = stop.cancelled() => None,
                        changed = newest.changed() => {
                            changed.ok()?;
                            let part = newest.borrow_and_update().clone();
                            Some((part, (newest, None)))
                        }
                    }
                }
            });
        let parts = tokio_stream::StreamExt::map(parts, Ok::<_, Infallible>);
        let mut answer = Response::new(Body::from_stream(parts));
        answer.headers_mut().insert(header::CONTENT_TYPE, KIND);
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }

    async fn make(&self, view: &View) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last: Option<f64> = None;
        loop {
            while self.newest.receiver_count() == 0 {
                (last, _) = (None, self.newest.send_replace(Bytes::new()));
                self.watched.notified().await;
            }
            ticks.tick().await;
            let Some(frame) = view.newest() else { continue };
            if last == Some(frame.id) {
                // Marks it as new for all.
                self.newest.send_modify(|_| {});
                continue;
            }
            last = Some(frame.id);
            if let Ok(part) = spawn_blocking(move || part(&frame)).await {
                self.newest.send_replace(part);
            }
        }
    }
}

fn burn(pixels: &mut Rgb, seen: &BoundingBox) {
    #[expect(clippy::cast_possible_truncation, reason = "a place in the picture")]
    let corners = seen.rect.edges().map(|edge| edge as f32);
    let Some(rect) = Rect::new(corners) else { return };
    let text = |label: &Label| match label {
        Label::Number(number) => number.to_string(),
        Label::Text(text) => text.clone(),
    };
    let kind = text(&seen.object_type);
    match seen.object_id {
        Some(object) => draw::boxed(pixels, rect, OBJECT, &format!("{kind} ({object})")),
        None => draw::boxed(pixels, rect, BOX, &format!("{kind} {}", text(&seen.box_id))),
    }
}

/// A part, with the boundary that ends it: the viewer need not wait for the next one.
fn part(frame: &Frame) -> Bytes {
    let mut pixels = frame.pixels.clone();
    for seen in &frame.boxes {
        burn(&mut pixels, seen);
    }
    let picture = Picture::encode(&pixels).bytes;
    let length = picture.len();
    let head = format!("Content-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), &picture, BOUNDARY.as_bytes()].concat().into()
}
