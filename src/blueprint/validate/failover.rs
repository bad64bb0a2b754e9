//! `failover { … }`

use super::{BlockReader, Reading, Refusal, refuse};
use crate::blueprint::form::{Form, Holds};
use crate::blueprint::model::{Budget, Failover};
use crate::blueprint::rules::language as is;
use crate::blueprint::value::{Data, text};

/// An hour: longer is a slip in the unit.
const MOST_SECONDS: u32 = 3600;

/// Lower bounds and the rule: <https://patroni.readthedocs.io/en/latest/dynamic_configuration.html>.
pub fn read(r: &BlockReader, default: Failover) -> (Failover, Budget) {
    let synchronous = r.boolean("synchronous", default.synchronous);
    let ttl = r.integer("ttl", default.ttl, 20..=MOST_SECONDS, "seconds");
    let loop_wait = r.integer("loop_wait", default.loop_wait, 1..=MOST_SECONDS, "seconds");
    let retry_timeout = r.integer("retry_timeout", default.retry_timeout, 3..=MOST_SECONDS, "seconds");
    let timers = [("ttl", &ttl), ("loop_wait", &loop_wait), ("retry_timeout", &retry_timeout)];
    let needed = loop_wait.value + 2 * retry_timeout.value;
    if needed > ttl.value && timers.iter().all(|(_, timer)| !timer.is_refused()) {
        let problem = format!(
            "loop_wait + 2 x retry_timeout is {needed} s, more than the ttl of {} s: a primary that only retries would lose its lock",
            ttl.value
        );
        let (name, at) = timers.iter().find(|(_, t)| t.is_set()).map_or(("ttl", &ttl.at), |(name, t)| (*name, &t.at));
        r.report(
            name,
            at,
            Refusal {
                rule: &is::TIMERS,
                problem,
                help: format!("write ttl = {needed} or more, or lower the other two"),
            },
        );
    }
    let mut written: Vec<_> = timers.iter().filter(|(_, timer)| timer.is_set()).map(|(name, _)| *name).collect();
    if synchronous.is_set() {
        written.push("synchronous");
    }
    let budget = Budget { rto: duration(r, "rto", "30s").value, rpo: duration(r, "rpo", "0").value, written };
    let failover = Failover {
        synchronous: synchronous.value,
        ttl: ttl.value,
        loop_wait: loop_wait.value,
        retry_timeout: retry_timeout.value,
    };
    (failover, budget)
}

/// A time such as `"30s"` or `"2m"`, in seconds; 0 needs no unit.
fn duration(r: &BlockReader, name: &'static str, example: &str) -> Reading<Option<u32>> {
    r.value(name, Form::of(Holds::Time), None, |value| {
        if let Data::Number(number) = value.data {
            return refuse(&is::TIME, "a time has a unit", format!("write \"{number}s\""));
        }
        let written = text(value)?;
        let (number, unit) = written.split_at(written.trim_end_matches(|c: char| !c.is_ascii_digit()).len());
        let factor = match unit.trim_start() {
            "s" => Some(1),
            "m" => Some(60),
            "" if number == "0" => Some(1),
            _ => None,
        };
        match number.parse::<u32>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor)) {
            Some(seconds) if seconds <= MOST_SECONDS => Ok(Some(seconds)),
            Some(_) => refuse(
                &is::TIME,
                format!("`{written}` is more than an hour"),
                format!("write a time such as \"{example}\""),
            ),
            None => refuse(
                &is::TIME,
                format!("`{written}` is no time"),
                format!("write seconds or minutes, such as \"{example}\""),
            ),
        }
    })
}
