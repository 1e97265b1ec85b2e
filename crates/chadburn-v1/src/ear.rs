//! How a server hears a station: understood, or refused in one line.

use serde_json::Value;

use crate::request::is_command;
use crate::{BAD_NAME, BAD_STATUS, Code, Id, Request, is_name, status_text};

/// The longest `id` that a request may carry, in bytes of text.
const ID_MAX: usize = 64;

/// The most characters of a reason that is not ours.
const REASON_MAX: usize = 200;

/// A message that is not understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The request's id, if it had one that could be read.
    pub id: Option<Id>,
    /// Why, for a program.
    pub code: Code,
    /// Why, for a person.
    pub message: String,
}

/// Understands a request, or says in one line why it cannot.
pub fn parse(text: &str) -> Result<(Request, Option<Id>), Refused> {
    let refuse = |id, code, message: String| Err(Refused { id, code, message });
    let mut value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return refuse(None, Code::BadJson, format!("this is not JSON: {error}")),
    };
    let Some(object) = value.as_object_mut() else {
        return refuse(None, Code::BadMessage, "a message is a JSON object".into());
    };
    let id = match object.remove("id").map(id) {
        None => None,
        Some(Ok(id)) => id,
        Some(Err(message)) => return refuse(None, Code::BadMessage, message.into()),
    };
    let Some(kind) = object.get("type").and_then(Value::as_str) else {
        return refuse(id, Code::BadMessage, "a message has a type, which is a text".into());
    };
    let Some(kind) = Request::TYPES.into_iter().find(|it| *it == kind) else {
        return refuse(id, Code::UnknownType, "there is no message of this type".into());
    };
    match serde_json::from_value(value) {
        Ok(Request::Name { name }) if !is_name(&name) => refuse(id, Code::BadName, BAD_NAME.into()),
        Ok(Request::Console { command }) if !is_command(&command) => {
            refuse(id, Code::BadMessage, "console: a command has at most 8192 bytes".into())
        }
        Ok(Request::Order { status }) => match status_text(&status) {
            Some(status) => Ok((Request::Order { status }, id)),
            None => refuse(id, Code::BadStatus, BAD_STATUS.into()),
        },
        Ok(request) => Ok((request, id)),
        Err(error) => {
            // It may quote all that was said.
            let error: String = error.to_string().chars().take(REASON_MAX).collect();
            refuse(id, Code::BadMessage, format!("{kind}: {error}"))
        }
    }
}

fn id(value: Value) -> Result<Option<Id>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.len() <= ID_MAX => Ok(Some(Id::Text(text))),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Ok(Some(Id::Number(number))),
            None => Err("an id that is a number is an integer"),
        },
        _ => Err("an id is an integer or a text of at most 64 bytes"),
    }
}
