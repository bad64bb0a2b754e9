//! Where every number and address of the generated files comes from.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::collections::BTreeSet;

use pgherd::cluster::{Cluster, resolve};
use pgherd::fileset::FileSet;
use pgherd::generate::generate;
use pgherd::generate::provenance::{Maker, Provenance, provenance};

/// Lines of the programs' configuration whose numbers no decision made: they are the same in every cluster, and a comment
/// above each says why it is so.
const CONSTANTS: [&str; 30] = [
    "- auth-host: scram-sha-256",
    "- locale: C.UTF-8",
    "ETCD_AUTO_COMPACTION_RETENTION=1h",
    "ETCD_QUOTA_BACKEND_BYTES=1073741824",
    "default-server inter 2s fall 2 rise 1",
    "http-check expect status 200",
    "http-check send meth OPTIONS uri /replica?lag=16MB",
    "http-request deny deny_status 405 if patronis_view !METH_GET",
    "http-request return status 404 if !patronis_view !stats_page",
    "listen: 0.0.0.0:5432",
    "listen: 0.0.0.0:8008",
    "maximum_lag_on_failover: 1048576",
    "member_slots_ttl: 24h",
    "monitor fail if { nbsrv(write) lt 1 }",
    "option redispatch 1",
    "password_encryption: scram-sha-256",
    "retries 3",
    "retry-on conn-failure empty-response response-timeout 500 502 503 504",
    "safety_margin: 5",
    "stats refresh 5s",
    "stats socket /run/haproxy/admin.sock mode 660 level admin",
    "stats timeout 30s",
    "timeout check 2s",
    "timeout client 30m",
    "timeout client 30s",
    "timeout connect 2s",
    "timeout http-request 5s",
    "timeout queue 30s",
    "timeout server 10s",
    "timeout server 30m",
];

#[test]
fn every_decision_is_at_work_and_every_address_and_number_has_one() {
    let text = std::fs::read_to_string("blueprints/herd.hcl").unwrap();
    let cluster = resolve(&pgherd::blueprint::parse("blueprints/herd.hcl", &text).unwrap());
    let files = generate(&cluster);
    let found = provenance(&cluster, &files);
    assert_eq!(idle(&cluster, &files, &found), [""; 0], "decisions that change nothing in the files");
    assert_eq!(addresses(&files, &found), [""; 0], "addresses that no decision made");
    let unknown: Vec<String> =
        numbers(&files, &found).into_iter().filter(|line| !CONSTANTS.contains(&line.as_str())).collect();
    assert_eq!(unknown, [""; 0], "numbers that no decision made");
}

fn idle(cluster: &Cluster, files: &FileSet, found: &Provenance) -> Vec<String> {
    let mut at_work = BTreeSet::new();
    for (path, file) in files.iter() {
        for line in 1..=file.text.lines().count() {
            if let Maker::Decisions(made) = found.of(path.as_str(), line) {
                at_work.extend(made.iter().map(|decision| decision.name.as_str()));
            }
        }
    }
    cluster.decisions.iter().map(|d| d.name.clone()).filter(|name| !at_work.contains(name.as_str())).collect()
}

fn addresses(files: &FileSet, found: &Provenance) -> Vec<String> {
    let mut orphans = vec![];
    for (path, file) in files.iter() {
        for (line, text) in (1..).zip(file.text.lines()) {
            if text.contains("10.20.") && found.of(path.as_str(), line) == Maker::Template {
                orphans.push(format!("{path}:{line}: {text}"));
            }
        }
    }
    orphans
}

fn numbers(files: &FileSet, found: &Provenance) -> BTreeSet<String> {
    let digit = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let mut constant = BTreeSet::new();
    for path in ["db_config/patroni.yml", "load_balancer/haproxy.cfg", "machine/etcd.env"] {
        for (line, text) in (1..).zip(files.get(path).unwrap().text.lines()) {
            let number = text.split(|c: char| !c.is_ascii_alphanumeric()).any(digit);
            if number && !text.trim_start().starts_with('#') && found.of(path, line) == Maker::Template {
                constant.insert(text.trim().to_string());
            }
        }
    }
    constant
}
