//! A peer that writes its bytes itself: handshakes by hand, arbitrary frames, slow and rude ways.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::patience::soon;
use crate::server::TestServer;
use testkit::frames::{ACCEPT, CLOSE, FIN, LONG, MEDIUM, TEXT, close, handshake, text};

/// How long a connection takes no byte before it counts as stuck.
const STUCK: Duration = Duration::from_millis(200);

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct Response {
    /// The status code.
    pub(crate) code: u16,
    /// The headers, their names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body; its chunks as they came, if it came in chunks.
    pub(crate) body: String,
}

impl Response {
    /// The value of this header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// A raw connection.
#[derive(Debug)]
pub(crate) struct Raw {
    /// The connection.
    pub(crate) stream: TcpStream,
    /// What has come and was not looked at yet.
    unread: VecDeque<u8>,
}

impl Raw {
    /// A fresh connection.
    pub(crate) async fn connect(server: &TestServer) -> Self {
        Self::to(server.address).await
    }

    /// A fresh connection to this address.
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = soon("the connection", TcpStream::connect(address)).await;
        Self::over(stream.expect("the server can be connected to"))
    }

    /// A fresh connection that can hold only little of what it does not read.
    pub(crate) async fn narrow(server: &TestServer) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket can be made");
        socket.set_recv_buffer_size(2048).expect("a socket's buffer can be small");
        socket.set_send_buffer_size(2048).expect("a socket's buffer can be small");
        Self::by(socket, server.address).await
    }

    /// A fresh connection to this address, by way of this socket.
    pub(crate) async fn by(socket: TcpSocket, address: SocketAddr) -> Self {
        let stream = soon("the connection", socket.connect(address)).await;
        Self::over(stream.expect("the server can be connected to"))
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a connection can be told not to wait");
        Self { stream, unread: VecDeque::new() }
    }

    /// A connection after a handshake without subprotocol and before its greeting.
    pub(crate) async fn upgraded(server: &TestServer) -> Self {
        let mut raw = Self::connect(server).await;
        raw.upgrade(server).await;
        raw
    }

    /// A connection that has heard the greeting of the text wire.
    pub(crate) async fn greeted(server: &TestServer) -> Self {
        let mut raw = Self::upgraded(server).await;
        raw.hear_greeting().await;
        raw
    }

    /// A connection whose server has stopped taking anything from it, because it takes nothing
    /// from the server.
    pub(crate) async fn stuck(server: &TestServer) -> Self {
        let mut raw = Self::narrow(server).await;
        raw.upgrade(server).await;
        raw.hear_greeting().await;
        let request = text("x".repeat(60_000));
        let mut written = 0;
        while written < 64 << 20 {
            match raw.stream.try_write(&request[written % request.len()..]) {
                Ok(length) => written += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let room = tokio::time::timeout(STUCK, raw.stream.writable());
                    if room.await.is_err() {
                        return raw;
                    }
                }
                Err(_) => return raw,
            }
        }
        panic!("the server has taken 64 MiB from a station that takes nothing");
    }

    /// Does the handshake.
    pub(crate) async fn upgrade(&mut self, server: &TestServer) {
        self.send(handshake(&server.authority(), &[])).await;
        let response = self.response().await;
        assert_eq!(response.code, 101, "{response:?}");
        assert_eq!(response.header("sec-websocket-accept"), Some(ACCEPT));
    }

    /// Hears the two lines of the greeting.
    pub(crate) async fn hear_greeting(&mut self) {
        self.expect_text(crate::station::CONNECTED).await;
        let (opcode, _) = self.frame().await.expect("a snapshot comes");
        assert_eq!(opcode, TEXT);
    }

    /// Sends these bytes.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = soon("the bytes' departure", self.stream.write_all(bytes.as_ref())).await;
        sent.expect("the connection takes bytes");
    }

    /// Sends these bytes, or as many of them as the server takes before it has had enough.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        soon("the bytes' departure", self.stream.write_all(bytes.as_ref())).await.is_ok()
    }

    /// Sends no more, and still listens.
    pub(crate) async fn say_no_more(&mut self) {
        // The server may have ended the connection already.
        let _ = self.stream.shutdown().await;
    }

    /// The next response.
    pub(crate) async fn response(&mut self) -> Response {
        self.try_response().await.expect("a response comes")
    }

    /// The next response, or `None` if the connection ends without one.
    pub(crate) async fn try_response(&mut self) -> Option<Response> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.byte().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.split("\r\n");
        let code = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        let mut response = Response {
            code: code.expect("a status code"),
            headers: headers.collect(),
            body: String::new(),
        };
        let length = response.header("content-length").map(str::parse::<usize>);
        if let Some(Ok(length)) = length {
            let body = self.bytes(length).await.expect("the body is as long as it says");
            response.body = String::from_utf8_lossy(&body).into_owned();
        } else if response.header("transfer-encoding").is_some() {
            // Chunks are looked through for words, never taken apart.
            while !response.body.ends_with("\r\n0\r\n\r\n") {
                response.body.push(char::from(self.byte().await?));
            }
        }
        Some(response)
    }

    /// The next frame: its opcode and payload; `None` at the end of the connection. The server
    /// sends whole, unmasked frames.
    pub(crate) async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let head = self.byte().await?;
        assert_eq!(head & 0xf0, FIN, "the server sends whole frames without extensions");
        let length = match self.byte().await? {
            MEDIUM => {
                let bytes = self.bytes(2).await?;
                usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
            }
            LONG => {
                let bytes = self.bytes(8).await?.try_into().expect("eight bytes");
                usize::try_from(u64::from_be_bytes(bytes)).expect("a frame fits into memory")
            }
            short => usize::from(short),
        };
        assert!(length <= 1 << 20, "the server does not send frames of {length} bytes");
        Some((head & 0x0f, self.bytes(length).await?))
    }

    /// The next frame, which has to be this text.
    pub(crate) async fn expect_text(&mut self, text: &str) {
        let (opcode, payload) = self.frame().await.expect("a frame comes");
        assert_eq!((opcode, String::from_utf8_lossy(&payload).as_ref()), (TEXT, text));
    }

    /// The next frame, which has to be this.
    pub(crate) async fn expect_frame(&mut self, opcode: u8, payload: &[u8]) {
        assert_eq!(self.frame().await, Some((opcode, payload.to_vec())));
    }

    /// A Close with this code and a reason in UTF-8, and the end of the connection after it.
    pub(crate) async fn expect_close(&mut self, code: u16) {
        let (opcode, payload) = self.frame().await.expect("a Close comes");
        assert_eq!(opcode, CLOSE, "{:?}", String::from_utf8_lossy(&payload));
        assert!((2..=125).contains(&payload.len()), "a Close has a code and a short reason");
        assert_eq!(u16::from_be_bytes([payload[0], payload[1]]), code);
        assert!(str::from_utf8(&payload[2..]).is_ok(), "a reason is UTF-8");
        // The server waits for this, unless it was answering ours.
        self.try_send(close(code)).await;
        self.expect_end().await;
    }

    /// The end of the connection, and nothing before it.
    pub(crate) async fn expect_end(&mut self) {
        assert_eq!(self.byte().await, None, "the connection ends");
    }

    /// The next line, without its end; `None` at the end of the connection.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            match self.byte().await? {
                b'\n' => return Some(String::from_utf8_lossy(&line).into_owned()),
                byte => line.push(byte),
            }
        }
    }

    /// Everything until the end of the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        while let Some(byte) = self.byte().await {
            rest.push(byte);
        }
        rest
    }

    async fn bytes(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            bytes.push(self.byte().await?);
        }
        Some(bytes)
    }

    async fn byte(&mut self) -> Option<u8> {
        if self.unread.is_empty() {
            let mut buffer = Vec::with_capacity(4096);
            match soon("bytes, or the end", self.stream.read_buf(&mut buffer)).await {
                Ok(_) => self.unread.extend(buffer),
                // A server that ends a conversation with us still talking resets it.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
                Err(error) => panic!("the connection cannot be read: {error}"),
            }
        }
        self.unread.pop_front()
    }
}
