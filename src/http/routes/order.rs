//! `PUT /status`: an order, which is written into the status file and comes back the usual way.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chadburn_v1::{BAD_STATUS, Code, status_text};
use serde::Deserialize;
use serde_json::Value;

use super::done;
use crate::http::Admit;
use crate::http::hub_client::HubClient;
use crate::policy::Act;
use crate::session::Want;
use chadburn_web::Caller;
use chadburn_web::body::{self, Said};
use chadburn_web::problem::Problem;

/// The order in JSON.
#[derive(Debug, Deserialize)]
struct Fields {
    status: String,
    name: Option<String>,
}

pub(super) async fn order<A: Admit>(
    State(hub): State<HubClient<A>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Fields { status, name } = understood(body::read(&headers, body).await?)?;
    let status = status_text(&status).ok_or_else(|| Problem::bad(Code::BadStatus, BAD_STATUS))?;
    let want = Want::Order(status);
    hub.ask(&caller, &headers, Act::Order, name, want).await?;
    Ok(done())
}

fn understood(said: Said) -> Result<Fields, Problem> {
    match said {
        Said::Nothing => Err(Problem::bad(Code::BadStatus, BAD_STATUS)),
        Said::Text(status) | Said::Json(Value::String(status)) => Ok(Fields { status, name: None }),
        Said::Json(value) => body::fields(value, "an order is a text, or {\"status\": \"…\"}"),
    }
}
