//! The newest picture in a directory, as a camera puts it there by FTP.
//!
//! A file counts when it is whole, however slowly it comes. It is polled: cameras write to any kind of mount.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::{Arrival, Sink};
use crate::picture::{BadPicture, MAX_BYTES, Picture};

/// How often it is looked at; large directories less often, so that looking takes a tenth of the time at most.
const EVERY: Duration = Duration::from_millis(100);

/// A file that is not whole and has not grown for so long will not.
const RESTS: Duration = Duration::from_secs(2);

/// The date of a directory that changed again within this time may be the same (coarse file systems: FAT has 2 s).
const COARSE: Duration = Duration::from_secs(3);

/// Of the newest files as many are looked at: the others are older still.
const NEWEST: usize = 4;

/// Looks until it cannot.
pub(super) async fn run(path: &Path, sink: &Sink) -> Result<(), String> {
    let mut folder = Folder { path: path.to_owned(), told: None, waits: None, unchanged: None };
    loop {
        let begun = Instant::now();
        let looked = spawn_blocking(move || {
            let found = folder.look();
            (folder, found)
        });
        let (again, found) = looked.await.map_err(|error| error.to_string())?;
        folder = again;
        if let Some(arrival) = found.map_err(|error| error.to_string())? {
            sink.put(arrival);
        }
        sleep(EVERY.max(9 * begun.elapsed())).await;
    }
}

/// What tells one writing of a file from another: its date first, so that they can be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    date: SystemTime,
    name: OsString,
    length: u64,
}

struct Folder {
    path: PathBuf,
    /// What was told last.
    told: Option<Version>,
    /// A newer file that was not whole, and when this version of it was first seen.
    waits: Option<(Version, SystemTime)>,
    /// The directory's date at the last look, if it tells whether there is something new.
    unchanged: Option<SystemTime>,
}

impl Folder {
    /// What is new, if anything is.
    fn look(&mut self) -> io::Result<Option<Arrival>> {
        let (date, now) = (fs::metadata(&self.path)?.modified()?, SystemTime::now());
        let stands = |version: &Version| self.version(&version.name).as_ref() == Some(version);
        if self.unchanged == Some(date)
            && self.waits.is_none()
            && self.told.as_ref().is_none_or(stands)
        {
            return Ok(None);
        }
        let newest = self.newest()?;
        let is_settled = now.duration_since(date).is_ok_and(|age| age > COARSE);
        self.unchanged = is_settled.then_some(date);
        let waited = self.waits.take();
        for version in newest {
            if self.told.as_ref().is_some_and(|told| version <= *told) {
                break;
            }
            let since = waited.as_ref().filter(|(it, _)| *it == version).map(|(_, since)| *since);
            let rests =
                since.is_some_and(|since| now.duration_since(since).is_ok_and(|it| it > RESTS));
            if since.is_some() && !rests {
                self.waits.clone_from(&waited);
                continue;
            }
            let arrival = match self.read(&version.name) {
                Ok(arrival) => arrival,
                // Cameras take old ones away.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if matches!(arrival, Err(BadPicture::Truncated)) && !rests {
                self.waits.get_or_insert((version, now));
                continue;
            }
            self.told = Some(version);
            return Ok(Some(arrival));
        }
        Ok(None)
    }

    /// The newest files that may be pictures, the newest first.
    fn newest(&self) -> io::Result<Vec<Version>> {
        let mut newest = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            if is_picture(&name)
                && let Some(version) = self.version(&name)
            {
                newest.push(version);
                if newest.len() > 64 * NEWEST {
                    newest.sort_unstable_by(|a, b| b.cmp(a));
                    newest.truncate(NEWEST);
                }
            }
        }
        newest.sort_unstable_by(|a, b| b.cmp(a));
        newest.truncate(NEWEST);
        Ok(newest)
    }

    /// How this file is now, if it is one. A link may lead to what only we can read.
    fn version(&self, name: &OsString) -> Option<Version> {
        let about =
            fs::symlink_metadata(self.path.join(name)).ok().filter(fs::Metadata::is_file)?;
        Some(Version { date: about.modified().ok()?, name: name.clone(), length: about.len() })
    }

    fn read(&self, name: &OsString) -> io::Result<Arrival> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(self.path.join(name))?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(Picture::new(bytes.into()))
    }
}

/// Whether a file is called like a picture. Those that begin with a dot are on their way.
fn is_picture(name: &OsString) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default();
    let is_known = ["jpg", "jpeg", "png"].iter().any(|it| extension.eq_ignore_ascii_case(it));
    is_known && !name.as_encoded_bytes().starts_with(b".")
}
