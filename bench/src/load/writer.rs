//! The hand that writes the status file, in the three ways hands do. Knows nothing of who listens.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::ValueEnum;

/// How long the file stays empty in [`Mode::Gap`]: long enough for any watcher to look at it.
const GAP: Duration = Duration::from_micros(300);

/// How a value gets into the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Into a file beside it, which is renamed over it: nobody ever sees half of it.
    Rename,
    /// Truncate, write, close: what a shell's `>` does.
    Inplace,
    /// The same, but the file stays empty for 300 µs.
    Gap,
}

/// Writes one file in one mode.
#[derive(Debug)]
pub(crate) struct Writer {
    mode: Mode,
    file: PathBuf,
    beside: PathBuf,
}

impl Writer {
    /// A writer of `file`.
    pub(crate) fn new(mode: Mode, file: &Path) -> Self {
        let mut name = file.file_name().unwrap_or_default().to_os_string();
        name.push(".bench-new");
        Self { mode, file: file.to_path_buf(), beside: file.with_file_name(name) }
    }

    /// Writes a line; the moment at which rename or close had returned.
    pub(crate) fn write(&self, text: &str) -> io::Result<Instant> {
        let target = if self.mode == Mode::Rename { &self.beside } else { &self.file };
        let mut file = File::create(target)?;
        if self.mode == Mode::Gap {
            std::thread::sleep(GAP);
        }
        file.write_all(format!("{text}\n").as_bytes())?;
        drop(file);
        if self.mode == Mode::Rename {
            fs::rename(&self.beside, &self.file)?;
        }
        Ok(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_leaves_the_line_and_nothing_else() {
        let directory = std::env::temp_dir().join(format!("bench-writer-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("status.eot");
        for mode in [Mode::Rename, Mode::Inplace, Mode::Gap] {
            Writer::new(mode, &path).write("m000001").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "m000001\n");
        }
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(&directory).unwrap();
    }
}
