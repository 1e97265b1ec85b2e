//! A camera that speaks RTSP (RFC 2326), as the test has it: ffmpeg makes the picture, and its packets go over the
//! camera's connection, as most cameras do it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use super::eye::{Eye, PATIENCE};

/// Where the session description says that nothing is: packets come over the connection.
const DESCRIPTION: &str = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n\
                           m=video 0 RTP/AVP 26\r\na=control:track1\r\n";

/// Ends its ffmpeg.
struct Packets(Child);

impl Drop for Packets {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves one viewer until it goes; what it was asked for.
fn serve(mut stream: TcpStream) -> Vec<String> {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut asked = Vec::new();
    loop {
        let head: Vec<_> =
            lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let Some(first) = head.first() else { return asked };
        asked.push(head.join("\n"));
        let number = head.iter().find_map(|line| line.strip_prefix("CSeq: ")).unwrap();
        let answer = |more: &str, body: &str| {
            format!("RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{more}\r\n{body}")
        };
        let method = first.split(' ').next().unwrap();
        let said = match method {
            "OPTIONS" => answer("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""),
            "DESCRIBE" if !head.iter().any(|line| line.starts_with("Authorization: Basic ")) => {
                format!(
                    "RTSP/1.0 401 Unauthorized\r\nCSeq: {number}\r\nWWW-Authenticate: Basic realm=\"camera\"\r\n\r\n"
                )
            }
            "DESCRIBE" => {
                let length = DESCRIPTION.len();
                answer(
                    &format!("Content-Type: application/sdp\r\nContent-Length: {length}\r\n"),
                    DESCRIPTION,
                )
            }
            "SETUP" => {
                assert!(head.iter().any(|line| line.contains("RTP/AVP/TCP")), "{head:?}");
                answer("Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n", "")
            }
            _ => answer("Session: 1\r\n", ""),
        };
        if stream.write_all(said.as_bytes()).is_err() {
            return asked;
        }
        if method == "PLAY" {
            play(&mut stream);
            return asked;
        }
    }
}

/// Sends packets as long as somebody takes them.
fn play(stream: &mut TcpStream) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = format!("rtp://{}?pkt_size=1200", socket.local_addr().unwrap());
    let _packets = Packets(
        Command::new("ffmpeg")
            .args(["-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i"])
            .args(["testsrc=size=320x240:rate=10", "-pix_fmt", "yuvj420p", "-c:v", "mjpeg"])
            .args(["-huffman", "default", "-force_duplicated_matrix", "1", "-f", "rtp", &to])
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut packet = [0; 2_048];
    while let Ok(length) = socket.recv(&mut packet) {
        let size = u16::try_from(length).unwrap().to_be_bytes();
        let frame = [&[b'$', 0], &size[..], &packet[..length]].concat();
        if stream.write_all(&frame).is_err() {
            return;
        }
    }
}

#[test]
fn a_camera_that_speaks_rtsp_is_read_by_ffmpeg_which_nobody_sees_the_password_of() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, asked) = channel();
    thread::spawn(move || {
        // A test that has ended does not listen any more.
        let mut viewers = listener.incoming();
        while sender.send(serve(viewers.next().unwrap().unwrap())).is_ok() {}
    });
    let mut eye = Eye::start(&format!("rtsp://tim:hush-camera@127.0.0.1:{port}/live"), &[]);
    let mut viewer = eye.watch();
    let reading = viewer.expect(|reading| reading["width"] == 320);
    assert_eq!((&reading["height"], &reading["health"]), (&240.into(), &"sees".into()));
    // What stands in the arguments of all processes is for everybody to read.
    for process in std::fs::read_dir("/proc").unwrap() {
        let arguments = std::fs::read(process.unwrap().path().join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments).into_owned();
        assert!(!arguments.contains("hush-camera"), "{arguments}");
    }
    assert!(!eye.log().contains("hush"), "{}", eye.log());
    eye.end();
    let asked = asked.recv_timeout(PATIENCE).unwrap();
    assert!(asked.last().unwrap().starts_with("PLAY rtsp://127.0.0.1:"), "{asked:?}");
}

#[test]
fn a_camera_that_is_not_there_is_told_of_without_its_password() {
    // Bound, and then free again: nobody is there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut eye = Eye::start(&format!("rtsp://tim:hush@127.0.0.1:{port}/live"), &[]);
    let line = eye.expect_line("cannot see: no frames (ffmpeg has ended");
    assert!(!eye.log().contains("hush") && !line.contains("hush"), "{line}");
    assert!(line.contains("Connection refused") || line.contains("rror"), "{line}");
}
