//! Where reading needs the token.

use axum::http::StatusCode;

use super::*;
use crate::hub::Wire;
use chadburn_host::secret::Secret;

const RIGHT: &str = "Authorization: Bearer brass";
const WRONG: &str = "Authorization: Bearer tin";

const JSON: &str = "Sec-WebSocket-Protocol: chadburn.v1";

async fn private() -> TestRoom {
    let room = TestRoom::open().await;
    room.visitors.send_modify(|visitors| {
        visitors.token = Secret::new("brass");
        visitors.private = true;
    });
    room
}

impl TestRoom {
    async fn read(&self, method: &str, path: &str, more: &[&str]) -> Answer {
        let line = format!("{method} {path} HTTP/1.1");
        self.ask(&[&[&line, "Host: eot"], more].concat()).await
    }
}

#[tokio::test]
async fn whatever_can_be_read_needs_the_token() {
    let room = private().await;
    for path in [
        "/status",
        "/status?format=text",
        "/bell-book",
        "/metrics",
        "/events",
        "/nothing",
        "//status",
    ] {
        for method in ["GET", "HEAD"] {
            for (more, code) in [(&[][..], "token_required"), (&[WRONG], "bad_token")] {
                let answer = room.read(method, path, more).await;
                assert_eq!(answer.status, 401, "{method} {path} {more:?}");
                assert!(answer.header("www-authenticate").starts_with("Bearer"));
                if method == "GET" {
                    assert_eq!(answer.json()["code"], code);
                }
            }
        }
        let status = room.read("HEAD", path, &[RIGHT]).await.status;
        assert!([200, 404].contains(&status), "{path}: {status}");
    }
    for path in ["/status", "/metrics"] {
        room.ask(&[&format!("GET {path} HTTP/1.0")]).await.problem(401);
    }
    // A token in an address is none: addresses are logged.
    for query in ["token=brass", "access_token=brass"] {
        assert_eq!(room.get(&format!("/status?{query}")).await.status, 401);
    }
}

#[tokio::test]
async fn the_panel_and_whether_the_server_lives_are_open_without_details() {
    let room = private().await;
    for path in ["/", "/static/main.js", "/favicon.ico", "/livez"] {
        assert_eq!(room.get(path).await.status, 200, "{path}");
    }
    assert_eq!(room.get("/readyz").await.json(), serde_json::json!({"ready": true}));
    let told = room.read("GET", "/readyz", &[RIGHT]).await.json();
    assert_eq!(told["status_file"]["health"], "ok");
    room.say(|snapshot| {
        let health = snapshot.status_file.as_mut().expect("it is known");
        (health.state, health.detail) = (Condition::Unreadable, "/srv/secret".into());
    });
    let answer = room.get("/readyz").await;
    assert_eq!(answer.problem(503), "not ready");
    assert!(!answer.text().contains("secret"));
    let told = room.read("GET", "/readyz", &[RIGHT]).await.problem(503);
    assert!(told.contains("/srv/secret"));
}

#[tokio::test]
async fn a_handshake_brings_the_token_unless_its_first_message_can() {
    let mut room = private().await;
    for (more, status) in [
        (&[][..], StatusCode::UNAUTHORIZED),
        (&[WRONG], StatusCode::UNAUTHORIZED),
        (&[RIGHT], StatusCode::SWITCHING_PROTOCOLS),
        (&[JSON], StatusCode::SWITCHING_PROTOCOLS),
        (&[JSON, WRONG], StatusCode::UNAUTHORIZED),
        (&[JSON, RIGHT], StatusCode::SWITCHING_PROTOCOLS),
    ] {
        let mut caller = room.call().await;
        assert_eq!(caller.ask(&[&TEXT, more].concat()).await.status, status, "{more:?}");
        if status == StatusCode::SWITCHING_PROTOCOLS {
            let newcomer = room.newcomers.recv().await.unwrap();
            assert_eq!(newcomer.token.is_some(), more.contains(&RIGHT));
            assert_eq!(newcomer.wire == Wire::Json, more.contains(&JSON));
        }
    }
    assert!(room.newcomers.try_recv().is_err(), "nobody else was let in");
    room.read("GET", "/status?x=/livez", &[]).await.problem(401);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_guesses_must_wait() {
    let mut room = private().await;
    for _ in 0..20 {
        assert_eq!(room.read("GET", "/status", &[WRONG]).await.status, 401);
    }
    for more in [&[WRONG][..], &[RIGHT]] {
        let answer = room.read("GET", "/status", more).await;
        answer.problem(429);
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert_eq!(room.ask(&[&TEXT[..], &[JSON]].concat()).await.status, 429, "nor by a message");
    assert_eq!(room.read("GET", "/livez", &[]).await.status, 200, "nobody else is kept waiting");
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    assert_eq!(room.read("GET", "/status", &[RIGHT]).await.status, 200);
    // What a station says is held against its address, too.
    assert_eq!(room.ask(&[&TEXT[..], &[JSON]].concat()).await.status, 101);
    let newcomer = room.newcomers.recv().await.unwrap();
    for _ in 0..20 {
        newcomer.address_permit.wrong_token();
    }
    assert_eq!(room.read("GET", "/status", &[RIGHT]).await.status, 429);
}
