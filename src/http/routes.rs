//! What is answered under which path, apart from `/websocket`.

mod health;
mod panel;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;

use super::House;
use super::assets::Assets;
use super::problem::Problem;
use crate::hub::Snapshot;

/// What the routes look at.
#[derive(Clone)]
struct View {
    snapshot: watch::Receiver<Arc<Snapshot>>,
    alive: Arc<dyn Fn() -> bool + Send + Sync>,
    assets: Assets,
}

impl View {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.borrow().clone()
    }
}

pub(super) fn router<A>(house: &House<A>) -> Router {
    let view = View {
        snapshot: house.snapshot.clone(),
        alive: house.alive.clone(),
        assets: house.assets.clone(),
    };
    Router::new()
        .route("/", get(panel::page))
        .route("/static/{*path}", get(panel::part))
        .route("/favicon.ico", get(panel::icon))
        .route("/status", get(status::status))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_like_this)
        .layer(CompressionLayer::new())
        .with_state(view)
}

async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing here; the panel is at /")
}

async fn not_like_this() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this can only be read")
}
