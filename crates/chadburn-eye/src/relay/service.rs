//! What is answered over HTTP, and how connections come to the rule.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State as Given;
use axum::http::{Request, Response, header};
use axum::response::IntoResponse;
use axum::routing::get;
use chadburn_web::assets::{AssetService, Assets, routes};
use chadburn_web::problem::Problem;
use chadburn_web::visitors::Visitors;
use chadburn_web::workers::Workers;
use chadburn_web::{Service, Terms, TokenUse, Upgraded, token};
use futures_util::{SinkExt, StreamExt};
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::rule::{Close, Role};
use super::state::State;
use super::{connection, metrics, page};
use crate::metrics::CONTENT_TYPE;
use crate::websocket::{self, Socket};
use crate::wire::{self, FromPanel, SUBPROTOCOL, ToClient};

/// How long a page may take to give the token.
const TOKEN_LIMIT: Duration = Duration::from_secs(10);

/// The token is needed, and was not given; the code is that of the server's own stations.
const TOKEN_REQUIRED: Close = Close { code: 4003, reason: "this needs the token" };

/// How much the kernel takes for a connection that does not read, in bytes; it doubles it (`socket(7)`). What waits
/// there cannot be replaced by newer boxes any more.
const SEND_BUFFER: usize = 64 * 1024;

/// One thread compresses; the page is small.
const WORKERS: usize = 1;

/// What is said where there is nothing.
const NOTHING: &str =
    "there is nothing here; processors come to /processor, clients to /client, people to /";

/// What a connection is to become.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joining {
    role: Role,
    /// It has still to give the token.
    unproven: bool,
}

/// Answers, and hands connections over to the rule.
#[derive(Debug)]
pub(super) struct RelayService {
    state: Arc<State>,
    visitors: watch::Receiver<Visitors>,
    router: Router,
}

impl RelayService {
    pub(super) fn new(state: Arc<State>, visitors: watch::Receiver<Visitors>) -> Self {
        let files = Assets::embedded(page::PAGE, page::FILES);
        let page = AssetService::new(files, "", Workers::new(WORKERS));
        let router = Router::new()
            .route("/livez", get(ready))
            .route("/readyz", get(ready))
            .route("/metrics", get(measured))
            .with_state(Arc::clone(&state))
            .merge(routes(page, page::ICON, NOTHING));
        Self { state, visitors, router }
    }

    fn open(&self, request: &Request<Body>, role: Role) -> Result<Response<Body>, Problem> {
        let mut answer = websocket::answer(request, SUBPROTOCOL)?;
        let came_with_token = token::bearer(request.headers()).is_some();
        let unproven = role == Role::Panel && self.visitors.borrow().private && !came_with_token;
        answer.extensions_mut().insert(Joining { role, unproven });
        Ok(answer)
    }

    /// Whether what is said over this socket, once the token is asked for, is the token.
    async fn proves_itself(&self, socket: &mut Socket) -> Option<bool> {
        let question = wire::write(&ToClient::TokenRequired);
        socket.send(Message::text(question)).await.ok()?;
        let said = timeout(TOKEN_LIMIT, socket.next()).await.ok()??.ok()?;
        let Message::Text(text) = said else { return None };
        let Ok(FromPanel::Token { token }) = wire::read(&text) else { return None };
        Some(self.visitors.borrow().is_token(&token))
    }
}

impl Service for RelayService {
    type Upgrade = Joining;

    fn terms(&self, request: &Request<Body>) -> Terms {
        let path = request.uri().path();
        let is_part = path.starts_with("/static/");
        let is_probe = matches!(path, "/livez" | "/readyz");
        // The page can ask for the token, and says it as its first message.
        let is_open = is_part || is_probe || matches!(path, "/" | "/favicon.ico");
        let token = if is_open {
            TokenUse::Open
        } else if role(request) == Some(Role::Panel) {
            TokenUse::Later
        } else {
            TokenUse::Needed
        };
        Terms { uncounted: is_part, probe: is_probe || path == "/metrics", token }
    }

    async fn call(&self, request: Request<Body>) -> Response<Body> {
        match role(&request) {
            Some(role) => self.open(&request, role).unwrap_or_else(Problem::into_response),
            None => self.router.call(request).await,
        }
    }

    async fn take(&self, taken: Upgraded, joining: Joining) {
        let Upgraded { socket, address, unread, unsent, seat, address_permit } = taken;
        if let Err(error) = set_socket_send_buffer_size(&socket, SEND_BUFFER) {
            tracing::debug!(%error, %address, "SO_SNDBUF is refused");
        }
        let opened = websocket::open(socket, &unsent, unread, wire::MAX_MESSAGE).await;
        let Ok(mut socket) = opened else { return };
        if joining.unproven {
            let proven = self.proves_itself(&mut socket).await;
            if proven != Some(true) {
                if proven == Some(false) {
                    address_permit.wrong_token();
                }
                return connection::turn_away(socket, TOKEN_REQUIRED).await;
            }
        }
        connection::serve(&self.state, joining.role, socket).await;
        drop((seat, address_permit));
    }
}

/// Who opens a WebSocket with this request, if one is opened there.
fn role(request: &Request<Body>) -> Option<Role> {
    match request.uri().path() {
        "/processor" => Some(Role::Processor),
        "/client" if websocket::asks_for(request, SUBPROTOCOL) => Some(Role::Panel),
        "/client" => Some(Role::Client),
        _ => None,
    }
}

async fn ready() -> Response<Body> {
    plain("text/plain; charset=utf-8", "ok\n".into())
}

async fn measured(Given(state): Given<Arc<State>>) -> Response<Body> {
    plain(CONTENT_TYPE, state.look(metrics::page))
}

fn plain(kind: &'static str, text: String) -> Response<Body> {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], text).into_response()
}
