//! What keeps a file from being replaced, as far as that shows without touching it.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use crate::resolve::{Mounted, Place};

/// In such a directory only its owner and the file's own may rename or remove a file (`inode(7)`).
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
    #[error("it is a device, which others need")]
    Device,
}

/// Whether something stands in the way of replacing what is at this place.
pub(super) fn check(place: &Place, meta: &std::fs::Metadata) -> io::Result<()> {
    Mounted::check_replace(place.mount())?;
    let kind = meta.file_type();
    if kind.is_char_device() || kind.is_block_device() {
        return refused(Obstacle::Device);
    }
    let own = rustix::process::geteuid().as_raw();
    let directory = place.stat_directory()?;
    let ours = own == 0 || meta.uid() == own || directory.uid() == own;
    let obstacle = if directory.mode() & STICKY != 0 && !ours {
        Some(Obstacle::Sticky(meta.uid()))
    } else {
        attributes(place)
    };
    obstacle.map_or(Ok(()), refused)
}

fn refused(obstacle: Obstacle) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::PermissionDenied, obstacle))
}

#[cfg(target_os = "linux")]
fn attributes(place: &Place) -> Option<Obstacle> {
    use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};

    let flags = AtFlags::SYMLINK_NOFOLLOW;
    let stat = statx(place.directory(), place.name(), flags, StatxFlags::BASIC_STATS).ok()?;
    [
        (StatxAttributes::IMMUTABLE, Obstacle::Immutable),
        (StatxAttributes::APPEND, Obstacle::AppendOnly),
    ]
    .into_iter()
    .find(|(attribute, _)| stat.stx_attributes.contains(*attribute))
    .map(|(_, obstacle)| obstacle)
}

#[cfg(not(target_os = "linux"))]
fn attributes(_: &Place) -> Option<Obstacle> {
    None
}
