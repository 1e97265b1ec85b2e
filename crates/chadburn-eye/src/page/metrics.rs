//! What is counted, in the text format of Prometheus, 0.0.4.

use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use super::View;
use crate::health::Condition;
use crate::link;

/// All of it, as of now; so many are watching.
pub(super) fn text(view: &View, viewers: usize) -> String {
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (counts, (frames, busy)) = (view.sink.counts(), view.frames.work());
    let condition = view.frames.health().borrow().condition;
    let mut page = Page(String::new());
    page.family(
        "source_pictures_total",
        "counter",
        "Pictures that came, by their headers good ones",
    );
    page.sample("source_pictures_total", "", count(&counts.pictures));
    page.family("source_bad_pictures_total", "counter", "What came and was no picture");
    page.sample("source_bad_pictures_total", "", count(&counts.bad));
    page.family(
        "source_lost_total",
        "counter",
        "How often the source was lost or could not be opened",
    );
    page.sample("source_lost_total", "", count(&counts.lost));
    page.family("frames_total", "counter", "Pictures that were looked at");
    page.sample("frames_total", "", frames);
    page.family("looking_seconds_total", "counter", "How long decoding and looking took");
    page.sample("looking_seconds_total", "", busy.as_secs_f64());
    page.family("health", "gauge", "1 for how the source is");
    for one in Condition::ALL {
        let label = format!("{{condition=\"{}\"}}", one.word());
        page.sample("health", &label, u8::from(one == condition));
    }
    page.family("viewers", "gauge", "How many are watching");
    page.sample("viewers", "", viewers);
    if let Some(link) = &view.link {
        let up = *link.state.borrow() == link::State::Up;
        page.family("orchestrator_up", "gauge", "1 while the orchestrator is connected");
        page.sample("orchestrator_up", "", u8::from(up));
        page.family(
            "orchestrator_unreadable_total",
            "counter",
            "Its messages that nobody could read",
        );
        page.sample("orchestrator_unreadable_total", "", count(&link.unreadable));
        page.family("orchestrator_updates_total", "counter", "Feature maps that were sent to it");
        page.sample("orchestrator_updates_total", "", count(&link.updates));
        page.family(
            "orchestrator_dropped_total",
            "counter",
            "Frames whose boxes it did not take in time",
        );
        page.sample("orchestrator_dropped_total", "", count(&link.dropped));
    }
    page.0
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // A string takes every line.
        let _ = writeln!(self.0, "# HELP chadburn_eye_{name} {help}");
        let _ = writeln!(self.0, "# TYPE chadburn_eye_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "chadburn_eye_{name}{labels} {value}");
    }
}
