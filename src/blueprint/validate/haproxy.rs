//! `haproxy { … }`

use super::{BlockReader, Presence, Reading, Refusal, machine, names, refuse};
use crate::blueprint::model::{Haproxy, Stats};
use crate::blueprint::rules::language as is;

/// Ports with a meaning of their own in the cluster; etcd may sit on HAProxy's machine.
const TAKEN: [(u16, &str); 4] =
    [(2379, "etcd"), (2380, "etcd"), (5432, "PostgreSQL itself"), (8008, "Patroni's REST API")];
/// Paths of HAProxy's own beside the stats page.
const TAKEN_PATHS: [&str; 3] = ["/metrics", "/health", "/cluster"];

/// HAProxy, and its machine's instance type with its place.
pub fn read(r: &BlockReader, default: Haproxy) -> (Haproxy, Reading<String>) {
    let write = port(r, "write_port", default.write_port);
    let read = port(r, "read_port", default.read_port);
    let (stats_port, stats) = r.block("stats", |r| {
        let port = port(r, "port", default.stats.port);
        let path = r.parsed("path", default.stats.path, path).value;
        let user = r.parsed("user", default.stats.user, user).value;
        (port.clone(), Stats { port: port.value, path, user })
    });
    check_distinct(r, &[("write_port", &write), ("read_port", &read), ("stats.port", &stats_port)]);
    let (machine, instance_type) = machine::read(r, default.machine);
    let haproxy = Haproxy {
        machine,
        write_port: write.value,
        read_port: read.value,
        primary_serves_reads: r.boolean("primary_serves_reads", default.primary_serves_reads).value,
        stats,
    };
    (haproxy, instance_type)
}

fn port(r: &BlockReader, name: &'static str, default: u16) -> Reading<u16> {
    let Reading { value, at, mut presence } = r.integer(name, default.into(), 1024..=65535, "(lower ports need root)");
    let value = u16::try_from(value).unwrap_or(default);
    if let Some((_, owner)) = TAKEN.iter().find(|(taken, _)| *taken == value) {
        let problem = format!("{value} is the port of {owner}");
        r.report(
            name,
            &at,
            Refusal { rule: &is::PORT, problem, help: format!("choose another port, such as {default}") },
        );
        presence = Presence::Refused;
    }
    Reading { value, at, presence }
}

/// Each port serves one thing. The later one that was written is to blame.
fn check_distinct(r: &BlockReader, ports: &[(&str, &Reading<u16>)]) {
    for (i, (name, port)) in ports.iter().enumerate() {
        for (other_name, other) in &ports[..i] {
            if port.value == other.value && !port.is_refused() && !other.is_refused() {
                let (name, other_name, at) =
                    if port.is_set() { (name, other_name, &port.at) } else { (other_name, name, &other.at) };
                let problem = format!("{} is haproxy.{other_name} already", port.value);
                r.report(
                    name,
                    at,
                    Refusal { rule: &is::PORT, problem, help: "give each of the three its own port".into() },
                );
            }
        }
    }
}

/// Where the stats page is. HAProxy's `stats uri` takes every path that starts with it, so it may not be the start of another.
fn path(text: &str) -> Result<String, Refusal> {
    const HELP: &str = "write a path such as \"/admin?stats\"";
    if !text.starts_with('/') {
        return refuse(&is::STATS, format!("`{text}` does not start with `/`"), HELP);
    }
    let page = text.split('?').next().unwrap_or_default();
    if let Some(taken) = TAKEN_PATHS.iter().find(|taken| taken.starts_with(text) || page == **taken) {
        return refuse(
            &is::STATS,
            format!("`{text}` would hide `{taken}`, which HAProxy serves on the same port"),
            HELP,
        );
    }
    names::plain("path of a stats page", text, "/_.~?=&-", 100)
}

fn user(text: &str) -> Result<String, Refusal> {
    names::plain("name to log in with", text, "._-", 64)
}
