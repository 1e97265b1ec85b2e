//! One connection: what comes over it goes to the rule, and what the rule has for it goes out.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::rule::{Close, Event, Next, Role, Said};
use super::state::{Signals, State};
use crate::websocket::Socket;

/// How long a connection that is closed has for its close frame, and for the other end's.
const LAST: Duration = Duration::from_secs(1);

/// Serves a connection until it ends.
pub(super) async fn serve(state: &State, role: Role, socket: Socket) {
    let (key, signals) = state.join(role);
    let (mut sink, mut stream) = socket.split();
    let is_broken = {
        let mut reading = pin!(read(state, key, &mut stream));
        let mut writing = pin!(write(state, key, &signals, &mut sink));
        let late = async {
            signals.closed.notified().await;
            sleep(LAST).await;
        };
        tokio::select! {
            is_broken = &mut reading => {
                if is_broken {
                    // The close frame that says so.
                    let _ = timeout(LAST, writing).await;
                }
                is_broken
            }
            () = &mut writing => timeout(LAST, reading).await.unwrap_or_default(),
            () = late => false,
        }
    };
    state.happen(Event::Left(key));
    if is_broken && let Ok(mut socket) = stream.reunite(sink) {
        let _ = timeout(LAST, drain(socket.get_mut())).await;
    }
}

/// Says a close frame to somebody who has not joined.
pub(super) async fn turn_away(mut socket: Socket, why: Close) {
    let _ = timeout(LAST, socket.close(Some(frame(why)))).await;
}

/// Reads until the end. Whether it broke off in the middle, so that nothing after it can be understood.
async fn read(state: &State, key: u64, stream: &mut SplitStream<Socket>) -> bool {
    loop {
        let said = match stream.next().await {
            Some(Ok(Message::Text(text))) => {
                state.happen(Event::Heard(key, Said::Text(&text)));
                continue;
            }
            Some(Ok(Message::Binary(_))) => Said::Binary,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Said::Sign,
            // What comes next is the end.
            Some(Ok(Message::Close(_) | Message::Frame(_))) => continue,
            Some(Err(Error::Capacity(_))) => Said::TooLong,
            Some(Err(Error::Utf8(_))) => Said::NotUtf8,
            Some(Err(Error::Protocol(why))) => {
                tracing::debug!(%why, "a connection breaks the protocol");
                Said::Broken
            }
            None | Some(Err(_)) => return false,
        };
        state.happen(Event::Heard(key, said));
        if matches!(said, Said::TooLong | Said::NotUtf8 | Said::Broken) {
            return true;
        }
    }
}

/// Writes what there is whenever there is something, until a close frame is out or the connection is lost.
async fn write(state: &State, key: u64, signals: &Signals, sink: &mut SplitSink<Socket, Message>) {
    loop {
        let sent = match state.take(key) {
            Next::Text(text) => sink.feed(Message::Text(text)).await,
            Next::Ping => sink.feed(Message::Ping(Vec::new().into())).await,
            Next::Close(why) => {
                let _ = sink.send(Message::Close(Some(frame(why)))).await;
                return;
            }
            Next::Nothing => {
                let flushed = sink.flush().await;
                signals.woken.notified().await;
                flushed
            }
        };
        if sent.is_err() {
            // The reading side finds out why.
            return pending().await;
        }
    }
}

fn frame(why: Close) -> CloseFrame {
    CloseFrame { code: why.code.into(), reason: why.reason.into() }
}

/// Takes what still comes, so that the close frame before it is not lost with it.
async fn drain(stream: &mut TcpStream) {
    let _ = stream.shutdown().await;
    let mut buffer = [0; 4096];
    while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
}
