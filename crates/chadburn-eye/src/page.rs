//! The live page of one camera, and what programs read of it. On `chadburn-web`: private unless it is opened.
//!
//! A viewer is one receiver of the newest frame: however many there are, each picture is decoded and searched once, and
//! drawn upon once for all who cannot draw.

mod metrics;
mod pace;
mod stream;
mod viewer;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use chadburn_web::assets::{AssetService, Assets, routes};
use chadburn_web::limits::Limits;
use chadburn_web::problem::Problem;
use chadburn_web::visitors::Visitors;
use chadburn_web::workers::Workers;
use chadburn_web::{Server, Service, Terms, TokenUse, Upgraded};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::frames::{Frame, Frames};
use crate::health::Condition;
use crate::link;
use crate::metrics::CONTENT_TYPE;
use crate::picture::{Format, Picture};
use crate::source::Sink;
use crate::wire::BoundingBox;
use crate::{scene, websocket};

/// How many may watch at a time.
const VIEWERS: usize = 16;

/// How many connections there may be: those of viewers, and of whoever asks for something once.
const SEATS: usize = 64;

/// Where a viewer's WebSocket is opened.
const FRAMES: &str = "/frames";

/// What is spoken there; whoever asks for nothing hears the same.
const SUBPROTOCOL: &str = "chadburn-eye.frames.v1";

/// Below this stand the parts of the page.
const PARTS: &str = "/static/";

/// The page.
const FILES: &[(&str, &[u8])] = &[
    ("eye.html", include_bytes!("../static/eye.html")),
    ("static/eye.css", include_bytes!("../static/eye.css")),
    ("static/eye.js", include_bytes!("../static/eye.js")),
    ("static/eye-boxes.js", include_bytes!("../static/eye-boxes.js")),
    ("static/eye-feed.js", include_bytes!("../static/eye-feed.js")),
    ("static/day.css", include_bytes!("../../../static/day.css")),
    ("static/night.css", include_bytes!("../../../static/night.css")),
    ("static/panel.css", include_bytes!("../../../static/panel.css")),
    ("static/favicon.svg", include_bytes!("../../../static/favicon.svg")),
    ("static/light.js", include_bytes!("../../../static/light.js")),
    ("static/socket.js", include_bytes!("../../../static/socket.js")),
    ("static/svg.js", include_bytes!("../../../static/svg.js")),
];

/// What the page shows, and of what it is made.
#[derive(Clone, Debug)]
pub struct View {
    /// What is seen.
    pub frames: Arc<Frames>,
    /// What has come.
    pub sink: Sink,
    /// What the source is called.
    pub source: Arc<str>,
    /// Who turns the pointer of the scene, if that is the source.
    pub scene: Option<scene::Hand>,
    /// The link to an orchestrator, if there is one.
    pub link: Option<Arc<link::Status>>,
}

/// What is told of the newest frame, and of how things are.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reading<'a> {
    #[serde(flatten)]
    frame: Option<FrameReading<'a>>,
    health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orchestrator: Option<&'static str>,
    source: &'a str,
    /// Whether arrow keys do something.
    keys: bool,
}

/// What is told of a frame.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FrameReading<'a> {
    frame_id: f64,
    width: usize,
    height: usize,
    media_type: &'static str,
    boxes: &'a [BoundingBox],
}

impl View {
    fn newest(&self) -> Option<Arc<Frame>> {
        self.frames.newest().borrow().clone()
    }

    fn orchestrator(&self) -> Option<link::State> {
        self.link.as_ref().map(|link| *link.state.borrow())
    }

    /// Whether all is well: the source is read, and an orchestrator that was named is not given up.
    fn is_well(&self) -> bool {
        let condition = self.frames.health().borrow().condition;
        condition == Condition::Sees && self.orchestrator() != Some(link::State::Gone)
    }

    /// In JSON what is told of this frame, or of no frame, and of how things are.
    fn reading(&self, frame: Option<&Frame>) -> String {
        let health = self.frames.health().borrow().clone();
        let reading = Reading {
            frame: frame.map(|frame| FrameReading {
                frame_id: frame.id,
                width: frame.picture.size.width(),
                height: frame.picture.size.height(),
                media_type: frame.picture.format.media_type(),
                boxes: &frame.boxes,
            }),
            health: health.condition.word(),
            detail: health.detail,
            orchestrator: self.orchestrator().map(link::State::word),
            source: &self.source,
            keys: self.scene.is_some(),
        };
        chadburn_v1::json_line(serde_json::to_string(&reading).expect("it can be JSON"))
    }
}

/// Serves every connection of this listener until told to stop.
pub async fn listen(
    listener: TcpListener,
    view: View,
    visitors: watch::Receiver<Visitors>,
    stop: CancellationToken,
    tracker: &TaskTracker,
) {
    let viewers = Arc::new(Semaphore::new(VIEWERS));
    let parts = stream::start(&view, &stop, tracker);
    let app = App {
        view: view.clone(),
        workers: Workers::new(1),
        viewers: Arc::clone(&viewers),
        parts,
        stop: stop.clone(),
    };
    let token_configured = visitors.borrow().token.is_some();
    let service = EyeService {
        router: router(app),
        view,
        viewers,
        visitors: visitors.clone(),
        stop: stop.clone(),
    };
    let limits = Limits { token_configured, ..Limits::default() };
    let seats = Arc::new(Semaphore::new(SEATS));
    Server { service, visitors, seats, limits }.serve(listener, stop, tracker).await;
}

/// Answers, and hands viewers over.
struct EyeService {
    router: Router,
    view: View,
    viewers: Arc<Semaphore>,
    visitors: watch::Receiver<Visitors>,
    stop: CancellationToken,
}

/// A connection becomes a viewer's.
#[derive(Clone)]
struct Viewing {
    /// It has brought the token, or there is none.
    may_read: bool,
}

impl Service for EyeService {
    type Upgrade = Viewing;

    fn terms(&self, request: &Request<Body>) -> Terms {
        let path = request.uri().path();
        let is_part = path.starts_with(PARTS);
        // Open is the page, which can ask for the token, and whether all is well, for those who restart programs.
        let is_open = is_part || matches!(path, "/" | "/favicon.ico" | "/livez" | "/readyz");
        Terms {
            uncounted: is_part,
            probe: matches!(path, "/livez" | "/readyz" | "/metrics"),
            token: match path {
                _ if is_open => TokenUse::Open,
                // A browser cannot send a header with a handshake.
                FRAMES => TokenUse::Later,
                _ => TokenUse::Needed,
            },
        }
    }

    async fn call(&self, request: Request<Body>) -> Response<Body> {
        if request.uri().path() != FRAMES {
            return self.router.call(request).await;
        }
        let token = chadburn_web::token::bearer(request.headers());
        let may_read = self.visitors.borrow().may_read(token.as_deref());
        match websocket::answer(&request, SUBPROTOCOL) {
            Ok(mut answer) => {
                answer.extensions_mut().insert(Viewing { may_read });
                answer
            }
            Err(problem) => problem.into_response(),
        }
    }

    async fn take(&self, taken: Upgraded, Viewing { may_read }: Viewing) {
        let visitors = (!may_read).then(|| self.visitors.clone());
        viewer::serve(taken, &self.view, &self.viewers, visitors, &self.stop).await;
    }
}

/// What the routes look at.
#[derive(Clone)]
struct App {
    view: View,
    /// Encode.
    workers: Workers,
    viewers: Arc<Semaphore>,
    parts: stream::Parts,
    stop: CancellationToken,
}

fn router(app: App) -> Router {
    let page = AssetService::new(Assets::embedded("eye.html", FILES), "", Workers::new(1));
    Router::new()
        .route("/stream.mjpg", get(stream))
        .route("/snapshot.jpg", get(snapshot))
        .route("/reading", get(reading))
        .route("/metrics", get(metrics))
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(app)
        .merge(routes(page, "static/favicon.svg", "there is nothing here; the page is at /"))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "not with this method")
        })
}

async fn stream(State(app): State<App>) -> Result<Response<Body>, Problem> {
    let Ok(permit) = app.viewers.try_acquire_owned() else {
        return Err(Problem::not_now("sixteen are watching, and no more can"));
    };
    Ok(app.parts.answer(permit, app.stop))
}

async fn snapshot(State(app): State<App>) -> Result<Response<Body>, Problem> {
    let Some(frame) = app.view.newest() else {
        return Err(Problem::not_now("no picture has come yet"));
    };
    let picture = match frame.picture.format {
        Format::Jpeg => frame.picture.clone(),
        Format::Png => app.workers.run(move || Picture::encode(&frame.pixels)).await?,
    };
    let headers = [(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, picture.bytes).into_response())
}

async fn reading(State(app): State<App>) -> Response<Body> {
    json(StatusCode::OK, app.view.reading(app.view.newest().as_deref()))
}

async fn ready(State(app): State<App>) -> Response<Body> {
    let status = if app.view.is_well() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, app.view.reading(None))
}

async fn metrics(State(app): State<App>) -> Response<Body> {
    let viewers = VIEWERS - app.viewers.available_permits();
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics::text(&app.view, viewers)).into_response()
}

fn json(status: StatusCode, text: String) -> Response<Body> {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, text + "\n").into_response()
}
