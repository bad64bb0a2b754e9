//! Finds silent machines, and the servers that are up, from HAProxy's own checks.

use std::collections::BTreeMap;

/// The backend of haproxy.cfg that checks Patroni on every database machine.
const PROXY: &str = "patroni";

/// A machine that does not respond to HAProxy's checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    /// Its name.
    pub machine: String,
    /// The seconds since HAProxy's last successful check, if HAProxy reports it.
    pub seconds: Option<u64>,
    /// How HAProxy's check fails.
    pub check: FailedCheck,
}

/// How a check of HAProxy's fails (<https://docs.haproxy.org/3.0/management.html#9.1>, `check_status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedCheck {
    /// Nothing comes back from the address.
    NoReply,
    /// The address refuses the connection.
    Refused,
    /// The connection is accepted, but nothing is returned.
    Hangs,
    /// Patroni reports that it is not healthy.
    Unwell,
    /// The check fails in another way, or HAProxy does not report how.
    Unknown,
}

impl FailedCheck {
    fn of(status: &str) -> Self {
        match status {
            "L4TOUT" => FailedCheck::NoReply,
            "L4CON" => FailedCheck::Refused,
            "L6TOUT" | "L7TOUT" => FailedCheck::Hangs,
            "L7STS" | "L7RSP" => FailedCheck::Unwell,
            _ => FailedCheck::Unknown,
        }
    }
}

/// Reads the silent machines from HAProxy's metrics (<https://github.com/haproxy/haproxy/blob/master/addons/promex/README>).
pub fn read(metrics: &str) -> Vec<Silent> {
    let mut down: BTreeMap<&str, Silent> = BTreeMap::new();
    let (mut checks, mut changes) = (BTreeMap::new(), BTreeMap::new());
    for line in metrics.lines() {
        let Some((name, labels, value)) = sample(line) else { continue };
        let label = |key: &str| labels.get(key).copied();
        let (Some(PROXY), Some(server)) = (label("proxy"), label("server")) else { continue };
        match (name, label("state")) {
            ("haproxy_server_status", Some("DOWN")) if value > 0.0 => {
                down.insert(server, Silent { machine: server.into(), seconds: None, check: FailedCheck::Unknown });
            }
            ("haproxy_server_check_status", Some(state)) if value > 0.0 => drop(checks.insert(server, state)),
            ("haproxy_server_check_last_change_seconds", _) => drop(changes.insert(server, value as u64)),
            _ => {}
        }
    }
    for (server, silent) in &mut down {
        silent.seconds = changes.get(server).copied();
        silent.check = checks.get(server).map_or(FailedCheck::Unknown, |status| FailedCheck::of(status));
    }
    down.into_values().collect()
}

/// Returns the servers of a proxy that are up, in the order of haproxy.cfg.
pub fn up<'a>(metrics: &'a str, proxy: &str) -> Vec<&'a str> {
    let statuses = metrics.lines().filter(|line| line.starts_with("haproxy_server_status{"));
    let up = statuses.filter_map(|line| {
        let (_, labels, value) = sample(line)?;
        let is_up = labels.get("proxy") == Some(&proxy) && labels.get("state") == Some(&"UP") && value > 0.0;
        is_up.then(|| labels.get("server").copied()).flatten()
    });
    up.collect()
}

/// Returns HAProxy's own version.
pub fn version(metrics: &str) -> Option<String> {
    let info = metrics.lines().find(|line| line.starts_with("haproxy_process_build_info{"))?;
    let (_, labels, _) = sample(info)?;
    labels.get("version").map(|version| version.to_string())
}

/// Returns name, labels and value of `name{label="text",…} value`.
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
    fn machines_that_are_down_are_read_with_duration_and_failed_check() {
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
            [Silent { machine: "slave2".into(), seconds: Some(42), check: FailedCheck::NoReply }],
            "a standby is down for the writers"
        );
        assert_eq!(read("404 not found"), []);
        let info = "haproxy_process_build_info{version=\"3.0.11-1+deb13u1\"} 1";
        assert_eq!((version(info).as_deref(), version(metrics)), (Some("3.0.11-1+deb13u1"), None));
        assert_eq!(up(metrics, "patroni"), ["master"]);
        assert_eq!(up(metrics, "write"), [""; 0]);
    }
}
