//! A station: a client of the server over a real WebSocket, on either wire.
//!
//! [`TestStation`] is the connection, and speaks the text wire by itself; [`Panel`] speaks JSON
//! over it.
//!
//! [`Panel`]: crate::panel::Panel

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message, handshake::client::Response};

use crate::patience::soon;
use crate::server::TestServer;

/// The first line of the greeting on the text wire.
pub(crate) const CONNECTED: &str = "Connected to EOT Server";

/// What a text station hears last.
pub(crate) const FAREWELL: &str = "EOT Server is shutting down.";

/// The server ends (RFC 6455, 7.4.1).
pub(crate) const GOING_AWAY: u16 = 1001;

/// A text station that has been greeted, or any station whose messages are looked at one by one.
#[derive(Debug)]
pub(crate) struct TestStation {
    /// The connection.
    socket: WebSocketStream<TcpStream>,
    /// What the handshake brought.
    pub(crate) response: Response,
}

impl TestStation {
    /// A text station that has heard its greeting.
    pub(crate) async fn text(server: &TestServer) -> Self {
        Self::text_with(server, &[]).await
    }

    /// The same, with these headers in its handshake.
    pub(crate) async fn text_with(server: &TestServer, headers: &[(&str, &str)]) -> Self {
        let mut station = Self::connect(server, headers).await;
        station.expect(CONNECTED).await;
        let snapshot = station.hear().await;
        assert!(snapshot.ends_with("&1"), "{snapshot:?} is no snapshot");
        station
    }

    /// A connection that has heard nothing yet.
    pub(crate) async fn connect(server: &TestServer, headers: &[(&str, &str)]) -> Self {
        let stream = soon("the connection", TcpStream::connect(server.address)).await;
        Self::over(stream.expect("the server can be connected to"), headers).await
    }

    /// The same with this query in the address, such as `since=7`.
    pub(crate) async fn connect_with(
        server: &TestServer,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Self {
        let stream = soon("the connection", TcpStream::connect(server.address)).await;
        Self::handshake(stream.expect("the server can be connected to"), query, headers).await
    }

    /// A WebSocket over a connection that is already there.
    pub(crate) async fn over(stream: TcpStream, headers: &[(&str, &str)]) -> Self {
        Self::handshake(stream, "", headers).await
    }

    async fn handshake(stream: TcpStream, query: &str, headers: &[(&str, &str)]) -> Self {
        let address = stream.peer_addr().expect("the other end is known");
        let mut request = format!("ws://{address}/websocket?{query}")
            .trim_end_matches('?')
            .into_client_request()
            .expect("an address makes a request");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header's name");
            request.headers_mut().insert(name, HeaderValue::from_str(value).expect("its value"));
        }
        let handshake = tokio_tungstenite::client_async(request, stream);
        let (socket, response) =
            soon("the handshake", handshake).await.expect("the handshake goes well");
        Self { socket, response }
    }

    /// Says this.
    pub(crate) async fn say(&mut self, words: &str) {
        self.send(Message::text(words)).await;
    }

    /// Says several things without waiting for an answer in between.
    pub(crate) async fn say_all(&mut self, all: impl IntoIterator<Item = String>) {
        for words in all {
            let fed = self.socket.feed(Message::text(words));
            soon("room for a message", fed).await.expect("the connection lives");
        }
        soon("the messages' departure", self.socket.flush()).await.expect("the connection lives");
    }

    /// Sends any kind of message.
    pub(crate) async fn send(&mut self, message: Message) {
        let sent = self.socket.send(message);
        soon("the message's departure", sent).await.expect("the connection lives");
    }

    /// The next message of any kind; `None` at the end of the conversation.
    pub(crate) async fn receive(&mut self) -> Option<Message> {
        match soon("the next message", self.socket.next()).await? {
            Ok(message) => Some(message),
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => None,
            Err(error) => panic!("the conversation has broken: {error}"),
        }
    }

    /// The next text.
    pub(crate) async fn hear(&mut self) -> String {
        match self.receive().await {
            Some(Message::Text(text)) => text.to_string(),
            // The keep-alive is of no interest here, and the library has answered it.
            Some(Message::Ping(_)) => Box::pin(self.hear()).await,
            other => panic!("a text was to come, not {other:?}"),
        }
    }

    /// Says this, if the connection still is.
    pub(crate) async fn try_say(&mut self, words: &str) {
        // Whether it was heard is seen by what comes back.
        let _ = soon("the message's departure", self.socket.send(Message::text(words))).await;
    }

    /// The next text; `None` once the connection is gone, however that came about.
    pub(crate) async fn try_hear(&mut self) -> Option<String> {
        loop {
            match soon("the next message, or the end", self.socket.next()).await? {
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Ping(_)) => {}
                _ => return None,
            }
        }
    }

    /// The next text, which has to be this.
    pub(crate) async fn expect(&mut self, text: &str) {
        assert_eq!(self.hear().await, text);
    }

    /// Says something and hears the answer.
    pub(crate) async fn ask(&mut self, words: &str) -> String {
        self.say(words).await;
        self.hear().await
    }

    /// Proves that nothing has come: the next thing is the answer to a question asked now.
    pub(crate) async fn expect_nothing_yet(&mut self) {
        self.say("is there anything?").await;
        self.expect("Server echoed: is there anything?").await;
    }

    /// Hears texts until this one, and gives back those before it.
    pub(crate) async fn hear_until(&mut self, last: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let text = self.hear().await;
            if text == last {
                return before;
            }
            before.push(text);
        }
    }

    /// The farewell of the text wire, and the end.
    pub(crate) async fn expect_farewell(&mut self) {
        self.expect(FAREWELL).await;
        self.expect_close(GOING_AWAY).await;
    }

    /// A Close with this code, and the end of the connection after it.
    pub(crate) async fn expect_close(&mut self, code: u16) {
        match self.receive().await {
            Some(Message::Close(Some(close))) => assert_eq!(u16::from(close.code), code),
            other => panic!("a Close was to come, not {other:?}"),
        }
        assert_eq!(self.receive().await, None, "nothing comes after a Close");
    }

    /// Leaves in an orderly way, with this code.
    pub(crate) async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
        let closed = self.socket.close(Some(frame));
        soon("the Close's departure", closed).await.expect("the connection lives");
    }
}
