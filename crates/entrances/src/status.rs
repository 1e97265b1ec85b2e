//! The bytes of a status file.

use std::io;

use chadburn::status::FORMAT;
use live_file::source::look::{Disk, Kind, Look, Meta, Seen, look};
use live_file::writing::{Moment, Stamp};

/// A disk with one file on it, which holds still.
struct Still<'a>(&'a [u8]);

impl Still<'_> {
    fn meta(&self) -> Meta {
        let stamp = Stamp { mtime: (1, 0), size: self.0.len() as u64 };
        Meta { kind: Kind::Regular, stamp, link: false, version: None }
    }
}

impl Disk for Still<'_> {
    type Open = ();

    fn stat(&mut self) -> io::Result<Meta> {
        Ok(self.meta())
    }

    fn open(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn fstat(&mut self, (): &mut ()) -> io::Result<Meta> {
        Ok(self.meta())
    }

    fn read(&mut self, (): &mut (), limit: usize) -> io::Result<Vec<u8>> {
        Ok(self.0[..self.0.len().min(limit)].to_vec())
    }

    fn clock(&mut self) -> Moment {
        (1, 0)
    }
}

/// What a look at a file with these bytes takes for its status.
pub(crate) fn read(bytes: &[u8]) -> Option<String> {
    match look(&mut Still(bytes), "status.eot", &FORMAT) {
        Look { seen: Seen::Text(writing), .. } => Some(writing.text),
        Look { seen: Seen::Fault(fault), .. } => {
            assert!(fault.detail.starts_with("status.eot "), "{fault:?}");
            None
        }
        Look { seen: Seen::Moving, .. } => panic!("it held still"),
    }
}

/// A status is in the file, word for word, but for what systems put around a text; and nothing else
/// is a status.
pub(crate) fn enter(bytes: &[u8]) {
    let told = std::str::from_utf8(bytes).ok().map(|text| {
        let mut text = text.trim_start_matches('\u{feff}');
        while text.ends_with(|c: char| c.is_whitespace() || c == '\x1A') {
            text = text.trim_end().trim_end_matches('\x1A');
        }
        let mut text = text.to_owned();
        while text.contains("\r\n") {
            text = text.replace("\r\n", "\n");
        }
        text
    });
    let fits = |text: &String| (1..=4096).contains(&text.len()) && !text.contains('\0');
    assert_eq!(read(bytes), told.filter(fits).filter(|_| bytes.len() <= 8192));
}
