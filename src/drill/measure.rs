//! Figures from what the clients of a drill noted. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::samples::{Acknowledged, Row, Samples};

/// The longest time between two successes of any client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pause {
    /// When the last success before it was. Zero if there was none.
    pub from: Duration,
    /// How long it lasted.
    pub length: Duration,
    /// Whether a success ended it. If not, the clients stopped first.
    pub is_over: bool,
}

/// Returns the longest pause that ended after `since`. `successes` are in any order; the clients stopped at `until`.
pub fn pause(successes: impl IntoIterator<Item = Duration>, since: Duration, until: Duration) -> Pause {
    let mut times: Vec<Duration> = successes.into_iter().collect();
    times.sort_unstable();
    let last = times.last().copied().unwrap_or_default();
    let inner = times.windows(2).map(|pair| (pair[0], pair[1], true));
    let first = times.first().map(|first| (Duration::ZERO, *first, true));
    let all = first.into_iter().chain(inner).chain([(last, until, false)]).filter(|(_, end, _)| *end > since);
    let pauses = all.map(|(from, end, is_over)| Pause { from, length: end.saturating_sub(from), is_over });
    pauses.max_by_key(|pause| pause.length).unwrap_or_default()
}

/// Returns the longest pause of writes that ended after `since`.
pub fn writes(samples: &Samples, since: Duration) -> Pause {
    pause(samples.acknowledged.iter().map(|row| row.at), since, samples.until)
}

/// Returns the longest pause of reads that ended after `since`.
pub fn reads(samples: &Samples, since: Duration) -> Pause {
    pause(samples.reads.iter().map(|read| read.at), since, samples.until)
}

/// How old a read was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAge {
    /// How long before the read the oldest row had been acknowledged that it lacked. Zero if it lacked none.
    pub age: Duration,
    /// The address of the machine that it came from.
    pub address: String,
    /// When its rows came.
    pub at: Duration,
}

/// Returns the age of each read.
///
/// A writer's rows become visible in their order, so a read lacks every row that is newer than the newest one that it saw.
pub fn ages(samples: &Samples) -> impl Iterator<Item = ReadAge> {
    let mut rows: BTreeMap<usize, Vec<(u64, Duration)>> = BTreeMap::new();
    for one in &samples.acknowledged {
        rows.entry(one.row.writer).or_default().push((one.row.number, one.at));
    }
    rows.values_mut().for_each(|rows| rows.sort_unstable());
    samples.reads.iter().map(move |read| {
        let lacking = rows.iter().filter_map(|(writer, rows)| {
            let newest = read.newest.get(*writer).copied().unwrap_or_default();
            let next = rows.partition_point(|(number, _)| *number <= newest);
            rows.get(next).map(|(_, at)| *at)
        });
        let age = lacking.min().map_or(Duration::ZERO, |oldest| read.sent.saturating_sub(oldest));
        ReadAge { age, address: read.address.clone(), at: read.at }
    })
}

/// Returns the stalest read, if any read lacked a row which had been acknowledged before the read was sent.
pub fn stalest(samples: &Samples) -> Option<ReadAge> {
    ages(samples).filter(|read| !read.age.is_zero()).max_by_key(|read| read.age)
}

/// Returns the acknowledged rows that a machine lacks.
pub fn lost(samples: &Samples, found: &BTreeSet<Row>) -> BTreeSet<Row> {
    samples.acknowledged.iter().map(|one| one.row).filter(|row| !found.contains(row)).collect()
}

/// Returns the rows that a reader saw and that the primary lacks.
pub fn phantoms(samples: &Samples, found: &BTreeSet<Row>) -> BTreeSet<Row> {
    samples.seen.difference(found).copied().collect()
}

/// Returns the rows that were sent after a newer primary had acknowledged one, and that an older primary acknowledged all the same.
///
/// Each promotion begins a timeline with a higher number, so this holds even if a machine becomes primary twice.
pub fn acknowledged_by_former_primary(samples: &Samples) -> usize {
    let mut all: Vec<&Acknowledged> = samples.acknowledged.iter().collect();
    all.sort_unstable_by_key(|one| one.at);
    // When each timeline acknowledged its first row.
    let mut first: BTreeMap<u32, Duration> = BTreeMap::new();
    for one in &all {
        first.entry(one.timeline).or_insert(one.at);
    }
    let is_late = |one: &&&Acknowledged| first.range(one.timeline + 1..).any(|(_, began)| one.sent > *began);
    all.iter().filter(is_late).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::samples::Read;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn row(writer: usize, number: u64) -> Row {
        Row { writer, number }
    }

    fn acknowledged(row: Row, at: u64, timeline: u32) -> Acknowledged {
        Acknowledged { row, sent: ms(at - 5), at: ms(at), address: format!("10.0.0.{timeline}"), timeline }
    }

    fn read(sent: u64, newest: &[u64]) -> Read {
        Read { reader: 0, sent: ms(sent), at: ms(sent + 1), address: "10.0.0.9".into(), newest: newest.to_vec() }
    }

    #[test]
    fn a_pause_is_the_longest_time_without_a_success_of_any_client() {
        let times = || [10, 500, 20, 600, 610].map(ms);
        assert_eq!(pause(times(), ms(30), ms(620)), Pause { from: ms(20), length: ms(480), is_over: true });
        assert_eq!(pause(times(), ms(500), ms(620)).length, ms(100), "what was before the fault does not count");
        assert_eq!(pause(times(), ms(30), ms(2000)), Pause { from: ms(610), length: ms(1390), is_over: false });
        assert_eq!(pause([], ms(30), ms(2000)), Pause { from: ms(0), length: ms(2000), is_over: false });
    }

    #[test]
    fn a_read_is_as_stale_as_the_oldest_acknowledged_row_that_it_lacks() {
        let all = [(0, 1, 100), (0, 2, 200), (0, 3, 900), (1, 1, 150)];
        let acknowledged = all.map(|(writer, number, at)| acknowledged(row(writer, number), at, 1)).to_vec();
        let of =
            |reads: Vec<Read>| stalest(&Samples { acknowledged: acknowledged.clone(), reads, ..Samples::default() });
        assert_eq!(of(vec![read(800, &[2, 1])]), None, "it lacks only what was acknowledged later");
        assert_eq!(of(vec![read(1000, &[3, 1])]), None);
        let stale = of(vec![read(1000, &[3, 1]), read(1000, &[2, 0]), read(1000, &[2, 1])]).unwrap();
        assert_eq!(stale.age, ms(850), "writer 1's row is the oldest that is lacking");
    }

    #[test]
    fn rows_are_lost_or_phantoms_by_what_the_machines_have() {
        let samples = Samples {
            acknowledged: vec![acknowledged(row(0, 1), 10, 1), acknowledged(row(0, 2), 20, 1)],
            seen: [row(0, 1), row(0, 3)].into(),
            ..Samples::default()
        };
        let found = [row(0, 1), row(0, 4)].into();
        assert_eq!(lost(&samples, &found), [row(0, 2)].into());
        assert_eq!(phantoms(&samples, &found), [row(0, 3)].into());
    }

    #[test]
    fn a_former_primary_that_acknowledges_is_found_and_a_return_is_none() {
        let of = |times: &[(u64, u32)]| {
            let rows = times.iter().zip(1..).map(|((at, timeline), n)| acknowledged(row(0, n), *at, *timeline));
            acknowledged_by_former_primary(&Samples { acknowledged: rows.collect(), ..Samples::default() })
        };
        assert_eq!(of(&[(10, 1), (20, 1), (30, 2), (40, 3)]), 0);
        assert_eq!(of(&[(10, 1), (30, 2), (32, 1)]), 0, "it was sent before the new primary acknowledged anything");
        assert_eq!(of(&[(10, 1), (30, 2), (50, 1), (60, 2)]), 1);
    }
}
