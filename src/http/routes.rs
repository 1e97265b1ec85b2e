//! What is answered under which path, apart from `/websocket`.

mod accept;
mod book;
mod health;
mod metrics;
mod order;
mod panel;
mod status;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use tokio::sync::watch;

use super::hub_client::HubClient;
use super::panel::SCRIPT;
use super::{Admit, App, events};
use crate::hub::Snapshot;
use crate::metrics::Metrics;
use chadburn_web::assets::AssetService;
use chadburn_web::problem::Problem;
use chadburn_web::visitors::Visitors;
use chadburn_web::workers::Workers;

/// How many compress and encode large answers: one would do, and two cores are common.
const WORKERS: usize = 2;

/// What the routes look at.
#[derive(Clone)]
struct View {
    snapshot: watch::Receiver<Arc<Snapshot>>,
    alive: Arc<dyn Fn() -> bool + Send + Sync>,
    panel: AssetService,
    metrics: Arc<Metrics>,
    book: Option<book::BookView>,
    /// Compress and encode.
    workers: Workers,
    visitors: watch::Receiver<Visitors>,
}

impl View {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.borrow().clone()
    }
}

pub(super) fn router<A: Admit>(app: &App<A>) -> Router {
    let workers = Workers::new(WORKERS);
    let view = View {
        snapshot: app.snapshot.clone(),
        alive: app.alive.clone(),
        panel: AssetService::new(app.assets.clone(), SCRIPT, workers.clone()),
        metrics: app.metrics.clone(),
        book: app.book.clone().map(book::BookView::new),
        workers,
        visitors: app.visitors.clone(),
    };
    let asking = Router::new()
        .route("/status", put(order::order::<A>))
        .route("/accept", post(accept::accept::<A>))
        .with_state(HubClient::new(app));
    Router::new()
        .route("/", get(panel::page))
        .route("/static/{*path}", get(panel::part))
        .route("/favicon.ico", get(panel::icon))
        .route("/status", get(status::status))
        // Whoever GETs it never comes here; this is for HEAD, and for saying what it is.
        .route("/events", get(events_head))
        .route("/metrics", get(metrics::page))
        .route("/bell-book", get(book::book))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .with_state(view)
        .merge(asking)
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_like_this)
}

/// What was asked for is done, durably.
fn done() -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, "{\"ok\":true}\n").into_response()
}

async fn events_head() -> Response {
    // Its length is not said to be nought, for it is not known.
    let unending = tokio_stream::empty::<Result<Bytes, Infallible>>();
    events::head().map(|_| Body::from_stream(unending))
}

async fn nothing_here() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "there is nothing here; the panel is at /, and a proxy has to cut off what it adds before that",
    )
}

async fn not_like_this() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "not with this method; Allow names those that can be",
    )
}
