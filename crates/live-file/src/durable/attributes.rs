//! The owner, group, mode and access list of a file, which the one that replaces it takes over.
//!
//! What cannot be set fails nothing, what is right already is not set, and at no moment has anybody
//! more rights than he had in the file before.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use rustix::fs::{Gid, Uid, fchown};
use tracing::debug;

use super::steps::{FailPoint, WriteStep};
use crate::acl::Acl;
use crate::resolve::Place;

/// The permission bits of a mode; set-user-ID and the like are not for files of text.
const PERMISSIONS: u32 = 0o777;

/// What is to be taken over.
#[derive(Debug)]
pub(super) struct Attributes {
    owner: u32,
    group: u32,
    mode: u32,
    acl: Option<Acl>,
    /// Whether there is a list could not be found out.
    unknown_acl: bool,
}

impl Attributes {
    /// Those of the file that is at this place.
    pub(super) fn of(place: &Place, meta: &Metadata) -> Self {
        Self::with(meta, Acl::of_place(place))
    }

    /// Those of a file with this list.
    pub(super) fn with(meta: &Metadata, acl: io::Result<Option<Acl>>) -> Self {
        let (acl, unknown_acl) = match acl {
            Ok(acl) => (acl, false),
            Err(error) => {
                failed("access list", &error);
                (None, true)
            }
        };
        let mode = meta.mode() & PERMISSIONS;
        Self { owner: meta.uid(), group: meta.gid(), mode, acl, unknown_acl }
    }

    /// The mode that the new file is made with: nobody but its owner has any right yet.
    pub(super) fn first_mode(&self) -> u32 {
        self.mode & 0o600
    }

    /// Gives them to the new file, as far as that can be done.
    pub(super) fn give(&self, file: &File, fail_point: &FailPoint) {
        if let Err(error) = self.give_owner(file, fail_point) {
            failed("owner and group", &error);
        }
        let group_kept = match file.metadata() {
            // The group's bits would be the mask of a list that nobody knows.
            Ok(meta) => meta.gid() == self.group && !self.unknown_acl,
            Err(error) => return failed("mode", &error),
        };
        let acl =
            self.acl.as_ref().map(|acl| if group_kept { acl.clone() } else { acl.narrowed() });
        let now = Acl::of_file(file);
        let mode = match (&acl, &now) {
            (Some(acl), now) => {
                let given = if now.as_ref().is_ok_and(|now| now.as_ref() == Some(acl)) {
                    Ok(())
                } else {
                    (fail_point.0)(WriteStep::Acl).and_then(|()| acl.give(file))
                };
                match given {
                    Ok(()) => return,
                    Err(error) => failed("access list", &error),
                }
                self.mode & 0o700 | acl.without()
            }
            (None, Ok(Some(_)) | Err(_)) => {
                match (fail_point.0)(WriteStep::Acl).and_then(|()| Acl::remove(file)) {
                    Ok(()) => self.bare_mode(group_kept),
                    Err(error) => {
                        failed("access list", &error);
                        // The group's bits would be the mask of whom the directory names.
                        self.bare_mode(group_kept) & 0o707
                    }
                }
            }
            (None, Ok(None)) => self.bare_mode(group_kept),
        };
        if let Err(error) = give_mode(file, mode, fail_point) {
            failed("mode", &error);
        }
    }

    fn give_owner(&self, file: &File, fail_point: &FailPoint) -> io::Result<()> {
        let meta = file.metadata()?;
        let owner = (meta.uid() != self.owner).then(|| Uid::from_raw(self.owner));
        let group = (meta.gid() != self.group).then(|| Gid::from_raw(self.group));
        if owner.is_none() && group.is_none() {
            return Ok(());
        }
        (fail_point.0)(WriteStep::Own)?;
        // Only root can give a file away.
        let result = fchown(file, owner, group);
        if result.is_err() && owner.is_some() && group.is_some() {
            return Ok(fchown(file, None, group)?);
        }
        Ok(result?)
    }

    /// The mode without an access list. A group that could not be kept is one of all others, and
    /// those of the old one are, too. So is one of which it is not known what it might.
    fn bare_mode(&self, group_kept: bool) -> u32 {
        if group_kept {
            return self.mode;
        }
        let both = (self.mode >> 3) & self.mode & 0o007;
        self.mode & 0o700 | both << 3 | both
    }
}

fn failed(what: &str, error: &dyn std::fmt::Display) {
    debug!(what, %error, "cannot be kept");
}

fn give_mode(file: &File, mode: u32, fail_point: &FailPoint) -> io::Result<()> {
    if file.metadata()?.mode() & PERMISSIONS == mode {
        return Ok(());
    }
    (fail_point.0)(WriteStep::Mode)?;
    file.set_permissions(Permissions::from_mode(mode))
}
