//! How long the PostgreSQL project maintains a major. This is the only rule that depends on the date.

use std::fmt::{self, Display, Formatter};

use super::Finding;
use crate::blueprint::rules::{self, Rule};
use crate::cluster::Cluster;

/// A day of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    year: u16,
    month: u16,
    day: u16,
}

impl Day {
    const fn new(year: u16, month: u16, day: u16) -> Self {
        Day { year, month, day }
    }

    /// Reads the date at the beginning of an RFC 3339 timestamp.
    pub fn of(time: &str) -> Option<Self> {
        let mut parts = time.get(..10)?.split('-').map(|part| part.parse().ok());
        Some(Day { year: parts.next()??, month: parts.next()??, day: parts.next()?? })
    }

    /// Returns the months from this day to a later one, rounded up.
    fn months_to(self, later: Day) -> i32 {
        let months = |day: Day| i32::from(day.year) * 12 + i32::from(day.month);
        months(later) - months(self) + i32::from(later.day > self.day)
    }
}

impl Display for Day {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// The day of each major's last release (<https://www.postgresql.org/support/versioning/>, the table of 2026). The project
/// maintains a major for five years, and the page states its last day as soon as the major is released.
const LAST_RELEASES: [(u16, Day); 6] = [
    (13, Day::new(2025, 11, 13)),
    (14, Day::new(2026, 11, 12)),
    (15, Day::new(2027, 11, 11)),
    (16, Day::new(2028, 11, 9)),
    (17, Day::new(2029, 11, 8)),
    (18, Day::new(2030, 11, 14)),
];

/// An upgrade to another major needs rehearsals and time for the applications: half a year.
const MONTHS_BEFORE: i32 = 6;

/// The rules that depend on the date. Without a date they are not judged.
pub const RULES: [&Rule; 2] = [&rules::MAJOR_ENDS_SOON, &rules::MAJOR_ENDED];

/// Returns what this date means for the cluster's major.
pub fn finding(cluster: &Cluster, today: Day) -> Option<Finding> {
    let major = cluster.postgres.major;
    let (_, last) = LAST_RELEASES.into_iter().find(|(known, _)| *known == major)?;
    let newest = LAST_RELEASES.last().map_or(major, |(newest, _)| *newest);
    let help = format!(
        "plan the upgrade to a new cluster with version = {newest}, filled by logical replication or a dump; \
         postgresql.org/support/versioning lists the last day of every major"
    );
    let found = |rule, problem| Some(Finding::new(rule, "postgres.version", problem, help));
    if today >= last {
        let problem = format!(
            "PostgreSQL {major} had its last release on {last}; its bugs and security holes are no longer fixed"
        );
        return found(&rules::MAJOR_ENDED, problem);
    }
    let months = today.months_to(last);
    if months > MONTHS_BEFORE {
        return None;
    }
    let left = if months == 1 { "less than a month".into() } else { format!("less than {months} months") };
    found(&rules::MAJOR_ENDS_SOON, format!("PostgreSQL {major} has its last release on {last}, in {left}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::model::Blueprint;
    use crate::cluster::resolve;

    fn on(day: &str, major: u16) -> Option<&'static str> {
        let mut blueprint = Blueprint::smallest("herd", "eu-west-1");
        blueprint.postgres.version = Some(major);
        finding(&resolve(&blueprint), Day::of(day).expect("a day")).map(|finding| finding.rule.code)
    }

    #[test]
    fn the_end_of_a_major_is_told_half_a_year_before_and_broken_from_the_day_on() {
        for (day, major, expected) in [
            ("2027-05-10", 15, None),
            ("2027-05-11", 15, Some("PGH384")),
            ("2027-11-10T23:59:59.000Z", 15, Some("PGH384")),
            ("2027-11-11", 15, Some("PGH385")),
            ("2026-11-28", 13, Some("PGH385")),
            ("2026-11-28", 14, Some("PGH385")),
            ("2026-11-28", 17, None),
            ("2026-11-28", 18, None),
        ] {
            assert_eq!(on(day, major), expected, "{major} on {day}");
        }
    }

    /// Who adds a major to the language adds its day.
    #[test]
    fn every_major_that_a_blueprint_may_name_has_its_day() {
        assert!(LAST_RELEASES.iter().map(|(major, _)| *major).eq(13..=18));
    }
}
