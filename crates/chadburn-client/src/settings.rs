//! Where a link leads and how patient it is.

use std::path::PathBuf;
use std::time::Duration;

use chadburn_v1::{BAD_NAME, is_name};
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Uri};

use crate::{Failure, Full};

/// How long it is tried, from the loss on: long enough for a restart or a reboot of the network.
const WINDOW: Duration = Duration::from_mins(1);

/// How many messages an outbox or an inbox holds.
const ROOM: usize = 1024;

/// The longest message that is taken, in bytes.
const LONGEST: usize = 256 * 1024;

/// How many bytes wait in an inbox.
const INBOX_BYTES: usize = 8 * 1024 * 1024;

/// How many bytes may wait for the other side to take them, beside what is in the outbox.
const UNWRITTEN: usize = 16 * 1024 * 1024;

/// How often a plain link pings, as the server does.
const BEAT: Duration = Duration::from_secs(15);

/// How to reach the other side, and what to do while it is away. Every setting has a default.
///
/// ```
/// use std::time::Duration;
/// use chadburn_client::{Full, Settings};
///
/// let settings = Settings::new("wss://eot.example.com/websocket")?
///     .window(Duration::from_secs(600))
///     .outbox(64, Full::DropOldest)
///     .name("galley")?;
/// assert!(Settings::new("http://eot.example.com/").is_err());
/// # Ok::<(), chadburn_client::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    /// As it was given.
    pub(crate) url: String,
    /// Whether it is `wss`.
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) window: Duration,
    pub(crate) outbox: (usize, Full),
    pub(crate) inbox: usize,
    pub(crate) inbox_bytes: usize,
    pub(crate) longest: usize,
    /// The longest message that can be sent, in bytes with its head. So much waits at most for one who pings
    /// without end and takes no pong.
    pub(crate) unwritten: usize,
    pub(crate) beat: Duration,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) subprotocol: Option<String>,
    pub(crate) identity: Option<String>,
    pub(crate) greeting: Option<String>,
    /// Whether a token is among the headers.
    pub(crate) token: bool,
    pub(crate) name: Option<String>,
    pub(crate) resume: Option<String>,
    pub(crate) since: Option<u64>,
}

impl Settings {
    /// The usual settings for this address, `(ws|wss)://HOST[:PORT][/PATH]`.
    pub fn new(url: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| Failure::Setting(format!("{url:?} {why}"));
        let uri: Uri = url.parse().map_err(|error| wrong(&format!("is no address: {error}")))?;
        let secure = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(wrong("does not begin with ws:// or wss://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("has a user in it; a token goes elsewhere"));
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if host.is_empty() || authority.as_str().ends_with(':') {
            return Err(wrong("names no host and port"));
        }
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        Ok(Self {
            url: url.to_owned(),
            secure,
            host,
            port,
            window: WINDOW,
            outbox: (ROOM, Full::Wait),
            inbox: ROOM,
            inbox_bytes: INBOX_BYTES,
            longest: LONGEST,
            unwritten: UNWRITTEN,
            beat: BEAT,
            ca_file: None,
            headers: Vec::new(),
            subprotocol: None,
            identity: None,
            greeting: None,
            token: false,
            name: None,
            resume: None,
            since: None,
        })
    }

    /// How long to try, from the loss or the first try on; a minute by default.
    #[must_use]
    pub fn window(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// How many messages may wait to be sent, at least one, and what happens to one more; by default
    /// 1,024, and it waits.
    #[must_use]
    pub fn outbox(self, most: usize, full: Full) -> Self {
        Self { outbox: (most, full), ..self }
    }

    /// How many events are kept until they are asked for, at least one; 1,024 by default. Of more,
    /// the newest are kept.
    #[must_use]
    pub fn inbox(self, most: usize) -> Self {
        Self { inbox: most, ..self }
    }

    /// How many bytes of events are kept until they are asked for; 8 MiB by default. The newest event
    /// is kept however long it is.
    #[must_use]
    pub fn inbox_bytes(self, most: usize) -> Self {
        Self { inbox_bytes: most, ..self }
    }

    /// The longest message that is taken, in bytes; 256 KiB by default. The connection on which a
    /// longer one begins is given up. A station takes none that is longer than the default.
    #[must_use]
    pub fn longest(self, bytes: usize) -> Self {
        Self { longest: bytes, ..self }
    }

    /// How often a plain link pings; 15 s by default. When nothing is heard for two and a half of
    /// them the link is lost. A station goes by the server's beats as soon as it knows them.
    #[must_use]
    pub fn beat(self, beat: Duration) -> Self {
        Self { beat, ..self }
    }

    /// Trusts the certificates in this PEM file alone, and not those that this machine trusts.
    #[must_use]
    pub fn ca_file(self, file: impl Into<PathBuf>) -> Self {
        Self { ca_file: Some(file.into()), ..self }
    }

    /// A further header of the handshake, such as `Origin`.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Failure> {
        let name = name.parse().map_err(|_| Failure::Setting(format!("{name:?} is no header")));
        let value = HeaderValue::from_str(value)
            .map_err(|_| Failure::Setting(format!("{value:?} is no header's value")));
        self.headers.push((name?, value?));
        Ok(self)
    }

    /// The token that the server wants of whoever orders or answers. If it is not that of the
    /// server, a station fails at once.
    pub fn token(self, token: &str) -> Result<Self, Failure> {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| Failure::Setting("that cannot be a token".into()))?;
        value.set_sensitive(true);
        let mut settings = Self { token: true, ..self };
        settings.headers.push((HeaderName::from_static("authorization"), value));
        Ok(settings)
    }

    /// A subprotocol that a plain link asks for; the other side must speak it.
    #[must_use]
    pub fn subprotocol(self, name: impl Into<String>) -> Self {
        Self { subprotocol: Some(name.into()), ..self }
    }

    /// What a plain link says first, each time the other side is there, before anything that waited.
    #[must_use]
    pub fn identity(self, message: impl Into<String>) -> Self {
        Self { identity: Some(message.into()), ..self }
    }

    /// What the other side of a plain link says first. Until it has, it is not there: nothing is heard of
    /// it or sent to it, and the [`window`](Self::window) runs on.
    #[must_use]
    pub fn greeting(self, message: impl Into<String>) -> Self {
        Self { greeting: Some(message.into()), ..self }
    }

    /// What a station is called: at most 40 characters, which all show.
    pub fn name(self, name: impl Into<String>) -> Result<Self, Failure> {
        let name = name.into();
        if is_name(&name) {
            return Ok(Self { name: Some(name), ..self });
        }
        Err(Failure::Setting(BAD_NAME.into()))
    }

    /// Makes a station the one that was told this secret in its welcome.
    #[must_use]
    pub fn resume(self, secret: impl Into<String>) -> Self {
        Self { resume: Some(secret.into()), ..self }
    }

    /// Lets a station hear first what it has missed after this number.
    #[must_use]
    pub fn since(self, seq: u64) -> Self {
        Self { since: Some(seq), ..self }
    }
}

impl TryFrom<&str> for Settings {
    type Error = Failure;

    fn try_from(url: &str) -> Result<Self, Failure> {
        Self::new(url)
    }
}

impl TryFrom<String> for Settings {
    type Error = Failure;

    fn try_from(url: String) -> Result<Self, Failure> {
        Self::new(&url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_a_host_and_perhaps_a_port_and_a_path() {
        let places = [
            ("ws://localhost:1873/websocket", (false, "localhost", 1873)),
            ("wss://eot.example.com", (true, "eot.example.com", 443)),
            ("ws://[::1]/a/b?c=d", (false, "::1", 80)),
        ];
        for (url, place) in places {
            let settings = Settings::new(url).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((settings.secure, settings.host.as_str(), settings.port), place);
        }
        for wrong in ["", "localhost:1873", "http://localhost/", "ws://", "ws://u@h/", "ws://h:/"] {
            assert!(matches!(Settings::new(wrong), Err(Failure::Setting(_))), "{wrong:?}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        let settings = Settings::new("ws://localhost").and_then(|it| it.token("brass"));
        let shown = format!("{settings:?}");
        assert!(settings.is_ok() && !shown.contains("brass"), "{shown}");
    }
}
