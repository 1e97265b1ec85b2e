//! What stands before a server on the way from outside: an authority of the test's own, and the
//! README's proxies, which speak TLS.

use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::patience::until;
use crate::server::TestServer;

/// The README's name for the machine that is asked from outside.
const OUTSIDE: &str = "eot.example.com";

/// An authority, and a key with its certificate for `localhost`.
#[derive(Debug)]
pub(crate) struct Authority {
    place: TempDir,
}

impl Authority {
    pub(crate) async fn new() -> Self {
        let place = TempDir::with_prefix("chadburn-tls-").expect("a directory can be made");
        let authority = Self { place };
        authority.signs("ca", "/CN=the test", &[]).await;
        let signed = ["-CA", "ca.pem", "-CAkey", "ca.key"];
        let of =
            ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"];
        authority.signs("cert", "/CN=localhost", &[signed, of].concat()).await;
        // What `openssl req -x509` makes by default: the server's certificate is its own authority.
        let of = ["-addext", "subjectAltName=DNS:localhost"];
        authority.signs("own", "/CN=localhost", &of).await;
        authority.signs("bare", "/CN=localhost", &[]).await;
        authority
    }

    async fn signs(&self, name: &str, subject: &str, more: &[&str]) {
        let mut openssl = Command::new("openssl");
        openssl
            .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(' '));
        openssl.args(["-days", "2", "-subj", subject, "-keyout", &format!("{name}.key")]);
        openssl.args(["-out", &format!("{name}.pem")]).args(more).current_dir(&self.place);
        let output = openssl.stdin(Stdio::null()).kill_on_drop(true).output().await;
        let output = output.expect("there is openssl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A file of the authority's: `ca.pem`, and `cert`, `own` and `bare` with `.pem` and `.key`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }
}

/// A proxy. It is killed, by its own process id, when this is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    _child: Child,
    pub(crate) port: u16,
}

impl Proxy {
    /// The README's nginx, with these changes to what stands there.
    pub(crate) async fn nginx(
        server: &TestServer,
        authority: &Authority,
        changes: &[(&str, &str)],
    ) -> Self {
        let (port, place) = (free_port(), authority.place.path().display());
        let site = replaced(
            readme("nginx"),
            &[
                ("listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl")),
                (&format!("/etc/ssl/{OUTSIDE}.pem"), &format!("{place}/cert.pem")),
                (&format!("/etc/ssl/{OUTSIDE}.key"), &format!("{place}/cert.key")),
                ("127.0.0.1:1873", &server.authority()),
                (OUTSIDE, "localhost"),
            ],
        );
        let site = replaced(site, changes);
        let own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let own = own.map(|name| format!("{name}_temp_path {place}/{name};"));
        let config = format!(
            "daemon off; master_process off; error_log stderr; pid {place}/nginx.pid;\n\
             events {{}}\nhttp {{ access_log off; {}\n",
            own.concat()
        );
        let file = authority.file("nginx.conf");
        std::fs::write(&file, format!("{config}{site}}}\n")).expect("it can be written");
        let mut nginx = Command::new("nginx");
        nginx.arg("-p").arg(authority.place.path()).arg("-c").arg(file);
        Self::start(nginx, port).await
    }

    /// The README's Caddy.
    pub(crate) async fn caddy(server: &TestServer, authority: &Authority) -> Self {
        let (port, place) = (free_port(), authority.place.path());
        let tls = format!("localhost:{port} {{\n\ttls {0}/cert.pem {0}/cert.key", place.display());
        let site = replaced(
            readme("caddyfile"),
            &[(&format!("{OUTSIDE} {{"), &tls), ("127.0.0.1:1873", &server.authority())],
        );
        let file = authority.file("Caddyfile");
        std::fs::write(&file, format!("{{\n\tadmin off\n\tauto_https off\n}}\n{site}"))
            .expect("it can be written");
        let mut caddy = Command::new("caddy");
        caddy.arg("run").arg("--config").arg(file).args(["--adapter", "caddyfile"]);
        for home in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            caddy.env(home, place);
        }
        Self::start(caddy, port).await
    }

    /// Starts a proxy that will listen on this port of the loopback.
    pub(crate) async fn start(mut command: Command, port: u16) -> Self {
        // Debian has daemons where not every user looks for programs.
        let path = std::env::var("PATH").expect("there is a path");
        command.env("PATH", format!("{path}:/usr/sbin:/sbin")).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        let child = command.spawn().expect("there is such a proxy");
        until("the proxy listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok())
            .await;
        Self { _child: child, port }
    }

    /// Where the server is, by way of the proxy.
    pub(crate) fn url(&self, host: &str) -> String {
        format!("wss://{host}:{}/websocket", self.port)
    }
}

/// The README's block in this language.
fn readme(language: &str) -> String {
    let readme = include_str!("../../README.md");
    let block = readme.split(&format!("```{language}\n")).nth(1);
    let block = block.and_then(|block| block.split("```").next());
    block.unwrap_or_else(|| panic!("the README has no {language} block")).to_owned()
}

/// Replaces what must be there.
fn replaced(mut text: String, changes: &[(&str, &str)]) -> String {
    for (from, to) in changes {
        assert!(text.contains(from), "{from:?} is not in {text}");
        text = text.replace(from, to);
    }
    text
}

/// A port that was free a moment ago: no proxy says which one it was given.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("it is bound").port()
}
