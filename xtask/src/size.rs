//! `cargo xtask size`: code lines of each crate and room, beside what ARCHITECTURE.md says of them.
//!
//! A code line is one with something on it that is no comment. What is compiled for tests only does
//! not count, nor does what only looks like a test's file by its name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::tools;

/// By how much a crate may grow beyond what ARCHITECTURE.md says before that must be explained there.
const GROWTH: f64 = 0.05;

/// Where code stands: the name of a crate, and its folder.
const CRATES: [(&str, &str); 19] = [
    ("chadburn", "src"),
    ("live-file", "crates/live-file/src"),
    ("chadburn-host", "crates/chadburn-host/src"),
    ("chadburn-web", "crates/chadburn-web/src"),
    ("chadburn-v1", "crates/chadburn-v1/src"),
    ("chadburn-core", "crates/chadburn-core/src"),
    ("chadburn-client", "crates/chadburn-client/src"),
    ("chadburn-eye", "crates/chadburn-eye/src"),
    ("chadburn-sight", "crates/chadburn-sight/src"),
    ("eye's pages", "crates/chadburn-eye/static"),
    ("entrances", "crates/entrances/src"),
    ("testkit", "crates/testkit/src"),
    ("emulated-board", "crates/emulated-board/src"),
    ("bench", "bench/src"),
    ("benches", "benches"),
    ("xtask", "xtask/src"),
    ("instrument", "firmware/instrument/src"),
    ("qemu", "firmware/qemu/src"),
    ("panel", "static"),
];

/// Prints the table, and what has grown.
pub(crate) fn run() -> Result<()> {
    let said = said()?;
    let mut grown = Vec::new();
    for (name, folder) in CRATES {
        let rooms = rooms(&tools::root().join(folder))
            .with_context(|| format!("{folder} cannot be counted"))?;
        let whole: usize = rooms.values().sum();
        let before = said.get(name).copied();
        let beside = before.map_or(String::new(), |lines| format!("  (ARCHITECTURE.md: {lines})"));
        println!("{whole:>7}  {name}{beside}");
        for (room, lines) in rooms {
            println!("{lines:>7}    {room}");
        }
        #[expect(clippy::cast_precision_loss, reason = "nobody writes 2^52 lines")]
        let is_more = before.is_some_and(|lines| whole as f64 > lines as f64 * (1.0 + GROWTH));
        if is_more {
            grown.push(name);
        }
    }
    if !grown.is_empty() {
        println!(
            "\ngrown by more than 5 %, which ARCHITECTURE.md has to explain: {}",
            grown.join(", ")
        );
    }
    Ok(())
}

/// The crates' lines as ARCHITECTURE.md has them: the last number of each row under "Size".
fn said() -> Result<BTreeMap<String, usize>> {
    let text = fs::read_to_string(tools::root().join("ARCHITECTURE.md"))?;
    let section = text.split("\n## Size\n").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    Ok(rows
        .filter_map(|row| {
            let name = row.split('`').nth(1)?.to_owned();
            let last = row.trim_end_matches('|').rsplit('|').next()?;
            Some((name, last.trim().replace(',', "").parse().ok()?))
        })
        .collect())
}

/// Each room of a crate (a file, with the folder of its name), and its code lines.
fn rooms(folder: &Path) -> Result<BTreeMap<String, usize>> {
    let mut rooms = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(here) = folders.pop() {
        for entry in fs::read_dir(&here)? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if name == "tests" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let comment: &[&str] = match path.extension().and_then(|it| it.to_str()) {
                Some("rs") => &["//"],
                Some("js") => &["//", "/*", "*", "*/"],
                Some("css") => &["/*", "*", "*/"],
                _ => continue,
            };
            let text = fs::read_to_string(&path)?;
            let inside = path.strip_prefix(folder)?;
            let room = inside.components().next().map_or(name.clone(), |first| {
                first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
            });
            *rooms.entry(room).or_default() += lines(&text, comment);
        }
    }
    Ok(rooms)
}

/// How many of these lines are code. A module of tests stands at a file's end.
fn lines(text: &str, comment: &[&str]) -> usize {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !comment.iter().any(|it| line.starts_with(it))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_blanks_and_tests_are_no_code() {
        let text = "//! Room.\n\nuse a;\n\n/// Says it.\nfn f() { // now\n}\n\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(lines(text, &["//"]), 3);
    }

    #[test]
    fn every_crate_is_there_and_has_rooms() {
        for (name, folder) in CRATES {
            let rooms = rooms(&tools::root().join(folder)).unwrap_or_default();
            assert!(rooms.values().sum::<usize>() > 20, "{name}");
        }
    }
}
