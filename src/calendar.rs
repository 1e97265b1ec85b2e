//! Moments and spans as people write them. It reads no clock.

use std::fmt::Write;
use std::time::Duration;

/// The last moment with a year of four digits: UTC in milliseconds since 1970.
const YEAR_9999_ENDS: u64 = 253_402_300_799_999;

/// This moment (UTC, in milliseconds since 1970) in ISO 8601, if its year has four digits.
#[must_use]
pub fn iso(at: u64) -> Option<String> {
    if at > YEAR_9999_ENDS {
        return None;
    }
    let (days, ms) = (at / 86_400_000, at % 86_400_000);
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years are
    // counted from the first of March, so that the leap day is a year's last, and in eras of 400
    // years, which have 146,097 days each.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    let mut text = String::new();
    write!(text, "{year:04}-{month:02}-{day:02}").ok()?;
    write!(text, "T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", ms % 1_000).ok()?;
    Some(text)
}

/// The seconds since 1970 of a date as HTTP writes it (RFC 9110, 5.6.7), from 1970 to 9999.
#[must_use]
pub fn http_date(text: &str) -> Option<u64> {
    let mut words = text.strip_suffix(" GMT")?.split(' ').skip(1);
    let day: u64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|known| *known == month)? as u64 + 1;
    let year: u64 = words.next()?.parse().ok().filter(|year| (1970..10_000).contains(year))?;
    let mut clock = words.next()?.split(':').map(str::parse::<u64>);
    let (hour, minute, second) = (clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?);
    if !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// The days from 1970 to this one, whose year is not before that: the same count as in `iso`, the
/// other way round.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    days - 719_468
}

/// A moment as ISO 8601 has it, in UTC, from 1970 to 9999: `2026-11-29`, or with a time behind it, as
/// in `2026-11-29T18:00Z`, `…T18:00:30Z` and `…T18:00:30.125Z`; in milliseconds since 1970.
#[must_use]
pub fn moment(text: &str) -> Option<u64> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, time.strip_suffix('Z')?),
        None => (text, "00:00"),
    };
    let number = |text: &str, digits: usize| -> Option<u64> {
        let fits = text.len() == digits && text.bytes().all(|it| it.is_ascii_digit());
        fits.then(|| text.parse().ok())?
    };
    let mut date = date.split('-');
    let (year, month) = (number(date.next()?, 4)?, number(date.next()?, 2)?);
    let day = number(date.next()?, 2)?;
    let (time, ms) = match time.split_once('.') {
        Some((time, ms)) => (time, number(ms, 3)?),
        None => (time, 0),
    };
    let mut time = time.split(':');
    let (hour, minute) = (number(time.next()?, 2)?, number(time.next()?, 2)?);
    let second = time.next().map_or(Some(0), |second| number(second, 2))?;
    let fits = year >= 1970 && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !fits || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    if date.next().is_some() || time.next().is_some() {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000 + ms)
}

/// A span as it is typed: a number of seconds, or one with `ms`, `s`, `m`, `h` or `d` behind it.
#[must_use]
pub fn span(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_iso_8601() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (YEAR_9999_ENDS, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(iso(at).as_deref(), Some(text));
        }
        assert_eq!(iso(YEAR_9999_ENDS + 1), None);
        assert_eq!(iso(u64::MAX), None);
    }

    #[test]
    fn a_date_of_http_is_the_other_way_round() {
        for (text, at) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00.000Z"),
            ("Tue, 29 Feb 2000 23:59:59 GMT", "2000-02-29T23:59:59.000Z"),
            ("Sun, 22 Nov 2026 01:25:21 GMT", "2026-11-22T01:25:21.000Z"),
            ("Mon, 01 Mar 2100 12:00:00 GMT", "2100-03-01T12:00:00.000Z"),
        ] {
            assert_eq!(
                http_date(text).and_then(|seconds| iso(seconds * 1000)).as_deref(),
                Some(at)
            );
        }
        for none in [
            "",
            "Sun, 22 Nov 2026 01:25:21",
            "Sun, 22 Now 2026 01:25:21 GMT",
            "x 32 Jan 2026 1:1:1 GMT",
        ] {
            assert_eq!(http_date(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_moment_is_the_other_way_round_too() {
        for text in
            ["1970-01-01T00:00:00.000Z", "2000-02-29T23:59:59.999Z", "9999-12-31T23:59:59.999Z"]
        {
            assert_eq!(moment(text).and_then(iso).as_deref(), Some(text));
        }
        assert_eq!(moment("2026-11-29"), moment("2026-11-29T00:00:00Z"));
        assert_eq!(moment("2026-11-29T18:00Z"), moment("2026-11-29T18:00:00.000Z"));
        for none in [
            "",
            "2026",
            "2026-1-1",
            "1969-12-31",
            "2026-11-32",
            "2026-11-29T18:00",
            "2026-11-29T24:00Z",
            "2026-11-29T18:00:00.1Z",
            "2026-11-29T18:00:00:00Z",
            "2026-11-29-1",
            "+026-11-29",
            "2026-11-29T1é:00Z",
        ] {
            assert_eq!(moment(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_span_is_a_number_and_perhaps_a_unit() {
        for (text, seconds) in [("90", 90), ("0s", 0), ("5m", 300), ("2h", 7200), ("1d", 86_400)] {
            assert_eq!(span(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(span("250ms"), Some(Duration::from_millis(250)));
        for none in
            ["", "s", "-1", "1.5s", "5 m", "5M", "99999999999999999999", "18446744073709551615d"]
        {
            assert_eq!(span(none), None, "{none:?}");
        }
    }
}
