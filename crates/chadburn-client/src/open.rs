//! One try to open a connection: TCP, TLS and the handshake, and whether another try could help.
//!
//! Whom it trusts is told to it.

use std::fmt::Write;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, http};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use crate::page;
use crate::trust::{distrusted, tls};
use crate::{Failure, Settings};

/// How many bytes are read at once. A task reads so often in one turn (128 times, tokio's cooperative budget) that
/// a peer which sends without end has 2 MiB before anything else is looked at.
const READ_AT_ONCE: usize = 16 * 1024;

/// Why a try has failed.
#[derive(Debug)]
pub(crate) enum Cause {
    /// It may be better the next time.
    Passing(String),
    /// It will not be.
    Final {
        /// The status that was answered, if one was.
        status: Option<u16>,
        /// What was said.
        why: String,
    },
}

/// Opens connections. Tests bring one that opens pipes.
pub(crate) trait Open: Send + 'static {
    /// What a connection runs over.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;

    /// Tries once, with this query (without its question mark) added to the address.
    fn open(
        &mut self,
        query: &str,
    ) -> impl Future<Output = Result<WebSocketStream<Self::Stream>, Cause>> + Send;
}

/// Opens connections over the network.
#[derive(Debug)]
pub(crate) struct Network {
    settings: Settings,
    tls: Trust,
}

/// [`Connector`] is not `Debug`.
struct Trust(Connector);

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self.0, Connector::Plain) { "plain" } else { "tls" })
    }
}

impl Network {
    /// Whom to trust is read once, so that a missing file is told at once.
    pub(crate) fn new(settings: Settings) -> Result<Self, Failure> {
        let tls = if settings.secure {
            Connector::Rustls(Arc::new(tls(&settings).map_err(Failure::Setting)?))
        } else {
            Connector::Plain
        };
        Ok(Self { settings, tls: Trust(tls) })
    }

    fn request(&self, query: &str) -> Result<Request, Error> {
        let url = &self.settings.url;
        let joint = if url.contains('?') { '&' } else { '?' };
        let mut request = match query {
            "" => url.as_str().into_client_request()?,
            query => format!("{url}{joint}{query}").into_client_request()?,
        };
        let headers = request.headers_mut();
        for (name, value) in &self.settings.headers {
            headers.insert(name, value.clone());
        }
        if let Some(name) = &self.settings.subprotocol {
            let value = HeaderValue::from_str(name).map_err(http::Error::from)?;
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value);
        }
        Ok(request)
    }
}

impl Open for Network {
    type Stream = MaybeTlsStream<TcpStream>;

    async fn open(&mut self, query: &str) -> Result<WebSocketStream<Self::Stream>, Cause> {
        let passing = |error: std::io::Error| Cause::Passing(plain(&error));
        let request = self.request(query).map_err(judge)?;
        let address = (self.settings.host.as_str(), self.settings.port);
        let stream = TcpStream::connect(address).await.map_err(passing)?;
        stream.set_nodelay(true).map_err(passing)?;
        let tls = Some(self.tls.0.clone());
        let limits = Some(limits(&self.settings));
        let opened = client_async_tls_with_config(request, stream, limits, tls).await;
        match opened {
            Ok((socket, _)) => Ok(socket),
            // No server of WebSockets, and what it says is not told. So it is asked what it has to say to anybody.
            Err(Error::Protocol(ProtocolError::WrongHttpVersion)) => {
                let page = page::beside(&self.settings).await?;
                let says = |name: HeaderName| {
                    page.header(name.as_str()).map(|it| plain_ascii(it.as_bytes()))
                };
                Err(refused(page.status, says, page.body.as_bytes()))
            }
            Err(error) => Err(judge(error)),
        }
    }
}

/// How much a connection keeps in memory, either way.
pub(crate) fn limits(settings: &Settings) -> WebSocketConfig {
    let longest = Some(settings.longest);
    WebSocketConfig::default()
        .max_message_size(longest)
        .max_frame_size(longest)
        .read_buffer_size(READ_AT_ONCE)
        // Beyond this only the last ping is answered (RFC 6455, 5.5.3).
        .max_write_buffer_size(settings.unwritten)
}

/// What a failed handshake means.
fn judge(error: Error) -> Cause {
    let why = error.to_string();
    match error {
        Error::Http(response) => {
            let says =
                |name| response.headers().get(name).map(|value| plain_ascii(value.as_bytes()));
            let body = response.body().as_deref().unwrap_or_default();
            refused(response.status().as_u16(), says, body)
        }
        Error::Io(error) => distrusted(&error).unwrap_or(Cause::Passing(plain(&error))),
        // Half a handshake is what a server that ends leaves behind.
        Error::Protocol(ProtocolError::HandshakeIncomplete) | Error::ConnectionClosed => {
            Cause::Passing(why)
        }
        Error::Protocol(ProtocolError::HttparseError(_)) => {
            Cause::Final { status: None, why: "what answers there is not HTTP".into() }
        }
        _ => Cause::Final { status: None, why },
    }
}

/// A server that is overloaded or ends says so with 5xx, 408, 425 or 429; whatever else is no 101 is
/// meant, and would be said again. So would the 511 of a portal (RFC 6585, 6).
fn refused(number: u16, says: impl Fn(HeaderName) -> Option<String>, body: &[u8]) -> Cause {
    let status = StatusCode::from_u16(number).unwrap_or(StatusCode::BAD_GATEWAY);
    let is_portal = status == StatusCode::NETWORK_AUTHENTICATION_REQUIRED;
    let wants = says(header::WWW_AUTHENTICATE).or(says(header::PROXY_AUTHENTICATE));
    let why = match page::problem(body) {
        Some(detail) => format!("{status}, {}", shortened(&detail)),
        // A sign-in, a portal, or a server that has moved. It is not followed: whoever wrote the address decides.
        None if status.is_redirection() => match says(header::LOCATION) {
            Some(target) => format!("{status}, it sends one to {}", shortened(&target)),
            None => format!("{status}, it sends one elsewhere and does not say where"),
        },
        None if wants.is_some() => {
            format!("{status}, it asks for {}", shortened(&wants.unwrap_or_default()))
        }
        None if is_portal || (!status.is_server_error() && is_page(says(header::CONTENT_TYPE))) => {
            format!(
                "{status} with a web page, so a sign-in, a portal or another server answers here"
            )
        }
        None if status.is_success() => format!("{status}, so there is no WebSocket here"),
        None => status.to_string(),
    };
    let passing =
        [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    if !is_portal && (status.is_server_error() || passing.contains(&status)) {
        Cause::Passing(why)
    } else {
        Cause::Final { status: Some(number), why }
    }
}

/// Whether a browser would show it as a page.
fn is_page(kind: Option<String>) -> bool {
    let kind = kind.unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["text/html", "application/xhtml+xml"].iter().any(|page| kind.eq_ignore_ascii_case(page))
}

/// What a header says, with each byte that is no printable ASCII as an address has it.
fn plain_ascii(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

/// As much of an address or a reason as a line has room for.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    let end = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    text.chars().take(LONGEST).collect::<String>() + end
}

/// A system's error in its own words, without its number, in the middle of a sentence.
pub(crate) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let mut letters = text.split(" (os error").next().unwrap_or(&text).chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
