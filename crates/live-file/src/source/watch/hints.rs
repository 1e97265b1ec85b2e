//! From notify's events to hints about one file.

use notify::Event;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};

use crate::source::location::{Location, Target};
use crate::source::rule::Hint;

/// What an event says about the file: mostly nothing, and that is found out first.
pub(super) fn hint_of(location: &Location, event: &Event) -> Option<Hint> {
    if event.need_rescan() {
        return Some(Hint::Lost);
    }
    // Compared as bare strings, because every event of every name in the directory comes by here.
    let path = event.paths.first()?.as_os_str();
    let target = match &location.target {
        Target::There(there, _) => Some(there.as_os_str()),
        _ => None,
    };
    if path == location.file.as_os_str() || Some(path) == target {
        of_the_file(event.kind)
    } else if path == location.dir.as_os_str() {
        of_the_directory(event.kind)
    } else if location.target == Target::Itself {
        None
    } else {
        of_another(event.kind)
    }
}

fn of_the_file(kind: EventKind) -> Option<Hint> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Hint::Closed),
        EventKind::Access(AccessKind::Open(_)) => Some(Hint::Opened),
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Some(Hint::MovedIn),
        // A rename comes as From, To and, saying nothing new, Both.
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => None,
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) | EventKind::Remove(_) => {
            Some(Hint::Gone)
        }
        EventKind::Modify(ModifyKind::Name(_) | ModifyKind::Metadata(_)) => Some(Hint::Stirred),
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => {
            Some(Hint::Changed)
        }
    }
}

fn of_the_directory(kind: EventKind) -> Option<Hint> {
    match kind {
        EventKind::Access(_) => None,
        _ => Some(Hint::Stirred),
    }
}

/// Any name may be one that the symlink leads through, as Kubernetes' `..data` is.
fn of_another(kind: EventKind) -> Option<Hint> {
    match kind {
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
            Some(Hint::Swapped)
        }
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Remove(_)
        | EventKind::Modify(ModifyKind::Name(RenameMode::From) | ModifyKind::Metadata(_)) => {
            Some(Hint::Stirred)
        }
        _ => None,
    }
}
