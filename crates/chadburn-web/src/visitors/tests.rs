//! The forms of `Host` and `Origin`, and who is answered.

use super::NotAdmitted::{BadHost, BadOrigin, ForeignOrigin, NoHost};
use super::*;

fn visitors() -> Visitors {
    Visitors {
        hosts: vec!["eot.example.com".parse().unwrap()],
        origins: vec!["https://wall.example.com".parse().unwrap()],
        machine: Some("bridge.iona.example".parse().unwrap()),
        token: None,
        private: false,
    }
}

fn visit(host: Option<&str>, origin: Option<&str>) -> Result<(), NotAdmitted> {
    visitors().visit(host, origin, false)
}

#[test]
fn only_the_token_is_the_token() {
    let with = Visitors { token: Secret::new("brass"), ..visitors() };
    assert!(with.is_token("brass") && !with.is_token("tin") && !with.is_token(""));
    assert!(!visitors().is_token("") && !visitors().is_token("brass"));
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
        "[fe80::1%eth0]:1873",
        "[fe80::1%25eth0]",
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
        "[fe80::1%]",
        "[fe80::1%eth0",
        "[fe80::1%et/h0]",
        "[%eth0]",
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
    let mut visitors = visitors();
    let visit = |visitors: &Visitors, origin, tls| {
        visitors.visit(Some("eot.example.com"), Some(origin), tls).is_ok()
    };
    assert!(visit(&visitors, plain, false) && visit(&visitors, secure, false));
    assert!(!visit(&visitors, plain, true) && visit(&visitors, secure, true));
    visitors.origins.push(plain.parse().unwrap());
    assert!(visit(&visitors, plain, true), "whoever runs the server may allow even that");
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
        "http://eot:1873/*",
        "app://*",
        "app://a,b",
        "1app://x",
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
        "Tauri://Localhost:1/",
        "app://",
        "app://.",
        "app://-/",
        "content://",
        "vscode-webview://1b2c",
        "x://[::1]/%41",
        "http://a.b/c/",
    ] {
        let refusal = visit(Some("eot:1873"), Some(said)).unwrap_err().to_string();
        let (_, named) = refusal.rsplit_once("--allow-origin ").expect("it says how");
        let allowed = Visitors { origins: vec![named.parse().unwrap()], ..visitors() };
        assert_eq!(allowed.visit(Some("eot:1873"), Some(said), true), Ok(()), "{named}");
        assert_eq!(allowed.origins[0].to_string(), named);
        for other in [
            "http://evil.example",
            "https://github.com",
            "file://x",
            "http://localhost:1873",
            "app://x",
        ] {
            assert!(
                allowed.visit(Some("eot:1873"), Some(other), false).is_err(),
                "{named} {other}"
            );
        }
        // Whoever may talk to it is not at its machine for that.
        let here = Visitors::is_for_loopback(Some("localhost"), Some(said));
        assert_eq!(here, said.starts_with("http://localhost"), "{said}");
    }
}

#[test]
fn an_extensions_origin_can_be_allowed() {
    let mut visitors = visitors();
    visitors.origins.push("chrome-extension://abcdef".parse().unwrap());
    assert_eq!(visitors.visit(Some("eot"), Some("chrome-extension://abcdef"), true), Ok(()));
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
        assert!(Visitors::is_for_loopback(Some(host), None), "{host}");
        assert!(Visitors::is_for_loopback(Some(host), Some(&format!("http://{host}"))), "{host}");
        for origin in [
            "http://evil.local",
            "https://wall.example.com",
            "null",
            "",
            "file://",
            "x://localhost",
        ] {
            assert!(!Visitors::is_for_loopback(Some(host), Some(origin)), "{host} {origin}");
        }
        let path = format!("http://{host}/path");
        assert!(!Visitors::is_for_loopback(Some(host), Some(&path)), "{path}");
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
        assert!(!Visitors::is_for_loopback(Some(host), None), "{host}");
        assert!(!Visitors::is_for_loopback(Some(host), Some("http://localhost")), "{host}");
    }
    assert!(!Visitors::is_for_loopback(None, None));
}
