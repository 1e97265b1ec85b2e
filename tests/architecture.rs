//! Holds the rooms to the table in ARCHITECTURE.md: who may use whom, and who knows which crate.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the code has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that few rooms know, and which.
const KNOWN_BY: [(&str, &[&str]); 10] = [
    (
        "axum",
        &[
            "src/http",
            "crates/chadburn-web/src",
            "crates/chadburn-eye/src/page",
            "crates/chadburn-eye/src/relay/service",
            "crates/chadburn-eye/src/source/http",
            "crates/chadburn-eye/src/websocket",
        ],
    ),
    ("hyper", &["crates/chadburn-web/src", "crates/chadburn-eye/src/source/http"]),
    ("hyper_util", &["crates/chadburn-web/src", "crates/chadburn-eye/src/source/http"]),
    ("zune_jpeg", &["crates/chadburn-eye/src/picture"]),
    ("zune_png", &["crates/chadburn-eye/src/picture"]),
    ("jpeg_encoder", &["crates/chadburn-eye/src/picture"]),
    ("chadburn_sight", &["crates/chadburn-eye/src"]),
    ("flate2", &["crates/chadburn-web/src"]),
    ("mio", &["src/hub"]),
    ("prometheus_client", &["src/metrics"]),
];

/// Rooms that do no IO, wait for nothing and read no clock.
const PURE: [&str; 24] = [
    "src/hub/step",
    "src/hub/frame",
    "src/hub/outbox",
    "src/session",
    "src/status",
    "src/telegraph",
    "src/policy",
    "crates/chadburn-web/src/address",
    "crates/chadburn-web/src/limits",
    "crates/chadburn-web/src/visitors",
    "src/wire",
    "src/file",
    "crates/live-file/src/source/rule",
    "src/bridge/rule",
    "crates/chadburn-eye/src/health",
    "crates/chadburn-eye/src/link/queue",
    "crates/chadburn-eye/src/page/pace",
    "crates/chadburn-eye/src/picture",
    "crates/chadburn-eye/src/relay/outbox",
    "crates/chadburn-eye/src/relay/rule",
    "crates/chadburn-eye/src/source/address",
    "crates/chadburn-eye/src/vision",
    "crates/chadburn-eye/src/wire",
    "crates/chadburn-host/src/backoff",
];

/// What a pure room must not name.
const IMPURE: [&str; 9] = [
    "std::fs",
    "std::net::Tcp",
    "std::thread",
    "std::env",
    "Instant::now",
    "SystemTime::now",
    "tokio::",
    "println!",
    "mio::",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The table: room → rooms it may use.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with("| room |")).skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let uses = cells[3].split(',').map(str::trim).filter(|room| !room.is_empty());
            (cells[1].trim_matches('`').to_owned(), uses.map(str::to_owned).collect())
        })
        .collect()
}

/// Every Rust file under `src` and in the crates that it was part of.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = rust_files(&root().join("src"));
    for part in ["live-file", "chadburn-web", "chadburn-eye"] {
        found.extend(rust_files(&root().join("crates").join(part).join("src")));
    }
    found
}

/// Every Rust file in a folder and below, with its text; comments are left out.
fn rust_files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                let code = code.collect::<Vec<_>>().join("\n");
                found.push((path.strip_prefix(root()).unwrap().to_owned(), code));
            }
        }
    }
    assert!(found.len() > 5);
    found
}

/// The room that a file belongs to.
fn room_of(path: &Path) -> String {
    let first = path.components().nth(1).unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The words that follow `prefix` in this text.
fn words_after<'a>(text: &'a str, prefix: &str) -> impl Iterator<Item = &'a str> {
    text.match_indices(prefix).map(move |(at, _)| {
        let rest = &text[at + prefix.len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

/// The files that are compiled for tests only: `#[cfg(test)] mod NAME;` and what is below it.
fn tests(sources: &[(PathBuf, String)]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (path, code) in sources {
        for name in words_after(code, "#[cfg(test)]\nmod ") {
            found.push(path.with_extension("").join(name));
        }
    }
    found
}

/// The sources that are part of the program, without the tests in them.
fn program() -> Vec<(PathBuf, String)> {
    let sources = sources();
    let tests = tests(&sources);
    assert!(tests.len() > 5);
    let part = |path: &Path| !tests.iter().any(|test| path.with_extension("").starts_with(test));
    let without_tests =
        |code: &str| code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
    let program = sources.iter().filter(|(path, _)| part(path));
    program.map(|(path, code)| (path.clone(), without_tests(code))).collect()
}

#[test]
fn rooms_use_only_what_the_table_says() {
    let table = table();
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, code) in program().into_iter().filter(|(path, _)| path.starts_with("src")) {
        let room = room_of(&path);
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let allowed = table.get(&room).unwrap_or_else(|| panic!("{room} is not in the table"));
        for other in words_after(&code, "crate::") {
            if other == room || !table.contains_key(other) {
                continue;
            }
            assert!(allowed.contains(other), "{} uses {other}", path.display());
            used.entry(room.clone()).or_default().insert(other.to_owned());
        }
    }
    for (room, allowed) in &table {
        let used = used.remove(room).unwrap_or_default();
        assert_eq!(&used, allowed, "the table says more than {room} uses");
    }
}

#[test]
fn arrows_go_one_way() {
    let mut rooms = table();
    while !rooms.is_empty() {
        let leaf = rooms.iter().find(|(_, uses)| uses.iter().all(|used| !rooms.contains_key(used)));
        let leaf = leaf.unwrap_or_else(|| panic!("a circle among {:?}", rooms.keys())).0.clone();
        rooms.remove(&leaf);
    }
}

#[test]
fn each_foreign_crate_is_known_where_it_is_said() {
    for (path, code) in sources() {
        for (name, rooms) in KNOWN_BY {
            let is_of =
                |room: &&str| path.starts_with(room) || path == Path::new(&format!("{room}.rs"));
            let named = code.contains(&format!("{name}::")) && !rooms.iter().any(is_of);
            // `mio::` also ends other words; whole words only.
            let whole = code.match_indices(&format!("{name}::")).any(|(at, _)| {
                !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
            });
            assert!(!(named && whole), "{} knows {name}", path.display());
        }
    }
}

#[test]
fn the_pure_rooms_are_pure() {
    for (path, code) in program() {
        if PURE.iter().any(|room| path.with_extension("").starts_with(room)) {
            for word in IMPURE {
                assert!(!code.contains(word), "{} is pure, but names {word}", path.display());
            }
        }
    }
}

#[test]
fn every_test_that_holds_a_promise_of_security_is_there() {
    fn code(folder: &Path, all: &mut String) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && !entry.ends_with("target") {
                code(&entry, all);
            } else if entry.extension().is_some_and(|it| it == "rs") {
                *all += &fs::read_to_string(entry).unwrap();
            }
        }
    }
    let mut all = String::new();
    for folder in ["src", "tests", "crates"] {
        code(&root().join(folder), &mut all);
    }
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    // What is quoted and written like a function is the name of a test.
    let names = text.split('`').skip(1).step_by(2).filter(|quoted| {
        let is_word =
            quoted.bytes().all(|b| b == b'_' || b.is_ascii_lowercase() || b.is_ascii_digit());
        is_word && quoted.contains('_')
    });
    let names: BTreeSet<_> = names.collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(
            all.contains(&format!("fn {name}()")),
            "SECURITY.md names {name}, and there is no such test"
        );
    }
}

/// Which crates this one of the workspace is built of.
fn linked(package: &str) -> BTreeSet<String> {
    let cargo = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(["--package", package])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let tree = String::from_utf8(cargo.stdout).unwrap();
    tree.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect()
}

#[test]
fn each_crate_links_what_it_needs_and_no_more() {
    for (package, without) in [
        ("live-file", &["tokio", "serde", "axum", "clap"][..]),
        ("chadburn-host", &["axum", "hyper", "clap"]),
        ("chadburn-web", &["chadburn", "clap", "prometheus-client", "toml"]),
        ("chadburn-client", &["axum", "notify", "clap", "live-file"]),
        ("chadburn-eye", &["chadburn", "str0m", "webrtc", "openssl", "prometheus-client"]),
        ("chadburn-v1", &["tokio", "axum", "clap", "live-file"]),
        ("chadburn-core", &["tokio", "serde_json"]),
        ("chadburn-sight", &["chadburn"]),
        // The server knows no camera; the eye knows no telegraph's server, and no WebRTC.
        ("chadburn", &["chadburn-eye", "chadburn-sight", "zune-jpeg", "zune-png", "jpeg-encoder"]),
    ] {
        let linked = linked(package);
        assert!(linked.contains(package), "{package}: {linked:?}");
        // A library for strangers knows nothing of this program.
        let ours = linked.iter().find(|it| it.starts_with("chadburn"));
        assert!(package != "live-file" || ours.is_none(), "{package} links {ours:?}");
        for other in without {
            assert!(!linked.contains(*other), "{package} links {other}");
        }
    }
}

#[test]
fn what_sees_depends_on_nothing() {
    assert_eq!(linked("chadburn-sight"), BTreeSet::from(["chadburn-sight".to_owned()]));
    for (path, code) in rust_files(&root().join("crates/chadburn-sight/src")) {
        for word in IMPURE {
            assert!(!code.contains(word), "{} is pure, but names {word}", path.display());
        }
    }
}

#[test]
fn the_table_of_writings_is_that_of_live_file() {
    let rows = |path: &str| -> Vec<String> {
        let text = fs::read_to_string(root().join(path)).unwrap();
        let table = text.lines().skip_while(|line| !line.starts_with("| seen |"));
        table.take_while(|line| line.starts_with('|')).map(str::to_owned).collect()
    };
    let theirs = rows("crates/live-file/src/source/rule/writings.md");
    assert!(theirs.len() > 10);
    assert_eq!(rows("ARCHITECTURE.md"), theirs);
}
