//! Files that are mounted alone, as into a container: hands write what has the name outside, and the
//! server sees what was mounted, whatever has that name now.

use chadburn::file::File;
use live_file::resolve::Mount;
use live_file::source::look::Kind;

use super::{Disk, Index};
use crate::faults::Fault;
use crate::kernel::Raw;

/// How it shows that what is mounted has lost its name: it has none, by this kernel's doing or by that of
/// a server elsewhere, or it has another.
const LOST: [Mount; 3] = [
    Mount { links: 0, unlinked: true, directory: false },
    Mount { links: 0, unlinked: false, directory: false },
    Mount { links: 1, unlinked: true, directory: false },
];

/// A mount over one file.
#[derive(Debug)]
pub(super) struct Over {
    /// What is mounted.
    root: Index,
    /// What it covers.
    below: Index,
    /// How it shows.
    shows: Mount,
}

impl Disk {
    /// A file that somebody has made, and holds, is mounted over the one that has this name, if there is
    /// one; it has the same name outside.
    pub fn mount(&mut self, file: File, root: Index) {
        let is_file = |index: &Index| self.inodes[*index].kind == Kind::Regular;
        let Some(below) = self.at(file).filter(is_file) else { return };
        self.book.count(Fault::Mounted);
        // By the mount, and by its name.
        self.hold(root);
        self.hold(root);
        let shows = Mount { links: 1, unlinked: false, directory: false };
        self.mounts[file as usize] = Some(Over { root, below, shows });
        self.names[file as usize] = Some(root);
        self.changes_mount(file);
    }

    /// It is unmounted; whoever goes on to write outside is not seen any more.
    pub fn unmount(&mut self, file: File) {
        let Some(Over { root, below, .. }) = self.mounts[file as usize].take() else { return };
        if let Some(outside) = self.names[file as usize].replace(below) {
            self.release(outside);
        }
        self.release(root);
        self.share(below);
        self.changes_mount(file);
    }

    /// Until the server has noticed, nothing is sure.
    fn changes_mount(&mut self, file: File) {
        self.mounted_at[file as usize] = self.book.now();
        self.truth[file as usize].watched(None, false);
        self.unheard(file, |disk| disk.emit(file, Raw::Attrib));
    }

    /// What the server sees at this name.
    #[must_use]
    pub fn seen(&self, file: File) -> Option<Index> {
        self.mounts[file as usize].as_ref().map_or(self.names[file as usize], |it| Some(it.root))
    }

    /// What is mounted at this name.
    #[must_use]
    pub fn mounted(&self, file: File) -> Option<Mount> {
        self.mounts[file as usize].as_ref().map(|over| over.shows)
    }

    /// Whether anything is mounted at this name.
    #[must_use]
    pub fn is_mounted(&self, file: File) -> bool {
        self.mounts[file as usize].is_some()
    }

    /// Whether what is mounted there has lost its name outside.
    #[must_use]
    pub fn is_replaced(&self, file: File) -> bool {
        self.mounted(file).is_some_and(|shows| LOST.contains(&shows))
    }

    /// Whether something was mounted there or unmounted within this time.
    #[must_use]
    pub fn is_remounted_within(&self, file: File, time: u64) -> bool {
        let at = self.mounted_at[file as usize];
        at > 0 && self.book.now() < at + time
    }

    /// A file loses its name outside for good.
    pub(super) fn loses_name(&mut self, file: File, index: Index) {
        let how = LOST[index % LOST.len()];
        if let Some(over) = self.mounts[file as usize].as_mut().filter(|over| over.root == index) {
            over.shows = how;
            self.book.count(Fault::Replaced);
        }
    }
}
