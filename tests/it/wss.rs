//! The commands through TLS, by way of the README's proxies: whom they trust, and that they say at
//! once whom they do not.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::commands::{command, finished};
use crate::patience::{soon, within};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::tls::{Authority, Proxy};

/// How long a refusal may take that is not tried again; the window is a minute.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A command that trusts those whom this machine trusts, which are these.
fn trusting(server: &TestServer, url: &str, roots: &Path, words: &[&str]) -> Command {
    let mut command = command(server, words);
    command.env("CHADBURN_URL", url).env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR");
    command.env_remove("CHADBURN_CA_FILE");
    command
}

/// A command that trusts this file alone.
fn by_file(server: &TestServer, url: &str, file: &Path, words: &[&str]) -> Command {
    let mut command = trusting(server, url, file, words);
    command.arg("--ca-file").arg(file);
    command
}

async fn run(mut command: Command) -> (i32, String, String) {
    finished(within(Duration::from_secs(20), "the end", command.output()).await)
}

/// Runs it to the line that says why it is refused.
async fn refused(command: Command) -> String {
    let began = Instant::now();
    let (code, out, errors) = run(command).await;
    assert_eq!((code, out.as_str(), errors.lines().count()), (4, "", 1), "{errors}");
    assert!(began.elapsed() < AT_ONCE, "{errors}");
    errors
}

#[tokio::test]
async fn whom_this_machine_or_the_ca_file_trusts_is_spoken_to() {
    let server = TestServer::start().await;
    let (authority, other) = (Authority::new().await, Authority::new().await);
    let proxy = Proxy::nginx(&server, &authority, &[]).await;
    let (url, ours, theirs) =
        (proxy.url("localhost"), authority.file("ca.pem"), other.file("ca.pem"));
    let by_machine = |words: &[&str]| trusting(&server, &url, &ours, words);
    let (code, out, _) = run(by_machine(&["status"])).await;
    assert_eq!((code, out.as_str()), (0, "order  6 STOP\nreply  none\nbell   rings\n"));
    // A CA file stands in the place of all that.
    let by_file = |words: &[&str]| {
        let mut command = trusting(&server, &url, &theirs, words);
        command.arg("--ca-file").arg(&ours);
        command
    };
    let (code, out, _) = run(by_file(&["answer", "coffee"])).await;
    assert_eq!((code, out.as_str()), (0, "answered 6 STOP with 7 COFFEE\n"));
    for mut command in [by_machine(&["log"]), by_file(&["log"])] {
        let (code, out, _) = finished(soon("the log", command.output()).await);
        assert!(code == 0 && out.contains("reply  7 COFFEE"), "{out}");
    }
    let mut by_variable = by_machine(&["status"]);
    by_variable.env("CHADBURN_CA_FILE", &theirs);
    assert!(refused(by_variable).await.contains("nobody who is trusted"));
}

#[tokio::test]
async fn whoever_is_not_trusted_is_refused_at_once_whatever_was_asked() {
    let server = TestServer::start().await;
    let (authority, other) = (Authority::new().await, Authority::new().await);
    let proxy = Proxy::nginx(&server, &authority, &[]).await;
    let (url, theirs) = (proxy.url("localhost"), other.file("ca.pem"));
    let verbs = [&["status"][..], &["answer"], &["order", "7"], &["log"], &["console"]];
    for words in verbs {
        let why = refused(trusting(&server, &url, &theirs, words)).await;
        assert!(why.contains("its certificate is signed by nobody who is trusted here"), "{why}");
    }
    let ours = authority.file("ca.pem");
    let why = refused(trusting(&server, &proxy.url("127.0.0.1"), &ours, &["status"])).await;
    assert!(why.contains("its certificate is not good") && why.contains("localhost"), "{why}");
    // A server without TLS will not have any in a minute.
    let bare = format!("wss://{}/websocket", server.authority());
    for words in [["status"], ["log"]] {
        let why = refused(trusting(&server, &bare, &ours, &words)).await;
        assert!(why.contains("it speaks no TLS; is ws:// meant?"), "{why}");
    }
    let empty = server.home.file("empty.pem");
    std::fs::write(&empty, "").expect("it can be written");
    let (code, _, why) = run(trusting(&server, &url, &empty, &["status"])).await;
    assert!(code == 2 && why.contains("this machine trusts no certificate"), "{why}");
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_is_trusted_where_it_is_named() {
    let server = TestServer::start().await;
    let authority = Authority::new().await;
    for name in ["own", "bare"] {
        let (pem, key) = (format!("{name}.pem"), format!("{name}.key"));
        let own = [("cert.pem", pem.as_str()), ("cert.key", key.as_str())];
        let proxy = Proxy::nginx(&server, &authority, &own).await;
        let url = proxy.url("localhost");
        for words in [["status"], ["log"]] {
            let (code, _, why) = run(by_file(&server, &url, &authority.file(&pem), &words)).await;
            assert_eq!((code, why.as_str()), (0, ""), "{name}");
        }
        let why = refused(by_file(&server, &url, &authority.file("ca.pem"), &["status"])).await;
        assert!(why.contains("its own authority's (CA:TRUE)"), "{why}");
        // Its name counts where it has one.
        let misnamed =
            run(by_file(&server, &proxy.url("127.0.0.1"), &authority.file(&pem), &["status"]));
        assert_eq!(misnamed.await.0 == 0, name == "bare");
    }
}

#[tokio::test]
async fn a_watcher_outlives_the_server_behind_the_proxy() {
    let mut server = TestServer::start().await;
    let authority = Authority::new().await;
    let proxy = Proxy::caddy(&server, &authority).await;
    let (url, roots) = (proxy.url("localhost"), authority.file("ca.pem"));
    let mut watcher = trusting(&server, &url, &roots, &["watch"]);
    let mut watcher = watcher.stdout(Stdio::piped()).spawn().expect("it can be run");
    let mut lines = BufReader::new(watcher.stdout.take().expect("it is piped")).lines();
    let mut hears = async |word: &str| {
        within(Duration::from_secs(20), word, async {
            loop {
                let line = lines.next_line().await.expect("text").expect("it goes on");
                if line.contains(word) {
                    return;
                }
            }
        })
        .await;
    };
    hears("link up wss://").await;
    server.home.order("7");
    hears("order 7 COFFEE").await;
    server.kill().await;
    hears("link down").await;
    // The proxy is there, and says 502 for a while.
    let again = Setup::at(Arc::clone(&server.home)).port(server.address.port()).start().await;
    hears("link up wss://").await;
    again.home.order("8");
    hears("order 8 LUNCH").await;
}
