//! The token that a request brings, and what is answered where it is missing.

use axum::http::{HeaderMap, StatusCode, header};
use chadburn_v1::Code;

use crate::problem::Problem;
use crate::visitors::TOKEN_REQUIRED;

/// The token that came with a request (RFC 6750, 2.1). One that cannot be read is empty, and
/// nobody's.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return Some(String::new());
    }
    let value = std::str::from_utf8(value.as_bytes()).unwrap_or("Bearer ");
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// The token is needed: none came, or another.
#[must_use]
pub fn without_token(came_with_token: bool) -> Problem {
    let (code, detail, challenge) = if came_with_token {
        let challenge = "Bearer realm=\"chadburn\", error=\"invalid_token\"";
        (Code::BadToken, "that is not the token".to_owned(), challenge)
    } else {
        let detail = TOKEN_REQUIRED.to_owned();
        (Code::TokenRequired, detail, "Bearer realm=\"chadburn\"")
    };
    let problem = Problem::new(StatusCode::UNAUTHORIZED, detail).code(code);
    problem.header(header::WWW_AUTHENTICATE, challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_bearer_brings() {
        for (lines, token) in [
            (&["Bearer brass"][..], Some("brass")),
            (&["bearer  brass "], Some("brass")),
            (&["Bearer"], Some("")),
            (&["Bearer a", "Bearer b"], Some("")),
            (&["Basic YnJhc3M="], None),
            (&["brass"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::AUTHORIZATION, line.parse().unwrap());
            }
            assert_eq!(bearer(&headers).as_deref(), token, "{lines:?}");
        }
    }
}
