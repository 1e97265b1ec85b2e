//! Each kind of source brings its pictures, and comes back when it was lost.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, test_kill_process};

use super::camera::{Camera, answer, begin, part};
use super::eye::{Eye, jpeg};

/// Waits for a frame of this width.
fn expect_width(eye: &Eye, width: usize) {
    eye.watch().expect(|reading| reading["width"] == width);
}

#[test]
fn a_stream_of_parts_brings_pictures_and_is_asked_for_again_when_it_ends() {
    let camera = Camera::start(|stream, count| {
        begin(stream);
        for number in 0..4 {
            part(stream, &jpeg(64 + 8 * count, 48, number));
        }
    });
    let mut eye = Eye::start(&camera.url("/stream?fps=4"), &[]);
    let head = camera.expect_request();
    assert!(head.starts_with("GET /stream?fps=4 HTTP/1.1\n"), "{head}");
    expect_width(&eye, 64);
    camera.expect_request();
    expect_width(&eye, 72);
    assert!(eye.metric("chadburn_eye_source_pictures_total") >= 5);
    let (status, took) = eye.end();
    assert!(status.success() && took < Duration::from_secs(1), "{status} after {took:?}");
}

#[test]
fn snapshots_are_asked_for_by_who_may_and_nobody_sees_the_password() {
    let camera = Camera::start(|stream, count| {
        answer(stream, "200 OK", "image/jpeg", &jpeg(64, 48, u8::try_from(count % 250).unwrap()));
    });
    let url = camera.url("/snap?pwd=hush").replace("http://", "http://tim:hu%73h@");
    let mut eye = Eye::start(&url, &["--every", "0.2"]);
    // `tim:hush` in base64 (RFC 4648).
    for _ in 0..3 {
        let head = camera.expect_request().to_ascii_lowercase();
        assert!(head.contains("authorization: basic dgltomh1c2g="), "{head}");
        assert!(head.starts_with("get /snap?pwd=hush "), "{head}");
    }
    expect_width(&eye, 64);
    let of_process = fs::read_to_string(format!("/proc/{}/cmdline", eye.pid())).unwrap();
    let page = String::from_utf8(eye.get("/metrics").2).unwrap();
    let reading = eye.json("/reading").to_string();
    for shown in [eye.log(), &of_process, &page, &reading] {
        assert!(!shown.contains("hush") && !shown.contains("hu%73h"), "{shown}");
    }
    assert!(reading.contains("/snap?…"), "{reading}");
}

#[test]
fn a_camera_that_does_not_want_us_says_why() {
    for (status, kind, why) in [
        ("401 Unauthorized", "text/html", "401 Unauthorized: it wants a user and a password"),
        ("404 Not Found", "text/html", "it answers with 404 Not Found"),
        ("302 Found", "text/html", "it answers with 302 Found"),
        ("200 OK", "text/html", "it answers with \"text/html\" and not with a picture"),
    ] {
        let camera = Camera::start(move |stream, _| answer(stream, status, kind, b"<html>"));
        let mut eye = Eye::start(&camera.url("/"), &[]);
        let line = eye.expect_line("cannot see: no frames (");
        assert!(line.contains(&why.replace('"', "\\\"")) || line.contains(why), "{line}");
        assert_eq!(eye.get("/readyz").0, 503);
    }
}

#[test]
fn the_newest_whole_file_of_a_directory_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("a.jpg"), jpeg(64, 48, 1)).unwrap();
    fs::write(at("notes.txt"), "no picture").unwrap();
    let eye = Eye::start(directory.path().to_str().unwrap(), &[]);
    expect_width(&eye, 64);
    // As FTP brings it: in two halves.
    let picture = jpeg(80, 48, 2);
    let mut file = OpenOptions::new().create_new(true).append(true).open(at("b.JPEG")).unwrap();
    file.write_all(&picture[..picture.len() / 2]).unwrap();
    // A second look at it, half as it is, is over when the one after that has come.
    fs::write(at("c.jpg"), jpeg(72, 48, 3)).unwrap();
    expect_width(&eye, 72);
    let newer = std::time::SystemTime::now() + Duration::from_secs(5);
    file.write_all(&picture[picture.len() / 2..]).unwrap();
    file.set_modified(newer).unwrap();
    expect_width(&eye, 80);
    // Over itself, as some cameras do it, and by a rename, as the careful ones do.
    fs::write(at("b.JPEG"), jpeg(88, 48, 4)).unwrap();
    let touched = |name: &str, seconds| {
        let file = OpenOptions::new().append(true).open(at(name)).unwrap();
        file.set_modified(newer + Duration::from_secs(seconds)).unwrap();
    };
    touched("b.JPEG", 1);
    expect_width(&eye, 88);
    fs::write(at(".d.jpg"), jpeg(96, 48, 5)).unwrap();
    touched(".d.jpg", 2);
    fs::rename(at(".d.jpg"), at("d.jpg")).unwrap();
    expect_width(&eye, 96);
    // A link may lead to what only we can read.
    let secret = tempfile::tempdir().unwrap();
    let secret = secret.path().join("secret.jpg");
    fs::write(&secret, jpeg(112, 48, 7)).unwrap();
    let file = OpenOptions::new().append(true).open(&secret).unwrap();
    file.set_modified(newer + Duration::from_mins(1)).unwrap();
    symlink(&secret, at("z.jpg")).unwrap();
    fs::write(at("e.jpg"), jpeg(104, 48, 6)).unwrap();
    touched("e.jpg", 3);
    expect_width(&eye, 104);
    assert_eq!(eye.metric("chadburn_eye_source_bad_pictures_total"), 0);
    assert_eq!(eye.json("/readyz")["health"], "sees");
}

#[test]
fn a_directory_that_is_not_there_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ftp");
    let mut eye = Eye::start(path.to_str().unwrap(), &[]);
    eye.expect_line("cannot see: no frames (No such file or directory");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("a.jpg"), jpeg(64, 48, 1)).unwrap();
    expect_width(&eye, 64);
}

#[test]
fn standard_input_is_read_to_its_end() {
    let mut eye = Eye::start("-", &[]);
    let mut stdin = eye.stdin();
    for number in 0..3 {
        stdin.write_all(&jpeg(64, 48, number)).unwrap();
    }
    stdin.flush().unwrap();
    expect_width(&eye, 64);
    stdin.write_all(&jpeg(72, 48, 9)).unwrap();
    expect_width(&eye, 72);
    drop(stdin);
    assert!(eye.wait().success());
    assert!(eye.log().contains("the source has ended"));
}

#[test]
fn a_command_is_started_again_and_ends_with_us() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.jpg"), jpeg(64, 48, 1)).unwrap();
    fs::write(directory.path().join("b.jpg"), jpeg(72, 48, 1)).unwrap();
    let command = "exec:if [ -e once ]; then cat b.jpg; sleep 1000 & echo $! > new; mv new pid; wait; \
                   else touch once; cat a.jpg; echo cannot open rtsp://tim:hush@cam/ >&2; exit 3; fi";
    let mut eye = Eye::start_in(directory, command, &[]);
    expect_width(&eye, 64);
    expect_width(&eye, 72);
    assert_eq!(eye.metric("chadburn_eye_source_lost_total"), 1);
    let path = eye.directory.path().join("pid");
    let pid = expect_file(&path);
    let child = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    assert!(test_kill_process(child).is_ok());
    let (status, took) = eye.end();
    assert!(status.success() && took < Duration::from_secs(1), "{status} after {took:?}");
    // Whoever is init reaps it when it likes.
    let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
    assert!(!eye.log().contains("hush"), "{}", eye.log());
}

/// What is in this file, once it is there.
fn expect_file(path: &Path) -> String {
    let end = std::time::Instant::now() + super::eye::PATIENCE;
    loop {
        match fs::read_to_string(path) {
            Ok(text) => return text,
            Err(_) if std::time::Instant::now() < end => thread::yield_now(),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
}

#[test]
fn a_command_that_takes_one_picture_is_run_again_and_again() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.jpg"), jpeg(64, 48, 1)).unwrap();
    fs::write(directory.path().join("b.jpg"), jpeg(72, 48, 1)).unwrap();
    let command = "exec:if mv a.jpg taken; then cat taken; else cat b.jpg; fi 2>&-";
    let eye = Eye::start_in(directory, command, &["--every", "0.2"]);
    expect_width(&eye, 64);
    expect_width(&eye, 72);
    assert_eq!(eye.metric("chadburn_eye_source_lost_total"), 0);
}

#[test]
fn a_command_that_prints_nothing_is_told_of() {
    let mut eye = Eye::start("exec:true", &[]);
    eye.expect_line("cannot see: no frames (it has ended without a picture)");
}

#[test]
fn a_command_that_cannot_be_run_says_why_without_addresses() {
    let mut eye = Eye::start("exec:echo rtsp://tim:hush@cam/ is away >&2; exit 3", &[]);
    let line = eye.expect_line("cannot see: no frames (the command has ended");
    assert!(line.contains("exit status: 3): … is away"), "{line}");
}

#[test]
fn the_scene_is_there_without_a_camera_and_keys_turn_its_pointer() {
    let eye = Eye::start("scene:", &[]);
    let mut viewer = eye.watch();
    let reading = viewer.expect(|reading| !reading["boxes"].as_array().is_none_or(Vec::is_empty));
    assert_eq!((&reading["width"], &reading["keys"]), (&640.into(), &true.into()));
    viewer.say(&serde_json::json!({ "type": "key", "key": "ArrowRight" }));
    viewer.ack(&reading);
    viewer.frame();
}
