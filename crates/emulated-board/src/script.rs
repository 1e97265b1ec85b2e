//! A board that is only a line: it says what the script says, and nothing by itself.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::Trouble;
use crate::host::make_raw;
use crate::lines::End;

/// The board's end of a terminal. Dropped, it is unplugged.
#[derive(Debug)]
pub struct Script {
    end: End,
    /// Where the host finds the line.
    line: PathBuf,
    /// The host's end is kept open, so that a host may come and go.
    _other: File,
    /// Whether it is unplugged.
    unplugged: Arc<AtomicBool>,
}

impl Script {
    /// Plugs it in.
    pub fn start() -> Result<Self, Trouble> {
        let (end, line, other) = pair().map_err(std::io::Error::from)?;
        make_raw(&other)?;
        let unplugged = Arc::new(AtomicBool::new(false));
        let end = End::until(Arc::clone(&unplugged), end)?;
        Ok(Self { end, line, _other: other, unplugged })
    }

    /// Where the host finds the line.
    #[must_use]
    pub fn line(&self) -> &Path {
        &self.line
    }

    /// Says bytes as they are.
    pub fn say(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.end.say(bytes)
    }

    /// Waits for a line from which this makes something. Those before it are gone.
    pub fn wait<T>(&mut self, make: impl FnMut(&str) -> Option<T>) -> Result<T, Trouble> {
        self.end.heard.wait(make)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.unplugged.store(true, Ordering::Relaxed);
        // Only when nobody reads here any more does the other end notice.
        let _ = self.end.heard.wait(|_| None::<()>);
    }
}

pub(crate) fn pair() -> Result<(File, PathBuf, File), Errno> {
    let end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    // A program under test that inherited it would keep the line plugged in.
    fcntl_setfd(&end, FdFlags::CLOEXEC)?;
    grantpt(&end)?;
    unlockpt(&end)?;
    let line = ptsname(&end, Vec::new())?;
    let line = PathBuf::from(line.to_string_lossy().into_owned());
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let other = rustix::fs::open(&line, flags, Mode::empty())?;
    Ok((end.into(), line, other.into()))
}
