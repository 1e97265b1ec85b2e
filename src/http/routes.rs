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

use super::desk::Desk;
use super::{Admit, House, events};
use crate::hub::Snapshot;
use crate::metrics::Metrics;
use crate::policy::Policy;
use chadburn_web::assets::Assets;
use chadburn_web::problem::Problem;
use chadburn_web::workers::Workers;

/// How many compress and encode large answers: one would do, and two cores are common.
const WORKERS: usize = 2;

/// How many read a panel's files from the disk, which may be slow or dead.
const READERS: usize = 4;

/// What the routes look at.
#[derive(Clone)]
struct View {
    snapshot: watch::Receiver<Arc<Snapshot>>,
    alive: Arc<dyn Fn() -> bool + Send + Sync>,
    assets: Assets,
    metrics: Arc<Metrics>,
    book: Option<book::Shelf>,
    /// Compress and encode.
    workers: Workers,
    /// Read files.
    readers: Workers,
    policy: watch::Receiver<Policy>,
}

impl View {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.borrow().clone()
    }
}

pub(super) fn router<A: Admit>(house: &House<A>) -> Router {
    let view = View {
        snapshot: house.snapshot.clone(),
        alive: house.alive.clone(),
        assets: house.assets.clone(),
        metrics: house.metrics.clone(),
        book: house.book.clone().map(book::Shelf::new),
        workers: Workers::new(WORKERS),
        readers: Workers::new(READERS),
        policy: house.policy.clone(),
    };
    let asking = Router::new()
        .route("/status", put(order::order::<A>))
        .route("/accept", post(accept::accept::<A>))
        .with_state(Desk::new(house));
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
    Problem::new(StatusCode::NOT_FOUND, "there is nothing here; the panel is at /")
}

async fn not_like_this() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "not with this method; Allow names those that can be",
    )
}
