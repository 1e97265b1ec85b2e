//! Requests over HTTP, each on a connection of its own.

use std::fmt::Write;

use crate::patience::soon;
use crate::raw::{Raw, Response};
use crate::server::TestServer;

/// `GET` of this path.
pub(crate) async fn get(server: &TestServer, path: &str) -> Response {
    get_with(server, path, &[]).await
}

/// `GET` of this path with these headers; `Host` among them replaces the usual one.
pub(crate) async fn get_with(
    server: &TestServer,
    path: &str,
    headers: &[(&str, &str)],
) -> Response {
    let mut request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        let _ = write!(request, "Host: {}\r\n", server.authority());
    }
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    request += "\r\n";
    let mut raw = Raw::connect(server).await;
    raw.send(request).await;
    raw.response().await
}

/// Waits until `/readyz` answers with this code.
///
/// A station may hear of a health a moment before it can be asked for over HTTP.
pub(crate) async fn await_readiness(server: &TestServer, code: u16) {
    soon(&format!("/readyz being {code}"), async {
        while get(server, "/readyz").await.code != code {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
