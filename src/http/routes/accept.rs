//! `POST /accept`: an answer to the present order, which goes into the accept file.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chadburn_core::Position;
use chadburn_core::text::bare;
use chadburn_v1::Code;
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

/// The answer in JSON. All of it may be left out.
#[derive(Debug, Default, Deserialize)]
struct Fields {
    /// Which order is answered; without it the present one.
    order: Option<u64>,
    /// The reply's position.
    position: Option<u64>,
    /// The reply's text, in place of a position.
    status: Option<String>,
    /// Whether whoever answers is coming.
    coming: Option<bool>,
    /// What whoever answers is called.
    name: Option<String>,
}

pub(super) async fn accept<A: Admit>(
    State(hub): State<HubClient<A>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut fields = understood(body::read(&headers, body).await?)?;
    let name = fields.name.take();
    let want = fields.want()?;
    hub.ask(&caller, &headers, Act::Answer, name, want).await?;
    Ok(done())
}

fn understood(said: Said) -> Result<Fields, Problem> {
    match said {
        Said::Nothing => Ok(Fields::default()),
        Said::Text(text) | Said::Json(Value::String(text)) => {
            Ok(Fields { status: Some(text), ..Fields::default() })
        }
        Said::Json(value) => body::fields(value, "an answer is a text, or {\"position\": …}"),
    }
}

impl Fields {
    /// What is wanted.
    fn want(self) -> Result<Want, Problem> {
        let Self { order, position, status, coming, .. } = self;
        let position = match (position, status) {
            (None, None) => None,
            (Some(number), None) => Some(position_of(number)?),
            (None, Some(status)) => {
                let status = bare(&status);
                if order.is_none() && coming.is_none() {
                    return Ok(Want::Accept(status.to_owned()));
                }
                let alone = "beside order or coming, a status is a position's number";
                let position = Position::from_plain_number(status.trim_start());
                Some(position.ok_or_else(|| Problem::bad(Code::BadMessage, alone))?)
            }
            (Some(_), Some(_)) => {
                let one = "an answer has a position or a status, not both";
                return Err(Problem::bad(Code::BadMessage, one));
            }
        };
        Ok(Want::Answer { order, position, coming })
    }
}

fn position_of(number: u64) -> Result<Position, Problem> {
    u8::try_from(number).ok().and_then(Position::new).ok_or_else(|| {
        let detail = "the dial has no such position";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).code(Code::NoPosition)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn want(said: Said) -> Result<Want, Problem> {
        understood(said).and_then(Fields::want)
    }

    fn answer(order: impl Into<Option<u64>>, position: Option<u8>, coming: Option<bool>) -> Want {
        let order = order.into();
        Want::Answer { order, position: position.and_then(Position::new), coming }
    }

    #[test]
    fn what_is_left_out_means_the_present_order_as_it_stands() {
        for (said, expected) in [
            (Said::Nothing, answer(None, None, None)),
            (Said::Json(json!({})), answer(None, None, None)),
            (Said::Json(json!({"order": null, "unknown": 1})), answer(None, None, None)),
            (Said::Json(json!({"order": 6})), answer(6, None, None)),
            (Said::Json(json!({"position": 3})), answer(None, Some(3), None)),
            (Said::Json(json!({"order": 8, "position": 24})), answer(8, Some(24), None)),
            (Said::Json(json!({"coming": false})), answer(None, None, Some(false))),
            (
                Said::Json(json!({"status": "3 ", "coming": true})),
                answer(None, Some(3), Some(true)),
            ),
            (Said::Json(json!({"status": "3", "order": 6})), answer(6, Some(3), None)),
            (Said::Json(json!({"status": "on it\n"})), Want::Accept("on it".into())),
            (Said::Json(json!("on it")), Want::Accept("on it".into())),
            (Said::Text("7\r\n".into()), Want::Accept("7".into())),
            (Said::Text(" \n".into()), Want::Accept(String::new())),
        ] {
            let text = format!("{said:?}");
            assert_eq!(want(said).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for value in [
            json!({"position": 1, "status": "1"}),
            json!({"order": 7, "status": "on it"}),
            json!({"coming": true, "status": "on it"}),
            json!({"order": "7"}),
            json!({"order": -1}),
            json!({"position": "1"}),
            json!({"position": 1.5}),
            json!({"coming": "yes"}),
            json!({"position": 0}),
            json!({"position": 25}),
            json!({"position": 263}),
            json!([]),
            json!([7, 1]),
            json!(7),
            json!(null),
        ] {
            assert!(want(Said::Json(value.clone())).is_err(), "{value}");
        }
    }
}
