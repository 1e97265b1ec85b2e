//! Who beside its owner can read, change or replace a file with a secret in it.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{StatVfsMountFlags, fstatvfs};
use thiserror::Error;

use super::group;
use live_file::acl::Acl;
use live_file::resolve::{Place, parent};

/// What the mode says of the group and of all others (`inode(7)`).
const GROUP_READS: u32 = 0o040;
const GROUP_WRITES: u32 = 0o020;
const ALL_READ: u32 = 0o004;
const ALL_WRITE: u32 = 0o002;
/// In such a directory only its owner and the file's own may rename or remove a file.
const STICKY: u32 = 0o1000;

/// Why what is in the file cannot be a secret.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum Unsafe {
    /// It is somebody else's.
    #[error("it belongs to user {0}, who can change it")]
    Owner(u32),
    /// Others may write it.
    #[error("others can write it (mode {0:03o}): chmod 600")]
    Written(u32),
    /// Others may read it.
    #[error("others can read it (mode {0:03o}): chmod 600")]
    Read(u32),
    /// Others may put another file into its place.
    #[error(
        "others can replace it, because they can write {}: put it into a directory of mode 700",
        .0.display()
    )]
    Replaced(PathBuf),
}

/// What one may want to know of a file that is safe enough.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Doubt {
    /// Everybody here may read it, because whoever made the container wants it so.
    #[error("everybody in this container can read it (mode {0:03o})")]
    Read(u32),
}

/// What decides about a file or directory.
#[derive(Clone, Copy, Debug)]
struct Facts {
    owner: u32,
    group: u32,
    mode: u32,
    /// What its access list gives to others by name, as the bits of a mode that all others have.
    named: u32,
}

impl Facts {
    /// Where there is an access list, the group's bits of the mode are the list's mask (`acl(5)`).
    fn new(meta: &Metadata, list: Option<&Acl>, own: u32) -> Self {
        let (owner, group, mode) = (meta.uid(), meta.gid(), meta.mode());
        let Some((of_group, named)) = list.map(|list| list.group_and_named(own)) else {
            return Self { owner, group, mode, named: 0 };
        };
        let mode = mode & !0o070 | u32::from(of_group) << 3;
        Self { owner, group, mode, named: u32::from(named) }
    }
}

/// Judges the open file at this place, which was given as `path`.
pub(super) fn judge(
    path: &Path,
    place: &Place,
    file: &File,
) -> io::Result<Result<Vec<Doubt>, Unsafe>> {
    let own = rustix::process::geteuid().as_raw();
    let mut directories: Vec<(PathBuf, Facts)> = Vec::new();
    for way in [place.path(), parent(path)?.path()] {
        for directory in way.ancestors().skip(1) {
            if !directories.iter().any(|(known, _)| known == directory) {
                let (meta, list) = (directory.symlink_metadata()?, Acl::of_path(directory)?);
                directories.push((directory.into(), Facts::new(&meta, list.as_ref(), own)));
            }
        }
    }
    let read_only = fstatvfs(file)?.f_flag.contains(StatVfsMountFlags::RDONLY);
    let shared = |group| group::has_others(group, own);
    let facts = Facts::new(&file.metadata()?, Acl::of_file(file)?.as_ref(), own);
    Ok(judged(facts, read_only, &directories, own, shared))
}

fn judged(
    file: Facts,
    read_only: bool,
    directories: &[(PathBuf, Facts)],
    own: u32,
    shared: impl Fn(u32) -> bool,
) -> Result<Vec<Doubt>, Unsafe> {
    let ours = |facts: &Facts| facts.owner == 0 || facts.owner == own;
    let mode = file.mode & 0o777;
    if !ours(&file) {
        return Err(Unsafe::Owner(file.owner));
    }
    let group = mode & GROUP_READS != 0 && shared(file.group);
    let read = (mode | file.named) & ALL_READ != 0 || group;
    if file.owner == 0 && read_only {
        return Ok(if read { vec![Doubt::Read(mode)] } else { Vec::new() });
    }
    if (mode | file.named) & (GROUP_WRITES | ALL_WRITE) != 0 {
        return Err(Unsafe::Written(mode));
    }
    if read {
        return Err(Unsafe::Read(mode));
    }
    for (directory, facts) in directories {
        let writes = if facts.mode & STICKY == 0 { facts.mode | facts.named } else { 0 };
        let shared = writes & GROUP_WRITES != 0 && shared(facts.group);
        if !ours(facts) || writes & ALL_WRITE != 0 || shared {
            return Err(Unsafe::Replaced(directory.clone()));
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 1_000;
    /// A group of nobody else's, and one that is shared.
    const PRIVATE: u32 = 1;
    const SHARED: u32 = 2;

    fn facts(owner: u32, group: u32, mode: u32) -> Facts {
        Facts { owner, group, mode, named: 0 }
    }

    fn named(named: u32, facts: Facts) -> Facts {
        Facts { named, ..facts }
    }

    fn of(file: Facts, read_only: bool, directory: Facts) -> Result<Vec<Doubt>, Unsafe> {
        let directories = [("/d".into(), directory), ("/".into(), facts(0, 0, 0o755))];
        judged(file, read_only, &directories, OWN, |group| group == SHARED)
    }

    #[test]
    fn a_file_that_only_its_owner_reads_and_writes_is_safe() {
        for (owner, group, mode) in
            [(OWN, PRIVATE, 0o600), (OWN, SHARED, 0o400), (0, PRIVATE, 0o640)]
        {
            let said = of(facts(owner, group, mode), false, facts(OWN, SHARED, 0o755));
            assert_eq!(said, Ok(vec![]), "{owner} {group} {mode:o}");
        }
    }

    #[test]
    fn whom_an_access_list_names_is_another() {
        let (file, directory) = (facts(OWN, PRIVATE, 0o600), facts(OWN, PRIVATE, 0o700));
        assert_eq!(of(named(4, file), false, directory), Err(Unsafe::Read(0o600)));
        assert_eq!(of(named(2, file), false, directory), Err(Unsafe::Written(0o600)));
        assert_eq!(of(file, false, named(5, directory)), Ok(vec![]));
        assert_eq!(of(file, false, named(7, directory)), Err(Unsafe::Replaced("/d".into())));
        // As systemd hands a credential to the user of a service.
        assert_eq!(of(facts(0, 0, 0o400), true, named(0, directory)), Ok(vec![]));
    }

    #[test]
    fn a_file_of_somebody_elses_or_that_others_write_or_read_is_not() {
        for (owner, group, mode, why) in [
            (OWN + 1, PRIVATE, 0o600, Unsafe::Owner(OWN + 1)),
            (OWN, PRIVATE, 0o620, Unsafe::Written(0o620)),
            (OWN, PRIVATE, 0o602, Unsafe::Written(0o602)),
            (0, PRIVATE, 0o664, Unsafe::Written(0o664)),
            (OWN, PRIVATE, 0o604, Unsafe::Read(0o604)),
            (OWN, SHARED, 0o640, Unsafe::Read(0o640)),
            (0, PRIVATE, 0o644, Unsafe::Read(0o644)),
        ] {
            let said = of(facts(owner, group, mode), false, facts(OWN, PRIVATE, 0o700));
            assert_eq!(said, Err(why), "{owner} {group} {mode:o}");
        }
    }

    #[test]
    fn a_containers_secret_may_be_read_by_all_in_it() {
        let everybodys = facts(1_001, SHARED, 0o777);
        assert_eq!(of(facts(0, 0, 0o400), true, everybodys), Ok(vec![]));
        assert_eq!(of(facts(0, 0, 0o644), true, everybodys), Ok(vec![Doubt::Read(0o644)]));
        assert_eq!(of(facts(0, SHARED, 0o440), true, everybodys), Ok(vec![Doubt::Read(0o440)]));
        assert_eq!(of(facts(OWN, 0, 0o644), true, everybodys), Err(Unsafe::Read(0o644)));
        assert_eq!(of(facts(7, 0, 0o600), true, everybodys), Err(Unsafe::Owner(7)));
    }

    #[test]
    fn a_file_that_others_can_put_another_in_place_of_is_not_safe() {
        let file = facts(OWN, PRIVATE, 0o600);
        let replaced = Err(Unsafe::Replaced("/d".into()));
        for (owner, group, mode, said) in [
            (OWN, PRIVATE, 0o2770, Ok(vec![])),
            (OWN, SHARED, 0o2770, replaced.clone()),
            (0, SHARED, 0o775, replaced.clone()),
            (OWN, PRIVATE, 0o777, replaced.clone()),
            (0, SHARED, 0o1777, Ok(vec![])),
            (OWN + 1, PRIVATE, 0o700, replaced),
        ] {
            let is = of(file, false, facts(owner, group, mode));
            assert_eq!(is, said, "{owner} {group} {mode:o}");
        }
    }
}
