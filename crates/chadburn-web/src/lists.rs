//! Headers that are lists, read in one way: their members, and how much each is wanted (RFC 9110, 5.6.1, 12.4.2).

use axum::http::{HeaderMap, HeaderName, header};

/// The members of a header that is a list, however many lines it has.
pub fn members<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| split(value, ',')).map(str::trim)
}

/// Whether this word, in any case of letters, is one of the members.
#[must_use]
pub fn has(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    members(headers, name).any(|member| member.eq_ignore_ascii_case(word))
}

/// How much this kind is wanted, 0 to 1, by what `Accept` says; not at all if it says nothing. A range that asks
/// for a `version` is only of those that the kind has, if it has any.
#[must_use]
pub fn wanted_kind(headers: &HeaderMap, kind: &str, versions: &[&str]) -> f32 {
    let (family, _) = kind.split_once('/').unwrap_or((kind, ""));
    // The more exact range decides (RFC 9110, 12.5.1).
    wanted(headers, &header::ACCEPT, |range, version| match (range, version) {
        (range, None) if range == kind => Some(3),
        (range, Some(version)) if range == kind => {
            (versions.is_empty() || versions.contains(&version)).then_some(4)
        }
        (range, _) if range.strip_suffix("/*") == Some(family) => Some(2),
        ("*/*", _) => Some(1),
        _ => None,
    })
}

/// How much a coding is wanted, 0 to 1, by what `Accept-Encoding` says of its names.
#[must_use]
pub fn wanted_coding(headers: &HeaderMap, names: &[&str]) -> f32 {
    wanted(headers, &header::ACCEPT_ENCODING, |name, _| match name {
        "*" => Some(1),
        name => names.contains(&name).then_some(2),
    })
}

/// How much something is wanted: by the member that means it most exactly, which is told from its name, in lower
/// case, and its version; of several the one that wants it most. One with a weight that is none says nothing.
fn wanted(
    headers: &HeaderMap,
    name: &HeaderName,
    exactness: impl Fn(&str, Option<&str>) -> Option<u8>,
) -> f32 {
    let judged = members(headers, name).filter_map(|member| {
        let mut parts = split(member, ';');
        let what = parts.next()?.trim().to_ascii_lowercase();
        let (mut quality, mut version) = (1.0, None);
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => quality = weight(value.trim())?,
                "version" => version = Some(value.trim().trim_matches('"')),
                _ => {}
            }
        }
        Some((exactness(&what, version)?, quality))
    });
    let most = judged.max_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    most.map_or(0.0, |(_, quality)| quality)
}

/// A weight, 0 to 1.
fn weight(text: &str) -> Option<f32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|weight| is_plain && (0.0..=1.0).contains(weight))
}

/// The parts of a list; a separator in quotes is none.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match letter {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return letter == separator && !quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_most_exact_range_decides_and_of_these_the_one_that_wants_it_most() {
        for (lines, wanted) in [
            (&["text/plain"][..], 1.0),
            (&["Text/Plain ; Q=0.5"], 0.5),
            (&["text/plain;q=0.2, text/plain;q=0.7"], 0.7),
            (&["*/*;q=0.3", "text/*;q=0.2"], 0.2),
            (&["text/plain;q=0, */*"], 0.0),
            (&["text/plain;version=2;q=0.9, text/plain;q=0.1"], 0.1),
            (&["text/plain;version=2;q=0.9"], 0.0),
            (&["text/plain; version=\"1\"; q=0.9, text/plain"], 0.9),
            (&["application/json;a=\"x, text/plain;q=0.4\", */*;q=0.6"], 0.6),
            (&["application/json;a=\"\\\", text/plain\""], 0.0),
            (&["text/plain;charset=utf-8;q=1.000"], 1.0),
            (&["text/html", ""], 0.0),
            (&[], 0.0),
        ] {
            let found = wanted_kind(&accepting(lines), "text/plain", &["1"]);
            assert!((found - wanted).abs() < f32::EPSILON, "{lines:?}: {found}");
        }
    }

    #[test]
    fn what_is_no_weight_says_nothing() {
        for weight in ["", "x", "-1", "1.1", "2", "NaN", "inf", "1e-3", "+1", "."] {
            let headers = accepting(&[&format!("text/plain;q={weight}")]);
            assert!(wanted_kind(&headers, "text/plain", &[]) == 0.0, "{weight:?}");
            let headers = accepting(&[&format!("text/plain;q={weight}, text/*;q=0.5")]);
            assert!(wanted_kind(&headers, "text/plain", &[]) > 0.4, "{weight:?}");
        }
    }
}
