//! What is not read although it can be.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;

use super::Refusal;

/// Files with secrets, by the path that each was given as, with their numbers. They stay open, so that these stay
/// theirs, and are not asked again: their disk may hang, and holds up the reading of no other file.
static SECRETS: Mutex<BTreeMap<PathBuf, (File, Numbers)>> = Mutex::new(BTreeMap::new());

/// Device and inode.
type Numbers = (u64, u64);

/// Keeps this file, the one that is given as `path`, from being read as anything else, in whatever
/// place it is found. One that was given so before is free.
///
/// # Errors
///
/// It cannot be told which file it is.
pub fn keep_secret(path: &Path, file: File) -> io::Result<()> {
    let numbers = numbers(&file)?;
    let mut secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
    let before = secrets.insert(path.into(), (file, numbers));
    drop(secrets);
    // To close it may take as long as its disk likes.
    drop(before);
    Ok(())
}

fn numbers(file: &File) -> io::Result<Numbers> {
    file.metadata().map(|meta| (meta.dev(), meta.ino()))
}

/// Hands the file that was opened so back, if what is in it may be told, or changed.
pub(super) fn judge(file: File, flags: OFlags) -> io::Result<File> {
    let file = judge_secret(file, flags)?;
    let secrets = || SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
    // Nothing is asked of a disk with the lock held.
    let some = !secrets().is_empty();
    if some {
        let this = numbers(&file)?;
        if secrets().values().any(|(_, secret)| *secret == this) {
            return Err(Refusal::Secret.into());
        }
    }
    Ok(file)
}

/// Hands the open file back, if nobody else can have led us to it.
#[cfg(target_os = "linux")]
pub(super) fn judge_secret(file: File, flags: OFlags) -> io::Result<File> {
    refusal(&file, flags, hard_links_are_protected)?.map_or(Ok(file), |refusal| Err(refusal.into()))
}

#[cfg(target_os = "linux")]
fn refusal(
    file: &File,
    flags: OFlags,
    protected: impl FnOnce() -> bool,
) -> io::Result<Option<Refusal>> {
    use rustix::fs::{PROC_SUPER_MAGIC, fstatfs, major};

    let meta = file.metadata()?;
    // Only file systems without a device of their own need be asked, which may take a network.
    if major(meta.dev()) == 0 && fstatfs(file).is_ok_and(|it| it.f_type == PROC_SUPER_MAGIC) {
        return Ok(Some(Refusal::Procfs));
    }
    let is_written = flags.intersects(OFlags::WRONLY | OFlags::RDWR);
    let of_all = if is_written { READ_BY_OTHERS | WRITTEN_BY_OTHERS } else { READ_BY_OTHERS };
    let hidden = meta.is_file() && meta.nlink() > 1 && meta.mode() & of_all != of_all;
    Ok((hidden && !protected()).then(|| Refusal::HardLinks(meta.nlink())))
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "other systems have more to judge")]
pub(super) fn judge_secret(file: File, _: OFlags) -> io::Result<File> {
    Ok(file)
}

/// What the mode of a file has if everybody may read it (`S_IROTH`).
#[cfg(target_os = "linux")]
const READ_BY_OTHERS: u32 = 0o004;

/// What it has if everybody may write it (`S_IWOTH`).
#[cfg(target_os = "linux")]
const WRITTEN_BY_OTHERS: u32 = 0o002;

/// Whether the kernel lets nobody link a file that he may not read and write (`proc_sys_fs(5)`).
#[cfg(target_os = "linux")]
fn hard_links_are_protected() -> bool {
    // Without procfs nothing is known, and the kernel's default is that they are not.
    std::fs::read("/proc/sys/fs/protected_hardlinks").is_ok_and(|bytes| bytes.starts_with(b"1"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_second_name_of_a_file_that_not_all_may_read_or_write_is_refused_where_none_is_guarded() {
        use std::os::unix::fs::PermissionsExt;

        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("one");
        fs::write(&path, "7").unwrap();
        let judged_for = |flags, mode, protected| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            refusal(&File::open(&path).unwrap(), flags, || protected).unwrap()
        };
        let judged = |mode, protected| judged_for(OFlags::RDONLY, mode, protected);
        assert_eq!(judged(0o600, false), None);
        fs::hard_link(&path, desk.path().join("two")).unwrap();
        assert_eq!(judged(0o600, true), None);
        assert_eq!(judged(0o644, false), None);
        for mode in [0o600, 0o640, 0o660] {
            assert_eq!(judged(mode, false), Some(Refusal::HardLinks(2)), "{mode:o}");
        }
        // Whoever may write the directory has us change what he may not.
        for flags in [OFlags::RDWR | OFlags::APPEND, OFlags::WRONLY] {
            for mode in [0o644, 0o664, 0o660, 0o602] {
                assert_eq!(judged_for(flags, mode, false), Some(Refusal::HardLinks(2)), "{mode:o}");
                assert_eq!(judged_for(flags, mode, true), None, "{mode:o}");
            }
            assert_eq!(judged_for(flags, 0o666, false), None);
        }
    }
}
