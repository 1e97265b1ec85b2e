//! What is counted.

use std::sync::atomic::{AtomicU64, Ordering};

use super::View;
use crate::health::Condition;
use crate::link;
use crate::metrics::Page;

/// All of it, as of now; so many are watching.
pub(super) fn text(view: &View, viewers: usize) -> String {
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (counts, (frames, busy)) = (view.sink.counts(), view.frames.work());
    let condition = view.frames.health().borrow().condition;
    let mut page = Page::new("chadburn_eye");
    page.figure(
        "source_pictures_total",
        "counter",
        "Pictures that came, by their headers good ones",
        count(&counts.pictures),
    );
    page.figure(
        "source_bad_pictures_total",
        "counter",
        "What came and was no picture",
        count(&counts.bad),
    );
    page.figure(
        "source_lost_total",
        "counter",
        "How often the source was lost or could not be opened",
        count(&counts.lost),
    );
    page.figure("frames_total", "counter", "Pictures that were looked at", frames);
    page.figure(
        "looking_seconds_total",
        "counter",
        "How long decoding and looking took",
        busy.as_secs_f64(),
    );
    page.family("health", "gauge", "1 for how the source is");
    for one in Condition::ALL {
        let label = format!("{{condition=\"{}\"}}", one.word());
        page.sample("health", &label, u8::from(one == condition));
    }
    page.figure("viewers", "gauge", "How many are watching", viewers);
    if let Some(link) = &view.link {
        let up = *link.state.borrow() == link::State::Up;
        page.figure(
            "orchestrator_up",
            "gauge",
            "1 while the orchestrator is connected",
            u8::from(up),
        );
        page.figure(
            "orchestrator_unreadable_total",
            "counter",
            "Its messages that nobody could read",
            count(&link.unreadable),
        );
        page.figure(
            "orchestrator_updates_total",
            "counter",
            "Feature maps that were sent to it",
            count(&link.updates),
        );
        page.figure(
            "orchestrator_dropped_total",
            "counter",
            "Frames whose boxes it did not take in time",
            count(&link.dropped),
        );
    }
    page.text()
}
