//! Messages of the JSON wire.

use chadburn_v1::{Id, Refused, Request, parse};

/// A message is understood and within its bounds, or refused in one line.
pub(crate) fn enter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let id = match parse(text) {
        Ok((request, id)) => {
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok());
            bounded(&request);
            id
        }
        Err(Refused { id, message, .. }) => {
            assert!(!message.is_empty());
            id
        }
    };
    if let Some(Id::Text(id)) = id {
        assert!(id.len() <= 64);
    }
}

fn bounded(request: &Request) {
    match request {
        Request::Answer { position, .. } => {
            assert!(position.is_none_or(|position| (1..=24).contains(&position.number())));
        }
        Request::Name { name } => {
            assert!(name.chars().count() <= 40 && !name.chars().any(char::is_control));
            assert!(name.is_empty() || !name.trim().is_empty());
        }
        Request::Order { status } => {
            assert!((1..=4096).contains(&status.len()));
            // As it would be read back.
            assert_eq!(crate::status::read(status.as_bytes()).as_ref(), Some(status));
        }
        Request::Token { .. } | Request::Console { .. } => {}
    }
}
