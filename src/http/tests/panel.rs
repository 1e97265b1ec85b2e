//! The panel's files, from the binary and from a directory.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

#[tokio::test]
async fn the_panel_is_in_the_binary() {
    let room = TestRoom::open().await;
    let page = room.get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(!page.text().contains("{{"), "every mark is replaced");
    let script = room.get("/static/main.js?v=1").await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(script.status, 200);
}

#[tokio::test]
async fn a_part_is_kept_for_ever_under_its_panels_digest_and_is_of_no_other_panel() {
    let room = TestRoom::open().await;
    let page = room.get("/").await.text().to_owned();
    let (_, digest) = page.split_once("name=\"chadburn-assets\" content=\"").unwrap();
    let digest = digest.split_once('"').unwrap().0;
    assert!(page.contains(&format!("src=\"static/{digest}/first-paint.js\"")), "the page says so");
    let kept = room.get(&format!("/static/{digest}/main.js")).await;
    assert_eq!(
        (kept.status, kept.header("cache-control")),
        (200, "public, max-age=31536000, immutable")
    );
    assert_eq!(kept.body, room.get("/static/main.js").await.body);
    for other in ["0123456789abcdef", "ffffffffffffffff"] {
        let part = room.get(&format!("/static/{other}/main.js")).await;
        part.problem(404);
    }
    for nothing in [digest.to_owned(), format!("{digest}/"), format!("{digest}/{digest}/main.js")] {
        room.get(&format!("/static/{nothing}")).await.problem(404);
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let room = TestRoom::open().await;
    let fresh = room.get("/").await;
    let tag = fresh.header("etag");
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(fresh.header("cache-control"), "no-cache");
    let strong = tag.strip_prefix("W/").unwrap();
    let list = format!("\"other\", {tag}");
    for known in [tag, strong, "*", &list] {
        let known = format!("If-None-Match: {known}");
        let again = room.ask(&["GET / HTTP/1.1", "Host: eot", &known]).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), tag);
        assert_eq!(again.header("cache-control"), "no-cache");
    }
    let changed = room.ask(&["GET / HTTP/1.1", "Host: eot", "If-None-Match: \"other\""]).await;
    assert_eq!(changed.status, 200);
}

fn desk() -> TempDir {
    let desk = tempfile::tempdir().unwrap();
    let at = |name: &str| desk.path().join(name);
    fs::create_dir_all(at("own/static/fonts")).unwrap();
    fs::write(at("own/panel.html"), "<p>own {{assets}}").unwrap();
    fs::write(at("own/static/main.js"), "0;".repeat(1000)).unwrap();
    fs::write(at("own/static/fonts/a b.woff2"), "font").unwrap();
    fs::write(at("own/secret"), "secret").unwrap();
    fs::write(at("own/static/.hidden"), "secret").unwrap();
    fs::write(at("outside"), "secret").unwrap();
    symlink(at("outside"), at("own/static/out")).unwrap();
    symlink("../..", at("own/static/up")).unwrap();
    symlink("main.js", at("own/static/in.js")).unwrap();
    symlink("/dev/zero", at("own/static/zero")).unwrap();
    desk
}

async fn own_room(desk: &TempDir) -> TestRoom {
    TestRoom::with(from_directory(&desk.path().join("own")).unwrap(), 16).await
}

#[tokio::test]
async fn a_panel_of_ones_own_is_read_anew_each_time() {
    let desk = desk();
    let room = own_room(&desk).await;
    let page = room.get("/").await.text().to_owned();
    assert!(page.starts_with("<p>own ") && page.len() == 7 + 16, "{page}");
    assert_eq!(room.get("/static/fonts/a%20b.woff2").await.text(), "font");
    assert_eq!(room.get("/static/in.js").await.body.len(), 2000, "links within are welcome");
    let before = room.get("/static/main.js").await;
    assert_eq!(before.header("cache-control"), "no-store", "it is worked on");
    fs::write(desk.path().join("own/static/main.js"), "1;").unwrap();
    let after = room.get("/static/main.js").await;
    assert_eq!(after.text(), "1;");
    assert_ne!(before.header("etag"), after.header("etag"));
    assert_eq!(room.get("/").await.text(), page, "the digest is that of the start");
}

#[tokio::test]
async fn nothing_beside_the_panel_can_be_read() {
    let desk = desk();
    for room in [own_room(&desk).await, TestRoom::open().await] {
        for path in [
            "/static/../secret",
            "/static/%2e%2e/secret",
            "/static/..%2fsecret",
            "/static/..%5csecret",
            "/static/%2e%2e%2f%2e%2e%2foutside",
            "/static/%252e%252e/secret",
            "/static/./main.js",
            "/static//main.js",
            "/static//etc/passwd",
            "/static/%2fetc%2fpasswd",
            "/static/main.js%00",
            "/static/main.js/",
            "/static/fonts",
            "/static/fonts/..",
            "/static/.hidden",
            "/static/out",
            "/static/up/outside",
            "/static/up/own/secret",
            "/static/zero",
            "/secret",
            "/panel.html",
            "/..%2foutside",
            "/static/\\..\\secret",
            "/static/nothing.js",
        ] {
            let answer = room.get(path).await;
            assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
            assert!(!answer.text().contains("root:"), "{path}");
            assert_ne!(answer.text(), "secret", "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_no_file_or_too_large_is_not_there() {
    let desk = desk();
    let room = own_room(&desk).await;
    let fifo = desk.path().join("own/static/fifo.js");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    room.get("/static/fifo.js").await.problem(404);
    let large = fs::File::create(desk.path().join("own/static/large.js")).unwrap();
    large.set_len(9 * 1024 * 1024).unwrap();
    room.get("/static/large.js").await.problem(404);
    fs::remove_file(desk.path().join("own/panel.html")).unwrap();
    room.get("/").await.problem(404);
}

#[tokio::test]
async fn text_travels_compressed_for_those_who_can() {
    let desk = desk();
    let room = own_room(&desk).await;
    let line = "GET /static/main.js HTTP/1.1";
    let gzip = room.ask(&[line, "Host: eot", "Accept-Encoding: gzip"]).await;
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert!(gzip.header("vary").to_lowercase().contains("accept-encoding"));
    assert!(gzip.body.len() < 500);
    let plain = room.ask(&[line, "Host: eot"]).await;
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(plain.body.len(), 2000);
    assert_eq!(plain.header("etag"), gzip.header("etag"));
}

#[tokio::test]
async fn a_directory_that_is_no_panel_is_named() {
    let desk = desk();
    let nothing = from_directory(&desk.path().join("nothing")).unwrap_err().to_string();
    assert!(nothing.contains("nothing: "), "{nothing}");
    let no_page = from_directory(&desk.path().join("own/static")).unwrap_err().to_string();
    assert!(no_page.contains("panel.html: "), "{no_page}");
}
