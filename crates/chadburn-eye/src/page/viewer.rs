//! One viewer: frames go to it as it can show them, and keys come from it.
//!
//! A frame is a JSON text, and if that has a `frameId` the picture as it came from the camera, in a binary message. The
//! viewer says `{"type":"ack","frameId":…}` when it has shown it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chadburn_web::Upgraded;
use chadburn_web::visitors::{TOKEN_REQUIRED, Visitors};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_util::sync::CancellationToken;

use super::View;
use super::pace::Pace;
use crate::link;
use crate::scene::Key;
use crate::websocket::{self, Socket};

/// The longest message of a viewer, in bytes: room for a token of the longest file.
const LONGEST: usize = 8 * 1024;

/// How long the token may take; as long as a request's head.
const TOKEN_LIMIT: Duration = Duration::from_secs(10);

/// How often a viewer is pinged and told how things are, so that either side misses the other: after two and a half of
/// them it is gone.
const BEAT: Duration = Duration::from_secs(5);

/// How long a viewer may take nothing of a message; as long as of an answer of HTTP.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a Close may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// How many messages that cannot be read are borne with.
const UNREADABLE: u32 = 100;

/// Close codes (RFC 6455, 7.4.1): we end; what was said is not allowed; come back later.
const AWAY: u16 = 1001;
const POLICY: u16 = 1008;
const LATER: u16 = 1013;

/// The token is needed, and was not given; the code is that of the server's own stations.
const TOKEN: u16 = 4003;

/// What a viewer may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Said {
    /// The token, first of all.
    Token { token: String },
    /// This frame, and all before it, has been shown.
    Ack { frame_id: f64 },
    /// A key for the scene.
    Key { key: Key },
}

/// Serves a viewer until it goes. With `visitors` it has still to give the token.
pub(super) async fn serve(
    upgraded: Upgraded,
    view: &View,
    viewers: &Arc<Semaphore>,
    visitors: Option<watch::Receiver<Visitors>>,
    stop: &CancellationToken,
) {
    let Upgraded { socket, unread, unsent, seat: _seat, address_permit, .. } = upgraded;
    let Ok(mut socket) = websocket::open(socket, &unsent, unread, LONGEST).await else { return };
    if let Some(visitors) = visitors {
        let token = tokio::select! {
            () = stop.cancelled() => None,
            token = timeout(TOKEN_LIMIT, token(&mut socket)) => token.ok().flatten(),
        };
        if !visitors.borrow().may_read(token.as_deref()) {
            // The page of somebody who has none says so.
            if token.is_some_and(|token| !token.is_empty()) {
                address_permit.wrong_token();
            }
            return close(socket, TOKEN, TOKEN_REQUIRED).await;
        }
    }
    let Ok(_place) = viewers.try_acquire() else {
        return close(socket, LATER, "sixteen are watching, and no more can").await;
    };
    let (code, reason) = tokio::select! {
        () = stop.cancelled() => (AWAY, "the eye closes"),
        end = show(&mut socket, view) => end,
    };
    close(socket, code, reason).await;
}

/// Sends a message; an error if the viewer is gone or has taken nothing for 15 s.
async fn send(socket: &mut Socket, message: Message) -> io::Result<()> {
    timeout(PATIENCE, socket.send(message)).await?.map_err(io::Error::other)
}

/// Ends the connection, with why.
async fn close(mut socket: Socket, code: u16, reason: &'static str) {
    let frame = CloseFrame { code: code.into(), reason: reason.into() };
    // Best effort: the connection is given up anyway.
    let _ = timeout(GOODBYE, socket.close(Some(frame))).await;
}

async fn token(socket: &mut Socket) -> Option<String> {
    match said(&socket.next().await?.ok()?)? {
        Said::Token { token } => Some(token),
        _ => None,
    }
}

/// What a message says, if it can be read.
fn said(message: &Message) -> Option<Said> {
    serde_json::from_str(message.to_text().ok()?).ok()
}

/// Shows frames until the viewer goes, and why it is to be closed.
async fn show(socket: &mut Socket, view: &View) -> (u16, &'static str) {
    let (mut frames, mut health) = (view.frames.newest(), view.frames.health());
    let mut orchestrator = match &view.link {
        Some(link) => link.state.subscribe(),
        // Its sender is gone, so that nothing is ever told.
        None => watch::Sender::new(link::State::default()).subscribe(),
    };
    // The newest frame at once, also where it is an old one; or that there is none.
    frames.mark_changed();
    if frames.borrow().is_none() {
        health.mark_changed();
    }
    let (start, mut pace, mut unreadable) = (Instant::now(), Pace::default(), 0);
    let (mut beat, mut heard) = (interval(BEAT), start);
    loop {
        let due = pace.wait(start.elapsed());
        let frame = async {
            match due {
                Some(wait) => sleep(wait).await,
                None => std::future::pending().await,
            }
            frames.changed().await
        };
        let sent = tokio::select! {
            message = socket.next() => {
                heard = Instant::now();
                match message {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return (1000, ""),
                    Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => match said(&message) {
                        Some(Said::Ack { frame_id }) => pace.acknowledged(frame_id),
                        Some(Said::Key { key }) => {
                            if let Some(hand) = &view.scene {
                                hand.press(key);
                            }
                        }
                        // It had no need to.
                        Some(Said::Token { .. }) => {}
                        None if unreadable == UNREADABLE => return (POLICY, "too much that cannot be read"),
                        None => unreadable += 1,
                    },
                    Some(Ok(_)) => {}
                }
                Ok(())
            }
            Ok(()) = frame => {
                let frame = frames.borrow_and_update().clone();
                match frame {
                    Some(frame) => {
                        pace.sent(frame.id, start.elapsed());
                        let text = view.reading(Some(&frame));
                        match send(socket, Message::text(text)).await {
                            Ok(()) => send(socket, Message::Binary(frame.picture.bytes.clone())).await,
                            lost => lost,
                        }
                    }
                    None => Ok(()),
                }
            }
            Ok(()) = health.changed() => send(socket, Message::text(view.reading(None))).await,
            Ok(()) = orchestrator.changed() => send(socket, Message::text(view.reading(None))).await,
            _ = beat.tick() => {
                if heard.elapsed() > 5 * BEAT / 2 {
                    return (1000, "");
                }
                match send(socket, Message::Ping(Vec::new().into())).await {
                    Ok(()) => send(socket, Message::text(view.reading(None))).await,
                    lost => lost,
                }
            }
        };
        if sent.is_err() {
            return (1000, "");
        }
    }
}
