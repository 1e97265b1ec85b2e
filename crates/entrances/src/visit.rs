//! The headers `Host` and `Origin`: the first line is one, the second the other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chadburn_web::visitors::Visitors;

/// A name that the server was given.
const HOST: &str = "eot.example.com";

/// A foreign origin that was allowed.
const ORIGIN: &str = "https://wall.example.com";

/// Whoever is let in has named a host that nobody outside can own, and comes from a page of that
/// host or from no page. Judged anew here, in another way.
pub(crate) fn enter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (host, origin) = match text.split_once('\n') {
        Some((host, origin)) => (host, Some(origin)),
        None => (text, None),
    };
    let visitors = Visitors {
        hosts: vec![HOST.parse().expect("a name")],
        origins: vec![ORIGIN.parse().expect("an origin")],
        ..Visitors::default()
    };
    assert!(visitors.visit(None, origin, false).is_err());
    if visitors.visit(Some(host), origin, false).is_err() {
        return;
    }
    assert_eq!(visitors.visit(Some(host), None, true), Ok(()), "no page is no worse than a page");
    let (name, port) = named(host);
    assert!(is_safe(&name), "{host:?} was let in");
    let Some(origin) = origin else { return };
    let (scheme, authority) = origin.split_once("://").expect("an origin has a scheme");
    let authority = authority.trim_end_matches('/');
    let default = match scheme.to_ascii_lowercase().as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let (from, from_port) = named(authority);
    let from_port = from_port.or(default);
    let same = default.is_some() && from == name && from_port == port.or(default);
    let allowed = scheme.eq_ignore_ascii_case("https")
        && from == "wall.example.com"
        && from_port == Some(443);
    assert!(same || allowed, "{origin:?} was let in to {host:?}");
}

/// Name and port, the name in one form.
fn named(authority: &str) -> (String, Option<u16>) {
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (authority, None),
    };
    let port = port.map(|port| port.parse().expect("a port is a number"));
    let name = name.to_ascii_lowercase();
    let v6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    // Its zone is of no interest.
    let v6 = v6.and_then(|name| name.split('%').next()?.parse::<Ipv6Addr>().ok());
    (v6.map_or_else(|| name.trim_end_matches('.').to_owned(), |v6| v6.to_string()), port)
}

fn is_safe(name: &str) -> bool {
    let address = name.parse::<IpAddr>().is_ok() || name.parse::<Ipv4Addr>().is_ok();
    let top = name.rsplit('.').next();
    address || !name.contains('.') || matches!(top, Some("local" | "localhost")) || name == HOST
}
