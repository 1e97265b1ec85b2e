//! What events mean, as notify 8 gives them, and errors of the kernel's in words.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime};

use notify::event::{
    AccessKind, AccessMode, CreateKind, DataChange, EventKind, Flag, MetadataKind, ModifyKind,
    RemoveKind, RenameMode,
};

use super::*;

/// Nothing here takes so long.
const PATIENCE: Duration = Duration::from_secs(10);
const NAME: fn(RenameMode) -> EventKind = |mode| EventKind::Modify(ModifyKind::Name(mode));
const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
const OPENED: EventKind = EventKind::Access(AccessKind::Open(AccessMode::Any));
const DATA: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
const ATTRIBUTES: EventKind = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
const CREATED: EventKind = EventKind::Create(CreateKind::File);
const REMOVED: EventKind = EventKind::Remove(RemoveKind::File);

struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    fn location(&self) -> Location {
        Location::survey(&self.path("status.eot")).unwrap()
    }

    /// What this event means, of the file of that name or of the directory itself, `.`.
    fn hint(&self, name: &str, kind: EventKind) -> Option<Hint> {
        let path = if name == "." { self.location().dir } else { self.path(name) };
        hint_of(&self.location(), &Event::new(kind).add_path(path))
    }
}

#[test]
fn what_happens_to_the_file_is_a_hint() {
    let place = Scratch::new();
    for (kind, hint) in [
        (CLOSED, Some(Hint::Closed)),
        (NAME(RenameMode::To), Some(Hint::MovedIn)),
        (NAME(RenameMode::Both), None),
        (NAME(RenameMode::From), Some(Hint::Gone)),
        (NAME(RenameMode::Any), Some(Hint::Stirred)),
        (DATA, Some(Hint::Changed)),
        (CREATED, Some(Hint::Changed)),
        (EventKind::Any, Some(Hint::Changed)),
        (ATTRIBUTES, Some(Hint::Stirred)),
        (REMOVED, Some(Hint::Gone)),
        (OPENED, Some(Hint::Opened)),
        (EventKind::Access(AccessKind::Read), None),
        (EventKind::Access(AccessKind::Close(AccessMode::Read)), None),
    ] {
        assert_eq!(place.hint("status.eot", kind), hint, "{kind:?}");
    }
}

#[test]
fn what_happens_to_another_file_is_none_unless_the_path_is_a_symlink() {
    let place = Scratch::new();
    let kinds = [CLOSED, NAME(RenameMode::To), CREATED, REMOVED, ATTRIBUTES, DATA, OPENED];
    for kind in kinds {
        assert_eq!(place.hint("status.eot.new", kind), None, "{kind:?}");
    }
    symlink("..data/status.eot", place.path("status.eot")).unwrap();
    let hints = kinds.map(|kind| place.hint("..data", kind));
    let swapped = Some(Hint::Swapped);
    let stirred = Some(Hint::Stirred);
    assert_eq!(hints, [stirred, swapped, swapped, stirred, stirred, None, None]);
}

#[test]
fn a_symlinks_target_is_the_file_wherever_it_is() {
    let (place, there) = (Scratch::new(), Scratch::new());
    fs::write(there.path("real"), "7").unwrap();
    symlink(there.path("real"), place.path("status.eot")).unwrap();
    let event = Event::new(CLOSED).add_path(there.path("real"));
    assert_eq!(hint_of(&place.location(), &event), Some(Hint::Closed));
    assert_eq!(place.location().other_dir(), there.path("real").parent());
}

/// A subscription for the file of this name, and what it is told.
fn arm(pool: &Watches, place: &Scratch, name: &str) -> (Subscription, Receiver<Hint>) {
    let (tell, told) = channel();
    let location = Location::survey(&place.path(name)).unwrap();
    (
        Subscription::new(pool, location, move |hint| tell.send(hint).unwrap_or_default()).unwrap(),
        told,
    )
}

/// What is told until a knock comes round.
fn until_knocked(subscription: &Subscription, told: &Receiver<Hint>) -> Vec<Hint> {
    subscription.probe().unwrap().knock();
    let hints = std::iter::from_fn(|| told.recv_timeout(PATIENCE).ok());
    hints.take_while(|hint| *hint != Hint::Knocked).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_knock_comes_round_after_what_was_done_before_and_no_stranger_makes_one() {
    let place = Scratch::new();
    let (subscription, told) = arm(&Watches::default(), &place, "status.eot");
    fs::read_dir(place.directory.path()).unwrap();
    fs::write(place.path("status.eot"), "7").unwrap();
    let hints = until_knocked(&subscription, &told);
    assert_eq!(hints.last(), Some(&Hint::Closed), "{hints:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn those_in_one_directory_share_a_post_and_each_is_told_of_its_own() {
    let (place, pool) = (Scratch::new(), Watches::default());
    let (status, of_status) = arm(&pool, &place, "status.eot");
    let (accept, of_accept) = arm(&pool, &place, "accept.eot");
    assert!(Arc::ptr_eq(&status.watch, &accept.watch));
    fs::write(place.path("status.eot"), "7").unwrap();
    assert!(until_knocked(&status, &of_status).contains(&Hint::Closed));
    assert_eq!(until_knocked(&accept, &of_accept), [], "nor of the other's probe");
    drop(status);
    fs::write(place.path("accept.eot"), "7").unwrap();
    assert!(until_knocked(&accept, &of_accept).contains(&Hint::Closed));
    assert_eq!(of_status.iter().count(), 0, "whoever has left is told nothing");
    drop(accept);
    let (again, told) = arm(&pool, &place, "status.eot");
    fs::write(place.path("status.eot"), "8").unwrap();
    assert!(until_knocked(&again, &told).contains(&Hint::Closed), "the watch is manned again");
}

#[cfg(target_os = "linux")]
#[test]
fn what_befalls_one_does_not_befall_the_others_of_its_post() {
    let (place, pool) = (Scratch::new(), Watches::default());
    let location = Location::survey(&place.path("status.eot")).unwrap();
    let _fallen = Subscription::new(&pool, location, |_| panic!("on purpose")).unwrap();
    let (subscription, told) = arm(&pool, &place, "accept.eot");
    fs::write(place.path("status.eot"), "7").unwrap();
    fs::write(place.path("accept.eot"), "7").unwrap();
    assert!(until_knocked(&subscription, &told).contains(&Hint::Closed));
}

#[test]
fn another_directory_has_another_post() {
    let (place, there, pool) = (Scratch::new(), Scratch::new(), Watches::default());
    let (one, _) = arm(&pool, &place, "status.eot");
    let (other, _) = arm(&pool, &there, "status.eot");
    assert!(!Arc::ptr_eq(&one.watch, &other.watch));
    symlink(there.path("status.eot"), place.path("link")).unwrap();
    fs::write(there.path("status.eot"), "7").unwrap();
    let (led_away, _) = arm(&pool, &place, "link");
    assert!(!Arc::ptr_eq(&one.watch, &led_away.watch), "it watches two directories");
}

#[test]
fn an_open_of_the_directory_is_nothing() {
    let place = Scratch::new();
    assert_eq!(place.hint(".", OPENED), None);
    assert_eq!(place.hint(".", REMOVED), Some(Hint::Stirred));
    assert_eq!(place.hint(".", EventKind::Access(AccessKind::Read)), None);
}

#[test]
fn what_is_lost_is_said_to_be_lost() {
    let event = Event::new(EventKind::Other).set_flag(Flag::Rescan);
    assert_eq!(hint_of(&Scratch::new().location(), &event), Some(Hint::Lost));
}

#[test]
fn the_ground_is_another_when_the_directory_the_target_or_its_directory_is() {
    let place = Scratch::new();
    let inner = place.path("inner");
    let survey = || Location::survey(&inner.join("status.eot")).ok();
    assert!(survey().is_none());
    fs::create_dir(&inner).unwrap();
    let first = survey();
    assert_eq!(survey(), first);
    fs::write(inner.join("status.eot"), "7").unwrap();
    assert_eq!(survey(), first, "the file itself may come and go");
    fs::rename(&inner, place.path("old")).unwrap();
    fs::create_dir(&inner).unwrap();
    assert_ne!(survey(), first);
    let second = survey();
    symlink("../old/status.eot", inner.join("status.eot")).unwrap();
    assert_ne!(survey(), second);
    let third = survey();
    fs::remove_file(place.path("old/status.eot")).unwrap();
    assert_ne!(survey(), third);
}

#[test]
fn a_directory_made_again_at_once_is_another_also_with_the_old_number() {
    let place = Scratch::new();
    let inner = place.path("inner");
    let mut made = Vec::new();
    for _ in 0..20 {
        fs::create_dir(&inner).unwrap();
        made.push(Location::survey(&inner.join("status.eot")).unwrap());
        // So that two are not born within one tick of the kernel's clock.
        let born = fs::metadata(&inner).unwrap().created().unwrap();
        while SystemTime::now() < born + Duration::from_millis(12) {
            std::thread::yield_now();
        }
        fs::remove_dir(&inner).unwrap();
    }
    for (index, location) in made.iter().enumerate() {
        assert!(!made[..index].contains(location), "{location:?}");
    }
}

#[test]
fn an_exhausted_kernel_is_named_with_what_to_raise() {
    let told = |error: notify::Error| WatchError::from(error).to_string();
    let io = |errno: Errno| notify::Error::io(io::Error::from(errno));
    assert!(told(io(Errno::MFILE)).contains("fs.inotify.max_user_instances"));
    let watches = notify::Error::new(notify::ErrorKind::MaxFilesWatch);
    assert!(told(watches).contains("fs.inotify.max_user_watches"));
    assert!(!told(io(Errno::ACCESS)).contains("raise"));
}
