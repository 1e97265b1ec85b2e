//! A directory that outsiders may name files in, and in nothing beside it.
//!
//! A name is taken apart before it touches the disk, links that lead out of the directory lead
//! nowhere, and so do those that are not to be followed at all.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use live_file::resolve;

/// The largest file that is served.
const LARGEST: u64 = 8 * 1024 * 1024;

/// The most files that are read for the digest. Beyond, the directory was hardly meant.
const MOST: usize = 1000;

/// How deep `static/` may go.
const DEEPEST: usize = 8;

/// The directory.
#[derive(Debug)]
pub(super) struct Directory {
    /// Absolute, without links.
    root: PathBuf,
}

impl Directory {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let root = resolve::resolve(path)?.path().to_owned();
        fs::read_dir(&root)?;
        Ok(Self { root })
    }

    /// The content of the file of this name, `/` between its segments; `None` unless it is a
    /// regular file in the directory, of no more than 8 MiB, that we may read.
    pub(super) fn read(&self, name: &str) -> Option<Vec<u8>> {
        if !name.split('/').all(is_plain) {
            return None;
        }
        match self.read_plain(name) {
            Ok(content) => Some(content),
            Err(error) => {
                tracing::debug!(%error, name = %chadburn_host::log::escaped(name), "no such asset");
                None
            }
        }
    }

    fn read_plain(&self, name: &str) -> io::Result<Vec<u8>> {
        // Links within are welcome: a Kubernetes ConfigMap consists of them. Those out of
        // `static/` are not, even to what lies beside it.
        let place = resolve::resolve(&self.root.join(name))?;
        let fence = match name.split_once('/') {
            Some((folder, _)) => resolve::resolve(&self.root.join(folder))?.path().to_owned(),
            None => self.root.clone(),
        };
        if !place.path().starts_with(&fence) || !place.path().starts_with(&self.root) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let file = place.open(OFlags::RDONLY, Mode::empty())?;
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut content = Vec::new();
        if file.take(LARGEST + 1).read_to_end(&mut content)? as u64 > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(content)
    }

    /// Every file that can be asked for, with its content.
    pub(super) fn all(&self, page: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut names = vec![page.to_owned()];
        let mut pending = vec![("static".to_owned(), 1)];
        while let Some((folder, depth)) = pending.pop() {
            let Ok(entries) = fs::read_dir(self.root.join(&folder)) else {
                continue;
            };
            for entry in entries {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else {
                    continue;
                };
                let name = format!("{folder}/{name}");
                // Not the entry's own type: a link within the directory counts as what it is to.
                let Ok((metadata, _)) = resolve::stat(&entry.path()) else {
                    continue;
                };
                if metadata.is_dir() && depth < DEEPEST {
                    pending.push((name, depth + 1));
                } else if metadata.is_file() {
                    names.push(name);
                }
            }
            if names.len() > MOST {
                return Err(io::Error::other(format!("more than {MOST} files in static")));
            }
        }
        let read = |name: String| self.read(&name).map(|content| (name, content));
        Ok(names.into_iter().filter_map(read).collect())
    }
}

/// Whether a segment of a name is only that. Hidden files are nobody's business either.
fn is_plain(segment: &str) -> bool {
    !segment.is_empty()
        && !segment.starts_with('.')
        && !segment.contains(|c: char| c == '\\' || c.is_control())
}
