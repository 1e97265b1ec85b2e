//! The policy's one table, and the forms of `Host` and `Origin`.

use std::net::Ipv4Addr;

use super::Refusal::{BadHost, BadOrigin, ForeignOrigin, NoHost};
use super::*;

fn policy(shutdown: Reach) -> Policy {
    Policy {
        hosts: vec!["eot.example.com".parse().unwrap()],
        origins: vec!["https://wall.example.com".parse().unwrap()],
        orders: Reach::Never,
        shutdown,
        token: None,
        private: false,
        machine: Some("bridge.iona.example".parse().unwrap()),
    }
}

fn every_peer() -> [Peer; 4] {
    let bits = [(true, true), (true, false), (false, true), (false, false)];
    bits.map(|(local, trusted)| Peer { address: Ipv4Addr::LOCALHOST.into(), local, trusted })
}

fn visit(host: Option<&str>, origin: Option<&str>) -> Result<(), Refusal> {
    policy(Reach::Local).visit(host, origin, false)
}

#[test]
fn every_peer_and_every_act() {
    let reaches = [Reach::Never, Reach::Local, Reach::Any];
    let within = |reach, peer: &Peer, refusal| match reach {
        Reach::Any => Ok(()),
        Reach::Local if peer.local => Ok(()),
        Reach::Local | Reach::Never => Err(refusal),
    };
    let mut judged = 0;
    for (orders, shutdown) in reaches.iter().flat_map(|one| reaches.map(|other| (*one, other))) {
        for token in [None, Secret::new("brass")] {
            let policy = Policy { orders, token, ..policy(shutdown) };
            for peer in every_peer() {
                let shut_out = policy.token.is_some() && !peer.trusted;
                for (act, otherwise) in [
                    (Act::Order, within(orders, &peer, Refusal::Order)),
                    (Act::Shutdown, within(shutdown, &peer, Refusal::Shutdown)),
                    (Act::Answer, Ok(())),
                ] {
                    let expected = if shut_out { Err(Refusal::TokenRequired) } else { otherwise };
                    assert_eq!(policy.judge(&peer, act), expected, "{act:?} {peer:?} {policy:?}");
                    judged += 1;
                }
            }
        }
    }
    assert_eq!(judged, 9 * 2 * 4 * 3);
}

#[test]
fn reading_needs_the_token_only_where_it_is_private() {
    for private in [false, true] {
        for peer in every_peer() {
            let policy = Policy { token: Secret::new("brass"), private, ..policy(Reach::Any) };
            let refused = private && !peer.trusted;
            let expected = if refused { Err(Refusal::TokenRequired) } else { Ok(()) };
            assert_eq!(policy.judge(&peer, Act::Read), expected, "{private} {peer:?}");
            assert_eq!(self::policy(Reach::Never).judge(&peer, Act::Read), Ok(()));
        }
    }
}

#[test]
fn only_the_token_is_the_token() {
    let with = Policy { token: Secret::new("brass"), ..policy(Reach::Any) };
    assert!(with.is_token("brass") && !with.is_token("tin") && !with.is_token(""));
    assert!(!policy(Reach::Any).is_token("") && !policy(Reach::Any).is_token("brass"));
}

#[test]
fn a_refusal_says_what_would_help() {
    assert!(Refusal::Order.to_string().contains("--allow-orders"));
    assert_eq!((Refusal::Order.status(), Refusal::Shutdown.status()), (403, 403));
    assert_eq!(Refusal::TokenRequired.status(), 401);
    assert_eq!(Refusal::TokenRequired.to_string(), "Refused: this needs the token.");
}

#[test]
fn the_hosts_that_only_this_network_can_own_are_answered() {
    for host in [
        "127.0.0.1",
        "127.0.0.1:1873",
        "192.168.7.7:80",
        "127.0.0.1.",
        "[::1]",
        "[::1]:1873",
        "[FE80::1]",
        "localhost",
        "LOCALHOST:1873",
        "localhost.",
        "panel.localhost",
        "eot",
        "EOT:1873",
        "eot_web",
        "eot.local",
        "Eot.Local.:1873",
        "bridge.iona.example",
        "BRIDGE.iona.example:65535",
        "eot.example.com",
        "EOT.EXAMPLE.COM.:1",
    ] {
        assert_eq!(visit(Some(host), None), Ok(()), "{host}");
    }
}

#[test]
fn a_foreign_host_is_told_which_option_would_help() {
    for host in ["evil.example", "eot.example.com.evil.example", "local.evil.example", "127.1:80"] {
        let Err(refusal) = visit(Some(host), None) else {
            panic!("{host} was answered");
        };
        assert_eq!(refusal.status(), 421, "{host}");
        let name = host.strip_suffix(":80").unwrap_or(host);
        assert!(refusal.to_string().ends_with(&format!("--host {name}")), "{refusal}");
    }
}

#[test]
fn a_host_that_is_none_is_a_bad_request() {
    assert_eq!(visit(None, None), Err(NoHost));
    assert_eq!((NoHost.status(), BadHost.status()), (400, 400));
    for host in [
        "",
        ".",
        "..",
        "eot:",
        "eot:0",
        "eot:+80",
        "eot:65536",
        "eot:80:80",
        "eot:http",
        "a..b",
        "user@eot",
        "eot/",
        "::1",
        "[::1",
        "[::1]80",
        "[::1]:",
        "[127.0.0.1]",
        "[fe80::1%eth0]",
        "e t",
        "eöt",
        "eot,eot",
        "eot\\",
        "<eot>",
        " eot",
    ] {
        assert_eq!(visit(Some(host), None), Err(BadHost), "{host:?}");
    }
    let long = "x".repeat(64);
    assert_eq!(visit(Some(&long), None), Err(BadHost));
    let deep = ["x"; 128].join(".");
    assert_eq!(visit(Some(&deep), None), Err(BadHost));
}

#[test]
fn an_origin_is_ours_when_it_is_the_host() {
    for (host, origin) in [
        ("eot:1873", "http://eot:1873"),
        ("EOT:1873", "http://eot:1873"),
        ("eot.:1873", "http://eot:1873"),
        ("eot", "http://eot"),
        ("eot:80", "http://eot"),
        ("eot", "http://eot:80"),
        ("eot.example.com", "https://eot.example.com"),
        ("eot.example.com:443", "https://eot.example.com"),
        ("127.0.0.1:1873", "http://127.0.0.1:1873"),
        ("[::1]:1873", "http://[0:0:0:0:0:0:0:1]:1873"),
        ("eot:1873", "https://wall.example.com"),
        ("eot:1873", "https://WALL.example.com:443"),
        // No browser's, and yet clear.
        ("eot:1873", "http://eot:1873/"),
        ("eot:1873", "https://wall.example.com/"),
    ] {
        assert_eq!(visit(Some(host), Some(origin)), Ok(()), "{host} {origin}");
    }
}

#[test]
fn where_a_proxy_speaks_tls_no_page_by_plain_http_is_ours() {
    let (plain, secure) = ("http://eot.example.com", "https://eot.example.com");
    let mut policy = policy(Reach::Local);
    let visit = |policy: &Policy, origin, tls| {
        policy.visit(Some("eot.example.com"), Some(origin), tls).is_ok()
    };
    assert!(visit(&policy, plain, false) && visit(&policy, secure, false));
    assert!(!visit(&policy, plain, true) && visit(&policy, secure, true));
    policy.origins.push(plain.parse().unwrap());
    assert!(visit(&policy, plain, true), "whoever runs the server may allow even that");
}

#[test]
fn any_other_origin_is_refused() {
    for (host, origin) in [
        ("eot:1873", "http://eot"),
        ("eot:1873", "http://eot:1874"),
        ("eot", "https://eot:80"),
        ("eot:80", "https://eot"),
        ("eot:1873", "http://eot.local:1873"),
        ("eot:1873", "http://evil.example"),
        ("localhost:1873", "http://127.0.0.1:1873"),
        ("eot:1873", "http://wall.example.com"),
        ("eot:1873", "https://wall.example.com:8443"),
        ("eot:1873", "https://wall.example.com/elsewhere"),
        ("eot:1873", "http://eot:1873/path"),
        ("eot:1873", "http://eot:1873/http://eot:1873"),
        ("eot:1873", "chrome-extension://eot"),
        ("eot:1873", "file://"),
        ("eot:1873", "file://eot:1873"),
    ] {
        let foreign = ForeignOrigin(origin.parse().unwrap());
        assert_eq!(foreign.status(), 403);
        assert_eq!(visit(Some(host), Some(origin)), Err(foreign), "{host} {origin}");
    }
    assert_eq!(BadOrigin.status(), 403);
    let long = format!("http://eot:1873/{}", "x".repeat(512));
    for origin in [
        "null",
        "*",
        "",
        "eot:1873",
        "//eot:1873",
        "http://",
        "http:///",
        "https://*.example.com",
        "http://eot:1873 http://eot:1873",
        "http://eot:1873/ http://eot:1873",
        "http://eot:1873, http://evil.example",
        "http://eot:1873/,x",
        "http://user@eot:1873",
        "http://eot/\u{202e}",
        "http://eot/<b>",
        long.as_str(),
    ] {
        assert_eq!(visit(Some("eot:1873"), Some(origin)), Err(BadOrigin), "{origin}");
    }
}

#[test]
fn what_small_clients_say_in_place_of_an_origin_can_be_allowed_by_name_and_the_refusal_says_how() {
    for said in [
        "file://",
        "file:///",
        "FILE://",
        "file:///android_asset/panel.html",
        "https://github.com/gilmaimon/TinyWebsockets",
        "http://localhost/",
        "http://localhost:80",
        "http://192.168.4.1:81/ws?x=1",
        "http://[::1]:8080/a",
        "ws://gate:9",
        "capacitor://localhost",
        "http://a.b/c/",
    ] {
        let refusal = visit(Some("eot:1873"), Some(said)).unwrap_err().to_string();
        let (_, named) = refusal.rsplit_once("--allow-origin ").expect("it says how");
        let allowed = Policy { origins: vec![named.parse().unwrap()], ..policy(Reach::Never) };
        assert_eq!(allowed.visit(Some("eot:1873"), Some(said), true), Ok(()), "{named}");
        assert_eq!(allowed.origins[0].to_string(), named);
        for other in
            ["http://evil.example", "https://github.com", "file://x", "http://localhost:1873"]
        {
            assert!(
                allowed.visit(Some("eot:1873"), Some(other), false).is_err(),
                "{named} {other}"
            );
        }
        // Whoever may talk to it is not at its machine for that.
        let here = Policy::is_for_loopback(Some("localhost"), Some(said));
        assert_eq!(here, said.starts_with("http://localhost"), "{said}");
    }
}

#[test]
fn an_extensions_origin_can_be_allowed() {
    let mut policy = policy(Reach::Never);
    policy.origins.push("chrome-extension://abcdef".parse().unwrap());
    assert_eq!(policy.visit(Some("eot"), Some("chrome-extension://abcdef"), true), Ok(()));
}

#[test]
fn a_loopback_name_or_address_is_this_machine_and_nothing_else() {
    for host in [
        "localhost",
        "LOCALHOST:1873",
        "localhost.",
        "panel.localhost:80",
        "127.0.0.1",
        "127.7.7.7:1",
        "[::1]:1873",
        "[::ffff:127.0.0.1]",
    ] {
        assert!(Policy::is_for_loopback(Some(host), None), "{host}");
        assert!(Policy::is_for_loopback(Some(host), Some(&format!("http://{host}"))), "{host}");
        for origin in [
            "http://evil.local",
            "https://wall.example.com",
            "null",
            "",
            "file://",
            "x://localhost",
        ] {
            assert!(!Policy::is_for_loopback(Some(host), Some(origin)), "{host} {origin}");
        }
        let path = format!("http://{host}/path");
        assert!(!Policy::is_for_loopback(Some(host), Some(&path)), "{path}");
    }
    for host in [
        "eot",
        "evil.local:1873",
        "203.0.113.7:8080",
        "0.0.0.0",
        "[::]",
        "localhost.example.com",
        "localhost.local",
        "notlocalhost",
        "127.0.0.1.example",
        "[::ffff:10.0.0.1]",
        "bridge.iona.example",
        "",
        "a b",
    ] {
        assert!(!Policy::is_for_loopback(Some(host), None), "{host}");
        assert!(!Policy::is_for_loopback(Some(host), Some("http://localhost")), "{host}");
    }
    assert!(!Policy::is_for_loopback(None, None));
}
