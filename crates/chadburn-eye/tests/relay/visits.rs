//! Who may come, and what is answered over HTTP.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use chadburn_client::{Failure, Link};
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::host::{Relay, within};
use crate::peer::{Peer, open};

#[tokio::test]
async fn the_page_its_parts_and_what_probes_ask_for() {
    let relay = Relay::start().await;
    let page = relay.get("/", "").await;
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("Chadburn relay"), "{page}");
    assert!(
        page.contains("content-security-policy: default-src 'none'; script-src 'self';"),
        "{page}"
    );
    let (_, rest) = page.split_once("src=\"static/").unwrap();
    let script = rest.split('"').next().unwrap();
    let mut parts = vec![format!("/static/{script}"), "/favicon.ico".into()];
    for (_, rest) in
        page.match_indices("href=\"static/").map(|(at, it)| (at, &page[at + it.len()..]))
    {
        parts.push(format!("/static/{}", rest.split('"').next().unwrap()));
    }
    assert_eq!(parts.len(), 7, "{parts:?}");
    for part in parts {
        assert!(relay.get(&part, "").await.starts_with("HTTP/1.1 200 "), "{part}");
    }
    for (path, status) in
        [("/readyz", 200), ("/livez", 200), ("/metrics", 200), ("/nothing", 404), ("/client", 426)]
    {
        let answer = relay.get(path, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
    }
}

#[tokio::test]
async fn every_module_that_a_script_imports_is_there() {
    let relay = Relay::start().await;
    let mut wanted = vec!["relay.js".to_owned()];
    let mut seen = Vec::new();
    while let Some(name) = wanted.pop() {
        let answer = relay.get(&format!("/static/{name}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{name}");
        for (at, it) in answer.match_indices("from './") {
            let next = answer[at + it.len()..].split('\'').next().unwrap().to_owned();
            if !seen.contains(&next) && !wanted.contains(&next) {
                wanted.push(next);
            }
        }
        seen.push(name);
    }
    assert!(seen.len() >= 5, "{seen:?}");
}

#[tokio::test]
async fn a_path_that_is_none_fails_at_once() {
    let relay = Relay::start().await;
    let began = std::time::Instant::now();
    let link = within("the refusal", Link::connect(relay.url("gone").as_str())).await;
    assert!(matches!(link, Err(Failure::Refused { status: Some(404), .. })), "{link:?}");
    assert!(began.elapsed().as_secs() < 5, "it does not try for a minute");
}

#[tokio::test]
async fn pages_and_names_from_elsewhere_are_refused() {
    let relay = Relay::start().await;
    let own = format!("http://127.0.0.1:{}", relay.port);
    for (headers, status) in [
        (&[("origin", "https://wall.example.com")][..], 403),
        (&[("origin", "null")], 403),
        (&[("host", "wall.example.com")], 421),
    ] {
        for path in ["client", "processor"] {
            let Err(Error::Http(answer)) = open(&relay, path, headers, None).await else {
                panic!("{headers:?} come in");
            };
            assert_eq!(answer.status().as_u16(), status, "{path}: {headers:?}");
        }
    }
    open(&relay, "client", &[("origin", &own)], None).await.unwrap();
    let other =
        Relay::with(&["--host", "wall.example.com", "--allow-origin", "https://wall.example.com"])
            .await;
    for headers in [("origin", "https://wall.example.com"), ("host", "wall.example.com")] {
        open(&other, "client", &[headers], None).await.unwrap();
    }
}

#[tokio::test]
async fn with_a_token_nobody_comes_without_it() {
    let place = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("relay-token");
    let write = |token: &str| {
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.create(true).truncate(true).write(true).mode(0o600).open(&place).unwrap();
        file.write_all(token.as_bytes()).unwrap();
    };
    write("brass");
    let relay = Relay::with(&["--token-file", place.to_str().unwrap()]).await;
    for path in ["client", "processor"] {
        for headers in [&[][..], &[("authorization", "Bearer copper")]] {
            let Err(Error::Http(answer)) = open(&relay, path, headers, None).await else {
                panic!("{headers:?} come in");
            };
            assert_eq!(answer.status().as_u16(), 401, "{path}: {headers:?}");
        }
        open(&relay, path, &[("authorization", "Bearer brass")], None).await.unwrap();
    }
    assert!(relay.get("/metrics", "").await.starts_with("HTTP/1.1 401 "));
    assert!(relay.get("/", "").await.starts_with("HTTP/1.1 200 "), "the page can ask for it");
    // A page says it when it is asked.
    for (said, comes_in) in [
        (json!({"type": "token", "token": "brass"}), true),
        (json!({"type": "token", "token": "copper"}), false),
        (json!({"type": "stop", "objectId": 1}), false),
    ] {
        let mut panel = Peer::panel(&relay).await;
        assert_eq!(panel.hears().await, json!({"type": "tokenRequired"}));
        panel.say(said.clone()).await;
        if comes_in {
            assert_eq!(panel.hears().await["type"], "cameras");
        } else {
            assert_eq!(panel.code().await, 4003, "{said}");
        }
    }
    // A new one holds from then on.
    write("tin");
    relay.signal(rustix::process::Signal::HUP);
    let with = |token: &'static str| {
        let relay = &relay;
        async move { open(relay, "client", &[("authorization", token)], None).await }
    };
    within("the new token", async {
        while with("Bearer tin").await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(with("Bearer brass").await.is_err());
}
