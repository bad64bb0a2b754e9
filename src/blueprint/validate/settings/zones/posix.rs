//! Parses time zones that need no file: offsets, and POSIX's notation of a zone with its rules, as PostgreSQL's `tzparse`
//! (src/timezone/localtime.c) does.

use std::ops::RangeInclusive;

/// The longest name (`TZ_STRLEN_MAX`).
const LONGEST: usize = 255;
/// The hours that an offset may have (`getsecs`): up to seven days less an hour.
const HOURS: RangeInclusive<u32> = 0..=167;

/// Returns whether the text is a number of hours, which only `timezone` takes.
pub fn is_offset(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|hours| hours.is_finite() && hours.abs() < 168.0)
}

/// Returns whether the text is a zone such as `CET-1CEST,M3.5.0,M10.5.0/3`.
pub fn is_zone(text: &str) -> bool {
    text.len() <= LONGEST && zone(text).is_some_and(str::is_empty)
}

/// Parses a zone's name, its offset and optional summer time, and returns the rest.
fn zone(text: &str) -> Option<&str> {
    let rest = offset(name(text)?)?;
    if rest.is_empty() {
        return Some(rest);
    }
    let summer = name(rest)?;
    let rest = match summer.starts_with(',') || summer.is_empty() {
        true => summer,
        false => offset(summer)?,
    };
    // Without a name in front there is no summer time.
    if summer.len() == text.len() || rest.is_empty() {
        return (summer.len() < text.len()).then_some(rest);
    }
    let rest = rule(rest.strip_prefix(',')?)?;
    rule(rest.strip_prefix(',')?)
}

/// Parses a name in angle brackets, or one of letters, and returns the rest.
fn name(text: &str) -> Option<&str> {
    match text.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>').map(|(_, rest)| rest),
        None => {
            let end = text.find(|c: char| c.is_ascii_digit() || matches!(c, ',' | '-' | '+')).unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            name.chars().all(|c| c.is_ascii_alphabetic()).then_some(rest)
        }
    }
}

/// Parses a number within bounds, and returns the rest.
fn number(text: &str, bounds: RangeInclusive<u32>) -> Option<&str> {
    let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    digits.parse().is_ok_and(|number: u32| bounds.contains(&number)).then_some(rest)
}

/// Parses `[+-]hh[:mm[:ss]]`, and returns the rest.
fn time(text: &str) -> Option<&str> {
    let rest = number(text.strip_prefix(['-', '+']).unwrap_or(text), HOURS)?;
    let Some(minutes) = rest.strip_prefix(':') else { return Some(rest) };
    let rest = number(minutes, 0..=59)?;
    match rest.strip_prefix(':') {
        Some(seconds) => number(seconds, 0..=60),
        None => Some(rest),
    }
}

/// Parses an offset, and returns the rest. PostgreSQL takes no zone whose offset has seconds (`pg_tz_acceptable`).
fn offset(text: &str) -> Option<&str> {
    let rest = time(text)?;
    let written = &text[..text.len() - rest.len()];
    let seconds = written.split(':').nth(2).and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    (seconds == 0).then_some(rest)
}

/// Parses when summer time begins or ends, and returns the rest: a day of the year, a Julian day, or a day of a week of a month, with an
/// optional time.
fn rule(text: &str) -> Option<&str> {
    let day = match text.as_bytes().first()? {
        b'J' => number(&text[1..], 1..=365)?,
        b'M' => {
            let week = number(&text[1..], 1..=12)?.strip_prefix('.')?;
            number(number(week, 1..=5)?.strip_prefix('.')?, 0..=6)?
        }
        _ => number(text, 0..=365)?,
    };
    match day.strip_prefix('/') {
        Some(at) => time(at),
        None => Some(day),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PostgreSQL 15 was asked about each.
    #[test]
    fn a_zone_with_its_rules_is_taken_where_postgres_takes_it() {
        for text in [
            "GMT+99",
            "GMT+167",
            "GMT+9:59",
            "UTC+0",
            "CET-1CEST",
            "cet-1cest",
            "A3",
            "<+03>-3",
            "<>3",
            "<abc-1>2",
            "+5:30",
            "-5:30",
            "3",
            "CET-1CEST5",
            "CET-1CEST,M3.5.0,M10.5.0",
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "CET-1CEST,J60,J300",
            "CET-1CEST,0,365",
        ] {
            assert!(is_zone(text), "{text}");
        }
        for text in [
            "GMT+168",
            "GMT+99:99",
            "GMT+24:60",
            "GMT",
            "",
            "Foo-",
            "Foo+",
            "UTC+5:30:30",
            "UTC+5:30:61",
            "UTC+-5",
            "A-B3",
            "A,3",
            "<abc3",
            "CET-1CEST,M13.5.0,M10.5.0",
            "CET-1CEST,M3.5.0",
            "CET-1CEST,M3.5.0,M10.5.0x",
            "CET-1CEST,-3,5",
            "CET-1CEST,J0,J3",
            "CET-1,",
            "CET-1<",
            "foo/bar",
            "Europe/Berlin,M3.5.0",
        ] {
            assert!(!is_zone(text), "{text}");
        }
        for (text, taken) in
            [("5", true), ("-8.5", true), ("167", true), ("168", false), ("200", false), ("nan", false), ("inf", false)]
        {
            assert_eq!(is_offset(text), taken, "{text}");
        }
    }
}
