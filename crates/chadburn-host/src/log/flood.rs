//! What one place in the code may write to the log, whoever makes it do so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};

use crate::lines::Lines;

/// Where a line is written: a file, and a line of it.
type Place = (&'static str, u32);

/// Who has written how much. A clone counts with it.
#[derive(Clone, Debug)]
pub(super) struct Flood(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    lines: Mutex<Lines<Place>>,
    start: Instant,
    /// Whoever writes lines of this target counts them.
    counted: &'static str,
}

impl Flood {
    pub(super) fn start(counted: &'static str) -> Self {
        Self(Arc::new(Shared { lines: Mutex::default(), start: Instant::now(), counted }))
    }

    /// Logs what was left out of storms that are over by now.
    pub(super) fn report(&self) {
        let over = self.lines().over(self.time());
        for (place, more) in over {
            let (file, line) = place.unwrap_or_default();
            tracing::warn!(more, at = %format_args!("{file}:{line}"), "lines like these were left out");
        }
    }

    /// Whether something was left out and is not told of.
    pub(super) fn is_silent(&self) -> bool {
        self.lines().is_silent()
    }

    fn lines(&self) -> MutexGuard<'_, Lines<Place>> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn time(&self) -> Duration {
        self.0.start.elapsed()
    }
}

impl<S: Subscriber> Filter<S> for Flood {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let place = event.metadata();
        if place.target() == self.0.counted {
            return true;
        }
        let place = (place.file().unwrap_or_default(), place.line().unwrap_or_default());
        self.lines().may(place, self.time())
    }
}
