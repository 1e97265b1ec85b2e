//! `/livez` and `/readyz`, for whatever restarts servers and sends them visitors.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chadburn_v1::json_line;
use serde_json::{Value, json};

use super::View;
use crate::hub::Snapshot;
use chadburn_web::problem::Problem;
use chadburn_web::token::bearer;
use live_file::writing::{Condition, Health};

/// The process is worth keeping: the loop that serves stations turns.
pub(super) async fn live(State(view): State<View>) -> Response {
    if (view.alive)() {
        let headers = [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (headers, "ok\n").into_response()
    } else {
        Problem::not_now("the hub's loop does not turn").into_response()
    }
}

/// Visitors find everything in order; if not, what is wrong, file by file. A bell book that is not
/// written turns nobody away, but whoever looks is told. Who may not read is told yes or no.
pub(super) async fn ready(State(view): State<View>, headers: HeaderMap) -> Response {
    let told = view.visitors.borrow().may_read(bearer(&headers).as_deref());
    let snapshot = view.snapshot();
    let mut wrong = Vec::new();
    if snapshot.closing {
        wrong.push("the server is shutting down".to_owned());
    }
    if !(view.alive)() {
        wrong.push("the hub's loop does not turn".to_owned());
    }
    let Snapshot { status_file, accept_file, book, .. } = &*snapshot;
    for (name, health) in [("status", status_file), ("accept", accept_file)] {
        if let Some(what) = complaint(health.as_ref()) {
            wrong.push(format!("{name} file: {what}"));
        }
    }
    if !told && !wrong.is_empty() {
        Problem::not_now("not ready").with("ready", false).into_response()
    } else if wrong.is_empty() {
        let mut body = json!({ "ready": true });
        if told {
            body["status_file"] = file(status_file.as_ref());
            body["accept_file"] = file(accept_file.as_ref());
            body["bell_book"] = record(book.as_ref());
        }
        let headers =
            [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
        (StatusCode::OK, headers, json_line(body.to_string()) + "\n").into_response()
    } else {
        Problem::not_now(wrong.join("; "))
            .with("ready", false)
            .with("status_file", file(status_file.as_ref()))
            .with("accept_file", file(accept_file.as_ref()))
            .with("bell_book", record(book.as_ref()))
            .into_response()
    }
}

fn complaint(health: Option<&Health>) -> Option<String> {
    let Some(health) = health else {
        return Some("not read yet".into());
    };
    match (health.state, &*health.detail) {
        (Condition::Ok, _) => None,
        (condition, "") => Some(format!("{condition:?}")),
        (_, detail) => Some(detail.to_owned()),
    }
}

fn file(health: Option<&Health>) -> Value {
    health.map_or(Value::Null, |it| json!(crate::file::health(it)))
}

/// The bell book's health. Nobody watches it, so there is no way in which that is done.
fn record(health: Option<&Health>) -> Value {
    health.map_or(Value::Null, |it| json!({ "health": it.state.name(), "detail": it.detail }))
}
