//! Where pictures come from, as it is said in `--source`.
//!
//! Pure. What it shows of itself has no password in it, and is all that log and page learn of it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

/// A source.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// A scene that we render ourselves, as the camera of this number sees it.
    Scene(u32),
    /// JPEGs on standard input, one after the other.
    Stdin,
    /// The newest picture in this directory.
    Directory(PathBuf),
    /// A camera that serves by HTTP.
    Http(Http),
    /// A command for the shell, which prints JPEGs.
    Command(String),
    /// A camera of this machine, read by ffmpeg.
    Device(PathBuf),
    /// An address that ffmpeg reads.
    Ffmpeg(Url),
}

/// An address that ffmpeg reads: `rtsp` or `https`.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// As it was given, with whatever secret there is in it.
    pub(super) secret: String,
    /// `rtsp` or `https`.
    pub(super) scheme: &'static str,
    /// What may be shown.
    shown: String,
}

/// A camera that serves by HTTP.
#[derive(Clone, PartialEq, Eq)]
pub struct Http {
    /// A name or an address; of version 6 without brackets.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
    /// What the `Host` header says.
    pub(super) authority: String,
    /// What is asked for, with its query, in which cameras take passwords.
    pub(super) target: String,
    /// What the `Authorization` header says, if somebody is named.
    pub(super) authorization: Option<String>,
    /// What may be shown.
    shown: String,
}

/// A text that names no source. It does not repeat the text, in which a password may be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "--source: {0}; it is scene:[N], - for standard input, a directory, /dev/videoN, exec:COMMAND, or an address in \
     http, https or rtsp"
)]
pub struct BadAddress(&'static str);

impl Address {
    /// Reads what was typed.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(BadAddress("it is empty or has characters that do not show"));
        }
        if let Some(command) = text.strip_prefix("exec:") {
            if command.trim().is_empty() {
                return Err(BadAddress("there is no command"));
            }
            return Ok(Self::Command(command.to_owned()));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return match scheme.to_ascii_lowercase().as_str() {
                "http" => http(rest).map(Self::Http),
                "https" => url("https", text, rest).map(Self::Ffmpeg),
                "rtsp" => url("rtsp", text, rest).map(Self::Ffmpeg),
                _ => Err(BadAddress("it has a scheme that is not known")),
            };
        }
        if let Some(camera) = text.strip_prefix("scene:") {
            let camera = if camera.is_empty() { Ok(1) } else { camera.parse() };
            return camera.map(Self::Scene).map_err(|_| BadAddress("a scene's camera is a number"));
        }
        Ok(match text {
            "-" => Self::Stdin,
            device if device.starts_with("/dev/video") => Self::Device(device.into()),
            directory => Self::Directory(directory.into()),
        })
    }

    /// Whether something in it must not be seen by others who use this machine.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        match self {
            Self::Http(http) => http.authorization.is_some() || http.target.contains('?'),
            Self::Ffmpeg(url) => url.shown != url.secret,
            _ => false,
        }
    }

    /// How long it may rest between two pictures: as was said, where they are asked for one by one.
    #[must_use]
    pub fn every(&self, typed: Option<Duration>) -> Option<Duration> {
        typed.filter(|_| {
            matches!(self, Self::Http(_) | Self::Command(_) | Self::Device(_) | Self::Ffmpeg(_))
        })
    }

    /// Whether it brings pictures by itself, as a camera does, so that the same one again and again is a fault.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !matches!(self, Self::Directory(_))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scene(camera) => write!(f, "scene:{camera}"),
            Self::Stdin => f.write_str("standard input"),
            Self::Directory(path) | Self::Device(path) => path.display().fmt(f),
            Self::Http(Http { shown, .. }) | Self::Ffmpeg(Url { shown, .. }) => f.write_str(shown),
            // A command line may have any secret anywhere in it; its first word is a program.
            Self::Command(command) => {
                let program = command.split_whitespace().next().unwrap_or_default();
                write!(f, "exec:{program}")
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The parts of an address behind its scheme: who, where, and what.
fn parts(rest: &str) -> Result<(Option<&str>, &str, &str), BadAddress> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let target = target.split('#').next().unwrap_or_default();
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    if place.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(BadAddress("it is not an address with a host"));
    }
    Ok((user, place, target))
}

/// What may be shown: a path, and no more of a query than that there is one.
fn shown(scheme: &str, place: &str, target: &str) -> String {
    match target.split_once('?') {
        Some((path, _)) => format!("{scheme}://{place}{path}?…"),
        None => format!("{scheme}://{place}{target}"),
    }
}

fn url(scheme: &'static str, text: &str, rest: &str) -> Result<Url, BadAddress> {
    let (_, place, target) = parts(rest)?;
    Ok(Url { secret: text.to_owned(), scheme, shown: shown(scheme, place, target) })
}

fn http(rest: &str) -> Result<Http, BadAddress> {
    let (user, place, target) = parts(rest)?;
    let bad_port = BadAddress("its port is none");
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            (host, port.parse().ok().filter(|port| *port != 0).ok_or(bad_port)?)
        }
        _ => (place, 80),
    };
    let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        return Err(BadAddress("it is not an address with a host"));
    }
    let authorization = user.map(|user| {
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        let both = [unescaped(name), b":".to_vec(), unescaped(password)].concat();
        format!("Basic {}", STANDARD.encode(both))
    });
    Ok(Http {
        host: host.to_owned(),
        port,
        authority: place.to_owned(),
        target: if target.starts_with('/') { target.to_owned() } else { format!("/{target}") },
        authorization,
        shown: shown("http", place, target),
    })
}

/// The bytes that a text with percent signs stands for (RFC 3986, 2.1).
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code = more.get(..2).filter(|_| *first == b'%').and_then(|code| {
            let code = std::str::from_utf8(code).ok()?;
            u8::from_str_radix(code, 16).ok()
        });
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &more[2..] } else { more };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn each_kind_of_source_has_its_form() {
        assert_eq!(address("scene:"), Address::Scene(1));
        assert_eq!(address("scene:3"), Address::Scene(3));
        assert_eq!(address("-"), Address::Stdin);
        assert_eq!(address("/srv/ftp"), Address::Directory("/srv/ftp".into()));
        assert_eq!(address("exec:cat a b"), Address::Command("cat a b".into()));
        assert_eq!(address("/dev/video0"), Address::Device("/dev/video0".into()));
        let Address::Ffmpeg(url) = address("RTSP://cam/stream1") else { panic!("ffmpeg") };
        assert_eq!((url.scheme, url.secret.as_str()), ("rtsp", "RTSP://cam/stream1"));
        for wrong in [
            "",
            "scene:x",
            "exec: ",
            "ftp://a/b",
            "http://",
            "http://:80/",
            "rtsp://",
            "http://a b/",
            "a\nb",
            "http://cam:0/",
            "http://cam:99999/",
            "http://cam:x/",
        ] {
            assert!(Address::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_address_of_http_is_taken_apart() {
        let Address::Http(http) = address("http://tim:a%40b%3A1@[::1]:8080/mjpg?x=1#y") else {
            panic!("http")
        };
        assert_eq!((http.host.as_str(), http.port), ("::1", 8080));
        assert_eq!((http.authority.as_str(), http.target.as_str()), ("[::1]:8080", "/mjpg?x=1"));
        let basic = format!("Basic {}", STANDARD.encode("tim:a@b:1"));
        assert_eq!(http.authorization, Some(basic));
        let Address::Http(http) = address("http://cam?snap") else { panic!("http") };
        assert_eq!((http.port, http.target.as_str(), http.authorization), (80, "/?snap", None));
    }

    #[test]
    fn no_secret_is_shown() {
        for text in [
            "http://tim:hush@cam:81/video?password=hush",
            "http://hush@cam/",
            "rtsp://tim:hush@cam:554/1",
            "rtsp://tim:hu@hush@cam/1",
            "https://cam/snap.jpg?pwd=hush",
            "http://cam/#hush",
            "exec:curl -u tim:hush https://cam/",
        ] {
            let address = address(text);
            let shown = format!("{address} {address:?}");
            assert!(!shown.contains("hush") && !shown.contains("tim"), "{shown}");
            let may_stay = text.starts_with("exec:") || text.contains('#');
            assert!(address.has_secret() || may_stay, "{text}");
        }
        for text in ["http://cam:81/video", "rtsp://cam/1", "scene:", "/srv/ftp"] {
            assert!(!address(text).has_secret(), "{text}");
        }
        let wrong = Address::parse("http://tim:hush@cam:x/").unwrap_err();
        assert!(!format!("{wrong} {wrong:?}").contains("hush"));
    }
}
