//! What can be typed, and what it comes to.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

fn desk() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn typed_with(base: &Path, line: &str, variables: &[(&str, &str)]) -> Result<Command, Misuse> {
    let words = std::iter::once("chadburn").chain(line.split_whitespace()).map(OsString::from);
    let variable = |name: &str| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
    };
    parse(words, variable, base)
}

fn config_with(base: &Path, line: &str, variables: &[(&str, &str)]) -> Config {
    match typed_with(base, line, variables) {
        Ok(Command::Serve(config)) => *config,
        other => panic!("{line}: {other:?}"),
    }
}

fn config(base: &Path, line: &str) -> Config {
    config_with(base, line, &[])
}

fn complaint_with(base: &Path, line: &str, variables: &[(&str, &str)]) -> String {
    let complaint = typed_with(base, line, variables).expect_err(line).to_string();
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    assert!(!complaint.contains("error:"), "{complaint}");
    complaint
}

fn complaint(base: &Path, line: &str) -> String {
    complaint_with(base, line, &[])
}

fn printed(line: &str) -> String {
    match typed_with(Path::new("/"), line, &[]) {
        Ok(Command::Print(text)) => text,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn alone_it_serves_here() {
    let desk = desk();
    let config = config(desk.path(), "");
    assert_eq!(config.listen, "0.0.0.0:1873".parse().unwrap());
    assert_eq!(config.base, desk.path());
    assert_eq!(config.status_name, "status.eot");
    assert_eq!(config.status_file, desk.path().join("status.eot"));
    assert_eq!(config.accept_file, desk.path().join("accept.eot"));
    assert_eq!(config.book, Some(desk.path().join("bell-book.jsonl")));
    assert_eq!(config.dial, chadburn_core::DEFAULT);
    assert_eq!((config.orders, config.shutdown), (Reach::Never, Reach::Local));
    assert_eq!((config.token_file, config.token), (None, None));
    assert_eq!(config.watching, WatchMode::Auto);
    assert_eq!(config.log_format, log::Format::Human);
    assert_eq!(config.limits, Limits::default());
    assert_eq!((config.assets, config.hosts, config.origins), (None, vec![], vec![]));
}

#[test]
fn only_an_eot_file_has_the_office_dial_unasked() {
    let desk = desk();
    let example = desk.path().join("office");
    fs::write(&example, include_str!("../../docs/dial.example.toml")).unwrap();
    let title = |line: &str, variables: &[(&str, &str)]| {
        let config = config_with(desk.path(), line, variables);
        assert_eq!(config.dial.sectors.is_empty(), config.dial == chadburn_core::NO_DIAL);
        config.dial.title
    };
    let office = chadburn_core::DEFAULT.title;
    for eot in ["status.eot", "a.eot", "STATUS.EOT", "two.words.Eot"] {
        assert_eq!(title(&format!("serve {eot}"), &[]), office, "{eot}");
    }
    for other in ["deploy.status", "eot", ".eot", "a.eot.txt", "a.eot2", "a.eo", "status-eot"] {
        assert_eq!(title(&format!("serve {other}"), &[]), "", "{other}");
        assert_eq!(title(&format!("serve {other} --dial office"), &[]), office, "{other}");
        assert_eq!(title(&format!("serve {other}"), &[("CHADBURN_DIAL", "office")]), office);
    }
    // A file of that name is named as a path, and what was typed goes first.
    let file = format!("serve deploy.status --dial {}", example.display());
    assert_eq!(title(&file, &[("CHADBURN_DIAL", "office")]), "Deployments");
    assert!(complaint(desk.path(), "serve a.eot --dial ./no-such/office").contains("office"));
    assert!(complaint(desk.path(), "serve a.eot --dial Office").contains("dial Office: "));
}

#[test]
fn the_word_serve_may_be_left_out() {
    let desk = desk();
    for line in ["--port 0 --bind ::1", "serve --port 0 --bind ::1", "serve --bind=::1 --port=0"] {
        assert_eq!(config(desk.path(), line).listen, "[::1]:0".parse().unwrap(), "{line}");
    }
    assert!(complaint(desk.path(), "--port 1 serve").contains("serve"));
}

#[test]
fn every_option_is_heard_from_the_line_and_from_the_environment() {
    let desk = desk();
    let dial = desk.path().join("dial.toml");
    fs::write(&dial, include_str!("../../docs/dial.example.toml")).unwrap();
    let dial = dial.to_str().unwrap();
    fs::write(desk.path().join("token"), "brass\n").unwrap();
    fs::set_permissions(desk.path().join("token"), fs::Permissions::from_mode(0o600)).unwrap();
    let token = desk.path().join("token");
    let token = token.to_str().unwrap();
    let line = format!(
        "serve --port 7 --bind 127.0.0.1 --status_file a --accept_file b --dial {dial} \
         --bell-book c \
         --host eot.example.com --host x.example --allow-origin https://a.example \
         --allow-orders any --token-file {token} --allow-shutdown never --watch poll --log-format json --assets . \
         --max-per-address 30 --max-per-second 200"
    );
    let typed = config(desk.path(), &line);
    assert_eq!(typed.listen, "127.0.0.1:7".parse().unwrap());
    assert_eq!(typed.status_name, "a");
    assert_eq!(typed.accept_file, desk.path().join("b"));
    assert_eq!(typed.book, Some(desk.path().join("c")));
    assert_eq!(typed.dial.title, "Deployments");
    assert_eq!((typed.hosts.len(), typed.origins.len()), (2, 1));
    assert_eq!((typed.orders, typed.shutdown), (Reach::Any, Reach::Never));
    assert!(typed.policy().visitors.is_token("brass"));
    assert_eq!(typed.watching, WatchMode::Poll);
    assert_eq!(typed.log_format, log::Format::Json);
    assert!(typed.assets.is_some());
    let limits = [typed.limits.connections, typed.limits.requests];
    assert_eq!(limits.map(|limit| limit.map(u32::from)), [Some(30), Some(200)]);
    let variables = [
        ("CHADBURN_PORT", "7"),
        ("CHADBURN_BIND", "127.0.0.1"),
        ("CHADBURN_STATUS_FILE", "a"),
        ("CHADBURN_ACCEPT_FILE", "b"),
        ("CHADBURN_BELL_BOOK", "c"),
        ("CHADBURN_DIAL", dial),
        ("CHADBURN_HOST", "eot.example.com, x.example"),
        ("CHADBURN_ALLOW_ORIGIN", "https://a.example"),
        ("CHADBURN_ALLOW_ORDERS", "any"),
        ("CHADBURN_TOKEN_FILE", token),
        ("CHADBURN_ALLOW_SHUTDOWN", "never"),
        ("CHADBURN_WATCH", "poll"),
        ("CHADBURN_LOG_FORMAT", "json"),
        ("CHADBURN_ASSETS", "."),
        ("CHADBURN_MAX_PER_ADDRESS", "30"),
        ("CHADBURN_MAX_PER_SECOND", "200"),
    ];
    assert_eq!(config_with(desk.path(), "", &variables), typed);
    let empty = variables.map(|(name, _)| (name, ""));
    assert_eq!(config_with(desk.path(), "", &empty), config(desk.path(), ""));
    assert_eq!(config_with(desk.path(), "serve d --port 8", &variables).listen.port(), 8);
    assert_eq!(config_with(desk.path(), "serve d --port 8", &variables).status_name, "d");
}

#[test]
fn the_accept_file_stands_beside_the_status_file() {
    let desk = desk();
    let at = |name: &str| desk.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    for (line, status, accept) in [
        ("serve deploy.status", "deploy.status", "deploy.status.accept"),
        ("serve sub/status.eot", "sub/status.eot", "sub/accept.eot"),
        ("--status-file sub/x", "sub/x", "sub/x.accept"),
        ("--accept-file sub/y", "status.eot", "sub/y"),
        ("serve a --status-file a", "a", "a.accept"),
    ] {
        let config = config(desk.path(), line);
        assert_eq!(config.status_name, status, "{line}");
        assert_eq!((config.status_file, config.accept_file), (at(status), at(accept)), "{line}");
    }
}

#[test]
fn the_bell_book_stands_beside_the_accept_file_unless_there_is_to_be_none() {
    let desk = desk();
    let at = |name: &str| Some(desk.path().join(name));
    fs::create_dir(desk.path().join("sub")).unwrap();
    let (path, no) = (("CHADBURN_BELL_BOOK", "v"), ("CHADBURN_NO_BELL_BOOK", "yes"));
    let keep = ("CHADBURN_NO_BELL_BOOK", "0");
    for (line, variables, book) in [
        ("serve sub/x", &[][..], at("sub/bell-book.jsonl")),
        ("serve a --accept-file sub/b", &[], at("sub/bell-book.jsonl")),
        ("serve sub/x --bell-book y", &[], at("y")),
        ("serve --no-bell-book", &[], None),
        ("serve", &[path], at("v")),
        ("serve", &[no], None),
        ("serve", &[path, no], None),
        ("serve", &[path, keep], at("v")),
        ("serve", &[keep], at("bell-book.jsonl")),
        ("serve --bell-book y", &[path, no], at("y")),
        ("serve --no-bell-book", &[path, keep], None),
    ] {
        assert_eq!(config_with(desk.path(), line, variables).book, book, "{line} {variables:?}");
    }
    let complaint = complaint_with(desk.path(), "", &[("CHADBURN_NO_BELL_BOOK", "maybe")]);
    assert!(complaint.starts_with("CHADBURN_NO_BELL_BOOK: \"maybe\" is none of 1, true"));
}

#[test]
fn the_bell_book_can_be_no_other_file() {
    let desk = desk();
    let at = |name: &str| desk.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    fs::write(at("a"), "6\n").unwrap();
    fs::hard_link(at("a"), at("hard")).unwrap();
    symlink("sub/../a", at("link")).unwrap();
    symlink(".", at("here")).unwrap();
    for (book, why) in [
        ("a", "it is the status file"),
        ("here/./a", "it is the status file"),
        ("hard", "it is the status file"),
        ("link", "it is the status file"),
        ("b", "it is the accept file"),
        ("b.lock", "it is the accept file's lock"),
    ] {
        let line = format!("serve a --accept-file b --bell-book {book}");
        let said = format!("{book} cannot be the bell book: {why}");
        assert_eq!(complaint(desk.path(), &line), said);
    }
    for line in ["serve x.1 --bell-book x", "--accept-file x.1 --bell-book x"] {
        assert!(complaint(desk.path(), line).contains("turned over to"), "{line}");
    }
    assert!(complaint(desk.path(), "--bell-book no/b").contains("no directory no"));
    assert!(complaint(desk.path(), "--bell-book sub/").contains("does not name a file"));
    assert!(complaint(desk.path(), "--bell-book b --no-bell-book").contains("--no-bell-book"));
    config(desk.path(), "serve a --accept-file b --bell-book a.1");
}

#[test]
fn names_that_do_not_fit_beside_a_long_one_are_refused_with_advice() {
    let desk = desk();
    for (length, fits) in [(200, true), (243, true), (244, false), (250, false)] {
        // With `.accept.lock` behind it.
        let line = format!("serve {}", "s".repeat(length));
        if fits {
            config(desk.path(), &line);
        } else {
            let said = complaint(desk.path(), &line);
            assert!(said.contains("--accept-file") && said.contains("255"), "{said}");
            config(desk.path(), &format!("{line} --accept-file a"));
        }
    }
}

#[test]
fn a_wrong_value_is_one_clear_line() {
    let desk = desk();
    for (line, word) in [
        ("--port 65536", "65536"),
        ("--port x", "--port"),
        ("--port", "--port"),
        ("--bind eot", "eot"),
        ("--watch often", "auto, inotify, poll"),
        ("--allow-shutdown all", "never, local, any"),
        ("--allow-orders yes", "never, local, any"),
        ("--token-file no", "/no: "),
        ("--log-format xml", "human, json"),
        ("--host eot:80", "not a host name"),
        ("--allow-origin null", "not an origin"),
        ("--allow-origin *", "would be any page's"),
        ("--allow-origin https://*.a", "not an origin"),
        ("--nonsense", "--nonsense"),
        ("nonsense", "nonsense"),
        ("serve a b", "b"),
        ("serve a --status-file b", "two status files: a and b"),
        ("--assets no", "no is not a directory"),
        ("--dial no.toml", "dial no.toml: "),
        ("--port 1 --port 2", "--port"),
    ] {
        assert!(complaint(desk.path(), line).contains(word), "{}", complaint(desk.path(), line));
    }
    let complaint = complaint_with(desk.path(), "", &[("CHADBURN_PORT", "x")]);
    assert_eq!(complaint, "CHADBURN_PORT: \"x\" is not a port, 0 to 65535");
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let desk = desk();
    fs::write(desk.path().join("file"), "").unwrap();
    let no = "no/a: there is no directory no";
    assert_eq!(complaint(desk.path(), "serve no/a"), no);
    assert!(
        complaint(desk.path(), "--accept-file no/b").contains("no/b: there is no directory no")
    );
    assert!(complaint(desk.path(), "serve file/a").contains("no directory file"));
    for nameless in ["/", "..", ".", "sub/", "sub/.."] {
        let line = format!("serve {nameless}");
        assert!(complaint(desk.path(), &line).contains("does not name a file"), "{nameless}");
    }
}

#[test]
fn one_file_cannot_be_both() {
    let desk = desk();
    let at = |name: &str| desk.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    fs::write(at("real"), "6\n").unwrap();
    fs::hard_link(at("real"), at("hard")).unwrap();
    symlink("real", at("link")).unwrap();
    symlink("link", at("second-link")).unwrap();
    symlink("sub/../nothing", at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink(".", at("here")).unwrap();
    let absolute = at("real").display().to_string();
    for (status, accept) in [
        ("real", "real"),
        ("real", "./real"),
        ("real", "sub/../real"),
        ("real", "here/here/real"),
        ("real", &*absolute),
        ("real", "link"),
        ("second-link", "real"),
        ("real", "hard"),
        ("nothing", "dangling"),
        ("nothing", "nothing"),
        ("loop", "loop"),
    ] {
        let line = format!("serve {status} --accept-file {accept}");
        assert!(complaint(desk.path(), &line).contains("same file"), "{line}");
    }
    for (status, accept) in [("real", "real.lock"), ("real.lock", "real"), ("a.lock", "here/a")] {
        let line = format!("serve {status} --accept-file {accept}");
        assert!(complaint(desk.path(), &line).contains("lock"), "{line}");
    }
    config(desk.path(), "serve real --accept-file nothing");
    config(desk.path(), "serve loop --accept-file real");
}

#[test]
fn help_fits_one_screen_and_shows_what_there_is() {
    for line in ["--help", "-h", "serve --help"] {
        let help = printed(line);
        assert!(help.lines().count() <= 40, "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        for word in ["--port", "--status-file", "--allow-shutdown", "1873", "rings", "CHADBURN_"] {
            assert!(help.contains(word), "{word} in {help}");
        }
    }
    assert_eq!(printed("--version"), format!("chadburn {}\n", env!("CARGO_PKG_VERSION")));
}

fn bridge_with(base: &Path, line: &str, variables: &[(&str, &str)]) -> BridgeConfig {
    match typed_with(base, line, variables) {
        Ok(Command::Bridge(config)) => *config,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_bridge_has_the_servers_files() {
    let desk = desk();
    let config = bridge_with(desk.path(), "bridge /dev/ttyACM0", &[]);
    assert_eq!(config.device, Path::new("/dev/ttyACM0"));
    assert_eq!(config.status_file, desk.path().join("status.eot"));
    assert_eq!(config.accept_file, desk.path().join("accept.eot"));
    assert_eq!(config.dial, chadburn_core::DEFAULT);
    // The same variables, so that both units can read them from one file.
    let variables = [("CHADBURN_STATUS_FILE", "deploy"), ("CHADBURN_LOG_FORMAT", "json")];
    let config = bridge_with(desk.path(), "bridge telegraph", &variables);
    assert_eq!(config.device, desk.path().join("telegraph"));
    assert_eq!(config.status_file, desk.path().join("deploy"));
    assert_eq!(config.accept_file, desk.path().join("deploy.accept"));
    assert_eq!(config.log_format, log::Format::Json);
    // An instrument has a dial, whatever its files are called.
    assert_eq!(config.dial, chadburn_core::DEFAULT);
    let config = bridge_with(desk.path(), "bridge telegraph --dial office", &variables);
    assert_eq!(config.dial, chadburn_core::DEFAULT);
    let config = bridge_with(desk.path(), "bridge telegraph --status-file mine", &variables);
    assert_eq!(config.status_file, desk.path().join("mine"));
}

#[test]
fn a_bridge_needs_a_device_and_two_files() {
    let desk = desk();
    assert!(complaint(desk.path(), "bridge").contains("<DEVICE>"));
    assert!(complaint(desk.path(), "bridge telegraph --port 80").contains("--port"));
    assert!(complaint(desk.path(), "bridge telegraph --list").contains("--list"));
    let same = complaint(desk.path(), "bridge telegraph --accept-file status.eot");
    assert!(same.contains("the same file"), "{same}");
    assert!(matches!(typed_with(desk.path(), "bridge --list", &[]), Ok(Command::Candidates)));
}
