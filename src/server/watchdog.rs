//! Which files' disks do not answer, told to the hub: it decides, and waits for none of them.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::sleep;

use crate::file::File;
use crate::hub::{Event, Handle, Input};
use live_file::disk::Monitor;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(500);

/// Tells the hub whenever the calls of one of these hang, for how long, and when they are back.
pub(super) async fn watch(files: &mut [(File, Monitor)], hub: &Handle) -> Infallible {
    loop {
        sleep(EVERY).await;
        for (file, monitor) in files.iter_mut() {
            if monitor.changes() {
                let why = monitor.why().cloned();
                // A hub that has ended has nobody left to tell.
                let _ = hub.send(Input::Event(Event::Unanswered { file: *file, why })).await;
            }
        }
    }
}
