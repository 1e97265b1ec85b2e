//! Whoever is at the other end of a connection: a processor or a client, frame by frame.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::host::{Relay, within};

/// The other end of a connection.
pub(crate) struct Peer {
    pub(crate) socket: WebSocketStream<TcpStream>,
}

/// Opens a WebSocket with these further headers; `buffer` bounds what the kernel takes for whoever does not read.
pub(crate) async fn open(
    relay: &Relay,
    path: &str,
    headers: &[(&'static str, &str)],
    buffer: Option<u32>,
) -> Result<(WebSocketStream<TcpStream>, Response), Error> {
    let mut request = relay.url(path).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let socket = TcpSocket::new_v4().unwrap();
    if let Some(bytes) = buffer {
        socket.set_recv_buffer_size(bytes).unwrap();
    }
    let stream = socket.connect(([127, 0, 0, 1], relay.port).into()).await.unwrap();
    within("the handshake", client_async(request, stream)).await
}

impl Peer {
    /// A processor that has not said who it is.
    pub(crate) async fn unknown(relay: &Relay) -> Self {
        Self { socket: open(relay, "processor", &[], None).await.unwrap().0 }
    }

    pub(crate) async fn camera(relay: &Relay, id: &str) -> Self {
        let mut peer = Self::unknown(relay).await;
        peer.say(json!({"type": "identifier", "id": id})).await;
        peer
    }

    pub(crate) async fn client(relay: &Relay) -> Self {
        Self { socket: open(relay, "client", &[], None).await.unwrap().0 }
    }

    pub(crate) async fn panel(relay: &Relay) -> Self {
        let asked = [("sec-websocket-protocol", "chadburn-eye.v1")];
        let (socket, answer) = open(relay, "client", &asked, None).await.unwrap();
        assert_eq!(answer.headers()["sec-websocket-protocol"], "chadburn-eye.v1");
        Self { socket }
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    /// Sends this, if the connection still stands.
    pub(crate) async fn send(&mut self, message: Message) {
        let _ = within("room for a message", self.socket.send(message)).await;
    }

    /// The next message.
    pub(crate) async fn hears(&mut self) -> Value {
        loop {
            match within("a message", self.socket.next()).await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The code of the close frame, whatever comes before it; and the connection ends after it.
    pub(crate) async fn code(&mut self) -> u16 {
        loop {
            match within("a close frame", self.socket.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    while let Some(Ok(_)) = within("the end", self.socket.next()).await {}
                    return frame.code.into();
                }
                Some(Ok(_)) => {}
                other => panic!("{other:?} in place of a close frame"),
            }
        }
    }

    /// Waits until all that was sent before has been heard: a client is answered to a ping in its turn.
    pub(crate) async fn settles(&mut self) {
        self.send(Message::Ping(b"settled".to_vec().into())).await;
        loop {
            let message = within("a pong", self.socket.next()).await.unwrap().unwrap();
            if message == Message::Pong(b"settled".to_vec().into()) {
                return;
            }
            assert!(!matches!(message, Message::Text(_)), "it hears nothing: {message}");
        }
    }
}

pub(crate) fn boxes(frame: f64) -> Value {
    let one =
        json!({"boxId": 1, "rect": [0.0, 0.25, 0.5, 0.75], "objectType": "blob", "certainty": 0.9});
    json!({"type": "boundingBoxes", "frameId": frame, "boxes": [one]})
}

/// The same as a client hears it.
pub(crate) fn boxes_of(camera: &str, frame: f64) -> Value {
    let mut message = boxes(frame);
    message["cameraId"] = json!(camera);
    message
}

pub(crate) fn map(object: u64, value: f64) -> Value {
    json!({"type": "featureMap", "objectId": object, "featureMap": [value, 0.5]})
}

pub(crate) fn start(camera: &str) -> Value {
    json!({"type": "start", "cameraId": camera, "frameId": 1.5, "boxId": 1})
}
