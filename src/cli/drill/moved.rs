//! What moved where during a trial, in words.

use std::collections::BTreeMap;

use crate::drill::timeline::{ClientPort, Moment, Movement, Timeline, Witness};

/// Returns what a source says now, after the name of what it speaks of.
pub fn words(movement: &Movement) -> (String, String) {
    let or_nobody = |machine: &Option<String>| machine.clone().unwrap_or_else(|| "nobody".into());
    match movement {
        Movement::FaultBegan => ("the fault".into(), "begins".into()),
        Movement::FaultUndone => ("the fault".into(), "is undone".into()),
        Movement::Healthy => ("the cluster".into(), "is healthy, and stays so".into()),
        Movement::Primary { machine } => ("primary".into(), or_nobody(machine)),
        Movement::Database { machine, state } if state.is_empty() => (machine.clone(), "not a member".into()),
        Movement::Database { machine, state } => (machine.clone(), state.clone()),
        Movement::Serves { haproxy, port, machines, fallback } => {
            let port = match port {
                ClientPort::Write => "write port",
                ClientPort::Read => "read port",
            };
            let to = if machines.is_empty() { "nobody".to_string() } else { machines.join(", ") };
            let how = if fallback.is_empty() { String::new() } else { format!(" ({fallback})") };
            (format!("{haproxy}'s {port}"), format!("{to}{how}"))
        }
        Movement::EtcdLeader { machine, term } => {
            ("etcd's leader".into(), format!("{} (term {term})", or_nobody(machine)))
        }
        Movement::Silent { source } => (witness(source), "no answer".into()),
    }
}

/// Returns the name of a source.
pub fn witness(source: &Witness) -> String {
    match source {
        Witness::Patroni => "Patroni".into(),
        Witness::Etcd => "etcd".into(),
        Witness::Haproxy(machine) => machine.clone(),
    }
}

/// Returns how long after the beginning of the fault something was, such as `+1.2 s`.
pub fn at(ms: i64) -> String {
    let tenths = ms.unsigned_abs() / 100;
    format!("{}{}.{} s", if ms < 0 { '-' } else { '+' }, tenths / 10, tenths % 10)
}

/// Returns what moved where: how it was when the fault began, and what changed since. The states of standbys are left out.
pub fn lines(timeline: &Timeline) -> Vec<String> {
    let is_told = |moment: &&Moment| !matches!(moment.movement, Movement::Database { .. });
    let (before, after): (Vec<&Moment>, Vec<&Moment>) =
        timeline.moments.iter().filter(is_told).partition(|moment| moment.at_ms < 0);
    let was: BTreeMap<String, String> = before.iter().map(|moment| words(&moment.movement)).collect();
    let was: Vec<String> = was.into_iter().map(|(what, now)| format!("{what} {now}")).collect();
    let since = after.iter().map(|moment| {
        let (what, now) = words(&moment.movement);
        let colon = if is_event(&moment.movement) { "" } else { ":" };
        format!("{:>8}  {what}{colon} {now}", at(moment.at_ms))
    });
    std::iter::once(format!("  before  {}", was.join("; "))).chain(since).collect()
}

/// Returns whether this happened to the cluster, rather than being told by a source.
pub fn is_event(movement: &Movement) -> bool {
    matches!(movement, Movement::FaultBegan | Movement::FaultUndone | Movement::Healthy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_is_told_from_the_beginning_of_the_fault() {
        let serves = |machines: &[&str], fallback: &str| Movement::Serves {
            haproxy: "haproxy".into(),
            port: ClientPort::Read,
            machines: machines.iter().map(|machine| machine.to_string()).collect(),
            fallback: fallback.into(),
        };
        let moments = [
            (-2900, Movement::Primary { machine: Some("master".into()) }),
            (-2900, Movement::Database { machine: "slave1".into(), state: "standby, streaming".into() }),
            (-2800, serves(&["slave1", "slave2"], "")),
            (0, Movement::FaultBegan),
            (450, Movement::Primary { machine: None }),
            (800, serves(&["slave2"], "without primary")),
            (900, Movement::Silent { source: Witness::Etcd }),
            (12_345, Movement::EtcdLeader { machine: Some("slave1".into()), term: 7 }),
        ];
        let moments = moments.map(|(at_ms, movement)| Moment { at_ms, movement }).to_vec();
        assert_eq!(
            lines(&Timeline { moments, ..Timeline::default() }),
            [
                "  before  haproxy's read port slave1, slave2; primary master",
                "  +0.0 s  the fault begins",
                "  +0.4 s  primary: nobody",
                "  +0.8 s  haproxy's read port: slave2 (without primary)",
                "  +0.9 s  etcd: no answer",
                " +12.3 s  etcd's leader: slave1 (term 7)",
            ]
        );
    }
}
