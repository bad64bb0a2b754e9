//! Reads the `failover { … }` block.

use serde::{Serialize, Serializer};

use super::{BlockReader, Reading, Refusal, doc, is, refuse};
use crate::blueprint::form::{Doc, Form, Holds, ShownDefault};
use crate::blueprint::value::{Data, Evaluated, mismatch, text};

/// Whether a commit waits for a standby before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// It waits for none.
    Off,
    /// It waits for a standby while there is one.
    On,
    /// It waits for a standby even while there is none.
    Strict,
}

impl Synchronous {
    /// The word for [`Synchronous::Strict`], in a blueprint and in messages.
    pub const STRICT: &'static str = "strict";

    /// Returns whether a commit waits for a standby that is there.
    pub fn is_on(self) -> bool {
        self != Synchronous::Off
    }

    /// Returns whether a commit waits even while there is no standby.
    pub fn is_strict(self) -> bool {
        self == Synchronous::Strict
    }

    fn of(value: &Evaluated) -> Result<Self, Refusal> {
        match &value.data {
            Data::Bool(true) => Ok(Synchronous::On),
            Data::Bool(false) => Ok(Synchronous::Off),
            Data::Text(word) if word == Self::STRICT => Ok(Synchronous::Strict),
            Data::Text(word) => refuse(
                &is::TYPE,
                format!("`{word}` is not true, false or \"strict\""),
                "write true, false (both without quotes) or \"strict\"",
            ),
            _ => mismatch(value, "true, false or \"strict\"", "write true, false or \"strict\""),
        }
    }
}

/// As a blueprint writes it.
impl Serialize for Synchronous {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Synchronous::Off => serializer.serialize_bool(false),
            Synchronous::On => serializer.serialize_bool(true),
            Synchronous::Strict => serializer.serialize_str(Self::STRICT),
        }
    }
}

impl ShownDefault for Synchronous {
    fn shown(&self) -> Option<serde_json::Value> {
        serde_json::to_value(self).ok()
    }
}

/// The timers of the `failover { … }` block, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Failover {
    /// Whether a commit waits for a standby, so that no acknowledged write is lost.
    pub synchronous: Synchronous,
    /// How long the leader key lives without being renewed, in seconds.
    pub ttl: u32,
    /// How long Patroni waits between two runs of its loop.
    pub loop_wait: u32,
    /// How long Patroni retries etcd and PostgreSQL before it gives up.
    pub retry_timeout: u32,
}

/// The budget of the `failover { … }` block, in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Budget {
    /// The longest interruption of writes when one thing fails.
    pub rto: Option<u32>,
    /// The acknowledged writes that may be lost then, in seconds of writing; 0 is none.
    pub rpo: Option<u32>,
    /// Attributes of `failover` that the blueprint sets: pgherd never changes them to meet the budget.
    pub written: Vec<&'static str>,
}

/// The longest time: an hour. A longer one most likely has the wrong unit.
const MOST_SECONDS: u32 = 3600;

/// Seconds. Measured: with 5, the primary stepped down in 2 of 3 trials in which etcd's leader, elsewhere, was cut off; with 9, in none.
const RETRY_TIMEOUT: u32 = 9;

/// Reads the block. Lower bounds and the rule: <https://patroni.readthedocs.io/en/latest/dynamic_configuration.html>.
pub(super) fn read(r: &BlockReader) -> (Failover, Budget) {
    let synchronous = doc(
        "synchronous",
        "Whether a commit waits until a standby has it. Then a failover loses no acknowledged write. With `true`, writes continue without a copy while there is no standby. With `\"strict\"`, they stop until one is back.",
    );
    let form = Form::of(Holds::BooleanOr(Synchronous::STRICT)).or(&Synchronous::On);
    let synchronous = r.value(synchronous, form, Synchronous::On, Synchronous::of);
    let ttl = doc(
        "ttl",
        "Seconds that the primary's lock lives without being renewed. A primary that is cut off is replaced after that time.",
    );
    let ttl = r.integer(ttl, 20, 20..=MOST_SECONDS, "seconds");
    // Patroni's default is 10. With 2 and the least ttl, a dead machine costs less than 30 s of writes at worst (`pgherd check` adds it
    // up), and a run of the loop costs etcd one small write.
    let loop_wait = doc("loop_wait", "Seconds between two runs of Patroni's loop.");
    let loop_wait = r.integer(loop_wait, 1, 1..=MOST_SECONDS, "seconds");
    let retry_timeout = doc(
        "retry_timeout",
        "Seconds for which Patroni retries etcd and PostgreSQL before it gives up. `loop_wait + 2 × retry_timeout` must not exceed `ttl`.",
    );
    let most = ttl.value.saturating_sub(loop_wait.value) / 2;
    let retry_timeout = retry_timeout.by_default("9, or as many as `ttl` and `loop_wait` leave, but at least 3");
    let retry_timeout = r.integer(retry_timeout, most.clamp(3, RETRY_TIMEOUT), 3..=MOST_SECONDS, "seconds");
    let timers = [("ttl", &ttl), ("loop_wait", &loop_wait), ("retry_timeout", &retry_timeout)];
    check(r, &timers);
    let mut written: Vec<_> = timers.iter().filter(|(_, timer)| timer.is_set()).map(|(name, _)| *name).collect();
    if synchronous.is_set() {
        written.push("synchronous");
    }
    let rto = doc(
        "rto",
        "The longest interruption of writes that you accept when one thing fails. Timers that are not set are chosen to meet it; a budget that cannot be met is refused.",
    );
    let rpo = doc(
        "rpo",
        "The acknowledged writes that you accept to lose in a failover, in seconds of writing. `\"0\"` is none.",
    );
    let budget = Budget {
        rto: duration(r, rto.by_default("none"), "30s").value,
        rpo: duration(r, rpo.by_default("none"), "0").value,
        written,
    };
    let failover = Failover {
        synchronous: synchronous.value,
        ttl: ttl.value,
        loop_wait: loop_wait.value,
        retry_timeout: retry_timeout.value,
    };
    (failover, budget)
}

/// Checks that a primary which retries for as long as it may still renews its lock in time.
fn check(r: &BlockReader, timers: &[(&'static str, &Reading<u32>); 3]) {
    let [(_, ttl), (_, loop_wait), (_, retry_timeout)] = timers;
    let needed = loop_wait.value + 2 * retry_timeout.value;
    if needed > ttl.value && timers.iter().all(|(_, timer)| !timer.is_refused()) {
        let problem = format!(
            "loop_wait + 2 x retry_timeout is {needed} s and exceeds the ttl of {} s, so a primary that is retrying would lose its lock",
            ttl.value
        );
        let (name, at) = timers.iter().find(|(_, t)| t.is_set()).map_or(("ttl", &ttl.at), |(name, t)| (*name, &t.at));
        let help = format!("write ttl = {needed} or more, or lower loop_wait or retry_timeout");
        r.report(name, at, Refusal { rule: &is::TIMERS, problem, help });
    }
}

/// Reads a duration such as `"30s"` or `"2m"`, in seconds. 0 needs no unit.
fn duration(r: &BlockReader, doc: Doc, example: &str) -> Reading<Option<u32>> {
    r.value(doc, Form::of(Holds::Time), None, |value| {
        if let Data::Number(number) = value.data {
            return refuse(&is::TIME, "a duration needs a unit", format!("write \"{number}s\""));
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
                format!("`{written}` is longer than an hour"),
                format!("write a shorter time, such as \"{example}\""),
            ),
            None => refuse(
                &is::TIME,
                format!("`{written}` is not a duration"),
                format!("write seconds or minutes, such as \"{example}\""),
            ),
        }
    })
}
