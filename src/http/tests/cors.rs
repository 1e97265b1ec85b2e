//! Which pages of other origins may read what is answered.

use super::*;
use chadburn_host::secret::Secret;

const ALLOWED: &str = "Origin: https://wall.example.com";

/// What nobody but an allowed page may be told.
fn allows(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.keys().filter(|name| name.starts_with("access-control-"));
    names.map(String::as_str).collect()
}

#[tokio::test]
async fn an_allowed_page_may_read_every_answer_and_no_other_page_any() {
    let mut room = TestRoom::open().await;
    for path in ["/status", "/events", "/metrics", "/livez", "/readyz", "/bell-book", "/nothing"] {
        let line = format!("GET {path} HTTP/1.1");
        let answer = room.ask(&[&line, "Host: eot", ALLOWED]).await;
        let named = answer.header("access-control-allow-origin");
        assert_eq!(named, "https://wall.example.com", "{path}");
        assert!(answer.header("vary").contains("Origin"), "{path}");
        for other in ["Origin: http://evil.example", "Origin: null", "Origin: http://eot", "X: y"] {
            let answer = room.ask(&[&line, "Host: eot", other]).await;
            assert!(allows(&answer).is_empty(), "{path} {other}: {answer:?}");
            assert!(answer.header("vary").contains("Origin"), "caches keep them apart: {path}");
        }
    }
    // The status varies by its form, too.
    let status = room.ask(&["GET /status HTTP/1.1", "Host: eot", ALLOWED]).await;
    assert_eq!(status.header("vary"), "Accept,Origin");
    // As the browser wrote it, for that is what it compares.
    let answer =
        room.ask(&["GET /livez HTTP/1.1", "Host: eot", "Origin: HTTPS://Wall.Example.com:443"]);
    assert_eq!(answer.await.header("access-control-allow-origin"), "HTTPS://Wall.Example.com:443");
    let twice = ["GET /livez HTTP/1.1", "Host: eot", ALLOWED, ALLOWED];
    assert!(allows(&room.ask(&twice).await).is_empty());
    assert!(room.asks.try_recv().is_err());
    room.visitors.send_modify(|visitors| visitors.origins.clear());
    let answer = room.ask(&["GET /livez HTTP/1.1", "Host: eot", ALLOWED]).await;
    assert_eq!((allows(&answer).len(), answer.header("vary")), (0, ""), "nobody is allowed");
}

#[tokio::test]
async fn an_allowed_page_may_read_why_it_was_refused() {
    let room = TestRoom::open().await;
    room.visitors.send_modify(|visitors| {
        visitors.token = Secret::new("brass");
        visitors.private = true;
    });
    let answer = room.ask(&["GET /status HTTP/1.1", "Host: eot", ALLOWED]).await;
    answer.problem(401);
    assert_eq!(answer.header("access-control-allow-origin"), "https://wall.example.com");
    assert_eq!(answer.header("access-control-expose-headers"), "Retry-After");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn the_preflight_of_an_allowed_page_is_answered_before_the_token_is_given_and_no_others() {
    let mut room = TestRoom::open().await;
    for private in [false, true] {
        room.visitors.send_modify(|visitors| {
            visitors.token = private.then(|| Secret::new("brass").unwrap());
            visitors.private = private;
        });
        for path in ["/status", "/accept", "/events", "/bell-book"] {
            let line = format!("OPTIONS {path} HTTP/1.1");
            let asks = "Access-Control-Request-Method: PUT";
            let answer = room.ask(&[&line, "Host: eot", ALLOWED, asks]).await;
            assert_eq!((answer.status, answer.body.len()), (204, 0), "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), "https://wall.example.com");
            assert!(answer.header("access-control-allow-methods").contains("PUT"));
            for name in ["Authorization", "Content-Type", "Last-Event-ID"] {
                assert!(answer.header("access-control-allow-headers").contains(name), "{name}");
            }
            assert_eq!(answer.header("access-control-max-age"), "600");
            assert!(answer.header("vary").contains("Origin"));
            assert_eq!(answer.header("access-control-allow-private-network"), "");
            let network = "Access-Control-Request-Private-Network: true";
            let answer = room.ask(&[&line, "Host: eot", ALLOWED, asks, network]).await;
            assert_eq!(answer.header("access-control-allow-private-network"), "true");
            for lines in [
                [&line, "Host: eot", "Origin: http://evil.example", asks],
                [&line, "Host: evil.example", ALLOWED, asks],
                [&line, "Host: eot", "Origin: http://eot", asks],
                [&line, "Host: eot", ALLOWED, "X: y"],
            ] {
                let answer = room.ask(&lines).await;
                assert!(answer.status >= 400, "{lines:?}");
                assert_eq!(answer.header("access-control-allow-methods"), "", "{lines:?}");
            }
        }
    }
    assert!(room.asks.try_recv().is_err(), "none of them does anything");
}
