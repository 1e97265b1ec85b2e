//! A file's access list (`acl(5)`), as the kernel stores it in an extended attribute.

use std::fs::File;
use std::io;

use crate::resolve::Place;

/// A list: as many bytes as its header has, then entries of eight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl(Vec<u8>);

/// Bytes before the first entry: the version (`linux/posix_acl_xattr.h`).
const HEADER: usize = 4;

/// Bytes of an entry: tag, rights, and whose they are.
const ENTRY: usize = 8;

/// The tags (`linux/posix_acl.h`).
const USER: u16 = 0x02;
const GROUP_OF_FILE: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHERS: u16 = 0x20;

impl Acl {
    #[cfg(test)]
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Tag, rights, and whose they are.
    fn entries(&self) -> impl Iterator<Item = (u16, u16, u32)> {
        let entries = self.0.get(HEADER..).unwrap_or_default().chunks_exact(ENTRY);
        entries.map(|it| {
            let short = |at: usize| u16::from_le_bytes([it[at], it[at + 1]]);
            (short(0), short(2), u32::from_le_bytes([it[4], it[5], it[6], it[7]]))
        })
    }

    /// What the file's group may, and what those may, all together, whom the list names: users beside
    /// root and this one, and groups. Within the mask.
    #[must_use]
    pub fn group_and_named(&self, own: u32) -> (u16, u16) {
        let mask = self.rights(MASK).unwrap_or(7);
        let named = self.entries().filter(|(tag, _, number)| match *tag {
            USER => *number != 0 && *number != own,
            GROUP => true,
            _ => false,
        });
        (self.group_and_others().0, named.fold(0, |all, (_, rights, _)| all | rights & mask))
    }

    fn rights(&self, tag: u16) -> Option<u16> {
        self.entries().find(|(it, ..)| *it == tag).map(|(_, rights, _)| rights)
    }

    /// What the file's group and all others may: their rights, within the mask.
    fn group_and_others(&self) -> (u16, u16) {
        let group = self.rights(GROUP_OF_FILE).unwrap_or(0) & self.rights(MASK).unwrap_or(7);
        (group, self.rights(OTHERS).unwrap_or(0))
    }

    /// The same list for a file of another group: that was one of all others, and those of the old
    /// one now are.
    #[must_use]
    pub(crate) fn narrowed(&self) -> Self {
        let (group, others) = self.group_and_others();
        let [low, high] = (group & others).to_le_bytes();
        let mut bytes = self.0.clone();
        for entry in bytes.get_mut(HEADER..).unwrap_or_default().chunks_exact_mut(ENTRY) {
            if matches!(u16::from_le_bytes([entry[0], entry[1]]), GROUP_OF_FILE | OTHERS) {
                (entry[2], entry[3]) = (low, high);
            }
        }
        Self(bytes)
    }

    /// The group's and the others' bits of a mode that gives nobody more than the list does: whom
    /// it names may be in either.
    #[must_use]
    pub(crate) fn without(&self) -> u32 {
        let mask = self.rights(MASK).unwrap_or(7);
        let named = self.entries().filter(|(tag, ..)| matches!(*tag, USER | GROUP));
        let least = named.fold(7, |least, (_, rights, _)| least & rights & mask);
        let (group, others) = self.group_and_others();
        u32::from(group & least) << 3 | u32::from(others & least)
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::os::fd::AsRawFd;
    use std::path::Path;

    use rustix::buffer::spare_capacity;
    use rustix::fs::{XattrFlags, fgetxattr, fremovexattr, fsetxattr, lgetxattr};
    use rustix::io::Errno;

    use super::{Acl, File, Place, io};

    const NAME: &str = "system.posix_acl_access";

    /// The largest value of an attribute, in bytes (`xattr(7)`).
    const LARGEST: usize = 64 * 1024;

    impl Acl {
        /// That of the file at this place, if it has one.
        pub(crate) fn of_place(place: &Place) -> io::Result<Option<Self>> {
            // By the directory that was walked to, where there is procfs.
            let directory = format!("/proc/self/fd/{}", place.directory().as_raw_fd());
            let read = Self::of_path(&Path::new(&directory).join(place.name()));
            read.or_else(|_| Self::of_path(place.path()))
        }

        /// That of what is at this path itself, if it has one.
        pub fn of_path(path: &Path) -> io::Result<Option<Self>> {
            Self::read(|value| lgetxattr(path, NAME, spare_capacity(value)))
        }

        /// That of an open file, if it has one.
        pub fn of_file(file: &File) -> io::Result<Option<Self>> {
            Self::read(|value| fgetxattr(file, NAME, spare_capacity(value)))
        }

        fn read(
            read: impl FnOnce(&mut Vec<u8>) -> rustix::io::Result<usize>,
        ) -> io::Result<Option<Self>> {
            let mut value = Vec::with_capacity(LARGEST);
            match read(&mut value) {
                Ok(_) => Ok(Some(Self(value))),
                // It has none, or the file system knows none.
                Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(None),
                Err(error) => Err(error.into()),
            }
        }

        /// Gives it to this file, and with it the mode.
        pub(crate) fn give(&self, file: &File) -> io::Result<()> {
            Ok(fsetxattr(file, NAME, &self.0, XattrFlags::empty())?)
        }

        /// Takes it from this file.
        pub(crate) fn remove(file: &File) -> io::Result<()> {
            match fremovexattr(file, NAME) {
                // It has none, or the file system knows none.
                Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// Elsewhere lists are of another kind, and are neither read nor given.
#[cfg(not(target_os = "linux"))]
impl Acl {
    pub(crate) fn of_place(_: &Place) -> io::Result<Option<Self>> {
        Ok(None)
    }

    pub fn of_path(_: &std::path::Path) -> io::Result<Option<Self>> {
        Ok(None)
    }

    pub fn of_file(_: &File) -> io::Result<Option<Self>> {
        Ok(None)
    }

    pub(crate) fn give(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn remove(_: &File) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(entries: &[(u16, u16)]) -> Acl {
        let entry = |&(tag, rights): &(u16, u16)| {
            let [a, b] = tag.to_le_bytes();
            let [c, d] = rights.to_le_bytes();
            [a, b, c, d, 1, 2, 3, 4]
        };
        Acl([2, 0, 0, 0].into_iter().chain(entries.iter().flat_map(entry)).collect())
    }

    #[test]
    fn a_mode_in_the_place_of_a_list_gives_nobody_more() {
        for (entries, mode) in [
            // Whoever is named and may less than others must not become one of them.
            (&[(1, 6), (USER, 0), (GROUP_OF_FILE, 6), (MASK, 6), (OTHERS, 4)][..], 0),
            (&[(1, 6), (USER, 6), (GROUP_OF_FILE, 0), (MASK, 6), (OTHERS, 0)], 0),
            (&[(1, 6), (USER, 6), (GROUP_OF_FILE, 6), (MASK, 4), (OTHERS, 4)], 0o44),
            (&[(1, 6), (GROUP_OF_FILE, 4), (GROUP, 6), (MASK, 6), (OTHERS, 4)], 0o44),
            (&[(1, 6), (GROUP_OF_FILE, 6), (OTHERS, 4)], 0o64),
            (&[], 0),
        ] {
            assert_eq!(acl(entries).without(), mode, "{entries:?}");
        }
        assert_eq!(Acl(vec![2, 0]).without(), 0);
    }

    #[test]
    fn a_list_for_another_group_gives_it_what_all_have() {
        let old = acl(&[(1, 6), (USER, 6), (GROUP_OF_FILE, 6), (MASK, 6), (OTHERS, 4)]);
        let new = acl(&[(1, 6), (USER, 6), (GROUP_OF_FILE, 4), (MASK, 6), (OTHERS, 4)]);
        assert_eq!(old.narrowed(), new);
        let denied = acl(&[(1, 6), (GROUP_OF_FILE, 0), (MASK, 6), (OTHERS, 4)]);
        assert_eq!(denied.narrowed(), acl(&[(1, 6), (GROUP_OF_FILE, 0), (MASK, 6), (OTHERS, 0)]));
    }

    #[test]
    fn whom_a_list_names_is_another() {
        const OWN: u32 = 1_000;
        let list = |entries: &[(u16, u16, u32)]| {
            let entry = |&(tag, rights, number): &(u16, u16, u32)| {
                [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &number.to_le_bytes()].concat()
            };
            Acl([2, 0, 0, 0].into_iter().chain(entries.iter().flat_map(entry)).collect())
        };
        for (entries, group, named) in [
            (&[(USER, 4, 7), (GROUP_OF_FILE, 0, 0), (MASK, 4, 0)][..], 0, 4),
            (&[(USER, 6, 7), (GROUP_OF_FILE, 4, 0), (MASK, 4, 0)], 4, 4),
            (&[(USER, 6, OWN), (USER, 6, 0), (GROUP_OF_FILE, 0, 0), (MASK, 6, 0)], 0, 0),
            (&[(GROUP, 6, OWN), (GROUP_OF_FILE, 4, 0), (MASK, 6, 0)], 4, 6),
        ] {
            assert_eq!(list(entries).group_and_named(OWN), (group, named), "{entries:?}");
        }
    }
}
