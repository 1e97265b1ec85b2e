//! What the same server says over HTTP, such as its bell book: one GET, and the answer.
//!
//! HTTP/1.0, since that needs nothing but an end.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::http::Uri;

use crate::driver::chance;
use crate::open::{Cause, plain};
use crate::tries::Tries;
use crate::trust::{distrusted, tls};
use crate::{Failure, Settings, Tried};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take at least, however little of the window is left.
const SHORTEST: Duration = Duration::from_secs(5);

/// The largest answer that is taken; twice the largest bell book that a server tells.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What a server said over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Page {
    /// The first header of this name, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Why the server did not do what it was asked, in its own words, if it says so (RFC 9457).
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        problem(self.body.as_bytes())
    }
}

/// What this body says if it is a problem. Nothing else of it is kept.
pub(crate) fn problem(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem {
        title: Option<String>,
        detail: Option<String>,
    }
    let Problem { title, detail } = serde_json::from_slice(body).ok()?;
    detail.or(title)
}

/// Gets a page of the server that the settings lead to, such as `bell-book?limit=10`: the path is
/// taken from where the WebSocket is. As patient as the settings; any status is an answer.
pub async fn get(settings: &Settings, path: &str) -> Result<Page, Failure> {
    fetch(settings, path, "").await
}

/// Gets of an answer without an end, such as `events`, what comes up to this mark and with it; if
/// the answer ends before, the whole.
pub async fn get_until(settings: &Settings, path: &str, mark: &str) -> Result<Page, Failure> {
    fetch(settings, path, mark).await
}

/// Without a mark, to the end.
async fn fetch(settings: &Settings, path: &str, mark: &str) -> Result<Page, Failure> {
    let trust = if settings.secure {
        Some(Arc::new(tls(settings).map_err(Failure::Setting)?))
    } else {
        None
    };
    let request = request(settings, path)?;
    let mut tries = Tries::new(settings.window, Instant::now());
    loop {
        let limit = tries.left(Instant::now()).clamp(SHORTEST, PATIENCE);
        let asked = timeout(limit, ask(settings, trust.clone(), &request, mark)).await;
        let cause = match asked {
            Ok(Ok(page)) => return Ok(page),
            Ok(Err(Cause::Final { status, why })) => {
                return Err(Failure::Refused { url: settings.url.clone(), status, why });
            }
            Ok(Err(Cause::Passing(cause))) => cause,
            Err(_) => format!("no answer within {} s", limit.as_secs()),
        };
        let now = Instant::now();
        let Some(wait) = tries.next(now, chance()) else {
            let (failed, lasted) = (tries.failed, tries.lasted(now));
            let url = settings.url.clone();
            return Err(Failure::Gone(Tried { url, tries: failed, lasted, cause }));
        };
        sleep(wait).await;
    }
}

/// What stands at the very address of the WebSocket, in one try.
pub(crate) async fn beside(settings: &Settings) -> Result<Page, Cause> {
    let never = |failure: Failure| Cause::Final { status: None, why: failure.to_string() };
    let path = settings.url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit_once('/').map_or("", |(_, name)| name);
    let request = request(settings, name).map_err(never)?;
    let trust = if settings.secure {
        Some(Arc::new(tls(settings).map_err(|why| never(Failure::Setting(why)))?))
    } else {
        None
    };
    let asked = timeout(SHORTEST, ask(settings, trust, &request, "")).await;
    asked.unwrap_or_else(|_| Err(Cause::Passing("no answer".into())))
}

fn request(settings: &Settings, path: &str) -> Result<String, Failure> {
    let wrong = |_| Failure::Setting(format!("{:?} is no address", settings.url));
    let uri: Uri = settings.url.parse().map_err(wrong)?;
    let folder = uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let mut request = format!("GET {folder}/{path} HTTP/1.0\r\n");
    let has_host = settings.headers.iter().any(|(name, _)| name == "host");
    if !has_host {
        let _ = write!(request, "Host: {authority}\r\n");
    }
    for (name, value) in &settings.headers {
        // Each was a text when it was set.
        let value = value.to_str().unwrap_or_default();
        let _ = write!(request, "{name}: {value}\r\n");
    }
    request.push_str("\r\n");
    Ok(request)
}

async fn ask(
    settings: &Settings,
    trust: Option<Arc<ClientConfig>>,
    request: &str,
    mark: &str,
) -> Result<Page, Cause> {
    let passing = |error: std::io::Error| Cause::Passing(plain(&error));
    let address = (settings.host.as_str(), settings.port);
    let stream = TcpStream::connect(address).await.map_err(passing)?;
    match trust {
        None => exchange(stream, request, mark).await.map_err(passing),
        Some(trust) => {
            let name = ServerName::try_from(settings.host.clone())
                .map_err(|error| Cause::Final { status: None, why: error.to_string() })?;
            let stream = TlsConnector::from(trust).connect(name, stream).await;
            let stream = stream.map_err(|it| distrusted(&it).unwrap_or_else(|| passing(it)))?;
            exchange(stream, request, mark).await.map_err(passing)
        }
    }
}

async fn exchange<S>(mut stream: S, request: &str, mark: &str) -> std::io::Result<Page>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    let mut stream = stream.take(LARGEST);
    if mark.is_empty() {
        stream.read_to_end(&mut bytes).await?;
    }
    let marked = |bytes: &[u8]| bytes.windows(mark.len()).any(|it| it == mark.as_bytes());
    let mut looked_through = 0;
    while !mark.is_empty() && !marked(&bytes[looked_through..]) {
        // The mark may have begun.
        looked_through = (bytes.len() + 1).saturating_sub(mark.len());
        if stream.read_buf(&mut bytes).await? == 0 {
            break;
        }
    }
    read(&bytes).ok_or_else(|| std::io::Error::other("the answer is not HTTP"))
}

/// Understands an answer that is there as a whole.
fn read(bytes: &[u8]) -> Option<Page> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = &bytes[end + 4..];
    let length = headers.iter().find(|(name, _)| name == "content-length");
    if let Some(length) = length.and_then(|(_, value)| value.parse::<usize>().ok())
        && length != body.len()
    {
        // The connection was lost in the middle.
        return None;
    }
    Some(Page { status, headers, body: String::from_utf8_lossy(body).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_whole_or_not_at_all() {
        let page = read(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nA: b \r\n\r\nnone");
        let page = page.expect("that is HTTP");
        assert_eq!((page.status, page.header("a"), page.body.as_str()), (404, Some("b"), "none"));
        for bytes in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nnone"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: 4",
            b"220 mail\r\n\r\n",
            b"",
        ] {
            assert_eq!(read(bytes), None);
        }
    }

    #[test]
    fn a_path_is_beside_the_websocket() {
        for (url, first) in [
            ("ws://h:1/websocket", "GET /status HTTP/1.0\r\nHost: h:1\r\n\r\n"),
            ("ws://h/eot/websocket", "GET /eot/status HTTP/1.0\r\nHost: h\r\n\r\n"),
            ("ws://h", "GET /status HTTP/1.0\r\nHost: h\r\n\r\n"),
        ] {
            let settings = Settings::new(url).expect("that is an address");
            assert_eq!(request(&settings, "status").as_deref(), Ok(first));
        }
    }
}
