//! The time of day, durations, and timestamps as text.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Returns the time of day.
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// Measures how long something takes, even if the time of day is changed meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts a stopwatch.
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Returns a timestamp for file names, in UTC: `20261124T133000Z`. It sorts as text.
pub fn stamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Returns a timestamp for programs, in UTC (RFC 3339): `2026-11-24T13:30:00.000Z`.
pub fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = civil(since.as_secs() / 86_400);
    let (hour, minute, second) = (since.as_secs() / 3600 % 24, since.as_secs() / 60 % 60, since.as_secs() % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", since.subsec_millis())
}

/// Parses what [`rfc3339`] returns, to seconds since 1970.
pub fn seconds(rfc3339: &str) -> Option<f64> {
    let whole = unstamp(rfc3339)?.duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    let part = rfc3339.rsplit_once('.').and_then(|(_, part)| part.trim_end_matches('Z').parse::<f64>().ok());
    Some(whole + part.unwrap_or(0.0) / 1000.0)
}

/// Parses a [`stamp`]. Other characters between its digits are ignored.
pub fn unstamp(stamp: &str) -> Option<SystemTime> {
    let digits: Vec<u64> = stamp.chars().filter_map(|c| c.to_digit(10)).map(u64::from).take(14).collect();
    let number = |from: usize, to: usize| digits.get(from..to).map(|part| part.iter().fold(0, |sum, d| sum * 10 + d));
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let of_day = number(8, 10)? * 3600 + number(10, 12)? * 60 + number(12, 14)?;
    let days = days(year, month, day)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(days * 86_400 + of_day))
}

/// Returns the days since 1970-01-01. It is the inverse of [`civil`], from the same source.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = year.checked_sub(u64::from(month <= 2))?;
    let year_of_era = year % 400;
    let day_of_year =
        (153 * (if month > 2 { month.checked_sub(3)? } else { month + 9 }) + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (year / 400 * 146_097 + day_of_era).checked_sub(719_468)
}

/// Returns the year, month and day for days since 1970-01-01 (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_utc_and_know_leap_days() {
        let at = |seconds| stamp(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "19700101T000000Z");
        assert_eq!(at(951_782_400), "20000229T000000Z");
        assert_eq!(at(1_795_527_000), "20261124T133000Z");
        for seconds in [0, 951_782_400, 951_868_799, 1_795_527_000] {
            assert_eq!(unstamp(&at(seconds)), Some(UNIX_EPOCH + Duration::from_secs(seconds)));
        }
        assert_eq!(unstamp("2026-11-24T13:30:00.000Z"), unstamp("20261124T133000Z"));
        assert_eq!(unstamp("2026"), None);
        let exact = UNIX_EPOCH + Duration::from_millis(1_795_527_000_042);
        assert_eq!(rfc3339(exact), "2026-11-24T13:30:00.042Z");
        assert_eq!(seconds(&rfc3339(exact)), Some(1_795_527_000.042));
    }
}
