//! A camera that serves by HTTP, as the test has it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::eye::PATIENCE;

/// Serves each connection by a function, one after the other.
pub(crate) struct Camera {
    pub(crate) port: u16,
    /// The head of each request.
    heads: Receiver<String>,
}

impl Camera {
    /// `serve` is given the connection, and how many there were before it.
    pub(crate) fn start(mut serve: impl FnMut(&mut TcpStream, usize) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, heads) = channel();
        thread::spawn(move || {
            for (count, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<_> =
                    lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                if sender.send(head.join("\n")).is_err() {
                    return;
                }
                serve(&mut stream, count);
            }
        });
        Self { port, heads }
    }

    /// The head of the next request, once it comes.
    pub(crate) fn expect_request(&self) -> String {
        self.heads.recv_timeout(PATIENCE).expect("the camera is asked")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// Sends an answer with this content.
pub(crate) fn answer(stream: &mut TcpStream, status: &str, kind: &str, body: &[u8]) {
    let length = body.len();
    // Whoever has gone does not need it.
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    );
    let _ = stream.write_all(body);
}

/// Begins a stream of parts.
pub(crate) fn begin(stream: &mut TcpStream) {
    let kind = "multipart/x-mixed-replace; boundary=\"--part\"";
    // As above.
    let _ = write!(stream, "HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n");
}

/// Sends a part; whether somebody takes it.
pub(crate) fn part(stream: &mut TcpStream, picture: &[u8]) -> bool {
    let head = "--part\r\nContent-Type: image/jpeg\r\n\r\n";
    stream.write_all(&[head.as_bytes(), picture, b"\r\n"].concat()).is_ok()
}
