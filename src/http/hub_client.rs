//! Where requests that want something done go: to the hub, with what is known of whoever asks.
//!
//! The hub decides and carries out. Here its outcome is put in HTTP's terms.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use chadburn_v1::{BAD_NAME, Code, is_name};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Admit, App};
use crate::hub::{Ask, Gone};
use crate::policy::{Act, Peer, Reaches};
use crate::session::Want;
use chadburn_web::Caller;
use chadburn_web::problem::Problem;
use chadburn_web::token::{bearer, without_token};

/// How long the hub, and the disk behind it, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to the hub.
#[derive(Clone)]
pub(super) struct HubClient<A> {
    hub: A,
    reaches: Reaches,
}

impl<A: Admit> HubClient<A> {
    pub(super) fn new(app: &App<A>) -> Self {
        Self { hub: app.admit.clone(), reaches: app.reaches }
    }

    /// Has this done, and says what became of it.
    pub(super) async fn ask(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        act: Act,
        who: Option<String>,
        want: Want,
    ) -> Result<(), Problem> {
        if who.as_deref().is_some_and(|who| !is_name(who)) {
            return Err(Problem::bad(Code::BadName, BAD_NAME));
        }
        let token = bearer(headers);
        let came_with_token = token.is_some();
        // Whether the token is right is not known here.
        let local = self.reaches.are_local(&[act]) && caller.is_local().await;
        let peer = Peer { local, ..Peer::at(caller.address) };
        let ask = Ask { peer, token, who, want, station_id: Uuid::new_v4() };
        match timeout(PATIENCE, self.hub.ask(ask)).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err((code, line)))) => Err(refused(code, line, came_with_token)),
            Ok(Err(Gone)) => Err(Problem::not_now("the server is shutting down")),
            Err(_) => Err(Problem::not_now(
                "this takes more than 10 seconds; it may still be carried out, so look first",
            )),
        }
    }
}

/// Why it was not done, in HTTP's terms.
fn refused(code: Code, line: String, came_with_token: bool) -> Problem {
    let status = match code {
        Code::TokenRequired | Code::BadToken => return without_token(came_with_token),
        Code::WriteFailed => return Problem::not_now(line).code(code),
        Code::Refused => StatusCode::FORBIDDEN,
        Code::Stale | Code::NoOrder => StatusCode::CONFLICT,
        Code::NoPosition => StatusCode::UNPROCESSABLE_ENTITY,
        // What is wrong with the request itself.
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, line).code(code)
}
