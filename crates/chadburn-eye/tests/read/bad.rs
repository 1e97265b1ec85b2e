//! Sources that are broken or mean harm: each is bounded, and told of in one clear line.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::camera::{Camera, answer, begin, part};
use super::eye::{Eye, jpeg};

/// What a small program may need, in bytes: a debug build, with a picture of the largest size under way.
const MEMORY: u64 = 120 * 1024 * 1024;

/// Sends parts of this picture as long as somebody takes them.
fn repeat(stream: &mut TcpStream, picture: &[u8]) {
    begin(stream);
    while part(stream, picture) {
        thread::sleep(Duration::from_millis(50));
    }
}

fn expect_bad(eye: &mut Eye, why: &str) {
    let line = eye.expect_line("the eye cannot see: bad frames (");
    assert!(line.contains(why), "{line}");
    let reading = eye.expect_health("bad frames");
    assert_eq!(reading["detail"], why);
    assert_eq!(eye.get("/readyz").0, 503);
    assert!(eye.memory() < MEMORY, "{}", eye.memory());
    let told = eye.log().matches("bad frames").count();
    assert_eq!(told, 1, "one line: {}", eye.log());
}

#[test]
fn pictures_that_are_cut_short_are_told_of() {
    let whole = jpeg(64, 48, 1);
    let cut = whole[..whole.len() - 40].to_vec();
    let camera = Camera::start(move |stream, _| repeat(stream, &cut));
    let mut eye = Eye::start(&camera.url("/"), &[]);
    expect_bad(&mut eye, "a picture is cut short");
}

#[test]
fn giant_pictures_are_not_decoded() {
    let mut giant = jpeg(64, 48, 1);
    let header = giant.windows(2).position(|it| it == [0xff, 0xc0]).unwrap();
    giant[header + 5..header + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    let camera = Camera::start(move |stream, _| repeat(stream, &giant));
    let mut eye = Eye::start(&camera.url("/"), &[]);
    expect_bad(&mut eye, "a picture of 60000 x 60000 pixels is larger than 16 million");
}

#[test]
fn a_picture_that_never_ends_is_given_up() {
    let camera = Camera::start(|stream, _| {
        begin(stream);
        let begun = jpeg(64, 48, 1);
        let endless = [begun[..begun.len() - 2].to_vec(), vec![7; 1 << 20]].concat();
        let mut taken = part(stream, &endless);
        while taken {
            taken = stream.write_all(&endless[begun.len()..]).is_ok();
        }
    });
    let mut eye = Eye::start(&camera.url("/"), &[]);
    expect_bad(&mut eye, "a picture is larger than 8 MiB");
}

#[test]
fn a_snapshot_that_never_ends_is_given_up() {
    let camera = Camera::start(|stream, _| {
        let _ = write!(stream, "HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n\r\n");
        let chunk = vec![0xff; 1 << 16];
        while stream.write_all(&chunk).is_ok() {}
    });
    let mut eye = Eye::start(&camera.url("/"), &["--every", "0.1"]);
    expect_bad(&mut eye, "a picture is larger than 8 MiB");
}

#[test]
fn a_head_that_never_ends_is_given_up() {
    let camera = Camera::start(|stream, _| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\n");
        while stream.write_all(&b"X-Header: more\r\n".repeat(1_000)).is_ok() {}
    });
    let mut eye = Eye::start(&camera.url("/"), &[]);
    eye.expect_line("the eye cannot see: no frames (");
    assert!(eye.memory() < MEMORY);
}

/// A PNG of a chunk for each name and content, whose checksums nobody looks at before they are decoded.
fn png(chunks: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in chunks {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        bytes.extend([&length[..], name, content, b"\0\0\0\0"].concat());
    }
    bytes
}

#[test]
fn a_png_that_would_unfold_to_gigabytes_is_refused() {
    // 64 × 48 pixels in colour, and a zlib stream of stored blocks that has far more.
    let header = [0, 0, 0, 64, 0, 0, 0, 48, 8, 2, 0, 0, 0];
    let block = [&[0_u8, 0xff, 0xff, 0, 0][..], &vec![0; 65_535]].concat();
    let bomb = [b"\x78\x01", &block.repeat(100)[..]].concat();
    let bomb = png(&[(b"IHDR", &header), (b"IDAT", &bomb), (b"IEND", b"")]);
    let giant = [0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60, 8, 2, 0, 0, 0];
    let giant = png(&[(b"IHDR", &giant), (b"IDAT", b"x"), (b"IEND", b"")]);
    for (bytes, why) in [(bomb, "a picture cannot be decoded: "), (giant, "60000 x 60000")] {
        let camera = Camera::start(move |stream, _| answer(stream, "200 OK", "image/png", &bytes));
        let mut eye = Eye::start(&camera.url("/"), &["--every", "0.1"]);
        let line = eye.expect_line("the eye cannot see: bad frames (");
        assert!(line.contains(why), "{line}");
        assert!(eye.memory() < MEMORY, "{}", eye.memory());
    }
}

#[test]
fn a_file_that_stays_half_is_told_of_once() {
    let directory = tempfile::tempdir().unwrap();
    let whole = jpeg(64, 48, 1);
    fs::write(directory.path().join("a.jpg"), &whole[..whole.len() / 2]).unwrap();
    let mut eye = Eye::start(directory.path().to_str().unwrap(), &[]);
    expect_bad(&mut eye, "a picture is cut short");
    fs::write(directory.path().join("b.jpg"), whole).unwrap();
    eye.expect_health("sees");
    assert_eq!(eye.metric("chadburn_eye_source_bad_pictures_total"), 1);
}

#[test]
fn a_source_that_never_speaks_is_opened_again() {
    let camera = Camera::start(|stream, count| {
        if count > 0 {
            repeat(stream, &jpeg(64, 48, 1));
        } else {
            begin(stream);
            // Held open by a thread, so that the next connection is served.
            let held = stream.try_clone().unwrap();
            thread::spawn(move || {
                thread::park();
                drop(held);
            });
        }
    });
    let mut eye = Eye::start(&camera.url("/"), &[]);
    camera.expect_request();
    eye.expect_line("the eye cannot see: no frames (nothing came for 5 s)");
    camera.expect_request();
    eye.expect_health("sees");
    eye.expect_line("the eye sees");
}

#[test]
fn a_camera_that_shows_the_same_for_ten_seconds_is_frozen_until_it_moves() {
    let moves = Arc::new(AtomicBool::new(false));
    let moving = Arc::clone(&moves);
    let camera = Camera::start(move |stream, _| {
        begin(stream);
        for number in 0_u8.. {
            let number = if moving.load(Ordering::Relaxed) { number } else { 0 };
            if !part(stream, &jpeg(64, 48, number % 50)) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    });
    let mut eye = Eye::start(&camera.url("/"), &[]);
    eye.expect_health("sees");
    let reading = eye.expect_health("frozen");
    assert!(reading["detail"].as_str().unwrap().starts_with("the same picture for 1"), "{reading}");
    assert_eq!(eye.get("/readyz").0, 503);
    let page = String::from_utf8(eye.get("/metrics").2).unwrap();
    assert!(page.contains("chadburn_eye_health{condition=\"frozen\"} 1\n"), "{page}");
    moves.store(true, Ordering::Relaxed);
    eye.expect_health("sees");
    eye.expect_line("the eye cannot see: frozen");
    eye.expect_line("the eye sees");
}
