//! The servers of other houses that Chadburn is measured beside, and what each of them needs. A peer
//! that cannot be had or does not serve is named with the reason, and the others are measured. Their
//! programs and configurations are in `bench/peers`.

mod needs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

pub(crate) use needs::python;

use super::program::{Call, Program, Role};
use super::server::Server;
use crate::tools;

/// A peer: what the tables call it, and what makes it ready to start.
type Peer = (&'static str, fn(&Path) -> Result<Ready>);

/// From the one with the least work for a message to the one with the most.
const PEERS: [Peer; 5] = [
    ("Bun (uWebSockets)", bun),
    ("node ws", ws),
    ("nginx + nchan", nchan),
    ("mosquitto", mosquitto),
    ("the Python original", original),
];

/// What is compared with what.
const COUNTED: &str = "\
CPU and memory are those of all processes of a server, added up. nginx (master and worker) and mosquitto \
watch no file: a publisher of ours does it for them, over one connection, and is counted with them. \
The greeting is two messages, but with nchan the one it stored, and with mosquitto CONNACK, SUBACK and \
the retained message. A server with 5 messages measured gets no more of them after 5 s, so that a \
slow one is measured for as long as the others.";

/// What can be started.
struct Ready {
    /// Which versions of what.
    versions: String,
    wire: &'static str,
    configuration: Option<String>,
    calls: Vec<Call>,
}

/// The peers, as far as they can be had.
#[derive(Debug, Default)]
pub(super) struct Peers {
    /// Those that serve.
    pub(super) programs: Vec<Program>,
    /// Names of these, with the versions of what they are made of.
    pub(super) versions: Vec<String>,
    /// Names of the others, with the reasons.
    pub(super) absent: Vec<(String, String)>,
}

impl Peers {
    /// What a table with peers in it has to say of them.
    pub(super) fn note(&self) -> String {
        format!("{COUNTED} Versions: {}.", self.versions.join("; "))
    }
}

/// Makes every peer ready, and tries whether it serves.
pub(super) fn prepare(bench: &Path) -> Peers {
    let mut peers = Peers::default();
    for (name, ready) in PEERS {
        super::progress(&format!("{name}: looking for what it needs"));
        match ready(bench).and_then(|ready| try_out(name, bench, ready)) {
            Ok((program, versions)) => {
                peers.programs.push(program);
                peers.versions.push(format!("{name}: {versions}"));
            }
            Err(error) => peers.absent.push((name.to_owned(), format!("{error:#}"))),
        }
    }
    peers
}

fn try_out(name: &str, bench: &Path, ready: Ready) -> Result<(Program, String)> {
    let program = Program {
        name: name.to_owned(),
        role: Role::Peer,
        wire: ready.wire,
        calls: ready.calls,
        configuration: ready.configuration,
        bench: bench.to_path_buf(),
    };
    Server::start(&program)?;
    Ok((program, ready.versions))
}

fn place() -> PathBuf {
    tools::root().join("bench/peers")
}

fn script(name: &str) -> String {
    place().join(name).to_string_lossy().into_owned()
}

fn bun(_bench: &Path) -> Result<Ready> {
    let modules = needs::npm(&place())?;
    let program = needs::bun(&modules)?;
    Ok(Ready {
        versions: tools::output(Command::new(&program).arg("--version"))?.trim().to_owned(),
        wire: "text",
        configuration: None,
        calls: vec![Call::new(program, [script("bun.js").as_str(), "@status@"])],
    })
}

fn ws(_bench: &Path) -> Result<Ready> {
    let modules = needs::npm(&place())?;
    let node = needs::debian("node", "nodejs")?;
    let version = tools::output(Command::new(&node).arg("--version"))?;
    Ok(Ready {
        versions: format!("{}, node {}", needs::npm_version(&modules.join("ws"))?, version.trim()),
        wire: "text",
        configuration: None,
        calls: vec![Call::new(node, [script("ws.js").as_str(), "@status@"])],
    })
}

fn nchan(bench: &Path) -> Result<Ready> {
    let nginx = needs::debian("nginx", "nginx-light")?;
    let modules = needs::nchan()?;
    let text = fs::read_to_string(place().join("nginx.conf"))?;
    let arguments = ["-p", "@directory@", "-c", "@configuration@"];
    Ok(Ready {
        versions: needs::debian_versions(&["nginx", "libnginx-mod-nchan"]),
        wire: "newest",
        configuration: Some(text.replace("@modules@", &modules.to_string_lossy())),
        calls: vec![Call::new(nginx, arguments), publisher(bench, "post")],
    })
}

fn mosquitto(bench: &Path) -> Result<Ready> {
    let mosquitto = needs::debian("mosquitto", "mosquitto")?;
    Ok(Ready {
        versions: needs::debian_versions(&["mosquitto"]),
        wire: "mqtt",
        configuration: Some(fs::read_to_string(place().join("mosquitto.conf"))?),
        calls: vec![Call::new(mosquitto, ["-c", "@configuration@"]), publisher(bench, "mqtt")],
    })
}

fn original(_bench: &Path) -> Result<Ready> {
    let list = place().join("requirements.txt");
    let python = needs::python(&tools::target()?.join("peers/python"), &list)?;
    let version = tools::output(Command::new(&python).arg("--version"))?;
    let packages = fs::read_to_string(&list).context("what it is made of")?;
    let packages: Vec<String> = packages.lines().map(|line| line.replace("==", " ")).collect();
    Ok(Ready {
        versions: format!("{}, {}", version.trim(), packages.join(", ")),
        wire: "text",
        configuration: None,
        calls: vec![Call::new(python, [script("original.py").as_str(), "@status@"])],
    })
}

/// Whoever watches the file for a server that does not: ours, since that costs the least.
fn publisher(bench: &Path, by: &str) -> Call {
    let ports = ["--port", "@inner@", "--stations-port", "@port@", "--status-file", "@status@"];
    Call::new(bench, ["publish", "--by", by].into_iter().chain(ports))
}
