//! `failover { … }`

use super::{Reader, Refusal};
use crate::blueprint::model::Failover;

/// An hour: longer is a slip in the unit.
const MOST_SECONDS: u32 = 3600;

/// Lower bounds and the rule: <https://patroni.readthedocs.io/en/latest/dynamic_configuration.html>.
pub fn read(r: &Reader, default: Failover) -> Failover {
    let synchronous = r.boolean("synchronous", default.synchronous).value;
    let ttl = r.integer("ttl", default.ttl, 20..=MOST_SECONDS, "seconds");
    let loop_wait = r.integer("loop_wait", default.loop_wait, 1..=MOST_SECONDS, "seconds");
    let retry_timeout = r.integer("retry_timeout", default.retry_timeout, 3..=MOST_SECONDS, "seconds");
    let timers = [("ttl", &ttl), ("loop_wait", &loop_wait), ("retry_timeout", &retry_timeout)];
    let needed = loop_wait.value + 2 * retry_timeout.value;
    if needed > ttl.value && timers.iter().all(|(_, timer)| !timer.refused()) {
        let problem = format!(
            "loop_wait + 2 x retry_timeout is {needed} s, more than the ttl of {} s: a primary that only retries would lose its lock",
            ttl.value
        );
        let (name, at) = timers.iter().find(|(_, t)| t.written()).map_or(("ttl", &ttl.at), |(name, t)| (*name, &t.at));
        r.report(name, at, Refusal { problem, help: format!("write ttl = {needed} or more, or lower the other two") });
    }
    Failover { synchronous, ttl: ttl.value, loop_wait: loop_wait.value, retry_timeout: retry_timeout.value }
}
