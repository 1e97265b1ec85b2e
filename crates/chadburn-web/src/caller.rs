//! Who is at the other end of a connection, as far as one request and the kernel can tell.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, Request, Version, header};
use tokio::net::TcpStream;

use crate::limits::prefix;
use crate::owner::Connection;
use crate::visitors::Visitors;
use live_file::user;

/// The headers that browsers, curl and the libraries of scripts send by themselves, beside those that begin
/// with `sec-`, which are a browser's own (Fetch, "forbidden request-header"). Whoever adds another one may be
/// a proxy or a tunnel, which say in hundreds of them for whom they ask, and how the way is traced.
const BY_PEOPLE: [&str; 35] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "dnt",
    "expect",
    "host",
    "http2-settings",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "last-event-id",
    "origin",
    "pragma",
    "priority",
    "range",
    "referer",
    "save-data",
    "te",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
];

/// Whoever makes a request.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// Its address; of IPv6 only the 64 bits that are not the host's to choose.
    pub address: IpAddr,
    /// The connection, if address and request are such as they are of somebody at this machine.
    here: Option<Connection>,
}

impl Caller {
    /// Whoever makes this request over this connection, if it is a loopback one.
    pub(crate) fn new<B>(
        address: SocketAddr,
        connection: Option<Connection>,
        request: &Request<B>,
    ) -> Self {
        let here = connection.filter(|_| is_made_here(request));
        Self { address: prefix(address.ip()), here }
    }

    /// Whether it is root or the server's own user who asks, at this machine. That is a question to the
    /// kernel, so it is asked only where something depends on it.
    pub async fn is_local(&self) -> bool {
        match self.here {
            Some(connection) => connection.peer_user().await.is_some_and(user::is_own),
            None => false,
        }
    }
}

/// This connection, if the other end is at this machine.
pub(crate) fn loopback(stream: &TcpStream, peer: SocketAddr) -> Option<Connection> {
    let local = stream.local_addr().ok()?;
    peer.ip().to_canonical().is_loopback().then(|| Connection::of(stream, local, peer))?
}

/// The one value of a header. What stands there twice or is not text is taken as empty, which is
/// neither a host nor an origin.
pub(crate) fn at_most_one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    match values.next() {
        Some(_) => Some(""),
        None => Some(value.to_str().unwrap_or("")),
    }
}

/// Whether this is what somebody at this machine asks. A proxy or a tunnel on this machine is a loopback
/// peer as well, and runs as root or as anybody: it speaks for strangers. Mostly it adds a header; or it asks in
/// HTTP/1.0, as nginx does unless told otherwise; or it passes a name on that is not this machine's.
fn is_made_here<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let host = at_most_one(headers, &header::HOST);
    let origin = at_most_one(headers, &header::ORIGIN);
    // A browser says so of a page that is not the server's own (Fetch Metadata).
    let site = at_most_one(headers, &HeaderName::from_static("sec-fetch-site"));
    request.version() == Version::HTTP_11
        && Visitors::is_for_loopback(host, origin)
        && site.is_none_or(|site| site == "same-origin" || site == "none")
        && headers.keys().all(|name| is_by_people(name.as_str()))
}

/// Whether somebody at this machine may send this header without saying that he asks for others.
fn is_by_people(name: &str) -> bool {
    name.starts_with("sec-") || BY_PEOPLE.contains(&name)
}

/// Other names by which proxies say it: of gunicorn's and Microsoft's, and of nginx's in Kubernetes.
const OTHER_PROTO: [&str; 5] = [
    "x-forwarded-protocol",
    "x-forwarded-scheme",
    "x-forwarded-ssl",
    "x-url-scheme",
    "front-end-https",
];

/// Whether a proxy says that the browser came to it by TLS: `X-Forwarded-Proto`, another name of that, or `proto` in
/// `Forwarded` (RFC 7239, 5.4); of several proxies the first, which is the browser's. Whoever says
/// so without a proxy only closes a way to itself.
pub(crate) fn came_by_tls(headers: &HeaderMap) -> bool {
    let first = |name| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.and_then(|value| value.split(',').next()).unwrap_or_default()
    };
    let is_tls = |scheme: &str| {
        let scheme = scheme.trim().trim_matches('"');
        ["https", "wss", "ssl", "on"].iter().any(|tls| scheme.eq_ignore_ascii_case(tls))
    };
    let mut pairs = first("forwarded").split(';').filter_map(|pair| pair.split_once('='));
    is_tls(first("x-forwarded-proto"))
        || OTHER_PROTO.iter().any(|name| is_tls(first(name)))
        || pairs.any(|(name, value)| name.trim().eq_ignore_ascii_case("proto") && is_tls(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_here(version: Version, lines: &[&str]) -> bool {
        let mut request = Request::builder().version(version);
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        is_made_here(&request.body(()).unwrap())
    }

    #[test]
    fn what_a_person_here_sends_is_made_here() {
        let host = "Host: localhost:1873";
        for lines in [
            &[host][..],
            &["Host: 127.0.0.1:1873", "User-Agent: curl/8.14.1", "Accept: */*"],
            &["Host: [::1]:1873", "Authorization: Bearer brass", "Priority: u=1"],
            &[
                host,
                "Origin: http://localhost:1873",
                "Sec-Fetch-Site: same-origin",
                "Cookie: a=b",
                "Sec-Fetch-Mode: websocket",
                "Accept-Language: de",
                "Cache-Control: no-cache",
                "DNT: 1",
            ],
            &[host, "Sec-Fetch-Site: none"],
            // A browser's socket, its stream of events, curl with `-C`, `-z`, `--http2` and a body, and scripts.
            &[
                host,
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Key: a",
                "Pragma: no-cache",
            ],
            &[host, "Last-Event-ID: 7", "Sec-CH-UA: \"a\"", "Sec-GPC: 1", "Save-Data: on"],
            &[
                host,
                "Range: bytes=1-",
                "If-Modified-Since: a",
                "HTTP2-Settings: a",
                "Content-Length: 1",
            ],
            &[host, "Expect: 100-continue", "Transfer-Encoding: chunked", "TE: trailers"],
            &[
                host,
                "Referer: http://localhost/",
                "Upgrade-Insecure-Requests: 1",
                "Content-Type: a/b",
            ],
            &[host, "Accept-Encoding: gzip", "Accept-Charset: utf-8", "Keep-Alive: 300"],
        ] {
            assert!(made_here(Version::HTTP_11, lines), "{lines:?}");
            assert!(!made_here(Version::HTTP_10, lines), "HTTP/1.0: {lines:?}");
        }
    }

    #[test]
    fn what_may_come_from_elsewhere_is_not_made_here() {
        let host = "Host: localhost:1873";
        for lines in [
            &[][..],
            &[host, host],
            &["Host: eot:1873"],
            &["Host: 203.0.113.7:8080"],
            &[host, "Origin: https://wall.example.com"],
            &[host, "Origin: null"],
            &[host, "Sec-Fetch-Site: cross-site"],
            &[host, "Sec-Fetch-Site: same-site"],
            &[host, "Sec-Fetch-Site: none", "Sec-Fetch-Site: none"],
        ] {
            assert!(!made_here(Version::HTTP_11, lines), "{lines:?}");
        }
    }

    #[test]
    fn whoever_says_for_whom_it_asks_is_a_proxy() {
        for name in [
            "Forwarded",
            "X-Forwarded-For",
            "X-Forwarded-Proto",
            "X-Forwarded",
            "Forwarded-For",
            "Via",
            "X-Real-IP",
            "CF-Connecting-IP",
            "CF-Ray",
            "True-Client-IP",
            "X-Client-IP",
            "Client-IP",
            "X-Cluster-Client-IP",
            "Fastly-Client-IP",
            "Fly-Client-IP",
            "X-Original-Forwarded-For",
            "X-Original-Host",
            "X-Envoy-External-Address",
            "X-Amzn-Trace-Id",
            "CDN-Loop",
            "Max-Forwards",
            "Tailscale-User-Login",
            "X-ProxyUser-Ip",
            "X-Nginx-Proxy",
            "X-Varnish",
            "Surrogate-Capability",
            "CloudFront-Viewer-Address",
            "X-Vercel-Id",
            "X-Sucuri-ClientIP",
            "X-Pomerium-Jwt-Assertion",
            "X-Anything",
            "Early-Data",
            "Remote-User",
            "traceparent",
            "tracestate",
            "baggage",
            "B3",
            "Uber-Trace-Id",
            "Clientip",
            "Azure-ClientIP",
            "Azure-FDID",
            "Pomerium-Jwt",
            "Remote_Addr",
            "Oidc-Claim-Sub",
            "Cloud-Trace-Context",
            "Incap-Client-IP",
            "SSL_CLIENT_S_DN",
            "Kong-Request-Id",
            "From",
            "Anything",
        ] {
            let line = format!("{name}: 127.0.0.1");
            assert!(!made_here(Version::HTTP_11, &["Host: localhost", &line]), "{name}");
        }
    }
}
