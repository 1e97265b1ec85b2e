//! A page over HTTP where it is all there is beside what programs ask for.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::get;

use super::AssetService;
use crate::problem::Problem;

#[derive(Clone)]
struct Site {
    files: AssetService,
    icon: &'static str,
    nothing: &'static str,
}

impl Site {
    fn nothing(&self) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, self.nothing)
    }
}

/// The routes of a page: `/`, its parts in `/static/`, and `/favicon.ico`, which is the file `icon`. Whoever asks for
/// anything else is told `nothing`, with 404.
pub fn routes(files: AssetService, icon: &'static str, nothing: &'static str) -> Router {
    Router::new()
        .route("/", get(whole))
        .route("/static/{*path}", get(part))
        .route("/favicon.ico", get(favicon))
        .fallback(async |State(page): State<Site>| page.nothing())
        .with_state(Site { files, icon, nothing })
}

async fn whole(State(page): State<Site>, head: HeaderMap) -> Result<Response<Body>, Problem> {
    page.files.page(&head).await?.ok_or_else(|| page.nothing())
}

async fn part(
    State(page): State<Site>,
    Path(path): Path<String>,
    head: HeaderMap,
) -> Result<Response<Body>, Problem> {
    page.files.part(&path, &head).await?.ok_or_else(|| page.nothing())
}

async fn favicon(State(page): State<Site>, head: HeaderMap) -> Result<Response<Body>, Problem> {
    page.files.file(page.icon, &head).await?.ok_or_else(|| page.nothing())
}
