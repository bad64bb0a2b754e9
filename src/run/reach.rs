//! Which machines answer, by HAProxy's own checks: they are seconds old, where Patroni's view may be as old as its ttl.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::health::TIMEOUT;
use crate::pipeline::Seats;
use crate::system::{clock, network};

/// The backend of haproxy.cfg that asks every database machine whether its Patroni lives.
const PROXY: &str = "patroni";

/// A machine that does not answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Silent {
    /// Its name.
    pub machine: String,
    /// For how many seconds, as far as HAProxy has seen it.
    pub seconds: Option<u64>,
    /// In which way, as HAProxy calls it (<https://docs.haproxy.org/3.0/management.html#9.1>, `check_status`).
    check: String,
}

impl Silent {
    /// In one line: since when, and what that means.
    pub fn story(&self) -> String {
        let since = |seconds: u64| {
            let at = clock::rfc3339(clock::now().checked_sub(Duration::from_secs(seconds))?);
            Some(format!(" since {} UTC ({})", at.get(11..19)?, spell(seconds)))
        };
        let since = self.seconds.and_then(since).unwrap_or_default();
        let means = match self.check.as_str() {
            "L4TOUT" => ": nothing is at its address; it is off, hangs or is cut off",
            "L4CON" => ": its address takes no connection; it is off, or its Patroni does not run",
            "L6TOUT" | "L7TOUT" => ": it takes connections and says nothing; its Patroni hangs, or all of it",
            "L7STS" | "L7RSP" => ": its Patroni says itself that it is not well",
            _ => "",
        };
        format!("{} does not answer{since}{means}", self.machine)
    }
}

/// `42 s`, `7 min`, `3 h`.
fn spell(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

/// Asks HAProxy at its admin port. None answers for nothing: an HAProxy of an older image may not tell.
pub fn silent(seats: &Seats, admin: SocketAddr) -> Vec<Silent> {
    match network::http_get(&format!("http://{admin}/metrics?scope=server"), TIMEOUT) {
        Ok(answer) if answer.status == 200 => {
            let known = |one: &Silent| seats.machines.iter().any(|seat| seat.name == one.machine);
            read(&answer.body).into_iter().filter(known).collect()
        }
        _ => vec![],
    }
}

/// Reads the metrics (<https://github.com/haproxy/haproxy/blob/master/addons/promex/README>).
fn read(metrics: &str) -> Vec<Silent> {
    let mut down: BTreeMap<&str, Silent> = BTreeMap::new();
    let (mut checks, mut changes) = (BTreeMap::new(), BTreeMap::new());
    for line in metrics.lines() {
        let Some((name, labels, value)) = sample(line) else { continue };
        let label = |key: &str| labels.get(key).copied();
        let (Some(PROXY), Some(server)) = (label("proxy"), label("server")) else { continue };
        match (name, label("state")) {
            ("haproxy_server_status", Some("DOWN")) if value > 0.0 => {
                down.insert(server, Silent { machine: server.into(), ..Silent::default() });
            }
            ("haproxy_server_check_status", Some(state)) if value > 0.0 => drop(checks.insert(server, state)),
            ("haproxy_server_check_last_change_seconds", _) => drop(changes.insert(server, value as u64)),
            _ => {}
        }
    }
    for (server, silent) in &mut down {
        silent.seconds = changes.get(server).copied();
        silent.check = checks.get(server).map(|state| state.to_string()).unwrap_or_default();
    }
    down.into_values().collect()
}

/// Name, labels and value of `name{label="text",…} value`.
fn sample(line: &str) -> Option<(&str, BTreeMap<&str, &str>, f64)> {
    let (name, rest) = line.split_once('{')?;
    let (labels, value) = rest.rsplit_once("} ")?;
    let labels = labels.split("\",").filter_map(|label| label.split_once("=\""));
    let labels = labels.map(|(key, text)| (key, text.trim_end_matches('"'))).collect();
    Some((name, labels, value.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_down_is_read_with_since_when_and_how() {
        // As HAProxy 2.6 prints it.
        let metrics = r#"
# TYPE haproxy_server_status gauge
haproxy_server_status{proxy="patroni",server="master",state="DOWN"} 0
haproxy_server_status{proxy="patroni",server="master",state="UP"} 1
haproxy_server_status{proxy="patroni",server="slave2",state="DOWN"} 1
haproxy_server_status{proxy="patroni",server="slave2",state="UP"} 0
haproxy_server_status{proxy="write",server="slave1",state="DOWN"} 1
haproxy_server_check_last_change_seconds{proxy="patroni",server="master"} 700
haproxy_server_check_last_change_seconds{proxy="patroni",server="slave2"} 42
haproxy_server_check_status{proxy="patroni",server="master",state="L7OK"} 1
haproxy_server_check_status{proxy="patroni",server="slave2",state="L4CON"} 0
haproxy_server_check_status{proxy="patroni",server="slave2",state="L4TOUT"} 1
"#;
        let silent = read(metrics);
        assert_eq!(
            silent,
            [Silent { machine: "slave2".into(), seconds: Some(42), check: "L4TOUT".into() }],
            "a standby is down for the writers"
        );
        let story = silent[0].story();
        assert!(
            story.starts_with("slave2 does not answer since ")
                && story.contains(" UTC (42 s): nothing is at its address"),
            "{story}"
        );
        // Whatever answers there, it is no reason to fall.
        let absurd = Silent { seconds: Some(u64::MAX), ..silent[0].clone() };
        assert!(absurd.story().starts_with("slave2 does not answer: "), "{}", absurd.story());
        assert_eq!(read("404 not found"), []);
        assert_eq!((spell(119), spell(150), spell(7300)), ("119 s".into(), "2 min".into(), "2 h".into()));
    }
}
