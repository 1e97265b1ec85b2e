//! What a request brings: JSON, or anything else as bare text.
//!
//! `curl -d 8` calls its `8` a form, and means 8. So whatever is not called JSON is taken as it is.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use chadburn_v1::Code;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;
use tokio_stream::StreamExt;

use crate::problem::Problem;

/// The largest body, in bytes: twice the longest status, so that JSON has room for its escapes.
pub(crate) const LARGEST: usize = 8 * 1024;

/// How long a body may take; as long as a request's head.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What a body says.
#[derive(Debug, PartialEq)]
pub enum Said {
    /// There is none.
    Nothing,
    /// This text, as it is.
    Text(String),
    /// This, in JSON.
    Json(Value),
}

/// Reads a request's body.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Said, Problem> {
    let is_json = is_json(headers)?;
    let late = |_| {
        let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time");
        problem.header(header::CONNECTION, "close")
    };
    let bytes = timeout(PATIENCE, collect(body)).await.map_err(late)??;
    if bytes.is_empty() {
        return Ok(Said::Nothing);
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body is not UTF-8"))?;
    if !is_json {
        return Ok(Said::Text(text));
    }
    let json = serde_json::from_str(&text);
    json.map(Said::Json).map_err(|why| Problem::bad(Code::BadJson, format!("not JSON: {why}")))
}

/// The fields of an object, whose form is told to whoever sent something else.
pub fn fields<T: DeserializeOwned>(value: Value, form: &str) -> Result<T, Problem> {
    // A list would be taken for the fields in their order.
    if !value.is_object() {
        return Err(Problem::bad(Code::BadMessage, form));
    }
    serde_json::from_value(value)
        .map_err(|why| Problem::bad(Code::BadMessage, format!("{form}: {why}")))
}

/// Whether the body is called JSON; an error if it is called something that holds no text.
fn is_json(headers: &HeaderMap) -> Result<bool, Problem> {
    let unsupported = |detail| Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !matches!(value(header::CONTENT_ENCODING), "" | "identity") {
        return unsupported("send it as it is, without a Content-Encoding");
    }
    let kind = value(header::CONTENT_TYPE).split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    if kind.starts_with("multipart/") {
        return unsupported("send JSON, or the bare text as with curl -d");
    }
    Ok(kind == "application/json")
}

async fn collect(body: Body) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "a body has at most 8 KiB");
        // What is left of it will not be read.
        problem.header(header::CONNECTION, "close")
    };
    if body.size_hint().lower() > LARGEST as u64 {
        return Err(too_large());
    }
    let (mut bytes, mut chunks) = (Vec::new(), body.into_data_stream());
    while let Some(chunk) = chunks.next().await {
        let broken = |_| Problem::new(StatusCode::BAD_REQUEST, "the body broke off");
        bytes.extend_from_slice(&chunk.map_err(broken)?);
        if bytes.len() > LARGEST {
            return Err(too_large());
        }
    }
    Ok(bytes)
}
