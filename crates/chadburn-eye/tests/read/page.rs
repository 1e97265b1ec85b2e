//! The page's wires: WebSocket, stream, snapshot; and who may watch.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::Message;

use super::camera::{Camera, begin, part};
use super::eye::{Eye, Viewer, jpeg, run};

/// A camera that sends 20 pictures a second, each another one.
fn camera() -> Camera {
    Camera::start(|stream, _| {
        begin(stream);
        for number in (0..250).cycle() {
            if !part(stream, &jpeg(320, 240, number)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    })
}

#[test]
fn a_reading_comes_before_its_picture_which_is_the_cameras() {
    let camera = camera();
    let eye = Eye::start(&camera.url("/"), &[]);
    let mut viewer = eye.watch();
    let mut last = 0.0;
    let all: Vec<_> = (0..250).map(|number| jpeg(320, 240, number)).collect();
    for _ in 0..10 {
        let (reading, picture) = viewer.frame();
        let id = reading["frameId"].as_f64().unwrap();
        assert!(id > last, "{id} after {last}");
        last = id;
        assert!(all.contains(&picture), "the camera's own bytes");
        assert_eq!((&reading["width"], &reading["height"]), (&320.into(), &240.into()));
        assert_eq!(
            (&reading["health"], &reading["mediaType"]),
            (&"sees".into(), &"image/jpeg".into())
        );
        viewer.ack(&reading);
    }
    let (status, head, snapshot) = eye.get("/snapshot.jpg");
    assert!(status == 200 && head.contains("content-type: image/jpeg\r\n"), "{head}");
    assert!(all.contains(&snapshot));
    let reading = eye.json("/reading");
    assert!(reading["frameId"].as_f64().unwrap() >= last, "{reading}");
}

#[test]
fn no_more_than_two_frames_are_under_way() {
    let camera = camera();
    let eye = Eye::start(&camera.url("/"), &[]);
    let mut viewer = eye.watch();
    let (first, _) = viewer.frame();
    let (second, _) = viewer.frame();
    // Twice the time that another would take; a reading without a frame may come.
    viewer.0.get_mut().set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let more = std::iter::from_fn(|| viewer.0.read().ok());
    assert_eq!(more.filter(Message::is_binary).count(), 0, "nothing was acknowledged");
    viewer.0.get_mut().set_read_timeout(Some(super::eye::PATIENCE)).unwrap();
    viewer.ack(&second);
    let (third, _) = viewer.frame();
    let id = |reading: &serde_json::Value| reading["frameId"].as_f64().unwrap();
    assert!(id(&third) > id(&second) + 0.4 && id(&second) > id(&first), "the newest, not the next");
    viewer.frame();
}

#[test]
fn frames_come_ten_times_a_second_at_most() {
    let camera = camera();
    let eye = Eye::start(&camera.url("/"), &[]);
    let mut viewer = eye.watch();
    let (first, _) = viewer.frame();
    viewer.ack(&first);
    let begun = Instant::now();
    for _ in 0..20 {
        let (reading, _) = viewer.frame();
        viewer.ack(&reading);
    }
    // The first interval may have begun earlier.
    assert!(begun.elapsed() > Duration::from_millis(1_850), "{:?}", begun.elapsed());
}

#[test]
fn the_stream_has_well_formed_parts_and_repeats_the_last_one() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.jpg"), jpeg(320, 240, 7)).unwrap();
    let eye = Eye::start(directory.path().to_str().unwrap(), &[]);
    eye.expect_health("sees");
    let mut stream = BufReader::new(eye.ask("/stream.mjpg", ""));
    let mut line = || {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        line
    };
    let head: Vec<_> = std::iter::from_fn(|| Some(line()).filter(|line| line != "\r\n")).collect();
    let head = head.concat();
    assert!(head.contains("content-type: multipart/x-mixed-replace; boundary=frame\r\n"), "{head}");
    let mut body = BufReader::new(Chunked { stream, left: 0 });
    let mut parts = Vec::new();
    for _ in 0..3 {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") || head == "\r\n" {
            body.read_line(&mut head).unwrap();
        }
        let (boundary, rest) = head.trim_start().split_once("\r\n").unwrap();
        assert_eq!(boundary, "--frame");
        let length = rest.strip_prefix("Content-Type: image/jpeg\r\nContent-Length: ").unwrap();
        let mut picture = vec![0; length.trim().parse().unwrap()];
        body.read_exact(&mut picture).unwrap();
        assert!(picture.starts_with(&[0xff, 0xd8]) && picture.ends_with(&[0xff, 0xd9]));
        parts.push(picture);
    }
    assert_eq!(parts[0], parts[2], "there is one picture, and it comes again and again");
    assert!(eye.metric("chadburn_eye_viewers") >= 1);
}

/// The content of an answer in chunks (RFC 9112, 7.1).
struct Chunked<R> {
    stream: R,
    left: usize,
}

impl<R: BufRead> Read for Chunked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.left == 0 {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            if !line.trim().is_empty() {
                self.left = usize::from_str_radix(line.trim(), 16).unwrap();
            }
        }
        let most = buffer.len().min(self.left);
        let length = self.stream.read(&mut buffer[..most])?;
        self.left -= length;
        Ok(length)
    }
}

#[test]
fn sixteen_may_watch() {
    let camera = camera();
    let eye = Eye::start(&camera.url("/"), &[]);
    let mut viewers: Vec<_> = (0..15).map(|_| eye.watch()).collect();
    for viewer in &mut viewers {
        viewer.frame();
    }
    let mut stream = eye.ask("/stream.mjpg", "");
    let mut begin = [0; 15];
    stream.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    assert_eq!(eye.metric("chadburn_eye_viewers"), 16);
    let mut late = eye.watch();
    assert_eq!(late.next().unwrap_err(), 1013);
    assert_eq!(eye.get("/stream.mjpg").0, 503);
    drop(viewers.pop());
    // Its place is free as soon as its end is noticed.
    let end = Instant::now() + super::eye::PATIENCE;
    while eye.watch().next().is_err() {
        assert!(Instant::now() < end, "a place is free");
    }
    // Whoever watches is told of the end, which does not wait for them.
    let mut eye = eye;
    let (status, took) = eye.end();
    assert!(status.success() && took < Duration::from_secs(1), "{status} after {took:?}");
    loop {
        match viewers[0].next() {
            Ok(_) => {}
            Err(code) => break assert_eq!(code, 1001),
        }
    }
}

#[test]
fn with_a_token_only_those_watch_who_have_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    fs::write(&file, "brass\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let eye = Eye::start("scene:", &["--token-file", file.to_str().unwrap()]);
    for path in ["/reading", "/snapshot.jpg", "/stream.mjpg", "/metrics"] {
        assert_eq!(eye.get(path).0, 401, "{path}");
    }
    for path in ["/", "/livez"] {
        assert_eq!(eye.get(path).0, 200, "{path}");
    }
    let mut right = Viewer::new(eye.port, Some("brass")).unwrap();
    right.frame();
    for wrong in ["", "bras"] {
        let mut viewer = Viewer::new(eye.port, Some(wrong)).unwrap();
        assert_eq!(viewer.next().unwrap_err(), 4003, "{wrong:?}");
    }
    let mut stream = eye.ask("/reading", "Authorization: Bearer brass\r\nConnection: close\r\n");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[test]
fn what_is_typed_wrong_is_told_in_one_line() {
    for (arguments, code, why) in [
        (
            &["--bind", "0.0.0.0"][..],
            2,
            "--bind 0.0.0.0 lets others in: give --token-file FILE, or --open",
        ),
        (&["--source", "ftp://tim:hush@cam/"], 2, "--source: it has a scheme that is not known"),
        (&["--source", "http://tim:hush@cam:x/"], 2, "--source: its port is none"),
        (&["--every", "0"], 2, "0.1 to 86400 seconds"),
        (&["--orchestrator", "ws://localhost/"], 2, "--id"),
        (
            &["--orchestrator", "http://localhost/", "--id", "a"],
            2,
            "does not begin with ws:// or wss://",
        ),
        (
            &["--orchestrator", "ws://localhost/", "--id", ""],
            2,
            "--id: a camera's id has 1 to 128 bytes",
        ),
        (&["--token-file", "/nonexistent"], 2, "token file /nonexistent: "),
    ] {
        let (actual, said) = run(arguments);
        assert_eq!(actual, code, "{arguments:?}: {said}");
        assert!(said.contains(why) && said.lines().count() == 1, "{arguments:?}: {said}");
        assert!(!said.contains("hush"), "{said}");
    }
}
