//! What stands in a request's query. It is never logged: a secret may be in it.

use axum::http::Uri;

/// The value of this field, as it stands there; the first one if there are several.
pub fn value<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let query = uri.query().unwrap_or_default();
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
