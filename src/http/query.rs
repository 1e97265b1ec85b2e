//! What stands in a request's query. It is never logged: a station's secret may be in it.

use axum::http::{StatusCode, Uri};
use chadburn_web::problem::Problem;
use chadburn_web::query::value;

/// How long a station's secret may be, in characters of URL-safe base64 (RFC 4648, section 5).
const RESUME_LENGTH: std::ops::RangeInclusive<usize> = 16..=64;

/// The secret by which a station is the one that it was: `resume`.
pub(super) fn resume(uri: &Uri) -> Result<Option<String>, Problem> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match value(uri, "resume") {
        None => Ok(None),
        Some(secret) if RESUME_LENGTH.contains(&secret.len()) && secret.bytes().all(fits) => {
            Ok(Some(secret.to_owned()))
        }
        Some(_) => {
            let problem = "resume is what welcome said: 16 to 64 characters of URL-safe base64";
            Err(Problem::new(StatusCode::BAD_REQUEST, problem))
        }
    }
}

/// The number of the latest state that a station has: `since`.
pub(super) fn since(uri: &Uri) -> Result<Option<u64>, Problem> {
    match value(uri, "since") {
        None => Ok(None),
        Some(text) => number(text).map(Some).ok_or_else(|| {
            Problem::new(StatusCode::BAD_REQUEST, "since is the seq of a state, a number")
        }),
    }
}

/// A number in digits alone: the standard library's parser would let `+7` pass.
pub(super) fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(query: &str) -> Uri {
        format!("/websocket?{query}").parse().unwrap()
    }

    #[test]
    fn each_field_is_found_alone_and_beside_others() {
        let secret = "abcdefghijklmnop-_0";
        for query in [&format!("resume={secret}"), &format!("x&since=7&resume={secret}&y=1")] {
            assert_eq!(resume(&at(query)).unwrap().unwrap(), secret, "{query}");
        }
        for query in ["since=7", "resume=x&since=7", "since=7&since=8", "since=0007"] {
            assert_eq!(since(&at(query)).unwrap(), Some(7), "{query}");
        }
        for query in ["", "resumes=x", "x=resume=y", "Since=7", "sinc=e=7"] {
            assert_eq!(resume(&at(query)).unwrap(), None, "{query}");
            assert_eq!(since(&at(query)).unwrap(), None, "{query}");
        }
        assert_eq!(value(&"/status".parse().unwrap(), "format"), None);
    }

    #[test]
    fn what_does_not_fit_is_told_so() {
        let long = "x".repeat(65);
        for secret in
            ["", "short", "fifteen-letters", &long, "sixteen+letters=", "sixteen%2Dletters"]
        {
            assert!(resume(&at(&format!("resume={secret}"))).is_err(), "{secret}");
        }
        assert!(resume(&at(&format!("resume={}", "x".repeat(64)))).is_ok());
        for number in ["", "x", "-1", "+7", "7.0", "18446744073709551616", "7%20"] {
            assert!(since(&at(&format!("since={number}"))).is_err(), "{number}");
        }
        assert!(since(&at("since=18446744073709551615")).is_ok());
    }
}
