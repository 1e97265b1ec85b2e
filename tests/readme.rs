//! The README's section about curl: its lines are run as they stand, by real curl against the real
//! binary.
//!
//! A `.curlrc` sends them to the port that this server has; nothing else is changed.

#![expect(clippy::unwrap_used, reason = "a test that cannot run its server has failed")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// What a line prints, or does.
type Check = fn(&Server, &str);

/// Every line of the section, without its comment, and what comes of it. In the README's order.
const LINES: [(&str, Check); 17] = [
    ("curl http://localhost:1873/status", |_, out| {
        let state = json(out);
        assert_eq!((&state["type"], &state["bell"]), (&"state".into(), &true.into()));
        assert_eq!(state["order"]["name"], "STOP");
    }),
    ("curl -H 'Accept: text/plain' http://localhost:1873/status", |_, out| assert_eq!(out, "6\n")),
    ("curl -N http://localhost:1873/events", |_, out| {
        let data = out.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        assert_eq!(json(data)["order"]["position"], 6);
        assert!(out.starts_with("retry: 2000\n") && out.contains("\nid: "), "{out}");
    }),
    ("curl -X POST http://localhost:1873/accept", |server, out| server.answered(out, "6")),
    ("curl -d 3 http://localhost:1873/accept", |server, out| server.answered(out, "3")),
    ("curl -d 'on my way' http://localhost:1873/accept", |server, out| {
        server.answered(out, "on my way");
    }),
    (
        "curl --json '{\"position\": 7, \"name\": \"galley\"}' http://localhost:1873/accept",
        |server, out| {
            server.answered(out, "7");
            server.until(|state| state["reply"]["who"] == "galley");
        },
    ),
    ("curl --json '{\"coming\": false}' http://localhost:1873/accept", |server, out| {
        server.answered(out, "7");
    }),
    ("curl -X PUT -d 8 http://localhost:1873/status", |server, out| server.ordered(out, "8")),
    ("curl -X PUT -d coffee http://localhost:1873/status", |server, out| server.ordered(out, "7")),
    (
        "curl -X PUT --json '{\"status\": \"main is broken\"}' http://localhost:1873/status",
        |server, out| server.ordered(out, "main is broken"),
    ),
    ("curl 'http://localhost:1873/bell-book?limit=10'", |_, out| {
        let entries = json(out);
        let entries = entries.as_array().unwrap();
        assert!((1..=10).contains(&entries.len()), "{out}");
        assert!(entries.iter().any(|entry| entry["status"] == "main is broken"), "{out}");
    }),
    ("curl -H 'Accept: text/csv' http://localhost:1873/bell-book", |_, out| {
        assert!(out.lines().next().unwrap().starts_with("seq,"), "{out}");
        assert!(out.contains("main is broken"), "{out}");
    }),
    ("curl -f http://localhost:1873/readyz", |_, out| assert_eq!(json(out)["ready"], true)),
    ("curl http://localhost:1873/metrics", |_, out| {
        assert!(out.contains("\nchadburn_orders_total 4\n") && !out.contains("# EOF"), "{out}");
    }),
    (
        "curl -H \"Authorization: Bearer $(cat token)\" -d 7 http://localhost:1873/accept",
        |server, out| server.answered(out, "7"),
    ),
    (
        "curl -H \"Authorization: Bearer $(cat token)\" -X PUT -d 7 http://localhost:1873/status",
        |server, out| server.ordered(out, "7"),
    ),
];

/// The lines of the section, as they stand.
fn readme() -> Vec<&'static str> {
    let text = include_str!("../README.md");
    let section = text.split("\n## ").find(|it| it.starts_with("Take part with curl\n"));
    section.unwrap().lines().filter(|line| line.starts_with("curl ")).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A server of one's own, with its files in a directory of its own.
struct Server {
    desk: TempDir,
    process: Child,
    port: u16,
}

impl Server {
    fn start(options: &[&str]) -> Self {
        let desk = tempfile::tempdir().unwrap();
        let at = |name: &str| desk.path().join(name);
        fs::write(at("status.eot"), "6\n").unwrap();
        fs::write(at("token"), "brass\n").unwrap();
        fs::set_permissions(at("token"), fs::Permissions::from_mode(0o600)).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_chadburn"))
            .args(["--port", "0", "--bind", "127.0.0.1"])
            .args(options)
            .current_dir(desk.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = loop {
            let line = log.next().expect("it says where it listens").unwrap();
            if let Some((_, rest)) = line.split_once("listening on http://127.0.0.1:") {
                break rest.split(' ').next().unwrap().parse().unwrap();
            }
        };
        // A log that nobody reads costs lines only, but what stands in it helps when a test fails.
        thread::spawn(move || log.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        let curlrc =
            format!("silent\nshow-error\nconnect-to = \"localhost:1873:127.0.0.1:{port}\"");
        fs::write(at(".curlrc"), curlrc).unwrap();
        Self { desk, process, port }
    }

    /// Runs a line and returns what it prints. One without end is ended after its first event.
    fn run(&self, line: &str) -> String {
        let mut shell = Command::new("sh")
            .args(["-c", &format!("exec {line}")])
            .current_dir(self.desk.path())
            .env("CURL_HOME", self.desk.path())
            .env_remove("http_proxy")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let endless = line.contains(" -N ");
        let mut out = String::new();
        let mut lines = BufReader::new(shell.stdout.take().unwrap());
        while lines.read_line(&mut out).unwrap() > 0 {
            if endless && out.contains("data: ") && out.ends_with("\n\n") {
                shell.kill().unwrap();
                break;
            }
        }
        assert!(shell.wait().unwrap().success() || endless, "{line}: {out}");
        out
    }

    fn says(&self, file: &str) -> String {
        fs::read_to_string(self.desk.path().join(file)).unwrap()
    }

    /// It was done, and the accept file says so.
    fn answered(&self, out: &str, reply: &str) {
        assert_eq!(out, "{\"ok\":true}\n");
        assert_eq!(self.says("accept.eot"), format!("{reply}\n"));
    }

    /// It was done, the status file says so, and the server has read it.
    fn ordered(&self, out: &str, order: &str) {
        assert_eq!(out, "{\"ok\":true}\n");
        assert_eq!(self.says("status.eot"), format!("{order}\n"));
        self.until(|state| state["order"]["status"] == order);
    }

    /// Waits for a state that is like this.
    fn until(&self, is_so: impl Fn(&Value) -> bool) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let lines = BufReader::new(stream).lines().map(Result::unwrap);
        let mut states = lines.filter_map(|line| line.strip_prefix("data: ").map(json));
        assert!(states.any(|state| is_so(&state)), "the stream has ended");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn every_line_of_the_readme_does_what_it_says() {
    let lines = readme();
    let plain: Vec<_> = lines.iter().map(|line| line.split("  #").next().unwrap().trim()).collect();
    let plain: Vec<_> = plain.iter().map(|line| line.split(" # ").next().unwrap()).collect();
    assert_eq!(plain, LINES.map(|(line, _)| line), "the README and this test have the same lines");
    let open = Server::start(&["--allow-orders", "local"]);
    let locked = Server::start(&["--allow-orders", "local", "--token-file", "token"]);
    for (line, (_, check)) in lines.iter().zip(LINES) {
        let server = if line.contains("$(cat token)") { &locked } else { &open };
        check(server, &server.run(line));
    }
}

#[test]
fn what_is_not_allowed_says_what_would_help() {
    let shut = Server::start(&[]);
    let problem = json(&shut.run("curl -X PUT -d 8 http://localhost:1873/status"));
    assert_eq!((&problem["status"], &problem["code"]), (&403.into(), &"refused".into()));
    assert!(problem["detail"].as_str().unwrap().contains("--allow-orders"), "{problem}");
    assert_eq!(shut.says("status.eot"), "6\n");
    let locked = Server::start(&["--allow-orders", "any", "--token-file", "token"]);
    for line in [
        "curl -X PUT -d 8 http://localhost:1873/status",
        "curl -d 8 http://localhost:1873/accept",
        "curl -H 'Authorization: Bearer tin' -d 8 http://localhost:1873/accept",
    ] {
        let problem = json(&locked.run(line));
        let code = if line.contains("Bearer") { "bad_token" } else { "token_required" };
        assert_eq!((&problem["status"], &problem["code"]), (&401.into(), &code.into()), "{line}");
    }
    assert_eq!(locked.says("status.eot"), "6\n");
}

#[test]
fn a_changed_token_is_read_again_on_sighup() {
    let locked = Server::start(&["--token-file", "token"]);
    let line = "curl -H \"Authorization: Bearer $(cat token)\" -d 7 http://localhost:1873/accept";
    locked.answered(&locked.run(line), "7");
    fs::write(locked.desk.path().join("token"), "copper\n").unwrap();
    assert_eq!(json(&locked.run(line))["code"], "bad_token");
    let hangup = format!("kill -HUP {}", locked.process.id());
    assert!(Command::new("sh").args(["-c", &hangup]).status().unwrap().success());
    // The signal is on its way; until it has been taken the old token holds.
    let mut out = String::new();
    for _ in 0..1000 {
        out = locked.run(line);
        if !out.contains("bad_token") {
            break;
        }
    }
    locked.answered(&out, "7");
}
