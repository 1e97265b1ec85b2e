//! Where requests that want something done go: to the hub, with what is known of whoever asks.
//!
//! The hub decides and carries out. Here its outcome is put in HTTP's terms.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use chadburn_v1::{BAD_NAME, Code, is_name};
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use super::caller::Caller;
use super::{Admit, House};
use crate::hub::{Ask, Gone};
use crate::policy::{Act, Peer, Policy, Refusal};
use crate::session::Want;
use chadburn_web::problem::Problem;

/// How long the hub, and the disk behind it, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to the hub.
#[derive(Clone)]
pub(super) struct Desk<A> {
    hub: A,
    policy: watch::Receiver<Policy>,
}

impl<A: Admit> Desk<A> {
    pub(super) fn new(house: &House<A>) -> Self {
        Self { hub: house.admit.clone(), policy: house.policy.clone() }
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
        let local = caller.is_local(&self.policy, &[act]).await;
        let peer = Peer { local, ..Peer::at(caller.address) };
        let ask = Ask { peer, token, who, want, station: Uuid::new_v4() };
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

/// The token that came with a request (RFC 6750, 2.1). One that cannot be read is empty, and
/// nobody's.
pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return Some(String::new());
    }
    let value = std::str::from_utf8(value.as_bytes()).unwrap_or("Bearer ");
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// The token is needed: none came, or another.
pub(super) fn without_token(came_with_token: bool) -> Problem {
    let (code, detail, challenge) = if came_with_token {
        let challenge = "Bearer realm=\"chadburn\", error=\"invalid_token\"";
        (Code::BadToken, "that is not the token".to_owned(), challenge)
    } else {
        let detail = Refusal::TokenRequired.to_string();
        (Code::TokenRequired, detail, "Bearer realm=\"chadburn\"")
    };
    let problem = Problem::new(StatusCode::UNAUTHORIZED, detail).code(code);
    problem.header(header::WWW_AUTHENTICATE, challenge)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_bearer_brings() {
        for (lines, token) in [
            (&["Bearer brass"][..], Some("brass")),
            (&["bearer  brass "], Some("brass")),
            (&["Bearer"], Some("")),
            (&["Bearer a", "Bearer b"], Some("")),
            (&["Basic YnJhc3M="], None),
            (&["brass"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::AUTHORIZATION, line.parse().unwrap());
            }
            assert_eq!(bearer(&headers).as_deref(), token, "{lines:?}");
        }
    }
}
