//! What keeps a file from being replaced, as far as that shows without changing anything.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{AtFlags, unlinkat};
use rustix::io::Errno;

use crate::resolve::{Mounted, Place};

/// In such a directory only its owner, the file's own and whoever has `CAP_FOWNER` may rename or remove a file
/// (`inode(7)`).
const STICKY: u32 = 0o1000;

/// Why a file cannot be replaced although its directory may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Obstacle {
    #[error("its directory is sticky, and the file belongs to user {0}")]
    Sticky(u32),
    #[error("it is immutable (chattr -i)")]
    Immutable,
    #[error("it can be appended to only (chattr -a)")]
    AppendOnly,
    #[error("in its directory nothing can be replaced (chattr -a)")]
    AppendOnlyDirectory,
}

/// Whether something stands in the way of putting a file into this place, whatever is there.
pub(super) fn check_place(place: &Place) -> io::Result<()> {
    Mounted::check_replace(place.mount())?;
    // Of a directory that can be appended to only, not even a temporary file would be got rid of again.
    match attributes(place, None) {
        Some(Obstacle::AppendOnly) => Err(Obstacle::AppendOnlyDirectory.into()),
        _ => Ok(()),
    }
}

/// Whether something stands in the way of replacing what is at this place, which is no directory.
pub(super) fn check(place: &Place, meta: &std::fs::Metadata) -> io::Result<()> {
    // What may not be removed as a directory although it is none is not removed in any other way either: the
    // kernel asks for the right to do so first (sticky directories, `CAP_FOWNER`, user namespaces, attributes).
    match unlinkat(place.directory(), place.name(), AtFlags::REMOVEDIR) {
        Err(Errno::PERM) => {}
        _ => return Ok(()),
    }
    let is_sticky = place.stat_directory()?.mode() & STICKY != 0;
    let sticky = is_sticky.then(|| Obstacle::Sticky(meta.uid()));
    Err(attributes(place, Some(place.name())).or(sticky).map_or(Errno::PERM.into(), Into::into))
}

impl From<Obstacle> for io::Error {
    fn from(obstacle: Obstacle) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, obstacle)
    }
}

#[cfg(target_os = "linux")]
fn attributes(place: &Place, name: Option<&OsStr>) -> Option<Obstacle> {
    use rustix::fs::{StatxAttributes, StatxFlags, statx};

    let flags = if name.is_some() { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::EMPTY_PATH };
    let name = name.unwrap_or_default();
    let stat = statx(place.directory(), name, flags, StatxFlags::BASIC_STATS).ok()?;
    [
        (StatxAttributes::IMMUTABLE, Obstacle::Immutable),
        (StatxAttributes::APPEND, Obstacle::AppendOnly),
    ]
    .into_iter()
    .find(|(attribute, _)| stat.stx_attributes.contains(*attribute))
    .map(|(_, obstacle)| obstacle)
}

#[cfg(not(target_os = "linux"))]
fn attributes(_: &Place, _: Option<&OsStr>) -> Option<Obstacle> {
    None
}
