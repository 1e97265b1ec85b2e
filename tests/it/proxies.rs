//! Proxies and load balancers as Debian has them, each with the configuration of its own manual.

use std::fmt::Write;
use std::net::SocketAddr;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::patience::soon;
use crate::raw::{Raw, Response};
use crate::server::TestServer;
use crate::tls::{Proxy, free_port};

/// `HAProxy` before the server, with these lines more in its one section; its statistics are at `/stats`.
async fn haproxy(server: &TestServer, lines: &str) -> (Proxy, TempDir) {
    let place = TempDir::with_prefix("chadburn-proxy-").expect("a directory can be made");
    let (port, file) = (free_port(), place.path().join("haproxy.cfg"));
    let config = format!(
        "defaults\n mode http\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n\
         listen all\n bind 127.0.0.1:{port}\n stats enable\n stats uri /stats\n{lines}\n \
         server one {} check inter 100 rise 1 fall 1\n",
        server.authority()
    );
    std::fs::write(&file, config).expect("it can be written");
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(file);
    (Proxy::start(command, port).await, place)
}

/// Apache before the server, below `/telegraph/`, compressing what it can.
async fn apache(server: &TestServer) -> (Proxy, TempDir) {
    let place = TempDir::with_prefix("chadburn-proxy-").expect("a directory can be made");
    let (port, file) = (free_port(), place.path().join("apache.conf"));
    let modules = ["mpm_event", "authz_core", "filter", "deflate", "proxy", "proxy_http"];
    let mut config = format!(
        "ServerRoot /usr/lib/apache2\nDefaultRuntimeDir {0}\nPidFile {0}/apache.pid\n\
         ErrorLog {0}/apache.log\nUser www-data\nGroup www-data\nServerName localhost\n\
         Listen 127.0.0.1:{port}\n",
        place.path().display(),
    );
    for name in modules {
        let _ = writeln!(config, "LoadModule {name}_module modules/mod_{name}.so");
    }
    let _ = write!(
        config,
        "ProxyPreserveHost On\nProxyPass /telegraph/ http://{}/\n\
         AddOutputFilterByType DEFLATE text/event-stream application/json\n",
        server.authority()
    );
    std::fs::write(&file, config).expect("it can be written");
    let mut command = Command::new("apache2");
    command.args(["-D", "FOREGROUND", "-f"]).arg(file);
    (Proxy::start(command, port).await, place)
}

/// What comes back through a proxy.
async fn through(proxy: &Proxy, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    let mut raw = Raw::to(SocketAddr::from(([127, 0, 0, 1], proxy.port))).await;
    raw.send(request + "\r\n").await;
    let mut response = raw.response().await;
    if response.header("content-length").is_none() {
        response.body += &String::from_utf8_lossy(&raw.rest().await);
    }
    response
}

/// What `HAProxy`'s first check of the server has come to.
async fn checked(proxy: &Proxy) -> String {
    soon("a check of the server", async {
        loop {
            let table = through(proxy, "/stats;csv", &[]).await.body;
            let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
            let names = lines.find(|line| line[0] == "# pxname").expect("a table has a head");
            let column = names.iter().position(|name| *name == "check_status").expect("a check");
            let row = lines.find(|row| row[1] == "one").expect("there is a server");
            if !matches!(row[column], "" | "INI") && !row[column].starts_with("* ") {
                return row[column].to_owned();
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn the_plainest_check_of_haproxy_finds_the_server_well() {
    let server = TestServer::start().await;
    // In HTTP/1.0, without a Host.
    for path in ["/livez", "/readyz", "/status"] {
        let (proxy, _place) = haproxy(&server, &format!(" option httpchk GET {path}")).await;
        assert_eq!(checked(&proxy).await, "L7OK", "{path}");
        assert_eq!(through(&proxy, "/livez", &[]).await.body, "ok\n");
    }
    let (proxy, _place) = haproxy(&server, " option httpchk GET /bell-book").await;
    assert_eq!(checked(&proxy).await, "L7STS", "of all else it is asked by name");
}

/// The first event that comes through a proxy to somebody who takes compressed answers, and what the head says.
async fn first_event(proxy: &Proxy) -> (String, Response) {
    let mut raw = Raw::to(SocketAddr::from(([127, 0, 0, 1], proxy.port))).await;
    raw.send(
        "GET /events HTTP/1.0\r\nHost: localhost\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n",
    )
    .await;
    let head = raw.response().await;
    loop {
        let line = raw.line().await.expect("events come");
        if let Some(data) = line.strip_prefix("data: ") {
            return (data.to_owned(), head);
        }
    }
}

#[tokio::test]
async fn events_come_through_proxies_that_compress() {
    let server = TestServer::with_status("Käse\n").await;
    let compresses = " compression algo gzip\n compression type text/event-stream application/json";
    let (haproxy, _place) = haproxy(&server, compresses).await;
    let encoding = [("Accept-Encoding", "gzip")];
    let status = through(&haproxy, "/status", &encoding).await;
    assert_eq!(status.header("content-encoding"), Some("gzip"), "it does compress");
    let (data, head) = first_event(&haproxy).await;
    assert!(data.contains("\"status\":\"Käse\""), "{data}");
    assert_eq!(head.header("content-encoding"), None);
    assert_eq!(head.header("content-type"), Some("text/event-stream; charset=utf-8"));
}

#[tokio::test]
async fn events_come_through_apache_as_they_happen_although_it_compresses_them() {
    let server = TestServer::with_status("7\n").await;
    let (apache, _place) = apache(&server).await;
    let url = format!("http://localhost:{}/telegraph/events", apache.port);
    for compressed in [&["--compressed"][..], &[]] {
        let mut curl = Command::new("curl");
        curl.args(["-sN", "--noproxy", "*"]).args(compressed).arg(&url);
        curl.stdout(Stdio::piped()).kill_on_drop(true);
        let mut curl = curl.spawn().expect("there is a curl");
        let mut lines = BufReader::new(curl.stdout.take().expect("it is piped")).lines();
        for order in ["8", "9"] {
            server.home.order(order);
            let said = format!("\"status\":\"{order}\"");
            let told = async {
                while !lines.next_line().await.expect("text").expect("no end").contains(&said) {}
            };
            soon("an event", told).await;
        }
    }
}
