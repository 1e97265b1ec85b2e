//! Where a path leads, and the opening of what is there.
//!
//! Who may write a directory may put a symbolic link into it, and this process, which reads with its
//! own rights, would tell everybody what only it may read. So a path is walked component by
//! component, and only links of root and of the process's own user are followed. What is opened is
//! opened where the walk ended, and judged by its descriptor. What a file says is not known here.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::user;
use judge::{judge, judge_secret};

pub use judge::keep_secret;
pub use mount::{Mount, Mounted};

mod foreign;
mod judge;
mod mount;

/// The most links that are followed on one way, as in the kernel (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// How a directory is opened that is only walked through: for that the right to search it is enough.
#[cfg(target_os = "linux")]
const WALK: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const WALK: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// How anything is opened: what stands there may be a FIFO or a terminal.
const CALM: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Why a path is not followed, or what it leads to not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A link on the way is neither root's nor this process's own user's.
    #[error(
        "the link {} belongs to user {owner}, and only those of root and of this process's own user \
         are followed",
        link.display()
    )]
    Link {
        /// The link.
        link: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// What is on procfs says something else to each process.
    #[error("it is on procfs, which tells of this process itself")]
    Procfs,
    /// It is kept from everybody but whoever reads secrets.
    #[error("it is a file with a secret of this process's own")]
    Secret,
    /// Somebody may have linked a file here that he may not read, or not write.
    #[error(
        "it has {0} names, and where fs.protected_hardlinks is 0 anybody may have given it one; \
         leave it one, or set that to 1"
    )]
    HardLinks(u64),
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, refusal)
    }
}

/// Where a path leads: a name in a directory, which is no link that was to be followed. Whether
/// anything has that name is not said.
#[derive(Debug)]
pub struct Place {
    directory: OwnedFd,
    name: OsString,
    path: PathBuf,
    link: bool,
}

/// Where this path leads, all links followed.
pub fn resolve(path: &Path) -> io::Result<Place> {
    walk(path, true)
}

/// The name at the end of this path in its directory, be it a link or not.
pub fn parent(path: &Path) -> io::Result<Place> {
    walk(path, false)
}

/// What stands at the end of this path, and its place.
pub fn stat(path: &Path) -> io::Result<(std::fs::Metadata, Place)> {
    let place = resolve(path)?;
    Ok((place.stat()?, place))
}

/// Opens what stands at the end of this path. It waits for nothing.
pub fn open(path: &Path, flags: OFlags) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    if let Some(file) = without_links(path, flags | CALM) {
        return file.and_then(|file| judge(file, flags));
    }
    resolve(path)?.open(flags, Mode::empty())
}

/// Opens a path on which there is no link at all with one call, where the kernel has it (5.6).
/// Nothing, if the path must be walked.
#[cfg(target_os = "linux")]
fn without_links(path: &Path, flags: OFlags) -> Option<io::Result<File>> {
    use rustix::fs::{ResolveFlags, openat2};

    let none = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(CWD, path, flags | OFlags::CLOEXEC, Mode::empty(), none) {
        Ok(file) => Some(Ok(file.into())),
        // There is a link; or the kernel does not know the call, or a filter forbids it.
        Err(Errno::LOOP | Errno::NOSYS | Errno::PERM | Errno::INVAL | Errno::TOOBIG) => None,
        Err(error) => Some(Err(error.into())),
    }
}

impl Place {
    /// The directory. Where the system has `O_PATH`, it can be walked through only.
    #[must_use]
    pub(crate) fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    /// The name in it.
    #[must_use]
    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    /// The way on which it was reached, without links; for comparison and display only.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path itself is a symbolic link.
    #[must_use]
    pub(crate) fn is_link(&self) -> bool {
        self.link
    }

    /// What has this name; a link is not followed.
    pub fn stat(&self) -> io::Result<std::fs::Metadata> {
        #[cfg(target_os = "linux")]
        {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = openat(&self.directory, &self.name, flags, Mode::empty())?;
            File::from(file).metadata()
        }
        // Whatever is done afterwards is judged by its own descriptor.
        #[cfg(not(target_os = "linux"))]
        self.path.symlink_metadata()
    }

    /// What the directory is.
    pub(crate) fn stat_directory(&self) -> io::Result<std::fs::Metadata> {
        File::from(self.directory.try_clone()?).metadata()
    }

    /// Opens what has this name, or makes it if the flags say so. It waits for nothing.
    pub fn open(&self, flags: OFlags, mode: Mode) -> io::Result<File> {
        self.open_unjudged(flags, mode).and_then(|file| judge(file, flags))
    }

    /// Opens what has this name for reading, although it may be a secret.
    pub fn open_secret(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY;
        self.open_unjudged(flags, Mode::empty()).and_then(|file| judge_secret(file, flags))
    }

    fn open_unjudged(&self, flags: OFlags, mode: Mode) -> io::Result<File> {
        let flags = flags | CALM | OFlags::NOFOLLOW;
        match openat(&self.directory, &self.name, flags, mode) {
            Ok(file) => Ok(file.into()),
            // A link was put there since.
            Err(Errno::LOOP) => Err(io::ErrorKind::PermissionDenied.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Renames what has this name in the same directory to the place's own, in the place of whatever
    /// has that.
    pub fn take(&self, name: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.directory, name, &self.directory, &self.name)?)
    }

    /// Removes the file, or the link itself.
    pub fn remove(&self) -> io::Result<()> {
        Ok(unlinkat(&self.directory, &self.name, AtFlags::empty())?)
    }

    /// Makes what was renamed, made or removed in the directory durable.
    pub fn sync_directory(&self) -> io::Result<()> {
        // The place's own descriptor may be for walking through only.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        File::from(openat(&self.directory, ".", flags, Mode::empty())?).sync_all()
    }
}

fn walk(path: &Path, follow_last: bool) -> io::Result<Place> {
    let path = std::path::absolute(path)?;
    let (mut at, mut way, mut ahead) = start(&path)?;
    let (mut links, mut link) = (0, false);
    while let Some(name) = ahead.pop() {
        if name == ".." {
            at = openat(&at, "..", WALK, Mode::empty())?;
            way.pop();
            continue;
        }
        let last = ahead.is_empty();
        if !last {
            match openat(&at, &name, WALK | OFlags::NOFOLLOW, Mode::empty()) {
                Ok(directory) => {
                    at = directory;
                    way.push(name);
                    continue;
                }
                Err(Errno::LOOP | Errno::NOTDIR) => {}
                Err(error) => return Err(error.into()),
            }
        } else if !follow_last {
            return Ok(Place { directory: at, path: way.join(&name), name, link });
        }
        let there = way.join(&name);
        let Some((owner, target)) = read_link(&at, &name)? else {
            if last {
                return Ok(Place { directory: at, name, path: there, link });
            }
            return Err(io::ErrorKind::NotADirectory.into());
        };
        if !user::is_own(owner) {
            return Err(Refusal::Link { link: there, owner }.into());
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(Errno::LOOP.into());
        }
        link |= last;
        if target.is_absolute() {
            (at, way) = (root()?, PathBuf::from("/"));
        }
        push(&mut ahead, &target);
    }
    // It ends with the root or with `..`.
    Ok(Place { directory: at, name: ".".into(), path: way, link })
}

/// Where the walk begins: the directory, its path and what is ahead, the next one last. On a path
/// without links that is at once the last directory.
fn start(path: &Path) -> io::Result<(OwnedFd, PathBuf, Vec<OsString>)> {
    #[cfg(target_os = "linux")]
    if let (Some(parent), Some(name)) = (path.parent(), path.file_name())
        && let Some(directory) = without_links(parent, WALK)
    {
        let mut way = PathBuf::from("/");
        for component in parent.components() {
            match component {
                Component::Normal(name) => way.push(name),
                Component::ParentDir => drop(way.pop()),
                _ => {}
            }
        }
        return Ok((directory?.into(), way, vec![name.to_owned()]));
    }
    let mut ahead = Vec::new();
    push(&mut ahead, path);
    Ok((root()?, PathBuf::from("/"), ahead))
}

fn root() -> io::Result<OwnedFd> {
    Ok(openat(CWD, "/", WALK, Mode::empty())?)
}

/// Puts the components of this path before those that are ahead.
fn push(ahead: &mut Vec<OsString>, path: &Path) {
    let names = path.components().rev().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    ahead.extend(names);
}

/// Whose link this is, and where it leads; nothing, if it is no link or not there. Both are of the
/// same link, whatever is put there meanwhile.
#[cfg(target_os = "linux")]
fn read_link(at: &OwnedFd, name: &OsStr) -> io::Result<Option<(u32, PathBuf)>> {
    use rustix::fs::{FileType, fstat, readlinkat};

    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let link = match openat(at, name, flags, Mode::empty()) {
        Ok(link) => link,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let stat = fstat(&link)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
        return Ok(None);
    }
    let target = readlinkat(&link, "", Vec::new())?;
    Ok(Some((stat.st_uid, OsString::from_vec(target.into_bytes()).into())))
}

#[cfg(not(target_os = "linux"))]
fn read_link(at: &OwnedFd, name: &OsStr) -> io::Result<Option<(u32, PathBuf)>> {
    use rustix::fs::{AtFlags, FileType, readlinkat, statat};

    loop {
        let stat = || statat(at, name, AtFlags::SYMLINK_NOFOLLOW);
        let before = match stat() {
            Ok(before) => before,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if FileType::from_raw_mode(before.st_mode) != FileType::Symlink {
            return Ok(None);
        }
        let target = readlinkat(at, name, Vec::new())?;
        let after = stat()?;
        if (before.st_ino, before.st_ctime) == (after.st_ino, after.st_ctime) {
            return Ok(Some((after.st_uid, OsString::from_vec(target.into_bytes()).into())));
        }
    }
}

#[cfg(test)]
mod tests;
