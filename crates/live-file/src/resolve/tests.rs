//! Real links in real directories.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown, symlink};

use super::*;

/// A user of the machine who is neither root nor whoever runs the tests.
const STRANGER: u32 = 54_321;

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn link(&self, name: &str, target: &str) {
        symlink(target, self.path(name)).unwrap();
    }

    /// What is read at this name, or why nothing is.
    fn read(&self, name: &str) -> Result<String, String> {
        let mut file = open(&self.path(name), OFlags::RDONLY).map_err(|it| it.to_string())?;
        let mut text = String::new();
        io::Read::read_to_string(&mut file, &mut text).map_err(|it| it.to_string())?;
        // However it is asked, the answer is the same.
        let (meta, place) = stat(&self.path(name)).unwrap();
        assert_eq!(meta.ino(), file.metadata().unwrap().ino());
        assert_eq!(place.path(), fs::canonicalize(self.path(name)).unwrap());
        let again = place.open(OFlags::RDONLY, Mode::empty()).unwrap();
        assert_eq!(again.metadata().unwrap().ino(), meta.ino());
        Ok(text)
    }
}

/// Gives a link away, which root alone may do.
fn give_away(link: &Path) -> bool {
    let given = lchown(link, Some(STRANGER), Some(STRANGER)).is_ok();
    if !given {
        assert!(!rustix::process::geteuid().is_root(), "root may give a link away");
        eprintln!("SKIPPED: only root can make a link of somebody else's");
    }
    given
}

#[test]
fn links_of_ones_own_are_followed_wherever_they_stand() {
    let desk = Desk::new();
    desk.file("real/deep/file", "7");
    desk.file("file", "8");
    desk.link("direct", "real/deep/file");
    desk.link("absolute", desk.path("real/deep/file").to_str().unwrap());
    desk.link("folder", "./real//deep/");
    desk.link("chain", "direct");
    desk.link("up", "real/deep/../../file");
    desk.link("through", "folder/../../file");
    for (name, text) in [
        ("real/deep/file", "7"),
        ("real/./deep/../deep/file", "7"),
        ("direct", "7"),
        ("absolute", "7"),
        ("folder/file", "7"),
        ("folder/../deep/file", "7"),
        ("chain", "7"),
        ("up", "8"),
        ("through", "8"),
    ] {
        assert_eq!(desk.read(name).as_deref(), Ok(text), "{name}");
    }
}

#[test]
fn a_path_is_a_link_if_its_last_name_is() {
    let desk = Desk::new();
    desk.file("real/file", "7");
    desk.link("folder", "real");
    desk.link("link", "folder/file");
    let is_link = |name| resolve(&desk.path(name)).unwrap().is_link();
    assert!(!is_link("real/file") && !is_link("folder/file") && is_link("link"));
    assert!(!is_link("real/not there") && !is_link("folder/not there"));
}

#[test]
fn a_kubernetes_swap_is_followed() {
    let desk = Desk::new();
    desk.file("..1/status.eot", "one");
    desk.file("..2/status.eot", "two");
    desk.link("..data", "..1");
    desk.link("status.eot", "..data/status.eot");
    assert_eq!(desk.read("status.eot").unwrap(), "one");
    desk.link("..tmp", "..2");
    fs::rename(desk.path("..tmp"), desk.path("..data")).unwrap();
    assert_eq!(desk.read("status.eot").unwrap(), "two");
}

#[test]
fn a_link_of_somebody_elses_leads_nowhere_wherever_it_stands() {
    let desk = Desk::new();
    desk.file("secret/file", "7");
    desk.link("last", "secret/file");
    desk.link("folder", "secret");
    desk.link("second", "folder/file");
    desk.link("third", "last");
    desk.link("dangling", "not there");
    for name in ["last", "folder", "dangling"] {
        if !give_away(&desk.path(name)) {
            return;
        }
    }
    for (name, link) in [
        ("last", "last"),
        ("third", "last"),
        ("folder/file", "folder"),
        ("folder/../secret/file", "folder"),
        ("second", "folder"),
        ("dangling", "dangling"),
    ] {
        let link = desk.path(link);
        let refusal = Refusal::Link { link, owner: STRANGER }.to_string();
        assert_eq!(desk.read(name), Err(refusal.clone()), "{name}");
        for refused in [
            stat(&desk.path(name)).map(drop),
            resolve(&desk.path(name)).map(drop),
            parent(&desk.path(name).join("x")).map(drop),
        ] {
            assert_eq!(refused.unwrap_err().to_string(), refusal, "{name}");
        }
    }
    // What stands in its place is another matter.
    let place = parent(&desk.path("last")).unwrap();
    assert!(place.stat().unwrap().is_symlink());
    place.open(OFlags::RDONLY, Mode::empty()).unwrap_err();
}

#[test]
fn what_is_on_procfs_is_not_read() {
    let desk = Desk::new();
    desk.link("environ", "/proc/self/environ");
    desk.link("self", "/proc/self");
    desk.link("fd", "/dev/fd/0");
    for path in ["/proc/self/environ", "/proc/loadavg", "/proc/sys/kernel/hostname"] {
        let error = open(Path::new(path), OFlags::RDONLY).unwrap_err().to_string();
        assert_eq!(error, Refusal::Procfs.to_string(), "{path}");
    }
    for name in ["environ", "self/cmdline"] {
        assert_eq!(desk.read(name), Err(Refusal::Procfs.to_string()), "{name}");
    }
}

#[test]
fn links_without_end_are_an_error() {
    let desk = Desk::new();
    desk.file("file", "7");
    desk.link("loop", "loop");
    assert!(desk.read("loop").unwrap_err().contains("symbolic links"));
    desk.link("0", "file");
    for index in 1..=MOST_LINKS {
        desk.link(&index.to_string(), &(index - 1).to_string());
    }
    assert_eq!(desk.read(&(MOST_LINKS - 1).to_string()).unwrap(), "7");
    assert!(desk.read(&MOST_LINKS.to_string()).unwrap_err().contains("symbolic links"));
}

#[test]
fn what_is_not_there_is_not_found() {
    let desk = Desk::new();
    desk.file("file", "7");
    desk.link("nowhere", "not there");
    desk.link("nowhere deep", "not/there");
    for (name, kind) in [
        ("missing", io::ErrorKind::NotFound),
        ("missing/deep", io::ErrorKind::NotFound),
        ("nowhere", io::ErrorKind::NotFound),
        ("nowhere deep", io::ErrorKind::NotFound),
        ("file/deep", io::ErrorKind::NotADirectory),
    ] {
        let path = desk.path(name);
        assert_eq!(open(&path, OFlags::RDONLY).unwrap_err().kind(), kind, "{name}");
        assert_eq!(stat(&path).unwrap_err().kind(), kind, "{name}");
    }
    assert_eq!(resolve(&desk.path("missing")).unwrap().path(), desk.path("missing"));
}

#[test]
fn a_path_may_end_with_a_directory() {
    let desk = Desk::new();
    desk.file("real/file", "7");
    desk.link("up", "real/..");
    for (path, way) in [("/".into(), "/".into()), (desk.path("real/.."), desk.path(""))] {
        let place = resolve(&path).unwrap();
        assert_eq!(place.path().components().as_path(), way.components().as_path());
        assert!(place.stat().unwrap().is_dir());
    }
    assert_eq!(resolve(&desk.path("up")).unwrap().path(), desk.path("real").parent().unwrap());
}

#[test]
fn a_link_put_in_after_the_walk_is_not_followed() {
    let desk = Desk::new();
    desk.file("secret", "7");
    let place = resolve(&desk.path("file")).unwrap();
    desk.link("file", "secret");
    let error = place.open(OFlags::RDONLY, Mode::empty()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
}
