//! The versions of the software of a cluster, as far as it reports them to its clients.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ground::Ground;
use crate::pipeline::{ClusterAccess, Expected};
use crate::run::observe::{HaproxyAddress, etcd, haproxy};
use crate::system::network;

/// The time limit for one answer.
const LIMIT: Duration = Duration::from_secs(5);

/// Returns the version of each software that reports one: etcd and HAProxy through the admin port, PostgreSQL by a statement. Patroni
/// reports none there.
pub fn versions(
    ground: &dyn Ground,
    expected: &Expected,
    access: &ClusterAccess,
    haproxies: &[HaproxyAddress],
    database: &str,
) -> BTreeMap<String, String> {
    let members: Vec<String> = expected.etcd_members().map(|machine| machine.name.clone()).collect();
    // The cluster is healthy, so the first one answers.
    let first = haproxies.first().map(|haproxy| haproxy.address);
    let statuses = first.map(|address| etcd::statuses(&access.admin, address, &members, LIMIT));
    let etcd = statuses.into_iter().flatten().find_map(Result::ok);
    let metrics = first.map(|address| network::http_get(&access.admin.url(address, "/metrics?scope=global"), LIMIT));
    let asked = expected.databases().next();
    let server = asked.and_then(|machine| ground.sql(&machine.name, database, "SHOW server_version").ok());
    let all = [
        ("PostgreSQL", server.map(|version| version.trim().to_string())),
        ("etcd", etcd.map(|status| status.version)),
        ("HAProxy", metrics.and_then(Result::ok).and_then(|answer| haproxy::version(&answer.body))),
    ];
    all.into_iter().filter_map(|(name, version)| Some((name.to_string(), version?))).collect()
}
