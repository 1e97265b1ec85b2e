//! A dial of one's own, from a TOML file (`--dial FILE`; `docs/dial.example.toml` is one).
//!
//! It reads and judges the file, once, at start. What the dial is for is `chadburn_core`'s.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chadburn_core::{Dial, MAX_POSITIONS, MIN_POSITIONS, Position, Sector, unseen};
use rustix::fs::OFlags;
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use live_file::resolve;

/// The largest file that is read; the largest sensible dial has a tenth of it.
const LARGEST: u64 = 64 * 1024;

/// The longest title, name or arc, in characters: beyond, no sector could carry it.
const LONGEST_TEXT: usize = 40;

/// What is wrong with a dial file; whoever wrote it must act.
#[derive(Debug, Error)]
pub enum BadDial {
    /// It cannot be read.
    #[error("dial {}: {error}", path.display())]
    Unreadable {
        /// The file as it was given.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// It is no dial.
    #[error("dial {}, line {line}: {fault}", path.display())]
    Faulty {
        /// The file as it was given.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What, in one line.
        fault: String,
    },
}

/// Reads the dial in this file.
pub fn load(path: &Path) -> Result<Dial<'static>, BadDial> {
    let text = read(path).map_err(|error| BadDial::Unreadable { path: path.into(), error })?;
    parse(&text, leaked).map_err(|fault| BadDial::Faulty {
        path: path.into(),
        line: fault.line(&text),
        fault: fault.what,
    })
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = resolve::open(path, OFlags::RDONLY)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let read = file.take(LARGEST + 1).read_to_string(&mut text)?;
    if read as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 64 KiB"));
    }
    Ok(text)
}

/// A fault and the byte at which it begins.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The byte, from 0.
    at: usize,
    /// What is wrong, in one line.
    pub what: String,
}

impl Fault {
    /// The line of this text, the one that was read, in which it is; from 1.
    #[must_use]
    pub fn line(&self, text: &str) -> usize {
        1 + text.bytes().take(self.at).filter(|byte| *byte == b'\n').count()
    }
}

/// The file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    title: Spanned<String>,
    positions: Spanned<Vec<Entry>>,
}

/// One position, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    arc: Option<Spanned<String>>,
}

/// Reads the dial that this text describes, and has it used while the text is there.
pub fn parse<T>(text: &str, then: impl FnOnce(Dial<'_>) -> T) -> Result<T, Fault> {
    let sheet: Sheet = toml::from_str(text).map_err(|error| Fault {
        at: error.span().map_or(0, |span| span.start),
        what: error.message().lines().collect::<Vec<_>>().join(", "),
    })?;
    let entries = sheet.positions.get_ref();
    if !(MIN_POSITIONS..=MAX_POSITIONS).contains(&entries.len()) {
        let what = format!(
            "a dial has {MIN_POSITIONS} to {MAX_POSITIONS} positions, this one has {}",
            entries.len()
        );
        return Err(Fault { at: sheet.positions.span().start, what });
    }
    for text in std::iter::once(&sheet.title)
        .chain(entries.iter().flat_map(|entry| std::iter::once(&entry.name).chain(&entry.arc)))
    {
        engravable(text.get_ref())
            .map_err(|why| fault(text, &format!("{:?} {why}", text.get_ref())))?;
    }
    let sectors: Vec<_> = (1..)
        .map_while(Position::new)
        .zip(entries)
        .map(|(position, entry)| Sector {
            position,
            name: entry.name.get_ref(),
            arc: entry.arc.as_ref().map(|arc| arc.get_ref().as_str()),
        })
        .collect();
    let dial = Dial { title: sheet.title.get_ref(), sectors: &sectors };
    for (sector, entry) in dial.sectors.iter().zip(entries) {
        let name = &entry.name;
        if sector.name.bytes().all(|byte| byte.is_ascii_digit()) {
            let what = format!("{:?} is a number, and numbers stand for positions", sector.name);
            return Err(fault(name, &what));
        }
        if dial.find(sector.name) != Some(sector) {
            return Err(fault(name, &format!("{:?} is already on the dial", sector.name)));
        }
    }
    Ok(then(dial))
}

fn fault(at: &Spanned<String>, what: &str) -> Fault {
    Fault { at: at.span().start, what: what.to_owned() }
}

/// Whether this can be engraved and read on a panel as it was meant, and be matched by a status,
/// which has no white space at its end.
fn engravable(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        Err("is blank")
    } else if text.trim() != text {
        Err("begins or ends with white space")
    } else if text.chars().count() > LONGEST_TEXT {
        Err("is longer than 40 characters")
    } else if unseen(text).is_some() {
        Err("has a character that does not show")
    } else {
        Ok(())
    }
}

/// The dial lives as long as the process: it is read once, at start, and every room then borrows
/// it freely. So its few hundred bytes are leaked on purpose.
fn leaked(dial: Dial<'_>) -> Dial<'static> {
    let leak = |text: &str| -> &'static str { text.to_owned().leak() };
    let sectors = dial.sectors.iter().map(|sector| Sector {
        position: sector.position,
        name: leak(sector.name),
        arc: sector.arc.map(leak),
    });
    Dial { title: leak(dial.title), sectors: sectors.collect::<Vec<_>>().leak() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../docs/dial.example.toml");

    fn dial(names: &[&str]) -> Result<Dial<'static>, Fault> {
        let positions: Vec<_> =
            names.iter().map(|name| format!("[[positions]]\nname = \"{name}\"\n")).collect();
        parse(&format!("title = \"Test\"\n{}", positions.concat()), leaked)
    }

    fn complaint(text: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dial.toml");
        std::fs::write(&path, text).unwrap();
        let complaint = load(&path).expect_err("a faulty dial").to_string();
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        complaint.replace(&*path.to_string_lossy(), "FILE")
    }

    #[test]
    fn the_example_is_a_dial() {
        let dial = parse(EXAMPLE, leaked).expect("the example");
        assert_eq!(dial.title, "Deployments");
        assert_eq!(dial.find("green").map(|sector| sector.position.number()), Some(1));
        assert!(dial.sectors.iter().any(|sector| sector.arc.is_none()));
    }

    #[test]
    fn positions_are_numbered_in_the_order_of_the_file() {
        let dial = dial(&["ASTERN", "STOP", "AHEAD"]).unwrap();
        let numbers: Vec<_> = dial.sectors.iter().map(|s| s.position.number()).collect();
        assert_eq!(numbers, [1, 2, 3]);
        assert_eq!(dial.find("3").map(|sector| sector.name), Some("AHEAD"));
    }

    #[test]
    fn a_dial_has_3_to_24_positions() {
        let names: Vec<_> = (0..25).map(|index| format!("N{index}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        assert!(dial(&names[..3]).is_ok());
        assert!(dial(&names[..24]).is_ok());
        assert!(dial(&names[..2]).is_err());
        assert!(dial(&names).is_err());
    }

    #[test]
    fn a_name_that_cannot_be_engraved_is_refused() {
        let long = "x".repeat(41);
        for name in [
            "",
            "  ",
            "B ",
            " B",
            &long,
            "B\\u0007",
            "B\\nC",
            "B\\u202EC",
            "\\u2066B",
            "B\\u200BC",
            "\\u3164",
            "\\U000E0042",
            "B\\uFFFE",
            "7",
            "07",
            "99",
            "A",
            "a",
        ] {
            assert!(dial(&["A", name, "C"]).is_err(), "{name:?}");
        }
        let fits = "é".repeat(40);
        assert!(dial(&["A", &fits, "7th heaven"]).is_ok());
    }

    #[test]
    fn a_fault_is_one_line_with_file_and_line() {
        assert_eq!(
            complaint(
                "title = \"T\"\n[[positions]]\nname = \"A\"\n[[positions]]\nname = \"B\"\n\
                [[positions]]\nname = \"a\"\n"
            ),
            "dial FILE, line 7: \"a\" is already on the dial"
        );
        assert!(complaint("title = \"T\"\ncolour = 1\n").starts_with("dial FILE, line 2: unknown"));
        assert!(complaint("title = \"T\"\n\nnonsense\n").starts_with("dial FILE, line 3: "));
        assert!(complaint("title = \"T\"\n[[positions]]\nnam = \"A\"\n").contains("line 3"));
        assert!(complaint("title = 3\n").contains("line 1"));
        assert!(complaint("").contains("title"));
        assert!(complaint(&" ".repeat(65 * 1024)).contains("64 KiB"));
        let gone = load(Path::new("/no/dial.toml")).expect_err("no file").to_string();
        assert!(gone.starts_with("dial /no/dial.toml: "), "{gone}");
    }
}
