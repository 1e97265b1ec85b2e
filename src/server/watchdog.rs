//! Which files' disks do not answer, told to the hub: it decides, and waits for none of them.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

use crate::file::File;
use crate::hub::{Event, Handle, Input};
use chadburn_host::log::escaped;
use live_file::disk::{Calls, no_answer};

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(500);

/// A file, and its calls.
#[derive(Debug)]
pub(super) struct Watched {
    file: File,
    /// What it is called in a sentence.
    name: String,
    calls: Calls,
}

impl Watched {
    pub(super) fn new(file: File, path: &Path, calls: &Calls) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { file, name, calls: calls.clone() }
    }
}

/// Tells the hub whenever the calls of one of these hang, for how long, and when they are back.
pub(super) async fn watch(files: &[Watched], hub: &Handle) -> Infallible {
    let mut told = vec![None; files.len()];
    loop {
        sleep(EVERY).await;
        for (Watched { file, name, calls }, told) in files.iter().zip(&mut told) {
            let why = calls.unanswered().map(|time| no_answer(name, time));
            if why == *told {
                continue;
            }
            match (&told, &why) {
                (None, Some(why)) => tracing::warn!("{}", escaped(why)),
                (Some(_), None) => tracing::info!("{} answers again", escaped(name)),
                _ => {}
            }
            told.clone_from(&why);
            // A hub that has ended has nobody left to tell.
            let _ = hub.send(Input::Event(Event::Unanswered { file: *file, why })).await;
        }
    }
}
