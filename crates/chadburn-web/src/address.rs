//! What a request says of where it goes and where it comes from: `Host` and `Origin`, parsed.
//!
//! It knows the forms of addresses and nothing of who may use them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// The longest name DNS knows, in characters (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 253;

/// The longest origin, in bytes: room for a name, and for what small clients put behind it.
const LONGEST_ORIGIN: usize = 512;

/// The longest label of a name (RFC 1035, 2.3.4).
const LONGEST_LABEL: usize = 63;

/// Whether these two texts, of which one is from an address of this scheme, mean one host and port.
pub(crate) fn is_same(one: &str, other: &str, scheme: Option<&str>) -> bool {
    let port = scheme.and_then(default_port);
    let parsed = |text: &str| {
        let Authority { host, port: written } = text.parse().ok()?;
        Some((host, written.or(port)))
    };
    parsed(one).is_some_and(|one| parsed(other) == Some(one))
}

/// A text that is not an address of the form that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadAddress {
    /// Not a host name.
    #[error("not a host name")]
    Name,
    /// Not a host with an optional port.
    #[error("not a host with an optional port")]
    Authority,
    /// Not an origin.
    #[error(
        "not an origin like https://eot.example.com or file://; * and null would be any page's"
    )]
    Origin,
}

/// A host name in lower case, without the dot that may end it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Whether only this network can have given the name: one label, `localhost` and what is
    /// below it (RFC 6761), or a name of multicast DNS (RFC 6762).
    #[must_use]
    pub fn is_of_this_network(&self) -> bool {
        match self.0.rsplit_once('.') {
            None => true,
            Some((_, top)) => top == "local" || self.is_loopback(),
        }
    }

    /// Whether it means whichever machine it is used on: `localhost` and what is below it (RFC 6761).
    fn is_loopback(&self) -> bool {
        self.0.rsplit('.').next() == Some("localhost")
    }
}

impl FromStr for Name {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let name = text.strip_suffix('.').unwrap_or(text);
        // The underscore is in no host name by the book, and in many a compose file.
        let fits = |label: &str| {
            (1..=LONGEST_LABEL).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if name.len() <= LONGEST_NAME && name.split('.').all(fits) {
            Ok(Self(name.to_ascii_lowercase()))
        } else {
            Err(BadAddress::Name)
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host: a name or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An address. Its v6 form is compared as an address, not as the text it was written in.
    Ip(IpAddr),
    /// A name.
    Name(Name),
}

/// What the `Host` header says: a host, and a port if it is not the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The host.
    pub host: Host,
    /// The port, if one is written.
    pub port: Option<u16>,
}

impl Authority {
    /// Whether it means whichever machine it is used on.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Ip(address) => address.to_canonical().is_loopback(),
            Host::Name(name) => name.is_loopback(),
        }
    }
}

impl FromStr for Authority {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']').ok_or(BadAddress::Authority)?;
            let port = match rest {
                "" => None,
                _ => Some(rest.strip_prefix(':').ok_or(BadAddress::Authority)?),
            };
            // A zone (RFC 6874) is of interest to whoever finds the way, and all of them are addresses.
            let (address, zone) = address.split_once('%').unwrap_or((address, "0"));
            let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._~%".contains(&b);
            if zone.is_empty() || !zone.bytes().all(fits) {
                return Err(BadAddress::Authority);
            }
            let address: Ipv6Addr = address.parse().map_err(|_| BadAddress::Authority)?;
            (Host::Ip(address.into()), port)
        } else {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            let undotted = host.strip_suffix('.').unwrap_or(host);
            let host = match undotted.parse::<Ipv4Addr>() {
                Ok(address) => Host::Ip(address.into()),
                Err(_) => Host::Name(host.parse()?),
            };
            (host, port)
        };
        let port = port.map(port_number).transpose()?;
        Ok(Self { host, port })
    }
}

/// Only digits: the standard library's parser would let `+80` pass.
fn port_number(text: &str) -> Result<u16, BadAddress> {
    match text.parse() {
        Ok(port) if port != 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(port),
        _ => Err(BadAddress::Authority),
    }
}

/// Where a page comes from, as browsers write it (RFC 6454), or what clients on small machines say in its place:
/// `file://`, `app://.`, or an address with a path. The slashes that end it mean nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `http`, `https`, or any other; in lower case.
    scheme: String,
    /// Host and port of a web page, of which a default one is filled in; none with any other scheme, whose names
    /// are its own.
    authority: Option<Authority>,
    /// What stands behind that: a path, which no browser sends; with another scheme, its host in lower case too.
    rest: String,
}

impl Origin {
    /// Whether a page of this origin was served under this `Host`. A port that is not written is
    /// the default of the page's scheme on both sides: behind a proxy for TLS the server sees
    /// `Host: eot.example.com` and the browser sends `https://eot.example.com`.
    #[must_use]
    pub fn is_at(&self, host: &Authority) -> bool {
        let Some(default) = default_port(&self.scheme) else {
            return false;
        };
        let is_at =
            |it: &Authority| it.host == host.host && it.port == Some(host.port.unwrap_or(default));
        self.rest.is_empty() && self.authority.as_ref().is_some_and(is_at)
    }

    /// Whether whoever is on the way can have changed its pages.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.scheme == "http"
    }

    /// Whether it is a web page of whichever machine it is shown on.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.rest.is_empty() && self.authority.as_ref().is_some_and(Authority::is_loopback)
    }
}

impl FromStr for Origin {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let (scheme, rest) = text.split_once("://").ok_or(BadAddress::Origin)?;
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(fits) {
            return Err(BadAddress::Origin);
        }
        let scheme = scheme.to_ascii_lowercase();
        // What may stand in an address (RFC 3986) and a query, without what separates lists in headers; and no *, which
        // would be taken for any page.
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()+=:@/%?[]".contains(&b);
        if text.len() > LONGEST_ORIGIN || !rest.bytes().all(fits) {
            return Err(BadAddress::Origin);
        }
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/');
        let Some(port) = default_port(&scheme) else {
            let rest = host.to_ascii_lowercase() + path;
            return Ok(Self { scheme, authority: None, rest });
        };
        let mut authority: Authority = host.parse().map_err(|_| BadAddress::Origin)?;
        authority.port.get_or_insert(port);
        Ok(Self { scheme, authority: Some(authority), rest: path.to_owned() })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, authority, rest } = self;
        write!(f, "{scheme}://")?;
        if let Some(Authority { host, port }) = authority {
            match host {
                Host::Ip(IpAddr::V6(address)) => write!(f, "[{address}]")?,
                Host::Ip(address) => write!(f, "{address}")?,
                Host::Name(name) => write!(f, "{name}")?,
            }
            if let Some(port) = port.filter(|port| Some(*port) != default_port(scheme)) {
                write!(f, ":{port}")?;
            }
        }
        f.write_str(rest)
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}
